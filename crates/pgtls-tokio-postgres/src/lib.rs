//! tokio-postgres with libpq's connections.
//!
//! [`connect`] takes the whole connection string of psql: hosts and their addresses, the service file, PG* variables, the
//! password file, every `sslmode`. It tries and falls back as libpq does, encrypts and verifies as libpq does, and returns
//! a [`Client`](tokio_postgres::Client) and its connection:
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
//! [`connect_with`] takes a [`Config`] that is made once, and returns a [`Session`] with its report. A [`Canceller`] cancels the
//! query of a session, over a connection that is encrypted and verified by the same rules.
//!
//! [`DriverConfig`] is for programs in which tokio-postgres opens the connections, and for [`postgres`](blocking): a
//! `tokio_postgres::Config` as strict as the parameters, and the connector that belongs to it. It verifies and binds as libpq
//! does, and cannot fall back.
//!
//! An [`Error`] prints what psql prints, a server's error with DETAIL and HINT. Programs decide by [`Error::sqlstate`] and
//! [`Error::driver_error`].
//!
//! The limits of tokio-postgres stay: it speaks protocol 3.0 and UTF-8, has no `replication`, and computes at most 100,000
//! iterations of SCRAM. A connection string that asks for more is an [`Error`], except for `client_encoding`, which the driver
//! sets by itself.
//!
//! ## Features
//! - `aws-lc-rs` (default): [`connect`] and [`config`], which use the crypto provider of aws-lc-rs.
//! - `ring`: adds `pgtls_rustls::ring()`, which [`config_with`] takes.
//! - `deadpool`, `bb8`: managers for pools of these crates.
//! - `deadpool-postgres`: a connector for pools of deadpool-postgres, with `prepare_cached` and its configuration.
//! - `postgres`: constructors for the blocking crate `postgres`.
//! - `tracing`: what happens while connecting, as events of the crate `tracing`; see
//!   [docs/drivers.md](https://github.com/pgtls/pgtls/blob/main/docs/drivers.md#seen-while-it-happens).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "bb8")]
pub mod bb8;
pub mod blocking;
mod canceller;
mod channel;
mod config;
mod connect;
#[cfg(feature = "deadpool")]
pub mod deadpool;
#[cfg(feature = "deadpool-postgres")]
pub mod deadpool_postgres;
mod driver;
mod driver_error;
mod error;
mod pre_negotiated;
mod role;
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
pub use driver_error::DriverError;
pub use error::Error;
pub use pgtls_tokio::{Cancelled, Config, ConnectError};
pub use pre_negotiated::PreNegotiated;
pub use session::{Connection, Session, SpawnedClient};
pub use tls::{DriverConfig, Tls, TlsChannel, TlsForHost};
