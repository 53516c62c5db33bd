//! The key of a peer's own certificate, as a TLS handshake uses it.

use crate::{
    certificate::{
        Certificate, Outline,
        algorithm::PssParameters,
        extensions::{Extensions, key_usage},
        public_key::{PublicKey, ReadKey},
    },
    error::{CertificateName, Object, PathError, X509Error},
    source::Source,
    tlv::{DerError, DerResult, bit_string, tag},
    verdict::Verdict,
};
use alloc::{borrow::Cow, vec::Vec};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

/// The key of a peer's own certificate, of any version: how it names its algorithm, and whether it may sign.
///
/// Which signatures are accepted is decided by the crypto provider and the settings of the handshake, which are not known here.
#[derive(Clone, Debug)]
pub struct HandshakeKey<'a> {
    outline: Outline<'a>,
    info: Cow<'a, [u8]>,
    /// Content of the AlgorithmIdentifier in the SubjectPublicKeyInfo.
    algorithm: &'a [u8],
    bits: Cow<'a, [u8]>,
    key: PublicKey,
    /// The key is a point in a form other than the uncompressed one.
    is_compressed: bool,
}

impl<'a> HandshakeKey<'a> {
    /// Finds the key of a certificate that fills its bytes to the last one. The rest of the certificate is not examined.
    ///
    /// # Errors
    /// The certificate cannot be read, or its SubjectPublicKeyInfo has no algorithm or no BIT STRING.
    pub fn read(certificate: &'a [u8]) -> Result<Self, X509Error> {
        Self::try_read(certificate).map_err(malformed)
    }

    fn try_read(certificate: &'a [u8]) -> DerResult<Self> {
        let outline = Outline::read(certificate)?;
        let mut inside = outline.public_key_info.inside();
        let algorithm = inside.expect(tag::SEQUENCE, "an algorithm identifier is expected")?;
        let written =
            bit_string(&inside.expect(tag::BIT_STRING, "a public key is expected")?)?.masked_bytes();
        let ReadKey { key, bits, .. } = ReadKey::read(&outline.public_key_info);
        let info = outline.masked_public_key_info()?;
        let is_compressed = matches!(key, PublicKey::Ec(_)) && written != bits;
        Ok(Self { outline, info, algorithm: algorithm.value, bits, key, is_compressed })
    }

    /// The SubjectPublicKeyInfo with the key that OpenSSL reads from it. The unused bits of the BIT STRING around the key are
    /// cleared and count as used (OpenSSL: `ossl_c2i_ASN1_BIT_STRING`), which may make the key another one.
    pub fn public_key_info(&self) -> &[u8] {
        &self.info
    }

    /// The key in the BIT STRING as crypto providers read it: unused bits cleared, points uncompressed, RSA keys in DER.
    pub fn public_key(&self) -> &[u8] {
        &self.bits
    }

    /// The content of the AlgorithmIdentifier, as crypto providers compare it
    /// (`SignatureVerificationAlgorithm::public_key_alg_id`). Like OpenSSL it ignores the parameters of an RSA key, which have to
    /// be NULL (OpenSSL: `rsa_pub_decode`). That of a key for RSASSA-PSS alone is without parameters: see
    /// [`pss_restriction`](Self::pss_restriction).
    pub fn algorithm(&self) -> &[u8] {
        static RSA: AlgorithmIdentifier = alg_id::RSA_ENCRYPTION;
        /// `id-RSASSA-PSS` without parameters (RFC 8017, appendix A.2.3).
        const RSASSA_PSS: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
        match self.key {
            PublicKey::Rsa { .. } => RSA.as_ref(),
            PublicKey::RsaPss { .. } => RSASSA_PSS,
            _ => self.algorithm,
        }
    }

    /// The hash functions and the least salt to which a key for RSASSA-PSS alone is restricted; `None` for any other key.
    pub fn pss_restriction(&self) -> Option<PssParameters> {
        match self.key {
            PublicKey::RsaPss { restriction, .. } => restriction,
            _ => None,
        }
    }

    /// Whether the key is a compressed or hybrid point. A server of TLS 1.2 uses a certificate with one only if the client has offered
    /// such points (RFC 8422, section 5.1.2; OpenSSL: `tls1_check_pkey_comp`).
    pub fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Whether the key has the form of its algorithm: an RSA key, a point of a named curve, as many bytes as Ed25519 has. No
    /// crypto provider verifies a signature of any other key. The numbers of an RSA key are not examined.
    pub fn is_well_formed(&self) -> bool {
        match self.key {
            PublicKey::Rsa { .. }
            | PublicKey::RsaPss { .. }
            | PublicKey::Ec(_)
            | PublicKey::Ed25519
            | PublicKey::Ed448 => true,
            PublicKey::EcExplicit | PublicKey::Dsa { .. } | PublicKey::Unusable => false,
        }
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
