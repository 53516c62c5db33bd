//! Refused chains: which file decided, whose verdict it is, and the client's own keys.

use crate::memory::{Files, PKI, Server, connector, connector_with, key_of, options, shake};
use pgtls_core::files::FileRole;
use pgtls_rustls::{Profile, SecurityLevel, SetupError, TlsError};
use pgtls_x509::{Refusal, X509Error};

fn trusting(root: &str) -> Files {
    Files::default().with("/root.crt", PKI.root_file(root).unwrap())
}

/// What is said of a chain that is refused.
fn refusal(server: &str, files: &Files, crls: &str) -> String {
    let conninfo = format!("sslmode=verify-ca sslrootcert=/root.crt {crls}");
    let session = connector(&conninfo, files).session(Some("db.test")).unwrap();
    match shake(&session, &Server::new(server).config()).map(|_| ()).unwrap_err() {
        error @ TlsError::Chain(X509Error::Path(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_names_what_decided() {
    let crl = |name: &str| trusting("root").with("/x.crl", PKI.crl_file(name).unwrap());
    for (server, files, crls, decided_by) in [
        ("good", trusting("root2"), "", "root certificates \"/root.crt\""),
        ("selfsigned-ca", trusting("root"), "", "root certificates \"/root.crt\""),
        ("expired-root", trusting("rootexp"), "", "root certificates \"/root.crt\""),
        ("expired", trusting("root"), "", "what the peer sent"),
        ("expired-inter", trusting("root"), "", "what the peer sent"),
        ("revoked", crl("root+inter"), "sslcrl=/x.crl", "CRL file \"/x.crl\""),
        ("good", crl("root+inter-expired"), "sslcrl=/x.crl", "CRL file \"/x.crl\""),
        ("good", crl("root"), "sslcrl=/x.crl", "CRL file \"/x.crl\""),
    ] {
        let said = refusal(server, &files, crls);
        assert!(said.contains(&format!("; decided by {decided_by}; OpenSSL's error ")), "{server}: {said}");
        for part in ["certificate at depth ", ", issued by \"", ", serial number ", "X509_V_ERR_"] {
            assert!(said.contains(part), "{server}: no {part:?} in {said}");
        }
    }
}

#[test]
fn a_missing_crl_names_every_place_it_could_be_in() {
    let files = trusting("root").with("/x.crl", PKI.crl_file("root").unwrap()).with("/d/other", "");
    let said = refusal("good", &files, "sslcrl=/x.crl sslcrldir=/d");
    let (before, after) = said.split_once("; decided by CRL file \"/x.crl\" and file ").unwrap();
    assert!(before.contains("unable to get certificate CRL"), "{said}");
    let (hash, rest) = after.split_once(".r0 of CRL directory \"/d\"; ").unwrap();
    assert!(hash.len() == 8 && rest.contains("X509_V_ERR_UNABLE_TO_GET_CRL"), "{said}");
}

#[test]
fn what_cannot_be_read_is_refused_in_every_mode() {
    let good = PKI.server("good").unwrap();
    let mut chain = good.chain().to_vec();
    chain.push(vec![0x30, 1, 0].into());
    let server = Server::with_key(chain, key_of(good)).config();
    for conninfo in ["sslmode=require", "sslmode=verify-ca sslrootcert=/root.crt"] {
        let session = connector(conninfo, &trusting("root")).session(Some("db.test")).unwrap();
        let refused = shake(&session, &server).map(|_| ()).unwrap_err();
        assert!(matches!(refused, TlsError::Chain(X509Error::Malformed { .. })), "{conninfo}: {refused}");
    }
}

/// What CRL directories with these files say of a server: `root` and `inter` are lists, with a `2` revoking; `ca` is the root
/// itself, which is not in the root file.
fn with_directories(server: &str, directories: &[&[&str]]) -> &'static str {
    let hash = |authority| format!("{:08x}", PKI.subject_hash(authority).unwrap());
    let mut files = trusting("root2");
    for (number, names) in directories.iter().enumerate() {
        for name in *names {
            let (file, content) = match *name {
                "root" => (hash("root") + ".r0", PKI.crl_file("root").unwrap()),
                "inter" => (hash("inter") + ".r0", PKI.crl_file("inter-empty").unwrap()),
                "inter2" => (hash("inter") + ".r0", PKI.crl_file("inter").unwrap()),
                _ => (hash("root") + ".0", PKI.root_file("root").unwrap()),
            };
            files = files.with(&format!("/{number}/{file}"), content);
        }
    }
    let path: Vec<String> = (0..directories.len()).map(|number| format!("/{number}")).collect();
    let conninfo = format!("sslmode=verify-ca sslrootcert=/root.crt sslcrldir={}", path.join(":"));
    let session = connector(&conninfo, &files).session(Some("db.test")).unwrap();
    match shake(&session, &Server::new(server).config()).map(|_| ()) {
        Ok(()) => "trusted",
        Err(TlsError::Chain(error)) => error.path().unwrap().verdict.refusal().as_str(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn crl_directories_are_asked_in_order_and_hold_authorities_too() {
    for (server, directories, expected) in [
        ("good", &[&["ca", "root", "inter"][..]][..], "trusted"),
        ("good", &[&["root", "inter"]], "chain-untrusted"),
        ("good", &[&["ca", "root"]], "crl-missing"),
        ("good", &[&["root"], &["inter", "ca"]], "trusted"),
        ("revoked", &[&["ca", "root", "inter2"]], "revoked"),
        // The second directory is asked only for what the first does not have.
        ("revoked", &[&["ca", "root", "inter"], &["inter2"]], "trusted"),
        ("revoked", &[&["inter2"], &["ca", "root", "inter"]], "revoked"),
    ] {
        assert_eq!(with_directories(server, directories), expected, "{server} {directories:?}");
    }
}

/// Whether each profile accepts this server. A chain that the strict one alone refuses is called untrusted.
fn profiles(sslmode: &str, server: &str, root: &str) -> [bool; 2] {
    let [default, strict] = [Profile::Openssl, Profile::Strict].map(|profile| {
        let mut options = options(pgtls_rustls::aws_lc_rs());
        options.profile = profile;
        let conninfo = format!("sslmode={sslmode} sslrootcert=/root.crt");
        let session = connector_with(&conninfo, &trusting(root), &options).session(Some("db.test")).unwrap();
        match shake(&session, &Server::new(server).config()) {
            Ok(shaken) => {
                assert!(!shaken.facts.path.is_empty());
                Ok(())
            }
            Err(TlsError::Chain(error)) => Err(Some(error.path().unwrap().verdict.refusal())),
            Err(TlsError::Host(_)) => Err(None),
            Err(other) => panic!("{other:?}"),
        }
    });
    if let (Ok(()), Err(Some(refusal))) = (default, strict) {
        assert_eq!(refusal, Refusal::ChainUntrusted);
    }
    [default.is_ok(), strict.is_ok()]
}

#[test]
fn the_strict_profile_is_for_whoever_asks_for_it() {
    for (sslmode, server, root, expected) in [
        ("verify-full", "good", "root", [true, true]),
        ("verify-full", "wrong-host", "root", [false, false]),
        ("verify-ca", "good", "root2", [false, false]),
        ("verify-ca", "expired", "root", [false, false]),
        // No X.509 v1, no authority as the server's own.
        ("verify-ca", "v1-leaf", "root", [true, false]),
        ("require", "v1-leaf", "root", [true, false]),
        ("verify-ca", "selfsigned-ca", "selfsigned-ca", [true, false]),
        // No commonName, which matters where names are compared.
        ("verify-ca", "cn-only", "root", [true, true]),
        ("verify-full", "cn-only", "root", [true, false]),
    ] {
        assert_eq!(profiles(sslmode, server, root), expected, "{sslmode} {server}");
    }
}

#[test]
fn own_keys_are_held_to_the_security_level() {
    let loaded = |name: &str, level: u8| {
        let client = PKI.client(name).unwrap();
        let files = Files::default().with("/c.crt", client.chain_pem()).with("/c.key", client.key_pem());
        let mut options = options(pgtls_rustls::aws_lc_rs());
        options.security_level = SecurityLevel(level);
        let connector = connector_with("sslmode=require sslcert=/c.crt sslkey=/c.key", &files, &options);
        match connector.session(Some("db.test")) {
            Err(TlsError::Setup(SetupError::Content { role: FileRole::Cert, error, .. })) => {
                assert!(matches!(error, X509Error::WeakKey(_)), "{error:?}");
                Some(error.to_string())
            }
            // Whatever else there is to be said is not about the certificate.
            _ => None,
        }
    };
    let weak = loaded("rsa-1024", 2).unwrap();
    assert!(
        weak.starts_with("ee key too small: RSA, 1024 bits, security level 2; certificate at depth 0: "),
        "{weak}"
    );
    for (name, level) in
        [("rsa-1024", 1), ("rsa-1024", 0), ("rsa", 2), ("good", 2), ("good", 3), ("ed25519", 3)]
    {
        assert_eq!(loaded(name, level), None, "{name} at level {level}");
    }
    // The keys of what is sent with it count too.
    for (name, level, whose) in [("rsa", 3, "ee"), ("good", 4, "ee"), ("p384", 4, "ca")] {
        let said = loaded(name, level).unwrap();
        assert!(said.starts_with(&format!("{whose} key too small: ")), "{name} at level {level}: {said}");
    }
    // How it is signed is the server's business.
    assert_eq!(loaded("sha1", 2), None);
    assert_eq!(loaded("expired", 2), None);
}
