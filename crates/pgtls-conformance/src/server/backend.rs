//! The server's messages (PostgreSQL documentation, "Message Formats").

use super::answer::SqlState;

/// AuthenticationOk and the requests that the server makes, by their number.
pub(super) mod auth {
    pub(in crate::server) const OK: u32 = 0;
    pub(in crate::server) const CLEARTEXT_PASSWORD: u32 = 3;
    pub(in crate::server) const MD5_PASSWORD: u32 = 5;
    pub(in crate::server) const SASL: u32 = 10;
    pub(in crate::server) const SASL_CONTINUE: u32 = 11;
    pub(in crate::server) const SASL_FINAL: u32 = 12;
    /// No such request exists.
    pub(in crate::server) const NONE_SUCH: u32 = 99;
}

/// One message: type, length, body.
pub(super) fn message(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

/// ErrorResponse, severity FATAL.
pub(super) fn fatal(state: SqlState, text: &str) -> Vec<u8> {
    let field = |kind: u8, value: &[u8]| [&[kind], value, &[0]].concat();
    let fields = [
        field(b'S', b"FATAL"),
        field(b'V', b"FATAL"),
        field(b'C', state.as_bytes()),
        field(b'M', text.as_bytes()),
    ];
    message(b'E', [fields.concat(), vec![0]].concat())
}

/// An authentication request, or AuthenticationOk.
pub(super) fn authentication(number: u32, data: &[u8]) -> Vec<u8> {
    message(b'R', [&number.to_be_bytes(), data].concat())
}

/// Everything between AuthenticationOk and the end of ReadyForQuery.
pub(super) fn session(user: &str) -> Vec<u8> {
    let parameters = [
        ("server_version", "17.0"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, MDY"),
        ("IntervalStyle", "postgres"),
        ("TimeZone", "UTC"),
        ("integer_datetimes", "on"),
        ("standard_conforming_strings", "on"),
        ("is_superuser", "off"),
        ("in_hot_standby", "off"),
        ("default_transaction_read_only", "off"),
        ("session_authorization", user),
    ];
    let statuses = parameters.iter().flat_map(|(name, value)| message(b'S', format!("{name}\0{value}\0")));
    let process_and_key = message(b'K', [4242_u32.to_be_bytes(), 4242_u32.to_be_bytes()].concat());
    statuses.chain(process_and_key).chain(ready()).collect()
}

/// ReadyForQuery, outside any transaction.
pub(super) fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

/// RowDescription of one text column `c`.
pub(super) fn row_description() -> Vec<u8> {
    let mut body = 1_u16.to_be_bytes().to_vec();
    body.extend(b"c\0");
    body.extend([0; 6]); // no table, no column number
    body.extend(25_u32.to_be_bytes()); // type text
    body.extend((-1_i16).to_be_bytes()); // of variable length
    body.extend((-1_i32).to_be_bytes()); // without modifier
    body.extend([0; 2]); // text format
    message(b'T', body)
}

/// DataRow with `1`.
pub(super) fn data_row() -> Vec<u8> {
    message(b'D', [&1_u16.to_be_bytes()[..], &1_u32.to_be_bytes(), b"1"].concat())
}

/// CommandComplete.
pub(super) fn complete(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0"))
}

/// The answer to one message of a client that is logged in: enough for `psql -c ''`, and for drivers that ask for
/// something small when they connect. `None` for Terminate and for what no such client sends.
pub(super) fn reply(kind: u8, body: &[u8]) -> Option<Vec<u8>> {
    Some(match kind {
        b'Q' => [query(body), ready()].concat(),
        b'P' => message(b'1', []),
        b'B' => message(b'2', []),
        // Describe: of a statement the parameters too.
        b'D' if body.first() == Some(&b'S') => [message(b't', [0, 0]), row_description()].concat(),
        b'D' => row_description(),
        b'E' => [data_row(), complete("SELECT 1")].concat(),
        b'C' => message(b'3', []),
        b'S' => ready(),
        b'H' => Vec::new(),
        _ => return None,
    })
}

fn query(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body).trim_end_matches('\0').trim().to_ascii_uppercase();
    let verb = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match verb {
        "" => message(b'I', []),
        "SELECT" | "SHOW" => [row_description(), data_row(), complete("SELECT 1")].concat(),
        verb => complete(verb),
    }
}
