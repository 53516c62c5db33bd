//! The strict profile beside the default one, and descriptions of certificates.

use super::{
    grammar::{Change, CrlChange, EntryExtension, Extension, Extra, Name, Scenario, TrustSetting},
    keys::KeyKind,
    make::{Files, make},
    options,
    rules::{chain, issuers::with_a_stranger},
    strategy::scenario,
};
use pgtls_conformance::pki::{Kind, Pki};
use pgtls_x509::{
    CrlStore, Description, Purpose, Refusal, SecurityLevel, TrustStore, VerifyOptions, X509Error,
    verify_chain, verify_chain_strict,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use rustls_pki_types::UnixTime;
use std::time::{Duration, SystemTime};

fn plain(length: usize, changes: Vec<(usize, Change)>, crls: Option<Vec<(usize, CrlChange)>>) -> Scenario {
    Scenario {
        length,
        kind: KeyKind::P256,
        client: false,
        level: 2,
        extras: Vec::new(),
        changes,
        crls,
        order: 0,
    }
}

/// Length of the accepted path, or the word for the refusal; first OpenSSL's verdict, then the strict one.
fn both(scenario: &Scenario) -> [Result<usize, &'static str>; 2] {
    let files = make(scenario);
    let trust = TrustStore::from_pem(&files.roots).unwrap();
    let crls = files.crls.as_ref().map(|crls| CrlStore::from_pem(crls.as_bytes()).unwrap());
    let options = options(Purpose::Server, SecurityLevel::DEFAULT);
    let presented: Vec<&[u8]> = files.presented.iter().map(Vec::as_slice).collect();
    [
        verify_chain(&files.leaf, &presented, &trust, crls.as_ref(), &options),
        verify_chain_strict(&files.leaf, &presented, &trust, crls.as_ref(), &options),
    ]
    .map(|result| match result {
        Ok(path) => {
            assert_eq!(path.describe().len(), path.certificates.len());
            assert!(path.describe().last().unwrap().self_signed);
            Ok(path.certificates.len())
        }
        Err(X509Error::Path(error)) => Err(error.verdict.refusal().as_str()),
        Err(other) => panic!("{other}"),
    })
}

#[test]
fn the_strict_profile_is_both_verdicts() {
    let untrusted = Err(Refusal::ChainUntrusted.as_str());
    // Good chains are good for both.
    assert_eq!(both(&plain(3, vec![], None)), [Ok(3), Ok(3)]);
    assert_eq!(both(&plain(2, vec![], Some(vec![]))), [Ok(2), Ok(2)]);
    // webpki takes a self-signed certificate of the store for its own issuer, as long as it is no CA.
    assert_eq!(both(&plain(1, vec![], None)), [Ok(1), Ok(2)]);
    // What OpenSSL alone accepts: X.509 v1, and a CA as the server's own.
    assert_eq!(
        both(&plain(2, vec![(0, Change::Version(None)), (0, Change::Bare)], None)),
        [Ok(2), untrusted]
    );
    let ca = Extension::BasicConstraints { ca: Some(true), path_length: None };
    assert_eq!(both(&plain(2, vec![(0, Change::Set(ca, true))], None)), [Ok(2), untrusted]);
    // What both refuse.
    let revoked = Some(vec![(0, CrlChange::Lists(EntryExtension::None))]);
    assert_eq!(both(&plain(2, vec![], revoked)), [Err("revoked"); 2]);
    assert_eq!(both(&plain(3, vec![], Some(vec![(0, CrlChange::Missing)]))), [Err("crl-missing"); 2]);
}

/// Trust settings of the root, and whether a chain to it is accepted by the default profile and the strict one.
#[test]
fn the_strict_profile_honours_trust_settings() {
    let trusted = |place, setting| vec![(place, Change::Trusted(setting))];
    for (setting, accepted) in [
        (TrustSetting::Nothing, true),
        (TrustSetting::Server, true),
        (TrustSetting::Any, true),
        (TrustSetting::Client, false),
        (TrustSetting::RejectServer, false),
        (TrustSetting::RejectAny, false),
    ] {
        let [default, strict] = accepts(&make(&chain(3, trusted(2, setting))), false, 2);
        assert_eq!((default, strict), (accepted, accepted), "{setting:?}");
        // The CA below the root, with settings of its own, beside a root without any.
        let [default, strict] = accepts(&make(&chain(3, trusted(1, setting))), false, 2);
        assert_eq!((default, strict), (accepted, accepted), "{setting:?}");
    }
    // A CA that another root cross-signed: the certificate with the settings is self-signed, and the peer sends the other.
    let crossed = |setting| Scenario {
        extras: vec![Extra { entity: 1, issuer: 2 }],
        ..chain(2, vec![(1, Change::Trusted(setting)), (2, Change::NotInRootFile), (2, Change::Presented)])
    };
    assert_eq!(accepts(&make(&with_a_stranger(crossed(TrustSetting::RejectServer))), false, 2), [false; 2]);
}

/// Whether the default profile and the strict one accept.
fn accepts(files: &Files, client: bool, level: u8) -> [bool; 2] {
    let Ok(mut trust) = TrustStore::from_pem(&files.roots) else { return [false; 2] };
    let mut crls = files.crls.as_ref().and_then(|crls| CrlStore::from_pem(crls.as_bytes()).ok());
    if !files.crl_directories.is_empty() {
        let crls = crls.get_or_insert_with(CrlStore::empty);
        for directory in &files.crl_directories {
            let files = directory.iter().map(|(name, content)| (name.as_str(), content.as_bytes()));
            crls.add_directory("crls", files);
        }
    }
    if let Some(crls) = &crls {
        trust.add_from_crl_file(crls);
    }
    let options = options(if client { Purpose::Client } else { Purpose::Server }, SecurityLevel(level));
    let presented: Vec<&[u8]> = files.presented.iter().map(Vec::as_slice).collect();
    [verify_chain, verify_chain_strict]
        .map(|verify| verify(&files.leaf, &presented, &trust, crls.as_ref(), &options).is_ok())
}

/// Random chains, with any trust settings.
#[test]
fn the_strict_profile_accepts_nothing_that_the_default_one_refuses() {
    let mut runner = TestRunner::deterministic();
    let mut counts = [0, 0];
    for _ in 0..1_000 {
        let scenario = scenario().new_tree(&mut runner).unwrap().current();
        let [default, strict] = accepts(&make(&scenario), scenario.client, scenario.level);
        assert!(default || !strict, "{scenario:#?}");
        counts = [counts[0] + u32::from(default), counts[1] + u32::from(strict)];
    }
    let [default, strict] = counts;
    assert!(strict > 100 && strict < default, "{strict} and {default} of 1000 are accepted");
}

/// Every server and client of the PKI with every root file, at three levels, with and without CRLs.
#[test]
fn so_it_is_in_the_pki() {
    let pki = Pki::open();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let crls = CrlStore::from_pem(pki.crl_file("root+inter").unwrap().as_bytes()).unwrap();
    let roots: Vec<(&str, TrustStore)> = pki
        .names(Kind::RootFile)
        .into_iter()
        .filter_map(|name| Some((name, TrustStore::from_pem(pki.root_file(name).ok()?.as_bytes()).ok()?)))
        .collect();
    let (mut accepted, mut count) = (0, 0);
    for (kind, purpose) in [(Kind::Server, Purpose::Server), (Kind::Client, Purpose::Client)] {
        for name in pki.names(kind) {
            let identity = match kind {
                Kind::Server => pki.server(name),
                _ => pki.client(name),
            };
            let Ok(identity) = identity else { continue };
            let others: Vec<&[u8]> = identity.chain().iter().skip(1).map(AsRef::as_ref).collect();
            for (root, trust) in &roots {
                for (level, crls) in [(2, None), (2, Some(&crls)), (0, None)] {
                    let time = UnixTime::since_unix_epoch(now + Duration::from_secs(1));
                    let options = VerifyOptions::new(time, purpose, SecurityLevel(level), algorithms);
                    let [default, strict] = [verify_chain, verify_chain_strict]
                        .map(|verify| verify(identity.leaf(), &others, trust, crls, &options).is_ok());
                    assert!(default || !strict, "{name} with {root} at level {level}");
                    accepted += u32::from(strict);
                    count += 1;
                }
            }
        }
    }
    assert!(accepted > 50, "{accepted} of {count} are accepted");
}

#[test]
fn a_certificate_is_described() {
    let names = vec![
        Name::Dns("db.example.com"),
        Name::Ip(&[192, 0, 2, 1]),
        Name::Ip(&[1, 2, 3]),
        Name::Email("a@example.com"),
        Name::Directory(Some("Somebody")),
    ];
    let files = make(&plain(2, vec![(0, Change::Set(Extension::SubjectAltName(names), false))], None));
    let told = Description::of(&files.leaf).unwrap().to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        &lines[..lines.len() - 1],
        [
            "subject      O=Test, CN=Entity 0",
            "issuer       O=Test, CN=Entity 1",
            "serial       01 (X.509 v3)",
            "valid        2020-01-01 00:00:00 UTC to 2040-01-01 00:00:00 UTC",
            "key          EC, P-256",
            "signature    ECDSA with SHA-256",
            "speaks for   DNS db.example.com",
            "speaks for   IP 192.0.2.1",
            "speaks for   IP of 3 octets",
            "speaks for   e-mail a@example.com",
            "speaks for   directory O=test, CN=Somebody",
            "key usage    digitalSignature",
            "purpose      serverAuth",
        ]
    );
    assert_eq!(lines.last().unwrap().len(), "SHA-256      ".len() + 64);
    let many = (0..50).map(|_| Name::Dns("x")).collect();
    let files = make(&plain(2, vec![(0, Change::Set(Extension::SubjectAltName(many), false))], None));
    let description = Description::of(&files.leaf).unwrap();
    assert_eq!((description.names.len(), description.more_names), (32, 18));
    let files =
        make(&plain(2, vec![(0, Change::Malformed(super::grammar::ExtensionKind::SubjectAltName))], None));
    assert!(Description::of(&files.leaf).unwrap().invalid.unwrap().starts_with("subjectAltName: "));
}
