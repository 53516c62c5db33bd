//! pgtls on rustls: the only crate of the project that names it.
//!
//! A [`Connector`] is what libpq's `initialize_SSL` makes of parameters and files: whom to trust, which certificates are
//! revoked, who we are. From it comes one [`Session`] for each connection, whose [`ClientConfig`](rustls::ClientConfig)
//! verifies what `sslmode` asks for and writes down what it saw. Whoever owns the socket runs the handshake; this crate
//! reads no socket, no file, no environment and no clock.
//!
//! Whose rules: libpq's over OpenSSL. The chain is judged by `pgtls-x509`, the name by `pgtls-core`; rustls has the
//! protocol and the cryptography.
//!
//! - The server's signature over the handshake is checked in every mode.
//! - The name is matched inside the handshake, before a client certificate is disclosed.
//! - Sessions are never resumed: a resumed session would not be verified.
//! - The crypto provider is a value that is handed in. Nothing is installed for the process.
//!
//! ## Features
//! - `aws-lc-rs` (default): adds [`aws_lc_rs`], a constructor of that crypto provider.
//! - `ring`: adds [`ring`], a constructor of that one.
#![forbid(unsafe_code)]

mod cause;
mod connect_error;
mod connector;
mod error;
mod facts;
mod identity;
mod key_log;
mod options;
mod provider;
mod pss;
mod record;
mod resolver;
mod session;
mod signature;
mod sni;
mod startup;
mod template;
mod trust;
mod verifier;
mod versions;

pub use cause::{BoxError, Cause};
pub use connect_error::ConnectError;
pub use connector::Connector;
pub use error::{SetupError, TlsError, alert_name};
pub use facts::{ATTRIBUTES, Cipher, SessionFacts};
pub use key_log::KeyLogLines;
pub use options::{PassphraseHook, TlsOptions, clock};
#[cfg(feature = "aws-lc-rs")]
pub use provider::aws_lc_rs;
#[cfg(feature = "ring")]
pub use provider::ring;
pub use session::Session;
pub use startup::StartupError;
pub use trust::trust;
pub use versions::VersionRange;
