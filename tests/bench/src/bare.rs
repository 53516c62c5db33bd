//! What somebody writes who takes rustls as it is: its own verifier, the same provider, the same exchange. Sessions are not
//! resumed: a connection that is to be compared with a verified one has to be verified.

use crate::{
    exchange::{Then, start_up, start_up_on_tokio},
    material::HOST,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// An encrypted connection.
pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A configuration that trusts these roots.
pub fn config(roots: &str) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(root.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(pgtls_rustls::aws_lc_rs())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Connects, asks for TLS, shakes hands and starts up.
pub fn connect(address: SocketAddr, config: &Arc<ClientConfig>, then: Then) -> io::Result<Stream> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.write_all(&pgtls_core::message::SSL_REQUEST)?;
    socket.read_exact(&mut [0])?;
    let name = ServerName::try_from(HOST).unwrap();
    let engine = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(engine, socket);
    start_up(&mut stream, then)?;
    Ok(stream)
}

/// The same on tokio.
pub async fn connect_on_tokio(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    then: Then,
) -> io::Result<TlsStream<tokio::net::TcpStream>> {
    let mut socket = tokio::net::TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    socket.write_all(&pgtls_core::message::SSL_REQUEST).await?;
    socket.read_exact(&mut [0]).await?;
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = TlsConnector::from(config.clone()).connect(name, socket).await?;
    start_up_on_tokio(&mut stream, then).await?;
    Ok(stream)
}
