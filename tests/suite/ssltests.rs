//! The connections of PostgreSQL's own SSL tests, against a real server that is set up as those tests set theirs up.
//!
//! The tables are in `tests/data/ssltests/`, whose heads explain the columns. The server changes its certificate from
//! row to row, by reading its configuration again.

mod pki;
mod server;

use crate::support::{
    client::{pgtls_in, psql_in, psql_version},
    driver::Session,
    table::{Row, rows},
};
use pgtls_core::param::Settings;
use serde_json::Value;
use server::Server;
use std::{fs, io, io::Write, os::unix::fs::PermissionsExt, path::Path};

/// The files that nobody reads unless a row says so.
const FILES: [&str; 5] = ["sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"];

#[test]
fn every_row_of_the_table_ends_as_it_says() {
    let Some(mut server) = Server::make() else { return };
    let psql = psql_version();
    for row in rows("ssltests/cases.tsv") {
        server.set_up(row.field("server"));
        let conninfo = conninfo(&row, &server);
        let environment: Vec<_> = row.field("env").split_once('=').into_iter().collect();
        let (told, log) = server.watch(|| pgtls_in(&conninfo, server.home(), &environment));
        row.check_told(&told);
        row.check_key_log(&conninfo, &told, server.home());
        match row.field("server-says").strip_prefix("stat: ") {
            Some(client) => check_view(&conninfo, server.home(), client),
            None => row.check_pieces("server-says", &log),
        }
        if psql.is_some_and(|version| row.psql_knows_it(version)) {
            let outcome = psql_in(&conninfo, server.home(), &environment);
            let ok = if outcome == "fail" { "fail" } else { "ok" };
            assert_eq!(ok, row.field("outcome"), "psql, {}", row.field("case"));
        }
    }
}

/// The table from which ours was made, where it lies beside the workspace: no row is left out, none ends differently.
#[test]
fn no_row_of_the_original_is_missing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/ssltests.tsv");
    let Ok(original) = fs::read_to_string(path) else {
        writeln!(io::stderr(), "skipped: the original of ssltests/cases.tsv: it is not beside the workspace")
            .unwrap();
        return;
    };
    let original: Vec<_> = original
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields[0] == "case")
        .map(|fields| format!("{} {} {}", fields[1], fields[3], fields[9]))
        .collect();
    let certificate = |row: &Row| row.field("server").split(' ').next().unwrap().to_owned();
    let ours: Vec<_> = rows("ssltests/cases.tsv")
        .iter()
        .map(|row| format!("{} {} {}", row.field("case"), certificate(row), row.field("outcome")))
        .collect();
    assert_eq!(ours, original);
}

/// What all rows have in common, and what this one says; the later of two settings counts.
fn conninfo(row: &Row, server: &Server) -> String {
    let mut conninfo = format!("hostaddr=127.0.0.1 port={} user=ssltestuser dbname=trustdb ", server.port());
    if row.field("preset") == "yes" {
        conninfo.extend(FILES.map(|keyword| format!("{keyword}=invalid ")));
    }
    conninfo + row.field("params")
}

impl Row {
    #[track_caller]
    fn check_told(&self, told: &Value) {
        let ok = if told["outcome"] == "fail" { "fail" } else { "ok" };
        assert_eq!(ok, self.field("outcome"), "{}: {told}", self.field("case"));
        // The table knows encrypted sessions alone.
        assert!(ok == "fail" || told["outcome"] == "ssl", "{}: {told}", self.field("case"));
        let said = if ok == "ok" { told["warnings"].to_string() } else { told["error"].to_string() };
        self.check_pieces("says", &said.replace("\\\"", "\""));
    }

    #[track_caller]
    fn check_pieces(&self, column: &str, text: &str) {
        let pieces = self.field(column).split('|').filter(|piece| *piece != "-");
        for piece in pieces {
            assert!(text.contains(piece), "{}: no {piece:?} in {text}", self.field("case"));
        }
    }

    /// A file of secrets is for its owner alone.
    #[track_caller]
    fn check_key_log(&self, conninfo: &str, told: &Value, home: &Path) {
        let settings = Settings::parse(conninfo).unwrap();
        let Some(log) = settings.value("sslkeylogfile").map(|setting| home.join(&*setting.value)) else {
            return;
        };
        if log.parent().unwrap().exists() {
            assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o006, 0);
            assert!(fs::read_to_string(&log).unwrap().contains("SERVER_TRAFFIC_SECRET"));
        } else {
            assert_ne!(told["warnings"], Value::Array(Vec::new()), "{}: {told}", self.field("case"));
        }
    }

    fn psql_knows_it(&self, version: u32) -> bool {
        match self.field("psql") {
            "yes" => true,
            "no" => false,
            since => version >= since.parse().unwrap(),
        }
    }
}

/// The server's view of the session says what we say, and of the client's certificate what the table says.
fn check_view(conninfo: &str, home: &Path, client: &str) {
    // This process works in another folder.
    let settings = Settings::parse(conninfo).unwrap();
    let files = FILES.map(|keyword| {
        let path = home.join(&*settings.value(keyword).expect("a row with a view sets all files").value);
        format!(" {keyword}='{}'", path.display())
    });
    let mut session = Session::open(&[conninfo, &files.concat()].concat(), home);
    let query = "SELECT ssl, version, cipher, bits, client_dn, client_serial, issuer_dn FROM pg_stat_ssl \
                 WHERE pid = pg_backend_pid()";
    let row = session.query(query).unwrap();
    let facts = session.facts();
    let session = [facts.protocol.to_owned(), facts.cipher.name.to_owned(), facts.cipher.bits.to_string()];
    let seen: Vec<_> = row.iter().map(Option::as_deref).collect();
    let client: Vec<_> = client.split('|').map(|text| (text != "NULL").then_some(text)).collect();
    let expected: Vec<_> =
        [Some("t")].into_iter().chain(session.iter().map(|text| Some(text.as_str()))).chain(client).collect();
    assert_eq!(seen, expected);
}
