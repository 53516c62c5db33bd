//! Our reading of random parameters against that of the libpq which is installed.

use super::{libpq::Libpq, table};
use crate::support::{divergences::Divergences, skip};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, EncodingFault, KEYWORDS, ParamErrorKind, Params, Settings},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};

/// Strings that are parsed.
const STRINGS: usize = 10_000;

/// Sets of parameters that are checked.
const SETS: usize = 2_000;

#[test]
fn strings_are_read_as_libpq_reads_them() {
    let libpq = match Libpq::compile() {
        Ok(libpq) => libpq,
        Err(reason) => return skip("comparing strings with libpq", &reason),
    };
    let mut strings = generate(string(&libpq), STRINGS);
    strings.extend(table::cases().into_iter().filter_map(|case| case.conninfo));
    strings.retain(|text| can_be_asked(&libpq, text));

    let mut divergences = Divergences::of("libpq");
    let (mut accepted, mut refused, mut faults) = (0, 0, Vec::new());
    for (text, theirs) in strings.iter().zip(libpq.parse(&strings)) {
        let ours = Settings::parse(text);
        let agree = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                accepted += 1;
                let equal = |setting: &pgtls_core::param::Setting| {
                    theirs.get(setting.keyword).is_some_and(|value| value == setting.value.as_bytes())
                };
                ours.iter().count() == theirs.len() && ours.iter().all(equal)
            }
            (Err(_), Err(_)) => {
                refused += 1;
                true
            }
            (Err(error), Ok(_)) => {
                let not_utf8 =
                    matches!(*error.kind, ParamErrorKind::Encoding { fault: EncodingFault::Utf8, .. });
                not_utf8 && divergences.explains("uri/not-utf8", "accept", "refuse")
            }
            (Ok(_), Err(_)) => false,
        };
        if !agree {
            faults.push(format!("{text:?}:\n  libpq: {theirs:?}\n  we: {ours:?}"));
        }
    }
    assert!(faults.is_empty(), "{} strings:\n{}", faults.len(), faults.join("\n"));
    let all = strings.len();
    assert!(all / 5 < accepted && all / 5 < refused, "{accepted} of {all} accepted and {refused} refused");
    divergences.finish();
}

/// What this libpq reads by the same rules: nothing that is cut at a NUL byte, no parameter of a later version, and
/// before PostgreSQL 18, which began to trim them, no URI with spaces.
fn can_be_asked(libpq: &Libpq, text: &str) -> bool {
    let known = |name: &str| libpq.keywords.iter().any(|keyword| keyword == name);
    let is_uri = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let newer = KEYWORDS.iter().any(|keyword| text.contains(keyword.name) && !known(keyword.name));
    let trimmed = is_uri && text.contains(' ') && libpq.version < 180_000;
    !text.contains('\0') && !newer && !trimmed
}

/// As many texts as asked for.
fn generate(strategy: impl Strategy<Value = String>, count: usize) -> Vec<String> {
    let mut runner = TestRunner::default();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Connection strings of both kinds, near to what is correct.
fn string(libpq: &Libpq) -> impl Strategy<Value = String> + use<> {
    prop_oneof![4 => conninfo(libpq), 5 => uri(libpq), 1 => text()]
}

fn conninfo(libpq: &Libpq) -> impl Strategy<Value = String> + use<> {
    let blank = || select(vec!["", "", "", " ", "\t\n"]);
    let plain = text().prop_map(|text| text.replace([' ', '\t', '\n'], ""));
    let escaped = text().prop_map(|text| text.chars().flat_map(|c| ['\\', c]).collect());
    let quoted = text().prop_map(|text| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")));
    let nearly_quoted = text().prop_map(|text| format!("'{text}'"));
    let value = prop_oneof![3 => plain, 2 => quoted, 1 => escaped, 1 => nearly_quoted, 1 => text()];
    let setting = (
        name(libpq),
        blank(),
        select(vec!["=", "=", "=", "=", "=", "=", "=", ""]),
        blank(),
        value,
        select(vec![" ", " ", "\n", ""]),
    )
        .prop_map(|(name, before, equals, after, value, end)| {
            format!("{name}{before}{equals}{after}{value}{end}")
        });
    vec(setting, 0..4).prop_map(|settings| settings.concat())
}

fn uri(libpq: &Libpq) -> impl Strategy<Value = String> + use<> {
    let some = |strategy: BoxedStrategy<String>| prop_oneof![1 => Just(String::new()), 2 => strategy];
    let user = (part(), some(part().prop_map(|password| format!(":{password}")).boxed()))
        .prop_map(|(user, password)| format!("{user}{password}@"));
    let host = prop_oneof![3 => part().boxed(), 1 => Just("[::1]".to_owned()).boxed(), 1 => text().prop_map(|text| format!("[{text}]")).boxed()];
    let host = (host, some(part().prop_map(|port| format!(":{port}")).boxed()))
        .prop_map(|(host, port)| host + &port);
    let hosts = vec(host, 1..4).prop_map(|hosts| hosts.join(","));
    let path = some(part().prop_map(|path| format!("/{path}")).boxed());
    let parameter = (
        name(libpq),
        select(vec!["=", "=", "=", "=", "=", ""]),
        prop_oneof![3 => part().boxed(), 1 => Just("true".to_owned()).boxed()],
    )
        .prop_map(|(name, equals, value)| format!("{name}{equals}{value}"));
    let query =
        some(vec(parameter, 0..3).prop_map(|parameters| format!("?{}", parameters.join("&"))).boxed());
    let scheme = select(vec!["postgres://", "postgresql://", "postgresql://", "postgresql:/"]);
    (scheme, some(user.boxed()), hosts, path, query)
        .prop_map(|(scheme, user, hosts, path, query)| format!("{scheme}{user}{hosts}{path}{query}"))
}

/// Mostly known names, and those that are known in one place and not in the other.
fn name(libpq: &Libpq) -> impl Strategy<Value = String> + use<> {
    let known = select(libpq.keywords.clone());
    let special =
        select(vec!["requiressl", "ssl", "nosuch", "SSLMODE", "", "ssl%6Dode"]).prop_map(str::to_owned);
    prop_oneof![20 => known, 2 => special, 1 => text()]
}

/// A part of a URI: mostly well encoded.
fn part() -> impl Strategy<Value = String> {
    let encoded = any::<u8>().prop_map(|byte| format!("%{byte:02X}"));
    let letter = proptest::char::range('a', 'e').prop_map(String::from);
    let piece = prop_oneof![12 => letter, 3 => encoded, 1 => text()];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Texts with a liking for what has a meaning.
fn text() -> impl Strategy<Value = String> {
    let special =
        select(vec![' ', '\t', '\n', '\'', '\\', '=', '%', '&', '?', '/', ':', '@', '[', ']', ',', '#', 'ä']);
    vec(prop_oneof![1 => special, 3 => proptest::char::range('a', 'e')], 0..6).prop_map(String::from_iter)
}

/// Parameters that are checked before any connection, and values for them, most of them right. Those are left out whose
/// checks depend on how libpq was built.
const CHECKED: &[(&str, &[&str])] = &[
    ("host", &["{nowhere}", "{nowhere},{nowhere}"]),
    ("hostaddr", &["", "x", "x,x"]),
    ("port", &["1", "", "1,2", "x"]),
    (
        "require_auth",
        &[
            "",
            "none",
            "md5,password",
            "!md5",
            "md5,md5",
            "md5,!none",
            "!md5,none",
            "x",
            "md5,",
            "scram-sha-256",
        ],
    ),
    ("channel_binding", &["disable", "prefer", "require", "", "Prefer"]),
    ("sslmode", &["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "", "verify"]),
    ("sslnegotiation", &["postgres", "postgres", "direct", "", "x"]),
    ("sslrootcert", &["", "/x", "{system}", "{system}"]),
    ("ssl_min_protocol_version", &["", "TLSv1", "tlsv1.1", "TLSv1.2", "TLSv1.3", "TLSv1.0"]),
    ("ssl_max_protocol_version", &["", "TLSv1", "tlsv1.1", "TLSv1.2", "TLSv1.3", "x"]),
    ("sslcertmode", &["disable", "allow", "require", "", "prefer"]),
    ("gssencmode", &["disable", "disable", "disable", "", "x"]),
    ("target_session_attrs", &["any", "read-write", "prefer-standby", "standby", "", "x"]),
    ("scram_client_key", &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "x", "", "YWJj", "AAA=AAAA"]),
    ("scram_server_key", &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AA=A", "====", "AA"]),
    ("load_balance_hosts", &["disable", "random", "", "x"]),
    ("min_protocol_version", &["3.0", "3.2", "latest", "", "3.1"]),
    ("max_protocol_version", &["3.0", "3.2", "latest", "", "4"]),
];

/// Words of messages by which it is known what a message is about; the first that is found counts.
const TOPICS: &[&str] = &[
    "hostaddr values",
    "port numbers",
    "sslnegotiation=direct",
    "sslrootcert=system",
    "SSL protocol version range",
    "greater than",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "require_auth",
    "channel_binding",
    "sslnegotiation",
    "sslcertmode",
    "sslmode",
    "gssencmode",
    "target_session_attrs",
    "client",
    "server",
    "load_balance_hosts",
];

#[test]
fn the_first_fault_is_the_one_that_libpq_reports() {
    let libpq = match Libpq::compile() {
        Ok(libpq) => libpq,
        Err(reason) => return skip("comparing checks with libpq", &reason),
    };
    let sets = generate(checked(&libpq), SETS);
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("me".to_owned());
    let mut refused = 0;
    for (text, message) in sets.iter().zip(libpq.connect(&sets)) {
        let settings = Settings::parse(text).unwrap();
        let ours = Params::resolve(&settings, None, &environment, Ability::default());
        let ours = ours.map_err(|error| error.to_string());
        // It got as far as a host.
        let tried = ["connection to server", "could not parse network address", "invalid integer value"];
        let theirs =
            if tried.iter().any(|words| message.starts_with(words)) { None } else { Some(topic(&message)) };
        assert_eq!(
            ours.as_ref().err().map(|error| topic(error)),
            theirs,
            "{text}\n  libpq: {message}\n  we: {ours:?}"
        );
        refused += usize::from(theirs.is_some());
    }
    assert!(SETS / 5 < refused && refused < SETS * 19 / 20, "{refused} of {SETS} are refused");
}

#[track_caller]
fn topic(message: &str) -> &'static str {
    TOPICS
        .iter()
        .find(|words| message.contains(*words))
        .unwrap_or_else(|| panic!("what is this about? {message}"))
}

/// A few of the parameters that this libpq knows.
fn checked(libpq: &Libpq) -> impl Strategy<Value = String> + use<> {
    let known: Vec<_> = CHECKED.iter().filter(|(name, _)| libpq.keywords.iter().any(|k| k == name)).collect();
    let nowhere = libpq.nowhere().to_str().unwrap().to_owned();
    let system = if libpq.version >= 160_000 { "system" } else { "/x" };
    subsequence(known, 1..6)
        .prop_flat_map(|chosen| {
            chosen
                .into_iter()
                .map(|(name, values)| select(*values).prop_map(move |value| format!("{name}='{value}'")))
                .collect::<Vec<_>>()
        })
        .prop_map(move |settings| {
            // Without a host the machine's own server may answer.
            let settings = format!("user=u host={{nowhere}} {}", settings.join(" "));
            settings.replace("{nowhere}", &nowhere).replace("{system}", system)
        })
}
