//! What rustls does not do as OpenSSL does by itself: server names that are sent, servers with old keys and ciphers, and
//! certificates whose keys may not sign. Each difference has its row in `data/divergences.toml`; whatever has none is the
//! same.

use crate::support::divergences::Divergences;
use openssl::{
    asn1::{Asn1Object, Asn1OctetString},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::Rsa,
    ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509, X509Builder, X509Extension},
};
use pgtls_core::{
    environment::{Environment, Platform},
    files::load,
    param::{Ability, Params, Settings},
    sni::server_name,
};
use pgtls_os::Disk;
use pgtls_rustls::{Connector, aws_lc_rs};
use pgtls_std::{Config, LibraryInit, StartupError, connect};
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use rustls_pki_types::PrivateKeyDer;
use std::{
    fs::{self, Permissions},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

fn params(conninfo: &str) -> Params {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("u".to_owned());
    Params::resolve(&Settings::parse(conninfo).unwrap(), None, &environment, Ability::default()).unwrap()
}

fn config(conninfo: &str) -> Config {
    // What this machine asks of OpenSSL does not matter here.
    let init = LibraryInit { ssl: false, crypto: true };
    Config::initialised(params(conninfo), Environment::empty(Platform::Unix), init, aws_lc_rs).unwrap()
}

#[test]
fn server_names_are_sent_as_libpq_sends_them() {
    let mut divergences = Divergences::of("server name");
    let config = config("host=h sslmode=require");
    let loaded = load(&config.params, &config.environment, &Disk);
    let connector = Connector::new(&config.params, &loaded, &config.tls);
    let long = format!("{}.test", "a".repeat(64));
    for host in [
        "db.test",
        "DB.Test",
        "a_b.test",
        "localhost",
        "x",
        "xn--dtenbank-0za.test",
        "127.0.0.1",
        "::1",
        "10.1",
        "",
        "db.test.",
        "localhost.",
        "*",
        "*.test",
        "*.wild.test",
        ".wild.test",
        "d\u{e4}tenbank.test",
        "-db-.test",
        "db test",
        " 127.0.0.1",
        "127.0.0.1/32",
        "[127.0.0.1]",
        "0x7f.0.0.1",
        "0x7f000001",
        "a@b.test",
        "db/test",
        &long,
    ] {
        let libpq = server_name(Some(host), true).unwrap();
        let session = connector.session(Some(host)).unwrap();
        let we = session.sni();
        if we == libpq {
            continue;
        }
        // "db.test." is the one text that is changed.
        let (case, sent) = match we {
            Some(name) if libpq.is_some_and(|text| text.strip_suffix('.') == Some(name)) => {
                ("host name with a final dot", "without the dot")
            }
            Some(other) => panic!("{host:?} became {other:?}"),
            None => ("text that is no host name", "not at all"),
        };
        assert!(divergences.explains(case, "as it is", sent), "{host:?}: libpq sends {libpq:?}, we {we:?}");
    }
    divergences.finish();
}

#[test]
fn servers_with_old_keys_and_ciphers() {
    let mut divergences = Divergences::of("tls");
    let (small, large, pss) = (rsa(1024), rsa(2048), rsa_pss());
    let p521 = EcKey::generate(&EcGroup::from_curve_name(Nid::SECP521R1).unwrap()).unwrap();
    let p521 = PKey::from_ec_key(p521).unwrap();
    for (case, key, ciphers) in [
        ("RSA key of 2048 bits", &large, "ALL:@SECLEVEL=0"),
        ("GCM cipher suites alone", &large, "ECDHE+AESGCM:@SECLEVEL=0"),
        ("RSA key of 1024 bits", &small, "ALL:@SECLEVEL=0"),
        ("CBC cipher suites alone", &large, "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"),
        ("RSA key exchange alone", &large, "AES128-GCM-SHA256:AES256-GCM-SHA384:@SECLEVEL=0"),
        ("the server's RSASSA-PSS key in TLS 1.2", &pss, "ALL:@SECLEVEL=0"),
        ("P-521 key in TLS 1.2", &p521, "ALL:@SECLEVEL=0"),
    ] {
        let context = context(key, ciphers).build();
        let we = if with_server(openssl_server(context), shake_hands) { "ssl" } else { "fail" };
        // libpq over OpenSSL connects to all of them.
        assert!(we == "ssl" || divergences.explains(case, "ssl", we), "{case}: {we}");
    }

    let mut newest = context(&small, "ALL:@SECLEVEL=0");
    newest.set_max_proto_version(None).unwrap();
    newest.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
    assert!(with_server(openssl_server(newest.build()), shake_hands), "RSA key of 1024 bits in TLS 1.3");

    // With the keys of a client that a server asks for.
    for (case, key) in
        [("the client's RSA key in TLS 1.2", &large), ("the client's RSASSA-PSS key in TLS 1.2", &pss)]
    {
        let mut context = context(&large, "ALL:@SECLEVEL=0");
        context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
        let identity = identity(key);
        let we = with_server(openssl_server(context.build()), |port| shake_hands_as(port, &identity));
        let we = if we { "ssl" } else { "fail" };
        assert!(we == "ssl" || divergences.explains(case, "ssl", we), "{case}: {we}");
    }
    divergences.finish();
}

/// Certificate and key of a client, for as long as it lives.
fn identity(key: &PKey<Private>) -> TempDir {
    let identity = TempDir::new().unwrap();
    fs::write(identity.path().join("client.crt"), certificate(key, None).to_pem().unwrap()).unwrap();
    let path = identity.path().join("client.key");
    fs::write(&path, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    identity
}

/// A key that says that it is for RSASSA-PSS and nothing else, with any hash.
fn rsa_pss() -> PKey<Private> {
    let mut maker = PkeyCtx::new_id(Id::RSA_PSS).unwrap();
    maker.keygen_init().unwrap();
    maker.set_rsa_keygen_bits(2048).unwrap();
    maker.keygen().unwrap()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// No working machine needs as long for a handshake.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client says of a server that speaks TLS in this way; the client gets its port.
fn with_server(speak_tls: impl FnOnce(TcpStream) + Send + 'static, client: impl FnOnce(u16) -> bool) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.read_exact(&mut [0; 8]).unwrap();
        socket.write_all(b"S").unwrap();
        // What comes of it is for the client to say.
        speak_tls(socket);
    });
    let shaken = client(port);
    // Ends the wait of a server to which nobody came.
    drop(TcpStream::connect(("127.0.0.1", port)));
    server.join().unwrap();
    shaken
}

fn openssl_server(context: SslContext) -> impl FnOnce(TcpStream) {
    move |socket| {
        if let Ok(mut tls) = Ssl::new(&context).unwrap().accept(socket) {
            let _ = tls.read(&mut [0; 8]);
        }
    }
}

/// Signs with any key, whatever its certificate says; OpenSSL as a server would not.
fn rustls_server(
    key: &PKey<Private>,
    certificate: &X509,
    version: &'static SupportedProtocolVersion,
) -> impl FnOnce(TcpStream) + use<> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let der = PrivateKeyDer::Pkcs8(key.private_key_to_pkcs8().unwrap().into());
    let signer = provider.key_provider.load_private_key(der).unwrap();
    let certified = CertifiedKey::new(vec![certificate.to_der().unwrap().into()], signer);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    move |socket| {
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let _ = StreamOwned::new(tls, socket).read(&mut [0; 8]);
    }
}

/// Whether we get through the handshake.
fn shake_hands(port: u16) -> bool {
    shaken_with(port, "")
}

/// Whether we do with this certificate and key.
fn shake_hands_as(port: u16, identity: &TempDir) -> bool {
    let [certificate, key] = ["client.crt", "client.key"].map(|name| identity.path().join(name));
    shaken_with(port, &format!("sslcert={} sslkey={}", certificate.display(), key.display()))
}

fn shaken_with(port: u16, more: &str) -> bool {
    let config = config(&format!(
        "host=db.test hostaddr=127.0.0.1 port={port} sslmode=require connect_timeout=60 {more}"
    ));
    let mut shaken = false;
    let ended = connect(&config, |_, _| -> Result<(), StartupError> {
        shaken = true;
        Err(std::io::Error::other("that was all").into())
    });
    assert!(ended.is_err(), "there is no PostgreSQL behind it");
    shaken
}

/// Whether OpenSSL does, which verifies nothing either.
fn openssl_shakes_hands(port: u16) -> bool {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
    socket.read_exact(&mut [0]).unwrap();
    let context = SslContext::builder(SslMethod::tls_client()).unwrap().build();
    Ssl::new(&context).unwrap().connect(socket).is_ok()
}

/// No handshake needs the chain to be verified for this: it goes for `sslmode=require` as for any other.
#[test]
fn keys_that_may_not_sign_are_refused_where_openssl_refuses_them() {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let keys = [
        ("EC", PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()),
        ("Ed25519", PKey::generate_ed25519().unwrap()),
        ("RSA", rsa(2048)),
    ];
    // DER of the extension's value.
    let usages: [(&str, Option<&[u8]>); 6] = [
        ("none", None),
        ("digitalSignature", Some(&[3, 2, 7, 0x80])),
        ("digitalSignature and keyAgreement", Some(&[3, 2, 3, 0x88])),
        ("keyAgreement", Some(&[3, 2, 3, 0x08])),
        ("keyEncipherment", Some(&[3, 2, 5, 0x20])),
        ("malformed", Some(&[4, 0])),
    ];
    let mut refused = Vec::new();
    for (kind, key) in &keys {
        for (usage, value) in usages {
            for version in [&TLS12, &TLS13] {
                let certificate = certificate(key, value);
                let server = || rustls_server(key, &certificate, version);
                let openssl = with_server(server(), openssl_shakes_hands);
                let we = with_server(server(), shake_hands);
                assert_eq!(we, openssl, "{kind}, key usage: {usage}, {:?}", version.version);
                if !openssl {
                    refused.push((*kind, usage, version.version));
                }
            }
        }
    }
    for kind in ["EC", "Ed25519"] {
        assert!(refused.contains(&(kind, "keyAgreement", ProtocolVersion::TLSv1_2)), "{refused:?}");
    }
    assert!(refused.iter().all(|(kind, ..)| *kind != "RSA"), "{refused:?}");
}

/// A server with this key that speaks TLS 1.2 with these ciphers.
fn context(key: &PKey<Private>, ciphers: &str) -> SslContextBuilder {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_cipher_list(ciphers).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    context.set_certificate(&certificate(key, None)).unwrap();
    context.set_private_key(key).unwrap();
    context
}

/// Self-signed; nobody verifies it. The key usage is the DER of the extension's value.
fn certificate(key: &PKey<Private>, key_usage: Option<&[u8]>) -> X509 {
    let mut name = openssl::x509::X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "db.test").unwrap();
    let name = name.build();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(key).unwrap();
    if let Some(value) = key_usage {
        let value = Asn1OctetString::new_from_bytes(value).unwrap();
        let oid = Asn1Object::from_str("2.5.29.15").unwrap();
        certificate.append_extension(X509Extension::new_from_der(&oid, true, &value).unwrap()).unwrap();
    }
    // The digest of Ed25519 is its own.
    let digest = match key.id() {
        Id::ED25519 => MessageDigest::null(),
        _ => MessageDigest::sha256(),
    };
    certificate.sign(key, digest).unwrap();
    certificate.build()
}
