//! What tests share: tables, certificates, a real PostgreSQL.

#[cfg(unix)]
pub(crate) mod client;
#[cfg(unix)]
pub(crate) mod cluster;
pub(crate) mod divergences;
#[cfg(unix)]
pub(crate) mod driver;
#[cfg(unix)]
pub(crate) mod patience;
#[cfg(unix)]
pub(crate) mod postgres;
#[cfg(unix)]
pub(crate) mod project;
pub(crate) mod table;

pub(crate) use pgtls_tests::skip;

use std::path::PathBuf;

/// A file of `tests/data/`.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}
