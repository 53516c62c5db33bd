//! The PKI is judged by others: x509-cert reads what is well formed, and the openssl command verifies what it should.

use super::*;
use ::der::Decode as _;
use std::{collections::BTreeSet, process::Command, sync::LazyLock};
use x509_cert::Certificate;

/// RSA keys take their time to be made.
static PKI: LazyLock<Pki> = LazyLock::new(Pki::open);

#[test]
fn names_are_unique_and_every_certificate_can_be_made() {
    let pki = &*PKI;
    for kind in [Kind::Authority, Kind::Server, Kind::Client, Kind::RootFile, Kind::Crl] {
        let names = pki.names(kind);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{kind} names repeat");
        for name in names {
            let made = match kind {
                Kind::RootFile => pki.root_file(name).map(drop),
                Kind::Crl => pki.crl_file(name).map(drop),
                _ => pki.identity(kind, name).map(drop),
            };
            assert_eq!(made, Ok(()), "{kind} {name}");
        }
    }
}

#[test]
fn unknown_names_are_errors_that_say_so() {
    let pki = &*PKI;
    let error = pki.server("unicorn").unwrap_err();
    assert_eq!(error.to_string(), "the test PKI has no server certificate named \"unicorn\"");
    let error = pki.root_file("unicorn").unwrap_err();
    assert_eq!(error.to_string(), "the test PKI has no root file named \"unicorn\"");
}

#[test]
fn keys_are_fresh_and_serials_are_not() {
    let (one, other) = (Pki::open(), Pki::open());
    let serial = |pki: &Pki| {
        Certificate::from_der(pki.server("good").unwrap().leaf())
            .unwrap()
            .tbs_certificate()
            .serial_number()
            .clone()
    };
    assert_eq!(serial(&one), serial(&other));
    assert_ne!(one.server("good").unwrap().key_pem(), other.server("good").unwrap().key_pem());
}

#[test]
fn only_the_rows_of_version_1_are_of_version_1() {
    let pki = &*PKI;
    for name in pki.names(Kind::Server) {
        let certificate = Certificate::from_der(pki.server(name).unwrap().leaf()).expect(name);
        let version_1 = certificate.tbs_certificate().version() == x509_cert::Version::V1;
        assert_eq!(version_1, ["v1-leaf", "selfsigned-v1"].contains(&name), "{name}");
        let none = version_1 || name == "bare";
        assert_eq!(certificate.tbs_certificate().extensions().is_none(), none, "{name}");
    }
}

/// `openssl verify` on the whole PKI: what each chain's verdict is against the PKI's root.
///
/// The numbers are OpenSSL's `X509_V_ERR_…`; 0 is acceptance.
#[test]
fn openssl_gives_the_verdicts_that_the_rows_promise() {
    if Command::new("openssl").arg("version").output().is_err() {
        return pgtls_tests::skip("the pki and openssl", "the openssl command is not installed");
    }
    let pki = &*PKI;
    let dir = tempfile::tempdir().unwrap();
    pki.write_to(dir.path()).unwrap();
    for (name, root, crl, expected) in [
        ("good", "root", None, 0),
        ("cn-only", "root", None, 0),
        ("v1-leaf", "root", None, 0),
        ("eku-any", "root", None, 26),
        ("eku-client", "root", None, 26),
        ("eku-none", "root", None, 0),
        ("expired", "root", None, 10),
        ("notyet", "root", None, 9),
        ("expired-inter", "root", None, 10),
        ("expired-root", "rootexp", None, 10),
        ("other-root", "root", None, 20),
        ("other-root", "root2", None, 0),
        ("same-name-root", "root", None, 20),
        ("same-name-root", "sameroot+root", None, 0),
        ("missing-inter", "root", None, 20),
        ("missing-inter", "root+inter", None, 0),
        ("wrong-order", "root", None, 0),
        ("superfluous", "root", None, 0),
        ("bad-sig", "root", None, 7),
        ("issued-by-leaf", "root", None, 79),
        ("issuer-no-bc", "root", None, 79),
        ("pathlen-ok", "root", None, 0),
        ("pathlen-bad", "root", None, 25),
        ("selfsigned-ca", "root", None, 18),
        ("selfsigned-ca", "selfsigned-ca", None, 0),
        ("selfsigned-v1", "selfsigned-v1", None, 0),
        ("selfsigned-expired", "selfsigned-expired", None, 10),
        ("key-p384", "root", None, 0),
        ("key-p521", "root", None, 0),
        ("key-ed25519", "root", None, 0),
        ("key-rsa-2048", "root", None, 0),
        ("key-rsa-3072", "root", None, 0),
        ("key-rsa-4096", "root", None, 0),
        ("rsa-root-leaf", "rsaroot", None, 0),
        ("good", "root", Some("root+inter"), 0),
        ("good", "root", Some("root"), 3),
        ("good", "root", Some("root+inter-expired"), 12),
        ("good", "root", Some("root+inter-future"), 11),
        ("revoked", "root", Some("root+inter"), 23),
        ("revoked", "root", Some("root+inter-empty"), 0),
        ("revoked-inter", "root", Some("root+inter+inter2"), 23),
    ] {
        let path =
            |folder: &str, file: &str, ext: &str| dir.path().join(folder).join(format!("{file}.{ext}"));
        let mut verify = Command::new("openssl");
        verify.args(["verify", "-purpose", "sslserver", "-CAfile"]).arg(path("ca", root, "crt"));
        verify.arg("-untrusted").arg(path("srv", name, "crt"));
        if let Some(crl) = crl {
            verify.arg("-crl_check_all").arg("-CRLfile").arg(path("crl", crl, "crl"));
        }
        let output = verify.arg(path("srv", name, "crt")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let number =
            text.split_once("error ").and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        assert_eq!(number.unwrap_or(0), expected, "{name} by {root} with {crl:?}: {text}");
        assert_eq!(output.status.success(), expected == 0, "{name} by {root} with {crl:?}: {text}");
    }
}

#[test]
fn openssl_reads_every_key() {
    if Command::new("openssl").arg("version").output().is_err() {
        return pgtls_tests::skip("the pki and openssl", "the openssl command is not installed");
    }
    let pki = &*PKI;
    let dir = tempfile::tempdir().unwrap();
    pki.write_to(dir.path()).unwrap();
    for name in pki.names(Kind::Client) {
        let key = dir.path().join("cli").join(format!("{name}.key"));
        let public = |args: &[&str]| {
            let output = Command::new("openssl").args(args).output().unwrap();
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let of_key = public(&["pkey", "-in", key.to_str().unwrap(), "-pubout"]);
        let certificate = key.with_extension("crt");
        let of_certificate = public(&["x509", "-in", certificate.to_str().unwrap(), "-noout", "-pubkey"]);
        assert_eq!(of_key, of_certificate, "{name}");
    }
}
