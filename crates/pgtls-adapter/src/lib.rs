//! The part that the adapters of pgtls share: from parameters to a PostgreSQL session, without sockets and waiting.
//!
//! For authors of adapters and runtimes; `pgtls-std`, `pgtls-tokio` and `pgtls-async-std` are built on it. There are three
//! levels, and [docs/runtimes.md](https://github.com/pgtls/pgtls/blob/main/docs/runtimes.md) has the contract of each action:
//!
//! - [`ByteConnection`]: bytes in, bytes out, blocking tasks. TLS and the startup monitor are inside. For mio, io_uring, and
//!   callers in other languages.
//! - [`Connecting`]: the loop of an asynchronous adapter, for a [`Runtime`] that has streams ([`StreamRuntime`]).
//! - [`Driver`]: the machine of the core ([`Connection`](pgtls_core::connect::Connection)) with its clock and the files of TLS,
//!   for loops of another shape.
//!
//! None of them decides about TLS: that is in `pgtls-core`, `pgtls-x509` and `pgtls-rustls`. None opens a file except in
//! [`BlockingTask::run`], which an asynchronous adapter moves to a thread that may block.
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
