//! Files that the program supplies as bytes, and roots of its own beside those of `sslrootcert`.

use crate::memory::{
    Asks, Files, PKI, PROVIDERS, Server, connector_with, in_memory, options, params, shake, with,
};
use pgtls_core::{
    environment::{Environment, Platform},
    files::{FileRole, FileSource, FileState, InMemoryFiles, NativeRoots, ReadError, ReadFile},
    param::Secret,
    policy::Verification,
};
use pgtls_rustls::{ConnectorCache, SetupError, TlsError, TlsOptions};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Options with these files.
fn supplying(files: InMemoryFiles) -> TlsOptions {
    with(&options(pgtls_rustls::aws_lc_rs()), |options| options.files = Some(Arc::new(files)))
}

/// The verification of a server of the PKI, or the error.
fn verified(
    conninfo: &str,
    disk: &Files,
    options: &TlsOptions,
    server: &str,
) -> Result<Verification, TlsError> {
    let session = connector_with(conninfo, disk, options).session(Some("db.test"))?;
    let shaken = shake(&session, &Server::new(server).config())?;
    assert_eq!(shaken.tls.chain.is_some(), shaken.facts.verified != Verification::None);
    Ok(shaken.facts.verified)
}

#[test]
fn everything_can_come_from_memory() {
    let client = PKI.client("good").unwrap();
    let files = InMemoryFiles::default()
        .with_sslrootcert("the roots", PKI.root_file("root").unwrap())
        .with_sslcrl("the lists", PKI.crl_file("root+inter").unwrap())
        .with_sslcert("the certificate", client.chain_pem())
        .with_sslkey("the key", client.key_pem());
    let options = supplying(files);
    for conninfo in ["sslmode=verify-full", "sslrootcert=system"] {
        let session = connector_with(conninfo, &Files::default(), &options).session(Some("db.test")).unwrap();
        let server = Server::new("good").asking(Asks::default());
        let facts = shake(&session, &server.config()).unwrap().facts;
        assert_eq!(facts.verified, Verification::Full);
        assert!(facts.client_certificate.sent);
        let got = server.asks.unwrap().got.lock().unwrap().clone();
        assert_eq!(got.as_ref(), Some(client.leaf()));
    }
    // Bytes count as a root file: the chain is verified.
    let require = |server| verified("sslmode=require", &Files::default(), &options, server);
    assert_eq!(require("good").unwrap(), Verification::Ca);
    let refused = require("revoked").unwrap_err().to_string();
    assert!(refused.contains("CRL file \"the lists\""), "{refused}");
    let refused = require("selfsigned-ca").unwrap_err().to_string();
    assert!(refused.contains("root certificates \"the roots\""), "{refused}");
}

/// Bytes in memory come before the file of the parameter; the file that is named beside them is not looked at.
#[test]
fn bytes_take_precedence() {
    let disk = Files::default().with("/r", "garbage").with("/c", "garbage").with("/k", "garbage");
    let conninfo = "sslmode=verify-full sslrootcert=/r sslcert=/c sslkey=/k";
    let client = PKI.client("good").unwrap();
    let files = InMemoryFiles::default()
        .with_sslrootcert("r", PKI.root_file("root").unwrap())
        .with_sslcert("c", client.chain_pem());
    // Each for itself: the key is the file's still.
    let error = verified(conninfo, &disk, &supplying(files.clone()), "good").unwrap_err();
    let TlsError::Setup(SetupError::Content { role: FileRole::Key, path, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(path.as_deref(), Some("/k"));
    let files = files.with_sslkey("k", client.key_pem());
    assert_eq!(verified(conninfo, &disk, &supplying(files.clone()), "good").unwrap(), Verification::Full);
    let files = files.with_sslkey("k", PKI.client("rsa").unwrap().key_pem());
    let error = verified(conninfo, &disk, &supplying(files), "good").unwrap_err();
    assert_eq!(error.to_string(), "certificate \"c\" does not match private key file \"k\"");
}

/// Every form of file of the PKI, from the disk and from memory: [`connector_with`] compares the two.
#[test]
fn files_of_every_form_have_the_same_verdict_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    PKI.write_to(folder.path()).unwrap();
    let mut disk = Files::default();
    let mut names = |kind: &str| {
        let entries = std::fs::read_dir(folder.path().join(kind)).unwrap().map(Result::unwrap);
        let entries = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        let names: Vec<_> = entries
            .map(|(name, path)| {
                let name = format!("/{kind}/{name}");
                disk.0.insert(name.clone(), std::fs::read(path).unwrap());
                name
            })
            .collect();
        names
    };
    let (roots, lists, clients) = (names("ca"), names("crl"), names("cli"));
    let mut conninfos: Vec<String> = Vec::new();
    conninfos.extend(roots.iter().map(|path| format!("sslmode=verify-ca sslrootcert={path}")));
    let listed = |path: &String| format!("sslmode=verify-ca sslrootcert=/ca/root.crt sslcrl={path}");
    conninfos.extend(lists.iter().map(listed));
    for path in &clients {
        let certificate = if path.contains("rsa") { "rsa" } else { "good" };
        conninfos.push(if path.contains(".crt") {
            format!("sslcert={path} sslkey=/cli/good.key")
        } else {
            format!("sslcert=/cli/{certificate}.crt sslkey={path}")
        });
    }
    let plain = options(pgtls_rustls::aws_lc_rs());
    let hook = |passphrase: &'static str| {
        with(&plain, |options| {
            options.passphrase = Some(Arc::new(move |path| {
                assert!(path.starts_with("/cli/"), "{path}");
                Some(Secret::new(passphrase.to_owned()))
            }));
        })
    };
    let mut usable = [0; 5];
    for conninfo in &conninfos {
        if !conninfo.contains("sslcert=") {
            let is_usable = connector_with(conninfo, &disk, &plain).fault().is_none();
            usable = usable.map(|count| count + usize::from(is_usable));
            continue;
        }
        let connectors = [
            connector_with(conninfo, &disk, &plain),
            connector_with(&format!("{conninfo} sslpassword=secret"), &disk, &plain),
            connector_with(&format!("{conninfo} sslpassword=wrong"), &disk, &plain),
            connector_with(conninfo, &disk, &hook("secret")),
            connector_with(conninfo, &disk, &hook("wrong")),
        ];
        for (count, connector) in usable.iter_mut().zip(&connectors) {
            *count += usize::from(connector.fault().is_none());
        }
    }
    let [none, right, wrong, right_hook, wrong_hook] = usable;
    assert!(
        conninfos.len() > 120 && right > 60 && right < conninfos.len() - 20,
        "{right} of {}",
        conninfos.len()
    );
    assert_eq!((none, right), (wrong, right_hook));
    assert_eq!(none, wrong_hook);
    assert!(right - none > 10, "{none} without a passphrase, {right} with it");
}

/// Counts everything that is looked at.
#[derive(Default)]
struct Counting(AtomicUsize);

impl ReadFile for Counting {
    fn metadata(&self, _: &str) -> Result<pgtls_core::files::Metadata, ReadError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(ReadError::NotFound)
    }
    fn read(&self, _: &str) -> Result<(Vec<u8>, pgtls_core::files::Metadata), ReadError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(ReadError::NotFound)
    }
    fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(ReadError::NotFound)
    }
    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
    fn answers_at_once(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn bytes_are_parsed_once_for_all_connections() {
    let client = PKI.client("good").unwrap();
    let files = InMemoryFiles::default()
        .with_sslrootcert("r", PKI.root_file("root").unwrap())
        .with_sslcrl("l", PKI.crl_file("root").unwrap())
        .with_sslcert("c", client.chain_pem())
        .with_sslkey("k", client.key_pem())
        .with_additional_roots("a", PKI.root_file("root2").unwrap());
    let (cache, disk, environment) =
        (ConnectorCache::new(), Counting::default(), Environment::empty(Platform::Unix));
    let (params, options) = (params("sslmode=verify-full"), supplying(files.clone()));
    let first = cache.connector(&params, &environment, &options, &disk);
    assert_eq!(disk.0.load(Ordering::Relaxed), 0, "no file is looked at");
    for options in [options.clone(), options] {
        let again = cache.try_cached(&params, &environment, &options, &disk).expect("it is in the cache");
        assert!(Arc::ptr_eq(&first.connector, &again.connector));
        assert!(Arc::ptr_eq(&first.files, &again.files));
    }
    // Another value is parsed again.
    assert!(cache.try_cached(&params, &environment, &supplying(files), &disk).is_none());
    let lines: Vec<_> = first.files.iter().map(|line| (line.role, line.source, &line.state)).collect();
    let program = |role| (role, FileSource::Program, &FileState::Read);
    assert_eq!(lines[0], program(FileRole::RootCert));
    assert_eq!(lines[1], (FileRole::RootCert, FileSource::Additional, &FileState::Read));
    assert_eq!([lines[2], lines[4], lines[5]], [FileRole::Crl, FileRole::Cert, FileRole::Key].map(program));
}

#[test]
fn additional_roots_are_trusted_beside_sslrootcert() {
    let additional =
        |name: &str| InMemoryFiles::default().with_additional_roots("ours", PKI.root_file(name).unwrap());
    let with = supplying(additional("root"));
    let without = options(pgtls_rustls::aws_lc_rs());
    let disk = Files::default().with("/r", PKI.root_file("root2").unwrap());
    for conninfo in [
        "sslmode=prefer sslrootcert=/r",
        "sslmode=require sslrootcert=/r",
        "sslmode=verify-ca sslrootcert=/r",
        "sslmode=verify-full sslrootcert=/r",
        "sslrootcert=system",
    ] {
        let expected = if conninfo.contains("verify-full") || conninfo.contains("system") {
            Verification::Full
        } else {
            Verification::Ca
        };
        let refused = verified(conninfo, &disk, &without, "good");
        assert!(matches!(refused, Err(TlsError::Chain(_))), "{conninfo}: {refused:?}");
        assert_eq!(verified(conninfo, &disk, &with, "good").unwrap(), expected, "{conninfo}");
        // Every other rule holds for them.
        for server in ["expired", "selfsigned-ca"] {
            assert!(matches!(verified(conninfo, &disk, &with, server), Err(TlsError::Chain(_))), "{server}");
        }
        let other = verified(conninfo, &disk, &with, "wrong-host");
        assert_eq!(matches!(other, Err(TlsError::Host(_))), expected == Verification::Full, "{conninfo}");
    }
    // Roots from memory have them beside them as well.
    let both = additional("root").with_sslrootcert("r", PKI.root_file("root2").unwrap());
    let both = verified("sslmode=verify-full", &Files::default(), &supplying(both), "good");
    assert_eq!(both.unwrap(), Verification::Full);
}

#[test]
fn additional_roots_are_no_root_file() {
    let files = InMemoryFiles::default().with_additional_roots("ours", PKI.root_file("root2").unwrap());
    let with = supplying(files);
    for mode in ["prefer", "require"] {
        let conninfo = format!("sslmode={mode} sslrootcert=/none");
        assert_eq!(verified(&conninfo, &Files::default(), &with, "good").unwrap(), Verification::None);
    }
    for mode in ["verify-ca", "verify-full"] {
        let conninfo = format!("sslmode={mode} sslrootcert=/none");
        let error = verified(&conninfo, &Files::default(), &with, "good").unwrap_err();
        let without = verified(&conninfo, &Files::default(), &options(pgtls_rustls::aws_lc_rs()), "good");
        assert_eq!(error.to_string(), without.unwrap_err().to_string());
    }
}

#[test]
fn revocation_is_checked_beneath_additional_roots() {
    let root = PKI.root_file("root").unwrap();
    let disk = Files::default()
        .with("/r", PKI.root_file("root2").unwrap())
        .with("/none", "")
        .with("/l", PKI.crl_file("root+inter").unwrap());
    let with = supplying(InMemoryFiles::default().with_additional_roots("ours", root));
    let conninfo = "sslmode=verify-full sslrootcert=/r sslcrl=/l";
    assert_eq!(verified(conninfo, &disk, &with, "good").unwrap(), Verification::Full);
    assert!(matches!(verified(conninfo, &disk, &with, "revoked"), Err(TlsError::Chain(_))));
}

#[test]
fn additional_roots_that_do_not_load_are_a_fault() {
    let disk = Files::default().with("/r", PKI.root_file("root").unwrap());
    for provider in PROVIDERS {
        let files = InMemoryFiles::default().with_additional_roots("ours", "garbage");
        let options = with(&options(provider()), |options| options.files = Some(Arc::new(files)));
        let error = verified("sslmode=require sslrootcert=/r", &disk, &options, "good").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("could not read root certificate file \"ours\": "), "{text}");
        // Where they are not used, nothing is wrong with them.
        let conninfo = "sslmode=require sslrootcert=/none";
        assert_eq!(verified(conninfo, &disk, &options, "good").unwrap(), Verification::None);
    }
}

#[test]
fn bytes_are_not_printed() {
    let client = PKI.client("good").unwrap();
    let disk = Files::default().with("/c", client.chain_pem()).with("/k", client.key_pem());
    let params = params("sslmode=require sslcert=/c sslkey=/k");
    let (files, _) = in_memory(&params, &disk);
    let shown = format!("{files:?} {:?}", supplying(files.clone()));
    assert!(!shown.contains("PRIVATE") && !shown.contains("45, 45, 45"), "{shown}");
}
