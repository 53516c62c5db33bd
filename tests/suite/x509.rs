//! The tests of chains and CRLs out of the suite, linked with little else: see `tests/x509/Cargo.toml`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod differential;
mod limbo;

/// What these modules take from the suite's.
mod support {
    #[path = "divergences.rs"]
    pub(crate) mod divergences;

    /// A file of `tests/data/`.
    pub(crate) fn data(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(name)
    }
}
