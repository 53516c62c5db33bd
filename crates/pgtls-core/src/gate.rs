//! The gate between a connection and whoever starts the session up on it.
//!
//! The startup exchange belongs to the driver: it sends the StartupMessage and answers the server's requests for
//! authentication. But libpq decides things while it goes on (is this error one after which plaintext is tried? may this
//! server ask for a password at all?), and a driver's own errors do not say enough. So every byte passes a
//! [`StartupGate`], which shows it to a [`StartupWatch`] and shuts as soon as the watch has decided against the server.

use crate::{
    negotiation::Input,
    startup::{Refusal, StartupWatch},
};
use core::fmt;

/// Lets the bytes of a startup exchange pass and remembers what they decide.
#[derive(Clone, Debug)]
pub struct StartupGate {
    watch: StartupWatch,
    carry: Option<u8>,
    packet: Packet,
    decided: Option<Input<'static>>,
}

/// How much of the startup packet is sent. It has no type byte, and the watch wants what comes after it.
#[derive(Clone, Copy, Debug)]
enum Packet {
    Length { have: u8, value: u32 },
    Body { left: u32 },
    Sent,
}

impl Packet {
    const START: Self = Self::Length { have: 0, value: 0 };

    /// One more byte of it was sent.
    fn byte(self, byte: u8) -> Self {
        match self {
            Self::Length { have, value } => {
                let value = value << 8 | u32::from(byte);
                match have {
                    0..3 => Self::Length { have: have + 1, value },
                    // The length counts itself.
                    _ => Self::body(value.saturating_sub(4)),
                }
            }
            Self::Body { left } => Self::body(left.saturating_sub(1)),
            Self::Sent => Self::Sent,
        }
    }

    const fn body(left: u32) -> Self {
        if left == 0 { Self::Sent } else { Self::Body { left } }
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
        Self { watch, carry, packet: Packet::START, decided: None }
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
        match self.decided {
            Some(input @ (Input::LocalRefusal(_) | Input::StartupBroken(_))) => Err(Shut(input)),
            _ => Ok(()),
        }
    }

    /// The driver sent these bytes, the startup packet first.
    pub fn sent(&mut self, bytes: &[u8]) {
        if self.decided.is_some() {
            return;
        }
        let mut rest = bytes.iter();
        while !matches!(self.packet, Packet::Sent)
            && let Some(byte) = rest.next()
        {
            self.packet = self.packet.byte(*byte);
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

    /// What to tell the negotiation machine when the exchange has ended. What the watch saw counts for more than what
    /// the driver thinks.
    pub fn conclude(&self, exchange: Exchange) -> Input<'static> {
        match (self.decided, exchange) {
            (None | Some(Input::Ready), Exchange::Up) => Input::Ready,
            (None | Some(Input::Ready), Exchange::Refused(refusal)) => Input::LocalRefusal(refusal),
            (None | Some(Input::Ready), Exchange::WrongRole) => Input::WrongRole,
            (None | Some(Input::Ready), Exchange::Failed) => Input::LocalRefusal(Refusal::Exchange),
            (Some(decided), _) => decided,
        }
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
        message::{PROTOCOL_3_0, startup_message},
        negotiation::Encryption,
        param::{Ability, Params, Settings},
        startup::{BindingRefusal, Broken, ClientCertificate},
    };
    use alloc::vec::Vec;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("messages of tests are short");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    /// A whole exchange in pieces of this length, with `channel_binding=require`.
    fn exchange(mechanism: &[u8], split: usize) -> Input<'static> {
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
                    return input;
                }
            }
        }
        gate.conclude(Exchange::Up)
    }

    #[test]
    fn the_startup_packet_is_not_taken_for_an_answer() {
        for split in [1, 2, 3, 5, usize::MAX] {
            assert_eq!(exchange(b"SCRAM-SHA-256-PLUS", split), Input::Ready, "{split}");
            let unbound = Input::LocalRefusal(Refusal::ChannelBinding(BindingRefusal::NotBound));
            assert_eq!(exchange(b"SCRAM-SHA-256", split), unbound, "{split}");
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

    /// The gate after these bytes: whether they may be seen, whether anything may follow, and what each kind of end
    /// means.
    #[track_caller]
    fn check(conninfo: &str, bytes: &[u8], seen: bool, open: bool, ends: [Input<'static>; 4]) {
        let mut gate = gate(conninfo);
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
        let own = [
            Input::Ready,
            Input::LocalRefusal(Refusal::NoPassword),
            Input::WrongRole,
            Input::LocalRefusal(Refusal::Exchange),
        ];
        let ok = message(b'R', &[0; 4]);
        let ready = message(b'Z', b"I");
        let password = message(b'R', &[0, 0, 0, 3]);
        let error = message(b'E', b"C28000\0\0");
        check("", b"", true, true, own);
        check("", &ok, true, true, own);
        check("", &[ok.clone(), ready].concat(), true, true, own);
        check("", &password, true, true, own);

        let rejected = Input::ServerError { sqlstate: *b"28000", after_auth_ok: false };
        check("", &error, true, false, [rejected; 4]);
        let refused = Input::LocalRefusal(Refusal::AuthNotAllowed(crate::param::AuthMethod::Password));
        check("require_auth=md5", &password, false, false, [refused; 4]);
        let broken = Input::StartupBroken(Broken::Unexpected(b'H'));
        check("", b"HTTP", false, false, [broken; 4]);
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
            assert_eq!(gate.conclude(Exchange::Failed), expected);
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
