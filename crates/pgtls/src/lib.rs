//! Logged-in PostgreSQL connections that negotiate and verify TLS as libpq does.
//!
//! `connect` takes the string that psql takes: hosts and their addresses, the service file, PG* variables, the password file,
//! every `sslmode`. It tries and falls back as libpq does, encrypts and verifies as libpq does, and logs in:
//!
//! ```no_run
//! # #[cfg(all(feature = "aws-lc-rs", feature = "blocking"))] {
//! let session = pgtls::blocking::connect("host=db.example.com user=alice sslmode=verify-full")?;
//! let tls = session.stream.facts().map_or("no TLS", |tls| tls.protocol);
//! println!("PostgreSQL {}, {tls}", session.parameter("server_version").unwrap_or_default());
//! # }
//! # Ok::<(), pgtls::Error>(())
//! ```
//!
//! The [`Session`] has the stream, on which the server waits for a query, the parameters that the server has reported, the key
//! for cancel requests, and a [`Report`] of the attempts, the files and the warnings. pgtls follows libpq 18 built with OpenSSL,
//! including its surprising behaviour. It is not a driver: it sends no query but the one for the role of an older server.
//!
//! A driver with a startup exchange of its own uses `connect_with`, which ends where the StartupMessage begins and checks the
//! result. The futures of both are `Send + 'static`.
//!
//! | runtime | module | feature |
//! |---|---|---|
//! | blocking sockets | `pgtls::blocking` | `blocking` (default) |
//! | tokio | `pgtls::tokio` | `tokio` |
//! | futures-io: smol, async-std | `pgtls::async_std` | `async-std` |
//! | tokio-postgres, its pools, `postgres` | `pgtls::tokio_postgres` | `tokio-postgres`, `deadpool-postgres`, `deadpool`, `bb8`, `postgres` |
//!
//! # Configuration
//!
//! There is one [`Config`] for all of them. It is made from a connection string or URI, from keywords and values, from
//! [`Settings`] or a [`SettingsBuilder`], or by a [`ConfigBuilder`], which also takes a crypto provider and an environment:
//!
//! ```
//! # #[cfg(feature = "aws-lc-rs")] {
//! use pgtls::{Config, SettingsBuilder, SslMode};
//!
//! let builder = SettingsBuilder::new().host("db.example.com", 5432).user("alice").sslmode(SslMode::VerifyFull);
//! for config in [
//!     Config::new("host=db.example.com user=alice sslmode=verify-full")?,
//!     Config::new("postgresql://alice@db.example.com:5432/?sslmode=verify-full")?,
//!     Config::new([("host", "db.example.com"), ("user", "alice"), ("sslmode", "verify-full")])?,
//!     Config::new(builder)?,
//! ] {
//!     assert_eq!((config.params.user(), config.params.sslmode()), ("alice", SslMode::VerifyFull));
//! }
//! # }
//! # Ok::<(), pgtls::Error>(())
//! ```
//!
//! [`Config::new`] reads the service file; `pgtls::tokio::config` and `pgtls::async_std::config` do so on threads that may
//! block. The password file is read for each connection, as libpq reads it.
//!
//! # Files from memory, external keys, observers
//!
//! A [`Config`] can be changed before it is used. [`InMemoryFiles`] supplies roots, revocation lists, certificate and key as bytes,
//! [`ExternalKey`] a key that signs by a callback; both are fields of [`TlsOptions`], as `config.tls`. An [`Observer`] receives each
//! step of a connection while it is made:
//!
//! ```no_run
//! # #[cfg(all(feature = "aws-lc-rs", feature = "blocking"))] {
//! use pgtls::{Config, InMemoryFiles, Observation, Peer};
//! use std::sync::Arc;
//!
//! let roots = std::fs::read("root.crt").expect("a file of roots");
//! let mut config = Config::new("host=db.example.com sslmode=verify-full")?;
//! config.tls.files = Some(Arc::new(InMemoryFiles::default().with_sslrootcert("built-in roots", roots)));
//! config.observer = Some(Arc::new(|_: Option<&Peer>, observation: Observation<'_>| eprintln!("{observation:?}")));
//! let session = pgtls::blocking::connect(&config)?;
//! # }
//! # Ok::<(), pgtls::Error>(())
//! ```
//!
//! # Errors
//!
//! [`Error`] prints one line for each attempt, as psql does. [`Error::sqlstate`] and [`Error::server_error`] are the server's
//! error, [`Error::attempts`] the failures in order.
//!
//! # Beyond this crate
//!
//! The crates behind this one are re-exported under their names. A [`Config`] fits their functions: connections that the program
//! opens itself are for `pgtls::pgtls_tokio::negotiate(&config, …)` and its like, pools and `tokio_postgres` sessions for
//! `pgtls::tokio_postgres::connect_with(config.shared())`.
//!
//! # Features
//!
//! - `aws-lc-rs` (default): constructors from a string, which use the crypto provider of aws-lc-rs whatever else is linked.
//! - `ring`: adds `ring()`, a crypto provider for [`ConfigBuilder::new`].
//! - `blocking` (default), `tokio`, `async-std`: a module for each runtime.
//! - `tokio-postgres`, `deadpool`, `bb8`, `deadpool-postgres`, `postgres`: `pgtls-tokio-postgres` as a module, its managers for
//!   pools, its connector for those of deadpool-postgres, and its constructors for the blocking driver.
//! - `tracing`: the observations of connections as events of the crate `tracing`, with the target `pgtls`.
//! - `serde`: [`Settings`] and [`SettingsBuilder`] in configuration files.
//!
//! A feature adds items. It does not change which server is accepted, which fallback is taken, or which file is read.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(feature = "blocking")]
pub mod blocking;
mod config;
mod error;
#[cfg(any(feature = "async-std", feature = "blocking", feature = "tokio"))]
mod session;
#[cfg(any(feature = "async-std", feature = "blocking", feature = "tokio"))]
mod startup;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use config::{Config, ConfigBuilder, IntoConfig, IntoSettings};
pub use error::Error;
pub use pgtls_adapter::{
    ActionError, AttemptError, BoxError, Cancelled, Cause, ConnectError, Connected, LibraryInit,
    NoDefaultProvider, Observation, Observer, Startup, StartupError,
};
#[cfg(feature = "async-std")]
pub use pgtls_async_std;
pub use pgtls_core::{
    connect::{Address, Peer, Report, Warning},
    environment::{Environment, Platform},
    message::CancelRequest,
    negotiation::{Encryption, Failure},
    param::{
        AuthMethod, ChannelBinding, GssEncMode, LoadBalanceHosts, ParamError, Params, ProtocolVersion,
        Secret, Settings, SettingsBuilder, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs,
        TlsVersion,
    },
    policy::Verification,
    startup::Refusal,
};
pub use pgtls_os::{EnvironmentError, environment};
#[cfg(feature = "aws-lc-rs")]
pub use pgtls_rustls::aws_lc_rs;
#[cfg(feature = "ring")]
pub use pgtls_rustls::ring;
pub use pgtls_rustls::{
    CryptoProvider, ExternalKey, InMemoryFiles, SessionFacts, SignatureScheme, SigningError, TlsError,
    TlsOptions,
};
pub use pgtls_startup::{AuthenticationMethod, ExchangeError, ServerError, ServerSession};
#[cfg(feature = "blocking")]
pub use pgtls_std;
#[cfg(feature = "tokio")]
pub use pgtls_tokio;
#[cfg(feature = "tokio-postgres")]
pub use pgtls_tokio_postgres as tokio_postgres;
#[cfg(any(feature = "async-std", feature = "blocking", feature = "tokio"))]
pub use session::Session;
#[cfg(any(feature = "async-std", feature = "blocking", feature = "tokio"))]
pub use startup::{Canceller, StartupContext};
pub use {pgtls_adapter, pgtls_core, pgtls_os, pgtls_rustls, pgtls_startup};
