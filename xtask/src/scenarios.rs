//! The conformance kit's scenarios, from recordings of the real libpq.
//!
//! The recordings are many megabytes of JSON that lie beside the workspace (`../shared/rig`) on the machines where libpq is
//! recorded. What ships is made of them by this: one file of blocks for each group, in the kit's own words.

mod labels;

use crate::workspace::{Error, Workspace};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

/// Groups that the kit's servers can serve, each with what it is about.
const GROUPS: &[(&str, &str)] = &[
    ("negotiation", "Which ways to connect each sslmode tries, at servers of each kind."),
    ("name", "Whose certificate is it? Host names and addresses, and the names that certificates have."),
    ("cert", "Chains, usages, times, keys and constraints, by every way to say what is trusted."),
    ("crl", "Revocation lists, in files and in folders."),
    ("rootfile", "What a file of trusted certificates may look like."),
    (
        "clientcert",
        "The client's certificate and key: where they come from, what they look like, when they are sent.",
    ),
    ("sslcertmode", "sslcertmode, beside servers that ask for a certificate or do not."),
    ("channel", "Passwords, SCRAM and channel binding, in clear and inside TLS."),
    ("protocol", "Versions of TLS, and ALPN."),
    ("sni", "The server name of the ClientHello."),
    ("multihost", "Several hosts: which is tried after what."),
    ("dns", "Host names with several addresses."),
    ("unix", "Unix sockets, where no TLS is spoken."),
    ("conninfo", "How connection strings are read."),
    ("uri", "How URIs are read."),
    ("service", "Service files."),
    ("env", "Variables of the environment."),
    ("invalid", "What is refused before any connection is opened."),
    ("gss", "gssencmode, for clients that can do GSSAPI; servers say yes to it, and no session comes of it."),
];

/// Recorded scenarios that stay behind, by the beginning of their id, each with its reason, as in docs/conformance.md.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("real15/", "needs a PostgreSQL server"),
    ("real18/", "needs a PostgreSQL server"),
    ("protocol/ciphers/cbc", "the kit's servers speak TLS with rustls, which has no CBC"),
    (
        "protocol/ciphers/rsakx",
        "the kit's servers speak TLS with rustls, which has no key exchange by RSA encryption",
    ),
    ("clientcert/cert/sha1.crt/cert-auth", "the kit's servers verify no signature with SHA-1"),
];

/// Writes `crates/pgtls-conformance/scenarios/`.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    let rig = workspace.root.join("../shared/rig");
    if !rig.is_dir() {
        println!("skipped: no recordings lie beside the workspace");
        return Ok(());
    }
    let (new, old) = (recordings(&rig, "libpq18")?, recordings(&rig, "libpq15")?);
    let mut texts: BTreeMap<&str, String> =
        GROUPS.iter().map(|(group, about)| (*group, format!("# {about}\n"))).collect();
    let (mut count, mut left_out) = (0, 0);
    for scenario in lines(&rig.join("scenarios/public.jsonl"))? {
        let (id, group) = (text(&scenario, "id")?, text(&scenario, "group")?);
        if LEFT_OUT.iter().any(|(beginning, _)| id.starts_with(beginning)) {
            left_out += 1;
            continue;
        }
        let out = texts.get_mut(group).ok_or_else(|| Error(format!("{id} is in no group that is known")))?;
        let recorded = |recordings: &BTreeMap<String, Value>| {
            recordings.get(id).cloned().ok_or_else(|| Error(format!("{id} was not recorded")))
        };
        let block = block(id, &scenario, &recorded(&new)?, &recorded(&old)?)
            .map_err(|Error(reason)| Error(format!("{id}: {reason}")))?;
        out.push('\n');
        out.push_str(&block);
        count += 1;
    }
    let folder = workspace.root.join("crates/pgtls-conformance/scenarios");
    let mut bytes = 0;
    for (group, text) in texts {
        bytes += text.len();
        fs::write(folder.join(format!("{group}.txt")), text)
            .map_err(|error| Error(format!("{group}.txt cannot be written: {error}")))?;
    }
    println!("{count} scenarios of {} groups in {bytes} bytes; {left_out} left out", GROUPS.len());
    Ok(())
}

fn lines(path: &Path) -> Result<Vec<Value>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error(format!("{} cannot be read: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| failed(&error))).collect()
}

fn recordings(rig: &Path, name: &str) -> Result<BTreeMap<String, Value>, Error> {
    let lines = lines(&rig.join(format!("truth/public-{name}.jsonl")))?;
    let stable = lines.into_iter().filter(|line| line.get("unstable").is_none());
    stable.map(|line| Ok((text(&line, "id")?.to_owned(), member(&line, "expected")?.clone()))).collect()
}

fn member<'a>(value: &'a Value, key: &str) -> Result<&'a Value, Error> {
    value.get(key).ok_or_else(|| Error(format!("there is no \"{key}\"")))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Error> {
    member(value, key)?.as_str().ok_or_else(|| Error(format!("\"{key}\" is no string")))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// One scenario as a block of text.
fn block(id: &str, scenario: &Value, new: &Value, old: &Value) -> Result<String, Error> {
    let mut out = format!("{}\n", ours(id));
    let mut line = |key: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {key} {value}");
    };
    for server in list(scenario, "servers") {
        let place = match (text(server, "addr")?, server.get("port_as").and_then(Value::as_u64)) {
            ("127.0.0.1", None) => String::new(),
            (address, None) => format!("@{address} "),
            (address, Some(0)) => format!("@{address}/shared "),
            (_, Some(other)) => {
                return Err(Error(format!("there is no word for the port of server {other}")));
            }
        };
        let connections = list(server, "behaviour").iter().map(labels::behaviour);
        let connections = connections.collect::<Result<Vec<_>, _>>()?.join(" then ");
        line("server", &format!("{place}{connections}"));
    }
    line("conninfo", &conninfo(scenario));
    for (name, addresses) in entries(scenario, "hosts") {
        let addresses: Vec<_> =
            addresses.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        line("resolve", &format!("{} {}", word(name), addresses.join(" ")));
    }
    for (name, value) in entries(scenario, "env") {
        line("env", &format!("{name} {}", word(&ours(value.as_str().unwrap_or_default()))));
    }
    for file in list(scenario, "home") {
        let (key, rest) = home_file(file)?;
        line(key, &rest);
    }
    if let Some(user) = scenario.get("run_as").and_then(Value::as_str) {
        line("as", user);
    }
    let (new_line, old_line) = (libpq(new, "postgresql")?, libpq(old, "-")?);
    line("libpq", &new_line);
    let startups = list(scenario, "compare").iter().any(|what| what == "startup");
    if startups {
        line("startup", &startup(new));
    }
    // Before version 17 libpq offered no protocol; that alone is not worth a line.
    if libpq(&without_alpn(new), "-")? != old_line {
        line("libpq15", &old_line);
    }
    if startups && startup(new) != startup(old) {
        line("startup15", &startup(old));
    }
    Ok(out)
}

fn without_alpn(recorded: &Value) -> Value {
    let mut recorded = recorded.clone();
    if let Some(offers) = recorded.get_mut("alpn").and_then(Value::as_array_mut) {
        offers.fill(Value::Null);
    }
    recorded
}

/// The user, the database and the folder of the recordings, in the kit's words.
pub(crate) fn ours(text: &str) -> String {
    let renamed = |word: &str| match word {
        "rig" => "zoo".to_owned(),
        "RIG" => "ZOO".to_owned(),
        "rigdb" => "zoodb".to_owned(),
        "rig2" => "zoo2".to_owned(),
        other => other.to_owned(),
    };
    let mut out = String::new();
    let mut current = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || c == '_' {
            current.push(c);
        } else {
            out.push_str(&renamed(&std::mem::take(&mut current)));
            out.push(c);
        }
    }
    out + &renamed(&current)
}

/// A word as it is, or as a JSON string.
fn word(text: &str) -> String {
    let plain =
        !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"\";".contains(c));
    if plain && text != "-" { text.to_owned() } else { Value::from(text).to_string() }
}

/// The most frequent beginning of a connection string.
const USUAL: &str = "host=db.test hostaddr=127.0.0.1 port={port} user=zoo dbname=zoodb";

fn conninfo(scenario: &Value) -> String {
    if let Some(raw) = scenario.get("conninfo").and_then(Value::as_str) {
        let raw = ours(raw);
        let awkward = raw.starts_with(['"', '~'])
            || raw.trim() != raw
            || raw.is_empty()
            || raw.contains(char::is_control);
        return if awkward { Value::from(raw).to_string() } else { raw };
    }
    let settings = entries(scenario, "params")
        .map(|(name, value)| format!("{name}={}", quoted(&ours(value.as_str().unwrap_or_default()))));
    let whole = settings.collect::<Vec<_>>().join(" ");
    match whole.strip_prefix(USUAL) {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => format!("~{rest}"),
        _ if whole.is_empty() => "\"\"".to_owned(),
        _ => whole,
    }
}

/// A value of a connection string.
fn quoted(value: &str) -> String {
    if !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "'\\=".contains(c)) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn home_file(file: &Value) -> Result<(&'static str, String), Error> {
    let path = word(text(file, "path")?);
    let content = |key: &str| Ok::<_, Error>(word(&ours(text(file, key)?)));
    let (key, content) = match file
        .as_object()
        .and_then(|file| ["from", "symlink", "generate"].iter().find(|key| file.contains_key(**key)))
    {
        Some(&"from") => ("file", format!(" {}", content("from")?)),
        Some(&"symlink") => ("link", format!(" {}", content("symlink")?)),
        Some(_) if text(file, "generate")? == "ccache" => ("ticket", String::new()),
        Some(_) => return Err(Error(format!("there is no word for {file}"))),
        None => {
            let text = file.get("text").map_or(Ok("\"\"".to_owned()), |_| content("text"))?;
            ("text", format!(" {text}"))
        }
    };
    let mode = file
        .get("mode")
        .and_then(Value::as_str)
        .map(|mode| format!(" mode={}", mode.trim_start_matches('0')));
    let mode = mode.map(|mode| if mode.ends_with('=') { format!("{mode}0") } else { mode });
    let uid = file.get("uid").and_then(Value::as_u64).map(|uid| format!(" uid={uid}"));
    Ok((key, format!("{path}{content}{}{}", mode.unwrap_or_default(), uid.unwrap_or_default())))
}

/// The recorded result, as the value of a line `libpq`.
fn libpq(recorded: &Value, usual_alpn: &str) -> Result<String, Error> {
    let outcome = text(recorded, "outcome")?;
    let reason =
        recorded.get("verify_reason").or_else(|| recorded.get("error_class")).and_then(Value::as_str);
    let mut out = outcome.to_owned();
    if let (Some(reason), "fail") = (reason, outcome) {
        let _ = write!(out, " ({reason})");
    }
    out.push(':');
    for event in list(recorded, "events") {
        let _ = write!(out, " {}", event.as_str().unwrap_or_default());
    }
    let sni: Vec<_> = list(recorded, "sni")
        .iter()
        .map(|name| name.as_str().map_or("-".to_owned(), |name| word(&utf8(name))))
        .collect();
    if !sni.is_empty() {
        let _ = write!(out, "; sni {}", sni.join(" "));
    }
    let alpn: Vec<_> = list(recorded, "alpn").iter().map(offered).collect::<Result<_, _>>()?;
    if alpn.iter().any(|offer| offer != usual_alpn) {
        let _ = write!(out, "; alpn {}", alpn.join(" "));
    }
    let certificates: Vec<_> = list(recorded, "client_cert_sent")
        .iter()
        .map(|name| word(&ours(name.as_str().unwrap_or_default())))
        .collect();
    if !certificates.is_empty() {
        let _ = write!(out, "; cert {}", certificates.join(" "));
    }
    if member(recorded, "plain_startup")? == true && outcome != "plain" {
        out.push_str("; in clear");
    }
    Ok(out)
}

/// Server names were recorded octet by octet.
fn utf8(name: &str) -> String {
    let octets: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    octets.and_then(|octets| String::from_utf8(octets).ok()).unwrap_or_else(|| name.to_owned())
}

fn offered(offer: &Value) -> Result<String, Error> {
    match offer.as_array().map(Vec::as_slice) {
        None => Ok("-".to_owned()),
        Some([one]) => Ok(one.as_str().unwrap_or_default().to_owned()),
        Some(_) => Err(Error("libpq offers several protocols".to_owned())),
    }
}

/// Parameters of the last StartupMessage. The recordings were made by `root`; in the kit it is the user who runs it.
fn startup(recorded: &Value) -> String {
    let Some(startup) = recorded.get("startup").and_then(Value::as_object) else { return "none".to_owned() };
    let judged = ["user", "database", "application_name", "options", "replication"];
    let kept: Map<String, Value> = startup
        .iter()
        .filter(|(name, _)| judged.contains(&name.as_str()))
        .map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            let value = if value == "root" { "{user}".to_owned() } else { ours(value) };
            (name.clone(), Value::from(value))
        })
        .collect();
    Value::from(kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_recording_becomes_a_block() {
        let scenario = json!({
            "id": "env/x", "group": "env",
            "servers": [{"behaviour": ["ssl-authfail-plain-ok", {"tls": {"cert": "expired"}}], "addr": "::1"}],
            "params": {"host": "db.test", "hostaddr": "127.0.0.1", "port": "{port}", "user": "rig", "dbname": "rigdb", "options": "-c a=b"},
            "env": {"PGSSLROOTCERT": "{pki}/ca/root.crt"},
            "home": [{"path": "a", "from": "cli/good.key", "mode": "0600", "uid": 0}, {"path": "b", "text": "[rig]\n", "mode": "0000"}],
            "compare": ["startup"],
        });
        let recorded = |alpn: Value, outcome: &str| {
            json!({
                "outcome": outcome, "error_class": "eof", "events": ["connect", "authok"], "sni": ["db.test", null], "alpn": [alpn, alpn],
                "client_cert_sent": ["rig"], "plain_startup": true, "startup": {"user": "root", "database": "rigdb", "client_encoding": "x"},
            })
        };
        let postgresql = json!(["postgresql"]);
        let same =
            block("env/x", &scenario, &recorded(postgresql.clone(), "ssl"), &recorded(Value::Null, "ssl"))
                .unwrap();
        let expected = "env/x\n  server @::1 plain-only-hba then ok certificate=expired\n  conninfo ~ options='-c a=b'\n  \
            env PGSSLROOTCERT {pki}/ca/root.crt\n  file a cli/good.key mode=600 uid=0\n  text b \"[zoo]\\n\" mode=0\n  \
            libpq ssl: connect authok; sni db.test -; cert zoo; in clear\n  startup {\"user\":\"{user}\",\"database\":\"zoodb\"}\n";
        assert_eq!(same, expected);
        let other =
            block("env/x", &scenario, &recorded(postgresql, "ssl"), &recorded(Value::Null, "fail")).unwrap();
        let line = "  libpq15 fail (eof): connect authok; sni db.test -; cert zoo; in clear\n";
        assert_eq!(other, format!("{expected}{line}"));
    }

    #[test]
    fn words_that_need_it_are_quoted() {
        for (text, expected) in [
            ("a", "a"),
            ("", "\"\""),
            ("-", "\"-\""),
            ("a b", "\"a b\""),
            ("a;b", "\"a;b\""),
            ("a\"", "\"a\\\"\""),
        ] {
            assert_eq!(word(text), expected);
        }
        assert_eq!(
            ours("postgresql://rig@x/rigdb right origin {pki}"),
            "postgresql://zoo@x/zoodb right origin {pki}"
        );
    }
}
