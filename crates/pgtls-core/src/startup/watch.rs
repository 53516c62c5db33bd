//! The server's messages after the startup packet: framing, phases, and the first fact that decides.

use super::{
    ClientCertificate, ProtocolViolation, Refusal, StartupRules,
    auth::{Auth, AuthRequest, Context, Objection},
    body::{AuthBody, Body, Fields, Status, Strings, VersionBody, Word},
    sent::Sent,
};
use crate::{
    message::PROTOCOL_3_0,
    negotiation::Encryption,
    param::ProtocolVersion,
    policy::Payload,
    role::{RoleCheck, WrongRole},
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

/// The result of a startup exchange. The first one is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decision {
    /// ReadyForQuery, or the orderly end after a CancelRequest.
    Ready(Payload),
    /// ErrorResponse.
    ServerError { sqlstate: [u8; 5], after_auth_ok: bool },
    /// The connection ended, or a message made no sense.
    Broken(ProtocolViolation),
    /// The client does not do what the server requests, or does not accept what it offers.
    Refusal(Refusal),
    /// The server has the wrong role; `None` if the driver found that out.
    WrongRole(Option<WrongRole>),
    /// The deadline passed.
    TimedOut,
}

/// Reads the bytes of both ends in any split. Fixed size, no allocation.
#[derive(Debug)]
pub(super) struct StartupWatch {
    rules: StartupRules,
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

/// Kinds of messages that the server may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before AuthenticationOk.
    Authentication,
    /// From there to ReadyForQuery.
    Session,
    /// None: a cancel request has no answer.
    Cancel,
}

/// Position in a message.
#[derive(Clone, Copy, Debug)]
enum At {
    Kind,
    Length { kind: u8, length: Word },
    Body { left: u32, body: Body },
    OldError { read: u32 },
}

/// The position after some bytes, or the decision that they led to.
type Step = Result<At, Decision>;

impl StartupWatch {
    /// For a connection on which a StartupMessage is sent.
    pub(super) const fn new(
        rules: StartupRules,
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

    /// For a connection on which a CancelRequest is sent: the server closes it in order and sends nothing (libpq: `PQcancelPoll`).
    pub(super) const fn cancel(encryption: Encryption) -> Self {
        let mut watch = Self::new(StartupRules::NONE, encryption, ClientCertificate::NONE);
        watch.phase = Phase::Cancel;
        watch
    }

    /// The version in the StartupMessage: NegotiateProtocolVersion and the length of a cancel key depend on it.
    pub(super) fn requested(&mut self, version: u32) -> Result<(), Decision> {
        let (minimum, maximum) = (self.rules.min_protocol_version, self.rules.max_protocol_version);
        // Not every number in between is a version.
        let exists = ProtocolVersion::ALL.iter().any(|known| known.number() == version);
        if exists && (minimum.number()..=maximum.number()).contains(&version) {
            self.version = version;
            Ok(())
        } else {
            Err(Decision::Refusal(Refusal::RequestedVersion(version)))
        }
    }

    /// The message of the client that this is about.
    pub(super) const fn payload(&self) -> Payload {
        match self.phase {
            Phase::Cancel => Payload::Cancel,
            Phase::Authentication | Phase::Session => Payload::Startup,
        }
    }

    /// The role of the server, as far as it is known.
    pub(super) const fn role(&mut self) -> &mut RoleCheck {
        &mut self.role
    }

    /// Bytes of the server. Those after a decision are not read: they belong to the session or to nobody.
    pub(super) fn received(&mut self, bytes: &[u8]) -> Result<(), Decision> {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match &mut self.at {
                At::Kind => {
                    self.at = self.kind(*first)?;
                    rest = after;
                }
                At::Length { kind, length } => {
                    length.takes(*first);
                    if let Some(value) = length.value() {
                        let kind = *kind;
                        self.at = self.header(kind, value)?;
                    }
                    rest = after;
                }
                // A body is read in one piece as far as it is there.
                At::Body { left, body } => {
                    let room = usize::try_from(*left).unwrap_or(usize::MAX);
                    let (now, later) = rest.split_at(room.min(rest.len()));
                    body.bytes(now);
                    *left = left.saturating_sub(u32::try_from(now.len()).unwrap_or(u32::MAX));
                    if *left == 0 {
                        let body = *body;
                        self.at = self.finish(&body)?;
                    }
                    rest = later;
                }
                At::OldError { read } => {
                    self.at = old_error(*read, rest)?;
                    rest = &[];
                }
            }
        }
        Ok(())
    }

    /// The connection ended in order: end of file without encryption, close_notify with TLS.
    pub(super) const fn closed(&self) -> Decision {
        match self.phase {
            Phase::Cancel => Decision::Ready(Payload::Cancel),
            Phase::Authentication | Phase::Session => Decision::Broken(ProtocolViolation::Closed),
        }
    }

    /// Bytes of the client after the startup packet: they contain the SASL mechanism that it chose.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        self.sent.bytes(bytes);
    }

    fn kind(&self, kind: u8) -> Step {
        match (self.phase, kind) {
            (Phase::Authentication, b'R' | b'E' | b'v') | (Phase::Session, _) => {
                Ok(At::Length { kind, length: Word::default() })
            }
            (Phase::Authentication | Phase::Cancel, _) => broken(ProtocolViolation::Unexpected(kind)),
        }
    }

    /// Type and length are there. The length counts itself.
    fn header(&mut self, kind: u8, length: u32) -> Step {
        let (lengths, body) = match (self.phase, kind) {
            (Phase::Authentication | Phase::Cancel, b'E') => {
                if !ERROR_LENGTHS.contains(&length) {
                    return old_error(0, &length.to_be_bytes());
                }
                (ERROR_LENGTHS, Body::Error(Fields::START))
            }
            (Phase::Authentication | Phase::Cancel, b'v') => {
                (AUTHENTICATION_LENGTHS, Body::NegotiateProtocolVersion(VersionBody::default()))
            }
            (Phase::Authentication | Phase::Cancel, _) => {
                (AUTHENTICATION_LENGTHS, Body::Auth(AuthBody::default()))
            }
            (Phase::Session, kind) => match kind {
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
                    Ok(At::Body { left, body })
                }
            }
            _ => broken(ProtocolViolation::Malformed(kind)),
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
                        Err(Objection::Refusal(refusal)) => Err(Decision::Refusal(refusal)),
                        Err(Objection::Broken(why)) => broken(why),
                        Ok(()) => {
                            if request == AuthRequest::Ok {
                                self.phase = Phase::Session;
                            }
                            Ok(At::Kind)
                        }
                    }
                }
            },
            Body::NegotiateProtocolVersion(body) => self.negotiate_version(body),
            Body::Error(fields) => match fields.finish() {
                Some(sqlstate) => {
                    let after_auth_ok = self.phase == Phase::Session;
                    Err(Decision::ServerError { sqlstate, after_auth_ok })
                }
                None => broken(ProtocolViolation::Malformed(b'E')),
            },
            Body::Notice(fields) => go_if(fields.exact(), b'N'),
            Body::ParameterStatus(status) => {
                if let (true, Some((reported, is_on))) = (status.exact(), status.reported()) {
                    self.role.reported(reported, is_on);
                }
                go_if(status.exact(), b'S')
            }
            Body::Notification(strings) => go_if(strings.exact(), b'A'),
            Body::BackendKeyData => Ok(At::Kind),
            // A server that does not report its role is asked afterwards.
            Body::ReadyForQuery => match self.role.verdict() {
                Err(wrong) => Err(Decision::WrongRole(Some(wrong))),
                Ok(_) => Err(Decision::Ready(Payload::Startup)),
            },
            Body::Unexpected(kind) => broken(ProtocolViolation::Unexpected(*kind)),
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
                    Err(Decision::Refusal(refusal))
                } else {
                    Ok(At::Kind)
                }
            }
            Some(_) | None => broken(ProtocolViolation::Malformed(b'v')),
        }
    }
}

/// The text of an error older than protocol 3, which ends with a zero. The length word was its beginning.
fn old_error(read: u32, text: &[u8]) -> Step {
    let length = text.iter().position(|byte| *byte == 0);
    let piece = u32::try_from(length.unwrap_or(text.len())).unwrap_or(u32::MAX);
    let read = read.saturating_add(piece);
    match length {
        _ if read > MAX_OLD_ERROR => broken(ProtocolViolation::Malformed(b'E')),
        Some(_) => broken(ProtocolViolation::OldError),
        None => Ok(At::OldError { read }),
    }
}

const fn broken(why: ProtocolViolation) -> Step {
    Err(Decision::Broken(why))
}

fn go_if(sound: bool, kind: u8) -> Step {
    if sound { Ok(At::Kind) } else { broken(ProtocolViolation::Malformed(kind)) }
}
