//! The certificates that a client sends, as the server sees them: a certificate that is alone in its file is completed from the
//! roots and the CRL file (OpenSSL: `ssl_add_cert_chain`). Where psql is installed it must send the same.

use crate::support::{
    client::{has_psql, psql},
    skip,
};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509, X509Builder, X509Name, extension::BasicConstraints},
};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use pgtls_rustls::aws_lc_rs;
use pgtls_std::{Config, LibraryInit, StartupError, connect};
use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
};
use tempfile::TempDir;

/// Serial numbers of the certificates.
const ROOT: u32 = 1;
const CA: u32 = 2;
const EXPIRED_CA: u32 = 3;
const LONG_EXPIRED_CA: u32 = 4;
const LEAF: u32 = 5;
const EXPIRED_LEAF: u32 = 6;
const LEAF_OF_ROOT: u32 = 7;
const SELF_SIGNED: u32 = 8;
const WEAK_CA: u32 = 9;
const LEAF_OF_WEAK_CA: u32 = 10;
const SERVER: u32 = 11;
const NO_CA: u32 = 12;

/// Name, content of `sslcert`, content of `sslrootcert`, certificates in the CRL file, and the chain that the server sees;
/// `None` if the handshake fails.
type Case = (&'static str, &'static [u32], Option<&'static [u32]>, &'static [u32], Option<&'static [u32]>);

const CASES: [Case; 20] = [
    ("from the roots", &[LEAF], Some(&[ROOT, CA]), &[], Some(&[LEAF, CA, ROOT])),
    ("from the roots, the other way round", &[LEAF], Some(&[CA, ROOT]), &[], Some(&[LEAF, CA, ROOT])),
    ("straight from the root", &[LEAF_OF_ROOT], Some(&[ROOT]), &[], Some(&[LEAF_OF_ROOT, ROOT])),
    ("the CA is expired", &[LEAF], Some(&[ROOT, EXPIRED_CA]), &[], Some(&[LEAF, EXPIRED_CA, ROOT])),
    ("the leaf is expired", &[EXPIRED_LEAF], Some(&[ROOT, CA]), &[], Some(&[EXPIRED_LEAF, CA, ROOT])),
    ("good before expired", &[LEAF], Some(&[ROOT, CA, EXPIRED_CA]), &[], Some(&[LEAF, CA, ROOT])),
    ("expired before good", &[LEAF], Some(&[ROOT, EXPIRED_CA, CA]), &[], Some(&[LEAF, CA, ROOT])),
    (
        "both expired, the later one first",
        &[LEAF],
        Some(&[ROOT, EXPIRED_CA, LONG_EXPIRED_CA]),
        &[],
        Some(&[LEAF, EXPIRED_CA, ROOT]),
    ),
    (
        "both expired, the later one last",
        &[LEAF],
        Some(&[ROOT, LONG_EXPIRED_CA, EXPIRED_CA]),
        &[],
        Some(&[LEAF, EXPIRED_CA, ROOT]),
    ),
    ("the issuer is no CA", &[LEAF], Some(&[ROOT, NO_CA]), &[], Some(&[LEAF, NO_CA, ROOT])),
    ("the leaf twice", &[LEAF, LEAF], Some(&[ROOT, CA]), &[], Some(&[LEAF, LEAF])),
    ("with its issuer", &[LEAF, CA], Some(&[ROOT, CA]), &[], Some(&[LEAF, CA])),
    ("with another certificate", &[LEAF, SERVER], Some(&[ROOT, CA]), &[], Some(&[LEAF, SERVER])),
    ("no issuer", &[LEAF], Some(&[ROOT]), &[], Some(&[LEAF])),
    ("no root file", &[LEAF], None, &[], Some(&[LEAF])),
    ("the issuer is in the CRL file", &[LEAF], Some(&[ROOT]), &[CA], Some(&[LEAF, CA, ROOT])),
    ("the root file has the leaf, too", &[LEAF], Some(&[LEAF, ROOT, CA]), &[], Some(&[LEAF, CA, ROOT])),
    ("self-signed", &[SELF_SIGNED], Some(&[ROOT]), &[], Some(&[SELF_SIGNED])),
    ("self-signed and a root", &[SELF_SIGNED], Some(&[ROOT, SELF_SIGNED]), &[], Some(&[SELF_SIGNED])),
    ("a key below the security level", &[LEAF_OF_WEAK_CA], Some(&[ROOT, WEAK_CA]), &[], None),
];

#[test]
fn a_certificate_alone_is_completed() {
    let pki = Pki::new();
    for (name, sslcert, sslrootcert, crl, expected) in CASES {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            let files = pki.files(sslcert, sslrootcert, crl);
            let seen = pki.chain_of(version, |port| connects(&files.conninfo(port)));
            assert_eq!(seen.as_deref().ok(), expected, "{name} {version:?}: {seen:?}");
            if expected.is_none() {
                assert!(
                    matches!(&seen, Err(error) if error.contains("SSL error: ca key too small: ")),
                    "{seen:?}"
                );
            }
        }
    }
}

#[test]
fn psql_sends_the_same() {
    if !has_psql() {
        return skip("psql", "it is not installed");
    }
    let pki = Pki::new();
    for (name, sslcert, sslrootcert, crl, expected) in CASES {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            let files = pki.files(sslcert, sslrootcert, crl);
            let seen = pki.chain_of(version, |port| psql(&files.conninfo(port), files.folder.path()));
            assert_eq!(seen.as_deref().ok(), expected, "{name} {version:?}: {seen:?}");
        }
    }
}

/// The error of a connection to a server that does not go beyond TLS.
fn connects(conninfo: &str) -> String {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse(conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    // The configuration of OpenSSL on this machine does not matter here.
    let init = LibraryInit { ssl: false, crypto: true };
    let config = Config::initialised(params, environment, init, aws_lc_rs).unwrap();
    let connected = connect(&config, |stream, _| -> Result<(), StartupError> {
        // In TLS 1.3 the server has verified the client when it sends something.
        stream.read_exact(&mut [0])?;
        Err(std::io::Error::other("there is no PostgreSQL behind it").into())
    });
    connected.err().unwrap().to_string()
}

struct Pki {
    /// By serial number.
    certificates: Vec<(u32, X509)>,
    crl: String,
    client: PKey<Private>,
    server: PKey<Private>,
}

struct Files {
    folder: TempDir,
    has_crl: bool,
}

impl Files {
    fn conninfo(&self, port: u16) -> String {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut conninfo = format!(
            "host=db.test hostaddr=127.0.0.1 port={port} user=u dbname=d sslmode=require gssencmode=disable \
             connect_timeout=60 sslcert={} sslkey={} sslrootcert={}",
            path("client.crt"),
            path("client.key"),
            path("root.crt")
        );
        if self.has_crl {
            conninfo = format!("{conninfo} sslcrl={}", path("root.crl"));
        }
        conninfo
    }
}

impl Pki {
    fn new() -> Self {
        let ec = || {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        let (root, ca, client, server) = (ec(), ec(), ec(), ec());
        let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let good = (2000, 2045);
        let certificates = [
            (ROOT, ("Root", &root), ("Root", &root), true, good),
            (CA, ("CA", &ca), ("Root", &root), true, good),
            (EXPIRED_CA, ("CA", &ca), ("Root", &root), true, (2000, 2021)),
            (LONG_EXPIRED_CA, ("CA", &ca), ("Root", &root), true, (2000, 2020)),
            (LEAF, ("leaf", &client), ("CA", &ca), false, good),
            (EXPIRED_LEAF, ("leaf", &client), ("CA", &ca), false, (2000, 2021)),
            (LEAF_OF_ROOT, ("leaf", &client), ("Root", &root), false, good),
            (SELF_SIGNED, ("leaf", &client), ("leaf", &client), false, good),
            (WEAK_CA, ("Weak CA", &weak), ("Root", &root), true, good),
            (LEAF_OF_WEAK_CA, ("leaf", &client), ("Weak CA", &weak), false, good),
            (SERVER, ("db.test", &server), ("Root", &root), false, good),
            (NO_CA, ("CA", &ca), ("Root", &root), false, good),
        ]
        .map(|(serial, subject, issuer, is_ca, years)| {
            (serial, issue(serial, subject, issuer, is_ca, years))
        });
        Self { certificates: certificates.to_vec(), crl: empty_crl(&root), client, server }
    }

    fn pem(&self, serials: &[u32]) -> Vec<u8> {
        serials.iter().flat_map(|serial| self.certificate(*serial).to_pem().unwrap()).collect()
    }

    fn certificate(&self, serial: u32) -> &X509 {
        &self.certificates.iter().find(|(it, _)| *it == serial).unwrap().1
    }

    fn files(&self, sslcert: &[u32], sslrootcert: Option<&[u32]>, crl: &[u32]) -> Files {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path: &Path = &folder.path().join(name);
            fs::write(path, content).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        write("client.crt", &self.pem(sslcert));
        write("client.key", &self.client.private_key_to_pem_pkcs8().unwrap());
        if let Some(serials) = sslrootcert {
            write("root.crt", &self.pem(serials));
        }
        write("root.crl", &[self.crl.as_bytes(), &self.pem(crl)].concat());
        Files { folder, has_crl: !crl.is_empty() }
    }

    /// The serial numbers of the chain that a client sends, or its error if the handshake fails.
    fn chain_of(&self, version: SslVersion, client: impl FnOnce(u16) -> String) -> Result<Vec<u32>, String> {
        let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
        context.set_min_proto_version(Some(version)).unwrap();
        context.set_max_proto_version(Some(version)).unwrap();
        context.set_certificate(self.certificate(SERVER)).unwrap();
        context.set_private_key(&self.server).unwrap();
        context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        let context = context.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.read_exact(&mut [0; 8]).unwrap();
            socket.write_all(b"S").unwrap();
            let mut tls = Ssl::new(&context).unwrap().accept(socket).ok()?;
            let serial = |certificate: &openssl::x509::X509Ref| {
                let serial = certificate.serial_number().to_bn().unwrap().to_dec_str().unwrap();
                serial.parse::<u32>().unwrap()
            };
            // The server's view of the chain is without the client's own certificate.
            let own = tls.ssl().peer_certificate()?;
            let mut chain = vec![serial(&own)];
            chain.extend(tls.ssl().peer_cert_chain().into_iter().flatten().map(serial));
            let _ = tls.write_all(b"?");
            let _ = tls.read(&mut [0; 8]);
            Some(chain)
        });
        let error = client(port);
        server.join().unwrap().ok_or(error)
    }
}

/// A certificate of version 3, valid in these years.
fn issue(
    serial: u32,
    (subject, key): (&str, &PKey<Private>),
    (issuer, signer): (&str, &PKey<Private>),
    is_ca: bool,
    (from, to): (u32, u32),
) -> X509 {
    let name = |text: &str| {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
        name.build()
    };
    let time = |year: u32| Asn1Time::from_str(&format!("{year}0101000000Z")).unwrap();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&name(subject)).unwrap();
    certificate.set_issuer_name(&name(issuer)).unwrap();
    certificate.set_not_before(&time(from)).unwrap();
    certificate.set_not_after(&time(to)).unwrap();
    certificate.set_pubkey(key).unwrap();
    let mut constraints = BasicConstraints::new();
    constraints.critical();
    if is_ca {
        constraints.ca();
    }
    certificate.append_extension(constraints.build().unwrap()).unwrap();
    certificate.sign(signer, MessageDigest::sha256()).unwrap();
    certificate.build()
}

/// A CRL of the root without entries.
fn empty_crl(root: &PKey<Private>) -> String {
    let pem = String::from_utf8(root.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let key = rcgen::KeyPair::from_pem(&pem).unwrap();
    let mut issuer = rcgen::CertificateParams::default();
    issuer.distinguished_name = rcgen::DistinguishedName::new();
    issuer.distinguished_name.push(rcgen::DnType::CommonName, "Root");
    let params = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2025, 1, 1),
        next_update: rcgen::date_time_ymd(2045, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::PreSpecified(vec![1]),
    };
    params.signed_by(&rcgen::Issuer::from_params(&issuer, &key)).unwrap().pem().unwrap()
}
