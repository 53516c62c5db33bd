//! libpq's TLS behaviour without I/O: what a PostgreSQL client asks for, falls back to, verifies and refuses.
//!
//! Whoever writes a driver, a pooler, a proxy or a runtime of their own embeds this and decides as `psql` would have. The
//! crate decides and does nothing: it opens no socket and no file, reads no clock and no environment, speaks no TLS, and
//! has no dependencies. Text comes in and becomes a type once; after that, what cannot be carried out cannot be said.
//!
//! ```text
//!  connection string,          files, behind
//!  service file, PG*           ReadFile
//!        │                        │
//!        ▼                        ▼
//!  param::Params ──▶ policy ──▶ negotiation ──▶ (your TLS) ──▶ name ──▶ startup ──▶ session
//!        │           one plan    what now?       what was       does it   what did
//!        ▼           for one     what happened?  verified?      match?    the server say?
//!   candidates       address
//! ```
//!
//! Whose rules: libpq of PostgreSQL 18 over OpenSSL, the surprising ones included. What is surprising can be switched off
//! by its name ([`hardening`]).
//!
//! # Where to begin
//!
//! - **A driver with sockets** wants one of the adapters that are made of this: `pgtls-std`, `pgtls-tokio`,
//!   `pgtls-async-std`.
//! - **A driver with a runtime or a TLS library of its own** drives [`attempt::Attempt`] for one address, and
//!   [`candidates::Candidates`] over all of them: the loop is in the documentation of both.
//! - **A driver with nothing but a connection that is open** drives [`negotiation::Negotiation`] itself.
//! - **A server, pooler or proxy** reads its clients' first bytes with [`accept::Acceptor`].
//!
//! ```
//! use pgtls_core::{
//!     environment::{Environment, Platform},
//!     param::{Ability, Params, Settings},
//!     policy::{GssCredentials, Method, Payload, Transport, plan},
//! };
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "me");
//! let settings = Settings::parse("postgresql://db.example.com/shop?sslmode=prefer")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//!
//! // What would psql do? TLS first, and plaintext when the server has none, or when TLS fails.
//! let plan = plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
//! assert!(plan.methods().eq([Method::Ssl, Method::Plain]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - Nothing that a peer, a file or the environment sends makes it panic, loop, or grow past a bound that has a name.
//! - A machine does not believe that a chain was verified or a name matched: it asks for the proof
//!   ([`negotiation::ChainVerified`], [`name::NameVerified`]) wherever `sslmode` does.
//! - No byte of the startup exchange leaves in clear where the plan does not allow it ([`gate`]).
//! - What a server says before it has proven who it is is not shown to people.
//! - Passwords are wiped from memory and left out of `Debug`.
//!
//! # What may grow
//!
//! What is handed out, errors, events and the sets of words that PostgreSQL adds to are `#[non_exhaustive]`, and what is
//! filled in has a constructor. What decides is not: [`SslMode`](param::SslMode), [`Method`](policy::Method),
//! [`Verification`](policy::Verification), [`Encryption`](negotiation::Encryption), [`Then`](negotiation::Then), and what a
//! caller fills in to be decided on ([`PolicyInput`](policy::PolicyInput), [`TlsFacts`](negotiation::TlsFacts)). One more
//! of them is a new question to every embedder, and so a new major version.
//!
//! # Features
//! - `serde`: [`Settings`](param::Settings) and the words of parameters to and from serde's data model. Off by default.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod accept;
pub mod connect;
pub mod environment;
pub mod files;
pub mod hardening;
pub mod mechanism;
pub mod message;
pub mod name;
pub mod negotiation;
pub mod param;
pub mod policy;
pub mod role;
pub mod secret;
pub mod sni;
pub mod startup;
