//! Keys and digests strong enough for the security level (OpenSSL: `check_key_level`, `check_auth_level`).

use super::{Chain, Checked, Context, Failure, SecurityLevel};
use crate::{
    certificate::{
        Certificate,
        algorithm::{Hash, SignatureAlgorithm},
    },
    verdict::Verdict,
};
use alloc::{format, string::String};

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

    /// What a key needs for that strength, in words.
    pub(crate) fn wanted_key(self) -> String {
        let (rsa, curve) = self.smallest_keys();
        format!("at least {rsa} bits (RSA) or {curve} bits (EC)")
    }

    /// The smallest keys of that strength, in bits: of RSA (NIST SP 800-57, part 1, table 2), and of a curve.
    fn smallest_keys(self) -> (u16, u16) {
        let rsa = match self.bits() {
            0 | 80 => 1024,
            112 => 2048,
            128 => 3072,
            192 => 7680,
            _ => 15_360,
        };
        (rsa, 2 * self.bits())
    }

    /// The shortest of the usual digests that is strong enough to sign with.
    fn smallest_digest(self) -> Hash {
        match self.bits() {
            0 | 80 | 112 => Hash::Sha224,
            128 => Hash::Sha256,
            192 => Hash::Sha384,
            _ => Hash::Sha512,
        }
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
        // The peer's own was strong enough before.
        check_key(context, certificate, depth, Verdict::CaKeyTooSmall)?;
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
    let level = context.options.security_level;
    let key = certificate.public_key;
    if key.security_bits() >= level.bits() {
        return Ok(());
    }
    let wanted = level.wanted_key();
    Err(Failure::new(verdict, depth).with(format!(
        "{}, where security level {} wants {wanted}",
        key.describe(),
        level.0
    )))
}

fn check_signature(context: &Context<'_>, certificate: &Certificate<'_>, depth: usize) -> Checked {
    let algorithm: SignatureAlgorithm = certificate.signature_algorithm;
    let level = context.options.security_level;
    if level.0 == 0 || algorithm.security_bits() >= level.bits() {
        return Ok(());
    }
    let wanted = level.smallest_digest().name();
    Err(Failure::new(Verdict::CaMdTooWeak, depth).with(format!(
        "{}, where security level {} wants {wanted} or longer",
        algorithm.describe(),
        level.0
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{curve::CURVES, public_key::PublicKey};

    #[test]
    fn what_a_level_is_said_to_want_is_what_it_takes() {
        let usual_digests = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
        for level in (1..=7).map(SecurityLevel) {
            let rsa = |bits: u16| PublicKey::Rsa { bits: bits.into() }.security_bits();
            let (smallest_rsa, smallest_curve) = level.smallest_keys();
            assert!(rsa(smallest_rsa) >= level.bits(), "{level:?}");
            // OpenSSL rounds its estimate, so that a modulus may be a seventh shorter.
            assert!(rsa(smallest_rsa - smallest_rsa / 6) < level.bits(), "{level:?}");
            for curve in &CURVES {
                let is_enough = curve.security_bits() >= level.bits();
                assert_eq!(is_enough, curve.order_bits >= smallest_curve, "{level:?} {}", curve.name);
            }
            for digest in usual_digests {
                let is_enough = digest.security_bits() >= level.bits();
                assert_eq!(
                    is_enough,
                    digest.length() >= level.smallest_digest().length(),
                    "{level:?} {digest:?}"
                );
            }
        }
    }
}
