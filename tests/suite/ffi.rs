//! `pgtls-ffi` as C and Python see it: their examples against a real PostgreSQL, and under valgrind.

use crate::{
    examples::{LIMIT, ROWS, conninfo},
    support::{
        patience::output,
        postgres::{PASSWORD, Postgres, Tls},
        skip,
    },
};
use pgtls_conformance::pki::Pki;
use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

#[test]
fn a_program_in_c() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let folder = tempfile::tempdir().unwrap();
    let example = sources().join("examples/connect.c");
    let Some(program) = compile(&example, folder.path()) else { return };
    let run = |conninfo: &str| output(clean(&program).arg(conninfo), LIMIT);
    every_row("connect.c", &server, run);
    every_walk("connect.c", &server, run);
    every_login("connect.c", &server, true, || clean(&program));
    let mistaken = run("host=localhost sslmode=sometimes");
    assert!(said(&mistaken).1.contains("sslmode"), "{mistaken:?}");

    let Some(valgrind) = valgrind() else { return };
    for (user, parameters) in LEAKS {
        let mut command = valgrind();
        command.env("APP_PASSWORD", PASSWORD).arg(&program).arg(conninfo(&server, user, parameters));
        let ended = output(&mut command, LIMIT);
        assert!(matches!(ended.status.code(), Some(0 | 2)), "{user} {parameters}: {:?}", said(&ended));
    }
}

/// Runs a program of C, and ends with 99 if it has used memory in a wrong way or has not freed it.
fn valgrind() -> Option<impl Fn() -> Command> {
    if !has("valgrind") {
        skip("C under valgrind", "it is not installed");
        return None;
    }
    Some(|| {
        let mut command = clean("valgrind".as_ref());
        command.args([
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect,possible",
            "--quiet",
        ]);
        command
    })
}

/// Cases of `ffi/proofs.c`: name, status, next action, and a part of the error.
const PROOFS: &[(&str, u8, &str, &str)] = &[
    ("honest", 0, "startup", ""),
    ("no match", 0, "startup", ""),
    ("refused after a match", 0, "failed", "does not match host name \"bank.example\""),
    ("NULL after a match", 0, "startup", ""),
    ("a match after a refusal", 0, "startup", ""),
    ("used twice", 5, "failed", "the proof was used for another handshake"),
    ("used twice, matched anew", 5, "failed", "the proof was used for another handshake"),
    ("none", 0, "failed", "without proof of the verification that sslmode demands (full)"),
    (
        "of another host, no match",
        0,
        "failed",
        "server certificate for \"other.test\" does not match host name \"db.test\"",
    ),
    ("verify eku-client", 4, "", "unsuitable certificate purpose"),
    ("a client's certificate", 5, "failed", "the proof is about a client's certificate"),
    ("of the past", 5, "failed", "certificate has expired"),
    ("of the future", 5, "failed", "certificate is not yet valid"),
    ("of yesterday, good today", 0, "startup", ""),
    ("proof of other roots", 5, "failed", "the proof was made with another pgtls_trust"),
    ("trust and proof of other roots", 5, "failed", "which a trust from memory does not replace"),
    ("trust and proof of other parameters", 5, "failed", "the trust was made of other parameters"),
    ("another trust of the same parameters", 5, "failed", "the proof was made with another pgtls_trust"),
    ("misuse is the end", 5, "failed", "the proof was made with another pgtls_trust"),
    ("its own trust", 0, "startup", ""),
    ("a trust that was freed", 5, "failed", "the proof was made with another pgtls_trust"),
    ("equal parameters", 0, "startup", ""),
    ("memory in the place of sslrootcert", 5, "failed", "which a trust from memory does not replace"),
    ("memory in the place of sslcrl", 5, "failed", "which a trust from memory does not replace"),
    ("memory in the place of the home directory", 0, "startup", ""),
    ("hardened after the trust", 5, "failed", "the trust was made of other parameters"),
    (
        "the address in the place of the host",
        5,
        "failed",
        "the proof is for host name \"127.0.0.1\", and the connection is to \"db.test\"",
    ),
    ("no host", 5, "failed", "host name must be specified for a verified SSL connection"),
    ("no host, no match", 0, "failed", "host name must be specified to verify the server certificate"),
    (
        "a machine of another host",
        5,
        "failed",
        "the proof is for host name \"db.test\", and the connection is to \"bank.example\"",
    ),
    ("the first of two hosts", 5, "failed", "and the connection is to \"other.test\""),
    (
        "the second of two hosts",
        0,
        "startup",
        "connection to server at \"other.test\" (127.0.0.1), port 5432 failed: Connection refused",
    ),
    ("a host of the program's", 0, "failed", "does not match host name \"bank.example\""),
    ("two of the same host", 0, "startup", ""),
    ("verify-ca without", 0, "failed", "without proof of the verification that sslmode demands (ca)"),
    ("verify-ca, whatever the host", 0, "startup", ""),
    ("before the handshake", 5, "failed", "does not answer the action of state \"resolving\""),
    ("without trust", 5, "failed", "the machine has no trust"),
    ("verify-ca", 0, "startup", ""),
    ("require with roots, without", 0, "failed", "without proof"),
    ("require without roots", 0, "startup", ""),
    ("require with roots, told that there are none", 5, "failed", "the trust was made of other parameters"),
    // Misuse is no failure of TLS, after which prefer would go on without.
    ("prefer, proof of other roots", 5, "failed", "the proof was made with another pgtls_trust"),
    ("prefer without", 0, "open", "without proof"),
    ("a key that signs in TLS 1.3", 0, "startup", ""),
    ("verify ku-encipher", 4, "", "a key usage without digitalSignature, which TLS 1.2 needs"),
    ("verify ku-encipher", 4, "", "unsuitable certificate purpose"),
    ("match, cut off", 4, "", "malformed certificate"),
    ("cancel", 0, "open", ""),
    ("a timeout", 0, "failed", "connection to server at \"127.0.0.1\", port 5433 failed: timeout expired"),
    ("a session", 0, "done", ""),
    ("bytes after the end", 5, "failed", "does not answer the action of state \"done\""),
    ("no password", 0, "failed", "no password supplied"),
    ("a driver that fails", 0, "failed", ": out of memory"),
    ("an error of the server", 0, "failed", "FATAL:  no entry"),
    ("the end", 0, "failed", "server closed the connection unexpectedly after the startup packet"),
    ("require_auth", 0, "failed", "authentication method requirement failed"),
    ("a standby", 0, "done", ""),
    ("no standby", 0, "failed", "server is not in hot standby mode"),
    ("no answer", 0, "failed", "whether it is read-only or a standby"),
    ("an answer without a question", 5, "failed", "the action is not PGTLS_QUERY_ROLE"),
    ("another driver", 0, "established", ""),
    ("another driver, require_auth", 0, "failed", "authentication method requirement failed"),
    ("a login", 0, "done", ""),
    ("the end of a cancel request", 0, "done", ""),
    ("a password of the callback", 0, "done", ""),
    ("a wrong password", 0, "failed", "FATAL:  no entry"),
    ("NULL of the callback", 0, "failed", "no password supplied"),
    ("an empty password", 0, "failed", "no password supplied"),
    ("no UTF-8", 0, "failed", "the password that the program returned is not UTF-8"),
    ("require_auth before the password", 0, "failed", "authentication method requirement failed"),
    ("a login on a standby", 0, "done", ""),
    ("a login on no standby", 0, "failed", "server is not in hot standby mode"),
    ("a derivation without end", 0, "derive", ""),
    ("its deadline", 0, "failed", "timeout expired"),
    ("received before it is sent", 5, "failed", "the action is not PGTLS_RECEIVE"),
    ("more sent than there is", 5, "failed", "the bytes that were sent are not those of the action"),
    ("nothing sent", 5, "failed", "the bytes that were sent are not those of the action"),
    ("a role in a login", 5, "failed", "the machine runs the startup exchange itself"),
    ("no password in a login", 5, "failed", "the machine runs the startup exchange itself"),
    ("derive without a derivation", 5, "failed", "the action is not PGTLS_DERIVE"),
    ("a login too late", 5, "failed", "the connection has begun"),
    ("nothing received", 5, "failed", "no bytes were received"),
    ("a login without the certificate", 5, "failed", "needs the server's certificate"),
    ("a login with the certificate", 0, "send", ""),
];

#[test]
fn a_proof_counts_for_what_it_proves() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/ffi/proofs.c");
    let Some(program) = compile(&source, folder.path()) else { return };
    write_pki(folder.path());
    let check = |ended: &Output| {
        let (told, heard) = said(ended);
        assert!(ended.status.success(), "{told}{heard}");
        let lines: Vec<Vec<_>> = told.lines().map(|line| line.splitn(4, '|').collect()).collect();
        assert_eq!(lines.len(), PROOFS.len(), "{told}");
        for (line, (name, status, action, part)) in lines.iter().zip(PROOFS) {
            assert_eq!(line[..3], [*name, &status.to_string(), action], "{line:?}");
            let has_error = !line[3].is_empty();
            assert!(line[3].contains(part) && has_error != part.is_empty(), "{line:?}");
        }
    };
    check(&output(clean(&program).arg(folder.path()), LIMIT));

    // The security level is that of the machine's OpenSSL.
    let conf = folder.path().join("openssl.cnf");
    let section = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n";
    fs::write(&conf, format!("{section}CipherString = DEFAULT@SECLEVEL=3\n")).unwrap();
    for (conf, expected) in [("".as_ref(), "|0|"), (conf.as_os_str(), "|4|")] {
        let mut command = clean(&program);
        command.env("OPENSSL_CONF", conf).arg(folder.path()).arg("key-rsa-2048");
        let (told, _) = said(&output(&mut command, LIMIT));
        assert!(told.contains(expected), "{conf:?}: {told}");
    }

    let Some(valgrind) = valgrind() else { return };
    check(&output(valgrind().arg(&program).arg(folder.path()), LIMIT));
}

/// Chains of the PKI as `NAME.0.der`, `NAME.1.der`, ..., and root and CRL files.
fn write_pki(folder: &Path) {
    const SERVERS: &[&str] = &[
        "good",
        "eku-client",
        "expired",
        "notyet",
        "selfsigned-ca",
        "dns-and-ip",
        "wrong-host",
        "ku-encipher",
        "key-rsa-2048",
    ];
    let pki = Pki::open();
    let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    for name in SERVERS {
        for (number, certificate) in pki.server(name).unwrap().chain().iter().enumerate() {
            write(&format!("{name}.{number}.der"), certificate);
        }
    }
    for name in ["root", "selfsigned-ca"] {
        write(&format!("{name}.crt"), pki.root_file(name).unwrap().as_bytes());
    }
    write("root.crl", pki.crl_file("root").unwrap().as_bytes());
}

#[test]
fn a_script_in_python() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    if !has("python3") {
        return skip("ctypes", "python3 is not installed");
    }
    let arguments = [library("so"), sources().join("examples/connect.py")];
    let [library, script] = arguments.each_ref().map(|path| path.to_str().unwrap());
    let run =
        |conninfo: &str| output(clean("python3".as_ref()).args(["-B", script, library, conninfo]), LIMIT);
    every_row("connect.py", &server, run);
    every_walk("connect.py", &server, run);
    every_login("connect.py", &server, false, || {
        let mut command = clean("python3".as_ref());
        command.args(["-B", script, library]);
        command
    });

    if !has("valgrind") {
        return skip("ctypes under valgrind", "it is not installed");
    }
    // The interpreter itself is not free of leaks; nothing of ours may be among them.
    let interpreter = "import sys; print(sys.executable)";
    let interpreter = output(clean("python3".as_ref()).args(["-c", interpreter]), LIMIT);
    let interpreter = said(&interpreter).0.trim().to_owned();
    for (user, parameters) in LEAKS.iter().take(2) {
        let mut command = clean("valgrind".as_ref());
        command.env("PYTHONMALLOC", "malloc").args(["--leak-check=full", "--num-callers=40"]);
        command.args([&interpreter, "-B", script, library, &conninfo(&server, user, parameters)]);
        let ended = output(&mut command, LIMIT);
        let heard = said(&ended).1;
        assert!(heard.contains("HEAP SUMMARY"), "valgrind has not done its work: {heard}");
        let ours: Vec<_> = records(&heard).filter(|record| record.contains("pgtls")).collect();
        assert!(ours.is_empty(), "{user} {parameters}: {}", ours.join("\n"));
    }
}

/// Node has no way to call C but a package: koffi, found by `NODE_PATH`.
#[test]
fn a_script_in_node() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let node = || {
        let mut command = clean("node".as_ref());
        command.envs(env::var_os("NODE_PATH").map(|path| ("NODE_PATH", path)));
        command
    };
    if !has("node") {
        return pgtls_tests::skip_optional("Node", "node is not installed");
    }
    if !output(node().args(["-e", "require('koffi')"]), LIMIT).status.success() {
        return pgtls_tests::skip_optional("Node", "the package koffi is not in NODE_PATH");
    }
    let arguments = [library("so"), sources().join("examples/connect.js")];
    let [library, script] = arguments.each_ref().map(|path| path.to_str().unwrap());
    let run = |conninfo: &str| output(node().args([script, library, conninfo]), LIMIT);
    every_row("connect.js", &server, run);
    every_login("connect.js", &server, false, || {
        let mut command = node();
        command.args([script, library]);
        command
    });
}

/// Ways through the library that differ in what they allocate: success, fallback, refusals at every stage.
const LEAKS: &[(&str, &str)] = &[
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt"),
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/other.crt"),
    ("nossluser", "sslmode=prefer"),
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt host=127.0.0.1"),
    ("anyuser", "sslmode=verify-ca sslrootcert={folder}/missing.crt"),
    ("passworduser", "sslmode=require"),
    ("scramuser", "sslmode=verify-full sslrootcert={folder}/root.crt channel_binding=require"),
    ("scramuser", "sslmode=require password=wrong"),
    ("certuser", "sslmode=require sslcert={folder}/client.crt sslkey={folder}/client.key"),
    ("certuser", "sslmode=require sslcert={folder}/client.crt sslkey={folder}/other.key"),
];

fn every_row(name: &str, server: &Postgres, run: impl Fn(&str) -> Output) {
    for (parameters, user, expected) in ROWS {
        let conninfo = conninfo(server, user, parameters);
        let (ended, seen) = server.watch(|| run(&conninfo));
        let (told, heard) = said(&ended);
        let outcome = told.trim_end().strip_suffix(": SELECT 1 is 1").unwrap_or("fail");
        assert_eq!(outcome, *expected, "{name} \"{conninfo}\": {told}{heard}");
        let accepted = seen.iter().filter(|seen| seen.accepted).count();
        assert_eq!(accepted, usize::from(*expected != "fail"), "{name} \"{conninfo}\": {seen:?}");
    }
}

/// Rules of libpq that the machine has: hosts, addresses, unix sockets, roles, versions, limits. Parameters, outcome, and a part
/// of the error.
const WALKS: &[(&str, &str, &str)] = &[
    ("hostaddr='' port=1,{port} host=localhost,localhost sslmode=require", "ssl", ""),
    ("hostaddr='' port={port} host=no-such-host.invalid,localhost sslmode=require", "ssl", ""),
    ("hostaddr='' port={port} host=/nonexistent,localhost", "ssl", ""),
    ("hostaddr='' port={port} host=no-such-host.invalid", "fail", "could not translate host name"),
    (
        "hostaddr='' port={port} host=/nonexistent",
        "fail",
        "connection to server on socket \"/nonexistent/.s.PGSQL.",
    ),
    ("hostaddr='' host={folder}/socket sslmode=require", "plain", ""),
    (
        "hostaddr='' host={folder}/socket requirepeer=nobody-else",
        "fail",
        "requirepeer specifies \"nobody-else\", but actual",
    ),
    ("sslmode=require target_session_attrs=read-write", "ssl", ""),
    ("sslmode=require target_session_attrs=standby", "fail", "server is not in hot standby mode"),
    ("sslmode=require target_session_attrs=prefer-standby", "ssl", ""),
    ("sslmode=require ssl_max_protocol_version=TLSv1.2", "ssl", ""),
    ("sslmode=require sslnegotiation=direct", "fail", "SSL error: "),
    ("connect_timeout=x", "fail", "invalid integer value \"x\" for connection option \"connect_timeout\""),
    ("require_auth=scram-sha-256", "fail", "authentication method requirement failed"),
];

fn every_walk(name: &str, server: &Postgres, run: impl Fn(&str) -> Output) {
    for (parameters, expected, part) in WALKS {
        let parameters = parameters.replace("{port}", &server.port().to_string());
        let conninfo = conninfo(server, "anyuser", &parameters);
        let (told, heard) = said(&run(&conninfo));
        let outcome = told.trim_end().strip_suffix(": SELECT 1 is 1").unwrap_or("fail");
        assert_eq!(outcome, *expected, "{name} \"{conninfo}\": {told}{heard}");
        assert!(heard.contains(part), "{name} \"{conninfo}\": {heard}");
    }
}

const WRONG: &str = "password authentication failed for user";
const NO_CERTIFICATE: &str = "connection requires a valid client certificate";

/// Passwords and client certificates: user, parameters, the password of the program's callback, outcome, and a part of the error.
/// `{silent}` is the port of a server that never answers.
const LOGINS: &[(&str, &str, &str, &str, &str)] = &[
    ("passworduser", "sslmode=require", PASSWORD, "ssl", ""),
    ("md5user", "sslmode=require", PASSWORD, "ssl", ""),
    ("md5user", "sslmode=require", "incorrect horse", "fail", WRONG),
    ("scramuser", "sslmode=disable", PASSWORD, "plain", ""),
    ("scramuser", "sslmode=disable", "incorrect horse", "fail", WRONG),
    ("scramuser", "sslmode=disable", "", "fail", "no password supplied"),
    ("scramuser", "sslmode=require channel_binding=require", PASSWORD, "ssl", ""),
    ("scramuser", "sslmode=require channel_binding=disable", PASSWORD, "ssl", ""),
    (
        "scramuser",
        "sslmode=verify-full sslrootcert={folder}/root.crt channel_binding=require",
        PASSWORD,
        "ssl",
        "",
    ),
    ("scramuser", "sslmode=disable channel_binding=require", PASSWORD, "fail", "channel binding required"),
    ("manyuser", "sslmode=require", PASSWORD, "ssl", ""),
    // The callback comes last.
    ("scramuser", "sslmode=require password=incorrect", PASSWORD, "fail", WRONG),
    ("scramuser", "sslmode=require passfile={folder}/passwords", "", "ssl", ""),
    ("scramuser", "sslmode=require passfile={folder}/wide", PASSWORD, "ssl", "has group or world access"),
    ("scramuser", "hostaddr='' port=1,{port} host=localhost,localhost sslmode=require", PASSWORD, "ssl", ""),
    (
        "scramuser",
        "hostaddr='' port={silent},{port} host=127.0.0.1,localhost sslmode=require connect_timeout=2",
        PASSWORD,
        "ssl",
        "",
    ),
    (
        "scramuser",
        "hostaddr='' port={silent} host=127.0.0.1 connect_timeout=2",
        PASSWORD,
        "fail",
        "timeout expired",
    ),
    (
        "scramuser",
        "sslmode=require target_session_attrs=standby",
        PASSWORD,
        "fail",
        "not in hot standby mode",
    ),
    ("certuser", "sslmode=require sslcert={folder}/client.crt sslkey={folder}/client.key", "", "ssl", ""),
    ("certuser", "sslmode=require", "", "fail", NO_CERTIFICATE),
    (
        "certuser",
        "sslmode=require sslcertmode=disable sslcert={folder}/client.crt sslkey={folder}/client.key",
        "",
        "fail",
        NO_CERTIFICATE,
    ),
    (
        "anyuser",
        "sslmode=require sslcertmode=require sslcert={folder}/client.crt sslkey={folder}/client.key",
        "",
        "ssl",
        "",
    ),
    ("anyuser", "sslmode=require sslcertmode=require", "", "fail", "no client certificate was sent"),
    ("certuser", "sslmode=require sslcert={folder}/client.crt sslkey={folder}/key.sec1", "", "ssl", ""),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.crt sslkey={folder}/key.encrypted sslpassword=opensesame",
        "",
        "ssl",
        "",
    ),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.crt sslkey={folder}/key.encrypted sslpassword=wrong",
        "",
        "fail",
        "could not load private key file",
    ),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.crt sslkey={folder}/missing.key",
        "",
        "fail",
        "certificate present, but its private key file",
    ),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.crt sslkey={folder}/root.crt",
        "",
        "fail",
        "has group or world access",
    ),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.crt sslkey={folder}/server.key",
        "",
        "fail",
        "does not match private key file",
    ),
    (
        "certuser",
        "sslmode=require sslcert={folder}/client.key",
        "",
        "fail",
        "could not read certificate file",
    ),
    // prefer goes on without TLS after a file that cannot be used, as libpq does.
    ("nossluser", "sslmode=prefer sslcert={folder}/client.crt sslkey={folder}/missing.key", "", "plain", ""),
];

/// Runs all of [`LOGINS`]. The TLS engine of the program shows, or does not, whether the server requested a certificate.
fn every_login(name: &str, server: &Postgres, shows_request: bool, program: impl Fn() -> Command) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = (silent.local_addr().unwrap().port().to_string(), silent);
    write_secrets(server.folder());
    for (user, parameters, password, expected, part) in LOGINS {
        let ports = parameters.replace("{port}", &server.port().to_string()).replace("{silent}", &silent.0);
        let conninfo = conninfo(server, user, &ports);
        let mut command = program();
        if !password.is_empty() {
            command.env("APP_PASSWORD", password);
        }
        let (told, heard) = said(&output(command.arg(&conninfo), LIMIT));
        let outcome = told.trim_end().strip_suffix(": SELECT 1 is 1").unwrap_or("fail");
        if !shows_request && parameters.contains("sslcertmode=require") {
            assert_eq!(outcome, "fail", "{name} \"{conninfo}\": {told}{heard}");
            assert!(heard.contains("sslcertmode=require"), "{name} \"{conninfo}\": {heard}");
            continue;
        }
        assert_eq!(outcome, *expected, "{name} \"{conninfo}\": {told}{heard}");
        assert!(heard.contains(part), "{name} \"{conninfo}\": {heard}");
        assert!(!heard.contains(PASSWORD), "{name} \"{conninfo}\": {heard}");
    }
}

/// A password file, one that others can read, and the client's key in other forms.
fn write_secrets(folder: &Path) {
    let write = |name: &str, mode: u32| {
        fs::write(folder.join(name), format!("*:*:*:*:{PASSWORD}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    write("passwords", 0o600);
    write("wide", 0o644);
    for (name, options) in [
        ("key.sec1", &["ec"][..]),
        ("key.encrypted", &["pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:opensesame"]),
    ] {
        let mut openssl = clean("openssl".as_ref());
        openssl.args(options).arg("-in").arg(folder.join("client.key")).arg("-out").arg(folder.join(name));
        let ended = output(&mut openssl, LIMIT);
        assert!(ended.status.success(), "{:?}", said(&ended));
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A program in C, linked with the static library: valgrind then sees all of it.
fn compile(source: &Path, folder: &Path) -> Option<PathBuf> {
    let program = folder.join("program");
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]);
    command.arg(format!("-I{}", sources().join("include").display()));
    command.arg(source).arg(library("a"));
    command.args(["-lssl", "-lcrypto", "-lpthread", "-ldl", "-lm"]).arg("-o").arg(&program);
    if !has("cc") {
        skip("C", "there is no compiler");
        return None;
    }
    let ended = output(&mut command, LIMIT);
    assert!(ended.status.success(), "{:?}", said(&ended));
    Some(program)
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pgtls-ffi")
}

/// The library, built from the code as it is now.
fn library(extension: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = ["build", "--quiet", "--package", "pgtls-ffi"];
        assert!(Command::new(cargo).args(build).status().unwrap().success(), "pgtls-ffi does not build");
        // This test is target/<profile>/deps/suite-<hash>.
        env::current_exe().unwrap().ancestors().nth(3).unwrap().join("debug")
    });
    folder.join("libpgtls_ffi").with_extension(extension)
}

/// Nothing of the person who runs the tests gets in.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    let path = env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
    command
}

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// What valgrind complains of, one after the other: lines that begin with `==`, up to an empty one.
fn records(text: &str) -> impl Iterator<Item = String> {
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("==")?.split_once("== ").map(|(_, line)| line));
    let text: String = lines.map(|line| line.to_owned() + "\n").collect();
    text.split("\n\n")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|record| record.contains("at 0x"))
}

#[test]
fn complaints_of_valgrind_are_told_apart() {
    let text = "==1== Command: pgtls\n==1== \n==1== Invalid read\n==1==    at 0x1: a\n==1==    by 0x2: pgtls_b\n\
                ==1== \n==1== 5 bytes are lost\n==1==    at 0x1: malloc\nnot of valgrind\n==1==    by 0x2: c\n";
    let found: Vec<_> = records(text).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("pgtls_b") && !found[1].contains("pgtls"), "{found:?}");
}
