//! Programs to copy from, each run against a real PostgreSQL by the suite.
//!
//! | example | shows |
//! |---|---|
//! | `minimal` | a blocking driver from SSLRequest to `SELECT 1` on the machine of the core |
//! | `openssl` | the same with OpenSSL in the place of rustls |
//! | `event_loop` | hundreds of connections on one thread with mio, on readiness, without `async` |
//! | `completion` | compio: I/O by completion, as with io_uring |
//! | `proxy` | a TLS proxy: the server's side in front, the client's side behind, everything bounded |
//!
//! ```sh
//! cargo run -p pgtls-examples --example minimal -- "host=localhost user=me sslmode=require"
//! ```
//!
//! The first two drive [`Connection`](pgtls_core::connect::Connection), the others
//! [`ByteConnection`](pgtls_adapter::ByteConnection). This library has the parts that a driver has already: [`messages`] of the
//! protocol, the loop of a startup exchange ([`login`]), a [`socket`] with a deadline, and the [`actions`] of the machine on it.
#![forbid(unsafe_code)]

pub mod actions;
mod display_error;
pub mod login;
pub mod messages;
pub mod socket;

pub use display_error::DisplayError;
