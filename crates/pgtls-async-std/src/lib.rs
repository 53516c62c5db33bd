//! async-std is discontinued: pgtls on `futures-io`, for smol, for what is left of async-std, and for any other executor.
//!
//! PostgreSQL connections opened, encrypted and verified as libpq does it. [`connect`] tries hosts and addresses;
//! [`negotiate`] takes a connection that the program has opened itself and asks nothing of it but the traits of
//! `futures-io`. Both hand over a [`Stream`] for the startup exchange, which is the driver's, and again when it is done.
//! Nothing is decided here: what to try, what to fall back to and whom to trust is in `pgtls-core`, `pgtls-x509` and
//! `pgtls-rustls`, and how that becomes steps that an adapter can take, in `pgtls-adapter`. A driver whose startup exchange
//! takes the stream away owns the loop, with [`connecting`].
//!
//! ```no_run
//! use pgtls_core::param::{Ability, Settings};
//! use pgtls_async_std::{Config, connect, log_in};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = pgtls_os::environment()?;
//! let settings = Settings::parse("host=db.example.com sslmode=verify-full sslrootcert=root.crt")?;
//! let params = pgtls_os::params(&settings, &environment, Ability::default())?;
//! let passwords = pgtls_os::passwords(&params, &environment);
//! let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
//!
//! let connected = connect(&config, async |stream, at| {
//!     let password = async { passwords.password(at.peer.host_index).cloned() };
//!     log_in(stream, at, &config.params, password).await
//! })
//! .await?;
//! if let Some(tls) = connected.stream.facts() {
//!     println!("{} with {}, host name {:?}", tls.protocol, tls.cipher.name, tls.matched_name);
//! }
//! println!("PostgreSQL {:?}", connected.value.parameter("server_version"));
//! # Ok(())
//! # }
//! ```
//!
//! [`log_in`] runs the startup exchange. A driver with one of its own runs that instead.
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
//! - `tracing`: what happens while connecting, as events of the crate `tracing`; see
//!   [docs/drivers.md](https://github.com/pgtls/pgtls/blob/main/docs/drivers.md#seen-while-it-happens).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cancel;
mod connect;
mod login;
mod negotiate;
mod runtime;
mod socket;
mod stream;

pub use cancel::cancel;
pub use connect::{Connecting, connect, connecting, connecting_with};
pub use login::log_in;
pub use negotiate::{Negotiating, negotiate, negotiating};
pub use pgtls_adapter::{
    ActionError, AttemptError, BoxError, Cancelled, Cause, Config, ConnectError, Connected, Dialer, Endpoint,
    Hosts, LibraryInit, NoDefaultProvider, Observation, Observer, Provided, Resolver, Startup, StartupError,
};
pub use pgtls_startup::ServerSession;
pub use runtime::AsyncIo;
pub use socket::Socket;
#[cfg(unix)]
pub use socket::peer_user;
pub use stream::Stream;
