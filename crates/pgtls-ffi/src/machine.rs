//! The negotiation with one address.

use crate::{
    action::pgtls_action,
    boundary::{
        free, give, give_text, guarded, guarded_or, handle, handle_mut, new_text, nothing_yet, put, set,
        values,
    },
    params::pgtls_params,
    proof::{HostMatch, pgtls_proof},
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_BUG, PGTLS_FILE, PGTLS_MISUSE, PGTLS_PARAMETERS},
    trust::{TrustSettings, pgtls_trust},
    words::{pgtls_alpn, pgtls_payload, pgtls_tls_failure, pgtls_transport, pgtls_verification},
};
use pgtls_core::{
    gate::{Exchange, StartupGate},
    name::NameVerified,
    negotiation::{Action, Alpn, Failure, Input, Negotiation, TlsFacts},
    param::{HostItem, Params},
    policy::{GssCredentials, Payload, Verification, plan},
    startup::{ClientCertificate, StartupWatch},
};
use std::{ffi::c_char, ptr};

/// The negotiation with one address.
pub struct pgtls_machine {
    params: Params,
    trust_settings: TrustSettings,
    /// Place of the connection's host in the list of the parameters, once the program has named it.
    host: Option<usize>,
    negotiation: Negotiation,
    /// While the session starts up.
    gate: Option<StartupGate>,
    carry: Option<u8>,
    earlier: ClientCertificate,
    certificate: ClientCertificate,
    /// The last failure, for people, and what is known about it besides.
    failure: Option<(Failure, Option<String>)>,
    /// Why the last call was misuse, if it was.
    misuse: Option<String>,
}

/// Why a call changes nothing: a status, and for misuse the reason.
struct Unchanged {
    status: pgtls_status,
    reason: Option<String>,
}

impl Unchanged {
    fn misuse(reason: impl Into<String>) -> Self {
        Self { status: PGTLS_MISUSE, reason: Some(reason.into()) }
    }
}

impl From<pgtls_status> for Unchanged {
    fn from(status: pgtls_status) -> Self {
        Self { status, reason: None }
    }
}

impl pgtls_machine {
    fn handle(&mut self, input: Input<'_>) -> Result<(), Unchanged> {
        self.handle_with(input, None)
    }

    /// `detail` is added to the failure that the input leads to, if it leads to one.
    fn handle_with(&mut self, input: Input<'_>, detail: Option<String>) -> Result<(), Unchanged> {
        self.negotiation.handle_input(input).map_err(|misuse| Unchanged::misuse(misuse.to_string()))?;
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
                    self.failure = Some((failure, detail));
                }
                Ok(())
            }
        }
    }

    fn flags(&self) -> ClientCertificate {
        self.certificate.after(self.earlier, self.params.hardening())
    }

    /// Bytes of the server's, while the session starts up.
    fn heard(&mut self, bytes: &[u8]) -> Result<(), Unchanged> {
        let gate = self.gate.as_mut().ok_or_else(Self::no_startup)?;
        let stopped = gate.received(bytes).is_err() || gate.may_pass().is_err();
        if stopped || gate.is_done() { self.conclude(Exchange::Up) } else { Ok(()) }
    }

    fn conclude(&mut self, exchange: Exchange) -> Result<(), Unchanged> {
        let input = self.gate.as_ref().ok_or_else(Self::no_startup)?.conclude(exchange);
        self.handle(input)
    }

    fn no_startup() -> Unchanged {
        Unchanged::misuse("no session is starting up, which PGTLS_STARTUP would ask for")
    }

    /// The host of the connection, which names are compared with; `None` if it has an address alone.
    fn host(&self) -> Result<Option<&str>, Unchanged> {
        let hosts = self.params.hosts();
        let named = match (self.host, hosts) {
            (Some(index), _) => hosts.get(index),
            // All of them are the same.
            (None, [first, rest @ ..]) => rest.iter().all(|host| host.host == first.host).then_some(first),
            (None, []) => None,
        };
        match named {
            Some(HostItem { host, .. }) => Ok(host.as_deref()),
            None => Err(Unchanged::misuse(format!(
                "the parameters name {} hosts; name the one of this connection with pgtls_machine_host before it is \
                 opened",
                hosts.len()
            ))),
        }
    }

    /// The proof that the certificate is for the host of the connection, or why it is not. The comparison of the program counts
    /// only if it was the last one and with the same host; the machine compares again, by its own rules.
    fn match_host(&self, proof: &pgtls_proof) -> Result<Result<NameVerified, Option<String>>, Unchanged> {
        let compared = match proof.host() {
            HostMatch::None => return Ok(Err(None)),
            HostMatch::Refused(reason) => return Ok(Err(Some(reason.clone()))),
            HostMatch::Matched(host) => host,
        };
        let Some(host) = self.host()? else {
            return Err(Unchanged::misuse(format!(
                "host name must be specified for a verified SSL connection; the proof is for host name \"{compared}\", \
                 and the parameters have no host (hostaddr is not compared)"
            )));
        };
        if !host.eq_ignore_ascii_case(compared) {
            return Err(Unchanged::misuse(format!(
                "the proof is for host name \"{compared}\", and the connection is to \"{host}\"; compare the \
                 certificate with the host of the connection (pgtls_proof_match_host)"
            )));
        }
        Ok(proof.compare(host, self.params.hardening()).map_err(Some))
    }

    /// The facts of a handshake, of which the proof says what was verified, and why the host's name is not proven if it is not.
    fn facts(
        &self,
        alpn: Alpn,
        trust: &pgtls_trust,
        proof: Option<&pgtls_proof>,
    ) -> Result<(TlsFacts, Option<String>), Unchanged> {
        trust.check(&self.trust_settings).map_err(Unchanged::misuse)?;
        let mut facts = TlsFacts { alpn, root: trust.presence, chain: None, name: None };
        let Some(proof) = proof else { return Ok((facts, None)) };
        facts.chain = Some(proof.chain(trust.id()).map_err(Unchanged::misuse)?);
        if self.negotiation.plan().verification(trust.presence) != Some(Verification::Full) {
            return Ok((facts, None));
        }
        match self.match_host(proof)? {
            Ok(verified) => {
                facts.name = Some(verified);
                Ok((facts, None))
            }
            Err(reason) => Ok((facts, reason)),
        }
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
        let pgtls_params { params, environment } = unsafe {
            nothing_yet(machine);
            nothing_yet(error);
            handle(params)
        }?;
        let (transport, payload) = (pgtls_transport::read(transport)?, pgtls_payload::read(payload)?);
        match plan(params, transport, GssCredentials::Absent, payload) {
            Ok(plan) => {
                let made = pgtls_machine {
                    params: params.clone(),
                    trust_settings: TrustSettings::of(params, environment),
                    host: None,
                    negotiation: Negotiation::new(plan),
                    gate: None,
                    carry: None,
                    earlier: ClientCertificate::default(),
                    certificate: ClientCertificate::default(),
                    failure: None,
                    misuse: None,
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

/// Names the host that the connection is for: its place in the list `host` of the parameters, from 0. Needed only for
/// `sslmode=verify-full` and only if the list has different hosts. `PGTLS_ARGUMENT` if the list has no such place;
/// `PGTLS_MISUSE` unless the action is `PGTLS_CONNECT`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_host(machine: *mut pgtls_machine, index: usize) -> pgtls_status {
    let tell = |machine: &mut pgtls_machine| {
        if machine.params.hosts().get(index).is_none() {
            return Err(PGTLS_ARGUMENT.into());
        }
        if machine.negotiation.poll_action() != Action::Connect {
            return Err(Unchanged::misuse("the host is named before the connection is opened"));
        }
        machine.host = Some(index);
        Ok(())
    };
    // SAFETY: `machine` is a handle.
    unsafe { told(machine, tell) }
}

/// Writes which proof `pgtls_machine_tls_established` needs after the next TLS handshake, by `sslmode` and by whether there are
/// roots. `PGTLS_FILE` with an error if TLS cannot be set up, because the mode verifies and there are no roots: call
/// `pgtls_machine_tls_failed` with `PGTLS_TLS_SETUP`. `PGTLS_MISUSE` with an error if the trust is not for this machine.
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
        if let Err(reason) = trust.check(&machine.trust_settings) {
            // SAFETY: `error` is a place.
            unsafe { give_text(error, reason) };
            return Err(PGTLS_MISUSE);
        }
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
    tell: impl FnOnce(&mut pgtls_machine) -> Result<(), Unchanged>,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `machine` is a handle that no other call has.
        let machine = unsafe { handle_mut(machine) }?;
        machine.misuse = None;
        tell(machine).map_err(|Unchanged { status, reason }| {
            machine.misuse = reason;
            status
        })
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

/// The TLS handshake is complete. `alpn` is a `pgtls_alpn`; `trust` is the trust that was given to
/// `pgtls_machine_verification`, and `proof` is of the certificates of this handshake. Which proof is needed follows from what
/// `pgtls_machine_verification` has written:
///
/// - `PGTLS_VERIFY_NONE`: none; it may be `NULL`.
/// - `PGTLS_VERIFY_CA`: a proof of `pgtls_verify`.
/// - `PGTLS_VERIFY_FULL`: the same, whose last `pgtls_proof_match_host` has matched the host of this connection.
///
/// A session without the proof that it needs is refused: the call succeeds, and the next action is to reconnect or to fail. With
/// `PGTLS_MISUSE` nothing changes, and `pgtls_machine_error` returns the reason: the trust is not for the parameters of this
/// machine; or the proof is of another trust, of a client's certificate, for another host, for another time than now, or was used
/// for another handshake.
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
        let (facts, reason) = machine.facts(alpn, trust, proof)?;
        machine.handle_with(Input::TlsEstablished(facts), reason)?;
        if let Some(proof) = proof {
            proof.spend();
        }
        Ok(())
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

/// The reason for `PGTLS_MISUSE` if the last call with the machine has ended so, else the last failure; `NULL` if nothing has
/// failed. Freed with `pgtls_string_free`.
///
/// # Safety
/// By the [contract](crate#the-contract) `machine` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_machine_error(machine: *const pgtls_machine) -> *mut c_char {
    guarded_or(ptr::null_mut(), || {
        // SAFETY: `machine` is a handle.
        let machine = unsafe { handle(machine) }.ok()?;
        if let Some(reason) = &machine.misuse {
            return Some(new_text(reason));
        }
        let (failure, detail) = machine.failure.as_ref()?;
        Some(new_text(&match detail {
            Some(detail) => format!("{failure}; {detail}"),
            None => failure.to_string(),
        }))
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
