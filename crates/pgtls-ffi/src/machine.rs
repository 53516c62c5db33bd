//! The negotiation with one address.

use crate::{
    action::pgtls_action,
    boundary::{
        free, give, give_text, guarded, guarded_or, handle, handle_mut, new_text, nothing_yet, put, set,
        values,
    },
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_BUG, PGTLS_FILE, PGTLS_MISUSE, PGTLS_PARAMETERS},
    trust::{pgtls_proof, pgtls_trust},
    words::{pgtls_alpn, pgtls_payload, pgtls_tls_failure, pgtls_transport, pgtls_verification},
};
use pgtls_core::{
    gate::{Exchange, StartupGate},
    negotiation::{Action, Failure, Input, Negotiation, TlsFacts},
    param::Params,
    policy::{GssCredentials, Payload, plan},
    startup::{ClientCertificate, StartupWatch},
};
use std::{ffi::c_char, ptr};

/// The negotiation with one address.
pub struct pgtls_machine {
    params: Params,
    negotiation: Negotiation,
    /// While the session starts up.
    gate: Option<StartupGate>,
    carry: Option<u8>,
    earlier: ClientCertificate,
    certificate: ClientCertificate,
    /// The last failure, for people.
    failure: Option<Failure>,
}

impl pgtls_machine {
    fn handle(&mut self, input: Input<'_>) -> Result<(), pgtls_status> {
        self.negotiation.handle_input(input).map_err(|_| PGTLS_MISUSE)?;
        if input == Input::Connected {
            self.earlier = self.flags();
            self.certificate = ClientCertificate::default();
        }
        match self.negotiation.poll_action() {
            Action::Startup { encryption, carry } if self.gate.is_none() => {
                let watch = match self.negotiation.plan().payload() {
                    Payload::Startup => StartupWatch::new(&self.params, encryption, self.flags()),
                    Payload::Cancel => StartupWatch::cancel(encryption),
                };
                self.gate = Some(StartupGate::new(watch, None));
                self.carry = carry;
                // The one byte is shown to the gate like those after it.
                carry.map_or(Ok(()), |byte| self.heard(&[byte]))
            }
            Action::Startup { .. } => Ok(()),
            action => {
                self.gate = None;
                if let Action::Reconnect { because: failure } | Action::Fail { error: failure, .. } = action {
                    self.failure = Some(failure);
                }
                Ok(())
            }
        }
    }

    fn flags(&self) -> ClientCertificate {
        self.certificate.after(self.earlier, self.params.hardening())
    }

    /// Bytes of the server's, while the session starts up.
    fn heard(&mut self, bytes: &[u8]) -> Result<(), pgtls_status> {
        let gate = self.gate.as_mut().ok_or(PGTLS_MISUSE)?;
        let stopped = gate.received(bytes).is_err() || gate.may_pass().is_err();
        if !stopped && !gate.is_done() {
            return Ok(());
        }
        // A server before release 14 does not report its role, and there is no function for the answer to a query.
        let exchange = if gate.role_query().is_some() { Exchange::WrongRole } else { Exchange::Up };
        self.conclude(exchange)
    }

    fn conclude(&mut self, exchange: Exchange) -> Result<(), pgtls_status> {
        let gate = self.gate.as_mut().ok_or(PGTLS_MISUSE)?;
        let input = gate.conclude(exchange).map_err(|_| PGTLS_MISUSE)?;
        self.handle(input)
    }
}

/// Plans the negotiation with one address of these parameters. `transport` is a `pgtls_transport`, `payload` a
/// `pgtls_payload`. `PGTLS_PARAMETERS` with an error if no way to connect is left.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle; `machine` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_new(
    params: *const pgtls_params,
    transport: u32,
    payload: u32,
    machine: *mut *mut pgtls_machine,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` and `error` are places, `params` is a handle.
        let pgtls_params { params, .. } = unsafe {
            nothing_yet(machine);
            nothing_yet(error);
            handle(params)
        }?;
        let (transport, payload) = (pgtls_transport::read(transport)?, pgtls_payload::read(payload)?);
        match plan(params, transport, GssCredentials::Absent, payload) {
            Ok(plan) => {
                let made = pgtls_machine {
                    params: params.clone(),
                    negotiation: Negotiation::new(plan),
                    gate: None,
                    carry: None,
                    earlier: ClientCertificate::default(),
                    certificate: ClientCertificate::default(),
                    failure: None,
                };
                // SAFETY: `machine` is a place.
                unsafe { give(machine, made) }
            }
            Err(reason) => {
                // SAFETY: `error` is a place.
                unsafe { give_text(error, &reason.to_string()) };
                Err(PGTLS_PARAMETERS)
            }
        }
    })
}

/// What to do now; the same until something is told.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, `action` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_action(
    machine: *const pgtls_machine,
    action: *mut pgtls_action,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a handle.
        let machine = unsafe { handle(machine) }?;
        let found = pgtls_action::of(machine.negotiation.poll_action(), machine.carry).ok_or(PGTLS_BUG)?;
        // SAFETY: `action` is a place.
        unsafe { put(action, found) }
    })
}

/// What has to be proved about the server in a TLS handshake now. `PGTLS_FILE` with an error if TLS cannot be set up,
/// because the mode verifies and there are no roots: tell `pgtls_machine_tls_failed` with `PGTLS_TLS_SETUP`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` and `trust` are handles; `verification` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_verification(
    machine: *const pgtls_machine,
    trust: *const pgtls_trust,
    verification: *mut pgtls_verification,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `error` is a place, `machine` and `trust` are handles.
        let (machine, trust) = unsafe {
            nothing_yet(error);
            (handle(machine)?, handle(trust)?)
        };
        let wanted = machine.negotiation.plan().verification(trust.presence);
        let Some(wanted) = wanted.filter(|_| !trust.is_unusable()) else {
            // SAFETY: `error` is a place.
            unsafe { give_text(error, trust.lack()) };
            return Err(PGTLS_FILE);
        };
        // SAFETY: `verification` is a place.
        unsafe { set(verification, wanted.into()) };
        Ok(())
    })
}

/// Tells a machine something.
///
/// # Safety
/// `machine` is a handle.
unsafe fn told(
    machine: *mut pgtls_machine,
    tell: impl FnOnce(&mut pgtls_machine) -> Result<(), pgtls_status>,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a handle that no other call has.
        tell(unsafe { handle_mut(machine) }?)
    })
}

/// The connection is open.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_connected(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.handle(Input::Connected)) }
}

/// It could not be opened.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_connect_failed(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.handle(Input::ConnectFailed)) }
}

/// Whether the user at the other end of the unix socket is the one that `requirepeer` wants.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_peer_user(machine: *mut pgtls_machine, matches: bool) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.handle(Input::PeerUser { matches })) }
}

/// These bytes were sent: those of the action, or the driver's while the session starts up.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle, and `bytes` has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_sent(
    machine: *mut pgtls_machine,
    bytes: *const u8,
    length: usize,
) -> pgtls_status {
    let tell = |machine: &mut pgtls_machine| {
        // SAFETY: `bytes` has `length` bytes, none of them in the machine.
        let bytes = unsafe { values(bytes, length) }?;
        match &mut machine.gate {
            Some(gate) => {
                gate.sent(bytes);
                Ok(())
            }
            None => machine.handle(Input::Sent),
        }
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
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
    let tell = |machine: &mut pgtls_machine| {
        // SAFETY: `bytes` has `length` bytes, none of them in the machine.
        let bytes = unsafe { values(bytes, length) }?;
        if machine.gate.is_some() { machine.heard(bytes) } else { machine.handle(Input::Received(bytes)) }
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
}

/// The connection has ended: in `order` (end of file without encryption, close_notify with TLS), or not.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_closed(machine: *mut pgtls_machine, order: bool) -> pgtls_status {
    let tell = |machine: &mut pgtls_machine| match &mut machine.gate {
        Some(gate) => {
            if order {
                gate.closed();
            } else {
                gate.aborted();
            }
            machine.conclude(Exchange::Up)
        }
        None => machine.handle(Input::Closed),
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
}

/// What the TLS engine knows about the client's certificate after a handshake, for `sslcertmode=require`. Told before
/// `pgtls_machine_tls_established`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_client_certificate(
    machine: *mut pgtls_machine,
    requested: bool,
    sent: bool,
) -> pgtls_status {
    let tell = |machine: &mut pgtls_machine| {
        machine.certificate = ClientCertificate { requested, sent };
        Ok(())
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
}

/// The TLS handshake is complete. `alpn` is a `pgtls_alpn`; `trust` is what `pgtls_machine_verification` was asked with;
/// `proof` is about the certificates of this handshake and the host of this connection, and `NULL` where nothing was to be
/// proved. A session that lacks the proof that its mode wants is refused.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine`, `trust` and `proof` are handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_tls_established(
    machine: *mut pgtls_machine,
    alpn: u32,
    trust: *const pgtls_trust,
    proof: *const pgtls_proof,
) -> pgtls_status {
    let tell = |machine: &mut pgtls_machine| {
        let alpn = pgtls_alpn::read(alpn)?;
        // SAFETY: `trust` is a handle, and so is `proof`, which `as_ref` checks for NULL.
        let (trust, proof) = unsafe { (handle(trust)?, proof.as_ref()) };
        machine.handle(Input::TlsEstablished(TlsFacts {
            alpn,
            root: trust.presence,
            chain: proof.map(|proof| proof.chain),
            name: proof.and_then(|proof| proof.name),
        }))
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
}

/// TLS has failed. `failure` is a `pgtls_tls_failure`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_tls_failed(machine: *mut pgtls_machine, failure: u32) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.handle(Input::TlsFailed(pgtls_tls_failure::read(failure)?))) }
}

/// The deadline of the address has passed.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_timed_out(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.handle(Input::TimedOut)) }
}

/// The driver gives up while the session starts up: no password, an answer that makes no sense to it.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_gave_up(machine: *mut pgtls_machine) -> pgtls_status {
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, |machine| machine.conclude(Exchange::Failed)) }
}

/// The last failure, in words; `NULL` if nothing has failed. Freed with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_error(machine: *const pgtls_machine) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle.
        let machine = unsafe { handle(machine) }.ok()?;
        machine.failure.map(|failure| new_text(&failure.to_string()))
    })
}

/// The next event that was seen, in the words of PostgreSQL's own test; `NULL` if there is none. Freed with
/// `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_event(machine: *mut pgtls_machine) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle that no other call has.
        let machine = unsafe { handle_mut(machine) }.ok()?;
        machine.negotiation.poll_event().map(|event| new_text(event.as_str()))
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
