//! After the startup packet: the server's bytes up to ReadyForQuery.
//!
//! [`StartupWatch`] is a tap: it reads along, in any split, and turns what the server says into the
//! [inputs](crate::negotiation::Input) of the negotiation machine. It makes the checks that belong there: `require_auth`,
//! `channel_binding`, `sslcertmode`. It authenticates nobody; that is the driver's work.
//!
//! Hand bytes to the watch *before* the driver acts on them. A refusal means that the driver must not answer: that is how
//! `channel_binding=require` keeps a password from a server that asks for it in clear.
//!
//! Its size is fixed and it never allocates. A message is never kept, only the few facts in it that decide something.

mod auth;
mod body;
mod monitor;
mod refusal;
mod rules;
mod sent;
mod watch;

pub use monitor::{StartupMonitor, StartupOutcome, StartupRejection, StartupVerdict};
pub use refusal::{BindingRefusal, Broken, Refusal};
pub use rules::{ClientCertificate, WatchRules};
pub use watch::StartupWatch;

/// The SQLSTATE reported for an error that carries none.
pub const NO_SQLSTATE: [u8; 5] = *b"00000";
