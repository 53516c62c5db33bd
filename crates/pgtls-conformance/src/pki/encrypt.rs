//! Private keys under a passphrase, as the openssl command and others write them.

use super::der;
use ::der::asn1::ObjectIdentifier;
use aes::{Aes128, Aes256};
use cbc::{
    Encryptor,
    cipher::{BlockCipherEncrypt, BlockModeEncrypt, KeyInit, KeyIvInit, block_padding::Pkcs7},
};
use des::TdesEde3;
use hmac::Hmac;
use md5::Md5;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The passphrase of all of them.
const PASSPHRASE: &[u8] = b"secret";
/// A PKI guards nothing, so its salts need not be random.
const SALT: &[u8; 8] = b"zoo salt";
const ITERATIONS: u32 = 2048;

/// How PKCS#8 is encrypted (RFC 5958, section 3).
#[derive(Clone, Copy, Debug)]
pub(super) enum Scheme {
    /// PBES2 with PBKDF2 by SHA-256 and AES-256: OpenSSL's default.
    Aes256,
    /// The same with SHA-1 and AES-128.
    Aes128Sha1,
    /// PBES2 with PBKDF2 and triple DES.
    TripleDes,
    /// PBES2 with scrypt and AES-256.
    Scrypt,
    /// PKCS#12's `pbeWithSHA1And3-KeyTripleDES-CBC` (RFC 7292, appendix B).
    Pkcs12,
}

/// How a key is encrypted by its PEM block's headers (RFC 1421).
#[derive(Clone, Copy, Debug)]
pub(super) enum Cipher {
    Aes128,
    Aes256,
    TripleDes,
}

/// EncryptedPrivateKeyInfo.
pub(super) fn pkcs8(key: &[u8], scheme: Scheme) -> Vec<u8> {
    let iv = *b"zoo zoo zoo zoo ";
    let short_iv = *b"zoo zoo ";
    let (algorithm, encrypted) = match scheme {
        Scheme::Aes256 => {
            let secret = derive::<Sha256>(32);
            (pbes2(&pbkdf2(HMAC_SHA256), AES_256_CBC, &iv), encrypt::<Aes256>(&secret, &iv, key))
        }
        Scheme::Aes128Sha1 => {
            let secret = derive::<Sha1>(16);
            (pbes2(&pbkdf2(HMAC_SHA1), AES_128_CBC, &iv), encrypt::<Aes128>(&secret, &iv, key))
        }
        Scheme::TripleDes => {
            let secret = derive::<Sha256>(24);
            (
                pbes2(&pbkdf2(HMAC_SHA256), TRIPLE_DES_CBC, &short_iv),
                encrypt::<TdesEde3>(&secret, &short_iv, key),
            )
        }
        Scheme::Scrypt => {
            // The cost that the openssl command takes.
            let (log_n, r, p) = (14_u8, 8, 1);
            let parameters = scrypt::Params::new(log_n, r, p).expect("these are legal parameters");
            let mut secret = [0; 32];
            scrypt::scrypt(PASSPHRASE, SALT, &parameters, &mut secret).expect("32 bytes can be derived");
            let function = der::sequence([
                der::oid(SCRYPT),
                der::sequence([
                    der::octets(SALT),
                    der::integer(1 << log_n),
                    der::integer(r.into()),
                    der::integer(p.into()),
                ]),
            ]);
            (pbes2(&function, AES_256_CBC, &iv), encrypt::<Aes256>(&secret, &iv, key))
        }
        Scheme::Pkcs12 => {
            let (secret, iv) = (pkcs12(1, 24), pkcs12(2, 8));
            let parameters = der::sequence([der::octets(SALT), der::integer(ITERATIONS.into())]);
            (der::sequence([der::oid(PKCS12_TRIPLE_DES), parameters]), encrypt::<TdesEde3>(&secret, &iv, key))
        }
    };
    der::sequence([algorithm, der::octets(encrypted)])
}

/// A PEM block with headers, around a key that is not PKCS#8.
pub(super) fn traditional(label: &str, key: &[u8], cipher: Cipher) -> String {
    let (name, key_size, iv_size) = match cipher {
        Cipher::Aes128 => ("AES-128-CBC", 16, 16),
        Cipher::Aes256 => ("AES-256-CBC", 32, 16),
        Cipher::TripleDes => ("DES-EDE3-CBC", 24, 8),
    };
    // The vector's first half is the salt too.
    let iv: Vec<u8> = SALT.iter().copied().cycle().take(iv_size).collect();
    let secret = bytes_to_key(key_size);
    let encrypted = match cipher {
        Cipher::Aes128 => encrypt::<Aes128>(&secret, &iv, key),
        Cipher::Aes256 => encrypt::<Aes256>(&secret, &iv, key),
        Cipher::TripleDes => encrypt::<TdesEde3>(&secret, &iv, key),
    };
    let hex = iv.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
    let begin = format!("-----BEGIN {label}-----\n");
    let headers = format!("{begin}Proc-Type: 4,ENCRYPTED\nDEK-Info: {name},{hex}\n\n");
    super::key::pem(label, &encrypted).replacen(&begin, &headers, 1)
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], iv: &[u8], plain: &[u8]) -> Vec<u8> {
    let encryptor = Encryptor::<C>::new_from_slices(key, iv).expect("the sizes are those of the cipher");
    encryptor.encrypt_padded_vec::<Pkcs7>(plain)
}

fn pbes2(function: &[u8], cipher: ObjectIdentifier, iv: &[u8]) -> Vec<u8> {
    let cipher = der::sequence([der::oid(cipher), der::octets(iv)]);
    der::sequence([der::oid(PBES2), der::sequence([function, &cipher])])
}

fn pbkdf2(prf: ObjectIdentifier) -> Vec<u8> {
    let prf = der::sequence([der::oid(prf), der::null()]);
    let parameters = der::sequence([der::octets(SALT), der::integer(ITERATIONS.into()), prf]);
    der::sequence([der::oid(PBKDF2), parameters])
}

fn derive<D>(length: usize) -> Vec<u8>
where
    D: hmac::EagerHash,
    Hmac<D>: KeyInit + hmac::digest::Update + hmac::digest::FixedOutput + Clone,
{
    let mut key = vec![0; length];
    pbkdf2::pbkdf2_hmac::<D>(PASSPHRASE, SALT, ITERATIONS, &mut key);
    key
}

/// `EVP_BytesToKey` with MD5 and one iteration, as PEM's encryption wants it.
fn bytes_to_key(length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    let mut block = Vec::new();
    while key.len() < length {
        block = Md5::digest([&block, PASSPHRASE, SALT].concat()).to_vec();
        key.extend(&block);
    }
    key.truncate(length);
    key
}

/// RFC 7292, appendix B.2, with SHA-1; `id` is 1 for a key and 2 for a vector.
fn pkcs12(id: u8, length: usize) -> Vec<u8> {
    const BLOCK: usize = 64;
    let fill = |bytes: &[u8]| -> Vec<u8> {
        let size = bytes.len().div_ceil(BLOCK).saturating_mul(BLOCK);
        bytes.iter().copied().cycle().take(size).collect()
    };
    // The passphrase in UTF-16 with an end.
    let passphrase: Vec<u8> = PASSPHRASE.iter().chain([&0]).flat_map(|&byte| [0, byte]).collect();
    let mut input = [fill(SALT), fill(&passphrase)].concat();
    let mut out: Vec<u8> = Vec::new();
    while out.len() < length {
        let mut digest = Sha1::digest([&[id; BLOCK][..], &input].concat());
        for _ in 1..ITERATIONS {
            digest = Sha1::digest(digest);
        }
        out.extend(digest);
        let addend: Vec<u8> = digest.iter().copied().cycle().take(BLOCK).collect();
        for block in input.chunks_mut(BLOCK) {
            // block = block + addend + 1, as a big-endian number that may overflow.
            let mut carry = 1_u16;
            for (byte, add) in block.iter_mut().zip(&addend).rev() {
                let sum = u16::from(*byte).saturating_add((*add).into()).saturating_add(carry);
                let [high, low] = sum.to_be_bytes();
                (*byte, carry) = (low, high.into());
            }
        }
    }
    out.truncate(length);
    out
}

const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
const PKCS12_TRIPLE_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const HMAC_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.7");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
const TRIPLE_DES_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
