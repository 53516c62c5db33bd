//! One cell of the matrix: what came of one sslmode at one server.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What came of a connection attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) enum Cell {
    /// Connected in clear.
    Plain {
        /// And a password went over the wire in clear.
        password: bool,
    },
    /// Connected inside TLS, nobody verified.
    Encrypted,
    /// Connected inside TLS, the chain verified.
    Ca,
    /// Connected inside TLS, chain and host name verified.
    Full,
    /// Not connected, for a reason of this class.
    Refused(String),
}

impl Cell {
    /// What a person reads; short enough for a column.
    pub(super) fn short(&self) -> String {
        match self {
            Self::Plain { password: false } => "PLAINTEXT".to_owned(),
            Self::Plain { password: true } => "PLAINTEXT *".to_owned(),
            Self::Encrypted => "encrypted".to_owned(),
            Self::Ca => "CA verified".to_owned(),
            Self::Full => "verified".to_owned(),
            Self::Refused(class) => format!("✗ {}", reason(class)),
        }
    }
}

/// Words of the file of expected outcomes.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain { password: false } => "plain",
            Self::Plain { password: true } => "plain+password",
            Self::Encrypted => "encrypted",
            Self::Ca => "ca",
            Self::Full => "full",
            Self::Refused(class) => return write!(f, "no:{class}"),
        })
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Some(class) = word.strip_prefix("no:") {
            return Ok(Self::Refused(class.to_owned()));
        }
        match word {
            "plain" => Ok(Self::Plain { password: false }),
            "plain+password" => Ok(Self::Plain { password: true }),
            "encrypted" => Ok(Self::Encrypted),
            "ca" => Ok(Self::Ca),
            "full" => Ok(Self::Full),
            _ => Err(format!("\"{word}\" is no outcome")),
        }
    }
}

impl TryFrom<String> for Cell {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Cell> for String {
    fn from(cell: Cell) -> Self {
        cell.to_string()
    }
}

/// The error class in the words of a column.
fn reason(class: &str) -> &str {
    match class {
        "missing-root-file" => "no root file",
        "server-no-ssl" => "no TLS",
        "server-error" => "turned away",
        "name-mismatch" => "wrong host",
        "chain-untrusted" => "not trusted",
        "wrong-purpose" => "wrong purpose",
        "unencrypted-data" => "extra bytes",
        "server-error-in-negotiation" => "error",
        "bad-reply" => "bad reply",
        "eof" => "cut off",
        other => other,
    }
}
