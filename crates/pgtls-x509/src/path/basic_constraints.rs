//! Who is a CA (OpenSSL: `check_ca`), and how many CAs may stand below it.

use super::{Chain, Checked, fail};
use crate::{
    certificate::{
        Certificate,
        extensions::{key_usage, netscape},
    },
    verdict::Verdict,
};

/// What makes a certificate a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaKind {
    NotACa,
    /// basicConstraints says so.
    BasicConstraints,
    /// Self-signed X.509 v1 without basicConstraints.
    SelfSignedV1,
    /// No basicConstraints, but a key usage with keyCertSign.
    KeyUsage,
    /// No basicConstraints, but a Netscape type that is a CA's.
    Netscape,
}

pub(super) fn ca_kind(certificate: &Certificate<'_>) -> CaKind {
    let extensions = &certificate.extensions;
    if extensions.invalid.is_some() {
        return CaKind::NotACa;
    }
    if extensions.key_usage.is_some_and(|usage| usage & key_usage::KEY_CERT_SIGN == 0) {
        return CaKind::NotACa;
    }
    if extensions.has_basic_constraints {
        return if extensions.is_ca { CaKind::BasicConstraints } else { CaKind::NotACa };
    }
    if certificate.version == 1 && certificate.self_signed {
        CaKind::SelfSignedV1
    } else if extensions.key_usage.is_some() {
        CaKind::KeyUsage
    } else if extensions.netscape_type.is_some_and(|kind| kind & netscape::ANY_CA != 0) {
        CaKind::Netscape
    } else {
        CaKind::NotACa
    }
}

/// Every certificate but the peer's must be a CA; an intermediate by its basicConstraints, the anchor by any of the signs.
pub(super) fn check(chain: &Chain<'_>, depth: usize, certificate: &Certificate<'_>) -> Checked {
    let is_anchor = depth == chain.last_depth();
    match ca_kind(certificate) {
        _ if depth == 0 => Ok(()),
        CaKind::BasicConstraints => Ok(()),
        CaKind::SelfSignedV1 | CaKind::KeyUsage | CaKind::Netscape if is_anchor => Ok(()),
        _ => fail(Verdict::InvalidCa, depth),
    }
}

/// `below` is the number of CAs between this certificate and the peer's that are not self-issued. OpenSSL does not ask the
/// peer's certificate nor the one above it, which cannot have too many below.
pub(super) fn check_path_length(depth: usize, certificate: &Certificate<'_>, below: u64) -> Checked {
    match certificate.extensions.path_length {
        Some(allowed) if depth > 1 && below > allowed => fail(Verdict::PathLengthExceeded, depth),
        _ => Ok(()),
    }
}
