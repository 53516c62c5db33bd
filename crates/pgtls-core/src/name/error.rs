//! Why a certificate does not speak for a host, in libpq's terms and fit to be printed.
//!
//! The text of a certificate is chosen by whoever asked for it. What is kept of it here is bounded and has no control
//! characters left.

use super::PeerName;
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt::{self, Write},
    net::{Ipv4Addr, Ipv6Addr},
};

/// How many of the names examined are kept to be shown.
pub const MAX_NAMES_SHOWN: usize = 16;

/// How many characters of a name are kept to be shown. No DNS name has more than 253.
pub const MAX_NAME_SHOWN: usize = 256;

/// No name of the certificate is the host's, or one of them cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostMismatch {
    /// There is no host to compare with: only `hostaddr` was given, or nothing.
    NoHost,
    /// The host contains a NUL byte.
    NulInHost,
    /// None of the names is the host's.
    NoMatch {
        /// The host.
        host: String,
        /// The names examined as printable text, at most [`MAX_NAMES_SHOWN`].
        examined: Vec<String>,
        /// How many names were examined; 0 when the certificate has none that counts.
        count: usize,
    },
    /// A name contains a NUL byte.
    EmbeddedNul,
    /// An iPAddress has this many octets, neither 4 nor 16.
    AddressLength(usize),
}

impl HostMismatch {
    pub(super) fn no_match<'a, I>(host: &str, examined: I) -> Self
    where
        I: Iterator<Item = PeerName<'a>> + Clone,
    {
        Self::NoMatch {
            host: host.to_owned(),
            count: examined.clone().count(),
            examined: examined.take(MAX_NAMES_SHOWN).map(printable_name).collect(),
        }
    }
}

impl fmt::Display for HostMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str(
                "host name must be specified to verify the server certificate; hostaddr is not compared with it",
            ),
            Self::NulInHost => f.write_str("host name contains a NUL byte"),
            Self::NoMatch { host, examined, count } => {
                let host = Escaped { text: host.as_bytes(), most: usize::MAX };
                let Some(first) = examined.first() else {
                    return f.write_str(
                        "could not get server's host name from server certificate: it has no name that counts",
                    );
                };
                write!(f, "server certificate for \"{first}\"")?;
                match count.saturating_sub(1) {
                    0 => {}
                    1 => f.write_str(" (and 1 other name)")?,
                    others => write!(f, " (and {others} other names)")?,
                }
                write!(f, " does not match host name \"{host}\"")
            }
            Self::EmbeddedNul => f.write_str("a name in the server certificate contains an embedded null byte"),
            Self::AddressLength(octets) => {
                write!(f, "server certificate contains an IP address with invalid length {octets}, not 4 or 16")
            }
        }
    }
}

impl core::error::Error for HostMismatch {}

/// A name as text that is safe to print: an address in its canonical form, anything else with control characters,
/// quotes and bytes that are not UTF-8 escaped, and cut after [`MAX_NAME_SHOWN`] characters.
pub fn printable_name(name: PeerName<'_>) -> String {
    match name {
        PeerName::Dns(text) => Escaped { text, most: MAX_NAME_SHOWN }.to_string(),
        PeerName::Ip(octets) => printable_address(octets),
        PeerName::Other => String::new(),
    }
}

/// The octets of an iPAddress as libpq prints them (libpq: `pg_inet_net_ntop`): `192.0.2.1`, `2001:db8::a`,
/// `::ffff:1.2.3.4`, `::1.2.3.4`. Octets of any other number are shown in hexadecimal.
pub fn printable_address(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ipv4Addr::from(octets).to_string();
    }
    let Ok(octets) = <[u8; 16]>::try_from(octets) else {
        let mut text = String::from("#");
        for octet in octets.iter().take(MAX_NAME_SHOWN / 2) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{octet:02x}");
        }
        return text;
    };
    match (Ipv6Addr::from(octets).segments(), octets) {
        // `::1.2.3.4`, which Rust prints as groups. `::1` and `::` have a zero before the last group and stay.
        ([0, 0, 0, 0, 0, 0, seventh, _], [.., a, b, c, d]) if seventh != 0 => {
            ["::", &Ipv4Addr::new(a, b, c, d).to_string()].concat()
        }
        (segments, _) => Ipv6Addr::from(segments).to_string(),
    }
}

/// Text of unknown origin, made safe to print.
struct Escaped<'a> {
    text: &'a [u8],
    most: usize,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = self.most;
        for chunk in self.text.utf8_chunks() {
            for character in chunk.valid().chars() {
                let Some(rest) = room.checked_sub(1) else { return f.write_str("...") };
                room = rest;
                if is_plain(character) {
                    f.write_char(character)?;
                } else {
                    write!(f, "{}", character.escape_unicode())?;
                }
            }
            for byte in chunk.invalid() {
                let Some(rest) = room.checked_sub(1) else { return f.write_str("...") };
                room = rest;
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A character that neither moves the cursor, nor turns the direction of writing, nor ends the quotation.
fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '"' | '\\')
        // Line and paragraph separators, and the marks that reorder or hide the text around them.
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
