//! Facts of an established session, in the words that libpq uses for them.

use pgtls_core::{policy::Verification, startup::ClientCertificate};
use pgtls_x509::X509Error;
use rustls::{CipherSuite, ClientConnection, ProtocolVersion, pki_types::CertificateDer};

/// Facts of an established session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite.
    pub cipher: Cipher,
    /// The protocol that the server selected, if any.
    pub alpn: Option<String>,
    /// The server name indication that was sent, if any.
    pub sni: Option<String>,
    /// What was verified about the server.
    pub verified: Verification,
    /// The name of the certificate that is the host's, when names were compared.
    pub matched_name: Option<String>,
    /// The path that was accepted, from the server's certificate to the anchor; empty when nothing was verified.
    pub path: Vec<CertificateDer<'static>>,
    /// The server's certificate.
    pub peer_certificate: Option<CertificateDer<'static>>,
    /// Whether the server asked for a certificate, and was sent one.
    pub client_certificate: ClientCertificate,
}

/// A cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cipher {
    /// OpenSSL's name for it.
    pub name: &'static str,
    /// The length of its key.
    pub bits: u16,
}

impl SessionFacts {
    /// The data of the channel binding `tls-server-end-point` (RFC 5929): a digest of the server's certificate. `None`
    /// when none is defined for it, as for Ed25519.
    pub fn tls_server_end_point(&self) -> Result<Option<Vec<u8>>, X509Error> {
        self.peer_certificate
            .as_ref()
            .map_or(Ok(None), |certificate| pgtls_x509::tls_server_end_point(certificate))
    }
}

pub(crate) fn protocol(connection: &ClientConnection) -> &'static str {
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "unknown",
    }
}

pub(crate) fn cipher(connection: &ClientConnection) -> Cipher {
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    CIPHERS
        .iter()
        .find(|(known, _)| Some(*known) == suite)
        .map_or(Cipher { name: "unknown", bits: 0 }, |(_, cipher)| *cipher)
}

/// OpenSSL's name of a suite; rustls' own where it has none.
pub(crate) fn cipher_name(suite: CipherSuite) -> String {
    let known = CIPHERS.iter().find(|(known, _)| *known == suite);
    known.map_or_else(|| format!("{suite:?}"), |(_, cipher)| cipher.name.to_owned())
}

/// Every suite of rustls' own providers.
static CIPHERS: [(CipherSuite, Cipher); 9] = [
    (CipherSuite::TLS13_AES_256_GCM_SHA384, Cipher { name: "TLS_AES_256_GCM_SHA384", bits: 256 }),
    (CipherSuite::TLS13_AES_128_GCM_SHA256, Cipher { name: "TLS_AES_128_GCM_SHA256", bits: 128 }),
    (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, Cipher { name: "TLS_CHACHA20_POLY1305_SHA256", bits: 256 }),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Cipher { name: "ECDHE-ECDSA-AES256-GCM-SHA384", bits: 256 },
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Cipher { name: "ECDHE-ECDSA-AES128-GCM-SHA256", bits: 128 },
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Cipher { name: "ECDHE-ECDSA-CHACHA20-POLY1305", bits: 256 },
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Cipher { name: "ECDHE-RSA-AES256-GCM-SHA384", bits: 256 },
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Cipher { name: "ECDHE-RSA-AES128-GCM-SHA256", bits: 128 },
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        Cipher { name: "ECDHE-RSA-CHACHA20-POLY1305", bits: 256 },
    ),
];

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(feature = "aws-lc-rs")]
    fn every_suite_of_the_provider_has_a_name() {
        for suite in rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES {
            assert!(super::CIPHERS.iter().any(|(known, _)| *known == suite.suite()), "{suite:?}");
        }
    }
}
