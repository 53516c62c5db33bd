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
    decided: Option<Input<'static>>,
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
        Self { watch, carry, decided: None }
    }

    /// Whether bytes may be read or sent now. After an error of the server's nothing may, but for the message itself, which
    /// has passed already.
    pub fn may_pass(&self) -> Result<(), Shut> {
        match self.decided {
            None | Some(Input::Ready) => Ok(()),
            Some(decided) => Err(Shut(decided)),
        }
    }

    /// The byte that came too early, once. It is the first one to be read.
    pub fn take_carry(&mut self) -> Option<u8> {
        self.carry.take()
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

    /// The driver sent these bytes.
    pub fn sent(&mut self, bytes: &[u8]) {
        if self.decided.is_none() {
            self.watch.sent(bytes);
        }
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
