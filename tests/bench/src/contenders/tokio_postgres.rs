//! tokio-postgres with what there is for its TLS: a session is one of the driver's.

use super::{
    Again,
    on_tokio::{Client, asked},
};
use crate::{
    bare, bulk,
    exchange::{Then, start_up_on_tokio},
    material::HOST,
    ours,
    setup::Setup,
};
use openssl::{
    ssl::{SslConnector, SslMethod},
    x509::verify::X509VerifyFlags,
};
use pgtls_tokio_postgres::Session;
use postgres_openssl::MakeTlsConnector;
use std::{fmt::Display, io, net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;
use tokio_postgres::{
    Config, Connection, Socket,
    config::{SslMode, SslNegotiation},
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// tokio-postgres with TLS of this kind.
pub(super) struct TokioPostgres<T> {
    address: SocketAddr,
    direct: bool,
    driver: Config,
    tls: T,
}

impl<T> TokioPostgres<T> {
    fn new(setup: &Setup, tls: T) -> Self {
        let mut driver = Config::new();
        driver.host(HOST).hostaddr(setup.address.ip()).port(setup.address.port());
        driver.user("bench").dbname(Then::Idle.name()).ssl_mode(SslMode::Require);
        if setup.direct {
            driver.ssl_negotiation(SslNegotiation::Direct);
        }
        Self { address: setup.address, direct: setup.direct, driver, tls }
    }
}

/// With tokio-postgres-rustls.
pub(super) fn rustls(setup: &Setup) -> io::Result<TokioPostgres<MakeRustlsConnect>> {
    let config = Arc::unwrap_or_clone(bare::config(setup)?);
    Ok(TokioPostgres::new(setup, MakeRustlsConnect::new(config)))
}

/// With postgres-openssl.
pub(super) fn openssl(setup: &Setup) -> io::Result<TokioPostgres<MakeTlsConnector>> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_ca_file(&setup.roots)?;
    if let Some(path) = &setup.crl {
        let store = builder.cert_store_mut();
        store.set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)?;
        store
            .add_lookup(openssl::x509::store::X509Lookup::file())?
            .load_crl_file(path, openssl::ssl::SslFiletype::PEM)?;
    }
    postgres_openssl::set_postgresql_alpn(&mut builder)?;
    Ok(TokioPostgres::new(setup, MakeTlsConnector::new(builder.build())))
}

impl<T> Client for TokioPostgres<T>
where
    T: MakeTlsConnect<Socket> + MakeTlsConnect<TcpStream> + Clone + 'static,
    <T as MakeTlsConnect<Socket>>::Stream: 'static,
    <<T as MakeTlsConnect<TcpStream>>::TlsConnect as TlsConnect<TcpStream>>::Error: Display,
    <T as MakeTlsConnect<TcpStream>>::Error: Display,
{
    type Session = (tokio_postgres::Client, Connection<Socket, <T as MakeTlsConnect<Socket>>::Stream>);

    async fn connect(&self) -> io::Result<Self::Session> {
        self.driver.connect(self.tls.clone()).await.map_err(io::Error::other)
    }

    /// The driver says goodbye when nobody needs it.
    async fn close((client, connection): Self::Session) -> io::Result<()> {
        drop(client);
        connection.await.map_err(io::Error::other)
    }

    /// On the bytes of the TLS stream that the driver would have.
    async fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        let socket = asked(self.address, self.direct).await?;
        let other = |error: &dyn Display| io::Error::other(error.to_string());
        let mut make = self.tls.clone();
        let tls =
            MakeTlsConnect::<TcpStream>::make_tls_connect(&mut make, HOST).map_err(|error| other(&error))?;
        let mut stream = tls.connect(socket).await.map_err(|error| other(&error))?;
        start_up_on_tokio(&mut stream, then).await?;
        bulk::transfer_on_tokio(&mut stream, then, bytes, again).await
    }
}

/// tokio-postgres with pgtls-tokio-postgres.
pub(super) struct PgtlsTokioPostgres {
    config: Arc<pgtls_tokio::Config>,
    address: SocketAddr,
}

impl PgtlsTokioPostgres {
    /// The files are read when they are needed.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self { config: Arc::new(ours::config(setup)?), address: setup.address })
    }
}

impl Client for PgtlsTokioPostgres {
    type Session = Session;

    async fn connect(&self) -> io::Result<Session> {
        pgtls_tokio_postgres::connect_with(&self.config).await.map_err(io::Error::other)
    }

    async fn close(session: Session) -> io::Result<()> {
        let (client, connection) = session.into_parts();
        drop(client);
        connection.await.map_err(io::Error::other)
    }

    async fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let redial = async || Err(io::ErrorKind::Unsupported.into());
        let stream = pgtls_tokio::channel(&self.config, HOST, socket, redial).await;
        let mut stream = stream.map_err(io::Error::other)?;
        start_up_on_tokio(&mut stream, then).await?;
        bulk::transfer_on_tokio(&mut stream, then, bytes, again).await
    }
}
