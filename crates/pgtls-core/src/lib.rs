//! libpq's TLS behaviour without I/O: the methods, fallbacks and checks of a PostgreSQL client's connection.
//!
//! Drivers, poolers, proxies and runtimes embed this crate and connect or refuse as `psql` does. The crate decides and performs
//! nothing: it opens no socket and no file, reads no clock and no environment, speaks no TLS, and has no dependencies. Text
//! becomes a type once; combinations that are not allowed have no value.
//!
//! ```text
//!  connection string,
//!  service file, PG*           sockets, resolver, clock, files, TLS: the program's
//!        │                            ▲                 │
//!        ▼                     Action │                 │ Input
//!  param::Params ──────▶ ┌────────────┴─────────────────▼────────────┐
//!                        │            connect::Connection            │ ──▶ session, or an
//!                        │ hosts and addresses · time limit · errors │     error for each
//!                        │   policy ──▶ negotiation ──▶ verdict      │     attempt; report
//!                        └──────┬───────────▲──────────────▲─────────┘
//!                               ▼           │              │
//!                          server name   TlsFacts   StartupVerdict
//!                             (sni)      (files,    (startup::
//!                                         name)      StartupMonitor)
//! ```
//!
//! The law is libpq of PostgreSQL 18 over OpenSSL, with its surprising rules. Each of those can be switched off by its name
//! ([`hardening`]).
//!
//! # Where to begin
//!
//! - **A driver with sockets** uses an adapter that is made of this crate: `pgtls-std`, `pgtls-tokio`, `pgtls-async-std`.
//! - **A driver with a runtime or a TLS library of its own** drives [`connect::Connection`], from the parameters to a session;
//!   the loop is in the documentation of [`connect`].
//! - **A driver whose connection is already open** drives [`Connection::to`](connect::Connection::to), or, if it never opens
//!   another one and has no allocator, [`negotiation::Negotiation`] alone.
//! - **A server, pooler or proxy** reads the first bytes of its clients with [`accept::Acceptor`].
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
//! // As psql: TLS first, and plaintext if the server has none, or if TLS fails.
//! let plan = plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
//! assert!(plan.methods().eq([Method::Ssl, Method::Plain]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Promises
//!
//! - No input of a peer, a file or the environment causes a panic, an endless loop, or growth past a bound that has a name.
//! - A machine accepts no claim that a chain was verified or a name matched. It needs the proof
//!   ([`negotiation::ChainVerified`], [`name::NameVerified`]) wherever `sslmode` demands the verification.
//! - A session is proven: only the verdict of a [`startup::StartupMonitor`], which has read every byte of the startup
//!   exchange, leads to [`Action::Done`](connect::Action::Done). The role that `target_session_attrs` demands is a part of it.
//! - No byte of the startup exchange leaves in clear where the plan does not allow it ([`policy`]).
//! - No text that a server sends before TLS is agreed reaches a person (CVE-2024-10977).
//! - A mistake of the program ends the connection ([`connect::Misuse`]); it never leads to a session.
//! - Passwords are wiped from memory and left out of `Debug`.
//!
//! # Compatibility
//!
//! Values that the crate returns, errors, events and sets of words to which PostgreSQL adds are `#[non_exhaustive]`, and values
//! that a program fills in have a constructor. Enums that decide are not: [`SslMode`](param::SslMode),
//! [`Method`](policy::Method), [`Verification`](policy::Verification), [`Encryption`](negotiation::Encryption),
//! [`AfterFailure`](negotiation::AfterFailure), the inputs of a [`Connection`](connect::Input), and the facts that decide
//! ([`PolicyInput`](policy::PolicyInput), [`TlsFacts`](negotiation::TlsFacts)). One more of them is a new question to every
//! embedder, and so a new major version.
//!
//! # Features
//! - `serde`: [`Settings`](param::Settings) and the words of parameters to and from serde's data model. Off by default.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

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
