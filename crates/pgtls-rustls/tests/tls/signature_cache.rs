//! Signatures of chains are checked once for all sessions of a connector, and that changes no verdict.

use crate::memory::{Files, PKI, Server, connector, connector_with, key_of, options, shake};
use pgtls_conformance::pki::{Identity, Kind};
use pgtls_rustls::{Connector, Profile};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn verdict(connector: &Connector, server: &Arc<ServerConfig>) -> String {
    match shake(&connector.session(Some("db.test")).unwrap(), server) {
        Ok(_) => "trusted".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

/// A server with this chain. Where rustls cannot use its key it has another one, which is found out after the chain.
fn server(identity: &Identity) -> Arc<ServerConfig> {
    let own = rustls::crypto::aws_lc_rs::sign::any_supported_type(&identity.key().pkcs8());
    let key = own.unwrap_or_else(|_| key_of(PKI.server("good").unwrap()));
    Server::with_key(identity.chain().to_vec(), key).config()
}

/// Every server of the PKI one after the other, some signed by the same keys, some with the same bytes but for the
/// signature: whom a connector has met before makes no difference.
#[test]
fn whom_it_has_met_before_changes_no_verdict() {
    let files = Files::default()
        .with("/root.crt", PKI.root_file("root").unwrap())
        .with("/root.crl", PKI.crl_file("root+inter").unwrap());
    let names = PKI.names(Kind::Server);
    let servers: Vec<_> = names.iter().map(|name| (*name, server(PKI.server(name).unwrap()))).collect();
    for crl in ["", " sslcrl=/root.crl"] {
        for profile in [Profile::Openssl, Profile::Strict] {
            let conninfo = format!("sslmode=verify-ca sslrootcert=/root.crt{crl}");
            let mut options = options(pgtls_rustls::aws_lc_rs());
            options.profile = profile;
            let connector = || connector_with(&conninfo, &files, &options);
            let shared = connector();
            let (there, back) = (servers.iter(), servers.iter().rev());
            let mut trusted = 0;
            for (name, server) in there.chain(back) {
                let fresh = verdict(&connector(), server);
                assert_eq!(verdict(&shared, server), fresh, "{name}{crl} {profile:?}");
                trusted += usize::from(fresh == "trusted");
            }
            assert!((2..2 * servers.len()).contains(&trusted));
        }
    }
}

/// A certificate that was found good, and then the same with another signature.
#[test]
fn a_certificate_that_was_good_is_refused_once_it_is_spoiled() {
    let files = Files::default().with("/root.crt", PKI.root_file("root").unwrap());
    let connector = connector("sslmode=verify-ca sslrootcert=/root.crt", &files);
    let good = PKI.server("good").unwrap();
    let mut chain = good.chain().to_vec();
    let mut leaf = chain[0].to_vec();
    *leaf.last_mut().unwrap() ^= 1;
    chain[0] = leaf.into();
    let spoiled = Server::with_key(chain, key_of(good)).config();
    for _ in 0..2 {
        assert_eq!(verdict(&connector, &Server::new("good").config()), "trusted");
        let refused = verdict(&connector, &spoiled);
        assert!(refused.contains("X509_V_ERR_CERT_SIGNATURE_FAILURE"), "{refused}");
    }
}

/// How often a signature was checked, by any algorithm of [`counting`].
static CHECKED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counting(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        CHECKED.fetch_add(1, Ordering::Relaxed);
        self.0.verify_signature(key, message, signature)
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

/// The provider of aws-lc-rs, whose checks of certificates are counted. Those of handshakes are not.
fn counting() -> Arc<CryptoProvider> {
    let provider = pgtls_rustls::aws_lc_rs();
    let WebPkiSupportedAlgorithms { all, mapping } = provider.signature_verification_algorithms;
    let all =
        all.iter().map(|&algorithm| &*Box::leak(Box::new(Counting(algorithm))) as _).collect::<Vec<_>>();
    let signature_verification_algorithms = WebPkiSupportedAlgorithms { all: all.leak(), mapping };
    Arc::new(CryptoProvider { signature_verification_algorithms, ..(*provider).clone() })
}

#[test]
fn a_chain_is_proved_once() {
    let files = Files::default()
        .with("/root.crt", PKI.root_file("root").unwrap())
        .with("/root.crl", PKI.crl_file("root+inter").unwrap());
    let options = options(counting());
    let good = Server::new("good").config();
    for (crl, signatures) in [("", 2), (" sslcrl=/root.crl", 4)] {
        let conninfo = format!("sslmode=verify-full sslrootcert=/root.crt{crl}");
        let connector = connector_with(&conninfo, &files, &options);
        let counts = [(); 3].map(|()| {
            assert_eq!(verdict(&connector, &good), "trusted");
            CHECKED.swap(0, Ordering::Relaxed)
        });
        assert_eq!(counts, [signatures, 0, 0], "{crl}");
    }
}
