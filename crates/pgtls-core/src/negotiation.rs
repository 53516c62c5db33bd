//! The client's negotiation with one address, as a machine without I/O.
//!
//! [`Negotiation`] returns the next action ([`poll_action`](Negotiation::poll_action)), takes its result
//! ([`handle_input`](Negotiation::handle_input)) and reports events ([`poll_event`](Negotiation::poll_event)). Sockets, files,
//! certificates, clocks and the address itself are outside of it. It never allocates, and it always ends: its states form a
//! finite graph without a cycle. A [`Connection`](crate::connect::Connection) has one for each address.
//!
//! ```
//! use pgtls_core::{
//!     message::{PROTOCOL_3_0, startup_message},
//!     negotiation::{Action, Encryption, Input, Negotiation},
//!     param::SslMode,
//!     policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, Transport},
//!     startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules},
//! };
//!
//! let input = PolicyInput::new(SslMode::Prefer);
//! let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
//! let mut negotiation = Negotiation::new(plan);
//!
//! // A server without TLS, played by hand.
//! let encryption = loop {
//!     let input = match negotiation.poll_action() {
//!         Action::Connect | Action::Reconnect { .. } => Input::Opened { success: true },
//!         Action::Send(request) => {
//!             assert_eq!(request, pgtls_core::message::SSL_REQUEST);
//!             Input::Sent
//!         }
//!         Action::Receive { .. } => Input::Received(b"N"),
//!         Action::Startup { encryption, carry } => {
//!             assert_eq!(encryption, Encryption::Plain);
//!             let rules = StartupRules::NONE;
//!             let mut monitor = StartupMonitor::new(rules, encryption, ClientCertificate::NONE, carry);
//!             monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "me")])?);
//!             // AuthenticationOk and ReadyForQuery.
//!             monitor.read(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")?;
//!             Input::Startup(monitor.finish(StartupOutcome::Up))
//!         }
//!         Action::Done(encryption) => break encryption,
//!         other => unreachable!("{other:?}"),
//!     };
//!     negotiation.handle_input(input)?;
//! };
//! assert_eq!(encryption, Encryption::Plain);
//!
//! let events: Vec<_> = std::iter::from_fn(|| negotiation.poll_event()).map(|e| e.as_str()).collect();
//! assert_eq!(events, ["connect", "sslreject", "authok"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Two bytes
//!
//! The reply to a request is one byte, but [`Action::Receive`] reads two. A second byte after `S` or `G` was sent in clear
//! where only ciphertext may follow (CVE-2021-23222). It is kept from the TLS engine, and a handshake that succeeds after it
//! fails the attempt for good; a handshake that fails is a failed method as usual (libpq: `PQconnectPoll`). A second byte after
//! `N` is the beginning of the server's next message and a part of [`Action::Startup`].
//!
//! libpq reads up to 16,384 bytes with the reply. A program on this machine that reads two leaves the others to the TLS engine,
//! whose handshake they break; [`Connection`](crate::connect::Connection) reads all of them.

mod action;
mod event;
mod failure;
mod input;
mod proof;
mod state;

pub use action::{Action, Encryption, TlsStart};
pub use event::Event;
pub use failure::{AfterFailure, Consequence, Failure, Request};
pub use input::{Input, MissingProof, Misuse, TlsFailure};
pub use proof::{Alpn, ChainVerified, TlsFacts};

use crate::policy::EncryptionPlan;
use event::Events;
use state::State;

/// The negotiation with one address.
///
/// The caller performs [`Action`]s and reports [`Input`]s. One deadline covers the whole address, with all its methods, and its
/// passing is an input (libpq: `pqConnectDBComplete`).
///
/// `Clone`, `Eq` and `Hash` serve walks over the states, as in the tests and the generated diagram.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Negotiation {
    plan: EncryptionPlan,
    state: State,
    events: Events,
}

const _: () =
    assert!(size_of::<Negotiation>() <= 128, "a driver keeps one per connection, also without an allocator");

impl Negotiation {
    /// Starts with [`Action::Connect`].
    pub fn new(plan: EncryptionPlan) -> Self {
        Self { plan, state: State::start(&plan), events: Events::EMPTY }
    }

    /// The next action; the same until [`handle_input`](Self::handle_input).
    pub fn poll_action(&self) -> Action {
        self.state.action(&self.plan)
    }

    /// The result of the current action.
    ///
    /// # Errors
    /// The caller's mistake: the input does not answer the current action, or a session is reported without proof. Nothing has
    /// changed then. Faults of the peer are never errors here; they lead to [`Action::Reconnect`] or [`Action::Fail`].
    pub fn handle_input(&mut self, input: Input<'_>) -> Result<(), Misuse> {
        self.state = state::step(&self.plan, &mut self.events, self.state, input)?;
        Ok(())
    }

    /// The next event that has not been returned. There is no need to call this.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// The plan that is carried out.
    pub fn plan(&self) -> &EncryptionPlan {
        &self.plan
    }

    /// The name of the state, for logs and diagrams.
    pub fn state(&self) -> &'static str {
        self.state.name()
    }
}
