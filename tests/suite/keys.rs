//! Private keys as the openssl command makes them: every container, algorithm and cipher, each with the right passphrase, a wrong
//! one, none, and cut off. The table is `tests/data/keys.tsv`.

use crate::support::{
    divergences::Divergences,
    skip,
    table::{self, Row},
};
use pgtls_x509::{KeyProblem, X509Error, private_key};
use rustls::pki_types::PrivateKeyDer;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

const PASSPHRASE: &str = "correct horse, b\u{e4}ttery";

struct Case {
    line: usize,
    algorithm: String,
    command: String,
    encryption: String,
    needs: String,
}

fn case(row: &Row) -> Case {
    let field = |column| row.field(column).to_owned();
    Case {
        line: row.line,
        algorithm: field("algorithm"),
        command: field("command"),
        encryption: field("encryption"),
        needs: field("needs"),
    }
}

/// Runs the openssl command; the error is what it said.
fn openssl(arguments: &str) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    // The passphrase has a space in it, everything else is words.
    for word in arguments.split_whitespace() {
        command.arg(word.replace("{passphrase}", PASSPHRASE));
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// The keys, one of each kind, as PKCS#8.
fn make_keys(folder: &Path, algorithms: &[&str]) -> Result<BTreeMap<String, PathBuf>, String> {
    let make = |algorithm: &&str| {
        let path = folder.join(format!("{}.pem", algorithm.replace(':', "-")));
        let shown = path.to_str().unwrap();
        let options = match *algorithm {
            "rsa" => "RSA -pkeyopt rsa_keygen_bits:2048",
            "rsa-pss" => "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "p256" => "EC -pkeyopt ec_paramgen_curve:P-256",
            "p384" => "EC -pkeyopt ec_paramgen_curve:P-384",
            "p521" => "EC -pkeyopt ec_paramgen_curve:P-521",
            "ed25519" => "ED25519",
            other => panic!("there is no way to make a key of {other}"),
        };
        openssl(&format!("genpkey -algorithm {options} -out {shown}"))?;
        Ok(((*algorithm).to_owned(), path))
    };
    algorithms.iter().map(make).collect()
}

fn problem(file: &[u8], passphrase: Option<&str>) -> KeyProblem {
    match private_key(file, passphrase.map(str::as_bytes)) {
        Err(X509Error::Key(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_container_algorithm_and_cipher() {
    let folder = tempfile::tempdir().unwrap();
    let keys = match make_keys(folder.path(), &["rsa", "rsa-pss", "p256", "p384", "p521", "ed25519"]) {
        Ok(keys) => keys,
        Err(reason) => return skip("private keys made by openssl", &reason),
    };
    let legacy = openssl("list -providers -provider legacy").is_ok();
    let mut divergences = Divergences::of("client key file");
    let mut tried = 0;
    for row in table::rows("keys.tsv") {
        let case = case(&row);
        if case.needs == "legacy" && !legacy {
            skip(&case.command, "this openssl has no legacy provider");
            continue;
        }
        for algorithm in case.algorithm.split(' ') {
            let key = keys[algorithm].to_str().unwrap();
            let file = openssl(&format!("{} -in {key}", case.command))
                .unwrap_or_else(|error| panic!("line {}, {algorithm}: {error}", case.line));
            check(&case, algorithm, &file, &keys[algorithm], &mut divergences);
            tried += 1;
        }
    }
    divergences.finish();
    // The legacy provider is a module that belongs to one release; another release in LD_LIBRARY_PATH cannot load it.
    let least = if legacy { 150 } else { 140 };
    assert!(tried > least, "only {tried} keys were tried");
}

#[track_caller]
fn check(case: &Case, algorithm: &str, file: &[u8], original: &Path, divergences: &mut Divergences) {
    let place = format!("line {}, {algorithm}", case.line);
    let encrypted = match case.encryption.as_str() {
        "none" => false,
        "passphrase" => true,
        "refused" => {
            for passphrase in [None, Some(PASSPHRASE)] {
                assert_eq!(problem(file, passphrase), KeyProblem::EncryptedDer, "{place}");
            }
            return;
        }
        way @ ("unsupported" | "differs") => {
            let copy = original.with_extension("copy");
            std::fs::write(&copy, file).unwrap();
            let read = openssl(&format!("pkey -passin pass:{{passphrase}} -noout -in {}", copy.display()));
            assert_eq!(read.is_ok(), way == "differs", "{place}: {read:?}");
            let found = problem(file, Some(PASSPHRASE));
            assert!(matches!(found, KeyProblem::UnsupportedEncryption { .. }), "{place}: {found:?}");
            assert!(read.is_err() || divergences.explains(&case.command, "loads", "fails"), "{place}");
            return;
        }
        other => panic!("{place}: {other} is no way to be encrypted"),
    };
    let found =
        private_key(file, Some(PASSPHRASE.as_bytes())).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(found.secret_der(), expected(&found, original), "{place}");
    if let Err(error) = rustls::crypto::aws_lc_rs::sign::any_supported_type(&found) {
        // A key for RSASSA-PSS alone is read here; its use is for whoever signs.
        assert_eq!(algorithm, "rsa-pss", "{place}: {error}");
    }

    if encrypted {
        assert_eq!(problem(file, None), KeyProblem::PassphraseNeeded, "{place}");
        for wrong in ["", "correct horse, b\u{e4}tter"] {
            assert_eq!(problem(file, Some(wrong)), KeyProblem::WrongPassphrase, "{place}: {wrong:?}");
        }
    } else {
        assert_eq!(private_key(file, None).as_ref(), Ok(&found), "{place}");
    }
    let end = file.windows(8).position(|window| window == b"-----END").unwrap_or(file.len());
    for cut in (0..end).step_by(97) {
        let error = private_key(&file[..cut], Some(PASSPHRASE.as_bytes())).err();
        let expected = matches!(
            error,
            Some(X509Error::NothingLoadable { .. } | X509Error::Pem { .. } | X509Error::Malformed { .. })
        );
        assert!(expected, "{place}: cut after {cut} of {} bytes: {error:?}", file.len());
    }
}

/// The DER that openssl makes of the same key in the same form.
fn expected(found: &PrivateKeyDer<'_>, original: &Path) -> Vec<u8> {
    let original = original.to_str().unwrap();
    let command = match found {
        PrivateKeyDer::Pkcs8(_) => "pkcs8 -topk8 -nocrypt -outform DER",
        PrivateKeyDer::Pkcs1(_) => "rsa -traditional -outform DER",
        PrivateKeyDer::Sec1(_) => "ec -outform DER",
        other => panic!("{other:?}"),
    };
    openssl(&format!("{command} -in {original}")).unwrap()
}

/// A ciphertext that lost its end, in a file that is whole otherwise.
#[test]
fn a_ciphertext_that_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let keys = match make_keys(folder.path(), &["p256"]) {
        Ok(keys) => keys,
        Err(reason) => return skip("a private key made by openssl", &reason),
    };
    let key = keys["p256"].to_str().unwrap();
    let legacy = openssl(&format!("ec -aes128 -passout pass:{{passphrase}} -in {key}")).unwrap();
    let text = String::from_utf8(legacy).unwrap();
    let (kept, end) = text.split_once("\n-----END").unwrap();
    // Four characters of base64 are three bytes.
    let cut = format!("{}\n-----END{end}", kept.get(..kept.len() - 4).unwrap());
    assert_eq!(problem(cut.as_bytes(), Some(PASSPHRASE)), KeyProblem::TruncatedCiphertext);
}
