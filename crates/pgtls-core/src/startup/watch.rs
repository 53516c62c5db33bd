//! The watch: framing, phases, and the first decisive fact.

use super::{
    Broken, ClientCertificate, Refusal, WatchRules,
    auth::{Auth, AuthRequest, Context, Objection},
    body::{AuthBody, Body, Fields, Status, Strings, VersionBody, Word},
    sent::Sent,
};
use crate::{
    message::PROTOCOL_3_0,
    negotiation::{Encryption, Input},
    param::{Params, ProtocolVersion, TargetSessionAttrs},
    role::RoleCheck,
};

/// Lengths of Authentication and NegotiateProtocolVersion messages, the length word included (libpq: `PQconnectPoll`).
const AUTHENTICATION_LENGTHS: core::ops::RangeInclusive<u32> = 8..=2_000;

/// Lengths of an ErrorResponse before AuthenticationOk; anything else is the text of a server older than protocol 3 (libpq: `PQconnectPoll`).
const ERROR_LENGTHS: core::ops::RangeInclusive<u32> = 8..=30_000;

/// The longest text of such a server, its zero not counted (libpq: `MAX_ERRLEN`).
const MAX_OLD_ERROR: u32 = 30_000;

/// Lengths of most messages after AuthenticationOk (libpq: `pqParseInput3`).
const SHORT_LENGTHS: core::ops::RangeInclusive<u32> = 4..=30_000;

/// Lengths of those that carry data or free text (libpq: `VALID_LONG_MESSAGE_TYPE`); the word is signed.
const LONG_LENGTHS: core::ops::RangeInclusive<u32> = 4..=0x7FFF_FFFF;

/// Length of BackendKeyData in protocol 3.0: the word itself, a process id, a key of four bytes.
const KEY_DATA_LENGTHS_3_0: core::ops::RangeInclusive<u32> = 12..=12;

/// Length of BackendKeyData since protocol 3.2: keys of 4 to 256 bytes (libpq: `getBackendKeyData`).
const KEY_DATA_LENGTHS_3_2: core::ops::RangeInclusive<u32> = 12..=264;

/// Watches the server's bytes after the startup packet. Fixed size, no allocation.
#[derive(Clone, Debug)]
pub struct StartupWatch {
    rules: WatchRules,
    encryption: Encryption,
    certificate: ClientCertificate,
    phase: Phase,
    at: At,
    version: u32,
    version_negotiated: bool,
    auth: Auth,
    sent: Sent,
    role: RoleCheck,
}

/// What the server may say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before AuthenticationOk.
    Authentication,
    /// From there to ReadyForQuery.
    Session,
    /// Nothing: a cancel request has no answer.
    Cancel,
    /// The verdict has been given.
    Over,
}

/// Where in a message.
#[derive(Clone, Copy, Debug)]
enum At {
    Kind,
    Length { kind: u8, length: Word },
    Body { left: u32, body: Body },
    OldError { read: u32 },
}

/// What one more byte led to.
enum Step {
    Go(At),
    Verdict(Input<'static>),
}

impl StartupWatch {
    /// For one connection on which the startup packet was sent.
    pub fn new(params: &Params, encryption: Encryption, certificate: ClientCertificate) -> Self {
        Self::with_rules(WatchRules::from(params), encryption, certificate)
    }

    /// The same without [`Params`].
    pub const fn with_rules(
        rules: WatchRules,
        encryption: Encryption,
        certificate: ClientCertificate,
    ) -> Self {
        Self {
            rules,
            encryption,
            certificate,
            phase: Phase::Authentication,
            at: At::Kind,
            version: rules.max_protocol_version.number(),
            version_negotiated: false,
            auth: Auth::START,
            sent: Sent::START,
            role: RoleCheck::new(rules.target_session_attrs),
        }
    }

    /// For one connection on which a CancelRequest was sent: the server closes it in order and says nothing (libpq: `PQcancelPoll`).
    pub const fn cancel(encryption: Encryption) -> Self {
        let mut watch = Self::with_rules(WatchRules::NONE, encryption, ClientCertificate::NONE);
        watch.phase = Phase::Cancel;
        watch
    }

    /// There is no password: refuse a server that asks for one, before the driver sees it.
    #[must_use]
    pub const fn without_password(mut self) -> Self {
        self.rules.no_password = true;
        self
    }

    /// With this role demanded of the server, in the place of the rules' one.
    #[must_use]
    pub const fn with_role(mut self, role: TargetSessionAttrs) -> Self {
        self.role = RoleCheck::new(role);
        self
    }

    /// The version in the StartupMessage: NegotiateProtocolVersion and the length of a cancel key depend on it.
    pub(crate) fn requested(&mut self, version: u32) -> Option<Input<'static>> {
        let (minimum, maximum) = (self.rules.min_protocol_version, self.rules.max_protocol_version);
        // Not every number in between is a version.
        let exists = ProtocolVersion::ALL.iter().any(|known| known.number() == version);
        if exists && (minimum.number()..=maximum.number()).contains(&version) {
            self.version = version;
            None
        } else {
            self.verdict(Input::LocalRefusal(Refusal::RequestedVersion(version)))
        }
    }

    /// Whether this is the watch of a cancel request that has not ended.
    pub(crate) fn is_cancel(&self) -> bool {
        self.phase == Phase::Cancel
    }

    /// The role of the server, as far as it is known.
    pub(crate) fn role(&mut self) -> &mut RoleCheck {
        &mut self.role
    }

    /// What became known about the client certificate since the watch was made.
    pub const fn set_certificate(&mut self, certificate: ClientCertificate) {
        self.certificate = certificate;
    }

    /// Hands in bytes that the server sent, in any split. The first decisive fact is returned, once, as the input for the
    /// machine; bytes after it belong to the session or to nobody, and are not read.
    pub fn received(&mut self, bytes: &[u8]) -> Option<Input<'static>> {
        if self.phase == Phase::Over {
            return None;
        }
        for byte in bytes {
            match self.byte(*byte) {
                Step::Go(at) => self.at = at,
                Step::Verdict(input) => return self.verdict(input),
            }
        }
        None
    }

    /// The connection ended in order: end of file without encryption, close_notify with TLS.
    pub fn closed(&mut self) -> Option<Input<'static>> {
        self.verdict(match self.phase {
            Phase::Cancel => Input::Ready,
            Phase::Authentication | Phase::Session | Phase::Over => Input::StartupBroken(Broken::Closed),
        })
    }

    /// The connection ended out of order: reset, alert, end of file without close_notify.
    pub fn aborted(&mut self) -> Option<Input<'static>> {
        self.verdict(Input::StartupBroken(Broken::Closed))
    }

    /// Hands in bytes that the client sent after the startup packet: they tell which SASL mechanism was chosen. Without them
    /// `channel_binding=require` refuses every server.
    pub fn sent(&mut self, bytes: &[u8]) {
        self.sent.bytes(bytes);
    }

    fn verdict(&mut self, input: Input<'static>) -> Option<Input<'static>> {
        let first = self.phase != Phase::Over;
        self.phase = Phase::Over;
        first.then_some(input)
    }

    fn byte(&mut self, byte: u8) -> Step {
        match self.at {
            At::Kind => match (self.phase, byte) {
                (Phase::Authentication, b'R' | b'E' | b'v') | (Phase::Session | Phase::Over, _) => {
                    Step::Go(At::Length { kind: byte, length: Word::default() })
                }
                (Phase::Authentication | Phase::Cancel, _) => broken(Broken::Unexpected(byte)),
            },
            At::Length { kind, mut length } => {
                length.takes(byte);
                match length.value() {
                    None => Step::Go(At::Length { kind, length }),
                    Some(value) => self.header(kind, value),
                }
            }
            At::Body { left, mut body } => {
                body.byte(byte);
                match left.saturating_sub(1) {
                    0 => self.finish(&body),
                    left => Step::Go(At::Body { left, body }),
                }
            }
            At::OldError { read } => old_error(read, [byte]),
        }
    }

    /// Type and length are there. The length counts itself.
    fn header(&mut self, kind: u8, length: u32) -> Step {
        let (lengths, body) = match (self.phase, kind) {
            (Phase::Authentication | Phase::Cancel, b'E') => {
                if !ERROR_LENGTHS.contains(&length) {
                    return old_error(0, length.to_be_bytes());
                }
                (ERROR_LENGTHS, Body::Error(Fields::START))
            }
            (Phase::Authentication | Phase::Cancel, b'v') => {
                (AUTHENTICATION_LENGTHS, Body::NegotiateProtocolVersion(VersionBody::default()))
            }
            (Phase::Authentication | Phase::Cancel, _) => {
                (AUTHENTICATION_LENGTHS, Body::Auth(AuthBody::default()))
            }
            (Phase::Session | Phase::Over, kind) => match kind {
                b'E' => (LONG_LENGTHS, Body::Error(Fields::START)),
                b'N' => (LONG_LENGTHS, Body::Notice(Fields::START)),
                b'A' => (LONG_LENGTHS, Body::Notification(Strings::NOTIFICATION)),
                b'S' => (SHORT_LENGTHS, Body::ParameterStatus(Status::START)),
                b'K' if self.version == PROTOCOL_3_0 => (KEY_DATA_LENGTHS_3_0, Body::BackendKeyData),
                b'K' => (KEY_DATA_LENGTHS_3_2, Body::BackendKeyData),
                b'Z' => (5..=5, Body::ReadyForQuery),
                b'D' | b'd' | b'V' | b'T' => (LONG_LENGTHS, Body::Unexpected(kind)),
                _ => (SHORT_LENGTHS, Body::Unexpected(kind)),
            },
        };
        match length.checked_sub(4) {
            Some(left) if lengths.contains(&length) => {
                if left == 0 {
                    self.finish(&body)
                } else {
                    Step::Go(At::Body { left, body })
                }
            }
            _ => broken(Broken::Malformed(kind)),
        }
    }

    /// The message is complete.
    fn finish(&mut self, body: &Body) -> Step {
        match body {
            Body::Auth(body) => match body.finish() {
                Err(why) => broken(why),
                Ok((request, offer)) => {
                    let context = Context {
                        rules: &self.rules,
                        encryption: self.encryption,
                        certificate: self.certificate,
                        sent: &self.sent,
                    };
                    match self.auth.request(context, request, offer) {
                        Err(Objection::Refusal(refusal)) => Step::Verdict(Input::LocalRefusal(refusal)),
                        Err(Objection::Broken(why)) => broken(why),
                        Ok(()) => {
                            if request == AuthRequest::Ok {
                                self.phase = Phase::Session;
                            }
                            Step::Go(At::Kind)
                        }
                    }
                }
            },
            Body::NegotiateProtocolVersion(body) => self.negotiate_version(body),
            Body::Error(fields) => match fields.finish() {
                Some(sqlstate) => {
                    let after_auth_ok = self.phase == Phase::Session;
                    Step::Verdict(Input::ServerError { sqlstate, after_auth_ok })
                }
                None => broken(Broken::Malformed(b'E')),
            },
            Body::Notice(fields) => go_if(fields.exact(), b'N'),
            Body::ParameterStatus(status) => {
                if let (true, Some((reported, is_on))) = (status.exact(), status.reported()) {
                    self.role.reported(reported, is_on);
                }
                go_if(status.exact(), b'S')
            }
            Body::Notification(strings) => go_if(strings.exact(), b'A'),
            Body::BackendKeyData => Step::Go(At::Kind),
            // A server that does not report its role is asked afterwards.
            Body::ReadyForQuery => match self.role.verdict() {
                Err(_) => Step::Verdict(Input::WrongRole),
                Ok(_) => Step::Verdict(Input::Ready),
            },
            Body::Unexpected(kind) => broken(Broken::Unexpected(*kind)),
        }
    }

    /// libpq: `pqGetNegotiateProtocolVersion3`. A server may go down to an older version once; 3.1 never existed.
    fn negotiate_version(&mut self, body: &VersionBody) -> Step {
        const NEVER: u32 = PROTOCOL_3_0 + 1;
        match body.finish() {
            Some(theirs)
                if !self.version_negotiated
                    && theirs != NEVER
                    && theirs >= PROTOCOL_3_0
                    && theirs < self.version =>
            {
                self.version_negotiated = true;
                self.version = theirs;
                if theirs < self.rules.min_protocol_version.number() {
                    let minimum = self.rules.min_protocol_version;
                    let refusal = Refusal::ProtocolVersion { server: theirs, minimum };
                    Step::Verdict(Input::LocalRefusal(refusal))
                } else {
                    Step::Go(At::Kind)
                }
            }
            Some(_) | None => broken(Broken::Malformed(b'v')),
        }
    }
}

/// The text of an error older than protocol 3, which ends with a zero. The length word was its beginning.
fn old_error<const N: usize>(read: u32, text: [u8; N]) -> Step {
    let mut read = read;
    for byte in text {
        if byte == 0 {
            return broken(Broken::OldError);
        }
        read = read.saturating_add(1);
    }
    if read > MAX_OLD_ERROR { broken(Broken::Malformed(b'E')) } else { Step::Go(At::OldError { read }) }
}

fn broken(why: Broken) -> Step {
    Step::Verdict(Input::StartupBroken(why))
}

fn go_if(sound: bool, kind: u8) -> Step {
    if sound { Step::Go(At::Kind) } else { broken(Broken::Malformed(kind)) }
}
