//! What is wrong with files and parameters comes to light when TLS starts, the first fault in libpq's order.

use crate::memory::{Files, PKI, connector, connector_with, options, params};
use pgtls_core::{
    files::{FileError, FileProblem, FileRole},
    hardening::Hardening,
    negotiation::TlsFailure,
    param::Secret,
};
use pgtls_rustls::{SetupError, TlsError};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn setup_error(conninfo: &str, files: &Files, host: &str) -> Option<SetupError> {
    match connector(conninfo, files).session(Some(host)) {
        Ok(_) => None,
        Err(error) => {
            assert_eq!(error.failure(), TlsFailure::Setup);
            match error {
                TlsError::Setup(error) => Some(error),
                other => panic!("{other:?} is no fault of ours"),
            }
        }
    }
}

/// A word for the fault.
fn fault(error: Option<SetupError>) -> &'static str {
    match error {
        None => "none",
        Some(SetupError::File(FileError { role, .. }) | SetupError::Content { role, .. }) => match role {
            FileRole::RootCert => "root",
            FileRole::Crl | FileRole::CrlDir => "crl",
            FileRole::Cert => "certificate",
            FileRole::Key => "key",
        },
        Some(SetupError::KeyMismatch { .. } | SetupError::KeyUnsupported { .. }) => "key",
        Some(SetupError::ServerName(_)) => "sni",
        Some(SetupError::Versions(_)) => "versions",
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_first_fault_is_reported() {
    let (good, other) = (PKI.client("good").unwrap(), PKI.client("revoked").unwrap());
    let long = "x".repeat(256);
    // Each row mends the fault that the row before it has reported.
    let rows = [
        ("root", "nothing".to_owned(), "nothing".to_owned(), long.as_str(), other.key_pem(), "TLSv1.1"),
        (
            "certificate",
            PKI.root_file("root").unwrap(),
            "nothing".to_owned(),
            &long,
            other.key_pem(),
            "TLSv1.1",
        ),
        ("sni", PKI.root_file("root").unwrap(), good.chain_pem(), &long, other.key_pem(), "TLSv1.1"),
        ("key", PKI.root_file("root").unwrap(), good.chain_pem(), "db.test", other.key_pem(), "TLSv1.1"),
        ("versions", PKI.root_file("root").unwrap(), good.chain_pem(), "db.test", good.key_pem(), "TLSv1.1"),
        ("none", PKI.root_file("root").unwrap(), good.chain_pem(), "db.test", good.key_pem(), "TLSv1.3"),
    ];
    for (expected, root, certificate, host, key, maximum) in rows {
        let files = Files::default().with("/r", root).with("/c", certificate).with("/k", key);
        let conninfo = format!(
            "sslmode=verify-full sslrootcert=/r sslcert=/c sslkey=/k ssl_min_protocol_version=TLSv1 \
             ssl_max_protocol_version={maximum}"
        );
        assert_eq!(fault(setup_error(&conninfo, &files, host)), expected);
    }
}

#[test]
fn a_certificate_needs_its_key() {
    let client = PKI.client("good").unwrap();
    let files = Files::default().with("/c", client.chain_pem());
    let mode = "sslmode=require sslcert=/c sslkey=/k";
    let missing = setup_error(mode, &files, "db.test");
    let problem = match &missing {
        Some(SetupError::File(FileError { problem, .. })) => problem,
        other => panic!("{other:?}"),
    };
    assert!(matches!(problem, FileProblem::Missing(_)));
    assert!(missing.unwrap().to_string().contains("certificate present"));

    let mismatch =
        setup_error(mode, &files.clone().with("/k", PKI.client("rsa").unwrap().key_pem()), "db.test");
    assert!(matches!(mismatch, Some(SetupError::KeyMismatch { .. })));
    let garbage = setup_error(mode, &files.with("/k", "garbage"), "db.test");
    assert!(matches!(garbage, Some(SetupError::Content { role: FileRole::Key, .. })));
}

#[test]
fn a_missing_certificate_is_no_fault() {
    let key = PKI.client("good").unwrap().key_pem();
    let files = Files::default().with("/k", key);
    assert_eq!(setup_error("sslmode=require sslcert=/c sslkey=/k", &files, "db.test"), None);
}

#[test]
fn sslcertmode_disable_looks_at_neither_file() {
    let files = Files::default().with("/c", "garbage").with("/k", "garbage");
    let mode = "sslmode=require sslcert=/c sslkey=/k";
    assert_eq!(fault(setup_error(mode, &files, "db.test")), "certificate");
    assert_eq!(setup_error(&format!("{mode} sslcertmode=disable"), &files, "db.test"), None);
}

#[test]
fn a_broken_crl_file_is_ignored_unless_it_must_load() {
    let files = Files::default().with("/r", PKI.root_file("root").unwrap()).with("/crl", "garbage");
    let mode = "sslmode=verify-ca sslrootcert=/r sslcrl=/crl";
    assert_eq!(setup_error(mode, &files, "db.test"), None);

    let mut hardening = Hardening::NONE;
    hardening.explicit_crl_must_load = true;
    let params = params(mode).with_hardening(hardening);
    let environment = pgtls_core::environment::Environment::default();
    let loaded = pgtls_core::files::load(&params, &environment, &files);
    let connector = pgtls_rustls::Connector::new(&params, &loaded, &options(pgtls_rustls::aws_lc_rs()));
    let error = connector.session(Some("db.test")).unwrap_err();
    assert!(error.to_string().contains("/crl"), "{error}");
}

#[test]
fn the_hook_is_asked_for_encrypted_keys_alone() {
    let client = PKI.client("good").unwrap();
    let files = Files::default().with("/c", client.chain_pem()).with("/k", client.key_pem());
    let asked = Arc::new(AtomicUsize::new(0));
    let mut options = options(pgtls_rustls::aws_lc_rs());
    let counter = asked.clone();
    options.passphrase = Some(Arc::new(move |path| {
        assert_eq!(path, "/k");
        counter.fetch_add(1, Ordering::Relaxed);
        Some(Secret::new("wrong".to_owned()))
    }));
    let mode = "sslmode=require sslcert=/c sslkey=/k";
    connector_with(mode, &files, &options).session(None).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn secrets_are_not_printed() {
    let client = PKI.client("good").unwrap();
    let files = Files::default().with("/c", client.chain_pem()).with("/k", client.key_pem());
    let connector = connector("sslmode=require sslcert=/c sslkey=/k sslpassword=hunter2", &files);
    let shown = format!("{connector:?} {:?}", connector.session(Some("db.test")).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("PRIVATE"));
}
