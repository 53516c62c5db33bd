//! Certificates, as the sub-commands tell of them.

use pgtls_x509::{CertificateName, Description};
use rustls_pki_types::CertificateDer;
use serde::Serialize;

/// What a certificate says of itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    issuer: String,
    /// Hexadecimal digits.
    serial: String,
    not_before: String,
    pub(crate) not_after: String,
    key: String,
    signature: String,
    /// Names and addresses that it speaks for.
    names: Vec<String>,
    is_ca: bool,
    /// SHA-256 of the whole, hexadecimal digits.
    fingerprint: String,
    /// All of it in lines, for people.
    #[serde(skip)]
    pub(crate) lines: String,
}

impl From<&Description> for Certificate {
    fn from(description: &Description) -> Self {
        let lines = description.to_string();
        let Description { name, not_before, not_after, key, signature, names, is_ca, fingerprint, .. } =
            description.clone();
        let CertificateName { subject, issuer, serial, .. } = name;
        Self {
            subject,
            issuer,
            serial,
            not_before,
            not_after,
            key,
            signature,
            names,
            is_ca,
            fingerprint,
            lines,
        }
    }
}

/// The certificates of a chain; what is no certificate has no description.
pub(crate) fn describe(chain: &[CertificateDer<'_>]) -> Vec<Certificate> {
    chain
        .iter()
        .filter_map(|der| Description::of(der).ok())
        .map(|description| (&description).into())
        .collect()
}
