//! Roots and revocation lists as a connection would have them, and the chain to judge.

use crate::{arguments::VerifyArguments, error_class};
use pgtls_core::{
    environment::Environment,
    files::{FileReport, FileRole, FileSettings, ReadFile, load_settings},
    param::SslCertMode,
};
use pgtls_os::Disk;
use pgtls_x509::{CrlStore, TrustStore, sent_certificates_from_pem};
use rustls_pki_types::CertificateDer;

/// What a chain is judged by, and the chain.
pub(super) struct Material {
    pub(super) trust: TrustStore,
    pub(super) crls: Option<CrlStore>,
    /// The peer's own certificate first.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// Why there is nothing to judge, or nothing to judge by.
pub(super) struct Unusable {
    pub(super) error_class: &'static str,
    pub(super) error: String,
}

/// What the files came to.
pub(super) struct Found {
    /// Those that were named.
    pub(super) files: Vec<FileReport>,
    /// What to judge, and by what.
    pub(super) material: Result<Material, Unusable>,
    /// Why nothing is checked for revocation although lists were named.
    pub(super) unchecked: Option<String>,
}

/// Reads the files by libpq's rules. What came of each is told even when one of them cannot be used.
pub(super) fn read(arguments: &VerifyArguments) -> Found {
    let mut settings = FileSettings::DEFAULT;
    settings.sslrootcert = Some(&arguments.rootcert);
    settings.sslcrl = arguments.crl.as_deref();
    settings.sslcrldir = arguments.crldir.as_deref();
    settings.sslcertmode = SslCertMode::Disable;
    let environment = match environment() {
        Ok(environment) => environment,
        Err(error) => {
            let unusable = Unusable { error_class: "other", error: error.to_string() };
            return Found { files: Vec::new(), material: Err(unusable), unchecked: None };
        }
    };
    let loaded = load_settings(&settings, &environment, &Disk);
    let material = pgtls_rustls::trust(&loaded)
        .map_err(|error| Unusable { error_class: error_class::of_setup(&error), error: error.to_string() })
        .and_then(|(trust, crls)| Ok(Material { trust, crls, chain: chain(&arguments.chain)? }));
    let given = |role| match role {
        FileRole::RootCert => true,
        FileRole::Crl => arguments.crl.is_some(),
        FileRole::CrlDir => arguments.crldir.is_some(),
        FileRole::Cert | FileRole::Key => false,
    };
    let checked = material.as_ref().map_or(true, |material| material.crls.is_some());
    let ignored = loaded.ignored_crl_file(checked);
    let unchecked = (!checked && (given(FileRole::Crl) || given(FileRole::CrlDir))).then(|| match &ignored {
        Some(error) => error.to_string(),
        None => "--rootcert system uses no revocation list".to_owned(),
    });
    let files = loaded.report_with(ignored.as_ref()).into_iter().filter(|line| given(line.role)).collect();
    Found { files, material, unchecked }
}

/// This process's environment without a home directory, so that only files given on the command line count.
fn environment() -> Result<Environment, pgtls_os::EnvironmentError> {
    let mut environment = pgtls_os::environment()?;
    environment.passwd_home = None;
    environment.variables.retain(|name, _| name.starts_with("SSL_CERT_"));
    Ok(environment)
}

/// The chain, as a TLS peer sends it: byte by byte as it is in the file.
fn chain(path: &str) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let unusable = |reason: &dyn std::fmt::Display| Unusable {
        error_class: "bad-chain-file",
        error: format!("could not read certificate file \"{path}\": {reason}"),
    };
    let (bytes, _) = Disk.read(path).map_err(|error| unusable(&error))?;
    sent_certificates_from_pem(&bytes).map_err(|error| unusable(&error))
}
