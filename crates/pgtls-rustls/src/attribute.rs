//! The attributes of a session, in libpq's names and words.
//!
//! | in C | in Rust |
//! |---|---|
//! | `PQsslInUse(conn)` | whether there are [`SessionFacts`] |
//! | `PQsslAttributeNames(NULL)` | [`ATTRIBUTES`] |
//! | `PQsslAttributeNames(conn)` | the same where there are facts, nothing without TLS |
//! | `PQsslAttribute(conn, name)` | [`SessionFacts::attribute`] |
//! | `PQsslAttribute(NULL, "library")` | [`LIBRARY`]; no other attribute is known without a connection |
//!
//! The forms are libpq's with OpenSSL (spec 11.3); only the library has another name.

use crate::facts::SessionFacts;

/// What [`SessionFacts::attribute`] knows, in libpq's order (libpq: `PQsslAttributeNames`).
pub const ATTRIBUTES: [&str; 6] = ["library", "key_bits", "cipher", "compression", "protocol", "alpn"];

/// The library that speaks TLS, with or without a connection. With libpq it is OpenSSL.
pub const LIBRARY: &str = "rustls";

impl SessionFacts {
    /// A fact by libpq's name for it (libpq: `PQsslAttribute`); `None` for a name that is not in [`ATTRIBUTES`].
    pub fn attribute(&self, name: &str) -> Option<String> {
        Some(match name {
            "library" => LIBRARY.to_owned(),
            "key_bits" => self.cipher.bits.to_string(),
            "cipher" => self.cipher.name.to_owned(),
            // No version of TLS that rustls speaks has any.
            "compression" => "off".to_owned(),
            "protocol" => self.protocol.to_owned(),
            "alpn" => self.alpn.clone().unwrap_or_default(),
            _ => return None,
        })
    }

    /// All of them (libpq: `PQsslAttribute` for each of `PQsslAttributeNames`).
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        ATTRIBUTES.iter().filter_map(|name| Some((*name, self.attribute(name)?)))
    }
}
