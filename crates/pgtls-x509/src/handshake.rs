//! The key of a peer's own certificate, as a TLS handshake uses it.

use crate::{
    certificate::{
        Certificate, Outline,
        algorithm::identifier,
        extensions::{Extensions, key_usage},
        public_key::PublicKey,
    },
    error::{CertificateName, Object, PathError, X509Error},
    source::Source,
    tlv::{DerError, DerResult, Reader, bit_string, tag},
    verdict::Verdict,
};
use alloc::vec::Vec;

/// The key of a peer's own certificate, of any version: how it names its algorithm, and whether it may sign.
///
/// Which signatures are accepted is decided by the crypto provider and the settings of the handshake, which are not known here.
#[derive(Clone, Debug)]
pub struct HandshakeKey<'a> {
    outline: Outline<'a>,
    /// Content of the AlgorithmIdentifier in the SubjectPublicKeyInfo.
    algorithm: &'a [u8],
    key: PublicKey,
    is_well_formed: bool,
}

impl<'a> HandshakeKey<'a> {
    /// Finds the key of a certificate that fills its bytes to the last one. The rest of the certificate is not examined.
    ///
    /// # Errors
    /// The certificate cannot be read, or has no key with an algorithm.
    pub fn read(certificate: &'a [u8]) -> Result<Self, X509Error> {
        Self::try_read(certificate).map_err(malformed)
    }

    fn try_read(certificate: &'a [u8]) -> DerResult<Self> {
        let outline = Outline::read(certificate)?;
        let mut inside = outline.public_key_info.inside();
        let algorithm = inside.clone().expect(tag::SEQUENCE, "an algorithm identifier is expected")?.value;
        let (oid, _) = identifier(&mut inside)?;
        let bits = bit_string(&inside.expect(tag::BIT_STRING, "a public key is expected")?)?.bytes;
        let key = PublicKey::read(&outline.public_key_info);
        let is_well_formed = match key {
            PublicKey::Rsa { .. } | PublicKey::RsaPss { .. } => is_usable_rsa(bits),
            PublicKey::Ec(_) | PublicKey::Ed25519 | PublicKey::Ed448 => true,
            // Path validation has no use for a compressed point, but some providers verify signatures with one.
            PublicKey::Unusable => oid == EC && matches!(bits.first(), Some(0x02 | 0x03)),
            PublicKey::EcExplicit | PublicKey::Dsa { .. } => false,
        };
        Ok(Self { outline, algorithm, key, is_well_formed })
    }

    /// The SubjectPublicKeyInfo.
    pub fn public_key_info(&self) -> &'a [u8] {
        self.outline.public_key_info.whole
    }

    /// The content of its AlgorithmIdentifier, as crypto providers compare it
    /// (`SignatureVerificationAlgorithm::public_key_alg_id`).
    pub fn algorithm(&self) -> &'a [u8] {
        self.algorithm
    }

    /// Bits of the modulus of an RSA key.
    pub fn rsa_bits(&self) -> Option<usize> {
        match self.key {
            PublicKey::Rsa { bits } | PublicKey::RsaPss { bits, .. } => Some(bits),
            _ => None,
        }
    }

    /// Whether the RSA key is for RSASSA-PSS alone.
    pub fn is_for_pss_alone(&self) -> bool {
        matches!(self.key, PublicKey::RsaPss { .. })
    }

    /// Whether the key has the form of its algorithm: a point of a named curve, an RSA key of odd modulus and usual
    /// exponent. No crypto provider verifies a signature of any other key.
    pub fn is_well_formed(&self) -> bool {
        self.is_well_formed
    }

    /// Whether OpenSSL lets the key sign the key exchange of TLS 1.2 (OpenSSL: `ssl_check_srvr_ecc_cert_and_alg`): the key
    /// usage of a certificate for ECDSA or EdDSA, where there is one, must have digitalSignature, and no extension may be
    /// invalid. RSA is exempt, and so is TLS 1.3.
    ///
    /// # Errors
    /// The list of extensions cannot be read.
    pub fn may_sign_key_exchange(&self) -> Result<bool, X509Error> {
        let is_checked = matches!(
            self.key,
            PublicKey::Ec(_) | PublicKey::EcExplicit | PublicKey::Ed25519 | PublicKey::Ed448
        );
        let Some(list) = self.outline.extension_list.filter(|_| is_checked) else {
            return Ok(true);
        };
        let extensions = Extensions::read(self.outline.whole, list.inside()).map_err(malformed)?;
        let signs = extensions.key_usage.is_none_or(|bits| bits & key_usage::DIGITAL_SIGNATURE != 0);
        Ok(signs && extensions.invalid.is_none())
    }

    /// The refusal of the certificate because of its key ([`Verdict::UnsupportedKey`]). `detail` follows the key's
    /// description.
    pub fn refusal(&self, detail: &str) -> X509Error {
        PathError {
            verdict: Verdict::UnsupportedKey,
            depth: 0,
            certificate: CertificateName::of_outline(&self.outline),
            detail: Some(self.key.describe() + ", " + detail),
            decided_by: Vec::from([Source::Peer]),
        }
        .into()
    }
}

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// Whether the crypto providers of rustls verify with such a modulus and exponent; the size of the modulus is left to them.
fn is_usable_rsa(key: &[u8]) -> bool {
    const EXPONENT_BYTES: usize = 5;
    let parts = |key| -> DerResult<[&[u8]; 2]> {
        let mut inside = Reader::new(key).expect(tag::SEQUENCE, "an RSA key is expected")?.inside();
        let mut integer = || Ok::<_, DerError>(inside.expect(tag::INTEGER, "an integer is expected")?.value);
        Ok([integer()?, integer()?])
    };
    let Ok([modulus, exponent]) = parts(key) else { return false };
    let is_odd = |integer: &[u8]| integer.last().is_some_and(|last| last & 1 == 1);
    // Longer than 33 bits, or 1.
    let is_unusual = match exponent {
        [1] | [] => true,
        [first, ..] => exponent.len() > EXPONENT_BYTES || (exponent.len() == EXPONENT_BYTES && *first > 1),
    };
    is_odd(modulus) && is_odd(exponent) && !is_unusual
}

/// Checks that path validation can read a certificate: DER to the last byte, with names, times and extensions. What it says
/// is not judged.
///
/// # Errors
/// It cannot be read.
pub fn check_der(certificate: &[u8]) -> Result<(), X509Error> {
    Certificate::read(certificate).map(|_| ()).map_err(malformed)
}

fn malformed(error: DerError) -> X509Error {
    X509Error::malformed(Object::Certificate, None, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// An RSAPublicKey.
    fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let integer = |bytes: &[u8]| [&[0x02, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let content = [integer(modulus), integer(exponent)].concat();
        [&[0x30, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    }

    #[test]
    fn rsa_keys_have_an_odd_modulus_and_a_usual_exponent() {
        let odd = [0x00, 0xc1, 0x55];
        for (modulus, exponent, usable) in [
            (&odd[..], &[3][..], true),
            (&odd, &[1, 0, 1], true),
            (&odd, &[1, 0, 0, 0, 1], true),
            (&odd, &[2, 0, 0, 0, 1], false),
            (&odd, &[1, 0, 0, 0, 0, 1], false),
            (&odd, &[1], false),
            (&odd, &[4], false),
            (&odd, &[], false),
            (&[0x00, 0xc1, 0x54], &[3], false),
        ] {
            assert_eq!(is_usable_rsa(&rsa(modulus, exponent)), usable, "{modulus:?} {exponent:?}");
        }
        assert!(!is_usable_rsa(&vec![0x30, 0x00]));
    }
}
