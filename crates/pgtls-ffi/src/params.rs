//! Parameters: a connection string, the service file, the environment and the defaults, merged and checked as libpq does.

use crate::{
    boundary::{
        free, give, give_bytes, give_text, guarded, guarded_or, handle, new_text, optional_text, text,
    },
    status::pgtls_status::{self, PGTLS_PARAMETERS},
};
use pgtls_core::{
    environment::Environment,
    message::startup_message,
    param::{Ability, Params, Settings},
    sni,
};
use std::{error::Error, ffi::c_char, ptr};

/// The parameters of a connection.
pub struct pgtls_params {
    pub(crate) params: Params,
    pub(crate) environment: Environment,
}

/// Reads a connection string or URI, the service file it may name, and the environment (libpq: `PQconnectStart`).
///
/// `PGTLS_PARAMETERS` with an error if they make no sense.
///
/// # Safety
/// The contract of the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_new(
    conninfo: *const c_char,
    params: *mut *mut pgtls_params,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: the caller's promise.
        let conninfo = unsafe { text(conninfo) }?;
        match resolve(conninfo) {
            // SAFETY: the caller's promise.
            Ok(resolved) => unsafe { give(params, resolved) },
            Err(reason) => {
                // SAFETY: the caller's promise.
                unsafe { give_text(error, &reason.to_string()) };
                Err(PGTLS_PARAMETERS)
            }
        }
    })
}

fn resolve(conninfo: &str) -> Result<pgtls_params, Box<dyn Error>> {
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(conninfo)?, &environment, Ability::default())?;
    Ok(pgtls_params { params, environment })
}

/// The value of a parameter that is no secret, after defaults; `NULL` when it has none. Freed with `pgtls_string_free`.
///
/// # Safety
/// The contract of the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_value(
    params: *const pgtls_params,
    keyword: *const c_char,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (params, keyword) = unsafe { (handle(params).ok()?, text(keyword).ok()?) };
        params.params.value(keyword).map(new_text)
    })
}

/// The server name to send to the server in clear (SNI) for this host; `NULL` when none is sent, or when the host is too
/// long for one, which breaks TLS. Freed with `pgtls_string_free`.
///
/// # Safety
/// The contract of the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_server_name(
    params: *const pgtls_params,
    host: *const c_char,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (params, host) = unsafe { (handle(params).ok()?, optional_text(host).ok()?) };
        sni::server_name(host, params.params.sslsni()).ok().flatten().map(new_text)
    })
}

/// The StartupMessage for these parameters. Freed with `pgtls_bytes_free`.
///
/// # Safety
/// The contract of the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_startup(
    params: *const pgtls_params,
    bytes: *mut *mut u8,
    length: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: the caller's promise.
        let pgtls_params { params, .. } = unsafe { handle(params) }?;
        let version = params.max_protocol_version();
        let packet =
            startup_message(version.number(), params.startup_pairs()).map_err(|_| PGTLS_PARAMETERS)?;
        // SAFETY: the caller's promise.
        unsafe { give_bytes(bytes, length, packet) }
    })
}

/// Frees parameters.
///
/// # Safety
/// The contract of the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_free(params: *mut pgtls_params) {
    // SAFETY: the caller's promise.
    unsafe { free(params) };
}
