//! The warnings of `pgtls explain`: each rule with the parameters that call for it, and near misses that do not.

#[expect(dead_code, reason = "not every test needs servers")]
mod common;

use common::{Files, command, json};
use pgtls_conformance::pki::Kind;
use serde_json::json as value;
use std::{collections::BTreeSet, fs, path::Path};

/// A file in the home directory.
enum Home {
    Nothing,
    Root,
    /// As many authorities as a public bundle has.
    Bundle,
}

#[test]
fn a_careful_reviewer_warns_where_there_is_reason() {
    use Home::{Bundle, Nothing, Root};
    let files = Files::new();
    let home = tempfile::tempdir().expect("there is a folder for temporary files");
    let folder = home.path().join(".postgresql");
    fs::create_dir(&folder).expect("the temporary folder can be written to");
    let empty = home.path().join("empty");
    fs::create_dir(&empty).expect("the temporary folder can be written to");
    let text = home.path().join("text");
    fs::write(&text, "no certificate, no list, no key\n").expect("the temporary folder can be written to");
    for (present, conninfo, expected) in [
        (Nothing, "sslmode=disable", &["no-tls"][..]),
        (Nothing, "", &["opportunistic"]),
        (Nothing, "sslmode=allow", &["opportunistic"]),
        (Root, "sslmode=prefer", &["opportunistic", "failed-verification-falls-back"]),
        (Nothing, "sslmode=require", &["require-without-root-file"]),
        (Root, "sslmode=require", &["root-file-verifies"]),
        (
            Root,
            "sslmode=require sslrootcert=/nonexistent",
            &["require-without-root-file", "explicit-root-file-missing"],
        ),
        (Nothing, "sslmode=verify-full", &["root-file-missing"]),
        (Root, "sslmode=verify-full", &[]),
        (Root, "sslmode=verify-ca", &[]),
        (Bundle, "sslmode=verify-ca", &["verify-ca-with-public-roots"]),
        (Bundle, "sslmode=verify-full", &[]),
        (Root, "sslmode=verify-full sslrootcert={empty}", &["root-file-unusable"]),
        (Root, "sslmode=verify-full sslrootcert={text}", &["root-file-unusable"]),
        (Root, "sslmode=disable sslrootcert={text}", &["no-tls"]),
        (Root, "host='' hostaddr=127.0.0.1 sslmode=verify-full", &["no-host-to-verify"]),
        (Root, "sslmode=verify-full sslcrl=/nonexistent", &["crl-ignored"]),
        (Root, "sslmode=verify-full sslcrl={text}", &["crl-ignored"]),
        (Root, "sslmode=verify-full sslcrldir={empty}", &["crl-directory-empty"]),
        (Nothing, "sslrootcert=system sslcrl=x", &["crl-not-used-with-system"]),
        (Nothing, "sslrootcert=system", &[]),
        (Root, "sslmode=verify-full sslcert=/nonexistent", &["client-certificate-missing"]),
        (Root, "sslmode=verify-full sslcert={empty}", &["client-certificate-unusable"]),
        (Root, "sslmode=verify-full sslcert={text}", &["client-certificate-unusable"]),
        (Root, "sslmode=verify-full sslcertmode=require", &["certificate-required-but-absent"]),
        (Root, "host=/tmp channel_binding=require", &["channel-binding-without-tls"]),
        (Root, "sslmode=verify-full channel_binding=require", &[]),
        (Root, "sslmode=verify-full ssl_min_protocol_version=TLSv1", &["old-tls"]),
        (Root, "host=/tmp sslmode=verify-full", &["sslmode-ignored-on-socket"]),
        (Root, "host=/tmp", &[]),
        (Root, "sslmode=verify-full password=x", &["password-in-string"]),
        (Root, "sslmode=verify-full sslkeylogfile=/tmp/keys", &["keys-logged"]),
    ] {
        let root = match present {
            Nothing => None,
            Root => Some(files.pki.root_file("root").expect("the pki has it")),
            Bundle => Some(bundle(&files)),
        };
        place(&folder.join("root.crt"), root.as_deref());
        let host = if conninfo.contains("host=") { "" } else { "host=db.test " };
        let conninfo = [("{empty}", &empty), ("{text}", &text)]
            .iter()
            .fold(format!("{host}{conninfo}"), |told, (name, path)| {
                told.replace(name, path.to_str().expect("it is UTF-8"))
            });
        let output = command(&["explain", "--json", &conninfo]).env("HOME", home.path()).output();
        let object = json(&output.expect("the binary was built with this test"));
        let warnings = object["warnings"].as_array().expect("there is a list of warnings");
        let names: BTreeSet<_> = warnings.iter().filter_map(|warning| warning["name"].as_str()).collect();
        assert_eq!(names, expected.iter().copied().collect(), "{conninfo}");
        assert!(warnings.iter().all(|warning| warning["text"].as_str().is_some_and(|text| text.len() > 20)));
    }
}

fn place(path: &Path, content: Option<&str>) {
    match content {
        Some(content) => fs::write(path, content).expect("the temporary folder can be written to"),
        // It may not have been there.
        None => drop(fs::remove_file(path)),
    }
}

/// Every authority and self-signed server of the PKI: enough to look public.
fn bundle(files: &Files) -> String {
    let names = files.pki.names(Kind::RootFile);
    names.iter().map(|name| files.pki.root_file(name).expect("the pki has it")).collect()
}

#[test]
fn openssl_conf_is_told_and_what_of_it_is_not_applied() {
    let files = Files::new();
    let of = |commands: &str| {
        format!("openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\n{commands}\n")
    };
    for (text, conninfo, warnings, expected) in [
        (
            of("CipherString = AES256@SECLEVEL=3\nOptions = Bugs\nGroups = P-384:X448"),
            "sslmode=verify-full sslrootcert=system",
            &["openssl-conf-not-applied"][..],
            value!({
                "security_level": 3, "error": null, "overridden": [], "versions": ["TLSv1.2", "TLSv1.3"],
                "groups": ["secp384r1"], "not_applied": ["Options = Bugs", "Groups = x448"],
            }),
        ),
        (
            of("MinProtocol = TLSv1.3"),
            "sslmode=verify-full sslrootcert=system",
            &["openssl-conf-overridden"],
            value!({
                "versions": ["TLSv1.2", "TLSv1.3"],
                "overridden": ["MinProtocol = TLSv1.3, because ssl_min_protocol_version=TLSv1.2 goes before it"],
            }),
        ),
        (
            of("MinProtocol = TLSv1.3"),
            "sslmode=verify-full sslrootcert=system ssl_min_protocol_version=''",
            &[],
            value!({ "versions": ["TLSv1.3"], "overridden": [], "security_level": 2 }),
        ),
        (
            of("MaxProtocol = TLSv1.1"),
            "sslmode=verify-full sslrootcert=system",
            &["nothing-to-offer"],
            value!({ "versions": [], "cipher_suites": [] }),
        ),
        (
            "broken".to_owned(),
            "sslmode=verify-full sslrootcert=system",
            &["openssl-conf-broken"],
            value!({ "path": null, "security_level": 2 }),
        ),
    ] {
        let path = files.write("openssl.cnf", &text);
        let output = command(&["explain", "--json", &format!("host=db.test {conninfo}")])
            .env("OPENSSL_CONF", path)
            .output();
        let object = json(&output.expect("the binary was built with this test"));
        for (key, expected) in expected.as_object().expect("rows are objects") {
            assert_eq!(&object["openssl"][key], expected, "{text}: {key} in {}", object["openssl"]);
        }
        let found = object["warnings"].as_array().expect("there is a list of warnings");
        let names: Vec<_> = found.iter().filter_map(|warning| warning["name"].as_str()).collect();
        assert_eq!(names, warnings, "{text}");
    }
}
