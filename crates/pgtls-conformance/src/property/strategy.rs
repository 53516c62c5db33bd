//! Strategies: what a client may be told, and what may be done to it.
//!
//! Each can be used alone. What comes first in a list is the simplest, and what counterexamples are shrunk to.

use crate::{
    pki::{Kind, NAMED, Pki},
    scenario::{HomeFile, Place, ServerRow, Situation, Source},
    server::{Behaviour, Chunks, Script},
};
use core::{fmt::Write as _, num::NonZeroU16};
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any},
    sample::select,
    strategy::Union,
};
use std::sync::LazyLock;

/// Any situation: a server, a connection string, an environment, files in the home directory.
pub fn situation() -> impl Strategy<Value = Situation> {
    (in_process(), environment(), files()).prop_map(|(situation, environment, files)| Situation {
        environment,
        files,
        ..situation
    })
}

/// The same with an empty environment and an empty home directory: all that a driver needs which lives in the test's own
/// process.
pub fn in_process() -> impl Strategy<Value = Situation> {
    (script(), host(), parameters()).prop_map(|(script, host, parameters)| Situation {
        servers: vec![ServerRow { place: Place::default(), script }],
        conninfo: conninfo(&host, &parameters),
        ..Situation::default()
    })
}

/// A host name to connect to; the server has one address, whatever its name.
pub fn host() -> impl Strategy<Value = String> {
    select(
        &["db.test", "DB.test", "other.test", "a.wild.test", "a.b.wild.test", "localhost", "127.0.0.1"][..],
    )
    .prop_map(str::to_owned)
}

/// Settings of a connection string, some of them twice.
pub fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(select(PARAMETERS), 0..6).prop_map(owned)
}

/// Variables of the environment.
pub fn environment() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(select(VARIABLES), 0..3).prop_map(owned)
}

/// Files below the home directory, some of them wrong.
pub fn files() -> impl Strategy<Value = Vec<HomeFile>> {
    vec(select(FILES), 0..3).prop_map(|groups| {
        let mut files: Vec<HomeFile> = Vec::new();
        for (path, from, mode) in groups.into_iter().flatten().copied() {
            files.retain(|file| file.path != path);
            let source = Source::Pki(from.to_owned());
            files.push(HomeFile { mode: Some(mode), ..HomeFile::new(path, source) });
        }
        files
    })
}

/// What a server does on its connections.
pub fn script() -> impl Strategy<Value = Script> {
    vec(behaviour(), 1..4).prop_map(|mut behaviours| {
        let rest = behaviours.pop().unwrap_or_default();
        Script::sequence(behaviours, rest)
    })
}

/// What a server does on one connection.
#[expect(clippy::missing_panics_doc, reason = "a test tries every name with every setting")]
pub fn behaviour() -> impl Strategy<Value = Behaviour> {
    let settings = (option::weighted(0.5, certificate()), vec(select(SETTINGS), 0..3), chunks());
    (named(), settings).prop_map(|(name, (certificate, settings, chunks))| {
        let script = Script::from_words(&[(name, settings)]);
        let mut behaviour = script.expect("a test tries every name with every setting").behaviour(0).clone();
        if let Some(certificate) = certificate {
            behaviour.tls.certificate = certificate;
        }
        behaviour.chunks = chunks;
        behaviour
    })
}

/// The server's certificate: one of the PKI, or one that names a few hosts.
pub fn certificate() -> impl Strategy<Value = String> {
    let animals: Vec<String> = ANIMALS.clone();
    Union::new([select(animals).boxed(), certificate_names().boxed()])
}

/// A certificate with these names, as `certificate` of a script has it: `named:CN,dns=HOST,ip=ADDRESS`.
pub fn certificate_names() -> impl Strategy<Value = String> {
    let common_name = select(&["db.test", "", "*.test", "other.test", "127.0.0.1"][..]);
    let alternative = select(
        &[
            "dns=db.test",
            "dns=DB.TEST",
            "dns=*.test",
            "dns=*.wild.test",
            "dns=*.b.wild.test",
            "dns=d*.test",
            "dns=*",
            "dns=other.test",
            "dns=127.0.0.1",
            "ip=127.0.0.1",
            "ip=::1",
        ][..],
    );
    (common_name, vec(alternative, 0..3)).prop_map(|(common_name, names)| {
        let mut word = format!("{NAMED}{common_name}");
        for name in names {
            word.push(',');
            word.push_str(name);
        }
        word
    })
}

/// Where the bytes of a server are cut.
pub fn chunks() -> impl Strategy<Value = Chunks> {
    vec(1..200_u16, 0..4).prop_map(|sizes| Chunks::new(sizes.into_iter().filter_map(NonZeroU16::new)))
}

/// When an attempt is given up, in polls: see [`given_up_after`](super::given_up_after).
pub fn cancellation() -> impl Strategy<Value = u32> {
    1..40_u32
}

/// The same situations, given up at some point.
pub fn cancelled(situations: impl Strategy<Value = Situation>) -> impl Strategy<Value = Situation> {
    (situations, cancellation()).prop_map(|(situation, polls)| Situation { cancel: Some(polls), ..situation })
}

/// A name of a behaviour. Servers that answer late, or never, are for tests with much time; what one sees that speaks first
/// depends on how soon the client hangs up.
fn named() -> impl Strategy<Value = &'static str> {
    let mut names = vec!["ok"];
    names.extend(
        Behaviour::names()
            .filter(|name| !["ok", "hang", "accept-late", "slow", "speaks-first", "tls13"].contains(name)),
    );
    // Most servers are honest.
    (any::<bool>(), select(names)).prop_map(|(honest, name)| if honest { "ok" } else { name })
}

/// Keys below 2048 bits of RSA are beyond the reference.
static ANIMALS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = Pki::open().names(Kind::Server);
    let mut animals = vec!["good".to_owned()];
    animals.extend(
        names.into_iter().filter(|name| !name.contains("1024") && *name != "good").map(str::to_owned),
    );
    animals
});

fn owned(groups: Vec<&'static [(&'static str, &'static str)]>) -> Vec<(String, String)> {
    let pairs = groups.into_iter().flatten();
    pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A connection string that leads to the first server.
fn conninfo(host: &str, parameters: &[(String, String)]) -> String {
    let mut out = format!("host={host} hostaddr=127.0.0.1 port={{port}} user=zoo dbname=zoodb");
    for (name, value) in parameters {
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        // Writing to a string does not fail.
        let _ = write!(out, " {name}='{quoted}'");
    }
    out
}

type Pairs = &'static [(&'static str, &'static str)];

/// Settings that belong together come together.
const PARAMETERS: &[Pairs] = &[
    &[("sslmode", "disable")],
    &[("sslmode", "allow")],
    &[("sslmode", "prefer")],
    &[("sslmode", "require")],
    &[("sslmode", "verify-ca")],
    &[("sslmode", "verify-full")],
    &[("sslmode", "verify-full"), ("sslrootcert", "{pki}/ca/root.crt")],
    &[("sslmode", "verify-ca"), ("sslrootcert", "{pki}/ca/root.crt")],
    &[("sslmode", "require"), ("sslnegotiation", "direct")],
    &[("sslnegotiation", "direct")],
    &[("sslrootcert", "{pki}/ca/root.crt")],
    &[("sslrootcert", "{pki}/ca/root2.crt")],
    &[("sslrootcert", "{home}/missing.crt")],
    &[("sslrootcert", "system")],
    &[("sslcrl", "{pki}/crl/root+inter.crl")],
    &[("sslcert", "{pki}/cli/good.crt"), ("sslkey", "{pki}/cli/good.key")],
    &[("sslcert", "{pki}/cli/good.crt"), ("sslkey", "{pki}/cli/expired.key")],
    &[("sslcert", "{pki}/cli/expired.crt"), ("sslkey", "{pki}/cli/expired.key")],
    &[("sslcert", "{pki}/cli/good.crt"), ("sslkey", "{home}/missing.key")],
    &[("sslcert", "{home}/missing.crt")],
    &[("sslcertmode", "disable")],
    &[("sslcertmode", "require")],
    &[("sslsni", "0")],
    &[("ssl_min_protocol_version", "TLSv1.3")],
    &[("ssl_max_protocol_version", "TLSv1.2")],
    &[("password", "secret")],
    &[("password", "wrong")],
    &[("channel_binding", "disable")],
    &[("channel_binding", "require")],
    &[("password", "secret"), ("channel_binding", "require")],
    &[("require_auth", "none")],
    &[("require_auth", "scram-sha-256")],
    &[("require_auth", "!password")],
    &[("application_name", "it's a test")],
    &[("options", "-c a=b\\ c")],
    &[("sslmode", "nonsense")],
    &[("gssencmode", "disable")],
];

const VARIABLES: &[Pairs] = &[
    &[("PGSSLMODE", "disable")],
    &[("PGSSLMODE", "require")],
    &[("PGSSLMODE", "verify-full")],
    &[("PGSSLROOTCERT", "{pki}/ca/root.crt")],
    &[("PGSSLCERT", "{pki}/cli/good.crt"), ("PGSSLKEY", "{pki}/cli/good.key")],
    &[("PGSSLNEGOTIATION", "direct")],
    &[("PGSSLCERTMODE", "disable")],
    &[("PGSSLSNI", "0")],
    &[("PGSSLMAXPROTOCOLVERSION", "TLSv1.2")],
    &[("PGPASSWORD", "secret")],
    &[("PGCHANNELBINDING", "require")],
    &[("PGREQUIREAUTH", "scram-sha-256")],
    &[("PGAPPNAME", "from the environment")],
    &[("PGSSLMODE", "")],
];

type Files = &'static [(&'static str, &'static str, u32)];

const FILES: &[Files] = &[
    &[(".postgresql/root.crt", "ca/root.crt", 0o644)],
    &[(".postgresql/root.crt", "ca/root2.crt", 0o644)],
    &[(".postgresql/root.crt", "ca/root.crt", 0o644), (".postgresql/root.crl", "crl/root+inter.crl", 0o644)],
    &[
        (".postgresql/postgresql.crt", "cli/good.crt", 0o644),
        (".postgresql/postgresql.key", "cli/good.key", 0o600),
    ],
    &[
        (".postgresql/postgresql.crt", "cli/good.crt", 0o644),
        (".postgresql/postgresql.key", "cli/good.key", 0o644),
    ],
    &[(".postgresql/postgresql.crt", "cli/good.crt", 0o644)],
    &[(".postgresql/root.crt", "cli/good.key", 0o644)],
];

const SETTINGS: &[(&str, &str)] = &[
    ("client_certificate", "optional"),
    ("client_certificate", "required"),
    ("client_certificate", "verify"),
    ("max_version", "TLSv1.2"),
    ("suites", "aes-gcm"),
    ("plain", "authfail"),
    ("encrypted", "authfail"),
    ("plain", "scram-plus"),
    ("encrypted", "scram-plus"),
    ("encrypted", "md5"),
    ("encrypted", "cleartext"),
    ("encrypted", "scram"),
    ("encrypted", "fail-after-ok"),
    ("encrypted", "error:57P03"),
    ("encrypted", "cert"),
    ("alpn", "none"),
    ("sslrequest", "reject"),
    ("sslrequest", "accept+extra"),
    ("gssencrequest", "accept"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_takes_every_setting() {
        for name in Behaviour::names() {
            for setting in SETTINGS {
                // No server has a highest version below its lowest.
                if name != "tls13" {
                    Script::from_words(&[(name, vec![*setting])]).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_files_are_in_the_pki() {
        let folder = tempfile::tempdir().unwrap();
        Pki::open().write_to(folder.path()).unwrap();
        let named =
            PARAMETERS.iter().chain(VARIABLES).flat_map(|pairs| pairs.iter().map(|(_, value)| *value));
        let named = named.filter_map(|value| value.strip_prefix("{pki}/"));
        for file in named.chain(FILES.iter().flat_map(|files| files.iter().map(|(_, from, _)| *from))) {
            assert!(folder.path().join(file).is_file(), "{file}");
        }
    }

    #[test]
    fn a_single_strategy_can_be_sampled() {
        use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
        let mut runner = TestRunner::deterministic();
        for _ in 0..200 {
            let situation = situation().new_tree(&mut runner).unwrap().current();
            assert!(!situation.servers.is_empty() && situation.conninfo.contains("{port}"));
        }
    }
}
