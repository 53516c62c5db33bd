//! Certificates for PostgreSQL TLS: bytes to facts, and chains to verdicts, as OpenSSL gives them.
#![no_std]

extern crate alloc;

use alloc::{string::String, vec::Vec};
use pgtls_core::name::PeerName;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, SignatureVerificationAlgorithm, UnixTime};

/// All certificates of a PEM bundle as OpenSSL finds them; an error when there is none or one does not load.
pub fn certificates_from_pem(_pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, X509Error> {
    todo!()
}

/// A private key: PEM (PKCS#8, PKCS#1, SEC1, encrypted), else DER (spec 7.2).
pub fn private_key(_bytes: &[u8], _passphrase: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, X509Error> {
    todo!()
}

/// The SubjectPublicKeyInfo of a certificate of any version, without looking at more than is needed to find it.
pub fn subject_public_key_info(_certificate: &[u8]) -> Result<&[u8], X509Error> {
    todo!()
}

/// The names a certificate presents, borrowed from its DER, in certificate order. A subjectAltName that does not parse is an error, never "no SAN".
pub struct PresentedNames<'a> {
    /// subjectAltName entries.
    pub subject_alt_names: Vec<PeerName<'a>>,
    /// First commonName: raw value bytes.
    pub common_name: Option<&'a [u8]>,
}

/// Reads the names of a certificate.
pub fn presented_names(_certificate: &[u8]) -> Result<PresentedNames<'_>, X509Error> {
    todo!()
}

/// The digest for `tls-server-end-point` (spec 10.1): the whole certificate, with the hash its signature algorithm names; `None` when none is defined.
pub fn tls_server_end_point(_certificate: &[u8]) -> Result<Option<Vec<u8>>, X509Error> {
    todo!()
}

/// Trusted certificates of a root file, parsed once, indexed by subject (spec 6.3).
#[derive(Debug)]
pub struct TrustStore {}

impl TrustStore {
    /// From a PEM root file; CRLs among the certificates are skipped.
    pub fn from_pem(_pem: &[u8]) -> Result<Self, X509Error> {
        todo!()
    }
    /// From DER certificates (system roots); those that do not parse are left out and counted.
    pub fn from_der<'a>(_certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        todo!()
    }
    /// CA certificates found in a CRL file join the anchors (spec 6.3, last row).
    pub fn add_from_crl_file(&mut self, _crls: &CrlStore) {
        todo!()
    }
}

/// CRLs in force; checking is on for the whole chain (spec 6.5).
#[derive(Debug)]
pub struct CrlStore {}

impl CrlStore {
    /// A CRL file; an error (which libpq ignores) when nothing in it loads.
    pub fn from_pem(_pem: &[u8]) -> Result<Self, X509Error> {
        todo!()
    }
    /// Adds the files of a directory: `(file name, content)`; used only for issuers whose OpenSSL hash is the name's.
    pub fn add_directory<'a>(&mut self, _files: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        todo!()
    }
    /// No CRL yet, checking on: what `sslcrldir` alone starts from.
    pub fn empty() -> Self {
        todo!()
    }
}

/// What the certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// TLS server.
    Server,
    /// TLS client.
    Client,
}

/// OpenSSL's security level: least key sizes and digests. 0 to 5; libpq's default here is 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityLevel(pub u8);

/// How to verify.
#[derive(Clone, Copy)]
pub struct VerifyOptions<'a> {
    /// Time of the verification.
    pub time: UnixTime,
    /// Purpose.
    pub purpose: Purpose,
    /// Security level.
    pub security_level: SecurityLevel,
    /// Signature algorithms of the crypto provider.
    pub algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
}

/// The path that was accepted: certificates from leaf to anchor.
#[derive(Debug)]
pub struct VerifiedPath {
    /// DER, leaf first.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Verifies a chain as libpq's OpenSSL would: leaf first, then whatever else the peer sent.
pub fn verify_chain(
    _leaf: &[u8],
    _presented: &[&[u8]],
    _trust: &TrustStore,
    _crls: Option<&CrlStore>,
    _options: &VerifyOptions<'_>,
) -> Result<VerifiedPath, X509Error> {
    todo!()
}

/// What is wrong with a certificate, key, CRL, bundle or chain. To be completed: kind, byte position, subject/issuer/serial, depth, OpenSSL's number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct X509Error {
    /// One sentence.
    pub text: String,
}

impl core::fmt::Display for X509Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text)
    }
}
impl core::error::Error for X509Error {}
