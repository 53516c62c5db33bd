//! RSA keys that crypto providers do not read: private keys for RSASSA-PSS alone, and public keys outside their range.

use crate::tlv::{Reader, tag};
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

/// A private key that is for RSASSA-PSS alone, borrowed from its PKCS#8 form.
#[derive(Debug)]
#[non_exhaustive]
pub struct RsaPssKey<'a> {
    /// What it may be used for: the content of its AlgorithmIdentifier, which is `id-RSASSA-PSS` alone for any hash, or
    /// with parameters for one (RFC 4055, section 1.2).
    pub algorithm: &'a [u8],
    /// The RSA key.
    pub key: PrivatePkcs1KeyDer<'a>,
}

/// The parts of a PKCS#8 key that is for RSASSA-PSS alone; `None` for a key of any other kind.
pub fn rsa_pss_key<'a>(key: &'a PrivatePkcs8KeyDer<'_>) -> Option<RsaPssKey<'a>> {
    const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    let mut inside = Reader::new(key.secret_pkcs8_der()).expect(tag::SEQUENCE, "a key").ok()?.inside();
    inside.expect(tag::INTEGER, "a version").ok()?;
    let algorithm = inside.expect(tag::SEQUENCE, "an algorithm").ok()?;
    let name = algorithm.inside().expect(tag::OID, "a name").ok()?;
    let key = inside.expect(tag::OCTET_STRING, "a key").ok()?;
    (name.value == RSASSA_PSS)
        .then(|| RsaPssKey { algorithm: algorithm.value, key: PrivatePkcs1KeyDer::from(key.value) })
}

/// The numbers of an RSA public key, unsigned and big-endian, without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RsaPublicKey<'a> {
    /// The modulus, which is not zero.
    pub modulus: &'a [u8],
    /// The public exponent; empty for zero.
    pub exponent: &'a [u8],
}

/// Reads an `RSAPublicKey` (RFC 8017, appendix A.1.1), the content of the BIT STRING in a certificate; `None` if it is no
/// such key or its modulus is zero. Like OpenSSL it takes the numbers as unsigned and ignores what follows the key
/// (OpenSSL: `d2i_RSAPublicKey`).
pub fn rsa_public_key(key: &[u8]) -> Option<RsaPublicKey<'_>> {
    fn significant(content: &[u8]) -> &[u8] {
        let leading = content.iter().position(|&byte| byte != 0).unwrap_or(content.len());
        content.get(leading..).unwrap_or_default()
    }
    let mut inside = Reader::new(key).expect(tag::SEQUENCE, "an RSA key is expected").ok()?.inside();
    let modulus = significant(inside.expect(tag::INTEGER, "a modulus is expected").ok()?.value);
    let exponent = significant(inside.expect(tag::INTEGER, "an exponent is expected").ok()?.value);
    inside.finish().ok()?;
    (!modulus.is_empty()).then_some(RsaPublicKey { modulus, exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_read_as_unsigned_numbers() {
        let key = |bytes: &'static [u8]| rsa_public_key(bytes).map(|key| (key.modulus, key.exponent));
        let found = Some((&[0x81, 0x01][..], &[0x03][..]));
        assert_eq!(key(&[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 3]), found);
        // A sign, more zeros than needed, and what follows.
        assert_eq!(key(&[0x30, 7, 2, 2, 0x81, 1, 2, 1, 3]), found);
        assert_eq!(key(&[0x30, 9, 2, 3, 0, 0x81, 1, 2, 2, 0, 3]), found);
        assert_eq!(key(&[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 3, 0]), found);
        assert_eq!(key(&[0x30, 6, 2, 1, 5, 2, 1, 0]), Some((&[5][..], &[][..])));
        for no_key in [
            &[][..],
            &[0x30, 6, 2, 1, 0, 2, 1, 3],
            &[0x30, 3, 2, 1, 5],
            &[0x30, 9, 2, 1, 5, 2, 1, 3, 2, 1, 1],
            &[0x31, 6, 2, 1, 5, 2, 1, 3],
            &[0x30, 6, 2, 1, 5, 2, 1],
        ] {
            assert_eq!(key(no_key), None, "{no_key:?}");
        }
    }
}
