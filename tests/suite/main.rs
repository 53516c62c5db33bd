//! The one suite: drives all crates from the tables in `tests/data/`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod adapters;
#[cfg(unix)]
mod attributes;
#[cfg(unix)]
mod client_chain;
mod conformance;
mod differential;
#[cfg(unix)]
mod examples;
#[cfg(unix)]
mod facade;
#[cfg(unix)]
mod ffi;
mod files;
mod fuzz;
mod gss;
mod keys;
mod limbo;
#[cfg(unix)]
mod live;
mod names;
mod negotiation;
mod openssl_conf;
mod params;
#[cfg(unix)]
mod ssltests;
mod startup;
mod support;
mod tls;
#[cfg(unix)]
mod warnings;
