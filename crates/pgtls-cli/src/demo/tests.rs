//! The file of servers is held against the real psql: it must say what libpq does.

use super::{
    Arguments,
    cell::Cell,
    matrix::{RootFile, Told, walk},
    render::{conclusion, matrix},
    server::DemoServer,
    show, write_files,
};
use pgtls_conformance::{pki::Pki, server::Channel};
use std::{process::Command, sync::Arc};

/// What psql says when it gives up, and the classes that this may stand for. libpq hides the verdict on a chain.
const PHRASES: &[(&str, &[&str])] = &[
    ("certificate verify failed", &["chain-untrusted", "expired", "revoked", "wrong-purpose"]),
    ("does not match host name", &["name-mismatch"]),
    ("root certificate file", &["missing-root-file", "unencrypted-data"]),
    ("home directory to locate root certificate", &["missing-root-file"]),
    ("server does not support SSL", &["server-no-ssl"]),
    ("FATAL:  no pg_hba.conf entry", &["server-error"]),
    ("received unencrypted data", &["unencrypted-data"]),
    ("received invalid response", &["bad-reply"]),
    ("expected authentication request", &["bad-reply"]),
    // psql 15 before the correction of CVE-2024-10977 showed the server's text.
    ("server sent an error response", &["server-error-in-negotiation"]),
    ("too many clients", &["server-error-in-negotiation"]),
    ("SSL SYSCALL error", &["eof"]),
    ("server closed the connection", &["eof"]),
    ("unexpected eof", &["eof"]),
];

#[test]
fn psql_does_what_the_file_says() {
    if Command::new("psql").arg("--version").output().is_err() {
        return pgtls_tests::skip("the demo and psql", "psql is not installed");
    }
    let servers = DemoServer::all().unwrap();
    let pki = Arc::new(Pki::open());
    let files = tempfile::tempdir().unwrap();
    write_files(&pki, files.path()).unwrap();
    let attempts = walk(&servers, &pki, files.path(), |conninfo| psql(conninfo, files.path())).unwrap();
    assert_eq!(attempts.len(), servers.len() * 12);
    for attempt in attempts {
        let same = match (&attempt.outcome, &attempt.expected) {
            (Cell::Refused(phrase), Cell::Refused(class)) => {
                PHRASES.iter().any(|(text, classes)| text == phrase && classes.contains(&class.as_str()))
            }
            (outcome, expected) => outcome == expected,
        };
        assert!(same && !attempt.contradiction, "{attempt:#?}");
    }
}

#[test]
fn pgtls_does_what_the_file_says() {
    let (mut text, mut json) = (Vec::new(), Vec::new());
    assert!(show(&Arguments { json: false }, &mut text).unwrap(), "{}", String::from_utf8_lossy(&text));
    assert!(show(&Arguments { json: true }, &mut json).unwrap());

    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("All 192 attempts ended as they do with libpq"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["agrees"], true);
    assert_eq!(json["attempts"].as_array().unwrap().len(), 192);
}

#[test]
fn differences_are_shown_and_counted() {
    let servers = DemoServer::all().unwrap();
    let pki = Arc::new(Pki::open());
    let files = tempfile::tempdir().unwrap();
    // A client that claims to be connected and never is.
    let liar = |_: &str| Told { channel: Some(Channel::Ssl), verified: "full".to_owned(), ..Told::default() };
    let attempts = walk(&servers[..1], &pki, files.path(), liar).unwrap();
    assert!(attempts.iter().all(|attempt| attempt.contradiction && !attempt.agrees()));

    let mut text = Vec::new();
    matrix(&mut text, &attempts, RootFile::Present).unwrap();
    conclusion(&mut text, &attempts).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("verified (!)").count(), 6, "{text}");
    assert!(text.contains("12 of 12 attempts did not end as they do with libpq"), "{text}");
    assert!(text.contains("honest, sslmode=prefer, without root file: full instead of encrypted"), "{text}");
    assert!(text.contains("client and server do not agree"), "{text}");
}

/// psql as a client of the demo; the class of its error is the phrase of [`PHRASES`] in it, or all of it.
fn psql(conninfo: &str, home: &std::path::Path) -> Told {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--command", r"\conninfo"])
        .arg(format!("{conninfo} gssencmode=disable"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.join("nobody"))
        .env("LC_ALL", "C")
        .output()
        .expect("psql runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        // The last attempt counts: its error stands at the end.
        let last = stderr.rsplit("connection to server").next().unwrap_or_default();
        let phrase = PHRASES.iter().map(|(phrase, _)| *phrase).find(|phrase| last.contains(phrase));
        let error_class = phrase.unwrap_or(&stderr).to_owned();
        return Told { error_class, error: Some(stderr.into_owned()), ..Told::default() };
    }
    let channel = if stdout.contains("SSL connection") { Channel::Ssl } else { Channel::Plain };
    // psql does not tell what libpq verified: by its documentation the mode and the root file decide it.
    let verified = match (conninfo.contains("sslrootcert"), conninfo.contains("verify-full")) {
        (false, _) => "none",
        (true, false) => "ca",
        (true, true) => "full",
    };
    Told { channel: Some(channel), verified: verified.to_owned(), ..Told::default() }
}

#[test]
fn every_outcome_is_a_word_that_is_read_back() {
    for server in DemoServer::all().unwrap() {
        for cell in server.without.iter().chain(&server.with) {
            assert_eq!(cell.to_string().parse(), Ok(cell.clone()));
        }
    }
    assert!("maybe".parse::<Cell>().is_err());
}

#[test]
fn a_root_file_changes_nothing_before_tls() {
    let plain = |cell: &Cell| matches!(cell, Cell::Plain { .. });
    for server in DemoServer::all().unwrap() {
        assert_eq!(server.without[0], server.with[0], "{}: disable", server.name);
        assert_eq!(plain(&server.without[1]), plain(&server.with[1]), "{}: allow", server.name);
        for verifying in [4, 5] {
            assert!(!plain(&server.with[verifying]) && !plain(&server.without[verifying]), "{}", server.name);
        }
    }
    assert_ne!(RootFile::Missing, RootFile::Present);
}
