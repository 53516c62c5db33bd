//! The suite is `suite/main.rs`, its tables are in `data/`. What lives here is for the tests of every crate.

#[cfg(doctest)]
mod documents;

use std::{env, io, io::Write};

/// Says, past the test harness, which hides what passing tests print, that something was not tested. Where
/// `PGTLS_REQUIRE_LIVE=1` is set, nothing may be skipped: it panics.
///
/// # Panics
/// Where nothing may be skipped.
#[track_caller]
pub fn skip(what: &str, reason: &str) {
    let required = env::var_os("PGTLS_REQUIRE_LIVE").is_some_and(|value| value == "1");
    assert!(!required, "{what}: {reason}, and PGTLS_REQUIRE_LIVE=1 forbids to skip it");
    skip_optional(what, reason);
}

/// Prints that something was not tested because a tool is missing that `.ci/run` does not install.
///
/// # Panics
/// Standard error cannot be written to.
pub fn skip_optional(what: &str, reason: &str) {
    writeln!(io::stderr(), "skipped: {what}: {reason}").expect("standard error can be written to");
}
