//! RSA keys that crypto providers do not read: private keys for RSASSA-PSS alone, and public keys outside their range.

use crate::{
    certificate::{
        algorithm::{PssParameters, identifier},
        name::{element_length, push_header, push_tlv},
    },
    tlv::{Reader, integer, tag},
};
use alloc::{borrow::Cow, vec::Vec};
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

/// A private key that is for RSASSA-PSS alone, borrowed from its PKCS#8 form.
#[derive(Debug)]
#[non_exhaustive]
pub struct RsaPssKey<'a> {
    /// The hash functions and the least salt that the key is for; `None` for any (RFC 4055, section 1.2).
    pub restriction: Option<PssParameters>,
    /// The RSA key.
    pub key: PrivatePkcs1KeyDer<'a>,
}

/// The parts of a PKCS#8 key that is for RSASSA-PSS alone; `None` for a key of any other kind, or one whose parameters cannot be
/// read.
pub fn rsa_pss_key<'a>(key: &'a PrivatePkcs8KeyDer<'_>) -> Option<RsaPssKey<'a>> {
    const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    let mut inside = Reader::new(key.secret_pkcs8_der()).expect(tag::SEQUENCE, "a key").ok()?.inside();
    inside.expect(tag::INTEGER, "a version").ok()?;
    let (name, parameters) = identifier(&mut inside).ok()?;
    let key = inside.expect(tag::OCTET_STRING, "a key").ok()?;
    let restriction = match parameters {
        None => None,
        Some(parameters) => Some(PssParameters::read(&parameters).ok()??),
    };
    (name == RSASSA_PSS).then(|| RsaPssKey { restriction, key: PrivatePkcs1KeyDer::from(key.value) })
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

impl RsaPublicKey<'_> {
    /// The `RSAPublicKey` in DER, which crypto providers demand.
    pub fn to_der(&self) -> Vec<u8> {
        // Numbers are signed, and zero is one byte.
        let padded = |number: &[u8]| {
            let is_padded = number.first().is_none_or(|first| first & 0x80 != 0);
            if is_padded { [&[0], number].concat() } else { number.to_vec() }
        };
        let (modulus, exponent) = (padded(self.modulus), padded(self.exponent));
        let content = element_length(modulus.len()).saturating_add(element_length(exponent.len()));
        let mut der = Vec::with_capacity(element_length(content));
        push_header(&mut der, tag::SEQUENCE, content);
        push_tlv(&mut der, tag::INTEGER, &modulus);
        push_tlv(&mut der, tag::INTEGER, &exponent);
        der
    }

    /// The key, read from these bytes, in DER: the bytes themselves where they are DER.
    pub(crate) fn in_der<'a>(&self, read_from: &'a [u8]) -> Cow<'a, [u8]> {
        let is_der = || {
            let mut reader = Reader::new(read_from);
            let mut inside = reader.any().ok()?.inside();
            while !inside.is_empty() {
                integer(&inside.any().ok()?)
                    .ok()
                    .filter(|number| number.first().is_some_and(|first| first & 0x80 == 0))?;
            }
            reader.finish().ok()
        };
        if is_der().is_some() { Cow::Borrowed(read_from) } else { Cow::Owned(self.to_der()) }
    }
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
