//! What a configuration file leaves of what is offered.

use crate::memory::{Files, options, params};
use pgtls_rustls::{SetupError, TlsOptions};
use pgtls_x509::openssl_conf::{ConfFile, SystemDefault};
use std::sync::Arc;

fn applied(commands: &str) -> (TlsOptions, Vec<String>) {
    let text = format!("openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\n{commands}\n");
    let conf = ConfFile::parse("o.cnf", text.as_bytes(), &Files::default(), &|_| None).unwrap();
    let mut options = options(pgtls_rustls::ring());
    options.system = Some(Arc::new(SystemDefault::of(&conf)));
    let (_, unmapped) = options.in_force();
    (options, unmapped.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn check(commands: &str, conninfo: &str, expected: Result<(&str, usize, &str), &str>, unmapped: &[&str]) {
    let (options, not_applied) = applied(commands);
    let offer = options.offer(&params(conninfo)).map(|offer| {
        let versions: Vec<_> = offer.versions.iter().map(|version| version.as_str()).collect();
        (versions.join(" "), offer.cipher_suites.len(), offer.groups.join(" "))
    });
    let offer = offer.map_err(|error| match error {
        SetupError::NothingLeft(what) => what.to_owned(),
        SetupError::Versions(_) => "version".to_owned(),
        other => other.to_string(),
    });
    let expected = expected
        .map(|(versions, suites, groups)| (versions.to_owned(), suites, groups.to_owned()))
        .map_err(str::to_owned);
    assert_eq!(
        (offer, not_applied),
        (expected, unmapped.iter().map(|&u| u.to_owned()).collect()),
        "{commands}"
    );
}

#[test]
fn what_is_left() {
    const BOTH: &str = "TLSv1.2 TLSv1.3";
    const GROUPS: &str = "x25519 secp256r1 secp384r1 secp521r1";
    check("X = y", "", Ok((BOTH, 9, GROUPS)), &["X = y"]);
    check("MaxProtocol = TLSv1.2", "", Ok(("TLSv1.2", 6, GROUPS)), &[]);
    check("MaxProtocol = TLSv1.2", "ssl_max_protocol_version=TLSv1.3", Ok((BOTH, 9, GROUPS)), &[]);
    check("MinProtocol = TLSv1.3", "", Ok((BOTH, 9, GROUPS)), &[]);
    check("MinProtocol = TLSv1.3", "ssl_min_protocol_version=''", Ok(("TLSv1.3", 3, GROUPS)), &[]);
    check("MaxProtocol = TLSv1.1", "", Err("version"), &[]);
    check("CipherString = AES128", "", Ok((BOTH, 5, GROUPS)), &[]);
    check("CipherString = kRSA", "ssl_max_protocol_version=TLSv1.2", Err("cipher suite"), &[]);
    check("Ciphersuites = ", "", Err("cipher suite"), &[]);
    check("CipherString = @SECLEVEL=4:ALL", "", Ok((BOTH, 6, "secp384r1 secp521r1")), &[]);
    check("CipherString = @SECLEVEL=5:ALL", "", Ok((BOTH, 6, "secp521r1")), &[]);
    check("Groups = P-384:X25519", "", Ok((BOTH, 9, "secp384r1 x25519")), &[]);
}

#[test]
fn what_the_provider_does_not_have_is_told() {
    check(
        "Groups = X25519MLKEM768:P-521:P-256",
        "",
        Ok(("TLSv1.2 TLSv1.3", 9, "secp521r1 secp256r1")),
        &["Groups = X25519MLKEM768"],
    );
    check("Groups = P-521", "", Ok(("TLSv1.2 TLSv1.3", 9, "secp521r1")), &[]);
    check("Groups = X25519MLKEM768", "", Err("key-exchange group"), &["Groups = X25519MLKEM768"]);
    check(
        "Ciphersuites = TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256",
        "",
        Ok(("TLSv1.2 TLSv1.3", 7, "x25519 secp256r1 secp384r1 secp521r1")),
        &["Ciphersuites = TLS_AES_128_CCM_SHA256"],
    );
}
