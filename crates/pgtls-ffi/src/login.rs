//! The startup exchange in C: a machine that logs in, and the session that it has then.

use crate::{
    boundary::{
        PasswordCallback, give_bytes, give_text, guarded, guarded_or, handle, handle_mut, new_text,
        nothing_yet, pgtls_password, set, text,
    },
    driver::pgtls_machine,
    status::pgtls_status::{self, PGTLS_ARGUMENT},
};
use std::{
    ffi::{c_char, c_void},
    ptr,
};

/// Lets the machine run the startup exchange itself: StartupMessage, passwords (cleartext, md5, SCRAM-SHA-256 with and without
/// channel binding), ReadyForQuery, and the query for the server's role. The program then gets `PGTLS_SEND`, `PGTLS_RECEIVE` and
/// `PGTLS_DERIVE` until `PGTLS_DONE`, and neither `PGTLS_STARTUP` nor `PGTLS_QUERY_ROLE`. There is no GSSAPI, SSPI or OAuth: a server
/// that requests one of them fails the attempt.
///
/// Passwords are, in this order, `password` of the parameters (or `PGPASSWORD`), the line of the password file that fits the host of
/// the attempt, and the result of `password` with `context`; `password` may be `NULL`. The call reads the password file. `warning`
/// becomes the reason why the file is not used (psql prints it, and goes on), or `NULL`; freed with `pgtls_string_free`.
///
/// `PGTLS_MISUSE` after the first call of `pgtls_machine_action`, `PGTLS_ARGUMENT` if the aim of the machine is not a session.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle and `warning` a place; `password` is `NULL`, or may be called with
/// `context` on every thread that uses the machine, until the machine is freed, and returns `NULL` or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_login(
    machine: *mut pgtls_machine,
    password: pgtls_password,
    context: *mut c_void,
    warning: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `warning` is a place; `password` and `context` are as promised; `machine` is a handle that no other call has.
        let (callback, machine) = unsafe {
            nothing_yet(warning);
            (PasswordCallback::new(password, context), handle_mut(machine)?)
        };
        let mut problem = None;
        machine.run(|machine| {
            problem = machine.log_in(callback)?;
            Ok(())
        })?;
        if let Some(problem) = problem {
            // SAFETY: `warning` is a place.
            unsafe { give_text(warning, &problem) };
        }
        Ok(())
    })
}

/// Answers `PGTLS_DERIVE`: performs at most 4,096 iterations of the derivation of SCRAM's key.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_derive(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle that no other call has.
    guarded(|| unsafe { handle_mut(machine) }?.run(pgtls_machine::derive))
}

/// The value of a parameter that the server has reported (`server_version`, `TimeZone`), after a login and while the action is
/// `PGTLS_DONE`; `NULL` if it has not. Freed with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `name` a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_parameter(
    machine: *const pgtls_machine,
    name: *const c_char,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle, `name` a text.
        let (machine, name) = unsafe { (handle(machine).ok()?, text(name).ok()?) };
        machine.session()?.parameter(name).map(new_text)
    })
}

/// The name of a parameter that the server has reported, by its index from 0 in alphabetical order; `NULL` after the last one. Freed
/// with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_parameter_name(
    machine: *const pgtls_machine,
    index: usize,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle.
        let session = unsafe { handle(machine) }.ok()?.session()?;
        session.parameters().nth(index).map(|(name, _)| new_text(name))
    })
}

/// The process id and the key of the session for cancel requests (BackendKeyData), after a login and while the action is `PGTLS_DONE`.
/// `pgtls_machine_cancel` needs neither. The key is freed with `pgtls_bytes_free`. `PGTLS_ARGUMENT` if there is no key.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle; `process_id`, `key` and `length` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_cancel_key(
    machine: *const pgtls_machine,
    process_id: *mut u32,
    key: *mut *mut u8,
    length: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `key` and `length` are places, `machine` is a handle.
        let machine = unsafe {
            nothing_yet(key);
            set(length, 0);
            handle(machine)
        }?;
        let request = machine.session().and_then(|session| session.cancel.as_ref()).ok_or(PGTLS_ARGUMENT)?;
        // SAFETY: `process_id`, `key` and `length` are places.
        unsafe {
            set(process_id, request.process_id());
            give_bytes(key, length, request.key().to_vec())
        }
    })
}
