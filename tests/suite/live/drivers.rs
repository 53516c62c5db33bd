//! Pools and drivers on `pgtls-tokio-postgres`, each over TLS that is verified in full.

use super::tokio_postgres::{IS_ENCRYPTED, block_on, check_server_sees};
use crate::support::{
    driver,
    postgres::{PASSWORD, Postgres, Tls},
};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pgtls_tokio_postgres::{
    Config, DriverConfig, Error, SpawnedClient, blocking, connect_with, deadpool_postgres::Connector,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_postgres::error::SqlState;

fn conninfo(server: &Postgres, more: &str) -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres sslmode=verify-full sslrootcert={}/root.crt {more}",
        server.port(),
        server.folder().display()
    )
}

fn config(server: &Postgres, home: &Path, more: &str) -> Arc<Config> {
    Arc::new(driver::config(&conninfo(server, more), home))
}

#[test]
fn deadpool_postgres_keeps_its_statements_and_its_recycling() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let connector =
            Connector::new(config(&server, home.path(), &format!("user=scramuser password='{PASSWORD}'")));
        let manager = connector.manager(ManagerConfig { recycling_method: RecyclingMethod::Clean });
        let pool = Pool::builder(manager).max_size(1).build().unwrap();
        for _ in 0..2 {
            let mut client = pool.get().await.unwrap();
            // Recycled: the setting of the round before is gone, and the statement is not.
            let row = client.query_one("SHOW work_mem", &[]).await.unwrap();
            assert_ne!(row.get::<_, &str>(0), "123kB");
            client.batch_execute("SET work_mem = '123kB'").await.unwrap();
            let statement = client.prepare_cached(IS_ENCRYPTED).await.unwrap();
            assert!(client.query_one(&statement, &[]).await.unwrap().get::<_, bool>(0));
            let transaction = client.transaction().await.unwrap();
            let statement = transaction.prepare_cached(IS_ENCRYPTED).await.unwrap();
            transaction.query_one(&statement, &[]).await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(client.statement_cache.size(), 1);
        }
        let client = pool.get().await.unwrap();
        let first = process_id(&client).await;
        client.simple_query("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
        while !client.is_closed() {
            sleep(Duration::from_millis(10)).await;
        }
        drop(client);
        assert_ne!(process_id(&pool.get().await.unwrap()).await, first);
    });
}

/// Host, user and password in a file of deadpool-postgres, TLS in a connection string.
#[test]
fn deadpool_postgres_keeps_its_configuration() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let root = format!("sslrootcert={}/root.crt", server.folder().display());
    let file = |more: &str| -> deadpool_postgres::Config {
        let text = format!(
            "host = 'localhost'\nhostaddr = '127.0.0.1'\nport = {}\ndbname = 'postgres'\n\
             application_name = \"it's \\\\ quoted\"\n{more}\n\
             [manager.recycling_method]\nCustom = 'SELECT 1'\n[pool]\nmax_size = 3\n",
            server.port()
        );
        toml::from_str(&text).unwrap()
    };
    let pool = |file: &deadpool_postgres::Config, tls: &str| {
        let connector = Connector::new(Arc::new(driver::config(&format!("user=unused {tls}"), home.path())));
        let pg = file.get_pg_config().unwrap();
        let manager = Manager::from_connect(pg, connector, file.get_manager_config());
        Pool::builder(manager).config(file.get_pool_config()).build().unwrap()
    };
    block_on(async {
        let scram = file(&format!("user = 'scramuser'\npassword = '{PASSWORD}'"));
        // The file's host, port, user and database count, and not those of the connection string.
        let elsewhere =
            format!("host=/nonexistent port=1 user=rejectuser dbname=absent sslmode=verify-full {root}");
        let pool_of_scram = pool(&scram, &elsewhere);
        assert_eq!(pool_of_scram.status().max_size, 3);
        for _ in 0..2 {
            let client = pool_of_scram.get().await.unwrap();
            let row = client
                .query_one("SELECT current_user::text, current_setting('application_name')", &[])
                .await
                .unwrap();
            assert_eq!((row.get(0), row.get(1)), ("scramuser", "it's \\ quoted"));
            assert!(client.query_one(IS_ENCRYPTED, &[]).await.unwrap().get::<_, bool>(0));
        }

        // Require of the file raises the sslmode, and its other values do not lower it.
        for (user, ssl_mode, sslmode, expected) in [
            ("nossluser", "Require", "sslmode=prefer", Err("28000")),
            ("nossluser", "Prefer", "sslmode=prefer", Ok(false)),
            ("anyuser", "Disable", "sslmode=require", Ok(true)),
            ("anyuser", "Require", "sslmode=disable", Ok(true)),
        ] {
            let pool = pool(&file(&format!("user = '{user}'\nssl_mode = '{ssl_mode}'")), sslmode);
            let outcome = match pool.get().await {
                Ok(client) => Ok(client.query_one(IS_ENCRYPTED, &[]).await.unwrap().get::<_, bool>(0)),
                Err(PoolError::Backend(error)) => Err(error.code().unwrap().code().to_owned()),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(outcome, expected.map_err(str::to_owned), "{user} {ssl_mode} {sslmode}");
        }

        // Errors: a server's has its SQLSTATE, any other is found in the driver's.
        let wrong = file("user = 'passworduser'\npassword = 'wrong'");
        let Err(PoolError::Backend(error)) = pool(&wrong, &format!("sslmode=verify-full {root}")).get().await
        else {
            panic!("the password is wrong")
        };
        assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD));
        let untrusted = format!("sslmode=verify-full sslrootcert={}/other.crt", server.folder().display());
        let Err(PoolError::Backend(error)) = pool(&scram, &untrusted).get().await else {
            panic!("nobody trusts it")
        };
        let error = Error::of(&error).expect("it is ours");
        assert!(error.to_string().contains("certificate verify failed"), "{error}");
        let invalid = pool(&scram, "sslmode=verify-full sslrootcert=system sslnegotiation=postgres");
        let Err(PoolError::Backend(error)) = invalid.get().await else { panic!("nobody trusts it") };
        assert!(Error::of(&error).is_some(), "{error}");
    });
}

/// A session that the server has ended is not handed out again.
#[test]
fn pools_replace_what_is_broken() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let config = config(&server, home.path(), "user=anyuser");
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

#[test]
fn the_blocking_driver() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let scram = format!("user=scramuser password='{PASSWORD}' channel_binding=require");
    let mut client = blocking::connect_with(config(&server, home.path(), &scram)).unwrap();
    assert!(client.query_one(IS_ENCRYPTED, &[]).unwrap().get::<_, bool>(0));

    let wrong = config(&server, home.path(), "user=passworduser password=wrong");
    let Err(error) = blocking::connect_with(wrong) else { panic!("the password is wrong") };
    assert_eq!(error.sqlstate(), Some(SqlState::INVALID_PASSWORD));
    assert_eq!(error.to_string(), "FATAL:  password authentication failed for user \"passworduser\"");

    // The string that a program would pass.
    let mut client = blocking::connect(&conninfo(&server, "user=anyuser")).unwrap();
    assert!(client.query_one(IS_ENCRYPTED, &[]).unwrap().get::<_, bool>(0));
}

/// diesel-async takes the client of a session, or the client and the connection that tokio-postgres has opened.
#[test]
fn diesel_async_takes_both_kinds_of_connections() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let config = config(&server, home.path(), &format!("user=scramuser password='{PASSWORD}'"));
    block_on(async {
        let (client, connection) = connect_with(&config).await.unwrap().into_parts();
        tokio::spawn(connection);
        check_diesel(AsyncPgConnection::try_from(client).await.unwrap()).await;

        let (client, connection) = DriverConfig::new(config).await.unwrap().connect().await.unwrap();
        let opened = AsyncPgConnection::try_from_client_and_connection(client, connection).await.unwrap();
        check_diesel(opened).await;
    });
}

async fn check_diesel(mut connection: AsyncPgConnection) {
    let encrypted = diesel::dsl::sql::<diesel::sql_types::Bool>(IS_ENCRYPTED);
    assert!(encrypted.get_result::<bool>(&mut connection).await.unwrap());
    connection.batch_execute("SELECT 1").await.unwrap();
}

async fn process_id(client: &tokio_postgres::Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// Has a session end itself, and waits until the client has noticed. Its process id.
async fn end_session(client: &SpawnedClient) -> i32 {
    let process_id = process_id(client).await;
    client.simple_query("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
    while !client.is_closed() {
        sleep(Duration::from_millis(10)).await;
    }
    process_id
}
