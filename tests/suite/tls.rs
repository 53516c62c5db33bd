//! What rustls does not do as OpenSSL does by itself: server names that are sent, servers with old keys and ciphers, and
//! certificates whose keys may not sign. Each difference has its row in `data/divergences.toml`; whatever has none is the
//! same.

use crate::support::divergences::Divergences;
use openssl::{
    asn1::{Asn1Object, Asn1OctetString},
    bn::{BigNum, BigNumRef},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Signer},
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
use pgtls_rustls::{BoxError, Connector, CryptoProvider, ExternalKey, aws_lc_rs, ring};
use pgtls_std::{Config, LibraryInit, StartupError, connect};
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection, SignatureScheme, StreamOwned, SupportedProtocolVersion,
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

fn config(conninfo: &str, provider: Provider) -> Config {
    // What this machine asks of OpenSSL does not matter here.
    let init = LibraryInit { ssl: false, crypto: true };
    Config::initialised(params(conninfo), Environment::empty(Platform::Unix), init, provider).unwrap()
}

/// Makes a crypto provider.
type Provider = fn() -> Arc<CryptoProvider>;

/// The providers and their names.
const PROVIDERS: [(&str, Provider); 2] = [("aws-lc-rs", aws_lc_rs), ("ring", ring)];

#[test]
fn server_names_are_sent_as_libpq_sends_them() {
    let mut divergences = Divergences::of("server name");
    let config = config("host=h sslmode=require", aws_lc_rs);
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
    let large = rsa(2048);
    let versions: &[SslVersion] = &[SslVersion::TLS1_2, SslVersion::TLS1_3];
    let old: &[SslVersion] = &[SslVersion::TLS1_2];
    let all = "ALL:@SECLEVEL=0";
    for (case, key, ciphers, versions) in [
        ("RSA key of 2048 bits", &large, all, versions),
        ("GCM cipher suites alone", &large, "ECDHE+AESGCM:@SECLEVEL=0", old),
        // Too short for a PSS signature.
        ("RSA key of 512 bits", &rsa(512), all, old),
        ("RSA key of 528 bits", &rsa(528), all, old),
        ("RSA key of 768 bits", &rsa(768), all, versions),
        ("RSA key of 1024 bits", &rsa(1024), all, versions),
        ("RSA key of 1025 bits", &rsa(1025), all, versions),
        ("RSA key of 1031 bits", &rsa(1031), all, versions),
        ("RSA key of 2047 bits", &rsa(2047), all, versions),
        ("RSA key with the exponent 3", &rsa_with(1024, 3), all, versions),
        ("RSA key with an exponent of 34 bits", &rsa_with(2048, (1 << 33) + 9), all, versions),
        ("RSA key with the exponent 1", &without_secret(&large), all, versions),
        (
            "CBC cipher suites alone",
            &large,
            "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:@SECLEVEL=0",
            old,
        ),
        ("RSA key exchange alone", &large, "AES128-GCM-SHA256:AES256-GCM-SHA384:@SECLEVEL=0", old),
        ("the server's RSASSA-PSS key in TLS 1.2", &rsa_pss(2048), all, old),
        ("RSASSA-PSS key of 1024 bits", &rsa_pss(1024), all, &[SslVersion::TLS1_3]),
        ("P-384 key", &ec(Nid::SECP384R1), all, versions),
        ("P-521 key", &ec(Nid::SECP521R1), all, versions),
    ] {
        for &version in versions {
            let server = || {
                let mut context = context(key, ciphers);
                context.set_max_proto_version(Some(version)).unwrap();
                context.set_min_proto_version(Some(version)).unwrap();
                openssl_server(context.build())
            };
            assert!(with_server(server(), openssl_shakes_hands), "{case} {version:?}: OpenSSL connects");
            for (name, provider) in PROVIDERS {
                let we = with_server(server(), |port| shaken_with(port, "", provider));
                let we = if we { "ssl" } else { "fail" };
                let is_explained = we == "ssl" || explains(&mut divergences, name, case, we);
                assert!(is_explained, "{case} {version:?} with {name}: {we}");
            }
        }
    }
    // Every curve signs with every hash in TLS 1.2.
    for curve in [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1] {
        let key = ec(curve);
        for hash in ["SHA256", "SHA384", "SHA512"] {
            for (name, provider) in PROVIDERS {
                let mut context = context(&key, all);
                context.set_sigalgs_list(&format!("ECDSA+{hash}")).unwrap();
                let we = with_server(openssl_server(context.build()), |port| shaken_with(port, "", provider));
                assert!(we, "{curve:?} with {hash} and {name}");
            }
        }
    }
    divergences.finish();
}

/// With the keys of a client that a server asks for.
#[test]
fn clients_with_keys_of_every_kind() {
    let mut divergences = Divergences::of("client key");
    let server_key = rsa(2048);
    for (case, key, versions) in [
        ("RSA", rsa(2048), &[SslVersion::TLS1_2, SslVersion::TLS1_3][..]),
        ("RSASSA-PSS in TLS 1.2", rsa_pss(2048), &[SslVersion::TLS1_2]),
        ("RSASSA-PSS", rsa_pss(2048), &[SslVersion::TLS1_3]),
        ("P-256", ec(Nid::X9_62_PRIME256V1), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("P-384", ec(Nid::SECP384R1), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("P-521", ec(Nid::SECP521R1), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("Ed25519", PKey::generate_ed25519().unwrap(), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("RSA of 3000 bits", rsa(3000), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("RSA of 4608 bits", rsa(4608), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
        ("RSA with the exponent 3", rsa_with(2048, 3), &[SslVersion::TLS1_2, SslVersion::TLS1_3]),
    ] {
        let identity = identity(&key);
        for &version in versions {
            let server = || {
                let mut context = context(&server_key, "ALL:@SECLEVEL=0");
                context.set_max_proto_version(Some(version)).unwrap();
                context.set_min_proto_version(Some(version)).unwrap();
                let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
                context.set_verify_callback(mode, |_, _| true);
                openssl_server(context.build())
            };
            for (name, provider) in PROVIDERS {
                let we = with_server(server(), |port| shake_hands_as(port, &identity, provider));
                let we = if we { "ssl" } else { "fail" };
                let is_explained = we == "ssl" || explains(&mut divergences, name, case, we);
                assert!(is_explained, "{case} {version:?} with {name}: {we}");

                // The same key outside, which the provider does not load.
                let we = with_server(server(), |port| shake_hands_signing(port, &identity, &key, provider));
                let we = if we { "ssl" } else { "fail" };
                let is_explained = we == "ssl" || explains(&mut divergences, "external key", case, we);
                assert!(is_explained, "{case} {version:?} with {name}, external key: {we}");
            }
        }
    }
    divergences.finish();
}

/// A key that OpenSSL signs with, as it does for a token.
struct OpensslKey(PKey<Private>);

impl ExternalKey for OpensslKey {
    fn label(&self) -> &'static str {
        "a key of OpenSSL's"
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        let digest = match scheme {
            SignatureScheme::ED25519 => {
                return Ok(Signer::new_without_digest(&self.0)?.sign_oneshot_to_vec(message)?);
            }
            SignatureScheme::ECDSA_NISTP256_SHA256
            | SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::Unknown(0x0809) => MessageDigest::sha256(),
            SignatureScheme::ECDSA_NISTP384_SHA384
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::Unknown(0x080a) => MessageDigest::sha384(),
            _ => MessageDigest::sha512(),
        };
        let mut signer = Signer::new(digest, &self.0)?;
        if matches!(u16::from(scheme), 0x0804..=0x0806 | 0x0809..=0x080b) {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            signer.set_rsa_mgf1_md(digest)?;
        }
        Ok(signer.sign_oneshot_to_vec(message)?)
    }
}

/// Whether we get through the handshake with this certificate, as OpenSSL signs for us.
fn shake_hands_signing(port: u16, identity: &TempDir, key: &PKey<Private>, provider: Provider) -> bool {
    let certificate = identity.path().join("client.crt");
    let mut config = config(&conninfo(port, &format!("sslcert={}", certificate.display())), provider);
    config.tls.external_key = Some(Arc::new(OpensslKey(key.clone())));
    shaken_by(&config)
}

/// Servers that demand what OpenSSL has since 3.5.
#[test]
fn servers_that_demand_post_quantum_cryptography() {
    let mut divergences = Divergences::of("post-quantum");
    let key = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
    let classical = key(&rcgen::PKCS_ECDSA_P256_SHA256);
    let post_quantum = key(&rcgen::PKCS_ML_DSA_65);
    let hybrid = rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768;
    let usual = rustls::crypto::aws_lc_rs::DEFAULT_KX_GROUPS;
    for (case, key, groups) in [
        ("X25519MLKEM768 alone", &classical, &[hybrid][..]),
        ("certificate with an ML-DSA key", &post_quantum, usual),
    ] {
        for (name, provider) in PROVIDERS {
            let certificate =
                rcgen::CertificateParams::new(["db.test".to_owned()]).unwrap().self_signed(key).unwrap();
            let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let mut theirs = (*aws_lc_rs()).clone();
            theirs.kx_groups = groups.to_vec();
            let server = rustls_server(theirs, der, certificate.der().to_vec(), &TLS13);
            let we = with_server(server, |port| shaken_with(port, "", provider));
            let we = if we { "ssl" } else { "fail" };
            let is_explained = we == "ssl" || explains(&mut divergences, name, case, we);
            assert!(is_explained, "{case} with {name}: {we}");
        }
    }
    divergences.finish();
}

/// Whether a row explains why OpenSSL connects and we do not: for every provider, or for this one.
fn explains(divergences: &mut Divergences, provider: &str, case: &str, we: &str) -> bool {
    divergences.explains(case, "ssl", we) || divergences.explains(&format!("{provider}: {case}"), "ssl", we)
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

/// A key that is for RSASSA-PSS alone, with any hash.
fn rsa_pss(bits: u32) -> PKey<Private> {
    let mut maker = PkeyCtx::new_id(Id::RSA_PSS).unwrap();
    maker.keygen_init().unwrap();
    maker.set_rsa_keygen_bits(bits).unwrap();
    maker.keygen().unwrap()
}

fn rsa(bits: u32) -> PKey<Private> {
    rsa_with(bits, 65_537)
}

fn rsa_with(bits: u32, exponent: u64) -> PKey<Private> {
    let exponent = BigNum::from_dec_str(&exponent.to_string()).unwrap();
    PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).unwrap()).unwrap()
}

/// The modulus of a key with the exponent 1, by which everybody can sign.
fn without_secret(key: &PKey<Private>) -> PKey<Private> {
    let key = key.rsa().unwrap();
    let one = || BigNum::from_u32(1).unwrap();
    let own = |number: &BigNumRef| number.to_owned().unwrap();
    let (modulus, coefficient) = (own(key.n()), own(key.iqmp().unwrap()));
    let (p, q) = (own(key.p().unwrap()), own(key.q().unwrap()));
    let key = Rsa::from_private_components(modulus, one(), one(), p, q, one(), one(), coefficient);
    PKey::from_rsa(key.unwrap()).unwrap()
}

fn ec(curve: Nid) -> PKey<Private> {
    PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
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
    provider: CryptoProvider,
    key: PrivateKeyDer<'static>,
    certificate: Vec<u8>,
    version: &'static SupportedProtocolVersion,
) -> impl FnOnce(TcpStream) + use<> {
    let signer = provider.key_provider.load_private_key(key).unwrap();
    let certified = CertifiedKey::new(vec![certificate.into()], signer);
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

/// Whether we get through the handshake with this certificate and key.
fn shake_hands_as(port: u16, identity: &TempDir, provider: Provider) -> bool {
    let [certificate, key] = ["client.crt", "client.key"].map(|name| identity.path().join(name));
    shaken_with(port, &format!("sslcert={} sslkey={}", certificate.display(), key.display()), provider)
}

/// Whether we get through the handshake with these parameters and this provider.
fn shaken_with(port: u16, more: &str, provider: Provider) -> bool {
    shaken_by(&config(&conninfo(port, more), provider))
}

fn conninfo(port: u16, more: &str) -> String {
    format!("host=db.test hostaddr=127.0.0.1 port={port} sslmode=require connect_timeout=60 {more}")
}

fn shaken_by(config: &Config) -> bool {
    let mut shaken = false;
    let ended = connect(config, |_, _| -> Result<(), StartupError> {
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
                let server = || {
                    let der = PrivateKeyDer::Pkcs8(key.private_key_to_pkcs8().unwrap().into());
                    let provider = rustls::crypto::aws_lc_rs::default_provider();
                    rustls_server(provider, der, certificate.to_der().unwrap(), version)
                };
                let openssl = with_server(server(), openssl_shakes_hands);
                let we = with_server(server(), |port| shaken_with(port, "", aws_lc_rs));
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
