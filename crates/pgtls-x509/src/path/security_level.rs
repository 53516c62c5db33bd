//! Keys and digests strong enough for the security level (OpenSSL: `check_key_level`, `check_auth_level`).

use super::{Chain, Checked, Context, Failure, SecurityLevel};
use crate::{
    certificate::{Certificate, algorithm::SignatureAlgorithm},
    verdict::Verdict,
};

impl SecurityLevel {
    /// Bits of strength that the level asks for; levels above 5 are 5.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self.0 {
            0 => 0,
            1 => 80,
            2 => 112,
            3 => 128,
            4 => 192,
            _ => 256,
        }
    }

    /// The smallest keys of that strength, in bits: of RSA (NIST SP 800-57, part 1, table 2), and of a curve.
    pub(crate) fn smallest_keys(self) -> (u16, u16) {
        let rsa = match self.bits() {
            0 => 0,
            80 => 1024,
            112 => 2048,
            128 => 3072,
            192 => 7680,
            _ => 15_360,
        };
        (rsa, 2 * self.bits())
    }
}

/// The peer's own key, before anything else.
pub(super) fn check_leaf(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    match chain.get(0) {
        Some(leaf) => check_key(context, leaf, 0, Verdict::EeKeyTooSmall),
        None => Ok(()),
    }
}

/// The keys of all CAs, and the digests of all signatures but the anchor's own.
pub(super) fn check_issuers(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    for (depth, certificate) in chain.links() {
        if depth > 0 {
            check_key(context, certificate, depth, Verdict::CaKeyTooSmall)?;
        }
        if depth < chain.last_depth() {
            check_signature(context, certificate, depth)?;
        }
    }
    Ok(())
}

fn check_key(
    context: &Context<'_>,
    certificate: &Certificate<'_>,
    depth: usize,
    verdict: Verdict,
) -> Checked {
    let wanted = context.options.security_level.bits();
    if certificate.public_key.security_bits() >= wanted {
        return Ok(());
    }
    Err(Failure::new(verdict, depth).with(certificate.public_key.describe()))
}

fn check_signature(context: &Context<'_>, certificate: &Certificate<'_>, depth: usize) -> Checked {
    let algorithm: SignatureAlgorithm = certificate.signature_algorithm;
    let level = context.options.security_level;
    if level.0 == 0 || algorithm.security_bits() >= level.bits() {
        return Ok(());
    }
    Err(Failure::new(Verdict::CaMdTooWeak, depth).with(algorithm.describe()))
}
