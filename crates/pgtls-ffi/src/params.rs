//! Parameters: a connection string, the service file, the environment and the defaults, merged and checked as libpq does.

use crate::{
    boundary::{
        free, give, give_bytes, give_text, guarded, guarded_or, handle, handle_mut, new_text, nothing_yet,
        optional_text, set, text,
    },
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_PARAMETERS},
};
use pgtls_core::{
    environment::Environment,
    hardening::Hardening,
    message::startup_message,
    param::{Ability, Params, Settings},
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
/// By the [contract](crate#the-contract) `conninfo` is a text; `params` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_new(
    conninfo: *const c_char,
    params: *mut *mut pgtls_params,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `params` and `error` are places, `conninfo` is a text.
        let conninfo = unsafe {
            nothing_yet(params);
            nothing_yet(error);
            text(conninfo)
        }?;
        match resolve(conninfo) {
            // SAFETY: `params` is a place.
            Ok(resolved) => unsafe { give(params, resolved) },
            Err(reason) => {
                // SAFETY: `error` is a place.
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

/// Switches on one hardening by its name, or all of them with `NULL`. Machines and roots that were made of the parameters
/// before know nothing of it. `PGTLS_ARGUMENT` if no hardening has this name.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, `name` a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_harden(params: *mut pgtls_params, name: *const c_char) -> pgtls_status {
    guarded(|| {
        // SAFETY: `params` is a handle that no other call has, `name` a text.
        let (pgtls_params { params, .. }, name) = unsafe { (handle_mut(params)?, optional_text(name)?) };
        let hardening = match name {
            None => Hardening::ALL,
            Some(name) => {
                let mut hardening = params.hardening();
                *hardening.switch(name).ok_or(PGTLS_ARGUMENT)? = true;
                hardening
            }
        };
        *params = params.clone().with_hardening(hardening);
        Ok(())
    })
}

/// The value of a parameter after defaults; `NULL` when it has none, is a secret, or does not exist. Freed with
/// `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, `keyword` a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_value(
    params: *const pgtls_params,
    keyword: *const c_char,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `params` is a handle, `keyword` a text.
        let (params, keyword) = unsafe { (handle(params).ok()?, text(keyword).ok()?) };
        params.params.value(keyword).map(new_text)
    })
}

/// The StartupMessage for these parameters. Freed with `pgtls_bytes_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle; `bytes` and `length` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_startup(
    params: *const pgtls_params,
    bytes: *mut *mut u8,
    length: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `bytes` and `length` are places, `params` is a handle.
        let pgtls_params { params, .. } = unsafe {
            nothing_yet(bytes);
            set(length, 0);
            handle(params)
        }?;
        let version = params.max_protocol_version();
        let packet =
            startup_message(version.number(), params.startup_pairs()).map_err(|_| PGTLS_PARAMETERS)?;
        // SAFETY: `bytes` and `length` are places.
        unsafe { give_bytes(bytes, length, packet) }
    })
}

/// Frees parameters.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_params_free(params: *mut pgtls_params) {
    // SAFETY: `params` is a handle, and this is its end.
    unsafe { free(params) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::pgtls_status::PGTLS_OK;
    use std::ffi::CStr;

    fn with_params(conninfo: &CStr, check: impl FnOnce(*mut pgtls_params)) {
        let mut params = ptr::null_mut();
        // SAFETY: a text that ends with NUL, a place for the handle, and no wish for an error.
        let status = unsafe { pgtls_params_new(conninfo.as_ptr(), &raw mut params, ptr::null_mut()) };
        assert_eq!(status, PGTLS_OK);
        check(params);
        // SAFETY: it was given above, and is freed once.
        unsafe { pgtls_params_free(params) };
    }

    #[test]
    fn hardenings_have_their_names() {
        with_params(c"host=h user=u", |params| {
            // SAFETY: a handle that nobody else has, and texts.
            let harden = |name: Option<&CStr>| unsafe {
                let status = pgtls_params_harden(params, name.map_or(ptr::null(), CStr::as_ptr));
                (status, (*params).params.hardening())
            };
            assert_eq!(harden(Some(c"no_such_hardening")), (PGTLS_ARGUMENT, Hardening::NONE));
            let mut expected = Hardening::NONE;
            expected.no_empty_labels = true;
            assert_eq!(harden(Some(c"no_empty_labels")), (PGTLS_OK, expected));
            expected.explicit_crl_must_load = true;
            assert_eq!(harden(Some(c"explicit_crl_must_load")), (PGTLS_OK, expected));
            assert_eq!(harden(None), (PGTLS_OK, Hardening::ALL));
        });
    }
}
