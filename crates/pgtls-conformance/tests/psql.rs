//! The scripted server against the real psql: what psql says, and what the server saw, must be what PostgreSQL's
//! documentation of `sslmode` promises. That shows that the server speaks well enough to judge others.

use pgtls_conformance::{
    client::CommandClient,
    pki::Pki,
    runner::Runner,
    scenario::{Libpq, Scenario},
    server::{Behaviour, Channel, ConnectionRecord, Listen, Script, Server},
};
use std::{
    path::Path,
    process::{Command, Output},
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Every test begins with this; psql may be missing where the tests run.
macro_rules! need_psql {
    () => {
        if Command::new("psql").arg("--version").output().is_err() {
            return pgtls_tests::skip("the scripted server and psql", "psql is not installed");
        }
    };
}

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));
static FILES: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    PKI.write_to(dir.path()).expect("the pki is written");
    dir
});

/// What came of one run of psql.
#[derive(Debug)]
struct Run {
    connected: bool,
    stderr: String,
    words: Vec<String>,
    seen: Vec<ConnectionRecord>,
}

/// Runs `psql -c ''` against a server with this script. `{pki}` in `settings` is the folder of the pki's files.
fn psql(script: Script, settings: &str) -> Run {
    let server =
        Server::builder(script, Arc::clone(&PKI)).patience(PATIENCE).start().expect("the server starts");
    psql_at(&server, settings)
}

fn psql_at(server: &Server, settings: &str) -> Run {
    let host = if matches!(server.listen(), Listen::Tcp(_)) { "host=db.test" } else { "" };
    let conninfo = format!(
        "{host} {} user=zoo dbname=zoo gssencmode=disable {}",
        server.listen().conninfo(),
        settings.replace("{pki}", FILES.path().to_str().expect("a path in UTF-8"))
    );
    let Output { status, stderr, .. } = Command::new("psql")
        .args(["--no-psqlrc", "--no-password", "--command", "", &conninfo])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", FILES.path().join("home"))
        .env("LC_ALL", "C")
        .output()
        .expect("psql runs");
    assert!(server.log().settle(PATIENCE * 3), "psql has gone, and so the connections end");
    Run {
        connected: status.success(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        words: server.log().words(),
        seen: server.log().connections(),
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Run {
    /// Channel of the session, if psql connected; both sides must agree.
    #[track_caller]
    fn channel(&self) -> Option<Channel> {
        let channel = self.seen.iter().find_map(|seen| seen.session);
        assert_eq!(channel.is_some(), self.connected, "{self:?}");
        channel
    }
}

fn named(name: &str) -> Script {
    Script::always(Behaviour::named(name).expect("a named behaviour"))
}

const PLAIN: Option<Channel> = Some(Channel::Plain);
const SSL: Option<Channel> = Some(Channel::Ssl);

/// One scenario of so many is run here; `cargo xtask conformance` runs all.
const SAMPLE: usize = 20;

/// What libpq's recordings do not say of psql.
const OF_PSQL: &[(&str, &str)] = &[
    ("conninfo/fallback_app/", "psql gives itself a name, whatever fallback_application_name says"),
    (
        "crl/file/root+inter-delta/good",
        "OpenSSL 3.0 has changed its mind about delta CRLs since the recording",
    ),
];

/// The kit on itself: the real psql does what was recorded of its libpq.
#[test]
fn scenarios() {
    let Some((psql, libpq)) = real_psql() else {
        return pgtls_tests::skip("the kit and psql", "no psql 15 or 18 is installed");
    };
    let bench = Runner::with_pki(Arc::clone(&PKI)).unwrap();
    let arguments = ["--no-psqlrc", "--no-password", "--command", "", "{conninfo}"];
    let client = CommandClient::new(psql, arguments);
    let all = pgtls_conformance::scenarios();
    let judged = |scenario: &&Scenario| !OF_PSQL.iter().any(|(id, _)| scenario.id.starts_with(id));
    let chosen: Vec<_> = all.iter().step_by(SAMPLE).filter(judged).collect();
    let verdicts = bench.run_all(&chosen, &client, libpq, 2, &|_, _| {}).unwrap();
    assert_eq!(verdicts.len(), chosen.len());
    for (scenario, verdict) in chosen.iter().zip(&verdicts) {
        assert_eq!(verdict.differences(), [], "{}: {verdict:#?}", scenario.id);
    }
}

/// psql itself, not what a distribution puts before it, and the libpq that it is recorded with.
fn real_psql() -> Option<(std::path::PathBuf, Libpq)> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let beside = installed.map(|folder| folder.path().join("bin/psql"));
    beside.chain([std::path::PathBuf::from("psql")]).find_map(|psql| {
        let version = Command::new(&psql).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let number = version.split_whitespace().nth(2)?.split('.').next()?.to_owned();
        Some((psql, number.parse().ok()?))
    })
}

/// What psql says of servers that break the rules.
#[test]
fn broken_servers() {
    need_psql!();
    for (behaviour, message) in [
        ("accept-extra", "received unencrypted data after SSL response"),
        ("reject-close", "server closed the connection unexpectedly"),
        ("byte-x", "received invalid response to SSL negotiation: X"),
        ("byte-nul", "received invalid response to SSL negotiation"),
        ("byte-g", "received invalid response to SSL negotiation: G"),
        ("ssl-close", "server closed the connection unexpectedly"),
        ("ssl-reset", "server closed the connection unexpectedly"),
        ("close-at-once", "server closed the connection unexpectedly"),
        ("http", "received invalid response to SSL negotiation: H"),
        ("speaks-first", "received invalid response to SSL negotiation: 2"),
        ("close-after-tls", "closed unexpectedly"),
        ("encrypted-close", "closed"),
        ("starting-up", "FATAL:  the script says 57P03"),
        ("no-database", "the script says 3D000"),
        ("authfail", "no pg_hba.conf entry"),
    ] {
        let run = psql(named(behaviour), "sslmode=prefer");
        assert_eq!(run.channel(), None, "{behaviour}: {run:?}");
        assert!(run.stderr.contains(message), "{behaviour}: {run:?}");
    }
}

/// `N` and more: psql takes what follows for the answer to its startup packet.
#[test]
fn bytes_after_a_refusal_are_the_next_message() {
    need_psql!();
    let run = psql(named("reject-extra"), "sslmode=prefer");
    assert!(run.words.join(" ").starts_with("connect sslreject"), "{run:?}");
}

/// Certificates and root files: `connected` or words of psql's message.
#[test]
fn certificates() {
    need_psql!();
    for (certificate, settings, message) in [
        ("good", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        (
            "wrong-host",
            "sslmode=verify-full sslrootcert={pki}/ca/root.crt",
            "does not match host name \"db.test\"",
        ),
        ("wrong-host", "sslmode=verify-ca sslrootcert={pki}/ca/root.crt", ""),
        ("cn-only", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        ("expired", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("expired", "sslmode=require sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("expired", "sslmode=require", ""),
        ("other-root", "sslmode=verify-ca sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("selfsigned-ca", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("selfsigned-ca", "sslmode=verify-full sslrootcert={pki}/ca/selfsigned-ca.crt", ""),
        ("selfsigned-v1", "sslmode=require", ""),
        ("selfsigned-v1", "sslmode=verify-full sslrootcert={pki}/ca/selfsigned-v1.crt", ""),
        ("v1-leaf", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        ("eku-client", "sslmode=verify-ca sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("nul-san", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", "embedded null"),
        ("ip-badlen", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", "invalid length"),
        ("san-empty-dns", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        (
            "revoked",
            "sslmode=verify-ca sslrootcert={pki}/ca/root.crt sslcrl={pki}/crl/root+inter.crl",
            "certificate verify failed",
        ),
        ("good", "sslmode=verify-ca sslrootcert={pki}/ca/root.crt sslcrl={pki}/crl/root+inter.crl", ""),
        ("key-p384", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        ("key-p521", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        ("key-p521", "sslmode=prefer", ""),
        ("key-rsa-1024", "sslmode=prefer", ""),
        ("key-rsa-1024", "sslmode=require", ""),
        ("key-rsa-1024", "sslmode=verify-ca sslrootcert={pki}/ca/root.crt", "certificate verify failed"),
        ("key-ed25519", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
        ("key-rsa-2048", "sslmode=verify-full sslrootcert={pki}/ca/root.crt", ""),
    ] {
        for version in ["TLSv1.2", "TLSv1.3"] {
            let script = Script::always(Behaviour::default().with_certificate(certificate));
            let run = psql(
                script,
                &format!("{settings} ssl_min_protocol_version={version} ssl_max_protocol_version={version}"),
            );
            assert_eq!(run.connected, message.is_empty(), "{certificate} {settings} {version}: {run:?}");
            assert!(run.stderr.contains(message), "{certificate} {settings} {version}: {run:?}");
            assert_eq!(run.channel().is_some(), message.is_empty());
        }
    }
}

/// rustls alone would refuse these server names; the server takes them as psql sends them.
#[test]
fn server_names_are_taken_as_sent() {
    need_psql!();
    for (host, sni) in [
        ("db.test", Some("db.test")),
        ("DB.Test", Some("DB.Test")),
        ("db.test.", Some("db.test.")),
        ("*.test", Some("*.test")),
        ("dätenbank.test", Some("dätenbank.test")),
        ("a b", Some("a b")),
        ("0x7f.0.0.1", Some("0x7f.0.0.1")),
        ("127.0.0.1", None),
    ] {
        for version in ["TLSv1.2", "TLSv1.3"] {
            for certificates in ["", "sslcert={pki}/cli/good.crt sslkey={pki}/cli/good.key"] {
                let mut behaviour = Behaviour::default();
                behaviour.tls.client_certificate = "optional".parse().unwrap();
                let bounds = format!("ssl_min_protocol_version={version} ssl_max_protocol_version={version}");
                let run = psql(
                    Script::always(behaviour),
                    &format!("host='{host}' sslmode=require {bounds} {certificates}"),
                );
                assert_eq!(run.channel(), SSL, "{host} {version}: {run:?}");
                let hello = run.seen[0].hello.as_ref().unwrap();
                assert_eq!(hello.sni.as_deref(), sni, "{version}");
                assert_eq!(run.seen[0].tls_version.as_deref(), Some(version));
                let subject = (!certificates.is_empty()).then_some("zoo");
                assert_eq!(run.seen[0].client_certificate.as_deref(), subject, "{host} {version}: {run:?}");
            }
        }
    }
}

/// Client certificates as the server asks for them.
#[test]
fn client_certificates() {
    need_psql!();
    let own =
        |name: &str| format!("sslmode=require sslcert={{pki}}/cli/{name}.crt sslkey={{pki}}/cli/{name}.key");
    for (behaviour, settings, subject, message) in [
        ("ok", own("good"), None, ""),
        ("cert-optional", own("good"), Some("zoo"), ""),
        ("cert-optional", "sslmode=require".to_owned(), None, ""),
        ("cert-optional", own("ed25519"), Some("zoo"), ""),
        ("cert-optional", own("p521"), Some("zoo"), ""),
        ("cert-optional", own("rsa"), Some("zoo"), ""),
        ("cert-optional", own("expired"), Some("zoo"), ""),
        ("cert-optional", own("v1"), Some("zoo"), ""),
        ("cert-required", own("good"), Some("zoo"), ""),
        ("cert-required", "sslmode=require".to_owned(), None, "certificate required"),
        ("cert-required-tls12", "sslmode=require".to_owned(), None, "SSL error"),
        ("cert-verify", own("good"), Some("zoo"), ""),
        ("cert-verify", own("v1"), Some("zoo"), ""),
        ("cert-verify", own("eku-server"), None, "unsupported certificate"),
        ("cert-verify", own("unrelated"), None, "unknown ca"),
        ("cert-verify", own("expired"), None, "certificate expired"),
        ("cert-auth", own("good"), Some("zoo"), ""),
        ("cert-auth", "sslmode=require".to_owned(), None, "requires a valid client certificate"),
    ] {
        let run = psql(named(behaviour), &settings);
        assert_eq!(run.connected, message.is_empty(), "{behaviour} {settings}: {run:?}");
        assert!(run.stderr.contains(message), "{behaviour} {settings}: {run:?}");
        assert_eq!(run.seen[0].client_certificate.as_deref(), subject, "{behaviour} {settings}: {run:?}");
    }
}

/// Every way of asking for a password, right and wrong, in clear and inside TLS.
#[test]
fn passwords() {
    need_psql!();
    for (behaviour, mode, password, words, message) in [
        ("cleartext", "disable", "secret", "connect authsent:cleartext-plain authok", ""),
        ("cleartext", "require", "secret", "connect sslaccept authsent:cleartext-ssl authok", ""),
        (
            "cleartext",
            "require",
            "wrong",
            "connect sslaccept authsent:cleartext-ssl authfail",
            "password authentication failed",
        ),
        ("md5", "disable", "secret", "connect authsent:md5-plain authok", ""),
        ("md5", "disable", "wrong", "connect authsent:md5-plain authfail", "password authentication failed"),
        ("scram", "disable", "secret", "connect authsent:SCRAM-SHA-256-plain authok", ""),
        (
            "scram",
            "disable",
            "wrong",
            "connect authsent:SCRAM-SHA-256-plain authfail",
            "password authentication failed",
        ),
        (
            "scram-plus",
            "require",
            "secret",
            "connect sslaccept authsent:SCRAM-SHA-256-PLUS-ssl cbind-ok authok",
            "",
        ),
        ("scram-plus", "disable", "secret", "connect authsent:SCRAM-SHA-256-plain authok", ""),
        (
            "password-thief",
            "prefer",
            "secret",
            "connect sslaccept authfail reconnect authsent:cleartext-plain authok",
            "",
        ),
    ] {
        let run = psql(named(behaviour), &format!("sslmode={mode} password={password}"));
        assert_eq!(run.words.join(" "), words, "{behaviour} {mode} {password}: {run:?}");
        assert_eq!(run.connected, message.is_empty(), "{behaviour} {mode} {password}: {run:?}");
        assert!(run.stderr.contains(message), "{behaviour} {mode} {password}: {run:?}");
        let in_clear = words.contains("cleartext-plain");
        assert_eq!(run.seen.iter().any(|seen| seen.password_in_clear), in_clear, "{behaviour} {mode}");
    }
}

/// The channel binding is right for every kind of signature on the server's certificate.
#[test]
fn channel_binding() {
    need_psql!();
    for (certificate, binding, gs2, connected) in [
        ("good", "require", Some("p=tls-server-end-point"), true),
        ("good", "disable", Some("n"), true),
        ("rsa-root-leaf", "require", Some("p=tls-server-end-point"), true),
    ] {
        let behaviour = Behaviour::named("scram-plus").unwrap().with_certificate(certificate);
        let run = psql(
            Script::always(behaviour),
            &format!("sslmode=require password=secret channel_binding={binding}"),
        );
        assert_eq!(run.connected, connected, "{certificate} {binding}: {run:?}");
        assert_eq!(run.seen[0].gs2.as_deref(), gs2, "{certificate} {binding}: {run:?}");
    }
    let run = psql(named("scram"), "sslmode=require password=secret");
    assert_eq!(run.seen[0].gs2.as_deref(), Some("y"), "TLS, but no PLUS on offer");
}

/// The wrong protocol by ALPN, from a server that should know better: whoever offers one has to object, and psql before
/// version 17 offers none.
#[test]
fn a_protocol_that_was_not_offered_breaks_the_handshake() {
    need_psql!();
    for version in ["TLSv1.2", "TLSv1.3"] {
        let bounds = format!("ssl_min_protocol_version={version} ssl_max_protocol_version={version}");
        let run = psql(named("wrong-alpn"), &format!("sslmode=require {bounds}"));
        let offers = run.seen[0].hello.as_ref().is_some_and(|hello| hello.alpn.is_some());
        assert_eq!(run.channel(), if offers { None } else { SSL }, "{version}: {run:?}");
    }
}

/// Scripts with a turn for each connection: the first is a man in the middle, the second the real server.
#[test]
fn connections_take_turns() {
    need_psql!();
    let script =
        "[[connection]]\nbase = 'accept-close'\n[[connection]]\nbase = 'plain-only'".parse().unwrap();
    let run = psql(script, "sslmode=prefer");
    assert_eq!(run.words, ["connect", "sslaccept", "reconnect", "authok"], "{run:?}");
}

/// A unix socket, by path and abstract.
#[test]
fn unix_sockets() {
    need_psql!();
    let dir = tempfile::tempdir().unwrap();
    for directory in [dir.path().to_str().unwrap().to_owned(), format!("@pgtls-{}", std::process::id())] {
        let listen = Listen::Unix { directory, port: 5433 };
        let server = Server::builder(named("ok"), Arc::clone(&PKI)).listen(listen).start().unwrap();
        let run = psql_at(&server, "sslmode=require");
        assert_eq!(run.words, ["connect", "authok"], "sslmode means nothing here: {run:?}");
        assert_eq!(run.channel(), PLAIN);
    }
    assert!(!Path::new(dir.path()).join(".s.PGSQL.5433").exists(), "the server cleans up");
}

/// What else is written down.
#[test]
fn startup_parameters_are_recorded() {
    need_psql!();
    let run = psql(named("ok"), "sslmode=require application_name=zoo-test");
    let seen = &run.seen[0];
    assert!(seen.startup.contains(&("user".to_owned(), "zoo".to_owned())), "{seen:?}");
    assert!(seen.startup.contains(&("application_name".to_owned(), "zoo-test".to_owned())), "{seen:?}");
    assert_eq!(seen.startup_version.as_deref(), Some("3.0"));
    assert_eq!(seen.startup_channel, SSL);
    assert!(seen.terminated);
    let json: Vec<_> = seen.clear.iter().map(|message| format!("{message:?}")).collect();
    assert_eq!(json, ["SslRequest"]);
}
