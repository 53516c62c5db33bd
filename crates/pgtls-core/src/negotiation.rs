//! The client's negotiation with one address, as a machine without I/O.
//!
//! [`Negotiation`] says what to do ([`poll_action`](Negotiation::poll_action)), is told what happened
//! ([`handle_input`](Negotiation::handle_input)) and tells what it saw ([`poll_event`](Negotiation::poll_event)). It knows nothing
//! of sockets, files, certificates, clocks or of the address it speaks with, never allocates, and cannot be made to loop: its
//! states form a finite graph without a cycle.
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
//!     let happened = match negotiation.poll_action() {
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
//!     negotiation.handle_input(happened)?;
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
//! The reply to a request is one byte, but [`Action::Receive`] asks for two. A second byte after `S` or `G` was sent in clear
//! where only ciphertext may follow; it is kept from the engine and fails the attempt for good once the handshake has ended, as in
//! libpq (CVE-2021-23222). Left in the socket it would reach the TLS engine, break the handshake, and `prefer` would then go on in
//! plaintext. A second byte after `N` is the server's next
//! message and is carried into [`Action::Startup`].

mod action;
mod event;
mod failure;
mod input;
mod proof;
mod state;

pub use action::{Action, Encryption, TlsStart};
pub use event::Event;
pub use failure::{Consequence, Failure, Request, Then};
pub use input::{Input, MissingProof, Misuse, TlsFailure};
pub use proof::{Alpn, ChainVerified, TlsFacts};

use crate::policy::EncryptionPlan;
use event::Events;
use state::State;

/// The negotiation with one address.
///
/// The caller performs [`Action`]s and reports [`Input`]s; every wait of the caller is covered by one deadline for the
/// whole address, whose passing is an input like any other. All methods of one address share it (libpq: `pqConnectDBComplete`).
///
/// `Clone`, `Eq` and `Hash` are there for those who want to walk the states, as the tests and the generated diagram do.
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

    /// What to do now. The same answer until something is handed in.
    pub fn poll_action(&self) -> Action {
        self.state.action(&self.plan)
    }

    /// This happened.
    ///
    /// An error is the caller's mistake: the input does not answer the current action. Nothing has changed then. The peer's
    /// faults are never errors here; they become [`Action::Reconnect`] or [`Action::Fail`].
    pub fn handle_input(&mut self, input: Input<'_>) -> Result<(), Misuse> {
        self.state = state::step(&self.plan, &mut self.events, self.state, input)?;
        Ok(())
    }

    /// The next event not yet taken. There is no need to take them.
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
