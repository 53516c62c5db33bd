//! What rustls cannot do as OpenSSL does: server names that are sent, and servers with old keys and ciphers. Each
//! difference has its row in `data/divergences.toml`; whatever has none is the same.

use crate::support::divergences::Divergences;
use openssl::{
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{Ssl, SslContext, SslMethod, SslVersion},
    x509::{X509, X509Builder},
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
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

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
    let (small, large) = (rsa(1024), rsa(2048));
    for (case, key, ciphers) in [
        ("RSA key of 2048 bits", &large, "ALL:@SECLEVEL=0"),
        ("GCM cipher suites alone", &large, "ECDHE+AESGCM:@SECLEVEL=0"),
        ("RSA key of 1024 bits, sslmode=require", &small, "ALL:@SECLEVEL=0"),
        ("CBC cipher suites alone", &large, "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"),
        ("RSA key exchange alone", &large, "AES128-GCM-SHA256:AES256-GCM-SHA384:@SECLEVEL=0"),
    ] {
        let we = if shake_hands(key, ciphers) { "ssl" } else { "fail" };
        // libpq over OpenSSL connects to all of them.
        assert!(we == "ssl" || divergences.explains(case, "ssl", we), "{case}: {we}");
    }
    divergences.finish();
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// No working machine needs as long for a handshake.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether we get through the handshake with an OpenSSL server that speaks TLS 1.2 with this key and these ciphers.
fn shake_hands(key: &PKey<Private>, ciphers: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let context = context(key, ciphers);
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = [0; 8];
        socket.read_exact(&mut request).unwrap();
        socket.write_all(b"S").unwrap();
        // What comes of it is for the client to say.
        if let Ok(mut tls) = Ssl::new(&context).unwrap().accept(socket) {
            let _ = tls.read(&mut request);
        }
    });
    let config =
        config(&format!("host=db.test hostaddr=127.0.0.1 port={port} sslmode=require connect_timeout=60"));
    let mut shaken = false;
    let ended = connect(&config, |_, _| -> Result<(), StartupError> {
        shaken = true;
        Err(std::io::Error::other("that was all").into())
    });
    assert!(ended.is_err(), "there is no PostgreSQL behind it");
    // Ends the wait of a server to which nobody came.
    drop(TcpStream::connect(("127.0.0.1", port)));
    server.join().unwrap();
    shaken
}

fn context(key: &PKey<Private>, ciphers: &str) -> SslContext {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_cipher_list(ciphers).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    context.set_certificate(&certificate(key)).unwrap();
    context.set_private_key(key).unwrap();
    context.build()
}

/// Self-signed; nobody verifies it.
fn certificate(key: &PKey<Private>) -> X509 {
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
    certificate.sign(key, openssl::hash::MessageDigest::sha256()).unwrap();
    certificate.build()
}
