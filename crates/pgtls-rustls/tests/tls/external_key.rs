//! Keys with which the program signs: every kind of key, against servers that verify the signature, and keys that fail.

use crate::memory::{Files, PKI, PROVIDERS, Server, connector_with, key_of, options, shake, with};
use pgtls_core::{
    files::{FileState, InMemoryFiles},
    negotiation::TlsFailure,
    startup::ClientCertificate,
};
use pgtls_rustls::{BoxError, ExternalKey, SigningProblem, TlsError, TlsOptions};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme, SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    sign::SigningKey,
    version::{TLS12, TLS13},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// The key of a client of the PKI, as an agent would hold it.
struct Agent {
    key: Arc<dyn SigningKey>,
    schemes: Option<Vec<SignatureScheme>>,
    fails: bool,
    signed: Mutex<Vec<SignatureScheme>>,
    listed: AtomicUsize,
}

impl Agent {
    fn of(name: &str) -> Self {
        Self {
            key: key_of(PKI.client(name).unwrap()),
            schemes: None,
            fails: false,
            signed: Mutex::default(),
            listed: AtomicUsize::default(),
        }
    }
}

impl ExternalKey for Agent {
    fn label(&self) -> &'static str {
        "the agent's"
    }

    fn schemes(&self) -> Option<Vec<SignatureScheme>> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        self.schemes.clone()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        self.signed.lock().unwrap().push(scheme);
        if self.fails {
            return Err("the token is locked".into());
        }
        let signer = self.key.choose_scheme(&[scheme]).ok_or("no such scheme")?;
        Ok(signer.sign(message)?)
    }
}

/// Requests a certificate, and verifies the signature made with its key.
#[derive(Debug)]
struct Verifying(Vec<SignatureScheme>);

impl ClientCertVerifier for Verifying {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = pgtls_rustls::aws_lc_rs();
        verify_tls12_signature(message, certificate, signed, &provider.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = pgtls_rustls::aws_lc_rs();
        verify_tls13_signature(message, certificate, signed, &provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// A server that takes every signature that can be verified.
fn server(version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    server_for(version, pgtls_rustls::aws_lc_rs().signature_verification_algorithms.supported_schemes())
}

fn server_for(
    version: &'static SupportedProtocolVersion,
    schemes: Vec<SignatureScheme>,
) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(&Server::new("good").only(version).config());
    let resolver = config.cert_resolver.clone();
    config = ServerConfig::builder_with_provider(pgtls_rustls::aws_lc_rs())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Verifying(schemes)))
        .with_cert_resolver(resolver);
    Arc::new(config)
}

/// Options with the certificate of this client and this key.
fn signing(name: &str, agent: &Arc<Agent>) -> TlsOptions {
    let files =
        InMemoryFiles::default().with_sslcert("the certificate", PKI.client(name).unwrap().chain_pem());
    with(&options(pgtls_rustls::aws_lc_rs()), |options| {
        options.files = Some(Arc::new(files));
        options.external_key = Some(agent.clone());
    })
}

/// The outcome of a handshake and the record of it.
fn outcome(
    conninfo: &str,
    options: &TlsOptions,
    server: &Arc<ServerConfig>,
) -> Result<ClientCertificate, TlsError> {
    // A key file that cannot be used; it is not looked at.
    let disk = Files::default().with("/k", "garbage");
    let conninfo = format!("sslmode=require sslkey=/k {conninfo}");
    let session = connector_with(&conninfo, &disk, options).session(Some("db.test"))?;
    let shaken = shake(&session, server)?;
    assert_eq!(shaken.facts.client_certificate, session.client_certificate());
    Ok(session.client_certificate())
}

const SENT: ClientCertificate = ClientCertificate { requested: true, sent: true };
const NOT_SENT: ClientCertificate = ClientCertificate { requested: true, sent: false };

#[test]
fn keys_of_every_kind_sign() {
    for (name, tls12, tls13) in [
        ("good", SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256),
        ("p384", SignatureScheme::ECDSA_NISTP384_SHA384, SignatureScheme::ECDSA_NISTP384_SHA384),
        ("p521", SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::ECDSA_NISTP521_SHA512),
        ("ed25519", SignatureScheme::ED25519, SignatureScheme::ED25519),
        ("rsa", SignatureScheme::RSA_PSS_SHA512, SignatureScheme::RSA_PSS_SHA512),
        ("rsa-4096", SignatureScheme::RSA_PSS_SHA512, SignatureScheme::RSA_PSS_SHA512),
    ] {
        for (version, scheme) in BOTH.into_iter().zip([tls12, tls13]) {
            for provider in PROVIDERS {
                let agent = Arc::new(Agent::of(name));
                let options = with(&signing(name, &agent), |options| options.provider = provider());
                let sent = outcome("", &options, &server(version)).unwrap();
                assert_eq!(sent, SENT, "{name} {version:?}");
                assert_eq!(*agent.signed.lock().unwrap(), [scheme], "{name} {version:?}");
                assert_eq!(agent.listed.load(Ordering::Relaxed), 1, "once, when the certificate is loaded");
            }
        }
    }
}

#[test]
fn a_key_signs_in_the_schemes_that_it_has() {
    let only = |name: &str, schemes: &[SignatureScheme]| {
        let mut agent = Agent::of(name);
        agent.schemes = Some(schemes.to_vec());
        Arc::new(agent)
    };
    // A token without RSASSA-PSS signs in TLS 1.2 alone. Where no scheme is left, no certificate is sent.
    let pkcs1 = only("rsa", &[SignatureScheme::RSA_PKCS1_SHA256]);
    for (version, expected) in BOTH.into_iter().zip([SENT, NOT_SENT]) {
        assert_eq!(outcome("", &signing("rsa", &pkcs1), &server(version)).unwrap(), expected);
    }
    assert_eq!(*pkcs1.signed.lock().unwrap(), [SignatureScheme::RSA_PKCS1_SHA256]);

    // The order is the key's; schemes of other keys and curves are left out.
    let agent = only(
        "rsa",
        &[SignatureScheme::ED25519, SignatureScheme::RSA_PSS_SHA384, SignatureScheme::RSA_PSS_SHA256],
    );
    assert_eq!(outcome("", &signing("rsa", &agent), &server(&TLS13)).unwrap(), SENT);
    assert_eq!(*agent.signed.lock().unwrap(), [SignatureScheme::RSA_PSS_SHA384]);

    for (name, schemes) in [
        ("good", vec![]),
        ("good", vec![SignatureScheme::ECDSA_NISTP384_SHA384, SignatureScheme::ED25519]),
        ("rsa", vec![SignatureScheme::RSA_PKCS1_SHA1]),
    ] {
        let error = outcome("", &signing(name, &only(name, &schemes)), &server(&TLS13)).unwrap_err();
        assert_eq!(error.failure(), TlsFailure::Setup);
        assert_eq!(
            error.to_string(),
            "could not use the key \"the agent's\" for certificate \"the certificate\": none of its signature \
             schemes fits the public key of the certificate"
        );
    }
}

#[test]
fn a_server_that_takes_no_scheme_of_the_key_gets_no_certificate() {
    for version in BOTH {
        let agent = Arc::new(Agent::of("good"));
        let server = server_for(version, vec![SignatureScheme::RSA_PSS_SHA256]);
        assert_eq!(outcome("", &signing("good", &agent), &server).unwrap(), NOT_SENT);
        assert!(agent.signed.lock().unwrap().is_empty());
    }
}

/// Files that were loaded for a key which the options of the connector lack.
#[test]
fn options_without_the_key_are_a_fault() {
    let signing = signing("good", &Arc::new(Agent::of("good")));
    let params = crate::memory::params("sslmode=require");
    let environment = pgtls_core::environment::Environment::default();
    let loaded =
        pgtls_core::files::load_settings(&signing.file_settings(&params), &environment, &Files::default());
    let without = options(pgtls_rustls::aws_lc_rs());
    let connector = pgtls_rustls::Connector::new(&params, &loaded, &without);
    let text = connector.fault().unwrap().to_string();
    assert!(text.contains("\"the agent's\"") && text.contains("not among the options"), "{text}");
}

/// A hash that the modulus has no room for is not chosen (OpenSSL: `rsa_pss_check_min_key_size`).
#[test]
fn short_keys_sign_with_short_hashes() {
    let mut options = signing("rsa-1024", &Arc::new(Agent::of("rsa")));
    assert!(outcome("", &options, &server(&TLS13)).is_err(), "the key is too short for the security level");
    options.security_level = pgtls_rustls::SecurityLevel(0);
    // The signature of a longer key is none of this certificate's.
    let error = outcome("", &options, &server(&TLS13)).unwrap_err();
    let TlsError::Signing(error) = error else { panic!("{error:?}") };
    let SigningProblem::Mismatch { scheme } = error.problem else { panic!("{error:?}") };
    assert_eq!(scheme, SignatureScheme::RSA_PSS_SHA384);
}

#[test]
fn a_key_that_fails_fails_the_handshake() {
    for version in BOTH {
        let mut agent = Agent::of("good");
        agent.fails = true;
        let error = outcome("", &signing("good", &Arc::new(agent)), &server(version)).unwrap_err();
        assert_eq!(error.failure(), TlsFailure::Handshake);
        assert_eq!(
            error.to_string(),
            "SSL error: could not sign with the key \"the agent's\" of certificate \"the certificate\": the token is locked"
        );
    }
}

#[test]
fn a_signature_of_another_key_is_not_sent() {
    for version in BOTH {
        for (certificate, key) in [("good", "revoked"), ("rsa", "rsa-4096")] {
            let agent = Arc::new(Agent::of(key));
            let error = outcome("", &signing(certificate, &agent), &server(version)).unwrap_err();
            let text = error.to_string();
            let TlsError::Signing(error) = error else { panic!("{error:?}") };
            assert!(matches!(error.problem, SigningProblem::Mismatch { .. }));
            let expected = "SSL error: certificate \"the certificate\" does not match the signature of key \"the agent's\"";
            assert!(text.starts_with(expected), "{text}");
        }
    }
}

#[test]
fn a_key_that_is_not_needed_does_not_sign() {
    let agent = Arc::new(Agent::of("good"));
    let options = signing("good", &agent);
    for version in BOTH {
        assert_eq!(outcome("sslcertmode=disable", &options, &server(version)).unwrap(), NOT_SENT);
        let without = with(&options, |options| options.files = None);
        assert_eq!(outcome("sslcert=/none", &without, &server(version)).unwrap(), NOT_SENT);
        // No request, no signature.
        let silent = Server::new("good").only(version).config();
        let none = outcome("", &options, &silent).unwrap();
        assert_eq!(none, ClientCertificate { requested: false, sent: false });
        // A server that is refused is sent nothing.
        let trusting = InMemoryFiles::clone(options.files.as_ref().unwrap())
            .with_sslrootcert("r", PKI.root_file("root2").unwrap());
        let trusting = with(&options, |options| options.files = Some(Arc::new(trusting)));
        assert!(matches!(outcome("", &trusting, &server(version)), Err(TlsError::Chain(_))));
    }
    assert!(agent.signed.lock().unwrap().is_empty());
}

#[test]
fn the_certificate_is_checked_as_with_any_key() {
    let agent = Arc::new(Agent::of("good"));
    let files = InMemoryFiles::default().with_sslcert("c", "garbage");
    let options = with(&signing("good", &agent), |options| options.files = Some(Arc::new(files)));
    let text = outcome("", &options, &server(&TLS13)).unwrap_err().to_string();
    assert!(text.starts_with("could not read certificate file \"c\": "), "{text}");
    let shown = format!("{:?}", signing("good", &agent));
    assert!(shown.contains("external_key: Some(\"the agent's\")"), "{shown}");
    assert_eq!(FileState::External.to_string(), "not read: the program signs with it");
}
