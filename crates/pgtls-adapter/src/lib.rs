//! What the adapters of pgtls share: the way from parameters to a session, everything but the waiting.
//!
//! For whoever writes an adapter; `pgtls-std`, `pgtls-tokio` and `pgtls-async-std` are made of it. A [`Walk`] goes over
//! hosts and addresses and says at each [`Step`] what to do; the adapter does it and says what came of it. What is left
//! to an adapter is to look names up, to open sockets, to read, to write, to run a TLS handshake, and to wait no longer
//! than [`Walk::deadline`]:
//!
//! ```text
//!             ┌── Resolve ── Connect ── Send ── Receive ── Work ── StartTls ── StartUp ──┐
//!   Walk::step│                        what to do now                                    │conclude ──▶ Connected
//!             └───────────────────── what came of it ◀───────────────────────────────────┘
//! ```
//!
//! For asynchronous adapters that loop is here too: [`Connecting`], for a [`Runtime`] that can [`Carry`] a session.
//!
//! It decides nothing about TLS either: that is in `pgtls-core`, `pgtls-x509` and `pgtls-rustls`. It never waits, and
//! opens no file but in [`Work::run`], which an asynchronous adapter takes to a thread that may block.
//!
//! ```
//! use pgtls_adapter::{Config, Step, Walk};
//! use pgtls_core::{environment::{Environment, Platform}, param::{Ability, Params, Settings}};
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("hostaddr=192.0.2.1 sslmode=require")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! // A server without TLS, played by hand; an adapter has a socket here.
//! let mut walk = Walk::new(&config);
//! let error = loop {
//!     match walk.step() {
//!         Step::Connect => drop(walk.connected(Ok(()))),
//!         Step::Send(_request) => walk.sent(Ok(())),
//!         Step::Receive { .. } => walk.received(Ok(b"N")),
//!         Step::GiveUp => break walk.give_up(),
//!         other => unreachable!("{other:?}"),
//!     }
//! };
//! assert!(error.to_string().contains("server does not support SSL"), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## Features
//! - `aws-lc-rs` (default): the crypto provider of aws-lc-rs.
//! - `ring`: the one of ring.
#![forbid(unsafe_code)]

mod byte_connection;
mod byte_stream;
mod bytes;
mod config;
mod connected;
mod connecting;
mod deadline;
mod driver;
mod monitor;
mod openssl;
mod runtime;
pub mod socket;
mod tls_files;

pub use byte_connection::{ByteAction, ByteConnection};
pub use byte_stream::ByteStream;
pub use bytes::{first, taken};
pub use config::Config;
pub use connected::{Cancelled, Connected, Startup, cancel_message};
pub use connecting::Connecting;
pub use deadline::{Deadline, expired, has_expired};
pub use driver::Driver;
pub use monitor::{Protection, SharedMonitor};
pub use pgtls_core::connect::{Endpoint, Purpose};
pub use pgtls_rustls::{
    ActionError, AttemptError, BoxError, Cause, ConnectError, LibraryInit, NoDefaultProvider, StartupError,
};
pub use runtime::{ConnectionSource, Dialer, Hosts, Provided, Resolver, Runtime, StreamRuntime};
pub use tls_files::{BlockingResult, BlockingTask};
