//! async-std is discontinued: pgtls on `futures-io`, for smol, for what is left of async-std, and for any other executor.
//!
//! PostgreSQL connections opened, encrypted and verified as libpq does it. [`connect`] walks hosts and addresses;
//! [`negotiate`] takes a connection that the program has opened itself and asks nothing of it but the traits of
//! `futures-io`. Both hand over a [`Stream`] for the startup exchange, which is the driver's, and again when it is done.
//! Nothing is decided here: what to try, what to fall back to and whom to trust is in `pgtls-core`, `pgtls-x509` and
//! `pgtls-rustls`, and how that becomes steps that an adapter can take, in `pgtls-adapter`. A driver whose startup exchange
//! takes the stream away owns the loop, with [`connecting`].
//!
//! ```no_run
//! use futures_lite::{AsyncReadExt, AsyncWriteExt};
//! use pgtls_async_std::{Config, StartupError, Stream, connect};
//! use pgtls_core::{
//!     message::startup_message,
//!     param::{Ability, Params, Settings},
//!     startup::Refusal,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = pgtls_os::environment()?;
//! let settings = Settings::parse("host=db.example.com sslmode=verify-full sslrootcert=root.crt")?;
//! let params = pgtls_os::params(&settings, &environment, Ability::default())?;
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! let connected = connect(&config, async |stream, _at| start_up(stream, &config.params).await).await?;
//! if let Some(tls) = connected.stream.facts() {
//!     println!("{} with {}, host name {:?}", tls.protocol, tls.cipher.name, tls.matched_name);
//! }
//! # Ok(())
//! # }
//!
//! /// The driver's part, from the StartupMessage to ReadyForQuery. This one knows no passwords.
//! async fn start_up(stream: &mut Stream, params: &Params) -> Result<(), StartupError> {
//!     let packet = startup_message(params.max_protocol_version().number(), params.startup_pairs())?;
//!     stream.write_all(&packet).await?;
//!     stream.flush().await?;
//!     loop {
//!         let mut head = [0; 5];
//!         stream.read_exact(&mut head).await?;
//!         let [kind, length @ ..] = head;
//!         let length = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
//!         let mut body = Vec::new();
//!         stream.take(length).read_to_end(&mut body).await?;
//!         match (kind, body.as_slice()) {
//!             (b'Z', _) => return Ok(()),
//!             (b'R', [0, 0, 0, 0]) => {}
//!             (b'R', _) => return Err(StartupError::Refused { refusal: Refusal::NoPassword, error: None }),
//!             // An error of the server's ends the exchange: the next read fails.
//!             _ => {}
//!         }
//!     }
//! }
//! ```
//!
//! There is a session only if the stream has seen it: a StartupMessage of a protocol version that the parameters allow,
//! ReadyForQuery after an authentication that they allow, and the role that `target_session_attrs` demands. Servers report
//! their role since release 14; [`Startup::role_query`] is for older ones.
//!
//! No executor is needed in particular: sockets and timers are those of `async-io`, which brings its own thread, and names
//! are looked up, files read and keys derived on the threads of `blocking`, which keeps them for the whole process
//! (`BLOCKING_MAX_THREADS`). Dropping a future closes the socket that it was about; work that has begun on such a thread ends
//! there, and nobody hears of it.
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
mod negotiate;
mod runtime;
mod socket;
mod stream;

pub use cancel::cancel;
pub use connect::{Connecting, connect, connecting, connecting_with};
pub use negotiate::{Negotiating, negotiate, negotiating};
pub use pgtls_adapter::{
    ActionError, AttemptError, BoxError, Cancelled, Cause, Config, ConnectError, Connected, Dialer, Endpoint,
    Hosts, LibraryInit, NoDefaultProvider, Provided, Resolver, Startup, StartupError,
};
pub use runtime::AsyncIo;
pub use socket::Socket;
#[cfg(unix)]
pub use socket::peer_user;
pub use stream::Stream;
