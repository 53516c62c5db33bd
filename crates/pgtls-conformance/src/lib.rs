//! What is needed to judge a PostgreSQL client's TLS.
//!
//! - [`pki`]: certificates of every kind that a client meets, made on the spot;
//! - [`server`]: a scripted server, honest or hostile, that writes down what the client did;
//! - [`scenario`]: servers, settings and what libpq makes of them, as blocks of text; [`scenarios`] has all that come with
//!   the kit;
//! - [`client`]: a program or a function that is handed a connection string;
//! - [`mod@bench`] and [`judge`]: run one through the other, and say what differs from libpq;
//! - [`run()`] and [`Run`]: all of it in one call;
//! - [`report`]: the verdicts as text, JSON, JUnit and a page of HTML;
//! - `runtime`: tests of an adapter for a runtime, on real sockets, in one call (feature `runtime`);
//! - [`section`]: where the rules behind a scenario are written down.
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
//! - `proptest`: strategies for situations that nobody has recorded, and `conforms`, which compares a client in them with pgtls
//!   itself.
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
