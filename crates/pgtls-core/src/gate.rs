//! The gate between a connection and the driver that starts a session on it.
//!
//! The startup exchange belongs to the driver: it sends the StartupMessage and answers the server's requests for
//! authentication. But libpq decides things while it goes on (is this error one after which plaintext is tried? may this
//! server ask for a password at all?), and a driver's own errors do not say enough. So every byte passes a
//! [`StartupGate`], which hands it to a [`StartupWatch`] and shuts as soon as the watch has decided against the server.
//!
//! The bytes are also the proof of the session. [`conclude`](StartupGate::conclude) accepts [`Exchange::Up`] only if a
//! StartupMessage of an allowed protocol version was written through the gate, ReadyForQuery was read through it after an
//! authentication that the parameters allow, and the server has the role that `target_session_attrs` demands.

use crate::{
    message::{CANCEL_CODE, word},
    negotiation::{Input, MissingProof, Misuse},
    role::WrongRole,
    startup::{Refusal, StartupWatch},
};
use core::fmt;

/// Lets the bytes of a startup exchange pass and remembers what they decide.
#[derive(Clone, Debug)]
pub struct StartupGate {
    watch: StartupWatch,
    is_cancel: bool,
    carry: Option<u8>,
    packet: Packet,
    decided: Option<Input<'static>>,
    wrong_role: Option<WrongRole>,
}

/// Progress of the first packet. It has no type byte; the watch gets the bytes after it.
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

    /// The packet after one more byte.
    fn byte(self, byte: u8) -> Self {
        match self {
            Self::Head { have, mut bytes } => {
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
            Self::Body { code, left } => Self::body(code, left.saturating_sub(1)),
            Self::Sent { code } => Self::Sent { code },
        }
    }

    const fn body(code: u32, left: u32) -> Self {
        if left == 0 { Self::Sent { code } } else { Self::Body { code, left } }
    }

    const fn code(self) -> Option<u32> {
        match self {
            Self::Head { .. } => None,
            Self::Body { code, .. } | Self::Sent { code } => Some(code),
        }
    }
}

/// The gate is shut: what the server sent ended the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shut(pub Input<'static>);

/// How a startup exchange ended in the eyes of whoever ran it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// The session is up.
    Up,
    /// We refused to go on.
    Refused(Refusal),
    /// The session is up and the server has the wrong role (`target_session_attrs`).
    WrongRole,
    /// Anything else went wrong.
    Failed,
}

impl StartupGate {
    /// For one connection on which the startup packet is about to be sent. `carry` is the byte that came too early, from
    /// [`Action::Startup`](crate::negotiation::Action::Startup).
    pub fn new(watch: StartupWatch, carry: Option<u8>) -> Self {
        let is_cancel = watch.is_cancel();
        Self { watch, is_cancel, carry, packet: Packet::START, decided: None, wrong_role: None }
    }

    /// Whether bytes may be read or sent now. After an error of the server's nothing may, but for the message itself, which
    /// has passed already.
    pub fn may_pass(&self) -> Result<(), Shut> {
        match self.decided {
            None | Some(Input::Ready) => Ok(()),
            Some(decided) => Err(Shut(decided)),
        }
    }

    /// The byte that came too early, once. It is the first one that the driver reads, and counts as
    /// [`received`](Self::received) by this.
    pub fn take_carry(&mut self) -> Result<Option<u8>, Shut> {
        let carry = self.carry.take();
        carry.map_or(Ok(()), |byte| self.received(&[byte]))?;
        Ok(carry)
    }

    /// These bytes came from the server. An error means that the driver must not see them: they ask for what must not be
    /// given, or make no sense.
    pub fn received(&mut self, bytes: &[u8]) -> Result<(), Shut> {
        if self.decided.is_some() {
            return Ok(());
        }
        self.decided = self.watch.received(bytes);
        if self.decided == Some(Input::WrongRole) {
            self.wrong_role = self.watch.role().verdict().err();
        }
        match self.decided {
            Some(input @ (Input::LocalRefusal(_) | Input::StartupBroken(_))) => Err(Shut(input)),
            _ => Ok(()),
        }
    }

    /// The driver sent these bytes, the startup packet first. A StartupMessage of a protocol version that the parameters
    /// do not allow shuts the gate.
    pub fn sent(&mut self, bytes: &[u8]) {
        if self.decided.is_some() {
            return;
        }
        let mut rest = bytes.iter();
        while !matches!(self.packet, Packet::Sent { .. })
            && let Some(byte) = rest.next()
        {
            let known = self.packet.code();
            self.packet = self.packet.byte(*byte);
            // A cancel request has no version, and is no session either.
            if let (None, Some(code)) = (known, self.packet.code())
                && code != CANCEL_CODE
            {
                self.decided = self.watch.requested(code);
            }
        }
        self.watch.sent(rest.as_slice());
    }

    /// The connection ended in order: end of file without encryption, close_notify with TLS.
    pub fn closed(&mut self) {
        if self.decided.is_none() {
            self.decided = self.watch.closed();
        }
    }

    /// The connection ended out of order: reset, alert, end of file without close_notify.
    pub fn aborted(&mut self) {
        if self.decided.is_none() {
            self.decided = self.watch.aborted();
        }
    }

    /// The deadline passed.
    pub fn timed_out(&mut self) {
        self.decided.get_or_insert(Input::TimedOut);
    }

    /// Nothing is left to watch: the server is ready for queries.
    pub fn is_done(&self) -> bool {
        self.carry.is_none() && self.decided == Some(Input::Ready)
    }

    /// The query that establishes the server's role, once ReadyForQuery has been read. `None` if no role is demanded, or
    /// the server has reported it, as servers do since release 14. The driver sends the query and gives the answer to
    /// [`role_answer`](Self::role_answer) (libpq: `PQconnectPoll`, `CONNECTION_CHECK_TARGET`).
    pub fn role_query(&mut self) -> Option<&'static str> {
        if self.decided != Some(Input::Ready) || self.is_cancel {
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
            self.wrong_role = Some(wrong);
            self.decided = Some(Input::WrongRole);
        }
    }

    /// The reason why the server has the wrong role, if it has.
    pub fn wrong_role(&self) -> Option<WrongRole> {
        self.wrong_role
    }

    /// The input for the negotiation machine when the exchange has ended. The decision of the watch takes precedence over
    /// the driver's result.
    ///
    /// # Errors
    /// The driver reports a session, and a part of the proof is missing.
    pub fn conclude(&mut self, exchange: Exchange) -> Result<Input<'static>, Misuse> {
        Ok(match (self.decided, exchange) {
            (None | Some(Input::Ready), Exchange::Up) => {
                if let Some(missing) = self.missing_proof() {
                    return Err(missing.into());
                }
                Input::Ready
            }
            (None | Some(Input::Ready), Exchange::Refused(refusal)) => Input::LocalRefusal(refusal),
            (None | Some(Input::Ready), Exchange::WrongRole) => Input::WrongRole,
            (None | Some(Input::Ready), Exchange::Failed) => Input::LocalRefusal(Refusal::Exchange),
            (Some(decided), _) => decided,
        })
    }

    fn missing_proof(&mut self) -> Option<MissingProof> {
        match self.packet {
            Packet::Sent { code: CANCEL_CODE } if self.is_cancel => {}
            _ if self.is_cancel => return Some(MissingProof::CancelRequest),
            // The version was checked when it was written.
            Packet::Sent { code } if code != CANCEL_CODE => {}
            _ => return Some(MissingProof::StartupMessage),
        }
        if self.decided != Some(Input::Ready) {
            return Some(MissingProof::ReadyForQuery);
        }
        self.role_query().map(|_unanswered| MissingProof::Role)
    }
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Input::LocalRefusal(refusal) => refusal.fmt(f),
            Input::StartupBroken(broken) => broken.fmt(f),
            Input::ServerError { .. } => {
                f.write_str("the server has ended the startup exchange with an error")
            }
            Input::TimedOut => f.write_str("timeout expired"),
            _ => f.write_str("the startup exchange has ended"),
        }
    }
}

impl core::error::Error for Shut {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        environment::{Environment, Platform},
        message::{CancelRequest, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, startup_message},
        negotiation::Encryption,
        param::{Ability, Params, ProtocolVersion, Settings},
        startup::{BindingRefusal, Broken, ClientCertificate},
    };
    use alloc::{string::ToString, vec::Vec};

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("messages of tests are short");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    /// A whole exchange in pieces of this length, with `channel_binding=require`.
    fn exchange(mechanism: &[u8], split: usize) -> Result<Input<'static>, Misuse> {
        let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
        let settings = Settings::parse("host=h channel_binding=require").expect("it is well-formed");
        let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
        let watch = StartupWatch::new(&params, Encryption::Ssl, ClientCertificate::default());
        let mut gate = StartupGate::new(watch, None);

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
                    gate.sent(piece);
                } else if let Err(Shut(input)) = gate.received(piece) {
                    return Ok(input);
                }
            }
        }
        gate.conclude(Exchange::Up)
    }

    #[test]
    fn the_startup_packet_is_not_taken_for_an_answer() {
        for split in [1, 2, 3, 5, usize::MAX] {
            assert_eq!(exchange(b"SCRAM-SHA-256-PLUS", split), Ok(Input::Ready), "{split}");
            let unbound = Input::LocalRefusal(Refusal::ChannelBinding(BindingRefusal::NotBound));
            assert_eq!(exchange(b"SCRAM-SHA-256", split), Ok(unbound), "{split}");
        }
    }

    fn gate(conninfo: &str) -> StartupGate {
        let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
        let settings = Settings::parse(conninfo).expect("it is well-formed");
        let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
        StartupGate::new(
            StartupWatch::new(&params, Encryption::Plain, ClientCertificate::default()),
            Some(b'R'),
        )
    }

    const EXCHANGES: [Exchange; 4] =
        [Exchange::Up, Exchange::Refused(Refusal::NoPassword), Exchange::WrongRole, Exchange::Failed];

    /// A StartupMessage of this version.
    fn packet(version: u32) -> Vec<u8> {
        startup_message(version, [("user", "u")]).expect("it is short")
    }

    type Ends = [Result<Input<'static>, Misuse>; 4];

    /// The gate after the StartupMessage and these bytes: whether they may be seen, whether anything may follow, and the
    /// meaning of each kind of end.
    #[track_caller]
    fn check(conninfo: &str, bytes: &[u8], seen: bool, open: bool, ends: Ends) {
        let mut gate = gate(conninfo);
        gate.sent(&packet(PROTOCOL_3_0));
        assert_eq!(gate.received(bytes).is_ok(), seen);
        assert_eq!(gate.may_pass().is_ok(), open);
        assert_eq!(EXCHANGES.map(|exchange| gate.conclude(exchange)), ends);
        // Nothing that comes later changes the verdict.
        let verdict = gate.decided;
        gate.closed();
        gate.aborted();
        gate.timed_out();
        assert!(verdict.is_none() || gate.decided == verdict);
    }

    #[test]
    fn verdicts() {
        let own = |up| {
            [
                up,
                Ok(Input::LocalRefusal(Refusal::NoPassword)),
                Ok(Input::WrongRole),
                Ok(Input::LocalRefusal(Refusal::Exchange)),
            ]
        };
        let early = own(Err(MissingProof::ReadyForQuery.into()));
        let ok = message(b'R', &[0; 4]);
        let ready = message(b'Z', b"I");
        let password = message(b'R', &[0, 0, 0, 3]);
        let error = message(b'E', b"C28000\0\0");
        check("", b"", true, true, early);
        check("", &ok, true, true, early);
        check("", &[ok.clone(), ready].concat(), true, true, own(Ok(Input::Ready)));
        check("", &password, true, true, early);

        let rejected = Input::ServerError { sqlstate: *b"28000", after_auth_ok: false };
        check("", &error, true, false, [Ok(rejected); 4]);
        let refused = Input::LocalRefusal(Refusal::AuthNotAllowed(crate::param::AuthMethod::Password));
        check("require_auth=md5", &password, false, false, [Ok(refused); 4]);
        let broken = Input::StartupBroken(Broken::Unexpected(b'H'));
        check("", b"HTTP", false, false, [Ok(broken); 4]);
    }

    const UP: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

    /// The result of [`Exchange::Up`] after these bytes of the client and these of the server, in this order.
    fn claimed(conninfo: &str, sent: &[u8], received: &[u8]) -> Result<Input<'static>, Misuse> {
        let mut gate = gate(conninfo);
        gate.sent(sent);
        let _ = gate.received(received);
        gate.conclude(Exchange::Up)
    }

    #[test]
    fn a_session_needs_proof() {
        let missing = |proof: MissingProof| Err(proof.into());
        let version = |version| Ok(Input::LocalRefusal(Refusal::RequestedVersion(version)));
        let (old, new) = (packet(PROTOCOL_3_0), packet(PROTOCOL_3_2));
        let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
        for (conninfo, sent, received, expected) in [
            ("", b"".as_slice(), b"".as_slice(), missing(MissingProof::StartupMessage)),
            ("", b"", UP, missing(MissingProof::StartupMessage)),
            ("", &old, b"", missing(MissingProof::ReadyForQuery)),
            ("", &old, &UP[..UP.len() - 1], missing(MissingProof::ReadyForQuery)),
            ("", &old, UP, Ok(Input::Ready)),
            ("", &old[..old.len() - 1], UP, missing(MissingProof::StartupMessage)),
            ("", &cancel, UP, missing(MissingProof::StartupMessage)),
            ("", &SSL_REQUEST, UP, version(0x04D2_162F)),
            // Versions outside of the parameters' range, and one that does not exist.
            ("", &new, UP, version(PROTOCOL_3_2)),
            ("max_protocol_version=3.2", &new, UP, Ok(Input::Ready)),
            ("max_protocol_version=3.2", &old, UP, Ok(Input::Ready)),
            ("max_protocol_version=3.2", &packet(0x0003_0001), UP, version(0x0003_0001)),
            ("min_protocol_version=3.2", &old, UP, version(PROTOCOL_3_0)),
            ("min_protocol_version=3.2", &new, UP, Ok(Input::Ready)),
            ("", &packet(0x0002_0000), UP, version(0x0002_0000)),
        ] {
            assert_eq!(claimed(conninfo, sent, received), expected, "{conninfo} {sent:?} {received:?}");
        }
        // The server is not read before the driver has sent its message, and nothing is sent after a refusal.
        let mut refused = gate("min_protocol_version=3.2");
        refused.sent(&old);
        assert!(refused.may_pass().is_err());
    }

    #[test]
    fn the_version_of_the_message_is_the_one_that_is_negotiated() {
        let offer = [message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0]), UP.to_vec()].concat();
        let check = |conninfo: &str, requested, expected| {
            assert_eq!(claimed(conninfo, &packet(requested), &offer), expected, "{conninfo} {requested:x}");
        };
        let minimum = ProtocolVersion::V3_2;
        let refused = Refusal::ProtocolVersion { server: PROTOCOL_3_0, minimum };
        check("max_protocol_version=3.2", PROTOCOL_3_2, Ok(Input::Ready));
        check("min_protocol_version=3.2", PROTOCOL_3_2, Ok(Input::LocalRefusal(refused)));
        // Nothing is older than this.
        let malformed = Input::StartupBroken(Broken::Malformed(b'v'));
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
        let asked = Err(MissingProof::Role.into());
        let standby = "target_session_attrs=standby";
        for (conninfo, received, expected) in [
            (standby, report("in_hot_standby", "on"), Ok(Input::Ready)),
            (standby, report("in_hot_standby", "off"), Ok(Input::WrongRole)),
            (standby, report("in_hot_standby", "one"), Ok(Input::WrongRole)),
            (standby, report("in_hot_standby", "o"), Ok(Input::WrongRole)),
            (standby, report("in_hot_standb", "on"), asked),
            (standby, report("in_hot_standby2", "on"), asked),
            (standby, report("default_transaction_read_only", "on"), asked),
            (standby, UP.to_vec(), asked),
            ("target_session_attrs=primary", report("in_hot_standby", "on"), Ok(Input::WrongRole)),
            ("target_session_attrs=prefer-standby", report("in_hot_standby", "off"), Ok(Input::Ready)),
            ("target_session_attrs=any", UP.to_vec(), Ok(Input::Ready)),
        ] {
            let claimed = claimed(conninfo, &packet(PROTOCOL_3_0), &received);
            assert_eq!(claimed, expected, "{conninfo} {}", received.escape_ascii());
        }
    }

    #[test]
    fn a_server_that_does_not_report_its_role_is_asked() {
        for (wanted, answer, expected) in [
            ("standby", Some("t"), Ok(Input::Ready)),
            ("standby", Some("f"), Ok(Input::WrongRole)),
            ("standby", None, Ok(Input::WrongRole)),
            ("read-write", Some("off"), Ok(Input::Ready)),
            ("read-write", Some("on"), Ok(Input::WrongRole)),
        ] {
            let mut gate = gate(&alloc::format!("target_session_attrs={wanted}"));
            assert_eq!(gate.role_query(), None, "the session is not up");
            gate.role_answer(answer.map(str::as_bytes));
            gate.sent(&packet(PROTOCOL_3_0));
            assert_eq!(gate.received(UP), Ok(()));
            assert!(gate.role_query().is_some() && gate.role_query() == gate.role_query());
            assert_eq!(gate.conclude(Exchange::Up), Err(MissingProof::Role.into()));
            gate.role_answer(answer.map(str::as_bytes));
            assert_eq!(gate.role_query(), None);
            assert_eq!(gate.conclude(Exchange::Up), expected, "{wanted} {answer:?}");
            assert_eq!(gate.wrong_role().is_some(), expected == Ok(Input::WrongRole));
        }
    }

    #[test]
    fn a_cancel_request_needs_proof_of_its_own() {
        let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
        let ended = |sent: &[u8], in_order| {
            let mut gate = StartupGate::new(StartupWatch::cancel(Encryption::Plain), None);
            gate.sent(sent);
            if in_order {
                gate.closed();
            }
            gate.conclude(Exchange::Up)
        };
        assert_eq!(ended(&cancel, true), Ok(Input::Ready));
        assert_eq!(ended(&cancel, false), Err(MissingProof::ReadyForQuery.into()));
        assert_eq!(ended(b"", true), Err(MissingProof::CancelRequest.into()));
        let startup = Input::LocalRefusal(Refusal::RequestedVersion(PROTOCOL_3_2));
        assert_eq!(ended(&packet(PROTOCOL_3_2), true), Ok(startup));
        assert_eq!(ended(&packet(PROTOCOL_3_0), true), Err(MissingProof::CancelRequest.into()));
    }

    #[test]
    fn ends_of_the_connection() {
        let closed = Input::StartupBroken(Broken::Closed);
        let ends: [(fn(&mut StartupGate), _); 3] = [
            (StartupGate::closed, closed),
            (StartupGate::aborted, closed),
            (StartupGate::timed_out, Input::TimedOut),
        ];
        for (end, expected) in ends {
            let mut gate = gate("");
            end(&mut gate);
            assert_eq!(gate.may_pass(), Err(Shut(expected)));
            assert_eq!(gate.conclude(Exchange::Failed), Ok(expected));
            assert!(!gate.is_done());
        }
    }

    #[test]
    fn the_carried_byte_is_read_once() {
        let mut gate = gate("");
        assert_eq!(gate.take_carry(), Ok(Some(b'R')));
        assert_eq!(gate.take_carry(), Ok(None));
        // The watch has seen it: what follows is read as the rest of its message.
        let rest = message(b'R', &3_u32.to_be_bytes());
        assert_eq!(gate.received(&rest[1..]), Ok(()));
        assert_eq!(
            gate.received(&message(b'H', b"")),
            Err(Shut(Input::StartupBroken(Broken::Unexpected(b'H'))))
        );
    }
}
