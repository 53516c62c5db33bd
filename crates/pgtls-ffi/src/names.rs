//! Whether a certificate speaks for a host.

use crate::{
    boundary::{give_text, guarded, nothing_yet, text, values},
    status::pgtls_status::{self, PGTLS_UNVERIFIED},
};
use pgtls_core::{
    hardening::Hardening,
    name::{NameRules, NameVerified, match_host, printable_name},
};
use pgtls_rustls::{TlsOptions, authenticating_versions, clock};
use pgtls_x509::{Purpose, X509Error, check_der, presented_names};
use std::{ffi::c_char, time::Duration};

/// Compares a host with the names in a server's certificate (DER), by the rules of libpq of PostgreSQL 15 and later (libpq:
/// `pq_verify_peer_name_matches_certificate`). It makes no proof: a name counts in a verified chain alone, see
/// `pgtls_proof_match_host`.
///
/// `matched` becomes the name in the certificate. `PGTLS_UNVERIFIED` with an error if the certificate is for another host, and
/// if no connection would accept it with any chain: it cannot be read, or its key cannot authenticate a handshake.
///
/// # Safety
/// By the [contract](crate#the-contract) `certificate` has `length` bytes, `host` is a text; `matched` and `error` are
/// places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_match_host(
    certificate: *const u8,
    length: usize,
    host: *const c_char,
    matched: *mut *mut c_char,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `matched` and `error` are places, `certificate` has `length` bytes, `host` is a text.
        let (certificate, host) = unsafe {
            nothing_yet(matched);
            nothing_yet(error);
            (values(certificate, length)?, text(host)?)
        };
        let outcome = check(certificate)
            .map_err(|error| error.to_string())
            .and_then(|()| compare(certificate, Some(host), Hardening::NONE))
            .map(|(_, name)| name);
        // SAFETY: `matched` and `error` are places.
        unsafe { tell(outcome, matched, error) }
    })
}

/// Refuses a certificate that no connection accepts from a server.
fn check(certificate: &[u8]) -> Result<(), X509Error> {
    check_der(certificate)?;
    let options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::ZERO));
    authenticating_versions(certificate, Purpose::Server, &options).map(|_| ())
}

/// Compares a certificate with a host, and returns the proof and the name in the certificate. Without a host it fails.
pub(crate) fn compare(
    certificate: &[u8],
    host: Option<&str>,
    hardening: Hardening,
) -> Result<(NameVerified, String), String> {
    let names = presented_names(certificate)
        .map_err(|error| format!("the names in the server certificate cannot be read: {error}"))?;
    match match_host(host, &names.peer_names(), NameRules::default(), hardening) {
        Ok(matched) => Ok((matched.proof(), printable_name(matched.name()))),
        Err(mismatch) => Err(mismatch.to_string()),
    }
}

/// Gives the name or the error.
///
/// # Safety
/// `matched` and `error` are places.
pub(crate) unsafe fn tell(
    outcome: Result<String, String>,
    matched: *mut *mut c_char,
    error: *mut *mut c_char,
) -> Result<(), pgtls_status> {
    match outcome {
        Ok(name) => {
            // SAFETY: `matched` is a place.
            unsafe { give_text(matched, &name) };
            Ok(())
        }
        Err(reason) => {
            // SAFETY: `error` is a place.
            unsafe { give_text(error, &reason) };
            Err(PGTLS_UNVERIFIED)
        }
    }
}
