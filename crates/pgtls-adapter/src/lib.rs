//! Shared parts of the adapters of pgtls: everything from parameters to a session but the waiting.
//!
//! For authors of adapters and runtimes; `pgtls-std`, `pgtls-tokio` and `pgtls-async-std` are made of it. [`Driver`] is the
//! machine of the core ([`Connection`](pgtls_core::connect::Connection)) with a clock and the files of TLS. A loop runs its tasks,
//! performs its actions, and reports their results:
//!
//! ```text
//!   task ───▶ BlockingTask, on a thread that may block ──▶ completed
//!   poll ───▶ Resolve, Open, CheckPeer, Send, Receive, StartTls ──▶ resolved, opened, peer_user, sent, received, tls_established
//!        ───▶ Startup, every byte through the SharedMonitor ──▶ finish_startup ──▶ Connected
//! ```
//!
//! Adapters share that loop, [`Connecting`], and the stream with TLS, the deadline and the monitor, [`Stream`]. They bring a
//! [`Runtime`] that can poll connections ([`StreamRuntime`]), a [`Dialer`] and a [`Resolver`]. Event loops, completions and
//! other languages drive [`ByteConnection`], which takes and returns bytes.
//! [docs/runtimes.md](https://github.com/pgtls/pgtls/blob/main/docs/runtimes.md) states the contract of each action.
//!
//! The crate does not block, and opens no file outside [`BlockingTask::run`]. It decides nothing: the rules are in
//! `pgtls-core`, `pgtls-x509` and `pgtls-rustls`.
//!
//! ```
//! use pgtls_adapter::{Config, Driver};
//! use pgtls_core::{
//!     connect::Action,
//!     environment::{Environment, Platform},
//!     param::{Ability, Params, Settings},
//! };
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("hostaddr=192.0.2.1 sslmode=require")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! // A server without TLS, played by hand; an adapter has a socket here.
//! let mut driver = Driver::new(&config);
//! let error = loop {
//!     match driver.poll() {
//!         Action::Open => drop(driver.opened(Ok(()))),
//!         Action::Send(_request) => driver.sent(Ok(())),
//!         Action::Receive { .. } => driver.received(Ok(b"N")),
//!         Action::Failed => break driver.error(),
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
//! - `tracing`: what happens while connecting, as events of the crate `tracing` under the target `pgtls`, in a span for each
//!   connection. It is an [`Observer`] beside that of the program, and changes no outcome.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod byte_connection;
mod byte_stream;
mod config;
mod connected;
mod connecting;
mod deadline;
mod driver;
mod login;
mod monitor;
mod observer;
mod openssl;
mod runtime;
pub mod socket;
mod stream;
mod tls_files;

pub use byte_connection::{ByteAction, ByteConnection};
pub use byte_stream::ByteStream;
pub use config::Config;
pub use connected::{Cancelled, Connected, DetachedStartup, Startup, cancel_message};
pub use connecting::Connecting;
pub use deadline::{Deadline, expired, has_expired};
pub use driver::Driver;
pub use login::{READ, log_in, startup_error};
pub use monitor::{Protection, SharedMonitor};
pub use observer::{Observation, Observer};
pub use pgtls_core::connect::{Endpoint, Purpose};
pub use pgtls_rustls::{
    ActionError, AttemptError, BoxError, Cause, ConnectError, LibraryInit, NoDefaultProvider, StartupError,
};
#[doc(hidden)]
pub use runtime::sealed;
pub use runtime::{ConnectionSource, Dialer, Hosts, Provided, Resolver, Runtime, StreamRuntime};
pub use stream::{ReadBuffer, SliceBuffer, Stream};
pub use tls_files::{BlockingResult, BlockingTask};
