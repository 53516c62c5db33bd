//! How rustls is configured by somebody who takes it as it is: its own verifier, the same provider. Sessions are not
//! resumed: a connection that is to be compared with a verified one has to be verified.

use crate::{material::HOST, setup::Setup};
use rustls::{
    ClientConfig, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, pem::PemObject as _},
};
use std::{
    io::{self, Read, Write},
    sync::Arc,
};

/// A configuration that trusts these roots, and these revocation lists.
///
/// # Errors
/// Files that cannot be read.
pub(crate) fn config(setup: &Setup) -> io::Result<Arc<ClientConfig>> {
    let mut store = RootCertStore::empty();
    let roots = CertificateDer::pem_file_iter(&setup.roots).map_err(io::Error::other)?;
    store.add_parsable_certificates(roots.flatten());
    let mut crls = Vec::new();
    if let Some(path) = &setup.crl {
        let lists = CertificateRevocationListDer::pem_file_iter(path).map_err(io::Error::other)?;
        crls.extend(lists.flatten());
    }
    let provider = setup.provider.make();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .with_crls(crls)
        .build()
        .map_err(io::Error::other)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The name to verify.
pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::try_from(HOST).unwrap()
}

/// Asks for TLS.
pub(crate) fn ask(socket: &mut (impl Read + Write)) -> io::Result<()> {
    socket.write_all(&pgtls_core::message::SSL_REQUEST)?;
    let mut reply = [0];
    socket.read_exact(&mut reply)?;
    granted(reply)
}

/// Whether TLS was granted.
pub(crate) fn granted(reply: [u8; 1]) -> io::Result<()> {
    if reply == *b"S" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}
