//! TLS against the scripted server.

use super::through_each_adapter;
use crate::support::divergences::Divergences;
use pgtls_adapter::{ActionError, BoxError, Config};
use pgtls_conformance::{
    pki::Pki,
    runtime::{Adapter, Wire, config, connect, failure, words},
    server::{Behaviour, Script, Server, TlsVersion, answer::ClientCertificate},
};
use pgtls_core::{
    connect::Warning,
    files::{FileRole, FileSource, FileState, InMemoryFiles},
    negotiation::{Encryption, Failure},
    policy::Verification,
    startup::ProtocolViolation,
};
use pgtls_rustls::ExternalKey;
use rustls::{AlertDescription, SignatureScheme, sign::SigningKey};
use std::{
    io::Write as _,
    sync::{Arc, LazyLock},
    time::Duration,
};

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));

fn server(behaviour: Behaviour) -> Server {
    Server::builder(Script::always(behaviour), PKI.clone()).start().unwrap()
}

/// The PKI's root in a file.
fn root() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(PKI.root_file("root").unwrap().as_bytes()).unwrap();
    file
}

fn a_verified_session<A: Adapter>() {
    let (server, root) = (server(Behaviour::default()), root());
    for negotiation in ["postgres", "direct"] {
        let config = config(&format!(
            "host=db.test {} sslmode=verify-full sslrootcert={} sslnegotiation={negotiation}",
            server.listen().conninfo(),
            root.path().to_str().unwrap()
        ));
        let connected = connect::<A>(&config).unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Ssl);
        let facts = connected.stream.facts().unwrap();
        assert_eq!((facts.verified, facts.protocol), (Verification::Full, "TLSv1.3"));
        assert_eq!(facts.matched_name.as_deref(), Some("db.test"));
        assert_eq!(facts.attribute("alpn").as_deref(), Some("postgresql"));
        assert_eq!(facts.attribute("key_bits").as_deref(), Some("256"));
        assert!(facts.tls_server_end_point().unwrap().is_some());
        assert_eq!(connected.report.files.len(), 5);
    }
}

/// Keys that crypto providers do not verify with by themselves. With `prefer` a handshake that fails is followed by plaintext,
/// and psql stays encrypted.
fn keys_that_providers_lack_do_not_lead_to_plaintext<A: Adapter>() {
    for certificate in ["key-rsa-1024", "key-p521"] {
        for version in [TlsVersion::Tls1_2, TlsVersion::Tls1_3] {
            let mut behaviour = Behaviour::default().with_certificate(certificate);
            (behaviour.tls.min_version, behaviour.tls.max_version) = (version, version);
            let server = server(behaviour);
            for provider in [pgtls_rustls::aws_lc_rs, pgtls_rustls::ring] {
                for sslmode in ["prefer", "require"] {
                    let mut config =
                        config(&format!("host=db.test {} sslmode={sslmode}", server.listen().conninfo()));
                    config.tls.provider = provider();
                    let connected = connect::<A>(&config).unwrap();
                    assert_eq!(connected.stream.encryption(), Encryption::Ssl, "{certificate} {version:?}");
                    assert!(connected.stream.facts().is_some());
                }
            }
        }
    }
}

fn a_connector_is_shared_between_connections<A: Adapter>() {
    let (server, root) = (server(Behaviour::default()), root());
    let mut config = config(&format!(
        "host=db.test {} sslmode=verify-full sslrootcert={}",
        server.listen().conninfo(),
        root.path().to_str().unwrap()
    ));
    let loaded = pgtls_core::files::load(&config.params, &config.environment, &pgtls_os::Disk);
    config.connector = Some(Arc::new(pgtls_rustls::Connector::new(&config.params, &loaded, &config.tls)));
    drop(root);
    for _ in 0..2 {
        let connected = connect::<A>(&config).unwrap();
        assert!(connected.report.files.is_empty(), "nothing is read again");
    }
}

/// Roots, certificate and key that are nowhere on the disk; the files that the parameters name are not looked at.
fn files_come_from_memory<A: Adapter>() {
    for version in [TlsVersion::Tls1_2, TlsVersion::Tls1_3] {
        let server = verifying_clients(version);
        let config = supplied(&server, "sslmode=verify-full sslrootcert=/none", |files| {
            files
                .with_sslrootcert("roots", PKI.root_file("root").unwrap())
                .with_sslkey("key", PKI.client("good").unwrap().key_pem())
        });
        for _ in 0..2 {
            let connected = connect::<A>(&config.clone()).unwrap();
            let facts = connected.stream.facts().unwrap();
            assert_eq!(facts.verified, Verification::Full);
            assert!(facts.client_certificate.sent);
            let lines: Vec<_> = connected.report.files.iter().map(|line| (line.role, line.source)).collect();
            let program = |role| (role, FileSource::Program);
            assert_eq!(
                [lines[0], lines[3], lines[4]],
                [FileRole::RootCert, FileRole::Cert, FileRole::Key].map(program)
            );
            let replaced = connected.report.files[0].replaced.as_ref().unwrap();
            assert_eq!((replaced.path.as_deref(), replaced.source), (Some("/none"), FileSource::Explicit));
        }
        let Config { cache, params, environment, tls, .. } = &config;
        let cached = cache.connector(params, environment, tls, &pgtls_os::Disk).connector;
        connect::<A>(&config.clone()).unwrap();
        assert!(Arc::ptr_eq(&cached, &cache.connector(params, environment, tls, &pgtls_os::Disk).connector));
    }
}

/// A key of the PKI that signs and cannot be read, or fails to.
struct Agent(Result<Arc<dyn SigningKey>, &'static str>);

impl ExternalKey for Agent {
    fn label(&self) -> &'static str {
        "agent"
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        let signer =
            self.0.as_ref().map_err(|error| *error)?.choose_scheme(&[scheme]).ok_or("no such scheme")?;
        Ok(signer.sign(message)?)
    }
}

fn a_key_that_cannot_be_read_signs<A: Adapter>() {
    let key = PKI.client("good").unwrap().key().pkcs8();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    for version in [TlsVersion::Tls1_2, TlsVersion::Tls1_3] {
        let server = verifying_clients(version);
        let connect_signing = |sslmode: &str, key| {
            let mut config = supplied(&server, &format!("sslmode={sslmode} sslkey=/none"), |files| files);
            config.tls.external_key = Some(Arc::new(Agent(key)));
            connect::<A>(&config)
        };
        let connected = connect_signing("require", Ok(key.clone())).unwrap();
        assert!(connected.stream.facts().unwrap().client_certificate.sent);
        let line = connected.report.files.last().unwrap();
        assert_eq!((line.path.as_deref(), &line.state), (Some("agent"), &FileState::External));

        // A key that fails fails the handshake: `prefer` goes on in plaintext, as libpq does.
        let error = connect_signing("require", Err("the token is locked")).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("\"agent\"") && text.contains("the token is locked"), "{text}");
        let connected = connect_signing("prefer", Err("the token is locked")).unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Plain);
        assert!(connected.failed[0].to_string().contains("the token is locked"));
    }
}

/// libpq has no roots but those of `sslrootcert`.
fn additional_roots_are_an_option_of_the_program<A: Adapter>() {
    let server = server(Behaviour::default());
    let mut other = tempfile::NamedTempFile::new().unwrap();
    other.write_all(PKI.root_file("root2").unwrap().as_bytes()).unwrap();
    let mut config = config(&format!(
        "host=db.test {} sslmode=verify-full sslrootcert={}",
        server.listen().conninfo(),
        other.path().to_str().unwrap()
    ));
    let without = connect::<A>(&config).map_or("fail", |_| "ssl");
    let files = InMemoryFiles::default().with_additional_roots("ours", PKI.root_file("root").unwrap());
    config.tls.files = Some(Arc::new(files));
    let connected = connect::<A>(&config).unwrap();
    let mut divergences = Divergences::of("roots");
    let with = connected.stream.encryption().as_str();
    assert!(divergences.explains("additional roots of the program's own", without, with));
    divergences.finish();
    let line = &connected.report.files[1];
    assert_eq!((line.role, line.source), (FileRole::RootCert, FileSource::Additional));
    assert_eq!((line.path.as_deref(), &line.state), (Some("ours"), &FileState::Read));
}

/// A server that demands a client certificate of the PKI's and verifies it.
fn verifying_clients(version: TlsVersion) -> Server {
    let mut behaviour = Behaviour::default();
    behaviour.tls.client_certificate = ClientCertificate::Verify;
    (behaviour.tls.min_version, behaviour.tls.max_version) = (version, version);
    server(behaviour)
}

/// A configuration with the certificate of the client `good` and more from memory.
fn supplied(server: &Server, more: &str, files: impl FnOnce(InMemoryFiles) -> InMemoryFiles) -> Config {
    let certificate = PKI.client("good").unwrap().chain_pem();
    let given = files(InMemoryFiles::default().with_sslcert("certificate", certificate));
    let mut config = config(&format!("host=db.test {} {more}", server.listen().conninfo()));
    config.tls.files = Some(Arc::new(given));
    config
}

/// Files are looked at for each connection, and read when they look different.
fn files_are_read_when_they_have_changed<A: Adapter>() {
    let (server, root) = (server(Behaviour::default()), root());
    let mut config = config(&format!(
        "host=db.test {} sslmode=verify-full sslrootcert={}",
        server.listen().conninfo(),
        root.path().to_str().unwrap()
    ));
    // A minute later than it is: nothing was changed just now.
    config.tls.clock = pgtls_rustls::clock(|| Duration::from_secs(pgtls_os::unix_time() + 60));
    let connect = || connect::<A>(&config.clone());
    let connector = || {
        let Config { cache, params, environment, tls, .. } = &config;
        cache.connector(params, environment, tls, &pgtls_os::Disk).connector
    };
    let content = std::fs::read(root.path()).unwrap();
    connect().unwrap();
    let first = connector();
    connect().unwrap();
    assert!(Arc::ptr_eq(&first, &connector()), "nothing has changed");

    // The same size and the same time.
    let time = root.as_file().metadata().unwrap().modified().unwrap();
    std::fs::write(root.path(), vec![b'-'; content.len()]).unwrap();
    root.as_file().set_modified(time).unwrap();
    assert!(connect().is_err());
    std::fs::write(root.path(), content).unwrap();
    connect().unwrap();
}

fn a_certificate_for_another_host<A: Adapter>() {
    let (server, root) = (server(Behaviour::default().with_certificate("wrong-host")), root());
    let config = config(&format!(
        "host=db.test {} sslmode=verify-full sslrootcert={}",
        server.listen().conninfo(),
        root.path().to_str().unwrap()
    ));
    let outcome = connect::<A>(&config).map(|_| ());
    assert!(matches!(failure(&outcome), Failure::Tls(_)));
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("does not match host name \"db.test\""), "{text}");
}

fn secrets_are_logged_where_the_parameter_says<A: Adapter>() {
    let (server, directory) = (server(Behaviour::default()), tempfile::tempdir().unwrap());
    let path = directory.path().join("keys");
    let mode = |path: &std::path::Path| {
        config(&format!(
            "host=db.test {} sslmode=require sslkeylogfile={}",
            server.listen().conninfo(),
            path.to_str().unwrap()
        ))
    };
    let connected = connect::<A>(&mode(&path)).unwrap();
    assert!(connected.report.warnings.is_empty());
    let lines = std::fs::read_to_string(&path).unwrap();
    assert!(lines.lines().any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")), "{lines}");

    let connected = connect::<A>(&mode(&directory.path().join("no/keys"))).unwrap();
    assert!(matches!(connected.report.warnings[0], Warning::KeyLogOpen { .. }));
}

#[cfg(unix)]
fn pipe(path: &std::path::Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// libpq waits for a reader here.
#[cfg(unix)]
fn a_key_log_without_a_reader_is_not_waited_for<A: Adapter>() {
    let (server, directory) = (server(Behaviour::default()), tempfile::tempdir().unwrap());
    let path = directory.path().join("keys");
    pipe(&path);
    let config = config(&format!(
        "host=db.test {} sslmode=require sslkeylogfile={}",
        server.listen().conninfo(),
        path.to_str().unwrap()
    ));
    let connected = connect::<A>(&config).unwrap();
    let warnings = &connected.report.warnings;
    assert!(matches!(warnings[0], Warning::KeyLogOpen { .. }), "{warnings:?}");
    let mut divergences = Divergences::of("key log");
    assert!(divergences.explains("a pipe without a reader", "waits", "warns"));
    divergences.finish();
}

/// A pipe whose writer never writes. Without `connect_timeout` it is given up after a while.
#[cfg(unix)]
fn files_are_under_the_deadline<A: Adapter>() {
    let (server, directory) = (server(Behaviour::default()), tempfile::tempdir().unwrap());
    let path = directory.path().join("pipe");
    pipe(&path);
    // Both ends, so that there is a writer.
    let _writer = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let (root, pipe) = (root(), path.to_str().unwrap());
    let root = root.path().to_str().unwrap();
    for files in [
        format!("sslrootcert={pipe}"),
        format!("sslrootcert={root} sslcrl={pipe}"),
        format!("sslrootcert={root} sslcert={pipe} sslkey={pipe}"),
    ] {
        let place = server.listen().conninfo();
        let outcome = connect::<A>(&config(&format!(
            "host=db.test {place} sslmode=verify-ca {files} connect_timeout=1"
        )));
        assert!(outcome.is_err(), "{files}");
        assert_eq!(failure(&outcome.map(|_| ())), Failure::TimedOut, "{files}");
    }
    let mut divergences = Divergences::of("deadline");
    assert!(divergences.explains("a pipe without an end as a file", "waits", "timeout expired"));
    divergences.finish();
}

fn without_client_certificate(version: TlsVersion) -> Server {
    let mut behaviour = Behaviour::default();
    behaviour.tls.client_certificate = ClientCertificate::Required;
    behaviour.tls.max_version = version;
    server(behaviour)
}

fn tls_1_3_misses_the_client_certificate_after_the_handshake<A: Adapter>() {
    let server = without_client_certificate(TlsVersion::Tls1_3);
    let config = config(&format!("host=db.test {} sslmode=prefer", server.listen().conninfo()));
    let outcome = connect::<A>(&config).map(|_| ());
    assert_eq!(failure(&outcome), Failure::StartupBroken(ProtocolViolation::Closed));
    let error = outcome.unwrap_err();
    let alert = error.last().unwrap().embedder().and_then(ActionError::alert);
    assert_eq!(alert, Some(AlertDescription::CertificateRequired), "{error}");
    assert!(error.to_string().contains("certificate required"), "{error}");
    assert_eq!(error.report.connections(), 1, "and prefer does not fall back");
}

fn tls_1_2_misses_it_in_the_handshake<A: Adapter>() {
    let server = without_client_certificate(TlsVersion::Tls1_2);
    let config = config(&format!("host=db.test {} sslmode=prefer", server.listen().conninfo()));
    let connected = connect::<A>(&config).unwrap();
    assert_eq!(connected.stream.encryption(), Encryption::Plain);
    assert_eq!(words(connected.report.events()), "connect sslaccept tlsfail reconnect authok");
}

fn named_behaviours_end_as_they_should<A: Adapter>() {
    let rows = [
        ("accept-extra", "prefer", "connect sslaccept extrabytes"),
        ("accept-garbage", "require", "connect sslaccept tlsfail"),
        ("accept-close", "prefer", "connect sslaccept close reconnect authok"),
        ("accept-reset", "prefer", "connect sslaccept close reconnect authok"),
        ("accept-late", "require", "connect sslaccept authok"),
        ("reject-extra", "require", "connect sslreject"),
        ("reject-close", "prefer", "connect sslreject close"),
    ];
    for (name, sslmode, expected) in rows {
        let server = server(Behaviour::named(name).unwrap());
        let config = config(&format!("host=db.test {} sslmode={sslmode}", server.listen().conninfo()));
        let report = match connect::<A>(&config) {
            Ok(connected) => connected.report,
            Err(error) => error.report,
        };
        assert_eq!(words(report.events()), expected, "{name}");
    }
}

through_each_adapter!(
    a_verified_session,
    files_come_from_memory,
    a_key_that_cannot_be_read_signs,
    additional_roots_are_an_option_of_the_program,
    keys_that_providers_lack_do_not_lead_to_plaintext,
    a_connector_is_shared_between_connections,
    files_are_read_when_they_have_changed,
    a_certificate_for_another_host,
    secrets_are_logged_where_the_parameter_says,
    tls_1_3_misses_the_client_certificate_after_the_handshake,
    tls_1_2_misses_it_in_the_handshake,
    named_behaviours_end_as_they_should,
);

#[cfg(unix)]
mod pipes {
    use super::{a_key_log_without_a_reader_is_not_waited_for, files_are_under_the_deadline};

    super::through_each_adapter!(a_key_log_without_a_reader_is_not_waited_for, files_are_under_the_deadline);
}
