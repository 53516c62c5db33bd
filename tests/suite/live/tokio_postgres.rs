//! tokio-postgres on `pgtls-tokio-postgres`, against the same servers and the same table as psql.

use super::for_every_row;
use crate::support::{
    driver,
    postgres::{PASSWORD, Postgres, Tls},
};
use pgtls_core::negotiation::Encryption;
use pgtls_std::ActionError;
use pgtls_tokio_postgres::{DriverConfig, DriverError, Error, SpawnedClient, connect_with};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    runtime,
    time::{sleep, timeout},
};

/// No connection takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether this session is encrypted, as the server sees it.
const IS_ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

fn block_on<T>(future: impl Future<Output = T>) -> T {
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

async fn check_server_sees(client: &SpawnedClient) {
    let encrypted: bool = client.query_one(IS_ENCRYPTED, &[]).await.unwrap().get(0);
    assert_eq!(encrypted, client.encryption() == Encryption::Ssl);
    assert_eq!(encrypted, client.facts().is_some());
}

#[test]
fn tokio_postgres_reaches_what_the_table_says() {
    for_every_row(|row, server, conninfo, home| {
        let (outcome, seen) = server.watch(|| {
            block_on(async {
                let session = connect_with(&Arc::new(driver::config(conninfo, home))).await.ok()?;
                let client = session.spawn();
                check_server_sees(&client).await;
                Some(client.encryption().as_str())
            })
        });
        row.check("pgtls_tokio_postgres::connect", outcome.unwrap_or("fail"), &seen);
    });
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

/// What a server says reaches people when the server has shown who it is, and programs always.
#[test]
fn the_words_of_the_server() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = server.folder().display().to_string();
    for (mode, shown) in [
        (format!("sslmode=verify-full sslrootcert={folder}/root.crt"), true),
        ("sslmode=require".to_owned(), false),
    ] {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=passworduser password=wrong {mode}",
            server.port()
        );
        let Err(Error::Connect(error)) = connect(&conninfo, home.path()) else { panic!("{mode}") };
        let text = error.to_string();
        assert_eq!(text.contains("password authentication failed"), shown, "{text}");
        assert!(text.contains("SQLSTATE 28P01"), "{text}");
        let Some(ActionError::Startup(cause)) = error.last().unwrap().embedder() else { panic!("{text}") };
        let cause = cause.downcast_ref::<DriverError>().unwrap();
        assert_eq!(cause.driver_error().code().unwrap().code(), "28P01");
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

/// A session that the server has ended is not handed out again.
#[test]
fn pools_replace_what_is_broken() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let conninfo = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser sslmode=verify-full sslrootcert={}/root.crt",
        server.port(),
        server.folder().display()
    );
    let config = Arc::new(driver::config(&conninfo, home.path()));
    block_on(async {
        let manager = pgtls_tokio_postgres::deadpool::Manager::new(config.clone());
        let pool: deadpool::managed::Pool<_> =
            deadpool::managed::Pool::builder(manager).max_size(1).build().unwrap();
        let client = pool.get().await.unwrap();
        let first = end_session(&client).await;
        drop(client);
        let client = pool.get().await.unwrap();
        assert_ne!(process_id(&client).await, first);
        check_server_sees(&client).await;

        let manager = pgtls_tokio_postgres::bb8::Manager::new(config);
        let pool = bb8::Pool::builder().max_size(1).build(manager).await.unwrap();
        let client = pool.get().await.unwrap();
        let first = end_session(&client).await;
        drop(client);
        let client = pool.get().await.unwrap();
        assert_ne!(process_id(&client).await, first);
        check_server_sees(&client).await;
    });
}

async fn process_id(client: &SpawnedClient) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// Has a session end itself, and waits until the client knows. Its process id.
async fn end_session(client: &SpawnedClient) -> i32 {
    let process_id = process_id(client).await;
    client.simple_query("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
    while !client.is_closed() {
        sleep(Duration::from_millis(10)).await;
    }
    process_id
}

/// An error and what led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}
