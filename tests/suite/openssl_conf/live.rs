//! psql and pgtls with the same configuration file: the same ClientHello, the same session with a real server.

use super::hello::{self, Hello};
use crate::support::{
    client::{clean_room, has_psql, pgtls_in},
    data,
    postgres::{Postgres, Tls},
    skip,
};
use pgtls_os::Disk;
use pgtls_rustls::aws_lc_rs;
use pgtls_x509::openssl_conf::{ConfFile, SystemDefault};
use serde::Deserialize;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    commands: Option<String>,
    file: Option<String>,
    #[serde(default)]
    params: String,
    reaches: String,
}

impl Case {
    /// The configuration file.
    fn text(&self) -> String {
        match (&self.file, &self.commands) {
            (Some(file), None) => file.clone(),
            (None, Some(commands)) => format!(
                "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\nMinProtocol = None\n{commands}\n"
            ),
            _ => panic!("{}: either commands or file", self.name),
        }
    }

    fn meaning(&self) -> SystemDefault {
        ConfFile::parse("openssl.cnf", self.text().as_bytes(), &Disk, &|_| None)
            .map(|conf| SystemDefault::of(&conf))
            .unwrap_or_default()
    }
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(data("openssl_conf.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().case
}

#[test]
fn psql_reaches_what_the_table_says() {
    if !has_psql() {
        return skip("psql and openssl.cnf", "psql is not installed");
    }
    for_every_case(|conninfo, home| {
        psql(conninfo, home, "SELECT version || ' ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .unwrap_or_else(|| "fail".to_owned())
    });
}

#[test]
fn the_program_reaches_what_the_table_says() {
    for_every_case(|conninfo, home| {
        let told = pgtls_in(conninfo, home, &[("OPENSSL_CONF", "openssl.cnf")]);
        match told["outcome"].as_str().unwrap() {
            "ssl" => format!("{} {}", told["protocol"].as_str().unwrap(), told["cipher"].as_str().unwrap()),
            other => other.to_owned(),
        }
    });
}

fn for_every_case(reach: impl Fn(&str, &Path) -> String) {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let conninfo = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser sslmode=verify-ca sslrootcert={}/root.crt",
        server.port(),
        server.folder().display()
    );
    for case in cases() {
        fs::write(home.path().join("openssl.cnf"), case.text()).unwrap();
        assert_eq!(reach(&format!("{conninfo} {}", case.params), home.path()), case.reaches, "{}", case.name);
    }
}

/// What both offer of what both have must be the same, and in the same order where the file gives one.
#[test]
fn psql_and_the_program_offer_the_same() {
    if !has_psql() {
        return skip("the ClientHello of psql", "psql is not installed");
    }
    let home = tempfile::tempdir().unwrap();
    let conninfo = |port: u16, params: &str| {
        format!(
            "host=localhost hostaddr=127.0.0.1 port={port} user=u dbname=d sslmode=require connect_timeout=20 {params}"
        )
    };
    let hellos = |params: &str| {
        let theirs = hello::of(|port| drop(psql(&conninfo(port, params), home.path(), "")));
        let ours = hello::of(|port| {
            pgtls_in(&conninfo(port, params), home.path(), &[("OPENSSL_CONF", "openssl.cnf")]);
        });
        (theirs, ours)
    };
    fs::write(home.path().join("openssl.cnf"), "").unwrap();
    let common = Common::of(&hellos("").0.expect("psql speaks TLS"));
    for case in cases() {
        fs::write(home.path().join("openssl.cnf"), case.text()).unwrap();
        let (theirs, ours) = hellos(&case.params);
        let meaning = case.meaning();
        let theirs = theirs.map(|hello| common.part_of(hello, &meaning));
        let ours = ours.map(|hello| common.part_of(hello, &meaning));
        assert_eq!(ours, theirs, "{}", case.name);
    }
}

/// What both libraries have.
struct Common {
    suites: BTreeSet<u16>,
    groups: BTreeSet<u16>,
    schemes: BTreeSet<u16>,
}

impl Common {
    fn of(theirs: &Hello) -> Self {
        let provider = aws_lc_rs();
        let suites = provider.cipher_suites.iter().map(|suite| u16::from(suite.suite()));
        let groups = provider.kx_groups.iter().map(|group| u16::from(group.name()));
        let schemes =
            provider.signature_verification_algorithms.supported_schemes().into_iter().map(u16::from);
        Self {
            suites: suites.filter(|suite| theirs.suites.contains(suite)).collect(),
            groups: groups.filter(|group| theirs.groups.contains(group)).collect(),
            schemes: schemes.filter(|scheme| theirs.schemes.contains(scheme)).collect(),
        }
    }

    fn part_of(&self, mut hello: Hello, meaning: &SystemDefault) -> Hello {
        hello.suites.retain(|suite| self.suites.contains(suite));
        hello.groups.retain(|group| self.groups.contains(group));
        hello.schemes.retain(|scheme| self.schemes.contains(scheme));
        hello.versions.retain(|version| *version >= 0x0303);
        // A version without a suite cannot come about; OpenSSL names it all the same.
        if hello.suites.iter().all(|suite| suite >> 8 == 0x13) {
            hello.versions.remove(&0x0303);
        }
        let (mut tls13, mut tls12): (Vec<_>, Vec<_>) =
            hello.suites.iter().partition(|suite| **suite >> 8 == 0x13);
        if meaning.ciphersuites.is_none() {
            tls13.sort_unstable();
        }
        if meaning.cipher_list.is_none() {
            tls12.sort_unstable();
        }
        hello.suites = [tls13, tls12].concat();
        if meaning.groups.is_none() {
            hello.groups.sort_unstable();
        }
        hello
    }
}

/// What psql answers to a query, with `openssl.cnf` in its folder; `None` if it does not connect.
fn psql(conninfo: &str, home: &Path, query: &str) -> Option<String> {
    let mut command = Command::new("psql");
    command.args([
        "--no-psqlrc",
        "--no-password",
        "--tuples-only",
        "--no-align",
        "--command",
        query,
        conninfo,
    ]);
    let output = clean_room(&mut command, home).env("OPENSSL_CONF", "openssl.cnf").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}
