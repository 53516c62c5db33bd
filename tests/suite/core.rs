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
#[path = "../fuzz/src/negotiation.rs"]
mod negotiation_target;
mod params;
#[expect(dead_code, reason = "other targets need the rest of it")]
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

/// The suite does the same with all targets, and with bytes near to their seeds.
#[test]
fn seeds_of_the_fuzz_targets_of_the_machines() {
    run_seeds("negotiation", negotiation_target::negotiation);
    run_seeds("startup", startup_target::startup);
}

/// Each seed, and each beginning of it with every last byte.
fn run_seeds(name: &str, target: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in seeds {
        let bytes = std::fs::read(seed).unwrap();
        target(&bytes);
        for length in 0..bytes.len() {
            for last in 0..=u8::MAX {
                target(&[&bytes[..length], &[last]].concat());
            }
        }
    }
}
