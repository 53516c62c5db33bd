//! Does this certificate speak for this host? The check of `sslmode=verify-full`.
//!
//! Whose rules: libpq's (`pq_verify_peer_name_matches_certificate` in `fe-secure-common.c` and
//! `pgtls_verify_peer_name_matches_certificate_guts` in `fe-secure-openssl.c`), not those of RFC 9525. libpq compares text
//! where the RFC compares labels, lets a wildcard match an address, and still knows the commonName.
//!
//! - Q: *Is the host an address or a name?* An address if `inet_aton` takes it (so `10`, `0x7f.1` and `1.2.3.4 x` are
//!   addresses) or `inet_pton` does for IPv6; a name otherwise. Which of the two it is decides only about the commonName:
//!   every dNSName is compared as text and every iPAddress as octets, whatever the host is.
//! - Q: *When does the commonName count?* When nothing matched and there is no subjectAltName of the host's own kind.
//! - Q: *What ends the search?* The first match, and the first name that cannot be used: one with a NUL byte in it
//!   (CVE-2009-4034), or an iPAddress that has neither 4 nor 16 octets. A match before it hides it.
//! - Q: *And `hostaddr`?* Never compared. Without a `host` there is nothing to compare with, which is an error.
//!
//! ```
//! use pgtls_core::{
//!     hardening::Hardening,
//!     name::{NameRules, PeerName, PeerNames, match_host},
//! };
//!
//! // `pgtls_x509::presented_names` reads them from a certificate.
//! let subject_alt_names = [PeerName::Dns(b"*.example.com"), PeerName::Ip(&[192, 0, 2, 1])];
//! let names = PeerNames { subject_alt_names: &subject_alt_names, common_name: None };
//!
//! let matched = |host| match_host(Some(host), &names, NameRules::default(), Hardening::NONE);
//! assert_eq!(matched("db.example.com")?.name(), subject_alt_names[0]);
//! assert_eq!(matched("192.0.2.1")?.name(), subject_alt_names[1]);
//! assert!(matched("a.db.example.com").is_err());
//! # Ok::<(), pgtls_core::name::HostMismatch>(())
//! ```

mod error;
mod inet;
#[cfg(test)]
mod tests;
mod text;

pub use error::{HostMismatch, MAX_NAME_SHOWN, MAX_NAMES_SHOWN, printable_address, printable_name};
pub use inet::{inet_aton, inet_pton_ipv6};

use crate::hardening::Hardening;
use core::{
    cell::OnceCell,
    iter,
    net::{Ipv4Addr, Ipv6Addr},
};
use text::{Verdict, compare_text};

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum NameRules {
    /// PostgreSQL 8.4 to 9.4: the first commonName alone.
    Pg90,
    /// PostgreSQL 9.5 to 14: every dNSName; the commonName if there is no dNSName; no iPAddress.
    Pg95,
    /// PostgreSQL 15 and later: every dNSName and iPAddress; the commonName if there is none of the host's own kind.
    #[default]
    Pg15,
}

impl NameRules {
    /// Every rule-set, the oldest first.
    pub const ALL: [Self; 3] = [Self::Pg90, Self::Pg95, Self::Pg15];
}

/// One entry of a subjectAltName, borrowed from the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerName<'a> {
    /// dNSName: the bytes as they are.
    Dns(&'a [u8]),
    /// iPAddress: the octets as they are.
    Ip(&'a [u8]),
    /// An entry of any other type; it is never compared.
    Other,
}

/// The names that a certificate presents, borrowed, in the certificate's order.
#[derive(Clone, Copy, Debug)]
pub struct PeerNames<'a> {
    /// The entries of the subjectAltName; empty if there is none.
    pub subject_alt_names: &'a [PeerName<'a>],
    /// The first commonName of the subject, in the order of the encoding: the bytes of its value whatever their string type.
    pub common_name: Option<&'a [u8]>,
}

/// Proof that a name was matched. Only a [`MatchedName`] gives it away, and only [`match_host`] makes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameVerified(());

/// The name of the certificate that is the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedName<'a> {
    name: PeerName<'a>,
    from_common_name: bool,
}

impl<'a> MatchedName<'a> {
    /// The proof, for the negotiation machine.
    pub fn proof(&self) -> NameVerified {
        NameVerified(())
    }

    /// The name; a commonName is [`PeerName::Dns`].
    pub fn name(&self) -> PeerName<'a> {
        self.name
    }

    /// It was the commonName.
    pub fn from_common_name(&self) -> bool {
        self.from_common_name
    }
}

/// Looks for the host among the names of a certificate. A success allocates nothing.
///
/// The chain has to be verified before: names of a certificate that nobody vouches for prove nothing.
///
/// # Errors
/// No name is the host's, or a name that cannot be used came first, or there is no host to compare with.
pub fn match_host<'a>(
    host: Option<&str>,
    names: &PeerNames<'a>,
    rules: NameRules,
    hardening: Hardening,
) -> Result<MatchedName<'a>, HostMismatch> {
    let Some(host) = host.filter(|host| !host.is_empty()) else { return Err(without_host(names, rules)) };
    // In libpq's C a host ends at its first NUL byte; here it would be compared, and `*.b` is not to match `a\0.b`.
    if host.bytes().any(|byte| byte == 0) {
        return Err(HostMismatch::NulInHost);
    }

    let host = Host::new(host, rules, hardening);
    for (name, from_common_name) in candidates(&host, names) {
        if host.is(name)? {
            return Ok(MatchedName { name, from_common_name });
        }
    }
    Err(HostMismatch::no_match(host.text, candidates(&host, names).map(|(name, _)| name)))
}

/// Up to PostgreSQL 9.4 the certificate was looked at before the host was missed.
fn without_host(names: &PeerNames<'_>, rules: NameRules) -> HostMismatch {
    match (rules, names.common_name) {
        (NameRules::Pg90, None) => HostMismatch::no_match("", iter::empty()),
        (NameRules::Pg90, Some(name)) if name.contains(&0) => HostMismatch::EmbeddedNul,
        (NameRules::Pg90, Some(_)) | (NameRules::Pg95 | NameRules::Pg15, _) => HostMismatch::NoHost,
    }
}

/// The host in every form in which it is compared.
struct Host<'h> {
    text: &'h str,
    /// Read when an address is asked for, which the certificate of a host with a name does not.
    addresses: OnceCell<Addresses>,
    wildcards: bool,
    rules: NameRules,
}

/// What a host says as an address.
struct Addresses {
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
}

impl<'h> Host<'h> {
    fn new(text: &'h str, rules: NameRules, hardening: Hardening) -> Self {
        let host = Self { text, addresses: OnceCell::new(), wildcards: true, rules };
        let forbidden = (hardening.no_wildcard_for_addresses && host.is_address())
            || (hardening.no_empty_labels && has_empty_label(text));
        Self { wildcards: !forbidden, ..host }
    }

    fn addresses(&self) -> &Addresses {
        let read = || Addresses { ipv4: inet_aton(self.text), ipv6: inet_pton_ipv6(self.text) };
        self.addresses.get_or_init(read)
    }

    fn is_address(&self) -> bool {
        let Addresses { ipv4, ipv6 } = self.addresses();
        ipv4.is_some() || ipv6.is_some()
    }

    /// Whether the name is this host's; an error if it cannot be used.
    fn is(&self, name: PeerName<'_>) -> Result<bool, HostMismatch> {
        match name {
            PeerName::Other => Ok(false),
            PeerName::Dns(text) => match compare_text(text, self.text.as_bytes(), self.wildcards) {
                Verdict::Match => Ok(true),
                Verdict::NoMatch => Ok(false),
                Verdict::EmbeddedNul => Err(HostMismatch::EmbeddedNul),
            },
            PeerName::Ip(octets) => {
                if let Ok(octets) = <[u8; 4]>::try_from(octets) {
                    Ok(self.addresses().ipv4 == Some(octets.into()))
                } else if let Ok(octets) = <[u8; 16]>::try_from(octets) {
                    Ok(self.addresses().ipv6 == Some(octets.into()))
                } else {
                    Err(HostMismatch::AddressLength(octets.len()))
                }
            }
        }
    }
}

/// The names that are compared, in order, and whether it is the commonName.
fn candidates<'a>(
    host: &Host<'_>,
    names: &PeerNames<'a>,
) -> impl Iterator<Item = (PeerName<'a>, bool)> + Clone {
    let rules = host.rules;
    let examined = move |name: &PeerName<'_>| match name {
        PeerName::Dns(_) => rules != NameRules::Pg90,
        PeerName::Ip(_) => rules == NameRules::Pg15,
        PeerName::Other => false,
    };
    let PeerNames { subject_alt_names, common_name } = *names;
    // A name of the kind looked for here rules the commonName out. Before PostgreSQL 15 that was a dNSName, even for an
    // address. Nobody asks when a subjectAltName is the host's.
    let has_own_kind = move || {
        let address = rules == NameRules::Pg15 && host.is_address();
        subject_alt_names.iter().filter(|name| examined(name)).any(|name| match name {
            PeerName::Dns(_) => !address,
            PeerName::Ip(_) => address,
            PeerName::Other => false,
        })
    };
    let common_name = iter::once(common_name).flatten().filter(move |_| !has_own_kind()).map(PeerName::Dns);
    let subject_alt_names = subject_alt_names.iter().copied().filter(examined);
    subject_alt_names.map(|name| (name, false)).chain(common_name.map(|name| (name, true)))
}

/// A label of no length, where the dot at the end of an absolute name makes none.
fn has_empty_label(host: &str) -> bool {
    host.starts_with('.') || host.contains("..")
}
