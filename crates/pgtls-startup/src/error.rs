//! Errors of the startup exchange, with libpq's sentences.

use alloc::{borrow::ToOwned, string::String};
use core::{error::Error, fmt};
use pgtls_core::{
    role::WrongRole,
    startup::{NO_SQLSTATE, ProtocolViolation, Refusal, printable_character},
};

/// The longest text of a server's error, in bytes (libpq: `MAX_ERRLEN`).
const MAX_ERROR_TEXT: usize = 30_000;

/// The reason why a startup exchange did not lead to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The server sent an ErrorResponse.
    Server {
        /// The error.
        error: ServerError,
        /// It came after AuthenticationOk.
        after_authentication: bool,
    },
    /// The client refused to go on.
    Refused(Refusal),
    /// SCRAM failed on the client's side.
    Scram(ScramError),
    /// The connection ended, or a message made no sense.
    Broken(ProtocolViolation),
    /// The server does not have the role that `target_session_attrs` demands.
    WrongRole(WrongRole),
    /// The server reported more than [`MAX_PARAMETERS`](crate::MAX_PARAMETERS) bytes of parameters.
    TooManyParameters,
}

impl From<Refusal> for ExchangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ScramError> for ExchangeError {
    fn from(error: ScramError) -> Self {
        Self::Scram(error)
    }
}

impl From<WrongRole> for ExchangeError {
    fn from(role: WrongRole) -> Self {
        Self::WrongRole(role)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { error, .. } => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Scram(error) => error.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
            Self::WrongRole(role) => role.fmt(f),
            Self::TooManyParameters => write!(
                f,
                "server reported more than {} bytes of parameters during startup",
                crate::MAX_PARAMETERS
            ),
        }
    }
}

impl Error for ExchangeError {}

/// The reason why SASL authentication failed on the client's side (libpq: `pg_SASL_init`, `pg_SASL_continue`,
/// `scram_exchange`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScramError {
    /// A message without content.
    EmptyMessage,
    /// A message with a zero byte.
    LengthMismatch,
    /// Another attribute than this one, which comes next.
    AttributeExpected(char),
    /// This attribute is not followed by `=`.
    EqualsExpected(char),
    /// The server's nonce does not begin with the client's.
    NonceMismatch,
    /// The salt is not base64.
    InvalidSalt,
    /// The number of iterations is no integer from 1 to 2³¹−1.
    InvalidIterationCount,
    /// The server's signature is not base64 of 32 bytes.
    InvalidServerSignature,
    /// The server does not know the password.
    IncorrectServerSignature,
    /// The server ended SCRAM with an error (RFC 5802, `server-error`), without control characters. It has not proved that it
    /// knows the password.
    Server(String),
    /// A second request to begin.
    Duplicate,
    /// A SASL message before the request to begin.
    NotStarted,
    /// A SASL message after the server's signature.
    InvalidState,
    /// AuthenticationSASLFinal before the server's signature was due.
    NotCompleted,
    /// AuthenticationOk before the server's signature.
    NotProven,
    /// The signature of the server's certificate has no hash that the channel binding could use (Ed25519).
    BindingUndefined,
    /// `scram_client_key` is set, and neither `scram_server_key` nor a password to check the server's signature with.
    NoServerKey,
}

impl fmt::Display for ScramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::AttributeExpected(name) => {
                return write!(f, "malformed SCRAM message (attribute \"{name}\" expected)");
            }
            Self::EqualsExpected(name) => {
                return write!(
                    f,
                    "malformed SCRAM message (expected character \"=\" for attribute \"{name}\")"
                );
            }
            Self::Server(text) => {
                return write!(f, "error received from server in SCRAM exchange: {text}");
            }
            Self::EmptyMessage => "malformed SCRAM message (empty message)",
            Self::LengthMismatch => "malformed SCRAM message (length mismatch)",
            Self::NonceMismatch => "invalid SCRAM response (nonce mismatch)",
            Self::InvalidSalt => "malformed SCRAM message (invalid salt)",
            Self::InvalidIterationCount => "malformed SCRAM message (invalid iteration count)",
            Self::InvalidServerSignature => "malformed SCRAM message (invalid server signature)",
            Self::IncorrectServerSignature => {
                "incorrect server signature; the server has not proved that it knows the password"
            }
            Self::Duplicate => "duplicate SASL authentication request",
            Self::NotStarted => {
                "fe_sendauth: invalid authentication request from server: AUTH_REQ_SASL_CONT without AUTH_REQ_SASL"
            }
            Self::InvalidState => "invalid SCRAM exchange state",
            Self::NotCompleted => {
                "AuthenticationSASLFinal received from server, but SASL authentication was not completed"
            }
            Self::NotProven => {
                "AuthenticationOk received from server, but SASL authentication was not completed; the server has not proved that it knows the password"
            }
            Self::BindingUndefined => {
                "could not find digest for NID UNDEF; no channel binding is defined for the signature of the server's certificate, and channel_binding=disable goes without"
            }
            Self::NoServerKey => {
                "incorrect server signature; scram_client_key needs scram_server_key beside it to verify the server"
            }
        };
        f.write_str(sentence)
    }
}

impl Error for ScramError {}

/// An ErrorResponse of the server. `Display` prints it as psql does: severity and message, then lines of DETAIL and HINT (libpq:
/// `pqBuildErrorMessage3`).
///
/// Control characters are replaced by spaces, and the texts together have at most 30,000 bytes. They are as trustworthy as the
/// connection on which they came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// SQLSTATE: five ASCII letters or digits; `00000` if the server sent none.
    pub sqlstate: [u8; 5],
    /// The severity, in the language of the server: `FATAL`.
    pub severity: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// A suggestion.
    pub hint: Option<String>,
}

impl ServerError {
    /// Reads the body of an ErrorResponse or NoticeResponse: fields of a code and a string, up to a zero (libpq:
    /// `pqGetErrorNotice3`). `None` if it is malformed.
    pub fn parse(body: &[u8]) -> Option<Self> {
        Self::parse_beginning(body, false)
    }

    /// A body that was `cut` may end anywhere.
    pub(crate) fn parse_beginning(mut fields: &[u8], cut: bool) -> Option<Self> {
        let mut error = Self {
            sqlstate: NO_SQLSTATE,
            severity: String::new(),
            message: String::new(),
            detail: None,
            hint: None,
        };
        let mut room = MAX_ERROR_TEXT;
        loop {
            let (code, rest) = match fields.split_first() {
                Some((0, [])) => return Some(error),
                Some((0, _)) => return None,
                Some((code, rest)) => (*code, rest),
                None => return cut.then_some(error),
            };
            let value;
            (value, fields) = match string(rest) {
                Some(parts) => parts,
                None if cut => (rest, &[][..]),
                None => return None,
            };
            match code {
                b'C' => error.sqlstate = sqlstate(value),
                b'S' => error.severity = printable(value, &mut room),
                b'M' => error.message = printable(value, &mut room),
                b'D' => error.detail = Some(printable(value, &mut room)),
                b'H' => error.hint = Some(printable(value, &mut room)),
                _ => {}
            }
        }
    }

    /// The SQLSTATE as text.
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.sqlstate).unwrap_or("00000")
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:  {}", self.severity, self.message)?;
        for (name, text) in [("DETAIL", &self.detail), ("HINT", &self.hint)] {
            if let Some(text) = text {
                write!(f, "\n{name}:  {text}")?;
            }
        }
        Ok(())
    }
}

impl Error for ServerError {}

/// The string in front, and the bytes after its zero.
pub(crate) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((text, rest.get(1..)?))
}

/// The text of a server with spaces for control characters, as long as there is room for it.
pub(crate) fn printable(bytes: &[u8], room: &mut usize) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        let Some(left) = room.checked_sub(c.len_utf8()) else { break };
        *room = left;
        text.push(printable_character(c));
    }
    text
}

/// The text of a server that stands alone.
pub(crate) fn printable_alone(bytes: &[u8]) -> String {
    printable(bytes, &mut MAX_ERROR_TEXT.to_owned())
}

/// Five ASCII letters or digits; anything else is not a SQLSTATE.
fn sqlstate(bytes: &[u8]) -> [u8; 5] {
    match bytes.try_into() {
        Ok(code) if bytes.iter().all(u8::is_ascii_alphanumeric) => code,
        _ => NO_SQLSTATE,
    }
}
