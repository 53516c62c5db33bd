//! The programs of `pgtls-examples` against a real PostgreSQL: what they say is what the server saw.

mod proxy;

use crate::support::{
    patience::output,
    postgres::{Postgres, Tls},
};
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

/// No example takes longer on a machine that works.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// Enough to need an event loop, and few enough for a small server.
const SESSIONS: usize = 200;

/// What each of the three programs for one connection does with the same string.
pub(crate) const ROWS: &[(&str, &str, &str)] = &[
    ("", "anyuser", "ssl"),
    ("sslmode=disable", "anyuser", "plain"),
    ("sslmode=require", "ssluser", "ssl"),
    ("sslmode=verify-ca sslrootcert={folder}/root.crt host=127.0.0.1", "anyuser", "ssl"),
    ("sslmode=verify-full sslrootcert={folder}/root.crt", "anyuser", "ssl"),
    ("sslmode=verify-full sslrootcert={folder}/other.crt", "anyuser", "fail"),
    ("sslmode=verify-full sslrootcert={folder}/root.crt host=127.0.0.1", "anyuser", "fail"),
    ("sslmode=verify-ca sslrootcert={folder}/missing.crt", "anyuser", "fail"),
    // The fallbacks: TLS is rejected by pg_hba.conf, plaintext is.
    ("sslmode=prefer", "nossluser", "plain"),
    ("sslmode=allow", "ssluser", "ssl"),
    ("sslmode=require", "nossluser", "fail"),
    ("sslmode=require", "passworduser", "fail"),
    ("sslmode=require password='correct horse'", "passworduser", "ssl"),
    ("sslmode=require password='correct horse' channel_binding=require", "scramuser", "ssl"),
    ("sslmode=require password='correct horse' channel_binding=require", "passworduser", "fail"),
    ("sslmode=disable password='correct horse'", "scramuser", "plain"),
    ("sslmode=disable password=wrong", "scramuser", "fail"),
];

#[test]
fn one_connection() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    for name in ["minimal", "openssl", "completion"] {
        for (parameters, user, expected) in ROWS {
            let conninfo = conninfo(&server, user, parameters);
            let (ended, seen) = server.watch(|| output(example(name).arg(&conninfo), LIMIT));
            let said = String::from_utf8(ended.stdout).unwrap();
            let heard = String::from_utf8(ended.stderr).unwrap();
            let outcome = said.trim_end().strip_suffix(": SELECT 1 is 1").unwrap_or("fail");
            assert_eq!(outcome, *expected, "{name} \"{conninfo}\": {said}{heard}");
            assert_eq!(ended.status.success(), *expected != "fail", "{name} \"{conninfo}\": {heard}");
            let accepted = seen.iter().filter(|seen| seen.accepted).map(|seen| seen.tls).collect::<Vec<_>>();
            let wanted = match *expected {
                "ssl" => vec![Some(true)],
                "plain" => vec![Some(false)],
                _ => vec![],
            };
            assert_eq!(accepted, wanted, "{name} \"{conninfo}\": {seen:?}");
        }
    }
}

#[test]
fn many_connections() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let verified = conninfo(&server, "anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt");
    let command = &mut example("event_loop");
    let (ended, seen) = server.watch(|| output(command.arg(&verified).arg(SESSIONS.to_string()), LIMIT));
    let said = String::from_utf8(ended.stdout).unwrap();
    let expected = format!("{SESSIONS} sessions at once\n{SESSIONS} times ssl: SELECT 1 is 1\n");
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(seen.iter().filter(|seen| seen.accepted && seen.tls == Some(true)).count(), SESSIONS);

    // In all modes; where they fall back, each of them does.
    for (parameters, user, expected) in ROWS {
        let conninfo = conninfo(&server, user, parameters);
        let ended = output(example("event_loop").arg(&conninfo).arg("20"), LIMIT);
        let said = String::from_utf8(ended.stdout).unwrap();
        let line = format!("20 times {expected}: SELECT 1 is 1\n");
        assert_eq!(said.ends_with(&line), *expected != "fail", "{conninfo}: {said}");
        assert_eq!(ended.status.success(), *expected != "fail", "{conninfo}: {said}");
    }
}

/// tokio-postgres and the pools on it.
#[test]
fn clients_of_tokio_postgres() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    for (name, expected) in
        [("query", "ssl: 42, TLS TLSv1.3\n"), ("pool_deadpool", "ssl: 190\n"), ("pool_bb8", "ssl: 190\n")]
    {
        let conninfo = conninfo(&server, "anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt");
        let ended = output(example_of(&TOKIO_POSTGRES, name).arg(&conninfo), LIMIT);
        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(said, expected, "{name}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    for (parameters, encryption) in
        [("sslmode=verify-full sslrootcert={folder}/root.crt", "ssl"), ("sslmode=disable", "plain")]
    {
        let conninfo = conninfo(&server, "anyuser", parameters);
        let ended = output(example_of(&TOKIO_POSTGRES, "cancel").arg(&conninfo), LIMIT);
        let said = String::from_utf8(ended.stdout).unwrap();
        let lines: BTreeSet<_> = said.lines().collect();
        let asked = format!("asked for it: {encryption}");
        let heard = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(lines, BTreeSet::from([asked.as_str(), "cancelled"]), "{parameters}: {heard}");
    }
}

pub(crate) fn conninfo(server: &Postgres, user: &str, parameters: &str) -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user={user} {}",
        server.port(),
        parameters.replace("{folder}", server.folder().to_str().unwrap())
    )
}

/// The examples of one crate, built once.
struct Examples {
    build: &'static [&'static str],
    folder: OnceLock<PathBuf>,
}

static EMBEDDED: Examples = Examples { build: &["--package", "pgtls-examples"], folder: OnceLock::new() };
static TOKIO_POSTGRES: Examples = Examples {
    build: &["--package", "pgtls-tokio-postgres", "--features", "deadpool,bb8"],
    folder: OnceLock::new(),
};

fn example(name: &str) -> Command {
    example_of(&EMBEDDED, name)
}

/// An example in a clean room: nothing of the person who runs the tests gets in.
fn example_of(examples: &Examples, name: &str) -> Command {
    let folder = examples.folder.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = [&["build", "--quiet", "--examples"], examples.build].concat();
        assert!(Command::new(cargo).args(build).status().unwrap().success(), "the examples do not build");
        // This test is target/<profile>/deps/suite-<hash>.
        let suite = env::current_exe().unwrap();
        suite.ancestors().nth(3).unwrap().join("debug/examples")
    });
    let mut command = Command::new(folder.join(name).with_extension(env::consts::EXE_EXTENSION));
    command.env_clear().env("HOME", Path::new("/nonexistent")).env("LC_ALL", "C");
    command
}
