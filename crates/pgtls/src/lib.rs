//! Logged-in PostgreSQL connections that negotiate and verify TLS as libpq does.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(feature = "blocking")]
pub mod blocking;
mod config;
mod error;
mod startup;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use config::{Config, ConfigBuilder, IntoConfig, IntoSettings};
pub use error::Error;
pub use startup::{Canceller, StartupContext};
