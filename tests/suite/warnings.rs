//! The warnings of a connection beside those that psql prints.

use crate::support::{
    client::{clean_room, has_psql, pgtls, psql_command},
    patience::output,
    skip,
};
use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::Arc, time::Duration};

/// Time for one client.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines that psql prints as warnings.
fn psql_lines(conninfo: &str, home: &Path) -> Vec<String> {
    let output = output(&mut psql_command(conninfo, home, "SELECT 1"), PATIENCE);
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().filter(|line| line.starts_with("WARNING: ")).map(str::to_owned).collect()
}

/// Names of the warnings, and the lines that a program prints as psql does.
fn our_lines(conninfo: &str, home: &Path) -> (Vec<String>, Vec<String>) {
    let report = pgtls(conninfo, home);
    let warnings = report["warnings"].as_array().unwrap();
    let all = |field: &str| {
        warnings.iter().filter_map(|warning| warning[field].as_str()).map(str::to_owned).collect()
    };
    (all("name"), all("libpq"))
}

/// A file with these permissions.
fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A key that a passphrase protects; `false` without an openssl command.
fn encrypted_key(path: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256"]);
    command.args(["-pass", "pass:right", "-out"]).arg(path);
    let made =
        clean_room(&mut command, path.parent().unwrap()).output().is_ok_and(|made| made.status.success());
    if made {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    made
}

#[test]
fn warnings_are_those_of_psql() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let pki = Arc::new(Pki::open());
    write(&home.join("private"), "*:*:*:*:secret\n", 0o600);
    write(&home.join("open"), "*:*:*:*:secret\n", 0o644);
    write(&home.join("cert.pem"), &pki.client("good").unwrap().certificate_pem(), 0o644);
    if !has_psql() || !encrypted_key(&home.join("key.pem")) {
        return skip("warnings", "psql and openssl");
    }
    let server = Server::builder(Script::always(Behaviour::named("ok").unwrap()), pki).start().unwrap();
    let place = format!("host=db.test {} user=u dbname=d", server.listen().conninfo());
    let home_text = home.to_str().unwrap();
    let password = |length| {
        format!(
            "sslmode=require sslcert={{home}}/cert.pem sslkey={{home}}/key.pem sslpassword={}",
            "x".repeat(length)
        )
    };
    for (parameters, name) in [
        ("sslmode=require passfile={home}/private".to_owned(), None),
        ("sslmode=require passfile={home}/missing".to_owned(), None),
        ("sslmode=disable passfile={home}/open".to_owned(), Some("passfile-permissions")),
        ("sslmode=require passfile={home}".to_owned(), Some("passfile-not-plain")),
        ("sslmode=require passfile={home}/open password=given".to_owned(), None),
        (password(1023), None),
        (password(1024), Some("sslpassword-truncated")),
        (password(3000), Some("sslpassword-truncated")),
    ] {
        let conninfo = format!("{place} {}", parameters.replace("{home}", home_text));
        let (names, lines) = our_lines(&conninfo, home);
        let expected: Vec<_> = name.into_iter().collect();
        assert_eq!(names, expected, "{parameters:.60}");
        assert_eq!(lines, psql_lines(&conninfo, home), "{parameters:.60}");
        assert_eq!(lines.len(), expected.len());
    }
}
