//! aws-lc-rs as a second opinion, and private keys in every form.

use super::*;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, EcdsaVerificationAlgorithm, KeyPair as _};
use rustls::pki_types::{PrivatePkcs8KeyDer, PrivateSec1KeyDer};

const MESSAGE: &[u8] = b"hello, server";

/// A key that signs hashes, and its public half.
type Key = (Box<dyn Fn(&[u8]) -> Vec<u8>>, Vec<u8>);

macro_rules! new_key {
    ($library:ident) => {{
        use $library::ecdsa::{DerSignature, SigningKey, signature::hazmat::PrehashSigner};
        let key = SigningKey::try_generate().unwrap();
        let public = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        let sign = move |hash: &[u8]| {
            let signature: DerSignature = key.sign_prehash(hash).unwrap();
            signature.as_bytes().to_vec()
        };
        (Box::new(sign) as _, public)
    }};
}

fn p256() -> Key {
    new_key!(p256)
}

fn p384() -> Key {
    new_key!(p384)
}

fn p521() -> Key {
    new_key!(p521)
}

type Case = (fn() -> Key, &'static EcdsaVerificationAlgorithm);

/// Each of [`ALGORITHMS`] for handshakes: a key of its curve, and aws-lc-rs' algorithm.
fn cases() -> [Case; 9] {
    [
        (p256, &aws::ECDSA_P256_SHA256_ASN1),
        (p384, &aws::ECDSA_P384_SHA256_ASN1),
        (p521, &aws::ECDSA_P521_SHA256_ASN1),
        (p384, &aws::ECDSA_P384_SHA384_ASN1),
        (p256, &aws::ECDSA_P256_SHA384_ASN1),
        (p521, &aws::ECDSA_P521_SHA384_ASN1),
        (p521, &aws::ECDSA_P521_SHA512_ASN1),
        (p384, &aws::ECDSA_P384_SHA512_ASN1),
        (p256, &aws::ECDSA_P256_SHA512_ASN1),
    ]
}

#[test]
fn verdicts_are_those_of_another_implementation() {
    for (algorithm, (key, verifying)) in ALGORITHMS.iter().zip(cases()) {
        let (sign, public) = key();
        let (signature, public) = (sign(&(algorithm.hash)(MESSAGE)), public.as_slice());
        let check = |public: &[u8], message: &[u8], signature: &[u8], what: &str| {
            let theirs = aws::UnparsedPublicKey::new(verifying, public).verify(message, signature).is_ok();
            let ours = algorithm.verify_signature(public, message, signature).is_ok();
            assert_eq!(ours, theirs, "{algorithm:?}: {what}");
            ours
        };
        assert!(check(public, MESSAGE, &signature, "good"));
        assert!(!check(public, b"hello, client", &signature, "message"));
        for place in 0..signature.len() {
            let mut other = signature.clone();
            other[place] ^= 1 << (place % 8);
            assert!(!check(public, MESSAGE, &other, &format!("byte {place} of the signature")));
        }
        for other in
            [&[][..], &signature[1..], &signature[..signature.len() - 1], &[&signature[..], &[0]].concat()]
        {
            assert!(!check(public, MESSAGE, other, "length"));
        }
        for place in [0, 1, public.len() / 2, public.len() - 1] {
            let mut other = public.to_vec();
            other[place] ^= 1;
            assert!(!check(&other, MESSAGE, &signature, &format!("byte {place} of the key")));
        }
        assert!(!check(&public[..public.len() - 1], MESSAGE, &signature, "shorter key"));
        let compressed = [&[2 | (public[public.len() - 1] & 1)], &public[1..=public.len() / 2]].concat();
        // Other forms are uncompressed before.
        for form in [2, 3, 5, 6, 7] {
            for rest in [&compressed[1..], &public[1..]] {
                let other = [&[form], rest].concat();
                assert!(algorithm.verify_signature(&other, MESSAGE, &signature).is_err(), "form {form}");
            }
        }
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    match u8::try_from(content.len()).unwrap() {
        short @ ..0x80 => [&[tag, short], content].concat(),
        long => [&[tag, 0x81, long], content].concat(),
    }
}

/// A private key in the two forms, without its public half, as `openssl ec -no_public` writes it.
fn without_public(secret: &[u8], curve: AlgorithmIdentifier) -> [PrivateKeyDer<'static>; 2] {
    let algorithm = element(0x30, curve.as_ref());
    // What names the curve stands behind the name of the algorithm, of nine bytes.
    let parameters = element(0xa0, &curve.as_ref()[9..]);
    let version_and_key = [&[2, 1, 1][..], &element(4, secret)].concat();
    let sec1 = element(0x30, &[&version_and_key[..], &parameters].concat());
    let bare = element(4, &element(0x30, &version_and_key));
    let pkcs8 = element(0x30, &[&[2, 1, 0][..], &algorithm, &bare].concat());
    [PrivatePkcs8KeyDer::from(pkcs8).into(), PrivateSec1KeyDer::from(sec1).into()]
}

#[test]
fn private_keys_are_loaded_in_every_form_and_sign() {
    for (index, signing, verifying) in [
        (0, &aws::ECDSA_P256_SHA256_ASN1_SIGNING, &aws::ECDSA_P256_SHA256_ASN1),
        (3, &aws::ECDSA_P384_SHA384_ASN1_SIGNING, &aws::ECDSA_P384_SHA384_ASN1),
        (6, &aws::ECDSA_P521_SHA512_ASN1_SIGNING, &aws::ECDSA_P521_SHA512_ASN1),
    ] {
        let key = EcdsaKeyPair::generate(signing).unwrap();
        let secret = aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&key.private_key()).unwrap();
        let whole = PrivatePkcs8KeyDer::from(key.to_pkcs8v1().unwrap().as_ref().to_vec()).into();
        let curve = ALGORITHMS[index].curve;
        for form in without_public(secret.as_ref(), curve).into_iter().chain([whole]) {
            let loaded = signing_key(&form).unwrap();
            let expected = public_key_to_spki(&curve, key.public_key());
            assert_eq!(loaded.public_key(), Some(expected));
            assert!(!format!("{loaded:?}").contains("sign"), "{loaded:?}");
            for scheme in SCHEMES {
                let signer = loaded.choose_scheme(&[SignatureScheme::ED25519, scheme]);
                assert_eq!(signer.is_some(), Some(scheme) == ALGORITHMS[index].scheme, "{scheme:?}");
                let Some(signer) = signer else { continue };
                let signature = signer.sign(MESSAGE).unwrap();
                let public = aws::UnparsedPublicKey::new(verifying, key.public_key());
                public.verify(MESSAGE, &signature).unwrap();
            }
        }
        let cut = PrivatePkcs8KeyDer::from(key.to_pkcs8v1().unwrap().as_ref()[1..].to_vec());
        assert!(signing_key(&cut.into()).is_none());
    }
}

/// P-521 by RustCrypto, and by aws-lc-rs.
const GROUPS: [&dyn SupportedKxGroup; 2] = [&Secp521r1, &crate::p521::Secp521r1];

#[test]
fn both_sides_agree() {
    for (group, peer) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (one, other) = (GROUPS[group].start().unwrap(), GROUPS[peer].start().unwrap());
        let (to_one, to_other) = (other.pub_key().to_vec(), one.pub_key().to_vec());
        let (of_one, of_other) = (one.complete(&to_one).unwrap(), other.complete(&to_other).unwrap());
        assert_eq!(of_one.secret_bytes(), of_other.secret_bytes());
        assert_eq!(of_one.secret_bytes().len(), 66);
    }
}

#[test]
fn bytes_that_are_no_point_are_refused() {
    let point = Secp521r1.start().unwrap().pub_key().to_vec();
    let changed = |at: usize, byte: u8| {
        let mut point = point.clone();
        *point.get_mut(at).unwrap() ^= byte;
        point
    };
    // The other forms of a point, one that is not on the curve, cut off, too long, and nothing.
    let compressed = [&[2], point.get(1..67).unwrap()].concat();
    let longer = [point.as_slice(), &[0]].concat();
    let cut = point.get(..132).unwrap().to_vec();
    for bad in [compressed, changed(0, 2), changed(132, 1), cut, longer, vec![0], Vec::new()] {
        for group in GROUPS {
            let exchange = group.start().unwrap();
            assert_eq!(
                exchange.complete(&bad).err(),
                Some(PeerMisbehaved::InvalidKeyShare.into()),
                "{bad:?}"
            );
        }
    }
}
