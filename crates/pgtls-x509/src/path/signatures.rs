//! Signatures, from the anchor downwards (OpenSSL: `internal_verify`). The anchor's own signature is not checked: it proves
//! nothing. Each certificate must be in date, the anchor too.

use super::{Chain, Checked, Context, Failure, fail, issuer::likely_issued, validity};
use crate::{
    alg_id as own_id,
    certificate::{
        Certificate,
        algorithm::{Hash, PssParameters, SignatureAlgorithm},
        extensions::key_usage,
        public_key::PublicKey,
    },
    rsa::{RsaPublicKey, rsa_public_key},
    verdict::Verdict,
};
use alloc::{boxed::Box, vec::Vec};
use once_cell::race::OnceBox;
use rustls_pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id};

pub(super) fn check(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    let Some(anchor) = chain.get(chain.last_depth()) else {
        return fail(Verdict::Unspecified, 0);
    };
    if likely_issued(anchor, anchor) {
        validity::check(context, chain.last_depth(), anchor)?;
    } else if chain.len() == 1 {
        return fail(Verdict::UnableToVerifyLeafSignature, 0);
    } else if anchor.is_self_signed_for_some_release() {
        // One release checks the dates of this anchor by trust settings, and another does not.
        validity::check(context, chain.last_depth(), anchor)?;
    }
    // The dates of an anchor by trust settings that somebody else issued are not checked.
    let mut issuer = anchor;
    for (depth, subject) in chain.links().rev().skip(1) {
        let issuer_depth = depth.saturating_add(1);
        if issuer.extensions.key_usage.is_some_and(|usage| usage & key_usage::KEY_CERT_SIGN == 0) {
            return fail(Verdict::KeyUsageNoCertSign, issuer_depth);
        }
        check_certificate(context, depth, subject, issuer)?;
        validity::check(context, depth, subject)?;
        issuer = subject;
    }
    Ok(())
}

fn check_certificate(
    context: &Context<'_>,
    depth: usize,
    subject: &Certificate<'_>,
    issuer: &Certificate<'_>,
) -> Checked {
    if !subject.algorithms_agree {
        return Err(Failure::new(Verdict::CertSignatureFailure, depth)
            .with("the algorithms named inside and beside the signed part differ"));
    }
    context.work.signature(subject.signed_part().len(), depth)?;
    let signed = Signed {
        algorithm: subject.signature_algorithm,
        message: subject.signed_part(),
        signature: subject.signature(),
        proved: None,
    };
    match signed.verify(context.options.algorithms, issuer) {
        Outcome::Good => Ok(()),
        Outcome::Bad => fail(Verdict::CertSignatureFailure, depth),
        Outcome::Unsupported => Err(Failure::new(Verdict::UnsupportedSignature, depth).with(alloc::format!(
            "{}, issuer's key {}",
            subject.signature_algorithm.describe(),
            issuer.public_key.describe()
        ))),
    }
}

/// Something signed: a certificate or a CRL.
pub(super) struct Signed<'a> {
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) message: &'a [u8],
    /// `None` when it cannot be one.
    pub(super) signature: Option<&'a [u8]>,
    /// Where it is kept that the signature was found good. For what is verified again and again: a CRL of some megabytes
    /// takes longer to hash than a handshake.
    pub(super) proved: Option<&'a Proved>,
}

/// What became of a signature.
pub(super) enum Outcome {
    Good,
    Bad,
    /// None of the algorithms handed in is for it.
    Unsupported,
}

impl Signed<'_> {
    /// Checks the signature with the issuer's key, by the one algorithm for key and signature.
    pub(super) fn verify(
        &self,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        issuer: &Certificate<'_>,
    ) -> Outcome {
        if !key_allows(issuer.public_key, self.algorithm) {
            return Outcome::Bad;
        }
        let Some(signature) = self.signature else {
            return Outcome::Bad;
        };
        let (Some(key_id), Some(signature_id)) =
            (issuer.public_key.provider_id(), provider_id(self.algorithm))
        else {
            return Outcome::Unsupported;
        };
        let Some(algorithm) = algorithms.iter().find(|algorithm| {
            algorithm.public_key_alg_id() == key_id && algorithm.signature_alg_id() == signature_id
        }) else {
            return Outcome::Unsupported;
        };
        // Providers refuse RSA keys outside their range as they refuse a bad signature, but they have not looked at it.
        if !is_in_providers_range(issuer) {
            return Outcome::Unsupported;
        }
        if self.is_proved_by(issuer) {
            return Outcome::Good;
        }
        let key = issuer.public_key_bits();
        match algorithm.verify_signature(key, self.message, signature) {
            Ok(()) => {
                if let Some(proved) = self.proved {
                    proved.keep(key_id, key);
                }
                Outcome::Good
            }
            Err(_) => Outcome::Bad,
        }
    }

    /// Whether it is kept that the signature is good by the issuer's key, so that [`Signed::verify`] does not hash the
    /// message.
    pub(super) fn is_proved_by(&self, issuer: &Certificate<'_>) -> bool {
        let (proved, key_id) = (self.proved, issuer.public_key.provider_id());
        let is_by = |(proved, id): (&Proved, _)| proved.is_by(id, issuer.public_key_bits());
        proved.zip(key_id).is_some_and(is_by)
    }
}

/// The first key by which a signature was found good. A peer that makes another key for the same signature, and is the first
/// to present it, gains no trust: the question is always about one key. With any other key the message is hashed again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proved(OnceBox<(AlgorithmIdentifier, Vec<u8>)>);

impl Proved {
    fn is_by(&self, key_id: AlgorithmIdentifier, key: &[u8]) -> bool {
        self.0.get().is_some_and(|(id, known)| *id == key_id && known == key)
    }

    fn keep(&self, key_id: AlgorithmIdentifier, key: &[u8]) {
        // Somebody else may have kept one meanwhile.
        let _ = self.0.set(Box::new((key_id, key.to_vec())));
    }
}

/// A key is for its own kind of signatures, and a restricted RSA-PSS key for its own parameters and no shorter salt.
fn key_allows(key: PublicKey, algorithm: SignatureAlgorithm) -> bool {
    match (key, algorithm) {
        (PublicKey::Rsa { .. }, SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss(_))
        | (PublicKey::RsaPss { restriction: None, .. }, SignatureAlgorithm::RsaPss(_))
        | (
            PublicKey::Ec(_) | PublicKey::EcExplicit,
            SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::EcdsaWithoutDigest,
        )
        | (PublicKey::Dsa { .. }, SignatureAlgorithm::Dsa(_))
        | (PublicKey::Ed25519, SignatureAlgorithm::Ed25519)
        | (PublicKey::Ed448, SignatureAlgorithm::Ed448) => true,
        (PublicKey::RsaPss { restriction: Some(only), .. }, SignatureAlgorithm::RsaPss(Some(used))) => {
            used.hash == only.hash && used.mask_hash == only.mask_hash && used.salt_length >= only.salt_length
        }
        _ => false,
    }
}

/// Whether crypto providers look at signatures of the key: RSA keys of 2,048 to 8,192 bits with an exponent of at most 33.
fn is_in_providers_range(issuer: &Certificate<'_>) -> bool {
    match issuer.public_key {
        PublicKey::Rsa { bits } | PublicKey::RsaPss { bits, .. } => {
            (2048..=8192).contains(&bits)
                && rsa_public_key(issuer.public_key_bits()).is_some_and(has_short_exponent)
        }
        _ => true,
    }
}

/// Whether the exponent is less than 2^33.
fn has_short_exponent(key: RsaPublicKey<'_>) -> bool {
    match key.exponent {
        [first, _, _, _, _] => *first <= 1,
        other => other.len() < 5,
    }
}

/// The identifier under which crypto providers know a signature algorithm. Whether RSA's parameters are NULL, as they should be, or left out
/// makes no difference to the signature.
fn provider_id(algorithm: SignatureAlgorithm) -> Option<AlgorithmIdentifier> {
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1(Hash::Sha1) => own_id::RSA_PKCS1_SHA1,
        SignatureAlgorithm::RsaPkcs1(Hash::Sha224) => own_id::RSA_PKCS1_SHA224,
        SignatureAlgorithm::RsaPkcs1(Hash::Sha256) => alg_id::RSA_PKCS1_SHA256,
        SignatureAlgorithm::RsaPkcs1(Hash::Sha384) => alg_id::RSA_PKCS1_SHA384,
        SignatureAlgorithm::RsaPkcs1(Hash::Sha512) => alg_id::RSA_PKCS1_SHA512,
        SignatureAlgorithm::Ecdsa(Hash::Sha1) => own_id::ECDSA_SHA1,
        SignatureAlgorithm::Ecdsa(Hash::Sha224) => own_id::ECDSA_SHA224,
        SignatureAlgorithm::Ecdsa(Hash::Sha256) => alg_id::ECDSA_SHA256,
        SignatureAlgorithm::Ecdsa(Hash::Sha384) => alg_id::ECDSA_SHA384,
        SignatureAlgorithm::Ecdsa(Hash::Sha512) => alg_id::ECDSA_SHA512,
        SignatureAlgorithm::Ed25519 => alg_id::ED25519,
        SignatureAlgorithm::Ed448 => alg_id::ED448,
        SignatureAlgorithm::RsaPss(Some(PssParameters { hash, mask_hash, salt_length }))
            if hash == mask_hash && salt_length == hash.length() =>
        {
            match hash {
                Hash::Sha256 => alg_id::RSA_PSS_SHA256,
                Hash::Sha384 => alg_id::RSA_PSS_SHA384,
                Hash::Sha512 => alg_id::RSA_PSS_SHA512,
                _ => return None,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use crate::{Purpose, SecurityLevel, TrustStore, Verdict, VerifyOptions, X509Error, verify_chain};
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData,
        SignatureAlgorithm, SigningKey,
    };
    use rustls_pki_types::UnixTime;
    use std::vec::Vec;

    /// An RSA key of 2,048 bits with this exponent. Its signatures are no good.
    struct Rsa(Vec<u8>);

    impl Rsa {
        fn new(exponent: &[u8]) -> Self {
            let length = |length: usize| u8::try_from(length).unwrap();
            let modulus = [&[2, 0x82, 1, 1, 0][..], &[0xff; 256]].concat();
            let exponent = [&[2, length(exponent.len())], exponent].concat();
            // The high byte of the length stands for 256 of them.
            let rest = length(modulus.len() + exponent.len() - 256);
            Self([&[0x30, 0x82, 1, rest][..], &modulus, &exponent].concat())
        }
    }

    impl PublicKeyData for Rsa {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }
        fn algorithm(&self) -> &'static SignatureAlgorithm {
            &PKCS_RSA_SHA256
        }
    }

    impl SigningKey for Rsa {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
            Ok([1; 256].to_vec())
        }
    }

    #[test]
    fn a_key_that_providers_do_not_look_at_is_unsupported() {
        let verdict = |exponent: &[u8]| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = Rsa::new(exponent);
            let root = params.self_signed(&key).unwrap();
            let issuer = Issuer::new(params, key);
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "db.test");
            let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
            let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_750_000_000));
            let algorithms =
                rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
            let options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, algorithms);
            let trust = TrustStore::from_der([&root.der()[..]]);
            match verify_chain(leaf.der(), &[], &trust, None, &options) {
                Err(X509Error::Path(error)) => error.verdict,
                other => unreachable!("{other:?}"),
            }
        };
        for short in [&[3][..], &[1, 0, 1], &[0, 0xff, 0xff, 0xff, 0xff], &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(verdict(short), Verdict::CertSignatureFailure, "{short:?}");
        }
        for long in [&[2, 0, 0, 0, 1][..], &[1, 0, 0, 0, 0, 1]] {
            assert_eq!(verdict(long), Verdict::UnsupportedSignature, "{long:?}");
        }
    }
}
