//! tokio-postgres with libpq's connections.
//!
//! [`connect`] takes the string that psql takes, all of it: hosts and their addresses, the service file, PG* variables, the
//! password file, every `sslmode`. It tries and falls back as libpq does, encrypts and verifies as libpq does, and hands
//! over a [`Client`](tokio_postgres::Client) and its connection:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, connection) = pgtls_tokio_postgres::connect("postgresql://db.example.com/shop?sslmode=verify-full").await?;
//! tokio::spawn(connection);
//! let row = client.query_one("SELECT 1", &[]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`connect_with`] says more about the [`Session`] and takes a [`Config`] that is made once. A [`Canceller`] cancels what a
//! session is doing, over a connection that is encrypted and verified by the same rules.
//!
//! [`DriverConfig`] is for pools and programs in which tokio-postgres opens the connections: a `tokio_postgres::Config` as
//! strict as the parameters, and the connector that belongs to it. It verifies and binds as libpq does, and cannot fall back.
//!
//! What tokio-postgres does not do stays undone: it speaks protocol 3.0 and UTF-8, and nothing for `replication`. Whoever
//! asks for more in the connection string gets an [`Error`], but for `client_encoding`, which the driver sets by itself.
//!
//! ## Features
//! - `aws-lc-rs` (default): [`connect`] and [`config`], which use the crypto provider of aws-lc-rs.
//! - `ring`: adds `pgtls_rustls::ring()`, which [`config_with`] takes.
//! - `deadpool`, `bb8`: managers for pools.
//! - `tracing`: what happens while connecting, as events of the crate `tracing`; see
//!   [docs/drivers.md](https://github.com/pgtls/pgtls/blob/main/docs/drivers.md#seen-while-it-happens).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "bb8")]
pub mod bb8;
mod canceller;
mod channel;
mod config;
mod connect;
#[cfg(feature = "deadpool")]
pub mod deadpool;
mod driver;
mod error;
mod pre_negotiated;
mod refused;
mod role;
mod running;
mod session;
mod tls;

pub use canceller::Canceller;
pub use channel::Channel;
#[cfg(feature = "aws-lc-rs")]
pub use config::config;
pub use config::config_with;
#[cfg(feature = "aws-lc-rs")]
pub use connect::connect;
pub use connect::connect_with;
pub use error::Error;
pub use pgtls_tokio::{Cancelled, Config, ConnectError};
pub use pre_negotiated::PreNegotiated;
pub use refused::DriverError;
pub use running::Running;
pub use session::{Connection, Session};
pub use tls::{DriverConfig, Tls, TlsChannel, TlsForHost};
