//! The algorithms that verify signatures: a crypto provider's, and those beside them that OpenSSL has and it lacks.

use crate::{
    curves::{self, EcdsaAlgorithm},
    pss::{self, OnPssKey},
    rsa::{self, RsaAlgorithm},
};
use rustls::{
    SignatureScheme,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id},
};

/// The algorithms that verify signatures.
///
/// A provider is completed beside what it has, never beyond: P-521 where it has P-384, the other hashes on a curve that it
/// has, RSA keys of other sizes. A program that has taken all of a kind out of its provider does not get it back, and a
/// provider in FIPS mode is left as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Algorithms {
    provider: WebPkiSupportedAlgorithms,
    is_completed: bool,
}

/// An algorithm for one scheme of handshakes.
#[derive(Debug)]
pub(crate) enum HandshakeAlgorithm {
    Provided(&'static dyn SignatureVerificationAlgorithm),
    Rsa(RsaAlgorithm),
    RsaPss(OnPssKey),
}

impl HandshakeAlgorithm {
    /// The algorithm behind its trait.
    pub(crate) fn as_dyn(&self) -> &dyn SignatureVerificationAlgorithm {
        match self {
            Self::Provided(algorithm) => *algorithm,
            Self::Rsa(algorithm) => algorithm,
            Self::RsaPss(algorithm) => algorithm,
        }
    }

    /// Whether the algorithm verifies any signature with this key, which is of its kind; else none can be good.
    pub(crate) fn takes_key(&self, key: &[u8]) -> bool {
        match self {
            Self::Provided(_) => true,
            Self::Rsa(algorithm) => algorithm.takes_key(key),
            Self::RsaPss(algorithm) => algorithm.0.takes_key(key),
        }
    }

    /// Whether a signature of the algorithm can be made with the private key of this public key, which is of its kind.
    pub(crate) fn has_room(&self, key: &[u8]) -> bool {
        match self {
            Self::Provided(_) => true,
            Self::Rsa(algorithm) => algorithm.has_room(key),
            Self::RsaPss(algorithm) => algorithm.0.has_room(key),
        }
    }
}

impl Algorithms {
    /// The algorithms of a provider, completed.
    pub(crate) fn new(provider: &CryptoProvider) -> Self {
        Self { provider: provider.signature_verification_algorithms, is_completed: !provider.fips() }
    }

    /// The algorithms for certificates and CRLs.
    pub(crate) fn for_chains(&self) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
        let rsa = rsa::CHAIN_ALGORITHMS.iter().filter(|algorithm| {
            self.is_completed
                && self.has(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256)
                && !self.has(algorithm.public_key_alg_id(), algorithm.signature_alg_id())
        });
        let missing = self.missing().map(|missing| missing as _).chain(rsa.map(|missing| missing as _));
        self.provider.all.iter().copied().chain(missing).collect()
    }

    /// The schemes of handshakes, in order of preference: ECDSA first, as OpenSSL and rustls prefer it.
    pub(crate) fn schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.provider.supported_schemes();
        let ecdsa = schemes.iter().rposition(|scheme| curves::SCHEMES.contains(scheme));
        let end_of_ecdsa = ecdsa.map_or(0, |last| last.saturating_add(1));
        let missing = curves::SCHEMES.into_iter().filter(|scheme| !schemes.contains(scheme));
        let missing: Vec<_> = missing.filter(|scheme| self.of_scheme(*scheme).next().is_some()).collect();
        schemes.splice(end_of_ecdsa..end_of_ecdsa, missing);
        schemes.extend(pss::schemes().filter(|scheme| self.of_scheme(*scheme).next().is_some()));
        schemes
    }

    /// The algorithms of a scheme, that for TLS 1.3 first. In TLS 1.2 a scheme stands for several, of which the one for the
    /// key is used.
    pub(crate) fn of_scheme(&self, scheme: SignatureScheme) -> impl Iterator<Item = HandshakeAlgorithm> {
        let pss = pss::find(scheme).into_iter().filter_map(|pss| {
            let inner = self.provided(pss.same_signature).next().copied();
            let inner = inner.and_then(|provided| RsaAlgorithm::new(pss.same_signature, provided));
            inner.map(|inner| HandshakeAlgorithm::RsaPss(OnPssKey(inner)))
        });
        let provided = self.provided(scheme).map(move |&provided| {
            let rsa = RsaAlgorithm::new(scheme, provided).map(HandshakeAlgorithm::Rsa);
            rsa.unwrap_or(HandshakeAlgorithm::Provided(provided))
        });
        let missing = self.missing().filter(move |missing| missing.scheme == Some(scheme));
        pss.chain(provided).chain(missing.map(|missing| HandshakeAlgorithm::Provided(missing)))
    }

    fn provided(
        &self,
        scheme: SignatureScheme,
    ) -> impl Iterator<Item = &'static &'static dyn SignatureVerificationAlgorithm> + use<> {
        let mapped = self.provider.mapping.iter().find(|(mapped, _)| *mapped == scheme);
        mapped.into_iter().flat_map(|(_, provided)| *provided)
    }

    /// The algorithms on curves that the provider lacks beside those that it has.
    fn missing(&self) -> impl Iterator<Item = &'static EcdsaAlgorithm> + '_ {
        let complete = curves::ALGORITHMS.iter().filter(|_| self.is_completed);
        complete.filter(move |algorithm| {
            let (key, signature) = algorithm.beside();
            self.has(key, signature) && !self.has(algorithm.public_key_alg_id(), algorithm.signature_alg_id())
        })
    }

    /// Whether the provider has an algorithm for this kind of key and this kind of signature.
    fn has(&self, key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> bool {
        let all = self.provider.all;
        all.iter().any(|had| had.public_key_alg_id() == key && had.signature_alg_id() == signature)
    }
}

/// The algorithms with which a connection verifies certificates and CRLs: the provider's, and those beside them that OpenSSL has
/// (P-521, every hash on each curve, SHA-1 and SHA-224, which count where the security level lets them).
pub fn chain_algorithms(provider: &CryptoProvider) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    Algorithms::new(provider).for_chains()
}

#[cfg(test)]
#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;
    use rustls::{
        crypto::{aws_lc_rs, ring},
        pki_types::{
            AlgorithmIdentifier,
            alg_id::{self, ML_DSA_44, ML_DSA_65, ML_DSA_87},
        },
    };

    /// The algorithms of a key and of a signature.
    type Ids = (AlgorithmIdentifier, AlgorithmIdentifier);

    fn ids(algorithm: &dyn SignatureVerificationAlgorithm) -> Ids {
        (algorithm.public_key_alg_id(), algorithm.signature_alg_id())
    }

    /// Algorithms of aws-lc-rs that have no counterpart beside ring.
    fn is_post_quantum((key, _): &Ids) -> bool {
        [ML_DSA_44, ML_DSA_65, ML_DSA_87].contains(key)
    }

    fn of_chains(algorithms: &Algorithms) -> Vec<Ids> {
        let mut all: Vec<_> = algorithms.for_chains().into_iter().map(ids).collect();
        all.sort_by_key(|(key, signature)| (key.to_vec(), signature.to_vec()));
        all
    }

    /// For each scheme, in order, the algorithm of TLS 1.3 and those of TLS 1.2.
    fn of_handshakes(algorithms: &Algorithms) -> Vec<(SignatureScheme, Vec<Ids>)> {
        let of_scheme = |scheme| {
            let mut all: Vec<_> =
                algorithms.of_scheme(scheme).map(|algorithm| ids(algorithm.as_dyn())).collect();
            all[1..].sort_by_key(|(key, _)| key.to_vec());
            (scheme, all)
        };
        algorithms.schemes().into_iter().map(of_scheme).collect()
    }

    #[test]
    fn providers_verify_alike() {
        let (aws, ring) = (aws_lc_rs::default_provider(), ring::default_provider());
        let (aws, ring) = (Algorithms::new(&aws), Algorithms::new(&ring));
        assert_eq!((aws.missing().count(), ring.missing().count()), (6, 11));

        let mut classical = of_chains(&aws);
        classical.retain(|ids| !is_post_quantum(ids));
        assert_eq!(classical.len() + 3, aws.for_chains().len());
        assert_eq!(of_chains(&ring), classical);
        let mut classical = of_handshakes(&aws);
        classical.retain(|(_, all)| !all.iter().any(is_post_quantum));
        assert_eq!(of_handshakes(&ring), classical);
        // Each scheme of OpenSSL's default list that is not of Ed448, brainpool or SHA-224.
        assert_eq!(classical.len(), 13);
    }

    #[test]
    fn an_algorithm_that_a_program_has_taken_out_stays_out() {
        let mut provider = ring::default_provider();
        let all = provider.signature_verification_algorithms.all.iter().copied();
        // No P-384: no P-521 either, but P-256 with every hash.
        let kept: Vec<_> = all.filter(|had| had.public_key_alg_id() != alg_id::ECDSA_P384).collect();
        provider.signature_verification_algorithms =
            WebPkiSupportedAlgorithms { all: kept.leak(), mapping: &[] };
        let completed = Algorithms::new(&provider);
        let with_curve = |curve| of_chains(&completed).iter().filter(|(key, _)| *key == curve).count();
        assert_eq!(with_curve(alg_id::ECDSA_P256), 5);
        assert_eq!(with_curve(alg_id::ECDSA_P384) + with_curve(alg_id::ECDSA_P521), 0);
        // No RSA in handshakes.
        assert!(completed.schemes().iter().all(|scheme| curves::SCHEMES.contains(scheme)));
    }
}
