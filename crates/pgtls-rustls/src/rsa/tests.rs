//! Signatures that OpenSSL has made with a key of 1,536 bits, and the crate `rsa` as a second opinion on keys of every size.

use super::*;
use crypto_bigint::Resize as _;
use pgtls_x509::rsa_pss_key;
use rsa::{
    BoxedUint as Number, PrivateKey, PublicKey, pkcs1v15, pss,
    rand_core::{TryCryptoRng, TryRng},
    signature::{RandomizedSigner, SignatureEncoding, Signer, Verifier},
    traits::{PrivateKeyParts, PublicKeyParts},
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::convert::Infallible;

const MESSAGE: &[u8] = b"hello, server";

/// `openssl genrsa 1536 | openssl rsa -RSAPublicKey_out -outform DER`
const KEY: &str = "\
    3081c90281c100d34aa0cbbd0ad7a08ce4a768167088d321d85b5eb4fffa88d0 \
    6a97d7d09ba7ff2b441d3f031ffaa1d66f4a1eea7412881c52af6e584efaa01fba1c7cbf622c8f0dfab79af1dcad472793e255e7702f \
    ceaa7912fb3efa07f87ea5950d2bea24dc422ab38c4d08b043e8604b8bf21ded2816dfa346d0565974d5944583b69421bf2a014568c2 \
    5cb11e7049f0e2a4b27b7f8747fd9a242bfc8a02a884798b1b7bb261d24aa52886616d6ab312b31f1db65575fdcf8c789625a5892da7 \
    34e5a595f70203010001";

/// `openssl dgst -sha... -sign`, with `-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest` for PSS.
const SIGNATURES: [(SignatureScheme, &str); 6] = [
    (
        SignatureScheme::RSA_PKCS1_SHA256,
        "\
    02f4452a51c422ea44af2c48e18afcf69fc84f0bffff9318daa0d315697f59f922876c2d1c1515ed38caa50790e7de07238335262b29 \
    15619edb754d0dc59a54c49a61847927298485844a8421b9f1fcf3b747b878189918608e22ef4baafaa71c2750afc91b39e8219718ea \
    07886a7ca33620682c39ebc0eb61474c77ba3a57ef4389e56379102a2b2b805911e97799849ac754b0a6f02746f6af3c517b883591ab \
    b387c244fbe515fd6c1a6f8d5ea4e2684745663c10670d03f499dfd08fc1",
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA384,
        "\
    4739aeee4345015d6a08ef4330dd1b1b0b8e2aa01b400f7ad9caa4038e37b88cf7256b1229e0f09d00451439272503dcf8435cefaea0 \
    8b1c55926e88df518faa54a1adabd6de9d39ad26c5d6317070c33b3d6885faf7215fff4cab0be0d74f767e3252fe740d295a207adb52 \
    9e97f24314e4608c995131f01ead2e7461f4abf097737a4c9c7b0b819137b32eea82efea1bc7d1c4ceccb62a79fcc3379a49d60bceae \
    a789a2b145a39ebca6ed140893add1a32ca1f513d4cf8447d487b3445d17",
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA512,
        "\
    882dcda8716d549b7e6957f618b96e58064fed1d1060a941074af5b941f727ea9f9c8596d12b2ba81e6f5d835106aa404be640f4374e \
    199f49addec16879036a58da21a6f1ddb21220181e959e3c4ff5b51668d94d288fe6b182641527885518dcd3b44a0dc43a90940b6e30 \
    0e1298939a4f77f2c0a500e480ea3bd61215f5509d6254afe851b03a7f21d7dfe5e16f99747a3b7ccb2f3be7ab155ff7763900a69f56 \
    a558064a3bf2f19baac5a15fcf5a454be804107dde1a0f45bf4e028e68bf",
    ),
    (
        SignatureScheme::RSA_PSS_SHA256,
        "\
    3873bb0c4280dee063a715c8831b4ba31c0278166e56c5b7ac5d46a9a929b1fc2df45546d558a63d3c2291183d1669328ef1adae927b \
    57f27be7186ae7e09ad18cb2149b8c234570529ebaab958507adf324a2b43afc8b020b5b52b9f7717c4fc9c89abef23ba0d2f712d9a7 \
    eeaf7b74a6a74457443269c84273869ee4eabcea31cd41603a880881d4355b1b15f82d4f33d2d29cd4a45019314ae71e02de47502c8d \
    0c5b0ffe7839393522b1fe53f7fd45995d2f6a2d0b400f94d3e584eea801",
    ),
    (
        SignatureScheme::RSA_PSS_SHA384,
        "\
    9a50ad0fc1bdb0eb98b908fe035d5d9c939727efd068e322d4e98c3fb70e5a5be414dbb3a613e15a56535b6f1e68d787d5f2d557e7d7 \
    f8734d84ce065e7f812025a530b35e040ea9f398b1893ab44ff974d4447816ad06727bc5c4634af202e018113ab3b5bdd30b01ddd06b \
    120dd3ee7e0b4d15cab0dfc7d9ac72bc17289c40b21ae3ac3f46cf607f6cb99fed03dd1c9b6fbc3ec30046afe5fbcfe1f250337f366b \
    16d147d8bf1b151b4989af4ddc270db40ef4c2ae1f7b9384f7b854837a30",
    ),
    (
        SignatureScheme::RSA_PSS_SHA512,
        "\
    0376c611b2907aca2f2acfa1510165f4b48b316f42e9940dc6ce4343ec31018ece84649ce3f690e7aa03ac34636d93915c88b1d0c90b \
    1ad3a8148702b9fd5243ed52708c347c306c22b0ac311cd7a0a2b25ad8c4e4f76505488d978b45bd78ca7eaae7657d46eed09f69d678 \
    e4001a4d070985bc9dbe0d2b45f07c10123b4a5db3537f48ef9dab571fc9cb9a57149325b3b7f958167fa1f6870a31cd2be264d9d236 \
    20b26e3f77647335c055bd11feda9bd30180fc67f68e8be63dbc5a1b56b9",
    ),
];

/// A provider that must not be used.
#[derive(Debug)]
struct Refusing;

impl SignatureVerificationAlgorithm for Refusing {
    fn verify_signature(&self, key: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
        let key = rsa_public_key(key).unwrap();
        panic!("the provider is asked for a key of {} bits", bits(key.modulus));
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PSS_SHA256
    }
}

/// A provider for which every signature is good.
#[derive(Debug)]
struct Accepting {
    fips: bool,
}

impl SignatureVerificationAlgorithm for Accepting {
    fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PSS_SHA256
    }
    fn fips(&self) -> bool {
        self.fips
    }
}

fn verify(scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let algorithm = RsaAlgorithm::new(scheme, &Refusing).unwrap();
    algorithm.verify_signature(key, message, signature).is_ok()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[test]
fn a_signature_of_openssl_is_good_by_its_own_scheme_alone() {
    let key = bytes(KEY);
    for (scheme, signature) in SIGNATURES {
        for (asked, _) in SIGNATURES {
            let good = verify(asked, &key, MESSAGE, &bytes(signature));
            assert_eq!(good, asked == scheme, "{scheme:?} as {asked:?}");
        }
    }
    for other in
        [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519, SignatureScheme::RSA_PKCS1_SHA1]
    {
        assert!(RsaAlgorithm::new(other, &Refusing).is_none(), "{other:?}");
    }
}

#[test]
fn one_bit_of_difference_is_bad() {
    let key = bytes(KEY);
    for (scheme, signature) in SIGNATURES {
        let signature = bytes(signature);
        for place in 0..signature.len() {
            let mut other = signature.clone();
            other[place] ^= 1 << (place % 8);
            assert!(!verify(scheme, &key, MESSAGE, &other), "{scheme:?} byte {place}");
        }
        for other in [&[][..], &signature[1..], &[&[0][..], &signature].concat()] {
            assert!(!verify(scheme, &key, MESSAGE, other), "{scheme:?}");
        }
        assert!(!verify(scheme, &key, b"hello, client", &signature), "{scheme:?}");
    }
}

/// Random numbers that are the same in every run.
struct Seeded {
    seed: u64,
    rest: Vec<u8>,
}

impl Seeded {
    fn new(seed: u64) -> Self {
        Self { seed, rest: Vec::new() }
    }
}

impl TryRng for Seeded {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            if self.rest.is_empty() {
                self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                self.rest = Sha256::digest(self.seed.to_le_bytes()).to_vec();
            }
            *byte = self.rest.pop().unwrap();
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// A key of this size and exponent.
fn key(bits: usize, exponent: u64) -> PrivateKey {
    let mut random = Seeded::new((bits as u64) << 32 ^ exponent);
    PrivateKey::new_with_exp_unchecked(&mut random, bits, Number::from(exponent)).unwrap()
}

/// OpenSSL reads such keys, and the providers do not.
#[test]
fn keys_that_are_not_in_der_are_put_into_der() {
    let key = key(2048, 65_537);
    let (modulus, exponent) = (key.n().to_be_bytes_trimmed_vartime(), key.e().to_be_bytes_trimmed_vartime());
    let der = public(&modulus, &exponent);
    let of = |modulus: &[u8], exponent: &[u8]| {
        element(0x30, &[element(2, modulus), element(2, exponent)].concat())
    };
    for form in [
        der.clone(),
        [&der[..], &[0]].concat(),
        [&der[..], &der].concat(),
        of(&modulus, &exponent),
        of(&[&[0, 0][..], &modulus].concat(), &exponent),
        of(&[&[0][..], &modulus].concat(), &[&[0][..], &exponent].concat()),
    ] {
        assert_eq!(rsa_public_key(&form).unwrap().to_der(), der);
    }
}

/// Keys whose restriction names another hash for the mask, as OpenSSL makes them by default (MGF1 with SHA-1).
#[test]
fn the_mask_is_that_of_the_restriction() {
    let key = key(2048, 65_537);
    let restriction = |hash: &[u8], mask: &[u8], salt: &[u8]| {
        let named = |hash: &[u8]| element(0x30, &element(6, hash));
        let mgf1 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
        let mgf1 = element(0x30, &[element(6, &mgf1), named(mask)].concat());
        let explicit = [(0xa0, named(hash)), (0xa1, mgf1), (0xa2, element(2, salt))];
        let parameters = element(0x30, &explicit.map(|(tag, content)| element(tag, &content)).concat());
        let rsassa_pss = element(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a]);
        let algorithm = element(0x30, &[rsassa_pss, parameters].concat());
        let info = [element(2, &[0]), algorithm, element(4, &[])].concat();
        let pkcs8 = PrivatePkcs8KeyDer::from(element(0x30, &info));
        rsa_pss_key(&pkcs8).and_then(|key| key.restriction).unwrap()
    };
    let (sha1, sha256) =
        ([0x2b, 0x0e, 0x03, 0x02, 0x1a], [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]);
    let provider = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let (_, provided) =
        provider.mapping.iter().find(|(scheme, _)| *scheme == SignatureScheme::RSA_PSS_SHA256).unwrap();
    let algorithm = RsaAlgorithm::new(SignatureScheme::RSA_PSS_SHA256, provided[0]).unwrap();
    let usual = sign(SignatureScheme::RSA_PSS_SHA256, &key, MESSAGE).unwrap();
    let good = |restriction| {
        let restricted = algorithm.restricted(restriction)?;
        Some(restricted.verify_signature(&public_of(&key), MESSAGE, &usual).is_ok())
    };
    assert_eq!(good(restriction(&sha256, &sha256, &[20])), Some(true));
    assert_eq!(good(restriction(&sha256, &sha256, &[32])), Some(true));
    assert_eq!(good(restriction(&sha256, &sha1, &[20])), Some(false));
    assert_eq!(good(restriction(&sha256, &sha256, &[33])), None);
    assert_eq!(good(restriction(&sha1, &sha1, &[20])), None);
}

/// A number in DER: INTEGER.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(2, &[sign, number].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length: &[u8] = match (high, low) {
        (0, ..0x80) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, content].concat()
}

/// An `RSAPublicKey`.
fn public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    element(0x30, &[integer(modulus), integer(exponent)].concat())
}

fn public_of(key: &PrivateKey) -> Vec<u8> {
    public(&key.n().to_be_bytes_trimmed_vartime(), &key.e().to_be_bytes_trimmed_vartime())
}

/// A signature by the crate `rsa`; `None` if the key is too small for the scheme.
fn sign(scheme: SignatureScheme, key: &PrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    let (key, random) = (key.clone(), &mut Seeded::new(1));
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => {
            pkcs1v15::SigningKey::<Sha256>::new(key).try_sign(message).ok()?.to_vec()
        }
        SignatureScheme::RSA_PKCS1_SHA384 => {
            pkcs1v15::SigningKey::<Sha384>::new(key).try_sign(message).ok()?.to_vec()
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            pkcs1v15::SigningKey::<Sha512>::new(key).try_sign(message).ok()?.to_vec()
        }
        SignatureScheme::RSA_PSS_SHA256 => {
            pss::SigningKey::<Sha256>::new(key).try_sign_with_rng(random, message).ok()?.to_vec()
        }
        SignatureScheme::RSA_PSS_SHA384 => {
            pss::SigningKey::<Sha384>::new(key).try_sign_with_rng(random, message).ok()?.to_vec()
        }
        _ => pss::SigningKey::<Sha512>::new(key).try_sign_with_rng(random, message).ok()?.to_vec(),
    })
}

/// The verdict of the crate `rsa`.
fn oracle(scheme: SignatureScheme, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    fn is_good<S: for<'s> TryFrom<&'s [u8]>>(
        key: &impl Verifier<S>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        S::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
    let key = key.clone();
    match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha256>::new(key), message, signature)
        }
        SignatureScheme::RSA_PKCS1_SHA384 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha384>::new(key), message, signature)
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha512>::new(key), message, signature)
        }
        SignatureScheme::RSA_PSS_SHA256 => {
            is_good(&pss::VerifyingKey::<Sha256>::new(key), message, signature)
        }
        SignatureScheme::RSA_PSS_SHA384 => {
            is_good(&pss::VerifyingKey::<Sha384>::new(key), message, signature)
        }
        _ => is_good(&pss::VerifyingKey::<Sha512>::new(key), message, signature),
    }
}

/// Number to the power of another one, as a signature is made of an encoded message.
fn power(base: &[u8], exponent: &Number, modulus: &Number) -> Vec<u8> {
    let params = BoxedMontyParams::new_vartime(Odd::new(modulus.clone()).unwrap());
    let base = Number::from_be_slice_vartime(base).resize_unchecked(modulus.bits_precision());
    let exponent = exponent.resize_unchecked(modulus.bits_precision());
    let result = BoxedMontyForm::new(base, &params).pow(&exponent).retrieve().to_be_bytes();
    result[result.len() - usize::try_from(modulus.bit_width_vartime()).unwrap().div_ceil(8)..].to_vec()
}

/// Whether an encoded message fits in a modulus of so many bits: PKCS #1 with a DigestInfo and 11 bytes around it, PSS with
/// hash and salt and two bytes beside them.
fn fits(scheme: SignatureScheme, bits: u32) -> bool {
    match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => bits.div_ceil(8) >= 51 + 11,
        SignatureScheme::RSA_PKCS1_SHA384 => bits.div_ceil(8) >= 67 + 11,
        SignatureScheme::RSA_PKCS1_SHA512 => bits.div_ceil(8) >= 83 + 11,
        SignatureScheme::RSA_PSS_SHA256 => (bits - 1).div_ceil(8) >= 2 * 32 + 2,
        SignatureScheme::RSA_PSS_SHA384 => (bits - 1).div_ceil(8) >= 2 * 48 + 2,
        _ => (bits - 1).div_ceil(8) >= 2 * 64 + 2,
    }
}

/// Compares with the oracle what is signed with the key: the good signature and everything near it.
fn compare(key: &PrivateKey) {
    let (public_key, modulus) = (public_of(key), key.n().to_be_bytes_trimmed_vartime());
    let bits = key.n().bit_width_vartime();
    for (scheme, _) in SIGNATURES {
        let check = |signature: &[u8], expected: bool, what: &str| {
            let theirs = oracle(scheme, key.as_public_key(), MESSAGE, signature);
            let ours = verify(scheme, &public_key, MESSAGE, signature);
            assert_eq!((ours, theirs), (expected, expected), "{scheme:?} {bits} bits, {what}");
        };
        let Some(good) = sign(scheme, key, MESSAGE) else {
            assert!(!fits(scheme, bits), "{scheme:?} with {bits} bits");
            continue;
        };
        check(&good, true, "good");
        assert!(!verify(scheme, &public_key, b"hello, client", &good));
        // A bit of each byte of the signature, and of bytes of all parts of the encoded message.
        let encoded = power(&good, key.e(), key.n());
        for place in 0..good.len() {
            let bit = 1 << (place % 8);
            let mut other = good.clone();
            other[place] ^= bit;
            check(&other, false, &format!("byte {place} of the signature"));
            let is_at_an_end = place < 3 || place + 3 > good.len();
            if !is_at_an_end && place % 11 != 0 {
                continue;
            }
            let mut other = encoded.clone();
            other[place] ^= bit;
            if *other < *modulus {
                check(
                    &power(&other, key.d(), key.n()),
                    false,
                    &format!("byte {place} of the encoded message"),
                );
            }
        }
        // The bits above the encoded message, which must not be set.
        for bit in 0..8 {
            let mut other = encoded.clone();
            other[0] ^= 1 << bit;
            if *other < *modulus {
                check(&power(&other, key.d(), key.n()), false, &format!("bit {bit} of the encoded message"));
            }
        }
        let sum = Number::from_be_slice_vartime(&good)
            .concatenating_add(key.n().as_ref())
            .to_be_bytes_trimmed_vartime();
        for (other, what) in [
            (vec![], "nothing"),
            (good[1..].to_vec(), "without the first byte"),
            (good[..good.len() - 1].to_vec(), "without the last byte"),
            ([&[0], &good[..]].concat(), "with a zero before it"),
            ([&good[..], &[0]].concat(), "with a zero after it"),
            (modulus.to_vec(), "the modulus"),
            (sum.to_vec(), "the signature and the modulus"),
            (vec![0; modulus.len()], "zero"),
            (vec![0xff; modulus.len()], "the greatest number"),
        ] {
            check(&other, false, what);
        }
    }
}

#[test]
fn keys_of_every_size_are_verified_with_as_by_another_implementation() {
    for bits in [1024, 1025, 1026, 1031, 1033, 1535, 2047] {
        compare(&key(bits, 65_537));
    }
    for exponent in [3, 17, (1 << 32) + 15, (1 << 33) - 9] {
        compare(&key(1024, exponent));
    }
}

/// OpenSSL accepts keys of any size that the encoded message fits in.
#[test]
fn keys_of_fewer_bits_are_verified_with_as_well() {
    for bits in [512, 521, 522, 528, 529, 624, 768, 777, 1023] {
        let key = key(bits, 65_537);
        for (scheme, _) in SIGNATURES {
            let signature = sign(scheme, &key, MESSAGE);
            assert_eq!(
                signature.is_some(),
                fits(scheme, key.n().bit_width_vartime()),
                "{scheme:?} {bits} bits"
            );
            let Some(signature) = signature else { continue };
            assert!(verify(scheme, &public_of(&key), MESSAGE, &signature), "{scheme:?} {bits} bits");
            let mut other = signature.clone();
            other[bits / 16] ^= 1;
            assert!(!verify(scheme, &public_of(&key), MESSAGE, &other), "{scheme:?} {bits} bits");
        }
    }
}

#[test]
fn the_salt_is_as_long_as_the_hash() {
    let key = key(1031, 65_537);
    for length in [0, 1, 20, 31, 32, 33, 48, 64] {
        let signer = pss::SigningKey::<Sha256>::new_with_salt_len(key.clone(), length);
        let signature = signer.try_sign_with_rng(&mut Seeded::new(1), MESSAGE).unwrap().to_vec();
        let good = verify(SignatureScheme::RSA_PSS_SHA256, &public_of(&key), MESSAGE, &signature);
        assert_eq!(good, length == 32, "{length}");
    }
}

/// A signature by a key whose exponent or modulus no other implementation here takes: the encoded message of PKCS #1 to the
/// power of the private exponent.
fn signed_with(key: &PrivateKey) -> Vec<u8> {
    let length = usize::try_from(key.n().bit_width_vartime()).unwrap().div_ceil(8);
    let (info, hash) = (digest_info(Hash::Sha256).unwrap(), Sha256::digest(MESSAGE));
    let padding = vec![0xff; length - 3 - info.len() - hash.len()];
    power(&[&[0, 1][..], &padding, &[0], &info, &hash].concat(), key.d(), key.n())
}

#[test]
fn exponents_and_moduli_are_bounded_as_in_openssl() {
    const SCHEME: SignatureScheme = SignatureScheme::RSA_PKCS1_SHA256;
    // Powers of a usual exponent, beyond the providers' and up to the longest with a long modulus.
    for (bits, exponent, times) in [(1024, 65_537_u64, 3), (2048, 65_537, 3), (1024, 3, 40), (3073, 3, 40)] {
        let key = key(bits, exponent);
        let modulus = key.n().to_be_bytes_trimmed_vartime();
        let signature = (1..times).fold(signed_with(&key), |signed, _| power(&signed, key.d(), key.n()));
        let public = public(&modulus, &exponent.pow(times).to_be_bytes());
        assert!(verify(SCHEME, &public, MESSAGE, &signature), "{bits} {exponent}");
        assert!(!verify(SCHEME, &public, b"hello, client", &signature), "{bits} {exponent}");
    }
    // With exponent and private exponent exchanged, an exponent of about the modulus' size.
    let small = key(1024, 65_537);
    let modulus = small.n().to_be_bytes_trimmed_vartime();
    let exponent = small.d().to_be_bytes_trimmed_vartime();
    let exchanged = power(&power(&signed_with(&small), small.e(), small.n()), small.e(), small.n());
    assert!(verify(SCHEME, &public(&modulus, &exponent), MESSAGE, &exchanged));

    let signature = signed_with(&small);
    let is_good = |modulus: &[u8], exponent: &[u8], signature: &[u8]| {
        let key = public(modulus, exponent);
        is_good(&rsa_public_key(&key).unwrap(), Padding::Pkcs1, Hash::Sha256, MESSAGE, signature).is_some()
    };
    assert!(is_good(&modulus, &[1, 0, 1], &signature));
    // Not less than the modulus, even, one, none; and a modulus that is even.
    let encoded = power(&signature, small.e(), small.n());
    let mut even = modulus.to_vec();
    even[modulus.len() - 1] ^= 1;
    assert!(!is_good(&modulus, &modulus, &signature));
    assert!(!is_good(&modulus, &[&[1], &modulus[..]].concat(), &signature));
    assert!(!is_good(&modulus, &[1, 0, 0], &signature));
    assert!(!is_good(&modulus, &[1], &encoded));
    assert!(!is_good(&modulus, &[], &signature));
    assert!(!is_good(&even, &[1, 0, 1], &signature));

    // Beyond the bounds nothing is computed: with these sizes it would take minutes.
    let huge = vec![0xff; (MAX_MODULUS / 8) + 1];
    assert!(
        public_operation(&rsa_public_key(&public(&huge, &[1, 0, 1])).unwrap(), &vec![0; huge.len()])
            .is_none()
    );
    let long = vec![0xff; (SMALL_MODULUS / 8) + 1];
    let exponents = [(vec![0xff; MAX_EXPONENT / 8], true), (vec![0xff; MAX_EXPONENT / 8 + 1], false)];
    for (exponent, is_computed) in exponents {
        let key = public(&long, &exponent);
        let result = public_operation(&rsa_public_key(&key).unwrap(), &vec![1; long.len()]);
        assert_eq!(result.is_some(), is_computed);
    }
}

#[test]
fn keys_in_the_providers_range_are_left_to_it() {
    let asked = |fips: bool, bits: usize, exponent: &[u8]| {
        let provider: &'static Accepting =
            if fips { &Accepting { fips: true } } else { &Accepting { fips: false } };
        let algorithm = RsaAlgorithm::new(SignatureScheme::RSA_PSS_SHA256, provider).unwrap();
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        algorithm.verify_signature(&public(&modulus, exponent), MESSAGE, &[]).is_ok()
    };
    let f4 = &[1, 0, 1][..];
    for (bits, exponent, by_provider) in [
        (2047, f4, false),
        (2048, f4, true),
        (2049, f4, true),
        (8192, f4, true),
        (8193, f4, false),
        (2048, &[3], true),
        (2048, &[1, 0xff, 0xff, 0xff, 0xff], true),
        (2048, &[2, 0, 0, 0, 1], false),
    ] {
        assert_eq!(asked(false, bits, exponent), by_provider, "{bits} {exponent:?}");
        assert!(asked(true, bits, exponent));
    }
    // A key that cannot be read is the provider's as well.
    let algorithm = RsaAlgorithm::new(SignatureScheme::RSA_PSS_SHA256, &Accepting { fips: false }).unwrap();
    assert!(algorithm.verify_signature(b"no key", MESSAGE, &[]).is_ok());
}
