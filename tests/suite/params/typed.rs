//! Values as their types: what a text means where it means anything.

use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, ServiceFile, Settings},
    policy::PolicyInput,
};
use std::time::Duration;

fn params(conninfo: &str) -> Params {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("me".to_owned());
    Params::resolve(&Settings::parse(conninfo).unwrap(), None, &environment, Ability::default()).unwrap()
}

#[test]
fn the_first_character_of_sslsni_decides() {
    for (conninfo, sent) in [
        ("", true),
        ("sslsni=1", true),
        ("sslsni=10", true),
        ("sslsni=0", false),
        ("sslsni=01", false),
        ("sslsni=on", false),
        ("sslsni=''", false),
    ] {
        assert_eq!(params(conninfo).sslsni(), sent, "{conninfo:?}");
    }
}

#[test]
fn a_timeout_is_whole_seconds_above_zero() {
    for (conninfo, seconds) in [
        ("", None),
        ("connect_timeout=-1", None),
        ("connect_timeout=0", None),
        ("connect_timeout=1", Some(1)),
        ("connect_timeout=2147483647", Some(2_147_483_647)),
    ] {
        assert_eq!(params(conninfo).connect_timeout(), Ok(seconds.map(Duration::from_secs)), "{conninfo:?}");
    }
    for conninfo in ["connect_timeout=''", "connect_timeout=1s"] {
        assert!(params(conninfo).connect_timeout().is_err(), "{conninfo:?}");
    }
}

#[test]
fn the_database_is_the_user_where_none_is_named() {
    assert_eq!(params("user=u").dbname(), "u");
    assert_eq!(params("user=u dbname=d").dbname(), "d");
}

#[test]
fn a_peer_is_required_where_one_is_named() {
    for (conninfo, required) in [("", false), ("requirepeer=''", false), ("requirepeer=postgres", true)] {
        assert_eq!(PolicyInput::from(&params(conninfo)).requirepeer, required, "{conninfo:?}");
    }
}

/// libpq reads into 1024 bytes, and a line has to leave two of them.
#[test]
fn lines_of_service_files_are_bounded() {
    for (length, accepted) in [(1021, true), (1022, true), (1023, false), (1024, false), (5000, false)] {
        let value = "x".repeat(length - "application_name=\n".len());
        let file = format!("[s]\napplication_name={value}\n");
        let section = ServiceFile::section("f", file.as_bytes(), "s");
        assert_eq!(section.is_ok(), accepted, "{length} bytes");
    }
}
