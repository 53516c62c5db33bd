//! Programs to copy from, each run against a real PostgreSQL by the suite.
//!
//! | example | shows |
//! |---|---|
//! | `minimal` | a blocking driver from SSLRequest to `SELECT 1`, in one file |
//! | `openssl` | the same under OpenSSL: the core decides, another library speaks TLS |
//! | `event_loop` | hundreds of connections on one thread, on readiness, without `async` |
//! | `completion` | I/O by submission and completion, as with io_uring: nothing is ever asked whether it is ready |
//! | `proxy` | a TLS proxy: the server's side in front, the client's side behind, everything bounded |
//!
//! ```sh
//! cargo run -p pgtls-examples --example minimal -- "host=localhost user=me sslmode=require"
//! ```
//!
//! The first two use the machine directly. The others share what is here: [`link`] puts the machine, rustls and the gate
//! together without I/O, [`dialled`] moves the bytes of one over a non-blocking socket, [`walk`] does so for one address
//! after the other, and [`messages`] is the part of the protocol that every driver has already.
#![forbid(unsafe_code)]

pub mod dialled;
pub mod link;
pub mod messages;
mod told;
pub mod walk;

pub use told::Told;
