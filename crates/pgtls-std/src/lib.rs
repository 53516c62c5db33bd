//! pgtls on blocking sockets: PostgreSQL connections opened, encrypted and verified as libpq does it.
//!
//! [`connect`] walks hosts and addresses; [`negotiate`] takes a connection that the program has opened itself. Both hand
//! over a [`Stream`] for the startup exchange, which is the driver's, and again when it is done. Nothing is decided
//! here: what to try, what to fall back to and whom to trust is in `pgtls-core`, `pgtls-x509` and `pgtls-rustls`, and how
//! that becomes steps that an adapter can take, in `pgtls-adapter`. A driver whose startup exchange takes the stream away
//! owns the loop, with [`connecting`].
//!
//! ```no_run
//! use pgtls_core::{
//!     message::startup_message,
//!     param::{Ability, Params, Settings},
//!     startup::Refusal,
//! };
//! use pgtls_std::{Config, StartupError, Stream, connect};
//! use std::io::{Read, Write};
//!
//! let environment = pgtls_os::environment()?;
//! let settings = Settings::parse("host=db.example.com sslmode=verify-full sslrootcert=root.crt")?;
//! let params = pgtls_os::params(&settings, &environment, Ability::default())?;
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! let connected = connect(&config, |stream, _at| start_up(stream, &config.params))?;
//! if let Some(tls) = connected.stream.facts() {
//!     println!("{} with {}, host name {:?}", tls.protocol, tls.cipher.name, tls.matched_name);
//! }
//!
//! /// The driver's part, from the StartupMessage to ReadyForQuery. This one knows no passwords.
//! fn start_up(stream: &mut Stream, params: &Params) -> Result<(), StartupError> {
//!     let packet = startup_message(params.max_protocol_version().number(), params.startup_pairs())?;
//!     stream.write_all(&packet)?;
//!     stream.flush()?;
//!     loop {
//!         let mut head = [0; 5];
//!         stream.read_exact(&mut head)?;
//!         let [kind, length @ ..] = head;
//!         let length = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
//!         let mut body = Vec::new();
//!         stream.take(length).read_to_end(&mut body)?;
//!         match (kind, body.as_slice()) {
//!             (b'Z', _) => return Ok(()),
//!             (b'R', [0, 0, 0, 0]) => {}
//!             (b'R', _) => return Err(StartupError::Refused { refusal: Refusal::NoPassword, error: None }),
//!             // An error of the server's ends the exchange: the next read fails.
//!             _ => {}
//!         }
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! There is a session only if the stream has seen it: a StartupMessage of a protocol version that the parameters allow,
//! ReadyForQuery after an authentication that they allow, and the role that `target_session_attrs` demands. Servers report
//! their role since release 14; [`Startup::role_query`] is for older ones.
//!
//! [`cancel`] asks the server to cancel what a session is doing, encrypted and verified as the session was.
//!
//! The deadline of `connect_timeout` covers an address from the first packet to ReadyForQuery, whatever the server sends
//! meanwhile; looking up a name is not covered, as in libpq.
//!
//! ## Features
//! - `aws-lc-rs` (default): the crypto provider of aws-lc-rs, `pgtls_rustls::aws_lc_rs()`.
//! - `ring`: the one of ring, `pgtls_rustls::ring()`. Who wants it alone leaves the default features out, here and of
//!   `pgtls-rustls`.
#![forbid(unsafe_code)]

mod cancel;
mod connect;
mod connecting;
mod connection;
mod deadline;
mod dial;
mod negotiate;
mod socket;
mod stream;

pub use cancel::cancel;
pub use connect::{connect, connecting, connecting_with};
pub use connecting::Connecting;
pub use connection::Connection;
pub use dial::{ConnectionSource, Dialer, SocketDialer};
pub use negotiate::{negotiate, negotiating};
pub use pgtls_adapter::{
    ActionError, AttemptError, BoxError, Cancelled, Cause, Config, ConnectError, Connected, Deadline, Hosts,
    LibraryInit, NoDefaultProvider, Provided, Startup, StartupError,
};
pub use socket::Socket;
pub use stream::Stream;
