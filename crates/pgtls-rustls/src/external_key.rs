//! The client's key where only a callback can sign with it: keys that cannot leave an HSM, a TPM or an agent.

use crate::{
    algorithms::Algorithms,
    connect::BoxError,
    curves,
    error::{SigningError, SigningProblem},
    signature,
};
use pgtls_x509::{HandshakeKey, X509Error};
use rustls::{
    Error, OtherError, SignatureAlgorithm, SignatureScheme,
    pki_types::CertificateDer,
    sign::{Signer, SigningKey},
};
use std::{fmt, sync::Arc};

/// A private key that signs for the client's certificate and cannot be read: in an HSM, a TPM, a cloud service or an agent.
///
/// It takes the place of the file of `sslkey` ([`TlsOptions::external_key`](crate::TlsOptions::external_key)), which is neither
/// looked for nor read; `sslpassword` and the passphrase hook do not apply to it. The certificate is that of `sslcert`, from a
/// file or from memory, whose public key must be this key's: each signature is verified with it before it is sent. Without a
/// certificate, with `sslcertmode=disable`, or when the server requests none, the key is not used.
///
/// **Where it runs.** [`sign`](Self::sign) is called within the handshake, once for each connection to a server that requests a
/// certificate, after the server's certificate has passed the checks of `sslmode`. It runs on the thread that drives the
/// handshake. It may block: a blocking adapter then waits, and an asynchronous one blocks its executor's thread for as long,
/// as rustls has no asynchronous signatures (on tokio's multi-threaded runtime an implementation may use
/// `tokio::task::block_in_place`). The deadline of `connect_timeout` is checked only when it returns, so an implementation
/// should have a time limit of its own. Several connections may call it at the same time.
///
/// **Outcomes.** An error fails the handshake, as a failing engine of OpenSSL does for libpq: `sslmode=prefer` goes on in
/// plaintext, the other modes report [`TlsError::Signing`](crate::TlsError::Signing), which names key and certificate. If the
/// server accepts none of the schemes, no certificate is sent and the server decides, as with a key from a file (OpenSSL:
/// `ssl3_check_client_certificate`).
///
/// ```
/// use pgtls_rustls::{BoxError, ExternalKey, TlsOptions, clock};
/// use rustls::SignatureScheme;
/// use std::{sync::Arc, time::Duration};
///
/// /// A key in an HSM.
/// struct HsmKey;
///
/// impl ExternalKey for HsmKey {
///     fn label(&self) -> &str {
///         "pkcs11:token=db;object=client"
///     }
///
///     fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError> {
///         let mechanism = match scheme {
///             SignatureScheme::ECDSA_NISTP256_SHA256 => "CKM_ECDSA_SHA256",
///             other => return Err(format!("no mechanism for {other:?}").into()),
///         };
///         # let _ = (mechanism, message);
///         Err("the token is locked".into()) // C_Sign
///     }
/// }
///
/// # fn options(mut options: TlsOptions) {
/// options.external_key = Some(Arc::new(HsmKey));
/// # }
/// ```
pub trait ExternalKey: Send + Sync {
    /// The name of the key in errors and in the report, where they show the path of a key file. It must hold no secret such as
    /// a PIN.
    fn label(&self) -> &str;

    /// The schemes in which the key signs, in order of preference; `None` for all that its certificate allows. Schemes that
    /// do not fit the key of the certificate are left out. A token without RSASSA-PSS, for example, returns
    /// `RSA_PKCS1_SHA256` and so is used with TLS 1.2 alone.
    fn schemes(&self) -> Option<Vec<SignatureScheme>> {
        None
    }

    /// Signs a message of the handshake (RFC 8446, section 4.4.3; RFC 5246, section 7.4.8).
    ///
    /// The message is not hashed: the scheme names the hash. Returns the signature as TLS encodes it: an ECDSA-Sig-Value in DER
    /// for ECDSA, the bytes of the signature for RSA and Ed25519. The salt of RSASSA-PSS is as long as the hash.
    ///
    /// # Errors
    /// Any reason not to sign. Its text is shown.
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError>;
}

/// The signing key for rustls, of an external key and its certificate; `None` if none of the key's schemes fits the
/// certificate.
///
/// # Errors
/// The public key of the certificate cannot be read.
pub(crate) fn signing_key(
    key: Arc<dyn ExternalKey>,
    (leaf, path): (&CertificateDer<'static>, &str),
    algorithms: Algorithms,
) -> Result<Option<Arc<dyn SigningKey>>, X509Error> {
    let public_key = HandshakeKey::read(leaf)?;
    let fits = |scheme: &SignatureScheme| signature::signs_with(*scheme, &public_key, &algorithms);
    let schemes = key.schemes().unwrap_or_else(|| algorithms.schemes());
    let schemes: Vec<_> = schemes.into_iter().filter(fits).collect();
    if schemes.is_empty() {
        return Ok(None);
    }
    let (certificate, path) = (leaf.clone(), path.to_owned());
    Ok(Some(Arc::new(Signing(Arc::new(Shared { key, certificate, path, schemes, algorithms })))))
}

struct Shared {
    key: Arc<dyn ExternalKey>,
    certificate: CertificateDer<'static>,
    /// Path of the certificate.
    path: String,
    /// The schemes of the key that fit, in order of preference.
    schemes: Vec<SignatureScheme>,
    algorithms: Algorithms,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalKey")
            .field("label", &self.key.label())
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Signing(Arc<Shared>);

impl SigningKey for Signing {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.0.schemes.iter().copied().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(SigningWith { shared: self.0.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.schemes.first() {
            Some(SignatureScheme::ED25519) => SignatureAlgorithm::ED25519,
            Some(scheme) if curves::SCHEMES.contains(scheme) => SignatureAlgorithm::ECDSA,
            _ => SignatureAlgorithm::RSA,
        }
    }
}

#[derive(Debug)]
struct SigningWith {
    shared: Arc<Shared>,
    scheme: SignatureScheme,
}

impl Signer for SigningWith {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Shared { key, certificate, path, algorithms, .. } = &*self.shared;
        let failed = |problem| {
            let error = SigningError { certificate: path.clone(), key: key.label().to_owned(), problem };
            Error::Other(OtherError(Arc::new(error)))
        };
        let signature =
            key.sign(self.scheme, message).map_err(|error| failed(SigningProblem::Refused(error.into())))?;
        signature::verify_own((message, self.scheme, &signature), certificate, algorithms)
            .map_err(|_| failed(SigningProblem::Mismatch { scheme: self.scheme }))?;
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
