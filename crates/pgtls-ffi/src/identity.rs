//! The client's certificate and private key.

use crate::{
    boundary::{free, give, give_text, guarded, handle, nothing_yet, put, set},
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_FILE},
    trust::tls_options,
};
use pgtls_core::files;
use pgtls_rustls::client_identity;
use pgtls_x509::to_pkcs8;
use std::ffi::c_char;
use zeroize::Zeroizing;

/// The client's certificates and private key, as they are given to a TLS engine.
pub struct pgtls_identity {
    chain: Vec<Vec<u8>>,
    /// PKCS#8; empty without a certificate.
    key: Zeroizing<Vec<u8>>,
}

/// Reads the client's certificate and private key by libpq's rules: `sslcert`, `sslkey`, `sslpassword` and `sslcertmode`, the files in
/// the home directory by default, the permissions of the key file, and that the two belong together (libpq: `initialize_SSL`). Call it
/// for each `PGTLS_START_TLS`, and give certificates and key to the TLS engine.
///
/// `PGTLS_OK` with no certificate in `identity` if none is to be sent. `PGTLS_FILE` with an error in libpq's words if one was demanded
/// that cannot be used; it goes to `pgtls_machine_tls_failed` with `PGTLS_TLS_SETUP`. A key with which this library could not sign
/// itself (Ed448, DSA) is such an error, too.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle; `identity` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_identity_of_params(
    params: *const pgtls_params,
    identity: *mut *mut pgtls_identity,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `identity` and `error` are places, `params` is a handle.
        let params = unsafe {
            nothing_yet(identity);
            nothing_yet(error);
            handle(params)
        }?;
        match load(params) {
            // SAFETY: `identity` is a place.
            Ok(loaded) => unsafe { give(identity, loaded) },
            Err(reason) => {
                // SAFETY: `error` is a place.
                unsafe { give_text(error, &reason) };
                Err(PGTLS_FILE)
            }
        }
    })
}

fn load(pgtls_params { params, environment }: &pgtls_params) -> Result<pgtls_identity, String> {
    let loaded = files::load(params, environment, &pgtls_os::Disk);
    let options = tls_options(Some(params));
    let Some(client) = client_identity(params, &loaded, &options).map_err(|error| error.to_string())? else {
        return Ok(pgtls_identity { chain: Vec::new(), key: Zeroizing::default() });
    };
    let key = Zeroizing::new(to_pkcs8(&client.key).map_err(|error| error.to_string())?);
    Ok(pgtls_identity { chain: client.chain.iter().map(|certificate| certificate.to_vec()).collect(), key })
}

/// Writes a certificate (DER), by its index from 0: the client's own first, then those to be sent after it. It belongs to the identity
/// and holds until that is freed. `PGTLS_ARGUMENT` if there is no such certificate.
///
/// # Safety
/// By the [contract](crate#the-contract) `identity` is a handle; `certificate` and `length` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_identity_certificate(
    identity: *const pgtls_identity,
    index: usize,
    certificate: *mut *const u8,
    length: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `identity` is a handle.
        let found = unsafe { handle(identity) }?.chain.get(index).ok_or(PGTLS_ARGUMENT)?;
        // SAFETY: `certificate` and `length` are places.
        unsafe {
            set(length, found.len());
            put(certificate, found.as_ptr())
        }
    })
}

/// Writes the private key, decrypted, as PKCS#8 (DER, RFC 5958: `d2i_AutoPrivateKey`). It belongs to the identity and holds until that
/// is freed. `PGTLS_ARGUMENT` if there is no certificate.
///
/// # Safety
/// By the [contract](crate#the-contract) `identity` is a handle; `key` and `length` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_identity_key(
    identity: *const pgtls_identity,
    key: *mut *const u8,
    length: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `identity` is a handle.
        let found = &unsafe { handle(identity) }?.key;
        if found.is_empty() {
            return Err(PGTLS_ARGUMENT);
        }
        // SAFETY: `key` and `length` are places.
        unsafe {
            set(length, found.len());
            put(key, found.as_ptr())
        }
    })
}

/// Overwrites the key and frees an identity.
///
/// # Safety
/// By the [contract](crate#the-contract) `identity` is a handle, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_identity_free(identity: *mut pgtls_identity) {
    // SAFETY: `identity` is a handle, and this is its end.
    unsafe { free(identity) };
}
