//! pgtls on blocking sockets: PostgreSQL connections opened, encrypted and verified as libpq does it.
//!
//! [`connect`] walks hosts and addresses; [`negotiate`] takes a connection that the program has opened itself. Both hand
//! over a [`Stream`] for the startup exchange, which is the driver's, and again when it is done. Nothing is decided
//! here: what to try, what to fall back to and whom to trust is in `pgtls-core`, `pgtls-x509` and `pgtls-rustls`, and how
//! that becomes steps that an adapter can take, in `pgtls-adapter`. A driver whose startup exchange takes the stream away
//! owns the loop, with [`connecting`].
//!
//! ```no_run
//! use pgtls_core::param::{Ability, Params, Settings};
//! use pgtls_std::{Config, connect};
//! use std::io::{Read, Write};
//!
//! let environment = pgtls_os::environment()?;
//! let settings = Settings::parse("host=db.example.com sslmode=verify-full sslrootcert=root.crt")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! let connected = connect(&config, |stream, _| {
//!     // The driver's part: send the StartupMessage, authenticate, read up to ReadyForQuery.
//!     # let startup: &[u8] = b"";
//!     stream.write_all(startup)?;
//!     stream.read(&mut [0; 1024])?;
//!     Ok(())
//! })?;
//! if let Some(tls) = connected.stream.facts() {
//!     println!("{} with {}, host name {:?}", tls.protocol, tls.cipher.name, tls.matched_name);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`cancel`] asks the server to cancel what a session is doing, encrypted and verified as the session was.
//!
//! The deadline of `connect_timeout` covers an address from the first packet to ReadyForQuery, whatever the server sends
//! meanwhile; looking up a name is not covered, as in libpq.
//!
//! ## Features
//! - `aws-lc-rs` (default): the crypto provider of aws-lc-rs.
//! - `ring`: the one of ring.
#![forbid(unsafe_code)]

mod cancel;
mod connect;
mod connecting;
mod connection;
mod dial;
mod negotiate;
mod socket;
mod stream;
mod timed;
mod tls;

pub use cancel::cancel;
pub use connect::{connect, connecting};
pub use connecting::Connecting;
pub use connection::Connection;
pub use dial::Dial;
pub use negotiate::{negotiate, negotiating};
pub use pgtls_adapter::{
    BoxError, Cancelled, Cause, Config, ConnectError, Connected, Hosts, LibraryInit, NoDefaultProvider,
    Opened, Startup, StartupError,
};
pub use socket::Socket;
pub use stream::Stream;
