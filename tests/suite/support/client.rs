//! Clients as programs.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
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

/// Connects with the real psql.
pub(crate) fn psql(conninfo: &str, home: &Path) -> Outcome {
    let mut command = Command::new("psql");
    command.args([
        "--no-psqlrc",
        "--no-password",
        "--tuples-only",
        "--no-align",
        "--command",
        IS_ENCRYPTED,
        conninfo,
    ]);
    let output = in_clean_room(&mut command, home).output().unwrap();
    if output.status.success() {
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    } else {
        "fail".to_owned()
    }
}

/// Nothing of the person who runs the tests gets in.
fn in_clean_room<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    let path = env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home).env("LC_ALL", "C");
    command.current_dir(home).stdin(Stdio::null())
}
