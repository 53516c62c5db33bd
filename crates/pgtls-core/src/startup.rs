//! The startup exchange: the bytes after the startup packet, up to ReadyForQuery.
//!
//! A [`StartupMonitor`] reads the bytes of both ends, in any split, and gives a [`StartupVerdict`], which is the
//! [input](crate::negotiation::Input::Startup) that ends a negotiation. It enforces `require_auth`, `channel_binding`,
//! `sslcertmode`, the protocol versions and `target_session_attrs`. It authenticates nobody; that is the driver's work.
//!
//! Bytes of the server pass the monitor *before* the driver sees them. After a rejection the driver must not answer: this is
//! how `channel_binding=require` keeps a password from a server that requests it in clear.
//!
//! The size of a monitor is fixed and it never allocates. It keeps no message, only the few facts that decide something.

mod auth;
mod body;
mod monitor;
mod refusal;
mod rules;
mod sent;
mod server_text;
mod watch;

pub use monitor::{StartupMonitor, StartupOutcome, StartupRejection, StartupVerdict};
pub use refusal::{BindingRefusal, ProtocolViolation, Refusal};
pub use rules::{ClientCertificate, StartupRules};
pub use server_text::{MAX_SERVER_TEXT, printable_character, server_text};
pub(crate) use watch::Decision;

/// The SQLSTATE of an error that has none.
pub const NO_SQLSTATE: [u8; 5] = *b"00000";
