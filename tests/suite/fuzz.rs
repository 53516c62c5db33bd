//! The fuzz targets on stable Rust: what they do with their seeds, and with bytes near to those, holds. So no target can rot
//! where nobody has a nightly compiler.

#[expect(unreachable_pub, reason = "the targets are a library of their own for cargo-fuzz")]
#[path = "../fuzz/src/lib.rs"]
pub(crate) mod targets;

use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};
use targets::TARGETS;

/// Random inputs for each target.
const CASES: u32 = 2_000;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

#[test]
fn seeds_and_bytes_near_to_them() {
    for (name, target) in TARGETS {
        let seeds: Vec<Vec<u8>> = entries(&folder("seeds").join(name))
            .iter()
            .map(|seed| fs::read(folder("seeds").join(name).join(seed)).unwrap())
            .collect();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in &seeds {
            target(seed);
        }
        let mut runner = TestRunner::new(ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let outcome = runner.run(&near(seeds).prop_map(Bytes), |Bytes(bytes)| {
            target(&bytes);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Shown as it would be written.
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// A seed, or nothing, with a few bytes written over, put in or cut out.
fn near(mut seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    seeds.push(Vec::new());
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), vec(any::<u8>(), 0..8));
    (select(seeds), vec(change, 0..4)).prop_map(|(mut bytes, changes)| {
        for (from, to, put) in changes {
            let from = from.index(bytes.len() + 1);
            let to = (from + to.index(put.len() + 2)).min(bytes.len());
            bytes.splice(from..to, put);
        }
        bytes
    })
}

/// A target is a file, a binary in the manifest, a folder of seeds and a row of the table, or none of them.
#[test]
fn every_target_is_told_in_every_place() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(entries(&folder("seeds")), names);
    let files: BTreeSet<String> = names.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(entries(&folder("fuzz_targets")), files);
    let manifest: toml::Table = fs::read_to_string(folder("Cargo.toml")).unwrap().parse().unwrap();
    let binaries = manifest["bin"].as_array().unwrap();
    assert_eq!(binaries.len(), names.len());
    for name in &names {
        let file = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(file.contains(&format!("pgtls_fuzz::{name}(")), "{name}");
        let path = format!("fuzz_targets/{name}.rs");
        let is_it = |binary: &toml::Value| {
            binary["name"].as_str() == Some(name) && binary["path"].as_str() == Some(&path)
        };
        assert!(binaries.iter().any(is_it), "{name} is no [[bin]]");
    }
}

fn entries(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
