//! What words take after a colon: `byte:0x00`, `error:57P03`.

use super::UnknownKeyword;
use core::fmt;
use std::str::FromStr;

/// One byte: itself when it is a visible ASCII character, else `0x00` to `0xff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte(pub u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() {
            write!(f, "{}", char::from(self.0))
        } else {
            write!(f, "{:#04x}", self.0)
        }
    }
}

impl FromStr for Byte {
    type Err = UnknownKeyword;
    fn from_str(text: &str) -> Result<Self, UnknownKeyword> {
        let unknown = || UnknownKeyword {
            what: "a byte",
            word: text.to_owned(),
            known: &["one ASCII character", "0x00 to 0xff"],
        };
        match (text.as_bytes(), text.strip_prefix("0x")) {
            ([one], _) => Ok(Self(*one)),
            (_, Some(digits)) => u8::from_str_radix(digits, 16).map(Self).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

/// An SQLSTATE: five upper-case letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// `invalid_authorization_specification`, what PostgreSQL says when no line of pg_hba.conf fits.
    pub const INVALID_AUTHORIZATION: Self = Self(*b"28000");
    /// `invalid_password`.
    pub const INVALID_PASSWORD: Self = Self(*b"28P01");
    /// `invalid_catalog_name`: no such database.
    pub const INVALID_CATALOG: Self = Self(*b"3D000");
    /// `too_many_connections`.
    pub const TOO_MANY_CONNECTIONS: Self = Self(*b"53300");
    /// `protocol_violation`.
    pub const PROTOCOL_VIOLATION: Self = Self(*b"08P01");
    /// `feature_not_supported`.
    pub const NOT_SUPPORTED: Self = Self(*b"0A000");

    /// The five characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

impl FromStr for SqlState {
    type Err = UnknownKeyword;
    fn from_str(text: &str) -> Result<Self, UnknownKeyword> {
        let known =
            |bytes: &[u8; 5]| bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        text.as_bytes().try_into().ok().filter(known).map(Self).ok_or_else(|| UnknownKeyword {
            what: "an SQLSTATE",
            word: text.to_owned(),
            known: &["five upper-case letters and digits"],
        })
    }
}
