//! Inputs of a machine in C: the results of its actions.

use crate::{
    boundary::{guarded, handle, handle_mut, optional_text, text, values},
    driver::{Refused, pgtls_machine},
    labels::pgtls_tls_failure,
    proof::pgtls_proof,
    status::pgtls_status::{self, PGTLS_ARGUMENT},
    trust::pgtls_trust,
};
use pgtls_core::{connect::Input, startup::ClientCertificate};
use std::{
    ffi::c_char,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
};

/// Gives a machine an input.
///
/// # Safety
/// `machine` is a handle.
unsafe fn run(
    machine: *mut pgtls_machine,
    give: impl FnOnce(&mut pgtls_machine) -> Result<(), Refused>,
) -> pgtls_status {
    // SAFETY: `machine` is a handle that no other call has.
    guarded(|| unsafe { handle_mut(machine) }?.run(give))
}

/// The addresses of the name, in the resolver's order: `count` texts, each `192.0.2.1`, `2001:db8::1` or `fe80::1%eth0`, as
/// `getnameinfo` returns them with `NI_NUMERICHOST`. `PGTLS_ARGUMENT` if a text is none of these.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `addresses` has `count` values, and each is a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_resolved(
    machine: *mut pgtls_machine,
    addresses: *const *const c_char,
    count: usize,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        let mut found = Vec::new();
        // SAFETY: `addresses` has `count` values.
        for address in unsafe { values(addresses, count) }? {
            // SAFETY: each is a text.
            found.push(numeric(unsafe { text(*address) }?)?);
        }
        machine.input(Input::Resolved(Ok(found)))
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// Reads a numeric address. The operating system reads a zone, which is the name or the number of an interface.
fn numeric(text: &str) -> Result<SocketAddr, pgtls_status> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let address: IpAddr = address.parse().map_err(|_| PGTLS_ARGUMENT)?;
    match (address, zone) {
        (IpAddr::V6(_), Some(_)) => {
            (text, 0).to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or(PGTLS_ARGUMENT)
        }
        (IpAddr::V4(_), Some(_)) => Err(PGTLS_ARGUMENT),
        (address, None) => Ok((address, 0).into()),
    }
}

/// The connection is open.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_opened(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, |machine| machine.input(Input::Opened(Ok(())))) }
}

/// The name of the user at the other end of the unix socket. The machine compares it with `requirepeer`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `user` a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_peer_user(
    machine: *mut pgtls_machine,
    user: *const c_char,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `user` is a text.
        machine.input(Input::PeerUser(Ok(unsafe { text(user) }?)))
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// These bytes were sent: all of those of the action, or some during the startup exchange.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and `bytes` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_sent(
    machine: *mut pgtls_machine,
    bytes: *const u8,
    length: usize,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `bytes` has `length` bytes, none of them in the machine.
        machine.sent(unsafe { values(bytes, length) }?)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// These bytes were received, TLS taken off.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and `bytes` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_received(
    machine: *mut pgtls_machine,
    bytes: *const u8,
    length: usize,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `bytes` has `length` bytes, none of them in the machine.
        machine.received(unsafe { values(bytes, length) }?)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The connection has ended. `in_order`: end of file without encryption, close_notify with TLS. `reason` is a sentence for the
/// report (`strerror`), or `NULL`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `reason` is `NULL` or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_closed(
    machine: *mut pgtls_machine,
    in_order: bool,
    reason: *const c_char,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `reason` is NULL or a text.
        let reason = unsafe { optional_text(reason) }?.map(str::to_owned);
        machine.closed(in_order, reason)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// Gives the machine its trust, for all handshakes. It answers `PGTLS_LOAD_TRUST`, and may be called before that. Roots that cannot
/// be used fail TLS: the next action follows from `sslmode`. `PGTLS_MISUSE` if the trust is not for the parameters of this machine.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` and `trust` are handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_trust(
    machine: *mut pgtls_machine,
    trust: *const pgtls_trust,
) -> pgtls_status {
    // SAFETY: `machine` and `trust` are handles.
    unsafe { run(machine, |machine| machine.trust(handle(trust)?)) }
}

/// The state of the client certificate in the present handshake, for `sslcertmode=require`: whether the server requested one,
/// and whether one was sent. Call it before `pgtls_machine_tls_established` or `pgtls_machine_tls_failed`; without a call
/// neither is the case.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_client_certificate(
    machine: *mut pgtls_machine,
    requested: bool,
    sent: bool,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        machine.client_certificate(ClientCertificate { requested, sent });
        Ok(())
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The server's certificate in the present handshake (DER), for channel binding of SCRAM. A machine that logs in needs it before
/// `pgtls_machine_tls_established`, unless that call gets a proof, which contains the certificate.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and `certificate` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_server_certificate(
    machine: *mut pgtls_machine,
    certificate: *const u8,
    length: usize,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `certificate` has `length` bytes.
        machine.server_certificate(unsafe { values(certificate, length) }?);
        Ok(())
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The TLS handshake is complete. `alpn` is the protocol that the server selected; a `length` of 0 stands for none. `proof` is of the
/// certificates of this handshake, and needed as `verification` of the action says:
///
/// - `PGTLS_VERIFY_NONE`: not needed; it may be `NULL`.
/// - `PGTLS_VERIFY_CA`: a proof of `pgtls_verify` with the trust of this machine.
/// - `PGTLS_VERIFY_FULL`: the same. The machine compares the certificate with the host of the connection.
///
/// A session without the proof that it needs, or for another host, is refused: the call succeeds, and the next action follows from
/// `sslmode`. `PGTLS_MISUSE` if the machine has no trust; if it logs in and
/// has neither a proof nor the server's certificate; or if the proof is of another trust, of a client's certificate, matched
/// with another host, for another time than now, or was used for another handshake.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` and `proof` are handles, and `alpn` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_tls_established(
    machine: *mut pgtls_machine,
    alpn: *const u8,
    length: usize,
    proof: *const pgtls_proof,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `alpn` has `length` bytes; `proof` is a handle, which `as_ref` checks for NULL.
        let (alpn, proof) = unsafe { (values(alpn, length)?, proof.as_ref()) };
        machine.tls_established(alpn, proof)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// TLS has failed. `failure` is a `pgtls_tls_failure`; `reason` is a sentence for the report: the error of `pgtls_verify`, or of the
/// TLS engine (`ERR_reason_error_string`). The report has "SSL error: " before that of a handshake, as libpq.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `reason` is `NULL` or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_tls_failed(
    machine: *mut pgtls_machine,
    failure: u32,
    reason: *const c_char,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `reason` is NULL or a text.
        machine.engine_failed(pgtls_tls_failure::read(failure)?, &unsafe { sentence(reason) }?)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The value of the one row that the server returned for `PGTLS_QUERY_ROLE`; `NULL` if the query failed.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and `value` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_role(
    machine: *mut pgtls_machine,
    value: *const u8,
    length: usize,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `value` has `length` bytes.
        let value = if value.is_null() { None } else { Some(unsafe { values(value, length) }?) };
        machine.role(value)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The server requests a password, and there is none: for a program that runs the startup exchange itself.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_no_password(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, pgtls_machine::no_password) }
}

/// The action could not be performed: a name was not found, a connection could not be opened, the driver cannot go on. `reason` is
/// a sentence for the report (`gai_strerror`, `strerror`).
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `reason` is `NULL` or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_failed(
    machine: *mut pgtls_machine,
    reason: *const c_char,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `reason` is NULL or a text.
        machine.failed(unsafe { sentence(reason) }?)
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

/// The reason that a program gives.
///
/// # Safety
/// `reason` is NULL or a text.
unsafe fn sentence(reason: *const c_char) -> Result<String, pgtls_status> {
    // SAFETY: `reason` is NULL or a text.
    let reason = unsafe { optional_text(reason) }?;
    Ok(reason.unwrap_or("the program gives no reason").to_owned())
}

/// The deadline of the action has passed.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_timed_out(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, pgtls_machine::timed_out) }
}

/// The program gives up: no other server is tried. `reason` is a sentence for the report.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `reason` is `NULL` or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_abandoned(
    machine: *mut pgtls_machine,
    reason: *const c_char,
) -> pgtls_status {
    let give = |machine: &mut pgtls_machine| {
        // SAFETY: `reason` is NULL or a text.
        machine.input(Input::Abandoned(unsafe { sentence(reason) }?))
    };
    // SAFETY: `machine` is a handle.
    unsafe { run(machine, give) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numeric() {
        for text in ["192.0.2.1", "::1", "2001:db8::1", "fe80::1%1", "::ffff:192.0.2.1"] {
            assert!(numeric(text).is_ok_and(|address| address.port() == 0), "{text}");
        }
        let refused = [
            "",
            "localhost",
            "192.0.2",
            "192.0.2.1:5",
            "[::1]",
            "192.0.2.1%1",
            "fe80::1%",
            "h%1",
            "fe80::1%no-such",
        ];
        for text in refused {
            assert_eq!(numeric(text), Err(PGTLS_ARGUMENT), "{text}");
        }
    }
}
