//! What is needed to judge a PostgreSQL client's TLS.
//!
//! - [`zoo`]: certificates of every kind that a client meets, made on the spot;
//! - [`server`]: a scripted server, honest or hostile, that writes down what the client did;
//! - [`scenario`]: servers, settings and what libpq makes of them, as blocks of text; [`scenarios`] has all that come with
//!   the kit;
//! - [`client`]: a program or a function that is handed a connection string;
//! - [`mod@bench`] and [`judge`]: run one through the other, and say what differs from libpq;
//! - [`report`]: the verdicts as text, JSON, JUnit and a page of HTML;
//! - [`section`]: where the rules behind a scenario are written down.
//!
//! ```no_run
//! use pgtls_conformance::{bench::Bench, client::CommandClient, scenario::Libpq, scenarios};
//!
//! let bench = Bench::new()?;
//! let psql: CommandClient = "psql --no-psqlrc --no-password --command '' {conninfo}".parse()?;
//! for scenario in &scenarios() {
//!     for difference in bench.run(scenario, &psql, Libpq::V18)?.differences() {
//!         println!("{}: {difference}", scenario.id);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bench;
pub mod client;
pub mod judge;
mod public;
pub mod report;
pub mod scenario;
pub mod section;
pub mod server;
pub mod zoo;

pub use public::{GROUPS, scenarios};
