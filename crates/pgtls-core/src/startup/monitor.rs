//! The monitor between a connection and the driver that starts a session on it.
//!
//! The startup exchange belongs to the driver: it sends the StartupMessage and answers the server's requests for
//! authentication. libpq decides things while the exchange goes on (is this error one after which plaintext is tried? may
//! this server ask for a password?), and the errors of a driver are not enough for that. So every byte passes a
//! [`StartupMonitor`], which rejects reads and writes as soon as it has decided against the server.
//!
//! The bytes are also the proof of the session. [`finish`](StartupMonitor::finish) accepts [`StartupOutcome::Up`] only if a
//! StartupMessage of an allowed protocol version was written, ReadyForQuery was read after an authentication that the
//! parameters allow, and the server has the role that `target_session_attrs` demands.

use super::{
    ClientCertificate, ProtocolViolation, Refusal, StartupRules,
    watch::{Decision, StartupWatch},
};
use crate::{
    message::{CANCEL_CODE, word},
    negotiation::{Encryption, Failure, MissingProof},
    policy::Payload,
    role::WrongRole,
};
use alloc::collections::VecDeque;
use core::fmt;

/// Monitor of the startup exchange on one connection. Its size is fixed. It holds the bytes that were read after `N`, and allocates
/// nothing itself.
///
/// There is one for each connection, and it has no `Clone`: the bytes of an exchange belong to one monitor.
#[derive(Debug)]
pub struct StartupMonitor {
    watch: StartupWatch,
    /// Bytes that were read together with `N`.
    leftover: VecDeque<u8>,
    packet: Packet,
    decided: Option<Decision>,
}

/// Progress of the first packet. It has no type byte; the watch reads the bytes after it.
#[derive(Clone, Copy, Debug)]
enum Packet {
    /// Length and code, both big-endian.
    Head {
        have: usize,
        bytes: [u8; 8],
    },
    Body {
        code: u32,
        left: u32,
    },
    Sent {
        code: u32,
    },
}

impl Packet {
    const START: Self = Self::Head { have: 0, bytes: [0; 8] };

    /// The packet after one more byte of its head.
    fn head(have: usize, mut bytes: [u8; 8], byte: u8) -> Self {
        if let Some(place) = bytes.get_mut(have) {
            *place = byte;
        }
        match (have + 1, word(&bytes)) {
            (8, Some((length, code))) => {
                let code = word(code).map_or(0, |(code, _)| code);
                // The length counts itself and the code.
                Self::body(code, length.saturating_sub(8))
            }
            (have, _) => Self::Head { have, bytes },
        }
    }

    const fn body(code: u32, left: u32) -> Self {
        if left == 0 { Self::Sent { code } } else { Self::Body { code, left } }
    }
}

/// A read or write that the monitor does not allow: the exchange has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartupRejection(Decision);

/// The result of a startup exchange as the driver reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartupOutcome {
    /// The session is up.
    Up,
    /// The driver refused to go on.
    Refused(Refusal),
    /// The session is up, and the driver found that the server has the wrong role.
    WrongRole,
    /// Anything else.
    Failed,
}

/// The verdict on a startup exchange. [`StartupMonitor::finish`] alone makes one, so that one which [is up](Self::is_up) is
/// proof of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StartupVerdict(Result<Decision, MissingProof>);

impl StartupVerdict {
    /// Whether there is a session, or the cancel request has been accepted.
    pub const fn is_up(&self) -> bool {
        matches!(self.0, Ok(Decision::Ready(_)))
    }

    /// The failure of the exchange. `None` if it is up, and if the driver reports a session without proof.
    pub const fn failure(&self) -> Option<Failure> {
        Some(match self.0 {
            Ok(Decision::Ready(_)) | Err(_) => return None,
            Ok(Decision::ServerError { sqlstate, after_auth_ok }) => {
                Failure::ServerError { sqlstate, after_auth_ok }
            }
            Ok(Decision::Broken(broken)) => Failure::StartupBroken(broken),
            Ok(Decision::Refusal(refusal)) => Failure::LocalRefusal(refusal),
            Ok(Decision::WrongRole(_)) => Failure::WrongRole,
            Ok(Decision::TimedOut) => Failure::TimedOut,
        })
    }

    /// The reason why the server has the wrong role, if the monitor has seen that.
    pub const fn wrong_role(&self) -> Option<WrongRole> {
        match self.0 {
            Ok(Decision::WrongRole(wrong)) => wrong,
            _ => None,
        }
    }

    /// The decision on an exchange that began with this message.
    pub(crate) fn decision(self, payload: Payload) -> Result<Decision, MissingProof> {
        match self.0? {
            Decision::Ready(proven) if proven != payload => Err(MissingProof::of(payload)),
            decision => Ok(decision),
        }
    }
}

impl StartupMonitor {
    /// For a connection on which the StartupMessage is about to be sent. `leftover` is the byte that was read after `N`
    /// ([`negotiation::Action::Startup`](crate::negotiation::Action::Startup)).
    ///
    /// A [`Connection`](crate::connect::Connection) makes its monitors itself.
    pub fn new(
        rules: StartupRules,
        encryption: Encryption,
        certificate: ClientCertificate,
        leftover: Option<u8>,
    ) -> Self {
        Self::start(StartupWatch::new(rules, encryption, certificate), leftover)
    }

    /// For a connection on which a CancelRequest is about to be sent.
    pub fn cancel(encryption: Encryption, leftover: Option<u8>) -> Self {
        Self::start(StartupWatch::cancel(encryption), leftover)
    }

    fn start(watch: StartupWatch, leftover: Option<u8>) -> Self {
        Self { watch, leftover: VecDeque::from_iter(leftover), packet: Packet::START, decided: None }
    }

    /// Adds bytes that were read together with `N`, after the one that the negotiation has returned.
    pub(crate) fn with_leftover(mut self, bytes: &[u8]) -> Self {
        self.leftover.extend(bytes);
        self
    }

    /// Before a read: the next of the bytes that were read together with `N`. The driver reads them first, one with each
    /// read, and each counts as [`read`](Self::read) by this.
    ///
    /// # Errors
    /// No more bytes may be read.
    pub fn before_read(&mut self) -> Result<Option<u8>, StartupRejection> {
        self.before_write()?;
        let leftover = self.leftover.pop_front();
        leftover.map_or(Ok(()), |byte| self.read(&[byte]))?;
        Ok(leftover)
    }

    /// Before a write. After an error of the server no byte may follow.
    ///
    /// # Errors
    /// No more bytes may be written.
    pub fn before_write(&self) -> Result<(), StartupRejection> {
        match self.decided {
            None | Some(Decision::Ready(_)) => Ok(()),
            Some(decided) => Err(StartupRejection(decided)),
        }
    }

    /// After a read. The end of the connection is [`closed`](Self::closed) or [`aborted`](Self::aborted).
    ///
    /// # Errors
    /// The driver must not see these bytes: they ask for something that must not be given, or are malformed.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), StartupRejection> {
        if self.decided.is_some() {
            return Ok(());
        }
        self.decided = self.watch.received(bytes).err();
        match self.decided {
            Some(decision @ (Decision::Refusal(_) | Decision::Broken(_))) => Err(StartupRejection(decision)),
            _ => Ok(()),
        }
    }

    /// After a write, the startup packet first. A StartupMessage of a protocol version that the parameters do not allow ends
    /// the exchange.
    pub fn wrote(&mut self, bytes: &[u8]) {
        if self.decided.is_some() {
            return;
        }
        let mut rest = bytes;
        while let (packet @ (Packet::Head { .. } | Packet::Body { .. }), Some((first, after))) =
            (self.packet, rest.split_first())
        {
            match packet {
                Packet::Head { have, bytes } => {
                    self.packet = Packet::head(have, bytes, *first);
                    rest = after;
                    // A cancel request has no version, and is no session either.
                    if let Packet::Body { code, .. } | Packet::Sent { code } = self.packet
                        && code != CANCEL_CODE
                    {
                        self.decided = self.watch.requested(code).err();
                    }
                }
                Packet::Body { code, left } => {
                    let room = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    rest = rest.get(room..).unwrap_or_default();
                    self.packet =
                        Packet::body(code, left.saturating_sub(u32::try_from(room).unwrap_or(left)));
                }
                Packet::Sent { .. } => {}
            }
        }
        self.watch.sent(rest);
    }

    /// After a write that failed and is reported to the driver as a success, so that its next read finds the reason that the
    /// server has sent (libpq: `pqSendSome`). A cancel request has not been sent then: the end of the connection that follows
    /// does not accept it.
    pub fn write_failed(&mut self) {
        if self.watch.payload() == Payload::Cancel {
            self.aborted();
        }
    }

    /// The connection ended in order: end of file without encryption, close_notify with TLS.
    pub fn closed(&mut self) {
        let decision = self.watch.closed();
        self.decided.get_or_insert(decision);
    }

    /// The connection ended out of order: reset, alert, end of file without close_notify.
    pub fn aborted(&mut self) {
        self.decided.get_or_insert(Decision::Broken(ProtocolViolation::Closed));
    }

    /// The deadline passed.
    pub fn timed_out(&mut self) {
        self.decided.get_or_insert(Decision::TimedOut);
    }

    /// Whether ReadyForQuery has been read: there is nothing left to monitor but the role.
    pub fn is_ready(&self) -> bool {
        self.leftover.is_empty() && matches!(self.decided, Some(Decision::Ready(_)))
    }

    /// The query that establishes the server's role, once ReadyForQuery has been read. `None` if no role is demanded, or
    /// the server has reported it, as servers do since release 14. The driver sends the query and gives the answer to
    /// [`role_answer`](Self::role_answer) (libpq: `PQconnectPoll`, `CONNECTION_CHECK_TARGET`).
    pub fn role_query(&mut self) -> Option<&'static str> {
        if self.decided != Some(Decision::Ready(Payload::Startup)) {
            return None;
        }
        self.watch.role().verdict().ok().flatten()
    }

    /// The one value of the answer to [`role_query`](Self::role_query); `None` if the query failed or returned no row.
    pub fn role_answer(&mut self, value: Option<&[u8]>) {
        if self.role_query().is_none() {
            return;
        }
        let role = self.watch.role();
        if let Some(value) = value {
            role.row(value);
        }
        if let Err(wrong) = role.query_complete().and_then(|()| role.verdict().map(drop)) {
            self.decided = Some(Decision::WrongRole(Some(wrong)));
        }
    }

    /// The verdict. The decision of the monitor takes precedence over the driver's outcome.
    pub fn finish(&mut self, outcome: StartupOutcome) -> StartupVerdict {
        StartupVerdict(match (self.decided, outcome) {
            (None | Some(Decision::Ready(_)), StartupOutcome::Up) => match self.missing_proof() {
                Some(missing) => Err(missing),
                None => Ok(Decision::Ready(self.watch.payload())),
            },
            (None | Some(Decision::Ready(_)), StartupOutcome::Refused(refusal)) => {
                Ok(Decision::Refusal(refusal))
            }
            (None | Some(Decision::Ready(_)), StartupOutcome::WrongRole) => Ok(Decision::WrongRole(None)),
            (None | Some(Decision::Ready(_)), StartupOutcome::Failed) => {
                Ok(Decision::Refusal(Refusal::Exchange))
            }
            (Some(decided), _) => Ok(decided),
        })
    }

    fn missing_proof(&mut self) -> Option<MissingProof> {
        let payload = self.watch.payload();
        // The version was checked when it was written.
        let is_written = match (self.packet, payload) {
            (Packet::Sent { code }, Payload::Cancel) => code == CANCEL_CODE,
            (Packet::Sent { code }, Payload::Startup) => code != CANCEL_CODE,
            (Packet::Head { .. } | Packet::Body { .. }, _) => false,
        };
        if !is_written {
            return Some(MissingProof::of(payload));
        }
        if !matches!(self.decided, Some(Decision::Ready(_))) {
            return Some(MissingProof::ReadyForQuery);
        }
        self.role_query().map(|_unanswered| MissingProof::Role)
    }
}

impl fmt::Display for StartupRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Decision::Refusal(refusal) => refusal.fmt(f),
            Decision::Broken(broken) => broken.fmt(f),
            Decision::ServerError { .. } => {
                f.write_str("the server has ended the startup exchange with an error")
            }
            Decision::TimedOut => f.write_str("timeout expired"),
            Decision::Ready(_) | Decision::WrongRole(_) => f.write_str("the startup exchange has ended"),
        }
    }
}

impl core::error::Error for StartupRejection {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        environment::{Environment, Platform},
        message::{CancelRequest, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, startup_message},
        param::{Ability, Params, ProtocolVersion, Settings},
        startup::BindingRefusal,
    };
    use alloc::{string::ToString, vec::Vec};

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("messages of tests are short");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    /// A whole exchange in pieces of this length, with `channel_binding=require`.
    fn exchange(mechanism: &[u8], split: usize) -> Result<Decision, MissingProof> {
        let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
        let settings = Settings::parse("host=h channel_binding=require").expect("it is well-formed");
        let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
        let rules = StartupRules::from(&params);
        let mut monitor = StartupMonitor::new(rules, Encryption::Ssl, ClientCertificate::NONE, None);

        let packet = startup_message(PROTOCOL_3_0, params.startup_pairs()).expect("it is short");
        let answer = message(b'p', &[mechanism, b"\0\0\0\0\x03n,,"].concat());
        let steps = [
            (true, packet),
            (false, message(b'R', b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")),
            (true, answer),
            (false, message(b'R', b"\0\0\0\x0bserver-first")),
            (true, message(b'p', b"client-final")),
            (false, message(b'R', b"\0\0\0\x0cserver-final")),
            (false, message(b'R', b"\0\0\0\0")),
            (false, message(b'Z', b"I")),
        ];
        for (from_client, bytes) in steps {
            for piece in bytes.chunks(split) {
                if from_client {
                    monitor.wrote(piece);
                } else if let Err(StartupRejection(input)) = monitor.read(piece) {
                    return Ok(input);
                }
            }
        }
        monitor.finish(StartupOutcome::Up).0
    }

    #[test]
    fn the_startup_packet_is_not_taken_for_an_answer() {
        for split in [1, 2, 3, 5, usize::MAX] {
            assert_eq!(
                exchange(b"SCRAM-SHA-256-PLUS", split),
                Ok(Decision::Ready(Payload::Startup)),
                "{split}"
            );
            let unbound = Decision::Refusal(Refusal::ChannelBinding(BindingRefusal::NotBound));
            assert_eq!(exchange(b"SCRAM-SHA-256", split), Ok(unbound), "{split}");
        }
    }

    fn monitor(conninfo: &str) -> StartupMonitor {
        let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
        let settings = Settings::parse(conninfo).expect("it is well-formed");
        let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
        let rules = StartupRules::from(&params);
        StartupMonitor::new(rules, Encryption::Plain, ClientCertificate::NONE, Some(b'R'))
    }

    const EXCHANGES: [StartupOutcome; 4] = [
        StartupOutcome::Up,
        StartupOutcome::Refused(Refusal::NoPassword),
        StartupOutcome::WrongRole,
        StartupOutcome::Failed,
    ];

    /// A StartupMessage of this version.
    fn packet(version: u32) -> Vec<u8> {
        startup_message(version, [("user", "u")]).expect("it is short")
    }

    type Ends = [Result<Decision, MissingProof>; 4];

    /// The monitor after the StartupMessage and these bytes: whether they may be seen, whether anything may follow, and the
    /// meaning of each kind of end.
    #[track_caller]
    fn check(conninfo: &str, bytes: &[u8], seen: bool, open: bool, ends: Ends) {
        let mut monitor = monitor(conninfo);
        monitor.wrote(&packet(PROTOCOL_3_0));
        assert_eq!(monitor.read(bytes).is_ok(), seen);
        assert_eq!(monitor.before_write().is_ok(), open);
        assert_eq!(EXCHANGES.map(|exchange| monitor.finish(exchange).0), ends);
        // Nothing that comes later changes the verdict.
        let verdict = monitor.decided;
        monitor.closed();
        monitor.aborted();
        monitor.timed_out();
        assert!(verdict.is_none() || monitor.decided == verdict);
    }

    #[test]
    fn verdicts() {
        let own = |up| {
            [
                up,
                Ok(Decision::Refusal(Refusal::NoPassword)),
                Ok(Decision::WrongRole(None)),
                Ok(Decision::Refusal(Refusal::Exchange)),
            ]
        };
        let early = own(Err(MissingProof::ReadyForQuery));
        let ok = message(b'R', &[0; 4]);
        let ready = message(b'Z', b"I");
        let password = message(b'R', &[0, 0, 0, 3]);
        let error = message(b'E', b"C28000\0\0");
        check("", b"", true, true, early);
        check("", &ok, true, true, early);
        check("", &[ok.clone(), ready].concat(), true, true, own(Ok(Decision::Ready(Payload::Startup))));
        check("", &password, true, true, early);

        let rejected = Decision::ServerError { sqlstate: *b"28000", after_auth_ok: false };
        check("", &error, true, false, [Ok(rejected); 4]);
        let refused = Decision::Refusal(Refusal::AuthNotAllowed(crate::param::AuthMethod::Password));
        check("require_auth=md5", &password, false, false, [Ok(refused); 4]);
        let broken = Decision::Broken(ProtocolViolation::Unexpected(b'H'));
        check("", b"HTTP", false, false, [Ok(broken); 4]);
    }

    const UP: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

    /// The result of [`StartupOutcome::Up`] after these bytes of the client and these of the server, in this order.
    fn claimed(conninfo: &str, sent: &[u8], received: &[u8]) -> Result<Decision, MissingProof> {
        let mut monitor = monitor(conninfo);
        monitor.wrote(sent);
        let _ = monitor.read(received);
        monitor.finish(StartupOutcome::Up).0
    }

    #[test]
    fn a_session_needs_proof() {
        let missing = |proof: MissingProof| Err(proof);
        let version = |version| Ok(Decision::Refusal(Refusal::RequestedVersion(version)));
        let (old, new) = (packet(PROTOCOL_3_0), packet(PROTOCOL_3_2));
        let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
        for (conninfo, sent, received, expected) in [
            ("", b"".as_slice(), b"".as_slice(), missing(MissingProof::StartupMessage)),
            ("", b"", UP, missing(MissingProof::StartupMessage)),
            ("", &old, b"", missing(MissingProof::ReadyForQuery)),
            ("", &old, &UP[..UP.len() - 1], missing(MissingProof::ReadyForQuery)),
            ("", &old, UP, Ok(Decision::Ready(Payload::Startup))),
            ("", &old[..old.len() - 1], UP, missing(MissingProof::StartupMessage)),
            ("", &cancel, UP, missing(MissingProof::StartupMessage)),
            ("", &SSL_REQUEST, UP, version(0x04D2_162F)),
            // Versions outside of the parameters' range, and one that does not exist.
            ("", &new, UP, version(PROTOCOL_3_2)),
            ("max_protocol_version=3.2", &new, UP, Ok(Decision::Ready(Payload::Startup))),
            ("max_protocol_version=3.2", &old, UP, Ok(Decision::Ready(Payload::Startup))),
            ("max_protocol_version=3.2", &packet(0x0003_0001), UP, version(0x0003_0001)),
            ("min_protocol_version=3.2", &old, UP, version(PROTOCOL_3_0)),
            ("min_protocol_version=3.2", &new, UP, Ok(Decision::Ready(Payload::Startup))),
            ("", &packet(0x0002_0000), UP, version(0x0002_0000)),
        ] {
            assert_eq!(claimed(conninfo, sent, received), expected, "{conninfo} {sent:?} {received:?}");
        }
        // The server is not read before the driver has sent its message, and nothing is sent after a refusal.
        let mut refused = monitor("min_protocol_version=3.2");
        refused.wrote(&old);
        assert!(refused.before_write().is_err());
    }

    #[test]
    fn the_version_of_the_message_is_the_one_that_is_negotiated() {
        let offer = [message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0]), UP.to_vec()].concat();
        let check = |conninfo: &str, requested, expected| {
            assert_eq!(claimed(conninfo, &packet(requested), &offer), expected, "{conninfo} {requested:x}");
        };
        let minimum = ProtocolVersion::V3_2;
        let refused = Refusal::ProtocolVersion { server: PROTOCOL_3_0, minimum };
        check("max_protocol_version=3.2", PROTOCOL_3_2, Ok(Decision::Ready(Payload::Startup)));
        check("min_protocol_version=3.2", PROTOCOL_3_2, Ok(Decision::Refusal(refused)));
        // Nothing is older than this.
        let malformed = Decision::Broken(ProtocolViolation::Malformed(b'v'));
        check("max_protocol_version=3.2", PROTOCOL_3_0, Ok(malformed));
        assert_eq!(
            refused.to_string(),
            "server only supports protocol version 3.0, but \"min_protocol_version\" was set to 3.2"
        );
    }

    #[test]
    fn a_session_needs_the_role() {
        let report = |name: &str, value: &str| {
            let status = message(b'S', [name, "\0", value, "\0"].concat().as_bytes());
            [&UP[..9], &status, &UP[9..]].concat()
        };
        let asked = Err(MissingProof::Role);
        let standby = "target_session_attrs=standby";
        for (conninfo, received, expected) in [
            (standby, report("in_hot_standby", "on"), Ok(Decision::Ready(Payload::Startup))),
            (standby, report("in_hot_standby", "off"), Ok(Decision::WrongRole(Some(WrongRole::NotStandby)))),
            (standby, report("in_hot_standby", "one"), Ok(Decision::WrongRole(Some(WrongRole::NotStandby)))),
            (standby, report("in_hot_standby", "o"), Ok(Decision::WrongRole(Some(WrongRole::NotStandby)))),
            (standby, report("in_hot_standb", "on"), asked),
            (standby, report("in_hot_standby2", "on"), asked),
            (standby, report("default_transaction_read_only", "on"), asked),
            (standby, UP.to_vec(), asked),
            (
                "target_session_attrs=primary",
                report("in_hot_standby", "on"),
                Ok(Decision::WrongRole(Some(WrongRole::Standby))),
            ),
            (
                "target_session_attrs=prefer-standby",
                report("in_hot_standby", "off"),
                Ok(Decision::Ready(Payload::Startup)),
            ),
            ("target_session_attrs=any", UP.to_vec(), Ok(Decision::Ready(Payload::Startup))),
        ] {
            let claimed = claimed(conninfo, &packet(PROTOCOL_3_0), &received);
            assert_eq!(claimed, expected, "{conninfo} {}", received.escape_ascii());
        }
    }

    #[test]
    fn a_server_that_does_not_report_its_role_is_asked() {
        for (wanted, answer, expected) in [
            ("standby", Some("t"), Ok(Decision::Ready(Payload::Startup))),
            ("standby", Some("f"), Ok(Decision::WrongRole(Some(WrongRole::NotStandby)))),
            ("standby", None, Ok(Decision::WrongRole(Some(WrongRole::Unknown)))),
            ("read-write", Some("off"), Ok(Decision::Ready(Payload::Startup))),
            ("read-write", Some("on"), Ok(Decision::WrongRole(Some(WrongRole::ReadOnly)))),
        ] {
            let mut monitor = monitor(&alloc::format!("target_session_attrs={wanted}"));
            assert_eq!(monitor.role_query(), None, "the session is not up");
            monitor.role_answer(answer.map(str::as_bytes));
            monitor.wrote(&packet(PROTOCOL_3_0));
            assert_eq!(monitor.read(UP), Ok(()));
            assert!(monitor.role_query().is_some() && monitor.role_query() == monitor.role_query());
            assert_eq!(monitor.finish(StartupOutcome::Up).0, Err(MissingProof::Role));
            monitor.role_answer(answer.map(str::as_bytes));
            assert_eq!(monitor.role_query(), None);
            assert_eq!(monitor.finish(StartupOutcome::Up).0, expected, "{wanted} {answer:?}");
        }
    }

    #[test]
    fn a_cancel_request_needs_proof_of_its_own() {
        let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
        let ended = |sent: &[u8], in_order| {
            let mut monitor = StartupMonitor::cancel(Encryption::Plain, None);
            monitor.wrote(sent);
            if in_order {
                monitor.closed();
            }
            monitor.finish(StartupOutcome::Up).0
        };
        assert_eq!(ended(&cancel, true), Ok(Decision::Ready(Payload::Cancel)));
        assert_eq!(ended(&cancel, false), Err(MissingProof::ReadyForQuery));
        assert_eq!(ended(b"", true), Err(MissingProof::CancelRequest));
        let startup = Decision::Refusal(Refusal::RequestedVersion(PROTOCOL_3_2));
        assert_eq!(ended(&packet(PROTOCOL_3_2), true), Ok(startup));
        assert_eq!(ended(&packet(PROTOCOL_3_0), true), Err(MissingProof::CancelRequest));
    }

    #[test]
    fn ends_of_the_connection() {
        let closed = Decision::Broken(ProtocolViolation::Closed);
        let ends: [(fn(&mut StartupMonitor), _); 3] = [
            (StartupMonitor::closed, closed),
            (StartupMonitor::aborted, closed),
            (StartupMonitor::timed_out, Decision::TimedOut),
        ];
        for (end, expected) in ends {
            let mut monitor = monitor("");
            end(&mut monitor);
            assert_eq!(monitor.before_write(), Err(StartupRejection(expected)));
            assert_eq!(monitor.finish(StartupOutcome::Failed).0, Ok(expected));
            assert!(!monitor.is_ready());
        }
    }

    #[test]
    fn the_carried_byte_is_read_once() {
        let mut monitor = monitor("");
        assert_eq!(monitor.before_read(), Ok(Some(b'R')));
        assert_eq!(monitor.before_read(), Ok(None));
        // It was read: the next bytes are the rest of its message.
        let rest = message(b'R', &3_u32.to_be_bytes());
        assert_eq!(monitor.read(&rest[1..]), Ok(()));
        assert_eq!(
            monitor.read(&message(b'H', b"")),
            Err(StartupRejection(Decision::Broken(ProtocolViolation::Unexpected(b'H'))))
        );
    }
}
