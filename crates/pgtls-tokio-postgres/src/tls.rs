//! libpq's TLS for programs in which tokio-postgres opens the connections.

use crate::{channel::Channel, driver, driver_error::cleaned, error::Error, pre_negotiated::PreNegotiated};
use pgtls_core::{connect::Warning, negotiation::Encryption};
use pgtls_tokio::{BoxError, Config};
use std::{convert::Infallible, io, pin::Pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_blocking,
};
use tokio_postgres::{
    Client, Connection, Socket,
    config::SslMode,
    tls::{MakeTlsConnect, TlsConnect},
};

/// The stream of a connector.
pub type TlsChannel<S> = Channel<PreNegotiated<S>>;

/// A `tokio_postgres::Config` and the connector that belongs to it, derived from the same parameters.
///
/// The driver opens the connections and sends the SSLRequest if the policy allows plaintext. It does so by **its**
/// `sslmode`, which defaults to `prefer`: a connector alone cannot keep it from going on in clear when a server answers `N`.
/// So there is no [`Tls`] without the configuration that is as strict as the parameters:
///
/// | `sslmode` | `tokio_postgres` |
/// |---|---|
/// | `disable` | `SslMode::Disable` |
/// | `prefer` | `SslMode::Prefer`; TLS that fails is an error, where libpq goes on in clear |
/// | `require`, `verify-ca`, `verify-full` | `SslMode::Require`, `SslNegotiation::Direct`: the connector sends the SSLRequest |
///
/// `require_auth`, `channel_binding` and `sslcertmode` are enforced on encrypted connections by their stream. Parameters
/// that the driver cannot be given are an [`Error::Unsupported`], among them `sslmode=allow`, `require_auth` and
/// `sslcertmode=require` where plaintext is allowed, the roles `primary`, `standby` and `prefer-standby`,
/// `gssencmode=require`, `requirepeer` on a unix socket, and hosts of which some have a `hostaddr`. `connect_timeout` covers
/// the connection and the TLS negotiation, each on its own, and not the authentication. [`connect`](crate::connect) has none
/// of these limits.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = pgtls_tokio_postgres::config("host=db.example.com user=alice sslmode=verify-full").await?;
/// let driver = pgtls_tokio_postgres::DriverConfig::new(config).await?;
/// let (client, connection) = driver.connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DriverConfig {
    config: tokio_postgres::Config,
    tls: Tls,
    problem: Option<Warning>,
}

impl DriverConfig {
    /// Derives both, with the password of the password file.
    ///
    /// # Errors
    /// Parameters that tokio-postgres cannot be given.
    pub async fn new(config: Arc<Config>) -> Result<Self, Error> {
        // The password file is on the disk.
        let derived = spawn_blocking(move || Self::new_blocking(config));
        derived.await.map_err(|error| Error::Io(error.into()))?
    }

    /// Derives both as [`new`](Self::new) does, for programs without a runtime: reads the password file on this thread.
    ///
    /// # Errors
    /// Parameters that tokio-postgres cannot be given.
    pub fn new_blocking(config: Arc<Config>) -> Result<Self, Error> {
        let passwords = pgtls_os::passwords(&config.params, &config.environment);
        let derived = driver::dialling(&config.params, &config.environment, &passwords)?;
        let by_driver = derived.get_ssl_mode() != SslMode::Require;
        Ok(Self { config: derived, tls: Tls { config, by_driver }, problem: passwords.problem().cloned() })
    }

    /// The problem for which the password file was not used; libpq prints a warning and continues.
    pub fn passfile_problem(&self) -> Option<&Warning> {
        self.problem.as_ref()
    }

    /// Connects with both.
    ///
    /// # Errors
    /// The driver's; an error of the connector is its source. Control characters in the texts of a server's error are spaces.
    pub async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, TlsChannel<Socket>>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await.map_err(cleaned)
    }

    /// Starts a session on a connection that is open, with a server that has to be this host.
    ///
    /// # Errors
    /// The driver's; an error of the connector is its source. Control characters in the texts of a server's error are spaces.
    pub async fn connect_raw<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static>(
        &self,
        stream: S,
        host: &str,
    ) -> Result<(Client, Connection<S, TlsChannel<S>>), tokio_postgres::Error> {
        self.config.connect_raw(stream, self.tls.for_host(host)).await.map_err(cleaned)
    }

    /// The configuration.
    pub fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// Both, for pools and for the crate `postgres`. They are used together: a connector of parameters that forbid plaintext
    /// sends the SSLRequest by itself, so that it fails at every server with TLS if a configuration of another origin has
    /// sent one before. A configuration whose `ssl_mode` is lowered afterwards is not covered by this.
    pub fn into_parts(self) -> (tokio_postgres::Config, Tls) {
        (self.config, self.tls)
    }
}

/// libpq's verification and channel binding for tokio-postgres; see [`DriverConfig`], which it comes from.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<Config>,
    /// The driver sends the SSLRequest, because plaintext is allowed.
    by_driver: bool,
}

impl Tls {
    fn for_host(&self, host: &str) -> TlsForHost {
        TlsForHost { tls: self.clone(), host: host.to_owned() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> MakeTlsConnect<S> for Tls {
    type Stream = TlsChannel<S>;
    type TlsConnect = TlsForHost;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<TlsForHost, Self::Error> {
        Ok(self.for_host(host))
    }
}

/// [`Tls`] for one host.
#[derive(Clone, Debug)]
pub struct TlsForHost {
    tls: Tls,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> TlsConnect<S> for TlsForHost {
    type Stream = TlsChannel<S>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, BoxError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(shake_hands(self, stream))
    }
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin + Send + Sync>(
    TlsForHost { tls: Tls { config, by_driver }, host }: TlsForHost,
    stream: S,
) -> Result<TlsChannel<S>, BoxError> {
    let host = Some(host.as_str()).filter(|host| !host.is_empty());
    let redial = async || {
        let why = "tokio-postgres opens the connections, so that TLS which has failed is the end";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    };
    let connection = PreNegotiated::new(stream, by_driver);
    let stream = pgtls_tokio::channel(&config, host, connection, redial).await?;
    match stream.encryption() {
        Encryption::Ssl => Ok(Channel::new(stream)),
        Encryption::Plain | Encryption::Gss => Err("the connector was used where sslmode forbids TLS".into()),
    }
}
