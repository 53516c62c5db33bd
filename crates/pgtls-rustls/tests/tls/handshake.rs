//! Handshakes in memory: what each mode verifies, what is recorded, what is disclosed.

use crate::memory::{Asks, Files, PKI, PROVIDERS, Server, connector, connector_with, key_of, options, shake};
use pgtls_core::{
    negotiation::{Alpn, TlsFailure},
    policy::Verification,
};
use pgtls_rustls::{SetupError, TlsError, TlsOptions, alert_name};
use rustls::{
    AlertDescription, CertificateError, HandshakeKind, NamedGroup, SignatureScheme, SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use std::sync::Arc;

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// Files of a client: the PKI's root as `/root.crt`, or another.
fn trusting(root: &str) -> Files {
    Files::default().with("/root.crt", PKI.root_file(root).unwrap())
}

/// OpenSSL clears the unused bits of the server's public key, so that it is another key, which did not sign the handshake: the
/// exponent 65537 becomes 65536. psql refuses such a server in every mode.
#[test]
fn a_key_with_unused_bits_does_not_sign() {
    let identity = PKI.server("key-rsa-2048").unwrap();
    let mut leaf = identity.leaf().to_vec();
    let info = pgtls_x509::HandshakeKey::read(&leaf).unwrap().public_key_info().to_vec();
    let end = leaf.windows(info.len()).position(|part| part == info).unwrap() + info.len();
    // The number of unused bits stands between the header of the BIT STRING and the SEQUENCE of the key.
    let key = end
        - info.windows(5).position(|part| part[..3] == [0, 0x30, 0x82]).map(|at| info.len() - at).unwrap();
    for (unused_bits, expected) in
        [(0, "None"), (1, "InvalidCertificate(BadSignature)"), (7, "InvalidCertificate(BadSignature)")]
    {
        leaf[key] = unused_bits;
        let chain = vec![leaf.clone().into()];
        for version in BOTH {
            let server = Server::with_key(chain.clone(), key_of(identity)).only(version);
            assert_eq!(
                outcome("sslmode=require", &Files::default(), &server),
                expected,
                "{version:?} {unused_bits}"
            );
        }
    }
}

/// A word for how it ended, the same with every crypto provider.
fn outcome(conninfo: &str, files: &Files, server: &Server) -> String {
    let [with_aws_lc_rs, with_ring] =
        PROVIDERS.map(|provider| outcome_with(&options(provider()), conninfo, files, server));
    assert_eq!(with_aws_lc_rs, with_ring, "{conninfo}");
    with_ring
}

fn outcome_with(options: &TlsOptions, conninfo: &str, files: &Files, server: &Server) -> String {
    let session = match connector_with(conninfo, files, options).session(Some("db.test")) {
        Ok(session) => session,
        Err(error) => return format!("{:?}", error.failure()),
    };
    match shake(&session, &server.config()) {
        Ok(shaken) => {
            let proven = match (shaken.tls.chain, shaken.tls.name) {
                (None, None) => Verification::None,
                (Some(_), None) => Verification::Ca,
                (Some(_), Some(_)) => Verification::Full,
                (None, Some(_)) => panic!("a name without a chain"),
            };
            assert_eq!(proven, shaken.facts.verified);
            assert_eq!(proven >= Verification::Ca, !shaken.facts.path.is_empty());
            format!("{proven:?}")
        }
        Err(TlsError::Chain(error)) => error.path().unwrap().verdict.refusal().as_str().to_owned(),
        Err(TlsError::Host(_)) => "host".to_owned(),
        Err(TlsError::Handshake(error)) => format!("{error:?}"),
        Err(error) => format!("{error:?}"),
    }
}

#[track_caller]
fn check(sslmode: &str, root: Option<&str>, server: &str, expected: &str) {
    let files = root.map(trusting).unwrap_or_default();
    let conninfo = format!("sslmode={sslmode} sslrootcert=/root.crt");
    for version in BOTH {
        let found = outcome(&conninfo, &files, &Server::new(server).only(version));
        assert_eq!(found, expected, "{version:?}");
    }
}

#[test]
fn without_a_root_file_nothing_is_verified() {
    for sslmode in ["allow", "prefer", "require"] {
        check(sslmode, None, "good", "None");
        check(sslmode, None, "wrong-host", "None");
    }
    let any =
        ["expired", "notyet", "v1-leaf", "selfsigned-v1", "bad-sig", "eku-client", "no-names", "nul-cn"];
    for server in any {
        check("require", None, server, "None");
    }
}

#[test]
fn keys_of_every_kind_sign_the_handshake() {
    for key in ["key-p384", "key-p521", "key-ed25519", "key-rsa-2048", "key-rsa-3072", "key-rsa-4096"] {
        check("require", None, key, "None");
        check("verify-full", Some("root"), key, "Full");
    }
}

#[test]
fn with_a_root_file_every_mode_verifies_the_chain() {
    for sslmode in ["allow", "prefer", "require", "verify-ca"] {
        check(sslmode, Some("root"), "good", "Ca");
        check(sslmode, Some("root"), "wrong-host", "Ca");
        check(sslmode, Some("root2"), "good", "chain-untrusted");
        check(sslmode, Some("root"), "expired", "expired");
    }
    check("require", Some("root"), "v1-leaf", "Ca");
    check("verify-ca", Some("selfsigned-ca"), "selfsigned-ca", "Ca");
    check("verify-ca", Some("root"), "bad-sig", "bad-signature");
}

#[test]
fn verify_full_matches_the_name() {
    check("verify-full", Some("root"), "good", "Full");
    check("verify-full", Some("root"), "v1-leaf", "Full");
    check("verify-full", Some("root"), "wrong-host", "host");
    check("verify-full", Some("root"), "nul-cn", "host");
    check("verify-full", Some("root2"), "wrong-host", "chain-untrusted");
}

#[test]
fn verification_without_roots_cannot_be_set_up() {
    for sslmode in ["verify-ca", "verify-full"] {
        check(sslmode, None, "good", "Setup");
    }
    let garbage = Files::default().with("/root.crt", "nothing");
    let found = outcome("sslmode=require sslrootcert=/root.crt", &garbage, &Server::new("good"));
    assert_eq!(found, "Setup");
}

#[test]
fn revocation_is_checked_for_the_whole_chain() {
    let crl = |name: &str| trusting("root").with("/crl", PKI.crl_file(name).unwrap());
    let rows = [
        ("good", crl("root+inter"), "sslcrl=/crl", "Ca"),
        ("revoked", crl("root+inter"), "sslcrl=/crl", "revoked"),
        // The list of the intermediate's own issuer is needed too.
        ("good", crl("inter"), "sslcrl=/crl", "crl-missing"),
        ("good", crl("root+inter-expired"), "sslcrl=/crl", "crl-expired"),
        // A file that does not load is ignored, and the directory with it; a directory without files refuses everybody.
        ("revoked", trusting("root").with("/crl", "garbage"), "sslcrl=/crl sslcrldir=/d", "Ca"),
        ("good", trusting("root"), "sslcrldir=/d", "crl-missing"),
    ];
    for (server, files, crls, expected) in rows {
        let conninfo = format!("sslmode=verify-ca sslrootcert=/root.crt {crls}");
        assert_eq!(outcome(&conninfo, &files, &Server::new(server)), expected, "{server} {crls}");
    }
}

#[test]
fn a_server_without_the_key_of_its_certificate_is_refused_in_every_mode() {
    let (good, other) = (PKI.server("good").unwrap(), PKI.server("wrong-host").unwrap());
    let (rsa, rsa2) = (PKI.server("key-rsa-2048").unwrap(), PKI.server("rsa-root-leaf").unwrap());
    let v1 = PKI.server("v1-leaf").unwrap();
    for (certificate, key) in [(good, other), (rsa, rsa2), (v1, other)] {
        let server = Server::with_key(certificate.chain().to_vec(), key_of(key));
        for version in BOTH {
            for (conninfo, files) in [
                ("sslmode=prefer", Files::default()),
                ("sslmode=require", Files::default()),
                ("sslmode=verify-full sslrootcert=/root.crt", trusting("root")),
            ] {
                let found = outcome(conninfo, &files, &server.clone().only(version));
                let expected = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
                assert_eq!(found, format!("{expected:?}"), "{conninfo}");
            }
        }
    }
}

#[test]
fn a_server_with_a_key_of_another_kind_is_refused() {
    let (ec, rsa) = (PKI.server("good").unwrap(), PKI.server("key-rsa-2048").unwrap());
    let server = Server::with_key(ec.chain().to_vec(), key_of(rsa));
    for version in BOTH {
        let found = outcome("sslmode=require", &Files::default(), &server.clone().only(version));
        assert!(found.contains("InvalidCertificate") || found.contains("PeerMisbehaved"), "{found}");
    }
}

#[test]
fn sessions_are_never_resumed() {
    for version in BOTH {
        let server = Server::new("good").only(version).config();
        let connector = connector("sslmode=require", &Files::default());
        let session = connector.session(Some("db.test")).unwrap();
        for session in [&session, &session, &connector.session(Some("db.test")).unwrap()] {
            let shaken = shake(session, &server).unwrap();
            // TLS 1.3 may have gone round twice for the key exchange; resumed it has not.
            assert_ne!(shaken.client.handshake_kind(), Some(HandshakeKind::Resumed));
        }
    }
}

/// Whether a certificate was requested and sent, and whether the server got one: the same with every crypto provider.
fn disclosed(conninfo: &str, files: &Files, server: &Server) -> (bool, bool, bool) {
    let [with_aws_lc_rs, with_ring] = PROVIDERS.map(|provider| {
        if let Some(asks) = &server.asks {
            asks.got.lock().unwrap().take();
        }
        let connector = connector_with(conninfo, files, &options(provider()));
        let session = connector.session(Some("db.test")).unwrap();
        let _ = shake(&session, &server.config());
        let said = session.client_certificate();
        let got = server.asks.as_ref().is_some_and(|asks| asks.got.lock().unwrap().is_some());
        (said.requested, said.sent, got)
    });
    assert_eq!(with_aws_lc_rs, with_ring, "{conninfo}");
    with_ring
}

fn with_identity(files: Files, name: &str) -> Files {
    let client = PKI.client(name).unwrap();
    files.with("/c.crt", client.chain_pem()).with("/c.key", client.key_pem())
}

const IDENTITY: &str = "sslcert=/c.crt sslkey=/c.key";

#[test]
fn a_client_certificate_is_sent_when_asked_for() {
    for version in BOTH {
        let server = || Server::new("good").only(version);
        let asking = || server().asking(Asks::default());
        let files = with_identity(Files::default(), "good");
        let mode = format!("sslmode=require {IDENTITY}");
        assert_eq!(disclosed(&mode, &files, &server()), (false, false, false));
        assert_eq!(disclosed(&mode, &files, &asking()), (true, true, true));
        assert_eq!(disclosed("sslmode=require", &files, &asking()), (true, false, false));
        let disabled = format!("{mode} sslcertmode=disable");
        assert_eq!(disclosed(&disabled, &files, &asking()), (true, false, false));
    }
}

#[test]
fn the_client_does_not_judge_its_certificate() {
    let hints = Asks { hints: vec![rustls::DistinguishedName::in_sequence(b"")], ..Asks::default() };
    let hints = Arc::new(hints);
    for name in ["v1", "expired", "unrelated", "eku-server", "rsa", "p384", "p521", "ed25519", "with-root"] {
        for version in BOTH {
            let files = with_identity(Files::default(), name);
            let mode = format!("sslmode=require {IDENTITY}");
            let mut server = Server::new("good").only(version);
            hints.got.lock().unwrap().take();
            server.asks = Some(hints.clone());
            assert_eq!(disclosed(&mode, &files, &server), (true, true, true), "{name} {version:?}");
            let got = hints.got.lock().unwrap().clone();
            assert_eq!(got.as_ref(), Some(PKI.client(name).unwrap().leaf()));
        }
    }
}

#[test]
fn a_key_that_cannot_sign_as_asked_sends_nothing_and_says_so() {
    let asks = Asks { schemes: Some(vec![SignatureScheme::RSA_PSS_SHA256]), ..Asks::default() };
    let server = Server::new("good").only(&TLS13).asking(asks);
    let files = with_identity(Files::default(), "good");
    assert_eq!(disclosed(&format!("sslmode=require {IDENTITY}"), &files, &server), (true, false, false));
}

#[test]
fn nothing_is_disclosed_to_a_server_that_is_refused() {
    for version in BOTH {
        for (server, root) in [("wrong-host", "root"), ("good", "root2"), ("expired", "root")] {
            let server = Server::new(server).only(version).asking(Asks::default());
            let files = with_identity(trusting(root), "good");
            let mode = format!("sslmode=verify-full sslrootcert=/root.crt {IDENTITY}");
            assert_eq!(disclosed(&mode, &files, &server), (false, false, false));
        }
    }
}

#[test]
fn both_providers_work_side_by_side() {
    let files = trusting("root");
    for provider in PROVIDERS.map(|provider| provider()) {
        let connector =
            connector_with("sslmode=verify-full sslrootcert=/root.crt", &files, &options(provider.clone()));
        let session = connector.session(Some("db.test")).unwrap();
        for version in BOTH {
            let mut server = Server::new("good").only(version);
            server.provider = provider.clone();
            shake(&session, &server.config()).map(|_| ()).unwrap();
        }
    }
}

/// The groups that the provider of aws-lc-rs has and that of ring does not.
#[test]
fn a_server_that_demands_a_post_quantum_group() {
    for provider in PROVIDERS {
        let mut server = Server::new("good");
        let mut theirs = (*pgtls_rustls::aws_lc_rs()).clone();
        theirs.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768];
        server.provider = Arc::new(theirs);
        let connector = connector_with("sslmode=require", &Files::default(), &options(provider()));
        let session = connector.session(Some("db.test")).unwrap();
        let shaken = shake(&session, &server.only(&TLS13).config()).map(|_| ());
        let has_it = provider().kx_groups.iter().any(|had| had.name() == NamedGroup::X25519MLKEM768);
        let Err(error) = shaken else {
            assert!(has_it);
            continue;
        };
        assert!(!has_it);
        assert_eq!(error.alert(), Some(AlertDescription::HandshakeFailure));
        assert_eq!(error.failure(), TlsFailure::Handshake);
        assert!(error.to_string().contains("X25519MLKEM768"), "{error}");
    }
}

/// Groups that a program has taken out of its provider are not offered.
#[test]
fn a_provider_without_p384_is_not_completed() {
    let groups = |take: usize| {
        let mut provider = (*pgtls_rustls::ring()).clone();
        provider.kx_groups.truncate(take);
        let (options, _) = options(Arc::new(provider)).in_force();
        options.provider.kx_groups.iter().map(|group| group.name()).collect::<Vec<_>>()
    };
    let [x25519, p256] = [NamedGroup::X25519, NamedGroup::secp256r1];
    assert_eq!(groups(3), [x25519, p256, NamedGroup::secp384r1, NamedGroup::secp521r1]);
    assert_eq!(groups(2), [x25519, p256]);
    assert_eq!(groups(0), []);
}

#[track_caller]
fn check_sni(host: Option<&str>, more: &str, expected: Option<&str>) {
    let session = connector(&format!("sslmode=require {more}"), &Files::default()).session(host).unwrap();
    let server = Server::new("good");
    let shaken = shake(&session, &server.config()).map_err(|error| error.to_string()).unwrap();
    assert_eq!(shaken.facts.sni.as_deref(), expected);
    assert_eq!(server.sni.lock().unwrap().as_deref(), expected);
}

#[test]
fn the_server_is_told_the_host() {
    check_sni(Some("db.test"), "", Some("db.test"));
    check_sni(Some("db.test"), "sslsni=0", None);
    check_sni(Some("db.test."), "", Some("db.test"));
    check_sni(Some("127.0.0.1"), "", None);
    check_sni(Some("*.test"), "", None);
    check_sni(None, "", None);
}

#[test]
fn a_host_too_long_for_sni_is_a_local_fault() {
    let connector = connector("sslmode=require", &Files::default());
    let error = connector.session(Some(&"x".repeat(256))).unwrap_err();
    assert!(matches!(error, TlsError::Setup(SetupError::ServerName(_))));
    assert_eq!(error.failure(), TlsFailure::Setup);
}

#[test]
fn alpn() {
    let session = connector("sslmode=require", &Files::default()).session(Some("db.test")).unwrap();
    for version in BOTH {
        let mut server = Server::new("good").only(version);
        let shaken = shake(&session, &server.config()).map_err(|error| error.to_string()).unwrap();
        assert_eq!(shaken.tls.alpn, Alpn::Postgresql);
        assert_eq!(shaken.facts.alpn.as_deref(), Some("postgresql"));

        server.alpn.clear();
        let shaken = shake(&session, &server.config()).map_err(|error| error.to_string()).unwrap();
        assert_eq!(shaken.tls.alpn, Alpn::Absent);

        server.alpn = vec![b"http/1.1".to_vec()];
        let error = shake(&session, &server.config()).map(|_| ()).unwrap_err();
        assert_eq!(error.alert(), Some(AlertDescription::NoApplicationProtocol));
        assert_eq!(error.failure(), TlsFailure::Handshake);
        assert!(error.to_string().contains(alert_name(AlertDescription::NoApplicationProtocol).unwrap()));
    }
}

#[test]
fn versions_without_overlap() {
    let cases = [
        ("ssl_max_protocol_version=TLSv1.2", &TLS13, "TLSv1.2"),
        ("ssl_min_protocol_version=TLSv1.3", &TLS12, "TLSv1.3"),
    ];
    for (range, version, named) in cases {
        let connector = connector(&format!("sslmode=require {range}"), &Files::default());
        let session = connector.session(Some("db.test")).unwrap();
        let error = shake(&session, &Server::new("good").only(version).config()).map(|_| ()).unwrap_err();
        assert!(matches!(error, TlsError::ProtocolVersion { .. }), "{error:?}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn versions_below_tls_1_2_are_an_error_only_when_nothing_else_is_allowed() {
    let conninfo = "sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=";
    for (maximum, fails) in [("TLSv1", true), ("TLSv1.1", true), ("TLSv1.2", false), ("TLSv1.3", false)] {
        let connector = connector(&format!("{conninfo}{maximum}"), &Files::default());
        let session = connector.session(Some("db.test"));
        let versions = |error: &TlsError| matches!(error, TlsError::Setup(SetupError::Versions(_)));
        assert_eq!(session.as_ref().err().is_some_and(versions), fails, "{session:?}");
        assert_eq!(session.is_err(), fails);
        let closing_alert = session.err().map_or(&[][..], |error| error.closing_alert());
        assert_eq!(!closing_alert.is_empty(), fails);
    }
}
