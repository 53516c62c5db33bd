//! libpq's attributes of a session: what `PQsslAttribute` says of a connection of the real libpq's, we say of ours with the
//! same server.
//!
//! Asked are the system's libpq and, where `PGTLS_LIBPQ` names one, another of whatever release.

use crate::support::{
    client::{clean_room, pgtls_in},
    divergences::Divergences,
    skip,
};
use pgtls_conformance::{
    pki::Pki,
    server::{Script, Server},
};
use pgtls_rustls::{ATTRIBUTES, LIBRARY};
use serde::Deserialize;
use std::{collections::BTreeMap, env, fs, path::Path, process::Command, sync::Arc};

/// The release with the attribute `alpn`, and with ALPN.
const WITH_ALPN: u32 = 17_00_00;
/// The release whose connections without TLS have no names.
const WITHOUT_NAMES: u32 = 16_00_00;

/// What a server does, what `openssl.cnf` asks of the client, and the outcome beside it.
const CASES: &[(Settings, &str, &str)] = &[
    (&[], "Ciphersuites = TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    (&[], "Ciphersuites = TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    (&[], "Ciphersuites = TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    (&TLS12, "CipherString = AES256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (&TLS12, "CipherString = AES128", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (&TLS12, "CipherString = CHACHA20", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (&TLS12_RSA, "CipherString = AES256", "ECDHE-RSA-AES256-GCM-SHA384"),
    (&TLS12_RSA, "CipherString = AES128", "ECDHE-RSA-AES128-GCM-SHA256"),
    (&TLS12_RSA, "CipherString = CHACHA20", "ECDHE-RSA-CHACHA20-POLY1305"),
    (&[("alpn", "none")], "", "TLS_AES_256_GCM_SHA384"),
    (&[("sslrequest", "reject")], "", ""),
];
const TLS12: [(&str, &str); 1] = [("max_version", "TLSv1.2")];
const TLS12_RSA: [(&str, &str); 2] = [("max_version", "TLSv1.2"), ("certificate", "key-rsa-2048")];

/// Settings of a script.
type Settings = &'static [(&'static str, &'static str)];

/// What libpq, or what we say.
#[derive(Debug, Deserialize)]
struct Told {
    names: Vec<String>,
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    version: u32,
    error: Option<String>,
    in_use: Option<bool>,
}

#[test]
fn attributes_are_those_of_libpq() {
    let libraries = [Some("libpq.so.5".to_owned()), env::var("PGTLS_LIBPQ").ok()];
    let home = tempfile::tempdir().unwrap();
    let mut divergences = Divergences::of("attributes");
    for library in libraries.into_iter().flatten() {
        let Ok(told) = libpq(&library, "", home.path()) else {
            return skip("PQsslAttribute", "python3 cannot load libpq");
        };
        // Without a connection.
        let known = ATTRIBUTES.iter().filter(|name| told.version >= WITH_ALPN || **name != "alpn");
        assert_eq!(told.names, known.copied().collect::<Vec<_>>(), "{library}");
        assert_eq!(told.attributes.len(), 1, "{library}: {told:?}");
        assert!(divergences.explains("library", &told.attributes["library"], LIBRARY), "{told:?}");
        for (settings, commands, cipher) in CASES {
            one(&library, told.version, settings, commands, cipher, home.path());
        }
    }
    divergences.finish();
}

fn one(library: &str, version: u32, settings: &[(&str, &str)], commands: &str, cipher: &str, home: &Path) {
    let script = Script::from_words(&[("ok", settings.to_vec())]).unwrap();
    let server = Server::builder(script, Arc::new(Pki::open())).start().unwrap();
    let conf = format!(
        "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\nMinProtocol = TLSv1.2\n{commands}\n"
    );
    fs::write(home.join("openssl.cnf"), conf).unwrap();
    let conninfo = format!("host=localhost hostaddr=127.0.0.1 port={} user=zoo dbname=zoodb", server.port());
    let told = libpq(library, &conninfo, home).unwrap();
    assert_eq!(told.error, None, "{library} {settings:?}");
    let ours = pgtls_in(&conninfo, home, &[("OPENSSL_CONF", "openssl.cnf")]);
    let mut attributes: BTreeMap<String, String> =
        serde_json::from_value(ours["attributes"].clone()).unwrap();

    assert_eq!(attributes.get("cipher").map_or("", String::as_str), cipher, "{settings:?} {commands}");
    assert_eq!(told.in_use, Some(ours["outcome"] == "ssl"));
    if version < WITH_ALPN {
        attributes.remove("alpn");
    }
    let mut names: Vec<_> = attributes.keys().map(String::as_str).collect();
    names.sort_by_key(|name| ATTRIBUTES.iter().position(|known| known == name));
    if version >= WITHOUT_NAMES || !attributes.is_empty() {
        assert_eq!(told.names, names, "{settings:?}");
    }
    // The one that is another on purpose.
    if let Some(ours) = attributes.get_mut("library") {
        told.attributes["library"].clone_into(ours);
    }
    assert_eq!(told.attributes, attributes, "{library} {settings:?} {commands}");
}

/// What a libpq says of itself, or of a connection; the error if there is none to ask.
fn libpq(library: &str, conninfo: &str, home: &Path) -> Result<Told, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/attributes/libpq.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(library).args(Some(conninfo).filter(|conninfo| !conninfo.is_empty()));
    let command = clean_room(&mut command, home).env("OPENSSL_CONF", "openssl.cnf");
    let path = env::var_os("LD_LIBRARY_PATH");
    let output = command.envs(path.map(|path| ("LD_LIBRARY_PATH", path))).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Ok(serde_json::from_str(text.lines().last().unwrap()).unwrap())
}
