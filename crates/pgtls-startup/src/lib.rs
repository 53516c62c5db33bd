//! The startup exchange of a PostgreSQL client without I/O: from the StartupMessage to ReadyForQuery.
//!
//! [`StartupExchange`] returns the bytes to send and takes the bytes received, in any split. It negotiates the protocol
//! version, authenticates with a password (trust, cleartext, md5, SCRAM-SHA-256, and SCRAM-SHA-256-PLUS with
//! `tls-server-end-point`), checks the role of the server (`target_session_attrs`), and collects what the server reports. The
//! result is a [`ServerSession`]. pgtls follows libpq 18 (libpq: `PQconnectPoll` from `CONNECTION_MADE` on, `pg_fe_sendauth`).
//!
//! It is not a driver. It sends no query but the one for the role of an older server, and has no GSSAPI, SSPI, OAuth, prompt or
//! password file. The parameters that guard an exchange (`require_auth`, `channel_binding`, `sslcertmode`) are enforced by the
//! [`StartupMonitor`](pgtls_core::startup::StartupMonitor) of the connection, which reads the same bytes.
//!
//! ```text
//!   Params ─▶ ┌─────────────────┐ ─▶ Send ─────▶ sent
//!             │ StartupExchange │ ─▶ Receive ──▶ received
//!   Channel ─▶│                 │ ─▶ Password ─▶ supply_password
//!   nonce ───▶└────────┬────────┘ ─▶ Derive ───▶ derive
//!                      ▼ Ready
//!                ServerSession
//! ```
//!
//! The loop over a stream that blocks:
//!
//! ```
//! use pgtls_core::param::{Params, Secret};
//! use pgtls_startup::{Action, Channel, NONCE_LENGTH, ServerSession, StartupExchange, StartupOptions};
//! use std::{
//!     error::Error,
//!     io::{Read, Write},
//! };
//!
//! fn log_in(
//!     stream: &mut (impl Read + Write),
//!     params: &Params,
//!     nonce: [u8; NONCE_LENGTH],
//! ) -> Result<ServerSession, Box<dyn Error>> {
//!     let mut options = StartupOptions::new(Channel::Plain, nonce);
//!     options.password = params.password().cloned();
//!     let mut exchange = StartupExchange::new(params, options)?;
//!     let mut buffer = [0; 4096];
//!     loop {
//!         match exchange.poll()? {
//!             Action::Send(bytes) => {
//!                 let count = stream.write(bytes)?;
//!                 exchange.sent(count);
//!             }
//!             Action::Receive => {
//!                 stream.flush()?;
//!                 let count = stream.read(&mut buffer)?;
//!                 exchange.received(buffer.get(..count).unwrap_or_default());
//!             }
//!             // There is none but the one in the parameters.
//!             Action::Password => exchange.supply_password(None),
//!             // A deadline is checked here, and an asynchronous loop yields to its runtime.
//!             Action::Derive => exchange.derive(),
//!             Action::Ready(session) => return Ok(session),
//!         }
//!     }
//! }
//!
//! # struct Script(std::io::Cursor<Vec<u8>>, Vec<u8>);
//! # impl Read for Script {
//! #     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> { self.0.read(buffer) }
//! # }
//! # impl Write for Script {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.1.write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # use pgtls_core::{environment::{Environment, Platform}, param::{Ability, Settings}};
//! # let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "me");
//! # let params = Params::resolve(&Settings::parse("host=h")?, None, &environment, Ability::default())?;
//! # let mut stream = Script(
//! #     std::io::Cursor::new(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\018.1\0Z\0\0\0\x05I".to_vec()),
//! #     Vec::new(),
//! # );
//! # let nonce = [0; NONCE_LENGTH];
//! let session = log_in(&mut stream, &params, nonce)?;
//! assert_eq!(session.parameter("server_version"), Some("18.1"));
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! # Bounds
//!
//! - A message of the server may be as long as libpq allows; at most [`MAX_MESSAGE`] bytes of it are kept.
//! - The reported parameters are at most [`MAX_PARAMETERS`] bytes.
//! - The iterations of SCRAM have no bound but libpq's, 2³¹−1. [`StartupExchange::derive`] performs at most [`SLICE`] of them, so
//!   that a deadline or a dropped future ends the work.
//!
//! Passwords and keys are overwritten when they are no longer needed, and are left out of `Debug`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod authentication;
mod base64;
mod error;
mod exchange;
mod frames;
mod saslprep;
mod scram;

pub use error::{ExchangeError, ScramError, ServerError};
pub use exchange::{
    Action, AuthenticationMethod, Channel, MAX_PARAMETERS, ServerSession, StartupExchange, StartupOptions,
    TERMINATE,
};
pub use frames::MAX_MESSAGE;
pub use scram::{NONCE_LENGTH, SLICE};

#[cfg(test)]
mod tests;
