//! A client made of parameters and files, and a rustls server, shaking hands in memory.

use pgtls_conformance::pki::{Identity, Pki};
use pgtls_core::{
    environment::{Environment, Platform},
    files::{
        self, FILES, FileIdentity, FileKind, FileRole, InMemoryFiles, Metadata, NativeRoots, ReadError,
        ReadFile, path_of,
    },
    negotiation::TlsFacts,
    param::{Ability, Params, Settings},
};
use pgtls_rustls::{Connector, Session, SessionFacts, TlsError, TlsOptions, clock};
use rustls::{
    ClientConnection, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection,
    SignatureScheme, SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, UnixTime},
    server::{
        ClientHello, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SigningKey},
};
use std::{
    collections::BTreeMap,
    io::Read as _,
    sync::{Arc, LazyLock, Mutex},
    time::SystemTime,
};

/// One PKI for all tests of a binary: making keys is slow.
pub(crate) static PKI: LazyLock<Pki> = LazyLock::new(Pki::open);

/// Files by path. All of them belong to root and are private.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.to_owned(), content.into());
        self
    }
}

impl ReadFile for Files {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        let bytes = self.0.get(path).ok_or(ReadError::NotFound)?;
        let identity = FileIdentity { size: bytes.len() as u64, ..FileIdentity::default() };
        Ok(Metadata { kind: FileKind::Regular, mode: 0o600, uid: 0, identity })
    }
    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        Ok((self.0.get(path).ok_or(ReadError::NotFound)?.clone(), self.metadata(path)?))
    }
    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        let inside = |name: &String| name.strip_prefix(path)?.strip_prefix('/').map(str::to_owned);
        Ok(self.0.keys().filter_map(inside).collect())
    }
    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}

pub(crate) fn params(conninfo: &str) -> Params {
    let settings = Settings::parse(conninfo).unwrap();
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    Params::resolve(&settings, None, &environment, Ability::default()).unwrap()
}

pub(crate) fn options(provider: Arc<CryptoProvider>) -> TlsOptions {
    TlsOptions::new(provider, clock(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()))
}

/// The options with a change.
pub(crate) fn with(options: &TlsOptions, change: impl FnOnce(&mut TlsOptions)) -> TlsOptions {
    let mut options = options.clone();
    change(&mut options);
    options
}

/// The providers, whose outcomes are the same.
pub(crate) const PROVIDERS: [fn() -> Arc<CryptoProvider>; 2] = [pgtls_rustls::aws_lc_rs, pgtls_rustls::ring];

pub(crate) fn connector(conninfo: &str, files: &Files) -> Connector {
    connector_with(conninfo, files, &options(pgtls_rustls::aws_lc_rs()))
}

pub(crate) fn connector_with(conninfo: &str, disk: &Files, options: &TlsOptions) -> Connector {
    let params = params(conninfo);
    let load = |options: &TlsOptions, disk: &Files| {
        files::load_settings(&options.file_settings(&params), &Environment::empty(Platform::Unix), disk)
    };
    let loaded = load(options, disk);
    let connector = Connector::new(&params, &loaded, options);
    if options.files.is_none() {
        // Bytes in memory have the same verdict as the files.
        let (in_memory, rest) = in_memory(&params, disk);
        let options = with(options, |options| options.files = Some(Arc::new(in_memory)));
        let supplied = load(&options, &rest);
        let from_bytes = Connector::new(&params, &supplied, &options);
        assert_eq!(from_bytes.fault(), connector.fault(), "{conninfo}");
        assert_eq!(from_bytes.ignored_crl_file(), connector.ignored_crl_file(), "{conninfo}");
        let trust = |loaded| format!("{:?}", pgtls_rustls::trust(loaded));
        assert_eq!(trust(&supplied), trust(&loaded), "{conninfo}");
    }
    connector
}

/// The files of the parameters as bytes, labelled with their paths, and the other files.
pub(crate) fn in_memory(params: &Params, disk: &Files) -> (InMemoryFiles, Files) {
    let (mut files, mut rest) = (InMemoryFiles::default(), disk.clone());
    for rule in &FILES {
        let path = path_of(rule.role, &params.into(), &Environment::empty(Platform::Unix)).path;
        let Some((path, bytes)) = path.and_then(|path| rest.0.remove_entry(&path)) else { continue };
        files = match rule.role {
            FileRole::RootCert => files.with_sslrootcert(path, bytes),
            FileRole::Crl => files.with_sslcrl(path, bytes),
            FileRole::Cert => files.with_sslcert(path, bytes),
            FileRole::Key => files.with_sslkey(path, bytes),
            FileRole::CrlDir => continue,
        };
    }
    (files, rest)
}

/// A server that does not look at its own certificate, so that it can be any.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) asks: Option<Arc<Asks>>,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) sni: Arc<Mutex<Option<String>>>,
}

impl Server {
    /// With a server certificate of the PKI.
    pub(crate) fn new(name: &str) -> Self {
        let identity = PKI.server(name).unwrap();
        Self::with_key(identity.chain().to_vec(), key_of(identity))
    }

    pub(crate) fn with_key(chain: Vec<CertificateDer<'static>>, key: Arc<dyn SigningKey>) -> Self {
        Self {
            certified: Arc::new(CertifiedKey::new(chain, key)),
            provider: pgtls_rustls::aws_lc_rs(),
            versions: vec![&rustls::version::TLS12, &rustls::version::TLS13],
            asks: None,
            alpn: vec![b"postgresql".to_vec()],
            sni: Arc::default(),
        }
    }

    pub(crate) fn only(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    pub(crate) fn asking(mut self, asks: Asks) -> Self {
        self.asks = Some(Arc::new(asks));
        self
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = match &self.asks {
            Some(asks) => builder.with_client_cert_verifier(asks.clone()),
            None => builder.with_no_client_auth(),
        };
        let resolver = Resolver { certified: self.certified.clone(), sni: self.sni.clone() };
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols.clone_from(&self.alpn);
        Arc::new(config)
    }
}

pub(crate) fn key_of(identity: &Identity) -> Arc<dyn SigningKey> {
    rustls::crypto::aws_lc_rs::sign::any_supported_type(&identity.key().pkcs8()).unwrap()
}

struct Resolver {
    certified: Arc<CertifiedKey>,
    sni: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        *self.sni.lock().unwrap() = hello.server_name().map(str::to_owned);
        Some(self.certified.clone())
    }
}

/// Asks the client for a certificate, takes any, and remembers it.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    pub(crate) hints: Vec<DistinguishedName>,
    pub(crate) schemes: Option<Vec<SignatureScheme>>,
    pub(crate) mandatory: bool,
    pub(crate) got: Mutex<Option<CertificateDer<'static>>>,
}

impl ClientCertVerifier for Asks {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        *self.got.lock().unwrap() = Some(end_entity.clone().into_owned());
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let all = || pgtls_rustls::aws_lc_rs().signature_verification_algorithms.supported_schemes();
        self.schemes.clone().unwrap_or_else(all)
    }
}

/// A handshake that succeeded.
pub(crate) struct Shaken {
    pub(crate) tls: TlsFacts,
    pub(crate) facts: SessionFacts,
    pub(crate) client: ClientConnection,
}

/// Runs a handshake, and takes what the server has to say after it.
pub(crate) fn shake(session: &Session, server: &Arc<ServerConfig>) -> Result<Shaken, TlsError> {
    let mut client = ClientConnection::new(session.config(), session.server_name()).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut wire = wire.as_slice();
        while !wire.is_empty() {
            server.read_tls(&mut wire).unwrap();
        }
        // A server that refuses says so with an alert, which is for the client to read, and closes the connection.
        let gone = server.process_new_packets().is_err();
        pour(&mut server, &mut client).map_err(|error| session.refusal(error))?;
        if gone {
            return Err(session.failure(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
    pour(&mut server, &mut client).map_err(|error| session.refusal(error))?;
    assert!(matches!(
        client.reader().read(&mut [0; 1]).map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    ));
    let complete = "the handshake is complete";
    let (tls, facts) = (session.facts(&client), session.session_facts(&client));
    Ok(Shaken { tls: tls.expect(complete), facts: facts.expect(complete), client })
}

fn pour(server: &mut ServerConnection, client: &mut ClientConnection) -> Result<(), Error> {
    let mut wire = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut wire).unwrap();
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        client.read_tls(&mut wire).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}
