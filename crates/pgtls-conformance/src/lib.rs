//! Judges the TLS of PostgreSQL clients by the recorded behaviour of libpq.
//!
//! - [`pki`]: a test PKI with certificates, keys and revocation lists of every kind that a client meets;
//! - [`server`]: a scripted server, honest or hostile, that records each connection;
//! - [`scenario`]: servers, settings and libpq's recorded results, as blocks of text; [`scenarios`] has those of the kit;
//! - [`client`]: a program or a function that takes a connection string;
//! - [`runner`] and [`judge`]: run clients through scenarios, and list the differences from libpq;
//! - [`run()`] and [`Run`]: all of it in one call;
//! - [`report`]: the verdicts as text, JSON, JUnit and a page of HTML;
//! - `runtime`: tests of an adapter for a runtime, on real sockets, in one call (feature `runtime`);
//! - [`section`]: the documents with the rules behind a scenario.
//!
//! ```no_run
//! use pgtls_conformance::{Run, client::CommandClient, scenario::Libpq};
//!
//! let psql: CommandClient = "psql --no-psqlrc --no-password --command '' {conninfo}".parse()?;
//! let report = Run::new().name("psql").libpq(Libpq::V15).groups(&["negotiation", "name"]).client(&psql)?;
//! print!("{}", report.text(10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## Features
//! - `proptest`: strategies for situations without a recording, and `conforms`, which compares a client in them with pgtls.
//! - `runtime`: the tests of an adapter for a runtime.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod client;
pub mod judge;
pub mod pki;
#[cfg(feature = "proptest")]
pub mod property;
mod public;
#[cfg(feature = "proptest")]
pub mod reference;
pub mod report;
mod run;
pub mod runner;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod scenario;
pub mod section;
pub mod server;

pub use public::{GROUPS, scenarios};
pub use run::{Run, RunError, run};
