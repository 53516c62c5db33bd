//! A real PostgreSQL, all six modes: what a client claims is what the server saw, and what psql would have done.
//!
//! The rows are in `tests/data/live.tsv`, whose head explains the columns.

mod cancel;
mod drivers;
mod tokio_postgres;

use crate::support::{
    client::{has_psql, pgtls, psql},
    divergences::Divergences,
    driver,
    postgres::{PASSWORD, Postgres, Seen, Tls},
    skip,
    table::{Row, rows},
};
use pgtls_core::files::InMemoryFiles;
use pgtls_rustls::{BoxError, ExternalKey};
use rustls::{SignatureScheme, sign::SigningKey};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use std::{fs, path::Path, sync::Arc};

#[test]
fn psql_reaches_what_the_table_says() {
    if !has_psql() {
        return skip("psql", "it is not installed");
    }
    for_every_row(|row, server, conninfo, home| {
        if row.field("psql") == "same" {
            let (outcome, seen) = server.watch(|| psql(conninfo, home));
            row.check("psql", &outcome, &seen);
        }
    });
}

#[test]
fn the_program_reaches_what_the_table_says() {
    let mut divergences = Divergences::of("live");
    for_every_row(|row, server, conninfo, home| {
        let (told, seen) = server.watch(|| pgtls(conninfo, home));
        let outcome = told["outcome"].as_str().unwrap();
        if !divergences.explains(row.field("case"), row.field("outcome"), outcome) {
            row.check("pgtls", outcome, &seen);
        }
        assert_eq!(told["protocol"].is_string(), outcome == "ssl", "{}: {told}", row.field("case"));
    });
    divergences.finish();
}

#[test]
fn the_blocking_adapter_reaches_what_the_table_says() {
    for_every_row(|row, server, conninfo, home| {
        let (outcome, seen) = server.watch(|| driver::connect(conninfo, home));
        row.check("pgtls_std::connect", &outcome, &seen);
        if row.field("params").starts_with("{tcp}") {
            let (outcome, seen) =
                server.watch(|| driver::negotiate(conninfo, "localhost", server.port(), home));
            row.check("pgtls_std::negotiate", &outcome, &seen);
        }
    });
}

/// Files as bytes lead to the outcome of the files, and so does a key with which the program signs.
#[test]
fn files_from_memory_reach_what_the_table_says() {
    let (mut signed, mut rows) = (0, 0);
    for_every_row(|row, server, conninfo, home| {
        rows += 1;
        if conninfo.contains("password") || row.field("case").starts_with("scram") {
            return;
        }
        let mut config = driver::config(conninfo, home);
        let content = |parameter| {
            let path = config.params.value(parameter).unwrap_or_default().to_owned();
            fs::read(&path).ok().map(|bytes| (path, bytes))
        };
        let [roots, certificate, key] = ["sslrootcert", "sslcert", "sslkey"].map(content);
        let mut files = InMemoryFiles::default();
        if let Some((path, bytes)) = roots {
            files = files.with_sslrootcert(path, bytes);
        }
        if let Some((path, bytes)) = certificate {
            files = files.with_sslcert(path, bytes);
        }
        let without_key = files.clone();
        if let Some((path, bytes)) = key.clone() {
            files = files.with_sslkey(path, bytes);
        }
        if files == InMemoryFiles::default() {
            return;
        }
        config.tls.files = Some(Arc::new(files));
        let (outcome, seen) = server.watch(|| driver::connect_with(&config));
        row.check("files from memory", &outcome, &seen);

        let Some((_, key)) = key else { return };
        let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        config.tls.files = Some(Arc::new(without_key));
        config.tls.external_key = Some(Arc::new(Agent(key)));
        let (outcome, seen) = server.watch(|| driver::connect_with(&config));
        row.check("external key", &outcome, &seen);
        signed += usize::from(outcome == "ssl");
    });
    assert!(signed >= 3 || rows == 0, "{signed} sessions with an external key");
}

/// A key that signs and cannot be read.
struct Agent(Arc<dyn SigningKey>);

impl ExternalKey for Agent {
    fn label(&self) -> &'static str {
        "agent"
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self.0.choose_scheme(&[scheme]).ok_or("no such scheme")?.sign(message)?)
    }
}

/// Servers before PostgreSQL 17 know no direct TLS, and nothing else may be tried in its place.
#[test]
fn direct_tls_needs_postgresql_17() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let conninfo = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser \
         sslmode=verify-full sslnegotiation=direct sslrootcert={}/root.crt",
        server.port(),
        server.folder().display()
    );
    let (told, seen) = server.watch(|| pgtls(&conninfo, home.path()));
    let seen: Vec<_> = seen.iter().map(word).collect();
    let direct = server.version() >= 17;
    let expected = if direct { ("ssl", vec!["accept:ssl"]) } else { ("fail", vec![]) };
    assert_eq!((told["outcome"].as_str().unwrap(), seen), expected, "{told}");
    assert_eq!(told["connections"], 1, "{told}");
}

fn for_every_row(mut test: impl FnMut(&Row, &Postgres, &str, &Path)) {
    let (Some(with_tls), Some(without)) = (Postgres::start(Tls::On), Postgres::start(Tls::Off)) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    for row in rows("live.tsv") {
        let server = match row.field("server") {
            "tls" => &with_tls,
            "no-tls" => &without,
            other => panic!("line {}: there is no server {other}", row.line),
        };
        let conninfo = row
            .field("params")
            .replace("{tcp}", "host=localhost hostaddr=127.0.0.1 port={port} dbname=postgres")
            .replace("{unix}", "host={folder}/socket port={port} dbname=postgres")
            .replace("{port}", &server.port().to_string())
            .replace("{folder}", server.folder().to_str().unwrap())
            .replace("{password}", &format!("'{PASSWORD}'"));
        test(&row, server, &conninfo, home.path());
    }
}

impl Row {
    #[track_caller]
    fn check(&self, client: &str, outcome: &str, seen: &[Seen]) {
        let seen: Vec<_> = seen.iter().map(word).collect();
        assert_eq!(
            (outcome, seen.join(" ").as_str()),
            (self.field("outcome"), self.field("seen")),
            "{client}, live.tsv line {}: {}",
            self.line,
            self.field("case")
        );
    }
}

fn word(seen: &Seen) -> &'static str {
    match (seen.accepted, seen.tls) {
        (true, Some(true)) => "accept:ssl",
        (true, _) => "accept:plain",
        (false, Some(true)) => "refuse:ssl",
        (false, Some(false)) => "refuse:plain",
        (false, None) => "refuse",
    }
}
