//! The exchange from the StartupMessage to the first ReadyForQuery, and the query for the role after it (libpq: `PQconnectPoll`
//! from `CONNECTION_MADE` to `CONNECTION_OK`).

use crate::{
    authentication::{Answer, Authentication, PasswordRequest, Sasl},
    error::{ExchangeError, ServerError, string},
    frames::{Frame, Frames, Phase},
    scram::{self, NONCE_LENGTH},
};
use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use core::{fmt, mem};
use pgtls_core::{
    message::{CancelRequest, MessageError, PROTOCOL_3_0, PROTOCOL_3_2, startup_message},
    param::{Params, ProtocolVersion, Secret, TargetSessionAttrs},
    role::{RoleCheck, WrongRole},
    startup::{ProtocolViolation, Refusal},
};
use zeroize::Zeroizing;

/// The most bytes that the reported parameters occupy together, a fixed number for each of them included. libpq has no bound; a
/// server reports about fifteen.
pub const MAX_PARAMETERS: usize = 1 << 20;

/// Bytes that a parameter occupies beside its name and value.
const PARAMETER_OVERHEAD: usize = 128;

/// Terminate, which ends a session in order (libpq: `sendTerminateConn`).
pub const TERMINATE: [u8; 5] = *b"X\0\0\0\x04";

/// The protection of the connection, and the data that SCRAM binds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Not encrypted.
    Plain,
    /// Encrypted with GSSAPI.
    Gss,
    /// Encrypted with TLS.
    Tls {
        /// The bytes of `tls-server-end-point` (RFC 5929): a digest of the server's certificate. `None` if the signature of the
        /// certificate has no hash that the binding could use (Ed25519).
        end_point: Option<Vec<u8>>,
    },
}

/// The input of an exchange besides the parameters.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartupOptions {
    /// The protection of the connection.
    pub channel: Channel,
    /// The password, or `None` to get [`Action::Password`] when the server requests one. An empty one counts as none.
    pub password: Option<Secret>,
    /// Random bytes for SCRAM, new for each exchange.
    pub nonce: [u8; NONCE_LENGTH],
    /// The role that this server must have, in the present round over the hosts
    /// ([`Peer::target_session_attrs`](pgtls_core::connect::Peer::target_session_attrs)). `prefer-standby` means `standby`.
    pub target_session_attrs: TargetSessionAttrs,
}

impl StartupOptions {
    /// Without a password, and for a server of any role.
    pub const fn new(channel: Channel, nonce: [u8; NONCE_LENGTH]) -> Self {
        Self { channel, password: None, nonce, target_session_attrs: TargetSessionAttrs::Any }
    }
}

/// The next action of the caller.
#[derive(Debug)]
pub enum Action<'a> {
    /// Send these bytes, and report with [`sent`](StartupExchange::sent) how many of them were written.
    Send(&'a [u8]),
    /// Flush the stream, read once, and pass the bytes to [`received`](StartupExchange::received).
    Receive,
    /// The server requests a password: pass it to [`supply_password`](StartupExchange::supply_password).
    Password,
    /// Call [`derive`](StartupExchange::derive), after checking a deadline and yielding to other tasks.
    Derive,
    /// The session is up.
    Ready(ServerSession),
}

/// A session that has been started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerSession {
    parameters: BTreeMap<String, String>,
    /// The request that cancels a query of the session (BackendKeyData); `None` if the server sent no key.
    pub cancel: Option<CancelRequest>,
    /// The authentication that the server requested.
    pub authentication: AuthenticationMethod,
    /// The protocol version in use.
    pub protocol_version: ProtocolVersion,
    /// The answer to the query for the role, for
    /// [`StartupMonitor::role_answer`](pgtls_core::startup::StartupMonitor::role_answer); `None` if there was no query.
    pub role_answer: Option<Vec<u8>>,
    /// Bytes of the server that were received after ReadyForQuery. They are the first of the session.
    pub unread: Vec<u8>,
}

impl ServerSession {
    /// The value of a parameter that the server has reported: `server_version`, `TimeZone` …
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Names and values of the reported parameters, in alphabetical order. Bytes that are not UTF-8 are replaced.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The authentication that a server requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// None.
    Trust,
    /// The password in clear.
    Password,
    /// A hash of the password.
    Md5,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-256, bound to the TLS connection.
    ScramSha256Plus,
}

impl AuthenticationMethod {
    /// The method in the words of `pg_hba.conf`. The binding of SCRAM to the connection is no method there.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::ScramSha256 | Self::ScramSha256Plus => "scram-sha-256",
        }
    }
}

/// The startup exchange on one connection. It owns its data, and dropping it wipes them.
///
/// [`poll`](Self::poll) returns the same action until its result is reported. A result that does not belong to the present
/// action is ignored.
pub struct StartupExchange {
    state: State,
    frames: Frames,
    outbox: Zeroizing<Vec<u8>>,
    /// The part of `outbox` that has been sent.
    sent: usize,
    authentication: Authentication,
    minimum: ProtocolVersion,
    version: ProtocolVersion,
    is_negotiated: bool,
    role: RoleCheck,
    parameters: BTreeMap<String, String>,
    /// Bytes that they occupy.
    parameter_bytes: usize,
    cancel: Option<CancelRequest>,
    role_answer: Option<Vec<u8>>,
}

enum State {
    /// Messages of this phase are read.
    Messages(Phase),
    Password(PasswordRequest),
    Derivation,
    Ready(Box<ServerSession>),
    Failed(ExchangeError),
}

impl StartupExchange {
    /// Begins with the StartupMessage for these parameters, which requests `max_protocol_version`.
    ///
    /// # Errors
    /// The StartupMessage is longer than a server reads.
    pub fn new(params: &Params, options: StartupOptions) -> Result<Self, MessageError> {
        let version = params.max_protocol_version();
        let packet = startup_message(version.number(), params.startup_pairs())?;
        let key = |keyword| params.secret(keyword).and_then(|text| scram::key(text.expose()));
        let authentication = Authentication {
            user: params.user().into(),
            channel: options.channel,
            channel_binding: params.channel_binding(),
            password: usable(options.password),
            client_key: key("scram_client_key"),
            server_key: key("scram_server_key"),
            nonce: options.nonce,
            method: AuthenticationMethod::Trust,
            sasl: Sasl::NotStarted,
        };
        Ok(Self {
            state: State::Messages(Phase::Authentication),
            frames: Frames::default(),
            outbox: Zeroizing::new(packet),
            sent: 0,
            authentication,
            minimum: params.min_protocol_version(),
            version,
            is_negotiated: false,
            role: RoleCheck::new(options.target_session_attrs),
            parameters: BTreeMap::new(),
            parameter_bytes: 0,
            cancel: None,
            role_answer: None,
        })
    }

    /// Returns the next action.
    ///
    /// # Errors
    /// The exchange has failed, and is to be dropped with its connection. No byte may be sent to the server any more.
    pub fn poll(&self) -> Result<Action<'_>, ExchangeError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            _ if !self.outbox.is_empty() => {
                Ok(Action::Send(self.outbox.get(self.sent..).unwrap_or_default()))
            }
            State::Messages(_) => Ok(Action::Receive),
            State::Password(_) => Ok(Action::Password),
            State::Derivation => Ok(Action::Derive),
            State::Ready(session) => Ok(Action::Ready(ServerSession::clone(session))),
        }
    }

    /// Answers [`Action::Send`]: so many of the bytes were written.
    pub fn sent(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count);
        if self.sent >= self.outbox.len() {
            self.outbox = Zeroizing::default();
            self.sent = 0;
            self.read_messages();
        }
    }

    /// Answers [`Action::Receive`]: the server sent these bytes; none is the end of the connection.
    pub fn received(&mut self, bytes: &[u8]) {
        match self.state {
            State::Ready(_) | State::Failed(_) => {}
            _ if bytes.is_empty() => {
                self.state = State::Failed(ExchangeError::Broken(ProtocolViolation::Closed));
            }
            _ => {
                self.frames.push(bytes);
                self.read_messages();
            }
        }
    }

    /// Answers [`Action::Password`]. `None` ends the exchange with [`Refusal::NoPassword`], and so does an empty password.
    pub fn supply_password(&mut self, password: Option<Secret>) {
        let State::Password(request) = self.state else { return };
        self.authentication.password = usable(password);
        let answer = self.authentication.answer(request);
        self.take(answer);
        self.read_messages();
    }

    /// Answers [`Action::Derive`]: performs at most [`SLICE`](crate::SLICE) iterations of the key derivation.
    pub fn derive(&mut self) {
        if let State::Derivation = self.state
            && let Some(proof) = self.authentication.derive()
        {
            self.take(Ok(Answer::Send(proof)));
            self.read_messages();
        }
    }

    /// Reads messages as long as none of them needs an answer.
    fn read_messages(&mut self) {
        while let State::Messages(phase) = self.state
            && self.outbox.is_empty()
        {
            match self.frames.next(phase, self.version.number()) {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    if let Err(error) = self.message(phase, &frame) {
                        self.state = State::Failed(error);
                    }
                }
                Err(broken) => self.state = State::Failed(ExchangeError::Broken(broken)),
            }
        }
    }

    fn message(&mut self, phase: Phase, frame: &Frame) -> Result<(), ExchangeError> {
        match (phase, frame.tag) {
            (Phase::Authentication, b'R') => {
                let answer = self.authentication.request(&frame.body);
                self.take(answer);
            }
            (Phase::Authentication, b'v') => self.negotiate(&frame.body)?,
            (Phase::Authentication | Phase::Reports, b'E') => {
                let malformed = ExchangeError::Broken(ProtocolViolation::Malformed(b'E'));
                return Err(ServerError::parse_beginning(&frame.body, frame.cut).map_or(
                    malformed,
                    |error| ExchangeError::Server { error, after_authentication: phase == Phase::Reports },
                ));
            }
            (Phase::Reports, b'K') => {
                let request = CancelRequest::from_key_data(self.version.number(), &frame.body);
                self.cancel =
                    Some(request.map_err(|_| ExchangeError::Broken(ProtocolViolation::Malformed(b'K')))?);
            }
            (Phase::Reports | Phase::Role, b'S') => self.status(&frame.body)?,
            (Phase::Reports | Phase::Role, b'N' | b'A') | (Phase::Role, b'C' | b'T') => {}
            (Phase::Reports, b'Z') => self.ready()?,
            (Phase::Role, b'Z') => {
                self.role.query_complete()?;
                self.ready()?;
            }
            // A second row is no answer.
            (Phase::Role, b'D') if self.role_answer.is_some() => return Err(WrongRole::Unknown.into()),
            (Phase::Role, b'D') => {
                let value = first_column(&frame.body)
                    .ok_or(ExchangeError::Broken(ProtocolViolation::Malformed(b'D')))?;
                self.role.row(value);
                self.role_answer = Some(value.to_vec());
            }
            // libpq goes on with the next host when the query fails.
            (Phase::Role, b'E') => return Err(WrongRole::Unknown.into()),
            (_, tag) => return Err(ExchangeError::Broken(ProtocolViolation::Unexpected(tag))),
        }
        Ok(())
    }

    fn take(&mut self, answer: Result<Answer, ExchangeError>) {
        self.state = match answer {
            Ok(Answer::Send(message)) => {
                self.outbox = message;
                State::Messages(Phase::Authentication)
            }
            Ok(Answer::Wait) => State::Messages(Phase::Authentication),
            Ok(Answer::Password(request)) => State::Password(request),
            Ok(Answer::Derive) => State::Derivation,
            Ok(Answer::Authenticated) => State::Messages(Phase::Reports),
            Err(error) => State::Failed(error),
        };
    }

    /// NegotiateProtocolVersion: an older version that exists, and no protocol extension, as none was requested (libpq:
    /// `pqGetNegotiateProtocolVersion3`).
    fn negotiate(&mut self, body: &[u8]) -> Result<(), ExchangeError> {
        let malformed = ExchangeError::Broken(ProtocolViolation::Malformed(b'v'));
        let Some((version, declined)) = body.split_first_chunk::<4>() else { return Err(malformed) };
        let offered = match u32::from_be_bytes(*version) {
            PROTOCOL_3_0 => ProtocolVersion::V3_0,
            PROTOCOL_3_2 => ProtocolVersion::V3_2,
            _ => return Err(malformed),
        };
        if self.is_negotiated || declined != [0; 4] || offered >= self.version {
            return Err(malformed);
        }
        if offered < self.minimum {
            let minimum = self.minimum;
            return Err(Refusal::ProtocolVersion { server: offered.number(), minimum }.into());
        }
        self.is_negotiated = true;
        self.version = offered;
        Ok(())
    }

    /// ParameterStatus.
    fn status(&mut self, body: &[u8]) -> Result<(), ExchangeError> {
        let malformed = || ExchangeError::Broken(ProtocolViolation::Malformed(b'S'));
        let (name, rest) = string(body).ok_or_else(malformed)?;
        let (value, []) = string(rest).ok_or_else(malformed)? else { return Err(malformed()) };
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        self.role.status(&name, &value);
        // A value that is replaced counts as well.
        self.parameter_bytes =
            self.parameter_bytes.saturating_add(body.len()).saturating_add(PARAMETER_OVERHEAD);
        if self.parameter_bytes > MAX_PARAMETERS {
            return Err(ExchangeError::TooManyParameters);
        }
        self.parameters.insert(name.into_owned(), value.into_owned());
        Ok(())
    }

    /// ReadyForQuery.
    fn ready(&mut self) -> Result<(), ExchangeError> {
        if let Some(query) = self.role.verdict()? {
            self.outbox = message(b'Q', &[query.as_bytes(), b"\0"]);
            self.state = State::Messages(Phase::Role);
            return Ok(());
        }
        self.state = State::Ready(Box::new(ServerSession {
            parameters: mem::take(&mut self.parameters),
            cancel: self.cancel.take(),
            authentication: self.authentication.method,
            protocol_version: self.version,
            role_answer: self.role_answer.take(),
            unread: self.frames.take_unread(),
        }));
        self.authentication.password = None;
        Ok(())
    }
}

impl fmt::Debug for StartupExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartupExchange").finish_non_exhaustive()
    }
}

/// A password that is not empty.
fn usable(password: Option<Secret>) -> Option<Secret> {
    password.filter(|password| !password.expose().is_empty())
}

/// A message of the client, in one allocation.
pub(crate) fn message(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let body = parts.iter().fold(0_usize, |length, part| length.saturating_add(part.len()));
    let length = u32::try_from(body.saturating_add(4)).unwrap_or(u32::MAX);
    let mut message = Zeroizing::new(Vec::with_capacity(body.saturating_add(5)));
    message.push(tag);
    message.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

/// The first column of a DataRow; NULL is empty (libpq: `PQgetvalue`).
fn first_column(body: &[u8]) -> Option<&[u8]> {
    let (_count, rest) = body.split_first_chunk::<2>()?;
    let (length, value) = rest.split_first_chunk::<4>()?;
    match i32::from_be_bytes(*length) {
        -1 => Some(&[]),
        length => value.get(..usize::try_from(length).ok()?),
    }
}
