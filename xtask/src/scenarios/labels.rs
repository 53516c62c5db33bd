//! What recorded servers did, in the words of the kit's scripts.

use crate::workspace::Error;
use serde_json::Value;
use std::fmt::Write as _;

/// Behaviours whose name is another in the kit.
const RENAMED: &[(&str, &str)] = &[
    ("ssl-authfail-plain-ok", "plain-only-hba"),
    ("ssl-authfail", "authfail"),
    ("error-v3-plain-ok", "error-v3-direct-close"),
    ("byte-X", "byte-x"),
    ("byte-G", "byte-g"),
    ("byte-H", "byte-h"),
    ("byte-R", "byte-r"),
    ("ssl-close-plain-ok", "ssl-close"),
    ("ssl-reset-plain-ok", "ssl-reset"),
    ("auth-close", "encrypted-close"),
    ("direct-noalpn", "direct-no-alpn"),
    ("direct-wrongalpn", "direct-wrong-alpn"),
    ("sslreq-wrongalpn", "sslrequest-wrong-alpn"),
    ("noalpn", "no-alpn"),
    ("tls11", "old-version"),
    ("tls10", "old-version"),
    ("cert-optional-12", "cert-optional-tls12"),
    ("cert-required-12", "cert-required-tls12"),
    ("plain-57P03", "starting-up"),
    ("bad-database", "no-database"),
    ("tls-garbage-mid", "tls-garbage"),
    ("tls-close-mid", "tls-close"),
];

/// Ways to log in that have a name of their own at servers that are otherwise honest.
const LOGINS: &[&str] = &["scram", "scram-plus", "md5", "cleartext"];

/// The behaviour on one connection.
pub(super) fn behaviour(recorded: &Value) -> Result<String, Error> {
    let Some(settings) = recorded.as_object() else {
        return Ok(renamed(recorded.as_str().unwrap_or_default()).to_owned());
    };
    let get = |name: &str| settings.get(name).and_then(Value::as_str);
    let mut base = renamed(get("base").unwrap_or("ok"));
    let mut out = String::new();
    let mut set = |name: &str, word: &str| {
        // Writing to a string does not fail.
        let _ = write!(out, " {name}={word}");
    };
    match get("auth") {
        None => {}
        Some(login) if base == "ok" && get("plain").is_none() && LOGINS.contains(&login) => base = login,
        Some(login) => {
            set("encrypted", login);
            // Servers that accept plaintext demand there the same authentication as inside TLS.
            if !matches!(base, "ssl-only" | "authfail" | "nossl-authfail") && get("plain").is_none() {
                set("plain", login);
            }
        }
    }
    if let Some(plain) = get("plain") {
        set("plain", plain);
    }
    if let Some(answer) = get("gss") {
        set("gssencrequest", answer);
    }
    if let Some(name) =
        settings.keys().find(|name| !["base", "auth", "plain", "gss", "tls"].contains(&name.as_str()))
    {
        return Err(Error(format!("there is no word for \"{name}\" of {recorded}")));
    }
    for (name, value) in settings.get("tls").and_then(Value::as_object).into_iter().flatten() {
        let word = value.as_str().unwrap_or_default();
        match (name.as_str(), word) {
            ("cert", word) => set("certificate", word),
            ("client_cert", word) => set("client_certificate", word),
            ("min", word) => set("min_version", &format!("TLSv{word}")),
            ("max", word) => set("max_version", &format!("TLSv{word}")),
            ("ciphers", "ECDHE+AESGCM:@SECLEVEL=0") => set("suites", "aes-gcm"),
            ("ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256") => set("suites", "ecdsa-aes128-gcm"),
            ("alpn", "http/1.1") => set("alpn", "wrong"),
            ("alpn", word) => set("alpn", word),
            ("ca_names", _) => {
                set("hints", if value.as_array().is_some_and(Vec::is_empty) { "none" } else { "unrelated" });
            }
            _ => return Err(Error(format!("there is no word for \"{name}\" of {recorded}"))),
        }
    }
    Ok(format!("{base}{out}"))
}

fn renamed(name: &str) -> &str {
    RENAMED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}
