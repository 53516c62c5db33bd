//! Keys that are for RSASSA-PSS alone: a server that has one, and a client that has one.
//!
//! The PKI has none, so certificate and key of a plain RSA certificate are changed. Nobody verifies the chain here.

use crate::memory::{Asks, Files, PKI, Server, connector, key_of, shake};
use pgtls_conformance::pki::Identity;
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    pki_types::{AlgorithmIdentifier, CertificateDer, PrivateKeyDer, alg_id},
    sign::{Signer, SigningKey},
    version::{TLS12, TLS13},
};
use std::sync::Arc;

const UNRESTRICTED: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a]);

/// Scheme for such keys, the scheme with the same signature, and the algorithms of keys that may use it.
fn schemes() -> [(u16, SignatureScheme, [AlgorithmIdentifier; 2]); 3] {
    [
        (0x0809, SignatureScheme::RSA_PSS_SHA256, [UNRESTRICTED, alg_id::RSA_PSS_SHA256]),
        (0x080a, SignatureScheme::RSA_PSS_SHA384, [UNRESTRICTED, alg_id::RSA_PSS_SHA384]),
        (0x080b, SignatureScheme::RSA_PSS_SHA512, [UNRESTRICTED, alg_id::RSA_PSS_SHA512]),
    ]
}

/// DER with every element whose value is `from` given the value `to`.
fn replaced(mut der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    const CONSTRUCTED: u8 = 0x20;
    let mut out = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let long = usize::from(first & 0x7f);
        let (length, rest) = match first {
            ..0x80 => (long, rest),
            _ => (rest[..long].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), &rest[long..]),
        };
        let (value, rest) = rest.split_at(length);
        let value = match value {
            value if value == from => to.to_vec(),
            value if tag & CONSTRUCTED != 0 => replaced(value, from, to),
            value => value.to_vec(),
        };
        out.push(*tag);
        match value.len() {
            short @ ..0x80 => out.push(short.try_into().unwrap()),
            long => out.extend([&[0x82], &u16::try_from(long).unwrap().to_be_bytes()[..]].concat()),
        }
        out.extend(value);
        der = rest;
    }
    out
}

fn as_pss(der: &[u8], algorithm: AlgorithmIdentifier) -> Vec<u8> {
    let pss = replaced(der, alg_id::RSA_ENCRYPTION.as_ref(), algorithm.as_ref());
    assert_ne!(pss, der, "the key is not where it was expected");
    pss
}

fn certificate(identity: &Identity, algorithm: AlgorithmIdentifier) -> Vec<CertificateDer<'static>> {
    vec![as_pss(identity.leaf(), algorithm).into()]
}

fn pem(label: &str, der: &[u8]) -> String {
    let hex: Vec<u8> = der.to_vec();
    let mut text = format!("-----BEGIN {label}-----\n");
    text.push_str(&base64(&hex));
    text + &format!("\n-----END {label}-----\n")
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (index, chunk) in bytes.chunks(3).enumerate() {
        if index > 0 && index % 16 == 0 {
            text.push('\n');
        }
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4 {
            let sextet = word >> (18 - 6 * place) & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

/// Signs with the scheme of a plain RSA key and says that it is another.
#[derive(Debug)]
struct Renamed {
    inner: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    same_signature: SignatureScheme,
}

impl SigningKey for Renamed {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let inner = self.inner.choose_scheme(&[self.same_signature])?;
        offered.contains(&self.scheme).then(|| Box::new(RenamedSigner { inner, scheme: self.scheme }) as _)
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct RenamedSigner {
    inner: Box<dyn Signer>,
    scheme: SignatureScheme,
}

impl Signer for RenamedSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.inner.sign(message)
    }
    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

#[test]
fn a_server_with_such_a_key_is_connected_to() {
    let identity = PKI.server("key-rsa-2048").unwrap();
    let session = connector("sslmode=require", &Files::default()).session(Some("db.test")).unwrap();
    for (number, same_signature, allowed) in schemes() {
        for (_, _, algorithms) in schemes() {
            for algorithm in algorithms {
                let scheme = SignatureScheme::from(number);
                let key = Renamed { inner: key_of(identity), scheme, same_signature };
                let server = Server::with_key(certificate(identity, algorithm), Arc::new(key)).only(&TLS13);
                let shaken = shake(&session, &server.config()).map(|_| ());
                assert_eq!(shaken.is_ok(), allowed.contains(&algorithm), "{number:04x}: {shaken:?}");
            }
        }
    }
}

#[test]
fn such_a_key_does_not_sign_for_another_server() {
    let (identity, other) = (PKI.server("key-rsa-2048").unwrap(), PKI.server("rsa-root-leaf").unwrap());
    let session = connector("sslmode=require", &Files::default()).session(Some("db.test")).unwrap();
    let (number, same_signature, _) = schemes()[0];
    let key = Renamed { inner: key_of(other), scheme: number.into(), same_signature };
    let server = Server::with_key(certificate(identity, UNRESTRICTED), Arc::new(key)).only(&TLS13);
    assert!(shake(&session, &server.config()).is_err());
}

#[test]
fn a_scheme_of_such_keys_is_not_taken_from_a_plain_rsa_key() {
    let identity = PKI.server("key-rsa-2048").unwrap();
    let session = connector("sslmode=require", &Files::default()).session(Some("db.test")).unwrap();
    for (number, same_signature, _) in schemes() {
        let key = Renamed { inner: key_of(identity), scheme: number.into(), same_signature };
        for version in [&TLS12, &TLS13] {
            let key = Arc::new(Renamed { inner: key.inner.clone(), ..key });
            let server = Server::with_key(identity.chain().to_vec(), key).only(version);
            assert!(shake(&session, &server.config()).is_err());
        }
    }
}

#[test]
fn a_client_certificate_with_such_a_key_is_sent() {
    let identity = PKI.client("rsa").unwrap();
    let PrivateKeyDer::Pkcs8(pkcs8) = identity.key().pkcs8() else { panic!("the pki's keys are PKCS#8") };
    for (number, _, allowed) in schemes() {
        for algorithm in
            [UNRESTRICTED, alg_id::RSA_PSS_SHA256, alg_id::RSA_PSS_SHA384, alg_id::RSA_PSS_SHA512]
        {
            let files = Files::default()
                .with("/c.crt", pem("CERTIFICATE", &certificate(identity, algorithm)[0]))
                .with("/c.key", pem("PRIVATE KEY", &as_pss(pkcs8.secret_pkcs8_der(), algorithm)));
            let session = connector("sslmode=require sslcert=/c.crt sslkey=/c.key", &files)
                .session(Some("db.test"))
                .unwrap();
            let asks = Asks { schemes: Some(vec![number.into()]), ..Asks::default() };
            let server = Server::new("good").only(&TLS13).asking(asks);
            shake(&session, &server.config()).map(|_| ()).unwrap();
            assert_eq!(session.client_certificate().sent, allowed.contains(&algorithm), "{number:04x}");
        }
    }
}
