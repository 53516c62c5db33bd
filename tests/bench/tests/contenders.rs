//! Each contender does what it is measured for, and verifies.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use pgtls_bench::{
    contenders::{self, Contender},
    exchange::Then,
    material::{BUNDLE_FILE, CRL_FILE, Material, ROOT_FILE},
    server,
    setup::{Provider, Setup},
};
use std::fs;
use tempfile::TempDir;

/// A server, and the folder with its files.
fn setup() -> (TempDir, Setup) {
    let folder = tempfile::tempdir().unwrap();
    let material = Material::new();
    material.write(folder.path()).unwrap();
    let setup = Setup {
        address: server::start(material.server_config()).unwrap(),
        roots: folder.path().join(ROOT_FILE),
        crl: None,
        direct: false,
        provider: Provider::AwsLcRs,
    };
    (folder, setup)
}

fn each(setup: &Setup, check: impl Fn(&str, &dyn Contender)) {
    for name in contenders::names() {
        check(name, &*contenders::make(name, setup).unwrap());
    }
}

#[test]
fn all_connect_in_every_way_and_move_bytes() {
    let (folder, setup) = setup();
    each(&setup, |name, contender| {
        contender.connect().unwrap_or_else(|error| panic!("{name}: {error}"));
        contender.sessions(1, 2, &mut |_| false).unwrap();
        contender.sessions(3, 2, &mut |_| false).unwrap();
        for then in [Then::Source, Then::Sink] {
            let mut costs = Vec::new();
            let mut again = |cost| {
                costs.push(cost);
                costs.len() < 2
            };
            contender.transfer(then, 1 << 20, &mut again).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(costs.len() == 2 && costs.iter().all(|cost| cost.cpu.as_nanos() > 0), "{name} {then:?}");
        }
    });
    let bundle = Setup { roots: folder.path().join(BUNDLE_FILE), ..setup.clone() };
    let crl = Setup { crl: Some(folder.path().join(CRL_FILE)), ..setup.clone() };
    let direct = Setup { direct: true, ..setup.clone() };
    let ring = Setup { provider: Provider::Ring, ..setup };
    for setup in [bundle, crl, direct, ring] {
        each(&setup, |name, contender| {
            contender
                .sessions(1, 2, &mut |_| false)
                .unwrap_or_else(|error| panic!("{name}: {setup:?}: {error}"));
        });
    }
}

/// Nobody is compared who would trust anybody, or who would not look at a revocation list.
#[test]
fn all_refuse_whom_they_must_not_trust() {
    let (folder, setup) = setup();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    Material::new().write(&other).unwrap();
    for setup in [
        Setup { roots: other.join(ROOT_FILE), ..setup.clone() },
        // The chain has an authority whose list is not there.
        Setup { crl: Some(other.join(CRL_FILE)), ..setup },
    ] {
        each(&setup, |name, contender| assert!(contender.connect().is_err(), "{name}: {setup:?}"));
    }
}
