//! The strict profile beside OpenSSL's verdict, and certificates told in words.

use super::{
    grammar::{Change, CrlChange, EntryExtension, Extension, Name, Scenario},
    keys::KeyKind,
    make::make,
    options,
};
use pgtls_x509::{
    CrlStore, Description, Purpose, Refusal, SecurityLevel, TrustStore, X509Error, verify_chain,
    verify_chain_strict,
};

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
    let trust = TrustStore::from_pem(files.roots.as_bytes()).unwrap();
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
fn the_strict_profile_is_webpkis() {
    let untrusted = Err(Refusal::ChainUntrusted.as_str());
    // Good chains are good for both.
    assert_eq!(both(&plain(3, vec![], None)), [Ok(3), Ok(3)]);
    assert_eq!(both(&plain(2, vec![], Some(vec![]))), [Ok(2), Ok(2)]);
    // webpki takes a self-signed certificate of the store for its own issuer, as long as it is no CA.
    assert_eq!(both(&plain(1, vec![], None)), [Ok(1), Ok(2)]);
    // What OpenSSL alone lets pass: X.509 v1, and a CA as the server's own.
    assert_eq!(
        both(&plain(2, vec![(0, Change::Version(None)), (0, Change::Bare)], None)),
        [Ok(2), untrusted]
    );
    let ca = Extension::BasicConstraints { ca: Some(true), path_length: None };
    assert_eq!(both(&plain(2, vec![(0, Change::Set(ca, true))], None)), [Ok(2), untrusted]);
    // What both refuse.
    let revoked = Some(vec![(0, CrlChange::Lists(EntryExtension::None))]);
    assert_eq!(both(&plain(2, vec![], revoked)), [Err("revoked"), untrusted]);
    assert_eq!(both(&plain(3, vec![], Some(vec![(0, CrlChange::Missing)]))), [Err("crl-missing"), untrusted]);
}

#[test]
fn a_certificate_is_told_in_words() {
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
