//! Whether a certificate speaks for a host.

use crate::{
    boundary::{give_text, guarded, nothing_yet, text, values},
    status::pgtls_status::{self, PGTLS_UNVERIFIED},
};
use pgtls_core::{
    hardening::Hardening,
    name::{NameRules, NameVerified, match_host, printable_name},
};
use pgtls_x509::presented_names;
use std::ffi::c_char;

/// Compares a host with the names in a certificate (DER), by the rules of libpq of PostgreSQL 15 and later (libpq:
/// `pq_verify_peer_name_matches_certificate`). It proves nothing: a name counts in a chain that holds, which is
/// `pgtls_proof_match_host`.
///
/// `matched` becomes the name in the certificate, `error` what is wrong.
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
        // SAFETY: `matched` and `error` are places.
        unsafe { tell(compare(certificate, host, Hardening::NONE).map(|(_, name)| name), matched, error) }
    })
}

/// The proof, and the name.
pub(crate) fn compare(
    certificate: &[u8],
    host: &str,
    hardening: Hardening,
) -> Result<(NameVerified, String), String> {
    let names = presented_names(certificate)
        .map_err(|error| format!("the names in the server certificate cannot be read: {error}"))?;
    match match_host(Some(host), &names.peer_names(), NameRules::default(), hardening) {
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
