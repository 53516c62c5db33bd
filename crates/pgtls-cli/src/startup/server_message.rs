//! What a server's ErrorResponse says.

use crate::words::printable;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

/// The fields of an ErrorResponse that a person needs. They are the words of whoever answered: show them only when the
/// server is authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerMessage {
    /// SQLSTATE, five characters.
    pub(crate) sqlstate: [u8; 5],
    /// Severity.
    pub(crate) severity: String,
    /// The message itself.
    pub(crate) message: String,
    /// More about it.
    pub(crate) detail: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl ServerMessage {
    /// Reads the fields; `None` when they are malformed. A missing SQLSTATE is shown as five zeros.
    pub(super) fn new(mut fields: ErrorFields<'_>) -> Option<Self> {
        let mut message = Self { sqlstate: *b"00000", ..Self::default() };
        while let Some(field) = fields.next().ok()? {
            let text = || printable(&String::from_utf8_lossy(field.value_bytes()));
            match field.type_() {
                b'C' => message.sqlstate = sqlstate(field.value_bytes()),
                b'S' => message.severity = text(),
                b'M' => message.message = text(),
                b'D' => message.detail = Some(text()),
                b'H' => message.hint = Some(text()),
                _ => {}
            }
        }
        Some(message)
    }

    /// The SQLSTATE as text.
    pub(crate) fn code(&self) -> String {
        self.sqlstate.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// Five ASCII letters or digits; anything else is not a SQLSTATE.
fn sqlstate(bytes: &[u8]) -> [u8; 5] {
    match bytes.try_into() {
        Ok(code) if bytes.iter().all(u8::is_ascii_alphanumeric) => code,
        _ => *b"00000",
    }
}
