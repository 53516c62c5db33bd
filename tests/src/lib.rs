//! Nothing but tests lives here: the suite is `suite/main.rs`, its tables are in `data/`.

/// The examples of README.md are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
