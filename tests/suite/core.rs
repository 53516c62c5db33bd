//! The tests of the core out of the suite, linked with little else: see `tests/core/Cargo.toml`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "as in the suite and in the fuzz targets"
)]

mod files;
mod names;
mod negotiation;
mod params;
#[path = "../fuzz/src/script.rs"]
mod script;
mod startup;
#[path = "../fuzz/src/startup.rs"]
mod startup_target;

/// What these modules take from the suite's.
mod support {
    #[path = "divergences.rs"]
    pub(crate) mod divergences;
    #[path = "table.rs"]
    pub(crate) mod table;

    pub(crate) use pgtls_tests::skip;

    /// A file of `tests/data/`.
    pub(crate) fn data(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../data").join(name)
    }
}

mod fuzz {
    pub(crate) mod targets {
        pub(crate) use crate::startup_target as startup;
    }
}
