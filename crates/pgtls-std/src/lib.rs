//! pgtls on blocking sockets: PostgreSQL connections opened, encrypted and verified as libpq does it.
//!
//! [`connect`] walks hosts and addresses; [`negotiate`] takes a connection that the program has opened itself. Both hand
//! over a [`Stream`] for the startup exchange, which is the driver's, and again when it is done. Nothing is decided
//! here: what to try, what to fall back to and whom to trust is in `pgtls-core`, `pgtls-x509` and `pgtls-rustls`.
//!
//! ## Features
//! - `aws-lc-rs` (default): the crypto provider of aws-lc-rs.
//! - `ring`: the one of ring.
#![forbid(unsafe_code)]

mod config;
mod connect;
mod connection;
mod deadline;
mod dial;
mod negotiate;
mod peer;
mod prepare;
mod run;
mod socket;
mod stream;
mod tls;

pub use config::Config;
pub use connect::{Connected, Startup, connect};
pub use connection::Connection;
pub use negotiate::negotiate;
pub use pgtls_rustls::{BoxError, Cause, ConnectError, StartupError};
pub use socket::Socket;
pub use stream::Stream;
