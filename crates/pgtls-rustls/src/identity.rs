//! The client's own certificate and key, parsed once and shared by all sessions.

use crate::{
    algorithms::Algorithms, error::SetupError, external_key, options::TlsOptions, pss::signing_key, signature,
};
use pgtls_core::{
    connect::Warning,
    files::{self, FileIdentity, FileRole, Loaded, LoadedFile},
    param::{Params, Secret},
};
use pgtls_x509::{KeyProblem, MAX_PASSPHRASE, X509Error, certificates_from_pem, check_own_keys, private_key};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};
use std::sync::Arc;
use zeroize::Zeroize as _;

/// The client's identity. Its two errors are apart because libpq finds the first before it sets the server name
/// indication and the second after.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// What is wrong with the certificate file.
    pub(crate) certificate: Result<(), SetupError>,
    /// The certificate with its key, if there is one, or what is wrong with the key file.
    pub(crate) key: Result<Option<Arc<CertifiedKey>>, SetupError>,
    /// The key is encrypted, and `sslpassword` is longer than OpenSSL's buffer.
    pub(crate) is_password_truncated: bool,
    /// What it was read from, when both files were there.
    versions: Option<[Version; 2]>,
}

/// A file at one time.
type Version = (String, FileIdentity);

impl Identity {
    const NONE: Self =
        Self { certificate: Ok(()), key: Ok(None), is_password_truncated: false, versions: None };

    /// Parses what was read (libpq: `initialize_SSL`). With a former identity, of the same parameters and options, that is
    /// not done for the same files again: somebody would be asked for a passphrase again.
    pub(crate) fn new(
        params: &Params,
        loaded: &files::Identity,
        options: &TlsOptions,
        former: Option<&Self>,
    ) -> Self {
        let versions = versions(loaded);
        match former {
            Some(former) if versions.is_some() && former.versions == versions => former.clone(),
            _ => Self { versions, ..Self::parsed(params, loaded, options) },
        }
    }

    fn parsed(params: &Params, loaded: &files::Identity, options: &TlsOptions) -> Self {
        match loaded {
            files::Identity::None => Self::NONE,
            files::Identity::Unusable(error) => Self::without_certificate(SetupError::File(error.clone())),
            files::Identity::Certificate { certificate, key } => {
                let identity = Self::of_certificate(certificate, options, |chain| match key {
                    Err(error) => Err(SetupError::File(error.clone())),
                    Ok(key) => certified(chain, certificate, key, params.sslpassword(), options),
                });
                let is_password_truncated = identity.certificate.is_ok()
                    && key.as_ref().is_ok_and(|key| is_truncated(key, params.sslpassword(), options));
                Self { is_password_truncated, ..identity }
            }
            files::Identity::ExternalKey { certificate, key } => {
                Self::of_certificate(certificate, options, |chain| external(chain, certificate, key, options))
            }
        }
    }

    fn of_certificate(
        certificate: &LoadedFile,
        options: &TlsOptions,
        certified: impl FnOnce(Vec<CertificateDer<'static>>) -> Result<CertifiedKey, SetupError>,
    ) -> Self {
        let chain = certificates_from_pem(&certificate.bytes);
        match chain.and_then(|chain| check_own_keys(&chain, options.security_level).map(|()| chain)) {
            Err(error) => Self::without_certificate(content(FileRole::Cert, certificate, error)),
            Ok(chain) => Self { key: certified(chain).map(Arc::new).map(Some), ..Self::NONE },
        }
    }

    fn without_certificate(error: SetupError) -> Self {
        Self { certificate: Err(error), ..Self::NONE }
    }
}

/// The client's certificate and key for a TLS engine other than rustls.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificates to send, the client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key, decrypted. `Debug` does not print it.
    pub key: PrivateKeyDer<'static>,
    /// The problem that libpq ignores: `sslpassword` is cut.
    pub warning: Option<Warning>,
}

impl Drop for ClientIdentity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Parses and checks the client's certificate and key of loaded files, for programs that give them to a TLS engine of their own;
/// `None` if no certificate is to be sent (libpq: `initialize_SSL`).
///
/// # Errors
/// Certificate or key are missing, do not load or do not belong together. A key with which the provider of the options cannot sign is
/// refused as well, and an external key, which has no bytes.
pub fn client_identity(
    params: &Params,
    loaded: &Loaded,
    options: &TlsOptions,
) -> Result<Option<ClientIdentity>, SetupError> {
    let (certificate, key) = match &loaded.identity {
        files::Identity::None => return Ok(None),
        files::Identity::Unusable(error) => return Err(SetupError::File(error.clone())),
        files::Identity::Certificate { certificate, key } => (certificate, key),
        files::Identity::ExternalKey { certificate, key } => {
            return Err(SetupError::ExternalKey {
                certificate: certificate.path.clone(),
                key: key.clone(),
                reason: "its bytes cannot be given to another TLS engine",
            });
        }
    };
    let mut plain = None;
    let identity = Identity::of_certificate(certificate, options, |chain| {
        let key = key.as_ref().map_err(|error| SetupError::File(error.clone()))?;
        let parsed = decrypted(key, params.sslpassword(), options)
            .map_err(|error| content(FileRole::Key, key, error))?;
        certified_by(chain, certificate, key, plain.insert(parsed).clone_key(), options)
    });
    identity.certificate?;
    let (Some(certified), Some(plain)) = (identity.key?, plain) else { return Ok(None) };
    let is_truncated = key.as_ref().is_ok_and(|key| is_truncated(key, params.sslpassword(), options));
    Ok(Some(ClientIdentity {
        chain: certified.cert.clone(),
        key: plain,
        warning: is_truncated.then_some(Warning::SslPasswordTruncated),
    }))
}

fn versions(loaded: &files::Identity) -> Option<[Version; 2]> {
    let files::Identity::Certificate { certificate, key: Ok(key) } = loaded else { return None };
    Some([certificate, key].map(|file| (file.path.clone(), file.identity)))
}

/// The key of this certificate.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    certificate: &LoadedFile,
    key: &LoadedFile,
    sslpassword: Option<&Secret>,
    options: &TlsOptions,
) -> Result<CertifiedKey, SetupError> {
    let parsed = decrypted(key, sslpassword, options).map_err(|error| content(FileRole::Key, key, error))?;
    certified_by(chain, certificate, key, parsed, options)
}

/// The decrypted key of this certificate.
fn certified_by(
    chain: Vec<CertificateDer<'static>>,
    certificate: &LoadedFile,
    key: &LoadedFile,
    parsed: PrivateKeyDer<'static>,
    options: &TlsOptions,
) -> Result<CertifiedKey, SetupError> {
    let signer = signing_key(parsed, options.provider.key_provider)
        .map_err(|error| SetupError::KeyUnsupported { path: key.path.clone(), error })?;
    let leaf = chain.first().ok_or(rustls::Error::NoCertificatesPresented).map_err(SetupError::Provider)?;
    if !signature::is_key_of(&*signer, leaf, &Algorithms::new(&options.provider)) {
        return Err(SetupError::KeyMismatch { certificate: certificate.path.clone(), key: key.path.clone() });
    }
    Ok(CertifiedKey::new(chain, signer))
}

/// The external key of this certificate. Signatures are compared with the certificate when they are made.
fn external(
    chain: Vec<CertificateDer<'static>>,
    certificate: &LoadedFile,
    label: &str,
    options: &TlsOptions,
) -> Result<CertifiedKey, SetupError> {
    let unusable = |reason| SetupError::ExternalKey {
        certificate: certificate.path.clone(),
        key: label.to_owned(),
        reason,
    };
    let key = options.external_key.clone();
    let key = key.ok_or_else(|| unusable("it is not among the options that the connector is made with"))?;
    let leaf = chain.first().ok_or(rustls::Error::NoCertificatesPresented).map_err(SetupError::Provider)?;
    let algorithms = Algorithms::new(&options.provider);
    let signer = external_key::signing_key(key, (leaf, &certificate.path), algorithms)
        .map_err(|error| content(FileRole::Cert, certificate, error))?
        .ok_or_else(|| unusable("none of its signature schemes fits the public key of the certificate"))?;
    Ok(CertifiedKey::new(chain, signer))
}

/// The key in a file, decrypted with the hook's passphrase or else `sslpassword`. The hook is asked only if there is
/// something to decrypt, because it may bother a person.
fn decrypted(
    key: &LoadedFile,
    sslpassword: Option<&Secret>,
    options: &TlsOptions,
) -> Result<PrivateKeyDer<'static>, X509Error> {
    let read = |passphrase: Option<&Secret>| {
        private_key(&key.bytes, passphrase.map(|secret| secret.expose().as_bytes()))
    };
    let Some(hook) = &options.passphrase else { return read(sslpassword) };
    match read(None) {
        Err(X509Error::Key(KeyProblem::PassphraseNeeded)) => read(hook(&key.path).as_ref()),
        read => read,
    }
}

/// Whether `sslpassword` is used and only its beginning is (libpq: `PQdefaultSSLKeyPassHook_OpenSSL`).
fn is_truncated(key: &LoadedFile, sslpassword: Option<&Secret>, options: &TlsOptions) -> bool {
    options.passphrase.is_none()
        && sslpassword.is_some_and(|secret| secret.expose().len() > MAX_PASSPHRASE)
        && matches!(private_key(&key.bytes, None), Err(X509Error::Key(KeyProblem::PassphraseNeeded)))
}

fn content(role: FileRole, file: &LoadedFile, error: X509Error) -> SetupError {
    SetupError::Content { role, path: Some(file.path.clone()), error }
}
