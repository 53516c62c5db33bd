//! What is needed to judge a PostgreSQL client's TLS.
//!
//! - [`zoo`]: certificates of every kind that a client meets, made on the spot;
//! - [`server`]: a scripted server, honest or hostile, that writes down what the client did;
//! - [`scenario`]: servers, settings and what libpq makes of them, as rows of a file;
//! - [`client`]: a program or a function that is handed a connection string;
//! - [`mod@bench`] and [`judge`]: run one through the other, and say what differs from libpq.
//!
//! ```no_run
//! use pgtls_conformance::{bench::Bench, client::CommandClient, scenario::Scenarios};
//!
//! let Scenarios(scenarios) = std::fs::read_to_string("scenarios.toml")?.parse()?;
//! let bench = Bench::new()?;
//! let mut psql = CommandClient::new("psql", ["{conninfo}", "--no-password", "--command", ""]);
//! for scenario in &scenarios {
//!     for difference in bench.run(scenario, &mut psql)?.differences {
//!         println!("{}: {difference}", scenario.id);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bench;
pub mod client;
pub mod judge;
pub mod scenario;
pub mod server;
pub mod zoo;
