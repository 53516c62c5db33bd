//! Everything that changes state. Nothing here knows who is calling.

use super::{
    Action, Consequence, Encryption, Event, Events, Failure, Input, Misuse, Request, Then, TlsFailure,
    TlsStart,
    proof::{Proven, prove},
};
use crate::{
    message::{GSSENC_REQUEST, SSL_REQUEST},
    policy::{EncryptionPlan, Method, Methods, Payload},
    startup::Broken,
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
    /// Bytes in clear came with the reply (CVE-2021-23222). They never reach the engine, and whatever the handshake
    /// comes to, the attempt is over; as libpq, which looks at its buffer when the handshake is done.
    stuffed: bool,
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
    attempt: Attempt,
    channel: Channel,
}

/// Nothing is left to try on this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Failed {
    error: Failure,
    then: Then,
}

impl State {
    pub(super) fn start(plan: &EncryptionPlan) -> Self {
        Self::Connecting(Attempt { method: plan.first(), failed: Methods::EMPTY })
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
            Self::StartingTls(Handshake { stuffed: false, .. }) => "TLS handshake",
            Self::StartingTls(Handshake { stuffed: true, .. }) => "TLS handshake after bytes in clear",
            Self::StartingGss(Handshake { stuffed: false, .. }) => "GSSAPI handshake",
            Self::StartingGss(Handshake { stuffed: true, .. }) => "GSSAPI handshake after bytes in clear",
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

/// The one transition function.
#[expect(
    clippy::too_many_lines,
    reason = "the whole machine in one match, so that nothing is decided elsewhere"
)]
pub(super) fn step(
    plan: &EncryptionPlan,
    events: &mut Events,
    state: State,
    input: Input<'_>,
) -> Result<State, Misuse> {
    use Input as I;
    let misuse = Err(Misuse::input(state.name(), input.name()));
    let turn = &mut Turn { plan, events };
    match state {
        State::Connecting(attempt) => match input {
            I::Connected => {
                turn.saw(Event::Connect);
                Ok(turn.opened(attempt))
            }
            I::ConnectFailed | I::Closed => Ok(turn.failed(attempt, Event::ConnectFail, Failure::Connect)),
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::Reconnecting(Reconnecting { attempt, because: _ }) => match input {
            I::Connected => {
                turn.saw(Event::Reconnect);
                Ok(turn.opened(attempt))
            }
            I::ConnectFailed | I::Closed => Ok(turn.failed(attempt, Event::ConnectFail, Failure::Connect)),
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::CheckingPeer(attempt) => match input {
            I::PeerUser { matches: true } => Ok(turn.begin(attempt, None)),
            I::PeerUser { matches: false } => Ok(turn.failed(attempt, Event::PeerReject, Failure::PeerUser)),
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::Sent
            | I::Received(_)
            | I::Closed
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::SendingRequest(asking) => match input {
            I::Sent => Ok(State::AwaitingReply(asking)),
            I::Closed => Ok(turn.failed(asking.attempt, Event::Close, Failure::Closed(asking.request))),
            I::TimedOut => Ok(turn.failed(asking.attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Received(_)
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::AwaitingReply(asking) => match input {
            I::Received(bytes) if bytes.len() > asking.at_most() => misuse,
            I::Received(bytes) => {
                let mut read = asking.carry.into_iter().chain(bytes.iter().copied());
                Ok(match (bytes, read.next()) {
                    (&[], _) | (_, None) => {
                        turn.failed(asking.attempt, Event::Close, Failure::Closed(asking.request))
                    }
                    (_, Some(reply)) => turn.replied(asking, reply, read.next()),
                })
            }
            I::Closed => Ok(turn.failed(asking.attempt, Event::Close, Failure::Closed(asking.request))),
            I::TimedOut => Ok(turn.failed(asking.attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::StartingTls(Handshake { attempt, stuffed }) => match input {
            I::TlsEstablished(_) | I::TlsFailed(_) | I::Closed if stuffed => {
                Ok(turn.stuffed(attempt, Request::Ssl))
            }
            I::TlsEstablished(facts) => Ok(match prove(plan, facts) {
                Ok(proven) => {
                    if plan.direct() {
                        turn.saw(Event::DirectSslAccept);
                    }
                    State::StartingUp(StartingUp { attempt, channel: Channel::Ssl(proven), carry: None })
                }
                Err(failure) => turn.failed(attempt, Event::TlsFail, failure),
            }),
            I::TlsFailed(failure) => Ok(turn.tls_failed(attempt, failure)),
            I::Closed => Ok(turn.tls_failed(attempt, TlsFailure::Closed)),
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::StartingGss(Handshake { attempt, stuffed }) => match input {
            I::GssEstablished | I::GssFailed | I::Closed if stuffed => {
                Ok(turn.stuffed(attempt, Request::Gss))
            }
            I::GssEstablished => {
                Ok(State::StartingUp(StartingUp { attempt, channel: Channel::Gss, carry: None }))
            }
            I::GssFailed | I::Closed => Ok(turn.failed(attempt, Event::GssFail, Failure::Gss)),
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole => misuse,
        },

        State::StartingUp(StartingUp { attempt, channel, carry: _ }) => match input {
            I::Ready => {
                turn.saw(match plan.payload() {
                    Payload::Startup => Event::AuthOk,
                    Payload::Cancel => Event::CancelSent,
                });
                Ok(State::Done(Done { attempt, channel }))
            }
            I::ServerError { sqlstate, after_auth_ok } => {
                if after_auth_ok {
                    turn.saw(Event::AuthOk);
                }
                let event = match (after_auth_ok, sqlstate) {
                    (false, [b'2', b'8', ..]) => Event::AuthFail,
                    (_, [b'X', b'X', ..]) => Event::BackendError,
                    (true | false, _) => Event::StartupError,
                };
                Ok(turn.failed(attempt, event, Failure::ServerError { sqlstate, after_auth_ok }))
            }
            I::StartupBroken(broken) => Ok(turn.startup_broken(attempt, broken)),
            I::Closed => Ok(turn.startup_broken(attempt, Broken::Closed)),
            I::LocalRefusal(refusal) => {
                if refusal.at_authentication_ok() {
                    turn.saw(Event::AuthOk);
                }
                Ok(turn.failed(attempt, Event::LocalRefusal, Failure::LocalRefusal(refusal)))
            }
            I::WrongRole => {
                turn.saw(Event::AuthOk);
                Ok(turn.failed(attempt, Event::WrongRole, Failure::WrongRole))
            }
            I::TimedOut => Ok(turn.failed(attempt, Event::Timeout, Failure::TimedOut)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed => misuse,
        },

        State::Done(Done { attempt, channel: _ }) => match input {
            I::WrongRole => Ok(turn.failed(attempt, Event::WrongRole, Failure::WrongRole)),
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::Closed
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::TimedOut => misuse,
        },

        State::Failed(Failed { error: _, then: _ }) => match input {
            I::Connected
            | I::ConnectFailed
            | I::PeerUser { .. }
            | I::Sent
            | I::Received(_)
            | I::Closed
            | I::TlsEstablished(_)
            | I::TlsFailed(_)
            | I::GssEstablished
            | I::GssFailed
            | I::ServerError { .. }
            | I::StartupBroken(_)
            | I::LocalRefusal(_)
            | I::Ready
            | I::WrongRole
            | I::TimedOut => misuse,
        },
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

    /// The connection is open.
    fn opened(&mut self, attempt: Attempt) -> State {
        if self.plan.checks_peer() { State::CheckingPeer(attempt) } else { self.begin(attempt, None) }
    }

    /// Starts the method on an open connection.
    fn begin(&mut self, attempt: Attempt, carry: Option<u8>) -> State {
        match attempt.method {
            Method::Gss => State::SendingRequest(Asking { attempt, request: Request::Gss, carry }),
            Method::Ssl if self.plan.direct() => State::StartingTls(Handshake { attempt, stuffed: false }),
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
                State::StartingTls(Handshake { attempt, stuffed: second.is_some() })
            }
            (Request::Gss, b'G', second) => {
                self.saw(Event::GssAccept);
                State::StartingGss(Handshake { attempt, stuffed: second.is_some() })
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

    /// `N`: the connection is still good.
    fn refused(&mut self, attempt: Attempt, request: Request, carry: Option<u8>) -> State {
        self.saw(match request {
            Request::Ssl => Event::SslReject,
            Request::Gss => Event::GssReject,
        });
        self.follow(attempt, Failure::Refused(request), carry)
    }

    fn tls_failed(&mut self, attempt: Attempt, failure: TlsFailure) -> State {
        let event = match (failure, self.plan.direct()) {
            (TlsFailure::Closed, true) => Event::DirectSslReject,
            (TlsFailure::Closed, false) => Event::Close,
            (TlsFailure::Setup | TlsFailure::Handshake, _) => Event::TlsFail,
        };
        self.failed(attempt, event, Failure::Tls(failure))
    }

    fn stuffed(&mut self, attempt: Attempt, request: Request) -> State {
        self.failed(attempt, Event::ExtraBytes, Failure::UnencryptedData(request))
    }

    fn startup_broken(&mut self, attempt: Attempt, broken: Broken) -> State {
        let event = match broken {
            Broken::Closed => Event::Close,
            Broken::OldError => Event::V2Error,
            Broken::Unexpected(_) | Broken::Malformed(_) => Event::BadMessage,
        };
        self.failed(attempt, event, Failure::StartupBroken(broken))
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
            None => State::Failed(Failed { error: failure, then: Then::Stop }),
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
