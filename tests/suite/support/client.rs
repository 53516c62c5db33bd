//! Clients as programs: the real `psql` and our own `pgtls`.

use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// What a client achieved, in the words of the tables: `ssl`, `plain` or `fail`.
pub(crate) type Outcome = String;

/// The query by which psql tells whether its session is encrypted.
const IS_ENCRYPTED: &str =
    "SELECT CASE WHEN ssl THEN 'ssl' ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Whether the real psql is here.
pub(crate) fn has_psql() -> bool {
    Command::new("psql").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The major version of the real psql, if it is here.
pub(crate) fn psql_version() -> Option<u32> {
    let output = Command::new("psql").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    // "psql (PostgreSQL) 15.8 (Debian ...)"
    Some(text.split([' ', '.']).find_map(|word| word.parse().ok()).expect("psql tells its version"))
}

/// Connects with the real psql.
pub(crate) fn psql(conninfo: &str, home: &Path) -> Outcome {
    psql_in(conninfo, home, &[])
}

/// Connects with the real psql, with these variables in its environment.
pub(crate) fn psql_in(conninfo: &str, home: &Path, environment: &[(&str, &str)]) -> Outcome {
    let mut command = psql_command(conninfo, home, IS_ENCRYPTED);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    if output.status.success() {
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    } else {
        "fail".to_owned()
    }
}

/// The real psql, about to run one command and print what comes of it.
pub(crate) fn psql_command(conninfo: &str, home: &Path, sql: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--command", sql, conninfo]);
    clean_room(&mut command, home);
    command
}

/// Connects with our program; the object it prints, after its exit status was compared with it.
#[track_caller]
pub(crate) fn pgtls(conninfo: &str, home: &Path) -> Value {
    pgtls_in(conninfo, home, &[])
}

/// Connects with our program, with these variables in its environment.
#[track_caller]
pub(crate) fn pgtls_in(conninfo: &str, home: &Path, environment: &[(&str, &str)]) -> Value {
    let mut command = Command::new(program());
    command.args(["connect", "--json", conninfo]);
    let output = clean_room(&mut command, home).envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("pgtls printed no object ({error}): {text}{:?}", output.stderr));
    let expected = if told["outcome"] == "fail" { 2 } else { 0 };
    assert_eq!(output.status.code(), Some(expected), "exit status beside {told}");
    told
}

/// How long a client may take to connect, in seconds, if its parameters do not say.
const PATIENCE: &str = "60";

/// Nothing of the person who runs the tests gets in, nor of what the machine asks of OpenSSL.
pub(crate) fn clean_room<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    let path = env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home).env("LC_ALL", "C").env("OPENSSL_CONF", "");
    command.env("PGCONNECT_TIMEOUT", PATIENCE);
    command.current_dir(home).stdin(Stdio::null())
}

/// The binary, built from the code as it is now.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status =
            Command::new(cargo).args(["build", "--quiet", "--package", "pgtls-cli"]).status().unwrap();
        assert!(status.success(), "pgtls-cli does not build");
        // This test is target/<profile>/deps/suite-<hash>.
        let suite = env::current_exe().unwrap();
        let target = suite.ancestors().nth(3).unwrap();
        target.join("debug").join(format!("pgtls{}", env::consts::EXE_SUFFIX))
    })
}
