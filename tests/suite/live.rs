//! A real PostgreSQL, all six modes: what a client claims is what the server saw.
//!
//! The rows are in `tests/data/live.tsv`, whose head explains the columns.

use crate::support::{
    client::{has_psql, psql},
    postgres::{PASSWORD, Postgres, Seen, Tls},
    skip,
    table::{Row, rows},
};
use std::path::Path;

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
