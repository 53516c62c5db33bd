//! From a passphrase to a key: the derivations of three generations, each with a bound on what a file may ask for.

use crate::error::KeyProblem;
use alloc::vec::Vec;
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use zeroize::Zeroizing;

/// The most iterations that a file may ask for. The recommendations of today are below a million.
pub(super) const MAX_ITERATIONS: u32 = 10_000_000;
/// The most memory that a file may ask for, as in OpenSSL.
const MAX_SCRYPT_BYTES: u64 = 32 << 20;
/// The most work that a file may ask for, in blocks mixed: 32 times what OpenSSL asks for by default.
const MAX_SCRYPT_WORK: u64 = 1 << 22;

type Key = Zeroizing<Vec<u8>>;

/// The hash inside PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512Of224,
    Sha512Of256,
}

/// PBKDF2 (RFC 8018, section 5.2).
pub(super) fn pbkdf2(
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    prf: Prf,
    length: usize,
) -> Result<Key, KeyProblem> {
    let iterations = affordable(iterations)?;
    let mut key = Zeroizing::new(alloc::vec![0; length]);
    match prf {
        Prf::Md5 => pbkdf2_hmac::<Md5>(passphrase, salt, iterations, &mut key),
        Prf::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, iterations, &mut key),
        Prf::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, iterations, &mut key),
        Prf::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, iterations, &mut key),
        Prf::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, iterations, &mut key),
        Prf::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, iterations, &mut key),
        Prf::Sha512Of224 => pbkdf2_hmac::<Sha512_224>(passphrase, salt, iterations, &mut key),
        Prf::Sha512Of256 => pbkdf2_hmac::<Sha512_256>(passphrase, salt, iterations, &mut key),
    }
    Ok(key)
}

/// scrypt (RFC 7914): `n` is the cost, a power of two; `r` the block size; `p` the parallelization.
pub(super) fn scrypt(
    passphrase: &[u8],
    salt: &[u8],
    [n, r, p]: [u32; 3],
    length: usize,
) -> Result<Key, KeyProblem> {
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        return Err(KeyProblem::BadEncryptionParameters);
    }
    let [wide_n, wide_r, wide_p] = [n, r, p].map(u64::from);
    let bytes = wide_n.saturating_add(wide_p).saturating_add(2).saturating_mul(wide_r).saturating_mul(128);
    let work = wide_n.saturating_mul(wide_r).saturating_mul(wide_p);
    if bytes > MAX_SCRYPT_BYTES || work > MAX_SCRYPT_WORK {
        return Err(KeyProblem::TooExpensive);
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| KeyProblem::TooExpensive)?;
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|_| KeyProblem::BadEncryptionParameters)?;
    let mut key = Zeroizing::new(alloc::vec![0; length]);
    scrypt::scrypt(passphrase, salt, &parameters, &mut key)
        .map_err(|_| KeyProblem::BadEncryptionParameters)?;
    Ok(key)
}

/// OpenSSL's own derivation for keys with PEM headers (`EVP_BytesToKey` with MD5 and one iteration).
pub(super) fn bytes_to_key(passphrase: &[u8], salt: &[u8], length: usize) -> Key {
    let mut key = Zeroizing::new(Vec::with_capacity(length.saturating_add(Md5::output_size())));
    let mut digest: Key = Zeroizing::new(Vec::new());
    while key.len() < length {
        let hash = Md5::new().chain_update(&*digest).chain_update(passphrase).chain_update(salt);
        digest = Zeroizing::new(hash.finalize().to_vec());
        key.extend_from_slice(&digest);
    }
    key.truncate(length);
    key
}

/// What bytes are derived for with the derivation of PKCS#12.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Key,
    InitialisationVector,
}

impl Purpose {
    /// The number that keeps what is derived for one purpose apart from the other.
    const fn diversifier(self) -> u8 {
        match self {
            Self::Key => 1,
            Self::InitialisationVector => 2,
        }
    }
}

/// Bytes of a block of SHA-1.
const SHA1_BLOCK: usize = 64;

/// The derivation of PKCS#12 with SHA-1 (RFC 7292, appendix B.2).
///
/// The one crate for it has not been released for the hashes used here.
pub(super) fn pkcs12(
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    purpose: Purpose,
    length: usize,
) -> Result<Key, KeyProblem> {
    let iterations = affordable(iterations)?;
    let diversifier = [purpose.diversifier(); SHA1_BLOCK];
    // Salt and passphrase, each repeated to whole blocks.
    let mut blocks = Zeroizing::new(Vec::new());
    for part in [salt, &bmp_string(passphrase)] {
        let whole = part.len().next_multiple_of(SHA1_BLOCK);
        blocks.extend(part.iter().cycle().take(whole));
    }

    let mut key = Zeroizing::new(Vec::with_capacity(length.saturating_add(Sha1::output_size())));
    loop {
        let mut digest =
            Zeroizing::new(Sha1::new().chain_update(diversifier).chain_update(&*blocks).finalize().to_vec());
        for _ in 1..iterations {
            digest = Zeroizing::new(Sha1::digest(&*digest).to_vec());
        }
        key.extend_from_slice(&digest);
        if key.len() >= length {
            key.truncate(length);
            return Ok(key);
        }
        // Each block, a number in big-endian order, grows by the digest repeated to its length and by one.
        let addend: Zeroizing<Vec<u8>> =
            Zeroizing::new(digest.iter().copied().cycle().take(SHA1_BLOCK).collect());
        for block in blocks.chunks_exact_mut(SHA1_BLOCK) {
            let mut carry = 1_u16;
            for (byte, add) in block.iter_mut().zip(addend.iter()).rev() {
                let sum = u16::from(*byte).saturating_add(u16::from(*add)).saturating_add(carry);
                let [high, low] = sum.to_be_bytes();
                *byte = low;
                carry = u16::from(high);
            }
        }
    }
}

/// A passphrase in UTF-16, big-endian, with a final zero; bytes that are not UTF-8 are taken one by one, as OpenSSL does.
fn bmp_string(passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut units = Zeroizing::new(Vec::with_capacity(passphrase.len().saturating_add(1).saturating_mul(2)));
    match core::str::from_utf8(passphrase) {
        Ok(text) => units.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        Err(_) => units.extend(passphrase.iter().flat_map(|&byte| u16::from(byte).to_be_bytes())),
    }
    units.extend_from_slice(&[0, 0]);
    units
}

fn affordable(iterations: u32) -> Result<u32, KeyProblem> {
    match iterations {
        0 => Err(KeyProblem::BadEncryptionParameters),
        1..=MAX_ITERATIONS => Ok(iterations),
        _ => Err(KeyProblem::TooExpensive),
    }
}
