//! tokio-postgres on `pgtls-tokio-postgres`, against the same servers and the same table as psql.

use super::for_every_row;
use crate::support::{
    client::{has_psql, psql, psql_command},
    divergences::Divergences,
    driver,
    postgres::{PASSWORD, Postgres, Tls},
};
use pgtls_core::negotiation::Encryption;
use pgtls_tokio_postgres::{DriverConfig, Error, SpawnedClient, connect_with};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};
use tokio::{runtime, time::timeout};

/// No connection takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether this session is encrypted, as the server sees it.
pub(super) const IS_ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(PATIENCE, future).await.expect("it is over in time") })
}

fn connect(conninfo: &str, home: &Path) -> Result<(), Error> {
    block_on(async {
        let client = connect_with(&Arc::new(driver::config(conninfo, home))).await?.spawn();
        check_server_sees(&client).await;
        Ok(())
    })
}

pub(super) async fn check_server_sees(client: &SpawnedClient) {
    let encrypted: bool = client.query_one(IS_ENCRYPTED, &[]).await.unwrap().get(0);
    assert_eq!(encrypted, client.encryption() == Encryption::Ssl);
    assert_eq!(encrypted, client.facts().is_some());
}

#[test]
fn tokio_postgres_reaches_what_the_table_says() {
    let mut divergences = Divergences::of("tokio-postgres");
    for_every_row(|row, server, conninfo, home| {
        let (outcome, seen) = server.watch(|| {
            block_on(async {
                let session = connect_with(&Arc::new(driver::config(conninfo, home))).await.ok()?;
                let client = session.spawn();
                check_server_sees(&client).await;
                Some(client.encryption().as_str())
            })
        });
        let outcome = outcome.unwrap_or("fail");
        if !divergences.explains(row.field("case"), row.field("outcome"), outcome) {
            row.check("pgtls_tokio_postgres::connect", outcome, &seen);
        }
    });
    divergences.finish();
}

#[test]
fn the_server_is_what_was_asked_for() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    for (wanted, options, expected) in [
        ("any", "", Ok(())),
        ("read-write", "", Ok(())),
        ("read-write", "-c default_transaction_read_only=on", Err("session is read-only")),
        ("read-only", "", Err("session is not read-only")),
        ("read-only", "-c default_transaction_read_only=on", Ok(())),
        ("primary", "", Ok(())),
        ("standby", "", Err("server is not in hot standby mode")),
        ("prefer-standby", "", Ok(())),
    ] {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser sslmode=require \
             target_session_attrs={wanted} options='{options}'",
            server.port()
        );
        let outcome = connect(&conninfo, home.path()).map_err(|error| error.to_string());
        match (&outcome, expected) {
            (Ok(()), Ok(())) => {}
            (Err(said), Err(words)) if said.ends_with(words) => {}
            _ => panic!("{wanted} {options}: {outcome:?}"),
        }
    }
}

/// A failed login prints what psql prints, and programs get the SQLSTATE and the driver's error without a downcast.
#[test]
fn errors_are_those_of_psql() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let passfile = home.path().join("passwords");
    fs::write(&passfile, "*:*:*:*:wrong\n").unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    let verified = format!("sslmode=verify-full sslrootcert={}/root.crt", server.folder().display());
    let from_file = format!("user=scramuser passfile={}", passfile.display());
    for (parameters, mode, sqlstate) in [
        ("user=passworduser password=wrong", verified.as_str(), "28P01"),
        ("user=passworduser password=wrong", "sslmode=require", "28P01"),
        ("user=passworduser password=wrong", "sslmode=disable", "28P01"),
        ("user=passworduser password=wrong", "sslmode=prefer", "28P01"),
        (&from_file, &verified, "28P01"),
        ("user=rejectuser", &verified, "28000"),
        ("user=nobody", "sslmode=allow", "28000"),
        ("user=anyuser dbname=absent", &verified, "3D000"),
        // With a HINT.
        ("user=anyuser options='-c client_min_messages=nonsense'", &verified, "22023"),
    ] {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres {parameters} {mode}",
            server.port()
        );
        let error = connect(&conninfo, home.path()).unwrap_err();
        assert_eq!(error.sqlstate().unwrap().code(), sqlstate, "{parameters}: {error}");
        assert_eq!(error.driver_error().unwrap().code().unwrap().code(), sqlstate);
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.is::<tokio_postgres::Error>(), "{source}");
        if has_psql() {
            let output = psql_command(&conninfo, home.path(), "SELECT").output().unwrap();
            let printed = String::from_utf8(output.stderr).unwrap();
            assert_eq!(format!("psql: error: {error}\n"), printed, "{parameters}");
        }
        assert_eq!(error.into_driver_error().code().unwrap().code(), sqlstate);
    }
}

/// A password file that cannot be used is a warning that begins as psql's does, whether or not there is a session.
#[test]
fn password_files_that_cannot_be_used_are_reported() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let open = home.path().join("open");
    fs::write(&open, format!("*:*:*:*:{PASSWORD}\n")).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let pipe = home.path().join("folder");
    fs::create_dir(&pipe).unwrap();
    for (file, warning) in [
        (open, Some("has group or world access; permissions should be u=rw (0600) or less")),
        (pipe, Some("is not a plain file")),
        (home.path().join("missing"), None),
    ] {
        for user in ["scramuser", "anyuser"] {
            let conninfo = format!(
                "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user={user} passfile={} \
                 sslmode=verify-full sslrootcert={}/root.crt",
                server.port(),
                file.display(),
                server.folder().display()
            );
            let config = Arc::new(driver::config(&conninfo, home.path()));
            let (text, warnings) = match block_on(connect_with(&config)) {
                Ok(session) => (None, session.report.warnings),
                Err(Error::Connect(error)) => (Some(error.to_string()), error.report.warnings),
                Err(other) => panic!("{other}"),
            };
            let begin = warning.map(|warning| format!("password file \"{}\" {warning}", file.display()));
            assert_eq!(warnings.len(), usize::from(begin.is_some()), "{warnings:?}");
            assert_eq!(text.is_some(), user == "scramuser", "{text:?}");
            if let Some(begin) = begin {
                assert!(
                    warnings.iter().all(|warning| warning.to_string().starts_with(&begin)),
                    "{warnings:?}"
                );
                assert!(
                    text.is_none_or(|text| text.contains("no password supplied") && text.contains(&begin))
                );
                if has_psql() {
                    let output = psql_command(&conninfo, home.path(), "SELECT").output().unwrap();
                    let printed = String::from_utf8(output.stderr).unwrap();
                    assert!(printed.starts_with(&format!("WARNING: {begin}\n")), "{printed}");
                }
            }
        }
    }
}

/// tokio-postgres computes at most 100,000 iterations of SCRAM, and psql any number.
#[test]
fn the_driver_limits_the_iterations_of_scram() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    for (user, is_within) in [("slowuser", true), ("slowestuser", false)] {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user={user} password='{PASSWORD}' \
             sslmode=verify-full sslrootcert={}/root.crt",
            server.port(),
            server.folder().display()
        );
        if has_psql() {
            assert_eq!(psql(&conninfo, home.path()), "ssl", "{user}");
        }
        match connect(&conninfo, home.path()) {
            Ok(()) => assert!(is_within, "{user}"),
            Err(error) => {
                let text = error.to_string();
                assert!(!is_within, "{user}: {text}");
                assert!(text.contains("more SCRAM iterations than the 100,000"), "{text}");
                assert!(text.contains("scram_iterations of at most 100000"), "{text}");
            }
        }
    }
}

/// tokio-postgres opens the connections with the configuration that is derived for it.
#[test]
fn a_configuration_of_the_drivers_own() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = server.folder().display().to_string();
    let root = format!("sslrootcert={folder}/root.crt");
    let other = format!("sslrootcert={folder}/other.crt");
    let certificate = format!("sslcert={folder}/client.crt sslkey={folder}/client.key");
    for (user, parameters, expected) in [
        ("anyuser", format!("sslmode=verify-full {root}"), Ok(true)),
        ("anyuser", "sslmode=require".to_owned(), Ok(true)),
        ("anyuser", format!("sslmode=prefer {root}"), Ok(true)),
        ("anyuser", "sslmode=disable".to_owned(), Ok(false)),
        ("anyuser", format!("sslmode=require {root} target_session_attrs=read-write"), Ok(true)),
        ("scramuser", format!("sslmode=verify-ca {root} channel_binding=require"), Ok(true)),
        ("certuser", format!("sslmode=verify-full {root} {certificate}"), Ok(true)),
        ("anyuser", format!("sslmode=verify-ca {other}"), Err("certificate verify failed")),
        ("anyuser", format!("sslmode=prefer {other}"), Err("certificate verify failed")),
        ("anyuser", "sslmode=allow".to_owned(), Err("cannot fulfil the parameter sslmode")),
        ("anyuser", "sslmode=require sslcertmode=require".to_owned(), Err("communicating")),
        ("passworduser", "sslmode=require require_auth=md5".to_owned(), Err("communicating")),
    ] {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user={user} password='{PASSWORD}' {parameters}",
            server.port()
        );
        let outcome = block_on(async {
            let derived = DriverConfig::new(Arc::new(driver::config(&conninfo, home.path()))).await;
            let derived = derived.map_err(|error| error.to_string())?;
            let (client, connection) = derived.connect().await.map_err(|error| chain(&error))?;
            tokio::spawn(connection);
            let row = client.query_one(IS_ENCRYPTED, &[]).await.map_err(|error| chain(&error))?;
            Ok::<bool, String>(row.get(0))
        });
        match (&outcome, expected) {
            (Ok(encrypted), Ok(expected)) if *encrypted == expected => {}
            (Err(text), Err(words)) if text.contains(words) => {}
            _ => panic!("{user} {parameters}: {outcome:?}"),
        }
    }
}

/// An error and what led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}
