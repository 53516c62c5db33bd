//! TLS for programs that keep their `tokio_postgres::Config`.

use crate::{asked::Asked, channel::Channel};
use pgtls_core::negotiation::Encryption;
use pgtls_tokio::{BoxError, Config, negotiating};
use std::{io, pin::Pin, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

/// libpq's verification and channel binding for tokio-postgres, which opens the connections and asks for TLS by itself.
///
/// What the server has to show is what the parameters in the [`Config`] say; which hosts are tried, what happens when a
/// server has no TLS, and all time limits are what `tokio_postgres::Config` says. It **cannot fall back**: where `sslmode`
/// says `prefer` and TLS fails, libpq goes on in clear and this fails. [`connect`](crate::connect) does it all.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = pgtls_tokio_postgres::Tls::new(
///     pgtls_tokio_postgres::config("sslmode=verify-full sslrootcert=root.crt").await?,
/// );
/// let (client, connection) =
///     tokio_postgres::connect("host=db.example.com user=alice sslmode=require", tls).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tls(Arc<Config>);

impl Tls {
    /// By these parameters. Their hosts do not matter.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Channel<Asked<S>>;
    type TlsConnect = TlsForHost;
    type Error = std::convert::Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<TlsForHost, Self::Error> {
        Ok(TlsForHost { config: self.0.clone(), host: host.to_owned() })
    }
}

/// The same for one host; for [`tokio_postgres::Config::connect_raw`] too.
#[derive(Clone, Debug)]
pub struct TlsForHost {
    config: Arc<Config>,
    host: String,
}

impl TlsForHost {
    /// By these parameters, whose hosts do not matter, for a server that has to be this host.
    pub fn new(config: Arc<Config>, host: &str) -> Self {
        Self { config, host: host.to_owned() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> TlsConnect<S> for TlsForHost {
    type Stream = Channel<Asked<S>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, BoxError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(shake_hands(self.config, self.host, stream))
    }
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin + Send + Sync>(
    config: Arc<Config>,
    host: String,
    stream: S,
) -> Result<Channel<Asked<S>>, BoxError> {
    let host = Some(host.as_str()).filter(|host| !host.is_empty());
    let redial = async || {
        let why = "tokio-postgres opens the connections, so that TLS which has failed is the end";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    };
    let mut negotiating = negotiating(&config, host, Asked::new(stream), redial);
    let stream = negotiating.advance().await?;
    if stream.encryption() != Encryption::Ssl {
        return Err(
            "the parameters ask for a session in clear first, which begins before TLS is asked for".into()
        );
    }
    // The time limit was that of the handshake; the watch goes on until the server is ready.
    match negotiating.conclude(Ok((stream, ()))) {
        Some(connected) => Ok(Channel::new(connected.stream)),
        None => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
    }
}
