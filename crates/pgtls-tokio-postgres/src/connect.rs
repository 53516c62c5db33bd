//! From a connection string to a session.

use crate::{
    canceller::Canceller,
    channel::{Channel, Established},
    driver,
    driver_error::StartupContext,
    error::Error,
    role,
    session::{Connection, Session},
};
use pgtls_core::{connect::Note, param::Passwords};
use pgtls_tokio::{Config, Startup, StartupError, Stream, connecting};
use std::{io, sync::Arc};
use tokio::task::spawn_blocking;
use tokio_postgres::Client;

/// Connects as psql would with this connection string or URI, with the crypto provider of aws-lc-rs.
///
/// # Errors
/// Parameters that libpq refuses or tokio-postgres cannot fulfil, or all attempts to reach a server, in order.
#[cfg(feature = "aws-lc-rs")]
pub async fn connect(conninfo: &str) -> Result<(Client, Connection), Error> {
    let config = crate::config(conninfo).await?;
    Ok(connect_with(&config).await?.into_parts())
}

/// Connects as libpq does: tries hosts and addresses in its order, negotiates encryption with each, falls back where
/// `sslmode` says so, also after a server has refused the login (libpq: `PQconnectdb`).
///
/// A password file that cannot be used is a warning in the report of the session or the error, as libpq prints one.
///
/// # Errors
/// Parameters that tokio-postgres cannot fulfil, or all attempts to reach a server, in order.
pub async fn connect_with(config: &Arc<Config>) -> Result<Session, Error> {
    let driver = driver::config(&config.params)?;
    let passwords = passwords(config.clone()).await.map_err(Error::Io)?;
    let mut connecting = connecting(config);
    if let Some(problem) = passwords.problem() {
        connecting.note(Note::Warning(problem.clone()));
    }
    loop {
        let stream = connecting.advance().await?;
        let Some(at) = connecting.startup() else { continue };
        let (encryption, facts) = (stream.encryption(), stream.facts().cloned());
        let outcome = start_up(&driver, &passwords, stream, at).await;
        let Some(connected) = connecting.finish_startup(outcome) else { continue };
        let Some(session) = connected.peer().cloned() else { continue };
        let client = connected.value;
        let canceller = Canceller { config: config.clone(), session, token: client.cancel_token() };
        let (connection, report, failed) = (connected.stream, connected.report, connected.failed);
        return Ok(Session { client, connection, canceller, encryption, facts, report, failed });
    }
}

/// The password file is on the disk.
async fn passwords(config: Arc<Config>) -> io::Result<Passwords> {
    Ok(spawn_blocking(move || pgtls_os::passwords(&config.params, &config.environment)).await?)
}

/// Has tokio-postgres send the StartupMessage and authenticate.
async fn start_up(
    driver: &tokio_postgres::Config,
    passwords: &Passwords,
    stream: Stream,
    at: Startup<'_>,
) -> Result<(Connection, Client), StartupError> {
    let host_index = at.peer.host_index;
    let driver = driver::with_password(driver, passwords.password(host_index));
    let started = driver.connect_raw(Channel::new(stream), Established).await;
    let context = StartupContext::session(passwords, host_index);
    let (client, mut connection) = started.map_err(|error| context.startup_error(error))?;
    role::establish(&client, &mut connection, at).await;
    Ok((connection, client))
}
