//! Signatures that were found good, kept so that a server's certificate is not proved again for every session.
//!
//! Whether a signature is good depends on key, message, signature and algorithm alone. Nothing else is kept: whether the
//! key may be trusted, whether the certificate is in date, revoked, strong enough or for this host is asked each time.
//! The signatures of certificates are checked from the root downwards, each with a key that is proved by then. Short CRLs of
//! our own files are checked before, with the keys that a peer presents. A peer can make keys that fit the signature of a
//! CRL, and so drive out what is kept here. By that it gains no trust: later handshakes check more signatures. Signatures
//! over handshakes are never kept, since no two are alike.

use arc_swap::ArcSwapOption;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use std::{fmt, sync::Arc};

/// Number of sets, one of which a signature belongs to by its last byte.
const SETS: usize = 8;
/// Signatures in a set. The chain of a server with its CRLs has four as a rule, which must not replace each other.
const WAYS: usize = 4;
/// The longest message with its signature and key that is kept, in bytes. CRLs may be longer, and remember for themselves.
const MAX_LENGTH: usize = 16 << 10;

/// The signatures found good. Any number of threads may look and add at once, without a lock; a new one takes the place of
/// an older one.
#[derive(Default)]
pub(crate) struct SignatureCache([[ArcSwapOption<Signed>; WAYS]; SETS]);

/// A signature, and everything that its being good depends on.
#[derive(PartialEq, Eq)]
struct Signed {
    algorithm: Algorithm,
    key: Box<[u8]>,
    message: Box<[u8]>,
    signature: Box<[u8]>,
}

/// The algorithm of a key and that of a signature.
type Algorithm = (AlgorithmIdentifier, AlgorithmIdentifier);

impl SignatureCache {
    /// The same algorithms, which look here first.
    pub(crate) fn caching<'a>(
        &'a self,
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    ) -> Vec<CachingAlgorithm<'a>> {
        algorithms.iter().map(|&algorithm| CachingAlgorithm { algorithm, proved: self }).collect()
    }

    /// The set of a signature. Signatures are as good as random, their ends in particular.
    fn set(&self, signature: &[u8]) -> Option<&[ArcSwapOption<Signed>; WAYS]> {
        self.0.get(usize::from(*signature.last()?) % SETS)
    }
}

impl Signed {
    /// Fills an empty place of the set, or replaces the one that the signature chooses. A signature that another thread has
    /// kept meanwhile takes no second place.
    fn keep(self, set: &[ArcSwapOption<Self>; WAYS]) {
        if set.iter().any(|place| place.load().as_deref() == Some(&self)) {
            return;
        }
        let chosen = self.signature.iter().rev().nth(1).map_or(0, |byte| usize::from(*byte) % WAYS);
        let empty = set.iter().find(|place| place.load().is_none());
        if let Some(place) = empty.or_else(|| set.get(chosen)) {
            place.store(Some(Arc::new(self)));
        }
    }
}

impl fmt::Debug for SignatureCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.iter().flatten().filter(|place| place.load().is_some()).count();
        f.debug_struct("SignatureCache").field("kept", &kept).finish()
    }
}

/// An algorithm that checks a signature once.
#[derive(Debug)]
pub(crate) struct CachingAlgorithm<'a> {
    algorithm: &'a dyn SignatureVerificationAlgorithm,
    proved: &'a SignatureCache,
}

impl SignatureVerificationAlgorithm for CachingAlgorithm<'_> {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let algorithm = (self.public_key_alg_id(), self.signature_alg_id());
        let set = self.proved.set(signature);
        let is_known = set.into_iter().flatten().any(|place| {
            place.load().as_deref().is_some_and(|kept| {
                kept.algorithm == algorithm
                    && *kept.signature == *signature
                    && *kept.key == *key
                    && *kept.message == *message
            })
        });
        if is_known {
            return Ok(());
        }
        self.algorithm.verify_signature(key, message, signature)?;
        let length = key.len().saturating_add(message.len()).saturating_add(signature.len());
        if let Some(set) = set.filter(|_| length <= MAX_LENGTH) {
            let (key, message, signature) = (key.into(), message.into(), signature.into());
            Signed { algorithm, key, message, signature }.keep(set);
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::alg_id;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A signature is good if it is the message and the key, end to end; and it is counted who asks.
    #[derive(Debug, Default)]
    struct Concatenation(AtomicUsize);

    impl SignatureVerificationAlgorithm for Concatenation {
        fn verify_signature(
            &self,
            key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if [message, key].concat() == signature { Ok(()) } else { Err(InvalidSignature) }
        }
        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ED25519
        }
        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ED25519
        }
    }

    /// Key, message, signature.
    type Question<'a> = (&'a [u8], &'a [u8], &'a [u8]);

    impl Concatenation {
        /// Asks for each in turn; how many of them this algorithm was asked for.
        fn ask(&self, proved: &SignatureCache, questions: &[Question<'_>]) -> usize {
            let before = self.0.load(Ordering::Relaxed);
            for (key, message, signature) in questions {
                let wanted = [*message, *key].concat() == *signature;
                for algorithm in proved.caching(&[self]) {
                    assert_eq!(algorithm.verify_signature(key, message, signature).is_ok(), wanted);
                }
            }
            self.0.load(Ordering::Relaxed) - before
        }
    }

    fn repeated<'a>(key: &'a [u8], message: &'a [u8], signature: &'a [u8]) -> [Question<'a>; 3] {
        [(key, message, signature); 3]
    }

    #[test]
    fn a_good_signature_is_checked_once() {
        let (algorithm, proved) = (Concatenation::default(), SignatureCache::default());
        assert_eq!(algorithm.ask(&proved, &repeated(b"k", b"m", b"mk")), 1);
        // The same signature is a good one of this key and message, too.
        assert_eq!(algorithm.ask(&proved, &repeated(b"mk", b"", b"mk")), 1);
    }

    /// Threads that miss the same signature at once all keep it.
    #[test]
    fn a_signature_that_is_kept_again_takes_no_second_place() {
        let (algorithm, proved) = (Concatenation::default(), SignatureCache::default());
        // All of them would choose the same place.
        let signatures: [[u8; 3]; WAYS] = [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]];
        let set = proved.set(&[0]).unwrap();
        for signature in signatures {
            for _ in 0..WAYS {
                let (algorithm, parts) = ((alg_id::ED25519, alg_id::ED25519), signature[..].into());
                Signed { algorithm, key: [].into(), message: parts, signature: signature.into() }.keep(set);
            }
        }
        for signature in &signatures {
            assert_eq!(algorithm.ask(&proved, &[(b"", signature, signature)]), 0, "{signature:?}");
        }
    }

    #[test]
    fn one_byte_of_difference_is_another_question() {
        let (algorithm, proved) = (Concatenation::default(), SignatureCache::default());
        algorithm.ask(&proved, &[(b"key", b"message", b"messagekey")]);
        let others: [Question<'_>; 5] = [
            (b"kez", b"message", b"messagekey"),
            (b"key", b"massage", b"messagekey"),
            (b"key", b"message", b"massagekey"),
            (b"key", b"message", b""),
            (b"", b"", b""),
        ];
        assert_eq!(algorithm.ask(&proved, &others), others.len());
        // What was bad is not kept, and does not drive out what was good.
        assert_eq!(algorithm.ask(&proved, &others[..4]), 4);
        assert_eq!(algorithm.ask(&proved, &[(b"key", b"message", b"messagekey")]), 0);
    }

    #[test]
    fn another_algorithm_is_another_question() {
        #[derive(Debug)]
        struct Never;
        impl SignatureVerificationAlgorithm for Never {
            fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
                Err(InvalidSignature)
            }
            fn public_key_alg_id(&self) -> AlgorithmIdentifier {
                alg_id::ED25519
            }
            fn signature_alg_id(&self) -> AlgorithmIdentifier {
                alg_id::ED448
            }
        }
        let proved = SignatureCache::default();
        Concatenation::default().ask(&proved, &[(b"k", b"m", b"mk")]);
        for never in proved.caching(&[&Never]) {
            assert!(never.verify_signature(b"k", b"m", b"mk").is_err());
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (algorithm, proved) = (Concatenation::default(), SignatureCache::default());
        let long = vec![b'm'; MAX_LENGTH];
        assert_eq!(algorithm.ask(&proved, &repeated(b"", &long, &long)), 3);
        for number in 0..10_000_u32 {
            let message = number.to_be_bytes();
            algorithm.ask(&proved, &[(b"", &message, &message)]);
        }
        assert_eq!(format!("{proved:?}"), format!("SignatureCache {{ kept: {} }}", SETS * WAYS));
        let last = 9_999_u32.to_be_bytes();
        assert_eq!(algorithm.ask(&proved, &[(b"", &last, &last)]), 0);
    }
}
