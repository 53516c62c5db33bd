//! What makes a certificate of the root file an anchor (OpenSSL: `X509_check_trust`).

use super::Purpose;
use crate::{certificate::Certificate, oid};

/// Is the chain trusted because of this certificate?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Trusted,
    Rejected,
    /// Neither: a certificate above it decides.
    Neutral,
}

/// Trust settings decide where there are any; else a self-signed certificate is trusted and another is not.
pub(crate) fn trust_of(certificate: &Certificate<'_>, purpose: impl Into<Option<Purpose>>) -> Trust {
    match by_settings(certificate, purpose) {
        Trust::Neutral if certificate.self_signed && certificate.extensions.invalid.is_none() => {
            Trust::Trusted
        }
        settled => settled,
    }
}

/// Trust of a `TRUSTED CERTIFICATE` for this purpose by its settings. Without a purpose only settings for any purpose count
/// (OpenSSL: `X509_TRUST_DEFAULT`).
pub(super) fn by_settings(certificate: &Certificate<'_>, purpose: impl Into<Option<Purpose>>) -> Trust {
    let Some(settings) = &certificate.trust else {
        return Trust::Neutral;
    };
    let wanted = match purpose.into() {
        Some(Purpose::Server) => oid::purpose::SERVER_AUTH,
        Some(Purpose::Client) => oid::purpose::CLIENT_AUTH,
        None => oid::purpose::ANY,
    };
    let names_it =
        |purposes: &[alloc::vec::Vec<u8>]| purposes.iter().any(|it| it == wanted || it == oid::purpose::ANY);
    if names_it(&settings.rejected) {
        return Trust::Rejected;
    }
    match &settings.trusted {
        Some(trusted) if names_it(trusted) => Trust::Trusted,
        // Trusted for something else alone.
        Some(_) => Trust::Rejected,
        None => Trust::Neutral,
    }
}
