//! The built binary as a shell sees it: help, exit codes, JSON, colours.

#[expect(dead_code, reason = "not every test needs servers")]
mod common;

use common::{command, json, pgtls, stdout};
use std::{
    io,
    process::{Command, Stdio},
};

/// Keys of the JSON object that other programs rely on.
const CONNECT_KEYS: &[&str] = &[
    "outcome",
    "events",
    "error_class",
    "error",
    "protocol",
    "cipher",
    "alpn",
    "sni",
    "verified",
    "matched_name",
    "files",
    "connections",
];

#[test]
fn every_sub_command_has_help_that_says_what_it_does() {
    for (arguments, words) in [
        (&["--help"][..], &["connect", "explain", "verify", "demo", "serve", "Exit codes", "NO_COLOR"][..]),
        (&["connect", "--help"], &["CONNINFO", "--json", "--timeout", "--hardened", "service file"]),
        (&["explain", "--help"], &["CONNINFO", "--json", "--hardened"]),
        (
            &["verify", "--help"],
            &[
                "--rootcert",
                "--chain",
                "--crl",
                "--crldir",
                "--host",
                "--sslmode",
                "--time",
                "--purpose",
                "--profile",
            ],
        ),
        (&["demo", "--help"], &["Usage"]),
        (&["serve", "--help"], &["Usage"]),
        (&["completions", "--help"], &["bash", "zsh"]),
        (&["man", "--help"], &["Usage"]),
    ] {
        let output = pgtls(arguments);
        assert!(output.status.success(), "{arguments:?}");
        for word in words {
            assert!(stdout(&output).contains(word), "{arguments:?} does not speak of {word}");
        }
    }
}

#[test]
fn wrong_usage_exits_with_64() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["connect"],
        &["connect", "host=h", "--timeout", "never"],
        &["connect", "--verbose", "host=h"],
        &["verify", "--rootcert", "x"],
        &["completions", "tcl"],
        &["serve", "--behaviour", "unicorn"],
        &["conformance", "--client", "/nonexistent {conninfo}"],
        &["conformance", "--list", "--match", "^nothing$"],
        &["conformance", "--merge", "/nonexistent"],
    ] {
        let output = pgtls(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(stdout(&output).is_empty(), "{arguments:?}: usage errors go to standard error");
    }
}

/// The exit code tells the outcome also when nobody reads standard error any more.
#[test]
fn complaints_that_nobody_reads_are_no_panic() {
    for arguments in [
        &["connect", "host=h", "port=1"][..],
        &["verify", "--rootcert", "x"],
        &["serve", "--script", "/nonexistent"],
        &["conformance", "--client", "/nonexistent {conninfo}"],
    ] {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        drop(reader);
        let status = command(arguments).stderr(writer).stdout(Stdio::null()).status();
        let code = status.expect("the binary was built with this test").code();
        let read = pgtls(arguments).status.code();
        assert!(code == read && matches!(code, Some(2 | 64)), "{arguments:?}: {code:?}");
    }
}

#[test]
fn a_connection_string_that_the_shell_has_cut_is_recognised() {
    for (arguments, cut) in [
        (&["connect", "host=h", "port=1"][..], true),
        (&["explain", "host=h", "sslmode=require"], true),
        (&["connect", "host=h", "db"], false),
        (&["connect", "host=h", "--port=1"], false),
        (&["connect"], false),
    ] {
        let output = pgtls(arguments);
        let told = String::from_utf8_lossy(&output.stderr).contains("in quotes");
        assert_eq!((output.status.code(), told), (Some(64), cut), "{arguments:?}");
    }
}

#[test]
fn completions_and_manual_speak_of_the_sub_commands() {
    for arguments in
        [&["completions", "bash"][..], &["completions", "zsh"], &["completions", "fish"], &["man"]]
    {
        let output = pgtls(arguments);
        assert!(output.status.success(), "{arguments:?}");
        for word in ["connect", "explain", "verify", "demo"] {
            assert!(stdout(&output).contains(word), "{arguments:?} does not speak of {word}");
        }
    }
}

#[test]
fn json_has_every_key_whatever_happens() {
    for (conninfo, outcome, class) in [
        ("sslmode=bogus", "fail", "invalid-parameter"),
        ("host=127.0.0.1 port=1 connect_timeout=5", "fail", "refused"),
        ("host=h hostaddr=256.0.0.1", "fail", "could-not-resolve"),
        ("sslmode=prefer sslrootcert=system", "fail", "weak-mode-for-system"),
    ] {
        let output = pgtls(&["connect", "--json", conninfo]);
        assert_eq!(output.status.code(), Some(2), "{conninfo}");
        let object = json(&output);
        for key in CONNECT_KEYS {
            assert!(object.get(key).is_some(), "{conninfo}: no {key} in {object}");
        }
        assert_eq!(object["outcome"], outcome, "{conninfo}");
        assert_eq!(object["error_class"], class, "{conninfo}");
        assert!(object["error"].as_str().is_some_and(|error| !error.is_empty()), "{conninfo}");
        assert_eq!(object["verified"], "none", "{conninfo}");
    }
}

#[test]
fn text_for_people_says_what_to_change() {
    let output = pgtls(&["connect", "host=127.0.0.1 port=1 sslmode=verify-full"]);
    assert_eq!(output.status.code(), Some(2));
    for words in ["connect", "port 1", "Not connected", "What to change", "listen_addresses"] {
        assert!(stdout(&output).contains(words), "no {words:?} in:\n{}", stdout(&output));
    }
}

#[test]
fn colours_only_where_they_belong() {
    let escape = |command: &mut Command| {
        let output = command.output().expect("the binary was built with this test");
        output.stdout.contains(&0x1b)
    };
    let conninfo = ["connect", "host=127.0.0.1 port=1"];
    assert!(!escape(&mut command(&conninfo)), "a pipe is no terminal");
    assert!(escape(command(&conninfo).env("CLICOLOR_FORCE", "1")), "colours were forced");
    assert!(
        !escape(command(&conninfo).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")),
        "NO_COLOR forbids them"
    );
    assert!(!escape(command(&["connect", "--json", "port=1"]).env("CLICOLOR_FORCE", "1")), "JSON is plain");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child =
        command(&["man"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn explain_tells_sources_steps_files_and_warnings() {
    let output = pgtls(&["explain", "host=db.example.com sslmode=prefer"]);
    assert!(output.status.success());
    for words in [
        "sslmode",
        "connection string",
        "db.example.com",
        "SSLRequest",
        "in plain text",
        "root.crt",
        "opportunistic",
        "MITM",
        "no_plaintext_after_rejection",
    ] {
        assert!(stdout(&output).contains(words), "no {words:?} in:\n{}", stdout(&output));
    }
    let object = json(&pgtls(&["explain", "--json", "host=db.example.com sslmode=verify-full"]));
    for key in [
        "settings",
        "hosts",
        "sslmode",
        "verification",
        "protection",
        "files",
        "plans",
        "warnings",
        "hardenings",
    ] {
        assert!(object.get(key).is_some(), "no {key} in {object}");
    }
    let plans = object["plans"].to_string();
    assert!(plans.contains("SSLRequest"), "{plans}");
    assert!(!plans.contains("plain text"), "verify-full never goes on in plain text: {plans}");
}

#[test]
fn secrets_are_never_shown() {
    for sub_command in ["connect", "explain"] {
        for flag in [&[][..], &["--json"]] {
            let conninfo = ["host=127.0.0.1 port=1 password=hush sslpassword=hushhush"];
            let output = pgtls(&[&[sub_command][..], flag, &conninfo].concat());
            assert!(!stdout(&output).contains("hush"), "{sub_command} {flag:?}:\n{}", stdout(&output));
        }
    }
}
