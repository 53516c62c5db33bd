//! `pgtls verify`: the verdict without a connection.

#[expect(dead_code, reason = "not every test needs everything")]
mod common;

use common::{Files, command, json, pgtls, stdout};
use pgtls_conformance::{
    pki::Kind,
    scenario::Outcome,
    scenarios,
    server::{Behaviour, Script, Server},
};
use serde_json::{Value, json as value};
use std::{collections::BTreeMap, sync::Arc};

#[test]
fn verdicts() {
    let files = Files::new();
    let (root, crl) = (files.root("root"), |name: &str| {
        files.write(&format!("{name}.crl"), &files.pki.crl_file(name).expect("the pki has it"))
    });
    let chain = |name: &str| {
        let chain = files.pki.server(name).expect("the pki has it").chain_pem();
        files.write(&format!("{name}.crt"), &chain)
    };
    let good = chain("good");
    for (arguments, expected) in [
        (vec!["--chain", &good], value!({ "verified": "ca", "chain_trusted": true, "error_class": null })),
        (
            vec!["--chain", &good, "--host", "db.test"],
            value!({ "verified": "full", "matched_name": "db.test", "openssl": null }),
        ),
        (
            vec!["--chain", &good, "--host", "other.test"],
            value!({ "verified": "none", "chain_trusted": true, "error_class": "name-mismatch" }),
        ),
        (
            vec!["--chain", &good, "--host", "other.test", "--sslmode", "verify-ca"],
            value!({ "verified": "ca" }),
        ),
        (
            vec!["--chain", &good, "--time", "2001-01-01T00:00:00Z"],
            value!({ "verified": "none", "error_class": "not-yet-valid" }),
        ),
        (
            vec!["--chain", &chain("expired")],
            value!({
                "error_class": "expired",
                "decided_by": ["what the peer sent"],
                "openssl": { "name": "X509_V_ERR_CERT_HAS_EXPIRED", "number": 10, "depth": 0 },
            }),
        ),
        (
            vec!["--chain", &good, "--crl", &crl("inter")],
            value!({ "error_class": "crl-missing", "decided_by": [format!("CRL file \"{}\"", crl("inter"))] }),
        ),
        (vec!["--chain", &good, "--crl", &crl("root+inter")], value!({ "verified": "ca" })),
        (
            vec!["--chain", &chain("revoked"), "--crl", &crl("root+inter")],
            value!({ "error_class": "revoked" }),
        ),
        (vec!["--chain", &good, "--crl", "/nonexistent"], value!({ "verified": "ca" })),
        (vec!["--chain", &good, "--profile", "strict", "--host", "db.test"], value!({ "verified": "full" })),
        (
            vec!["--chain", &chain("cn-only"), "--host", "db.test"],
            value!({ "verified": "full", "matched_name": "db.test" }),
        ),
        (
            vec!["--chain", &chain("cn-only"), "--profile", "strict", "--host", "db.test"],
            value!({ "verified": "none", "chain_trusted": true, "error_class": "bad-server-name" }),
        ),
        (vec!["--chain", "/nonexistent"], value!({ "error_class": "bad-chain-file" })),
    ] {
        let output = pgtls(&[&["verify", "--json", "--rootcert", &root], arguments.as_slice()].concat());
        let object = json(&output);
        for (key, expected) in expected.as_object().expect("rows are objects") {
            assert_eq!(&object[key], expected, "{arguments:?}: {key} in {object}");
        }
        let exit = if object["verified"] == "none" { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
    }
    for (rootcert, class) in [("/nonexistent", "missing-root-file"), ("/", "bad-root-file")] {
        let object: Value = json(&pgtls(&["verify", "--json", "--rootcert", rootcert, "--chain", &good]));
        assert_eq!(object["error_class"], class, "{object}");
    }
}

/// The root file of a recording with `sslmode=verify-ca`, and whether libpq 18 and 15 connected; by the server's certificate.
fn recorded() -> BTreeMap<String, (String, [bool; 2])> {
    let name = |id: &str| Some(id.strip_prefix("cert/explicit/")?.strip_suffix("/verify-ca")?.to_owned());
    let root = |conninfo: &str| Some(conninfo.split_once("{pki}/ca/")?.1.split_once(".crt")?.0.to_owned());
    let connects = |outcome: Outcome| outcome == Outcome::Ssl;
    let rows = scenarios().into_iter().filter_map(|scenario| {
        let outcomes = [scenario.libpq18.outcome, scenario.libpq15.outcome].map(connects);
        Some((name(&scenario.id)?, (root(&scenario.situation.conninfo)?, outcomes)))
    });
    rows.collect()
}

/// A server of the PKI, and what is asked about it.
struct Case<'a> {
    files: &'a Files,
    name: &'static str,
    chain: String,
    server: Server,
}

impl<'a> Case<'a> {
    fn new(files: &'a Files, name: &'static str) -> Self {
        let chain = files.pki.server(name).expect("the pki has it").chain_pem();
        let behaviour = Behaviour::named("ok").expect("there is such a behaviour").with_certificate(name);
        let server = Server::builder(Script::always(behaviour), Arc::clone(&files.pki)).start();
        Self {
            files,
            name,
            chain: files.write(&format!("chain-{name}.crt"), &chain),
            server: server.expect("the loopback interface is there"),
        }
    }

    fn verify(&self, root: &str) -> Value {
        json(&pgtls(&["verify", "--json", "--rootcert", root, "--chain", &self.chain]))
    }

    fn connect(&self, root: &str, more: &str) -> Value {
        let conninfo = format!(
            "host=db.test user=u dbname=d {} sslmode=verify-ca sslrootcert={root} {more}",
            self.server.listen().conninfo()
        );
        json(&pgtls(&["connect", "--json", &conninfo]))
    }

    /// Whether the chain is verified, and with TLS 1.2, too. A connection must come to the same verdict for the same reason.
    fn verdict(&self, root: &str) -> [bool; 2] {
        let (verified, connected) = (self.verify(root), self.connect(root, ""));
        let says = |object: &Value, key: &str, word: &str| object.get(key).is_some_and(|value| value == word);
        let is_verified = says(&verified, "verified", "ca");
        assert_eq!(
            (is_verified, verified.get("error_class")),
            (says(&connected, "outcome", "ssl"), connected.get("error_class")),
            "{}: {verified}\n{connected}",
            self.name
        );
        if !is_verified {
            return [false; 2];
        }
        let notes = verified.get("notes").and_then(Value::as_array).expect("there is a list of notes");
        let has_note = notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("TLS 1.2")));
        let older = self.connect(root, "ssl_max_protocol_version=TLSv1.2");
        assert_eq!(!has_note, says(&older, "outcome", "ssl"), "{}: {notes:?} {older}", self.name);
        [true, !has_note]
    }

    /// All roots of the PKI, and the certificate itself.
    fn any_root(&self) -> String {
        let authorities = self.files.pki.names(Kind::Authority).into_iter();
        let roots = authorities.filter(|name| name.contains("root") && !name.starts_with("under"));
        let pem = |name| self.files.pki.root_file(name).expect("the pki has it");
        let leaf = self.files.pki.server(self.name).expect("the pki has it").certificate_pem();
        self.files.write(&format!("roots-{}.crt", self.name), &(roots.map(pem).collect::<String>() + &leaf))
    }
}

#[test]
fn the_verdict_on_every_server_of_the_zoo_is_that_of_a_connection() {
    let (files, mut recorded) = (Files::new(), recorded());
    let mut refused_in_tls12 = Vec::new();
    for name in files.pki.names(Kind::Server) {
        let case = Case::new(&files, name);
        let (root, libpq) = match recorded.remove(name) {
            Some((root, libpq)) => (root, Some(libpq)),
            None => ("root".to_owned(), None),
        };
        let [mut verified, mut in_tls12] = case.verdict(&files.root(&root));
        if let Some(libpq) = libpq {
            assert_eq!([verified; 2], libpq, "{name}: libpq 18 and 15");
        }
        if !verified {
            [verified, in_tls12] = case.verdict(&case.any_root());
        }
        if verified && !in_tls12 {
            refused_in_tls12.push(name);
        }
    }
    assert_eq!(refused_in_tls12, ["ku-encipher", "key-rsapss"]);
    assert!(recorded.is_empty(), "not in the pki: {recorded:?}");
}

#[test]
fn people_see_the_path_and_what_to_change() {
    let files = Files::new();
    let root = files.root("root");
    let chain = |name: &str| {
        files.write(&format!("{name}.crt"), &files.pki.server(name).expect("the pki has it").chain_pem())
    };
    let output = pgtls(&["verify", "--rootcert", &root, "--chain", &chain("good"), "--host", "db.test"]);
    for words in ["Path, from the peer to the root", "Verified:", "is for db.test"] {
        assert!(stdout(&output).contains(words), "no {words:?} in:\n{}", stdout(&output));
    }
    let output = pgtls(&["verify", "--rootcert", &root, "--chain", &chain("expired")]);
    for words in
        ["Chain, as presented", "Not verified.", "X509_V_ERR_CERT_HAS_EXPIRED", "What to change", "renew"]
    {
        assert!(stdout(&output).contains(words), "no {words:?} in:\n{}", stdout(&output));
    }
}

#[test]
fn lists_that_are_not_used_are_told() {
    let files = Files::new();
    let root = files.root("root");
    let good = files.write("good.crt", &files.pki.server("good").expect("the pki has it").chain_pem());
    let text = files.write("text", "no list");
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let folder = folder.path().to_str().expect("it is UTF-8");
    for (arguments, states, told) in [
        (&[][..], &["read"][..], None),
        (&["--crl", "/nonexistent"], &["read", "missing"], Some("\"/nonexistent\" does not exist")),
        (&["--crl", &text], &["read", "unusable"], Some("no revocation list in it can be used")),
        (
            &["--crl", &text, "--crldir", folder],
            &["read", "unusable", "read"],
            Some("no revocation list in it can be used"),
        ),
    ] {
        let common = ["verify", "--json", "--rootcert", &root, "--chain", &good];
        let object = json(&pgtls(&[&common, arguments].concat()));
        assert_eq!(object["verified"], "ca", "{arguments:?}: {object}");
        let notes = object["notes"].as_array().expect("there is a list of notes");
        assert_eq!(notes.len(), usize::from(told.is_some()), "{arguments:?}: {object}");
        assert!(
            told.is_none_or(|told| notes[0].as_str().is_some_and(|note| note.contains(told))),
            "{object}"
        );
        let lines = object["files"].as_array().expect("there is a list of files");
        let found: Vec<_> = lines.iter().filter_map(|line| line["state"].as_str()).collect();
        assert_eq!(found, states, "{arguments:?}");
    }
}

#[test]
fn arguments_that_contradict_each_other_are_wrong_usage() {
    for arguments in [
        &["--sslmode", "verify-full"][..],
        &["--host", "h", "--purpose", "client"],
        &["--time", "yesterday"],
        &["--profile", "lax"],
    ] {
        let output = pgtls(&[&["verify", "--rootcert", "r", "--chain", "c"], arguments].concat());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_security_level_is_that_of_connections() {
    let files = Files::new();
    let root = files.root("root");
    let good = files.write("good.crt", &files.pki.server("good").expect("the pki has it").chain_pem());
    for (level, verified) in [(2, "ca"), (5, "none")] {
        let conf = format!(
            "openssl_conf=m\n[m]\nssl_conf=n\n[n]\nsystem_default=s\n[s]\nCipherString=@SECLEVEL={level}\n"
        );
        let conf = files.write("openssl.cnf", &conf);
        let output = command(&["verify", "--json", "--rootcert", &root, "--chain", &good])
            .env("OPENSSL_CONF", conf)
            .output();
        let object = json(&output.expect("the binary was built with this test"));
        assert_eq!(object["verified"], verified, "{level}: {object}");
    }
}
