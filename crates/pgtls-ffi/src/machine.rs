//! A machine in C: how it is made, its actions and its report.

use crate::{
    action::{pgtls_action, pgtls_peer},
    boundary::{
        free, give, guarded, guarded_or, handle, handle_mut, new_text, nothing_yet, optional_text, put, set,
    },
    driver::{StartupDriver, pgtls_machine},
    labels::{pgtls_aim, pgtls_transport},
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_ARGUMENT},
};
use pgtls_core::connect::{Connection, Endpoint, Options, Purpose};
use pgtls_rustls::{TlsOptions, clock};
use std::{ffi::c_char, ptr, time::Duration};

/// A session with one of the hosts of these parameters. Errors of the parameters are those of the connection: the machine is
/// given in any case, and its first action may be `PGTLS_FAILED`.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, `machine` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_new(
    params: *const pgtls_params,
    machine: *mut *mut pgtls_machine,
) -> pgtls_status {
    let make = |params: &pgtls_params| {
        let connection = Connection::new(&params.params, &params.environment, with_random_seed());
        Ok((Purpose::Session, connection, StartupDriver::Program))
    };
    // SAFETY: `params` is a handle, `machine` a place.
    unsafe { made(params, machine, make) }
}

/// A connection that the program opens itself: it has one already, or walks over the hosts by itself. `PGTLS_OPEN` comes for it
/// and for each later one, without an address. `host` is the host that certificates are compared with, or `NULL`; `transport` is
/// a `pgtls_transport`, `aim` a `pgtls_aim`.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, `host` is `NULL` or a text; `machine` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_to(
    params: *const pgtls_params,
    host: *const c_char,
    transport: u32,
    aim: u32,
    machine: *mut *mut pgtls_machine,
) -> pgtls_status {
    let make = |params: &pgtls_params| {
        // SAFETY: `host` is NULL or a text.
        let host = unsafe { optional_text(host) }?;
        let mut endpoint = Endpoint::tcp(host);
        endpoint.transport = pgtls_transport::read(transport)?;
        let purpose = pgtls_aim::read(aim)?;
        let connection = Connection::to(&params.params, endpoint, purpose, with_random_seed());
        Ok((purpose, connection, StartupDriver::Program))
    };
    // SAFETY: `params` is a handle, `machine` a place.
    unsafe { made(params, machine, make) }
}

/// A cancel request to the server of `session`, whose action is `PGTLS_DONE` (libpq: `PQcancelStart`). After `pgtls_machine_login`
/// the request is that of the session and is sent by `PGTLS_SEND`; else the program sends its own at `PGTLS_STARTUP`.
/// `PGTLS_ARGUMENT` if `session` is connected to no server, or its server sent no key.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` and `session` are handles, `machine` is a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_cancel(
    params: *const pgtls_params,
    session: *const pgtls_machine,
    machine: *mut *mut pgtls_machine,
) -> pgtls_status {
    let make = |params: &pgtls_params| {
        // SAFETY: `session` is a handle.
        let session = unsafe { handle(session) }?;
        let peer = session.connection().peer().ok_or(PGTLS_ARGUMENT)?;
        let driver = match session.session() {
            None => StartupDriver::Program,
            Some(session) => StartupDriver::Cancel(session.cancel.clone().ok_or(PGTLS_ARGUMENT)?),
        };
        let connection = Connection::cancel(&params.params, &params.environment, peer, with_random_seed());
        Ok((Purpose::Cancel, connection, driver))
    };
    // SAFETY: `params` is a handle, `machine` a place.
    unsafe { made(params, machine, make) }
}

/// Makes a machine.
///
/// # Safety
/// `params` is a handle, `machine` a place.
unsafe fn made(
    params: *const pgtls_params,
    machine: *mut *mut pgtls_machine,
    make: impl FnOnce(&pgtls_params) -> Result<(Purpose, Connection<String>, StartupDriver), pgtls_status>,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a place, `params` a handle.
        let params = unsafe {
            nothing_yet(machine);
            handle(params)
        }?;
        let (purpose, connection, driver) = make(params)?;
        let made = pgtls_machine::new(params, purpose, connection, driver);
        // SAFETY: `machine` is a place.
        unsafe { give(machine, made) }
    })
}

/// The seed is for `load_balance_hosts=random`.
fn with_random_seed() -> Options {
    let mut options = Options::default();
    options.seed = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::ZERO)).seed();
    options
}

/// Writes the next action, which is the same until it is answered. `now` is the time in milliseconds since any fixed moment: a
/// monotonic clock. The clock of a server starts at its first `PGTLS_OPEN`. Call this before each action is performed.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `action` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_action(
    machine: *mut pgtls_machine,
    now: u64,
    action: *mut pgtls_action,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a handle that no other call has.
        let next = unsafe { handle_mut(machine) }?.action(Duration::from_millis(now))?;
        // SAFETY: `action` is a place.
        unsafe { put(action, next) }
    })
}

/// The reason for `PGTLS_MISUSE` if the last call with the machine has ended so. Else the errors of all failed attempts, as libpq
/// prints them, one line or more for each; `NULL` if nothing has failed. Freed with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_error(machine: *const pgtls_machine) -> *mut c_char {
    // SAFETY: `machine` is a handle.
    guarded_or(ptr::null_mut(), || unsafe { handle(machine) }.ok()?.error().as_deref().map(new_text))
}

/// Writes the server of an attempt, by its index from 0 in the order of the attempts, and the number of connections that were
/// opened to it. `PGTLS_ARGUMENT` if there is no such attempt.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle; `peer` and `connections` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_attempt(
    machine: *mut pgtls_machine,
    index: usize,
    peer: *mut pgtls_peer,
    connections: *mut usize,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a handle that no other call has.
        let (found, opened) = unsafe { handle_mut(machine) }?.attempt(index).ok_or(PGTLS_ARGUMENT)?;
        // SAFETY: `peer` and `connections` are places.
        unsafe {
            set(peer, found);
            set(connections, opened);
        }
        Ok(())
    })
}

/// The next event, in the words of PostgreSQL's own test; `NULL` if there is none. `attempt` becomes the index of its attempt. Freed
/// with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `attempt` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_event(
    machine: *mut pgtls_machine,
    attempt: *mut usize,
) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle that no other call has.
        let (event, index) = unsafe { handle_mut(machine) }.ok()?.event()?;
        // SAFETY: `attempt` is a place.
        unsafe { set(attempt, index) };
        Some(new_text(event.as_str()))
    })
}

/// Frees a machine.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_free(machine: *mut pgtls_machine) {
    // SAFETY: `machine` is a handle, and this is its end.
    unsafe { free(machine) };
}
