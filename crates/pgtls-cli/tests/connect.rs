//! `pgtls connect` against servers that are honest, plain or hostile.

mod common;

use common::{Files, json, pgtls, stdout};
use pgtls_conformance::server::Server;
use serde_json::{Value, json as value};

const CERTIFICATE_NAME: &str = "host=db.test user=alice dbname=shop";

/// Connects to a server that behaves so, with these parameters; `{root}` is the root file.
#[track_caller]
fn connect(files: &Files, behaviour: &str, parameters: &str, flags: &[&str]) -> Value {
    let server = files.server(behaviour);
    connect_to(&server, files, parameters, flags)
}

#[track_caller]
fn connect_to(server: &Server, files: &Files, parameters: &str, flags: &[&str]) -> Value {
    let parameters = parameters.replace("{root}", &files.root("root"));
    let conninfo = format!("{CERTIFICATE_NAME} {} {parameters}", server.listen().conninfo());
    let output = pgtls(&[&["connect", "--json"], flags, &[conninfo.as_str()]].concat());
    let object = json(&output);
    let failed = object.get("outcome").is_some_and(|outcome| outcome == "fail");
    let expected_exit = if failed { 2 } else { 0 };
    assert_eq!(output.status.code(), Some(expected_exit), "{object}");
    object
}

#[test]
fn json_reports_libpq_behaviour() {
    let files = Files::new();
    for (behaviour, parameters, flags, expected) in [
        (
            "ok",
            "sslmode=verify-full sslrootcert={root}",
            &[][..],
            value!({
                "outcome": "ssl", "events": ["connect", "sslaccept", "authok"], "verified": "full",
                "matched_name": "db.test", "protocol": "TLSv1.3", "alpn": "postgresql", "sni": "db.test",
                "connections": 1, "error_class": null, "error": null, "authentication": "trust",
            }),
        ),
        (
            "tls12",
            "sslmode=verify-ca sslrootcert={root} sslsni=0",
            &[],
            value!({ "outcome": "ssl", "verified": "ca", "matched_name": null, "protocol": "TLSv1.2", "sni": null }),
        ),
        ("ok", "sslmode=require", &[], value!({ "outcome": "ssl", "verified": "none" })),
        (
            "ok",
            "sslmode=require sslnegotiation=direct",
            &[],
            value!({ "outcome": "ssl", "events": ["connect", "directsslaccept", "authok"] }),
        ),
        (
            "plain-only",
            "sslmode=prefer",
            &[],
            value!({
                "outcome": "plain", "events": ["connect", "sslreject", "authok"], "verified": "none",
                "protocol": null, "cipher": null, "connections": 1,
            }),
        ),
        ("plain-only", "sslmode=require", &[], value!({ "outcome": "fail", "error_class": "server-no-ssl" })),
        (
            "tls-alert",
            "sslmode=prefer",
            &[],
            value!({ "outcome": "plain", "events": ["connect", "sslaccept", "tlsfail", "reconnect", "authok"], "connections": 2 }),
        ),
        (
            "tls-alert",
            "sslmode=prefer",
            &["--hardened"],
            value!({ "outcome": "fail", "error_class": "handshake", "connections": 1 }),
        ),
        (
            "ok",
            "sslmode=verify-full sslrootcert={root} host=other.test",
            &[],
            value!({ "outcome": "fail", "error_class": "name-mismatch" }),
        ),
        ("ok", "sslmode=verify-ca", &[], value!({ "outcome": "fail", "error_class": "missing-root-file" })),
        ("error-v3", "sslmode=prefer", &[], value!({ "error_class": "server-error-in-negotiation" })),
        (
            "accept-extra",
            "sslmode=prefer",
            &[],
            value!({ "error_class": "unencrypted-data", "connections": 1 }),
        ),
        ("http", "sslmode=prefer", &[], value!({ "error_class": "bad-reply" })),
        ("scram", "sslmode=require password=secret", &[], value!({ "authentication": "scram-sha-256" })),
        (
            "scram-plus",
            "sslmode=require password=secret channel_binding=require",
            &[],
            value!({ "authentication": "scram-sha-256, bound to the channel" }),
        ),
        (
            "md5",
            "sslmode=disable password=secret",
            &[],
            value!({ "outcome": "plain", "authentication": "md5" }),
        ),
        ("cleartext", "sslmode=require", &[], value!({ "error_class": "no-password" })),
        (
            "cleartext",
            "sslmode=require password=secret require_auth=scram-sha-256",
            &[],
            value!({ "error_class": "auth-requirement" }),
        ),
        (
            "password-thief",
            "sslmode=require password=secret channel_binding=require",
            &[],
            value!({ "outcome": "fail", "error_class": "server-error" }),
        ),
        ("ok", "target_session_attrs=standby", &[], value!({ "outcome": "fail", "error_class": "other" })),
    ] {
        let object = connect(&files, behaviour, parameters, flags);
        for (key, expected) in expected.as_object().expect("rows are objects") {
            assert_eq!(&object[key], expected, "{behaviour} {parameters}: {key} in {object}");
        }
    }
}

#[test]
fn the_words_of_a_server_are_shown_when_somebody_vouches_for_it() {
    let files = Files::new();
    for (parameters, shown) in [
        ("sslmode=disable", false),
        ("sslmode=require", false),
        ("sslmode=verify-ca sslrootcert={root}", true),
        ("sslmode=verify-full sslrootcert={root}", true),
    ] {
        let object = connect(&files, "authfail", parameters, &[]);
        let error = object["error"].as_str().expect("it failed");
        assert_eq!(error.contains("entry for host"), shown, "{parameters}: {error}");
        assert_eq!(error.contains("withheld"), !shown, "{parameters}: {error}");
        assert!(error.contains("28000"), "{parameters}: {error}");
    }
    // An error instead of an answer comes from anybody.
    let object = connect(&files, "error-v3", "sslmode=verify-full sslrootcert={root}", &[]);
    assert!(!object["error"].as_str().expect("it failed").contains("too many"), "{object}");
}

#[test]
fn a_fallback_to_plain_text_says_why() {
    let files = Files::new();
    let object = connect(&files, "ok", "sslmode=prefer sslrootcert={root} sslkey=/none sslcert={root}", &[]);
    assert_eq!(object["outcome"], "plain", "{object}");
    let errors = object["earlier_errors"].to_string();
    assert!(errors.contains("/none"), "{errors}");
    let steps: Vec<_> = object["attempts"][0]["steps"]
        .as_array()
        .expect("there was an attempt")
        .iter()
        .map(|step| step["event"].as_str().expect("events are words"))
        .collect();
    assert_eq!(steps, ["connect", "sslaccept", "tlsfail", "failed", "reconnect", "authok"]);
}

#[test]
fn files_say_what_they_decided() {
    let files = Files::new();
    let object = connect(&files, "ok", "sslmode=require sslrootcert={root} sslcrl=/nonexistent", &[]);
    let state = |role: &str| {
        let files = object["files"].as_array().expect("files were looked at");
        let file = files.iter().find(|file| file["role"] == role).expect("every role has a line");
        (file["source"].clone(), file["state"].clone())
    };
    assert_eq!(state("sslrootcert"), (value!("explicit"), value!("read")));
    assert_eq!(state("sslcrl"), (value!("explicit"), value!("missing")));
    assert_eq!(state("sslcert"), (value!("default"), value!("missing")));
    assert_eq!(object["verified"], "ca", "a root file makes require verify");
}

#[test]
fn a_list_that_is_ignored_is_told() {
    let files = Files::new();
    let text = files.write("text", "no list");
    for (crl, told) in [("/nonexistent", "does not exist"), (&text, "no revocation list in it can be used")] {
        let parameters = format!("sslmode=require sslrootcert={{root}} sslcrl={crl}");
        let object = connect(&files, "ok", &parameters, &[]);
        let warnings = object["warnings"].as_array().expect("there is a list of warnings");
        let text = warnings.first().and_then(|warning| warning["text"].as_str()).unwrap_or_default();
        assert!(warnings.len() == 1 && text.contains(crl) && text.contains(told), "{object}");
        assert_eq!(
            (&warnings[0]["name"], &warnings[0]["libpq"]),
            (&value!("crl-file-ignored"), &Value::Null)
        );
    }
    let object = connect(&files, "ok", "sslmode=require sslrootcert={root}", &[]);
    assert_eq!(object["warnings"], value!([]), "the default file need not be there");
}

#[test]
fn several_hosts_are_told_apart() {
    let files = Files::new();
    let (busy, good) = (files.server("starting-up"), files.server("ok"));
    let conninfo = format!(
        "host=db.test,db.test hostaddr=127.0.0.1,127.0.0.1 port={},{} user=alice sslmode=require",
        busy.port(),
        good.port()
    );
    let object = json(&pgtls(&["connect", "--json", &conninfo]));
    let events =
        value!(["h0:connect", "h0:sslaccept", "h0:startuperror", "h1:connect", "h1:sslaccept", "h1:authok"]);
    assert_eq!(object["events"], events, "{object}");
    assert_eq!(object["connections"], 2);
    assert_eq!(object["attempts"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_host_that_cannot_be_reached_is_told_in_its_place() {
    let files = Files::new();
    let good = files.server("ok");
    let conninfo = format!(
        "host=h,db.test hostaddr=256.0.0.1,127.0.0.1 port=1,{} user=alice sslmode=require",
        good.port()
    );
    let object = json(&pgtls(&["connect", "--json", &conninfo]));
    assert_eq!(object["outcome"], "ssl", "{object}");
    assert_eq!(object["attempts"][0]["address"], Value::Null, "{object}");
    assert_eq!(object["attempts"][0]["steps"][0]["event"], "failed", "{object}");
    assert_eq!(object["attempts"][1]["steps"][0]["event"], "connect", "{object}");
}

#[test]
fn the_whole_attempt_can_be_limited() {
    let files = Files::new();
    let server = files.server("hang");
    let object = connect_to(&server, &files, "sslmode=require", &["--timeout", "0.3"]);
    assert_eq!(object["error_class"], "timeout");
    assert_eq!(object["outcome"], "fail");
}

#[test]
fn people_read_a_story() {
    let files = Files::new();
    let server = files.server("ok");
    let root = files.root("root");
    let conninfo =
        format!("{CERTIFICATE_NAME} {} sslmode=verify-full sslrootcert={root}", server.listen().conninfo());
    let output = pgtls(&["connect", &conninfo]);
    assert!(output.status.success());
    let text = stdout(&output).replace(&root, "ROOT").replace(&server.port().to_string(), "PORT");
    let expected = "\
sslmode=verify-full (connection string, byte AT)

db.test (127.0.0.1), port PORT
  connect          connection opened
  sslaccept        asked for TLS, the server agrees (S)
  authok           logged in

Files
  sslrootcert  ROOT (named by the parameter): read
               the server's certificate chain is verified, whatever the sslmode
";
    let at = text.find("byte ").map_or(0, |start| start + 5);
    let number: String = text.chars().skip(at).take_while(char::is_ascii_digit).collect();
    let text = text.replacen(&number, "AT", 1);
    assert!(text.starts_with(expected), "{text}");
    for line in [
        "Connected over TLS, server verified: its certificate is trusted and is for db.test.",
        "  TLS              TLSv1.3",
        "  SNI              db.test",
        "  authentication   trust",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn the_path_that_was_accepted_is_told() {
    let files = Files::new();
    let told = connect(&files, "ok", "sslmode=verify-full sslrootcert={root}", &[]);
    let path = told["certificates"].as_array().unwrap();
    assert!(path.len() > 1, "{told}");
    assert!(path[0]["names"].as_array().unwrap().contains(&value!("DNS db.test")), "{told}");
    for (below, above) in path.iter().zip(&path[1..]) {
        assert_eq!(below["issuer"], above["subject"]);
    }
    let root = path.last().unwrap();
    assert_eq!(root["issuer"], root["subject"]);

    let server = files.server("ok");
    let parameters = format!("sslmode=verify-full sslrootcert={}", files.root("root"));
    let conninfo = format!("{CERTIFICATE_NAME} {} {parameters}", server.listen().conninfo());
    let output = pgtls(&["connect", &conninfo]);
    let text = stdout(&output);
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let leaf = format!("{}, valid until {}", word(&path[0]["subject"]), word(&path[0]["not_after"]));
    assert!(text.contains(&format!("  certificate      {leaf}\n")), "{text}");
    assert!(text.contains(&format!("  issued by        {}\n", word(&root["subject"]))), "{text}");

    // What nobody vouches for is nobody's name.
    for parameters in ["sslmode=require", "sslmode=disable"] {
        assert_eq!(connect(&files, "ok", parameters, &[])["certificates"], value!([]), "{parameters}");
    }
}

#[test]
fn facts_of_the_session_are_told() {
    let files = Files::new();
    let told = connect(&files, "ok", "sslmode=verify-full sslrootcert={root}", &[]);
    // The certificate is signed with SHA-256, and so that is its digest.
    assert_eq!(told["tls_server_end_point"], told["certificates"][0]["fingerprint"]);
    assert_eq!(told["client_certificate"], value!({ "requested": false, "sent": false }));
    assert_eq!(
        told["attributes"],
        value!({
            "library": "rustls", "key_bits": "256", "cipher": told["cipher"], "compression": "off",
            "protocol": "TLSv1.3", "alpn": "postgresql",
        })
    );
    let told = connect(&files, "cert-optional", "sslmode=require", &[]);
    assert_eq!(told["client_certificate"], value!({ "requested": true, "sent": false }));
    let told = connect(&files, "ok", "sslmode=disable", &[]);
    assert_eq!(told["attributes"], value!({}));
    assert_eq!((&told["tls_server_end_point"], &told["client_certificate"]), (&Value::Null, &Value::Null));
}

#[test]
fn every_adapter_tells_the_same() {
    let files = Files::new();
    let root = files.root("root");
    for (behaviour, mode) in [("ok", "verify-full"), ("plain-only", "require"), ("tls-alert", "prefer")] {
        let server = files.server(behaviour);
        let parameters = format!("sslmode={mode} sslrootcert={root}");
        let told = ["std", "tokio", "async-std"]
            .map(|adapter| connect_to(&server, &files, &parameters, &["--adapter", adapter]));
        assert_eq!(told[0], told[1], "{behaviour}");
        assert_eq!(told[0], told[2], "{behaviour}");
    }
}
