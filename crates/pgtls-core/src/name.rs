//! Does this certificate speak for this host? (spec 4)

use alloc::{string::String, vec::Vec};

/// Whose rules (spec 4.2, table by release).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum NameRules {
    /// PostgreSQL 8.4 to 9.4: the first commonName alone.
    Pg90,
    /// PostgreSQL 9.5 to 14: dNSName, else commonName.
    Pg95,
    /// PostgreSQL 15 and later.
    #[default]
    Pg15,
}

/// One subjectAltName entry, borrowed from the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerName<'a> {
    /// dNSName, raw bytes.
    Dns(&'a [u8]),
    /// iPAddress, raw octets.
    Ip(&'a [u8]),
    /// Any other type.
    Other,
}

/// The names a certificate presents, borrowed, in certificate order.
#[derive(Clone, Copy, Debug)]
pub struct PeerNames<'a> {
    /// subjectAltName entries.
    pub subject_alt_names: &'a [PeerName<'a>],
    /// First commonName of the subject: raw bytes of its value.
    pub common_name: Option<&'a [u8]>,
}

/// Proof that a name was matched; the matcher alone makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameVerified(());

/// The name that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedName<'a> {
    name: PeerName<'a>,
    from_common_name: bool,
}

impl<'a> MatchedName<'a> {
    /// The token for the negotiation machine.
    pub fn proof(&self) -> NameVerified {
        NameVerified(())
    }
    /// The entry.
    pub fn name(&self) -> PeerName<'a> {
        self.name
    }
    /// It was the commonName.
    pub fn from_common_name(&self) -> bool {
        self.from_common_name
    }
}

/// No match, or a name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostMismatch {
    /// No host to compare with (spec 4.1).
    NoHost,
    /// None of the names is the host.
    NoMatch {
        /// The host.
        host: String,
        /// Names examined, as printable text, at most a bounded number.
        examined: Vec<String>,
        /// How many were examined.
        count: usize,
    },
    /// A name contains a NUL byte.
    EmbeddedNul,
    /// An iPAddress of this length.
    AddressLength(usize),
}

/// Compares the host with the names (spec 4.2).
pub fn match_host<'a>(
    _host: Option<&str>,
    _names: &PeerNames<'a>,
    _rules: NameRules,
    _hardening: crate::hardening::Hardening,
) -> Result<MatchedName<'a>, HostMismatch> {
    todo!()
}
