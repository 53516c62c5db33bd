//! Everything that changes state. Nothing here depends on the caller.

use super::{
    Action, AfterFailure, Consequence, Encryption, Event, Events, Failure, Input, Misuse, Request, TlsFacts,
    TlsFailure, TlsStart,
    proof::{Proven, prove},
};
use crate::{
    message::{GSSENC_REQUEST, SSL_REQUEST},
    policy::{EncryptionPlan, Method, Methods, Payload},
    startup::{Decision, ProtocolViolation},
};

/// Where the negotiation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Connecting(Attempt),
    CheckingPeer(Attempt),
    SendingRequest(Asking),
    AwaitingReply(Asking),
    StartingTls(Handshake),
    StartingGss(Handshake),
    StartingUp(StartingUp),
    Reconnecting(Reconnecting),
    Done(Done),
    Failed(Failed),
}

/// A method under way, and those that failed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    method: Method,
    failed: Methods,
}

/// A request to which the reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    attempt: Attempt,
    request: Request,
    /// A byte that was read after `N` to the request before this one; libpq takes it for the reply to this one.
    carry: Option<u8>,
}

/// A handshake under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Handshake {
    attempt: Attempt,
    /// Plaintext bytes were read together with the reply (CVE-2021-23222). They never reach the TLS engine. libpq looks
    /// at its buffer only after a handshake that succeeded, which ends the attempt; a handshake that fails is a failure of
    /// the method as usual.
    injected_bytes: bool,
}

/// The startup packet is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct StartingUp {
    attempt: Attempt,
    channel: Channel,
    carry: Option<u8>,
}

/// What protects the startup packet. TLS without its proof cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Channel {
    Plain,
    Ssl(Proven),
    Gss,
}

/// A new connection is wanted for the next method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reconnecting {
    attempt: Attempt,
    because: Failure,
}

/// The session is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Done {
    channel: Channel,
}

/// Nothing is left to try on this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Failed {
    error: Failure,
    then: AfterFailure,
}

impl State {
    pub(super) fn start(plan: &EncryptionPlan) -> Self {
        Self::Connecting(Attempt { method: plan.first(), failed: Methods::EMPTY })
    }

    /// The attempt under way; `None` at the ends.
    const fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Connecting(attempt)
            | Self::CheckingPeer(attempt)
            | Self::SendingRequest(Asking { attempt, .. })
            | Self::AwaitingReply(Asking { attempt, .. })
            | Self::StartingTls(Handshake { attempt, .. })
            | Self::StartingGss(Handshake { attempt, .. })
            | Self::StartingUp(StartingUp { attempt, .. })
            | Self::Reconnecting(Reconnecting { attempt, .. }) => Some(*attempt),
            Self::Done(_) | Self::Failed(_) => None,
        }
    }

    pub(super) fn action(&self, plan: &EncryptionPlan) -> Action {
        match self {
            Self::Connecting(_) => Action::Connect,
            Self::CheckingPeer(_) => Action::CheckPeer,
            Self::SendingRequest(asking) => Action::Send(match asking.request {
                Request::Ssl => &SSL_REQUEST,
                Request::Gss => &GSSENC_REQUEST,
            }),
            Self::AwaitingReply(asking) => Action::Receive { at_most: asking.at_most() },
            Self::StartingTls(_) => Action::StartTls(TlsStart { direct: plan.direct() }),
            Self::StartingGss(_) => Action::StartGss,
            Self::StartingUp(starting) => {
                Action::Startup { encryption: starting.channel.encryption(), carry: starting.carry }
            }
            Self::Reconnecting(reconnecting) => Action::Reconnect { because: reconnecting.because },
            Self::Done(done) => Action::Done(done.channel.encryption()),
            Self::Failed(failed) => Action::Fail { error: failed.error, then: failed.then },
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Connecting(_) => "connecting",
            Self::CheckingPeer(_) => "checking peer",
            Self::SendingRequest(Asking { request: Request::Ssl, .. }) => "sending SSLRequest",
            Self::SendingRequest(Asking { request: Request::Gss, .. }) => "sending GSSENCRequest",
            Self::AwaitingReply(Asking { request: Request::Ssl, .. }) => "awaiting reply to SSLRequest",
            Self::AwaitingReply(Asking { request: Request::Gss, .. }) => "awaiting reply to GSSENCRequest",
            Self::StartingTls(Handshake { injected_bytes: false, .. }) => "TLS handshake",
            Self::StartingTls(Handshake { injected_bytes: true, .. }) => "TLS handshake after bytes in clear",
            Self::StartingGss(Handshake { injected_bytes: false, .. }) => "GSSAPI handshake",
            Self::StartingGss(Handshake { injected_bytes: true, .. }) => {
                "GSSAPI handshake after bytes in clear"
            }
            Self::StartingUp(StartingUp { channel: Channel::Plain, .. }) => "startup in clear",
            Self::StartingUp(StartingUp { channel: Channel::Ssl(_), .. }) => "startup inside TLS",
            Self::StartingUp(StartingUp { channel: Channel::Gss, .. }) => "startup inside GSSAPI",
            Self::Reconnecting(_) => "reconnecting",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
        }
    }
}

impl Channel {
    const fn encryption(self) -> Encryption {
        match self {
            Self::Plain => Encryption::Plain,
            Self::Ssl(_) => Encryption::Ssl,
            Self::Gss => Encryption::Gss,
        }
    }
}

impl Asking {
    /// The reply and the byte after it.
    const fn at_most(self) -> usize {
        match self.carry {
            None => 2,
            Some(_) => 1,
        }
    }
}

/// The transition function. Nothing is decided elsewhere.
pub(super) fn step(
    plan: &EncryptionPlan,
    events: &mut Events,
    state: State,
    input: Input<'_>,
) -> Result<State, Misuse> {
    use Input as I;
    let misuse = Err(Misuse::input(state.name(), input.name()));
    let turn = &mut Turn { plan, events };
    if let (I::TimedOut, Some(attempt)) = (input, state.attempt()) {
        return Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut));
    }
    if input == I::Closed {
        return turn.closed(state).map_or(misuse, Ok);
    }
    match state {
        State::Connecting(attempt) => {
            let I::Opened { success } = input else { return misuse };
            Ok(turn.opened(attempt, Event::Connect, success))
        }
        State::Reconnecting(Reconnecting { attempt, because: _ }) => {
            let I::Opened { success } = input else { return misuse };
            Ok(turn.opened(attempt, Event::Reconnect, success))
        }
        State::CheckingPeer(attempt) => {
            let I::PeerUser { matches } = input else { return misuse };
            Ok(if matches {
                turn.begin(attempt, None)
            } else {
                turn.failed(attempt, Event::PeerReject, Failure::PeerUser)
            })
        }
        State::SendingRequest(asking) => {
            let I::Sent = input else { return misuse };
            Ok(State::AwaitingReply(asking))
        }
        State::AwaitingReply(asking) => {
            let I::Received(bytes) = input else { return misuse };
            if bytes.len() > asking.at_most() {
                return misuse;
            }
            let mut read = asking.carry.into_iter().chain(bytes.iter().copied());
            match (bytes, read.next()) {
                (&[], _) | (_, None) => turn.closed(state).map_or(misuse, Ok),
                (_, Some(reply)) => Ok(turn.replied(asking, reply, read.next())),
            }
        }
        State::StartingTls(handshake) => {
            let I::Tls(result) = input else { return misuse };
            Ok(turn.tls(handshake, result))
        }
        State::StartingGss(handshake) => {
            let I::Gss { success } = input else { return misuse };
            Ok(turn.gss(handshake, success))
        }
        State::StartingUp(starting) => {
            let I::Startup(verdict) = input else { return misuse };
            Ok(turn.started(starting, verdict.decision(plan.payload())?))
        }
        // The role of the server is a part of the verdict that led to `Done`.
        State::Done(Done { channel: _ }) | State::Failed(Failed { error: _, then: _ }) => misuse,
    }
}

/// What a step reads and writes besides the state.
struct Turn<'a> {
    plan: &'a EncryptionPlan,
    events: &'a mut Events,
}

impl Turn<'_> {
    fn saw(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The connection is open, or could not be opened.
    fn opened(&mut self, attempt: Attempt, event: Event, success: bool) -> State {
        if !success {
            return self.failed(attempt, Event::ConnectFail, Failure::Connect);
        }
        self.saw(event);
        if self.plan.checks_peer() { State::CheckingPeer(attempt) } else { self.begin(attempt, None) }
    }

    /// The connection has ended; `None` where nothing is read or written.
    fn closed(&mut self, state: State) -> Option<State> {
        Some(match state {
            State::Connecting(attempt) | State::Reconnecting(Reconnecting { attempt, because: _ }) => {
                self.opened(attempt, Event::Connect, false)
            }
            State::SendingRequest(asking) | State::AwaitingReply(asking) => {
                self.failed(asking.attempt, Event::Close, Failure::Closed(asking.request))
            }
            State::StartingTls(handshake) => self.tls(handshake, Err(TlsFailure::Closed)),
            State::StartingGss(handshake) => self.gss(handshake, false),
            State::StartingUp(starting) => {
                self.started(starting, Decision::Broken(ProtocolViolation::Closed))
            }
            State::CheckingPeer(_) | State::Done(_) | State::Failed(_) => return None,
        })
    }

    /// Starts the method on an open connection.
    fn begin(&mut self, attempt: Attempt, carry: Option<u8>) -> State {
        match attempt.method {
            Method::Gss => State::SendingRequest(Asking { attempt, request: Request::Gss, carry }),
            Method::Ssl if self.plan.direct() => {
                State::StartingTls(Handshake { attempt, injected_bytes: false })
            }
            Method::Ssl => State::SendingRequest(Asking { attempt, request: Request::Ssl, carry }),
            Method::Plain => State::StartingUp(StartingUp { attempt, channel: Channel::Plain, carry }),
        }
    }

    /// The reply to a request, and the byte that came with it.
    fn replied(&mut self, asking: Asking, reply: u8, second: Option<u8>) -> State {
        let Asking { attempt, request, carry: _ } = asking;
        match (request, reply, second) {
            (Request::Ssl, b'S', second) => {
                self.saw(Event::SslAccept);
                self.accepted(attempt, request, second.is_some())
            }
            (Request::Gss, b'G', second) => {
                self.saw(Event::GssAccept);
                self.accepted(attempt, request, second.is_some())
            }
            (_, b'N', carry) => self.refused(attempt, request, carry),
            // The length word of a protocol 3 error begins with a zero, the text of an older one does not.
            (_, b'E', Some(1..)) => self.failed(attempt, Event::V2Error, Failure::ErrorReply(request)),
            (_, b'E', Some(0) | None) => {
                self.failed(attempt, Event::BackendError, Failure::ErrorReply(request))
            }
            (_, byte, _) => self.failed(attempt, Event::BadReply, Failure::BadReply { request, byte }),
        }
    }

    /// `S` or `G`: the handshake starts.
    fn accepted(&mut self, attempt: Attempt, request: Request, injected_bytes: bool) -> State {
        if injected_bytes && self.plan.hardening().no_injected_bytes {
            return self.unencrypted_data(attempt, request);
        }
        let handshake = Handshake { attempt, injected_bytes };
        match request {
            Request::Ssl => State::StartingTls(handshake),
            Request::Gss => State::StartingGss(handshake),
        }
    }

    /// `N`: the connection is still good.
    fn refused(&mut self, attempt: Attempt, request: Request, carry: Option<u8>) -> State {
        self.saw(match request {
            Request::Ssl => Event::SslReject,
            Request::Gss => Event::GssReject,
        });
        self.follow(attempt, Failure::Refused(request), carry)
    }

    /// The TLS handshake is over.
    fn tls(&mut self, handshake: Handshake, result: Result<TlsFacts, TlsFailure>) -> State {
        let Handshake { attempt, injected_bytes } = handshake;
        match result.map(|facts| prove(self.plan, facts)) {
            Ok(Ok(_)) if injected_bytes => self.unencrypted_data(attempt, Request::Ssl),
            Ok(Ok(proven)) => {
                if self.plan.direct() {
                    self.saw(Event::DirectSslAccept);
                }
                State::StartingUp(StartingUp { attempt, channel: Channel::Ssl(proven), carry: None })
            }
            Ok(Err(failure)) => self.failed(attempt, Event::TlsFail, failure),
            Err(failure) => {
                let event = match (failure, self.plan.direct()) {
                    (TlsFailure::Closed, true) => Event::DirectSslReject,
                    (TlsFailure::Closed, false) => Event::Close,
                    (TlsFailure::Setup | TlsFailure::Handshake, _) => Event::TlsFail,
                };
                self.failed(attempt, event, Failure::Tls(failure))
            }
        }
    }

    /// The GSSAPI handshake is over.
    fn gss(&mut self, handshake: Handshake, success: bool) -> State {
        let Handshake { attempt, injected_bytes } = handshake;
        match (success, injected_bytes) {
            (false, _) => self.failed(attempt, Event::GssFail, Failure::Gss),
            (true, true) => self.unencrypted_data(attempt, Request::Gss),
            (true, false) => State::StartingUp(StartingUp { attempt, channel: Channel::Gss, carry: None }),
        }
    }

    /// Plaintext bytes came with the reply (libpq: `PQconnectPoll`, "received unencrypted data after SSL response").
    fn unencrypted_data(&mut self, attempt: Attempt, request: Request) -> State {
        self.failed(attempt, Event::ExtraBytes, Failure::UnencryptedData(request))
    }

    /// The startup exchange is over.
    fn started(&mut self, starting: StartingUp, decision: Decision) -> State {
        let StartingUp { attempt, channel, carry: _ } = starting;
        let (event, failure) = match decision {
            Decision::Ready(payload) => {
                self.saw(match payload {
                    Payload::Startup => Event::AuthOk,
                    Payload::Cancel => Event::CancelSent,
                });
                return State::Done(Done { channel });
            }
            Decision::ServerError { sqlstate, after_auth_ok } => {
                if after_auth_ok {
                    self.saw(Event::AuthOk);
                }
                let event = match (after_auth_ok, sqlstate) {
                    (false, [b'2', b'8', ..]) => Event::AuthFail,
                    (_, [b'X', b'X', ..]) => Event::BackendError,
                    (true | false, _) => Event::StartupError,
                };
                (event, Failure::ServerError { sqlstate, after_auth_ok })
            }
            Decision::Broken(broken) => {
                let event = match broken {
                    ProtocolViolation::Closed => Event::Close,
                    ProtocolViolation::OldError => Event::V2Error,
                    ProtocolViolation::Unexpected(_) | ProtocolViolation::Malformed(_) => Event::BadMessage,
                };
                (event, Failure::StartupBroken(broken))
            }
            Decision::Refusal(refusal) => {
                if refusal.at_authentication_ok() {
                    self.saw(Event::AuthOk);
                }
                (Event::LocalRefusal, Failure::LocalRefusal(refusal))
            }
            Decision::WrongRole(_) => {
                self.saw(Event::AuthOk);
                (Event::WrongRole, Failure::WrongRole)
            }
            Decision::TimedOut => (Event::Timeout, Failure::TimedOut),
        };
        self.failed(attempt, event, failure)
    }

    /// A failure of the method.
    fn failed(&mut self, attempt: Attempt, event: Event, failure: Failure) -> State {
        self.saw(event);
        self.follow(attempt, failure, None)
    }

    /// Chooses what comes after a failure (libpq: `select_next_encryption_method`).
    fn follow(&mut self, attempt: Attempt, failure: Failure, carry: Option<u8>) -> State {
        let same_connection = match failure.consequence() {
            Consequence::Ends(then) => return State::Failed(Failed { error: failure, then }),
            Consequence::Refused => true,
            Consequence::Broken => false,
        };
        let mut failed = attempt.failed.with(attempt.method);
        if attempt.method == Method::Ssl && self.forbids_plaintext_after(failure) {
            failed = failed.with(Method::Plain);
        }
        match self.plan.next(failed) {
            None => State::Failed(Failed { error: failure, then: AfterFailure::Stop }),
            Some(method) => {
                let attempt = Attempt { method, failed };
                // A ClientHello must be the first thing on its connection.
                if same_connection && !(method == Method::Ssl && self.plan.direct()) {
                    self.begin(attempt, carry)
                } else {
                    State::Reconnecting(Reconnecting { attempt, because: failure })
                }
            }
        }
    }

    /// The hardenings about plaintext after TLS.
    fn forbids_plaintext_after(&self, failure: Failure) -> bool {
        let hardening = self.plan.hardening();
        match failure {
            Failure::Tls(_) | Failure::NoAlpn | Failure::WrongAlpn | Failure::Unproven(_) => {
                hardening.no_plaintext_after_tls_failure
            }
            Failure::ServerError { .. } => hardening.no_plaintext_after_rejection,
            Failure::Refused(_)
            | Failure::Connect
            | Failure::TimedOut
            | Failure::PeerUser
            | Failure::ErrorReply(_)
            | Failure::BadReply { .. }
            | Failure::Closed(_)
            | Failure::UnencryptedData(_)
            | Failure::Gss
            | Failure::StartupBroken(_)
            | Failure::LocalRefusal(_)
            | Failure::WrongRole => false,
        }
    }
}
