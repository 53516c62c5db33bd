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
mod tests;
