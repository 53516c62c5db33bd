//! What tests share: tables, certificates, a real PostgreSQL.

#[cfg(unix)]
pub(crate) mod client;
pub(crate) mod divergences;
#[cfg(unix)]
pub(crate) mod driver;
#[cfg(unix)]
pub(crate) mod postgres;
pub(crate) mod table;

use std::{io::Write, path::PathBuf};

/// A file of `tests/data/`.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// Says past the test harness, which hides what passing tests print, that something was not tested; where
/// `PGTLS_REQUIRE_LIVE=1` is set, that is a failure.
#[track_caller]
pub(crate) fn skip(what: &str, reason: &str) {
    let required = std::env::var_os("PGTLS_REQUIRE_LIVE").is_some_and(|value| value == "1");
    assert!(!required, "{what}: {reason}, and PGTLS_REQUIRE_LIVE=1 forbids to skip it");
    writeln!(std::io::stderr(), "skipped: {what}: {reason}").expect("standard error can be written to");
}
