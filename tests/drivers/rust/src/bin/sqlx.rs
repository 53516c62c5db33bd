//! sqlx: `sqlx CONNINFO`
//!
//! sqlx takes URIs and has no hostaddr: a connection string becomes options one by one, and host names are resolved to what
//! hostaddr says.

use pgtls_drivers::{End, forget, report, resolve, settings};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::process::ExitCode;

fn main() -> ExitCode {
    let conninfo = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ended = runtime.block_on(connect(&conninfo));
    forget();
    report(ended)
}

async fn connect(conninfo: &str) -> Result<(), End> {
    let Some(settings) = settings(conninfo) else {
        return finish(conninfo.parse()?).await;
    };
    if settings.iter().any(|(name, value)| name == "port" && value.contains(',')) {
        return Err(End::Declined("sqlx takes one host".to_owned()));
    }
    resolve(&settings)?;
    let mut options = PgConnectOptions::new();
    for (name, value) in &settings {
        options = match name.as_str() {
            "host" => options.host(value),
            "hostaddr" | "gssencmode" => options,
            "port" => options.port(value.parse()?),
            "user" => options.username(value),
            "password" => options.password(value),
            "dbname" => options.database(value),
            "sslmode" => options.ssl_mode(value.parse::<PgSslMode>()?),
            "sslrootcert" => options.ssl_root_cert(value),
            "sslcert" => options.ssl_client_cert(value),
            "sslkey" => options.ssl_client_key(value),
            "application_name" => options.application_name(value),
            other => return Err(End::Declined(format!("sqlx has no {other}"))),
        };
    }
    finish(options).await
}

async fn finish(options: PgConnectOptions) -> Result<(), End> {
    let connection = options.disable_statement_logging().connect().await?;
    connection.close().await?;
    Ok(())
}
