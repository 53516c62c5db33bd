//! GSSAPI encryption: the scripted embedder does what a libpq with Kerberos was recorded to do, and what the core's third
//! method leads to when a session comes about.
//!
//! The recordings are the group `gss` of the conformance kit.

mod session;

use pgtls_conformance::{
    client::{Attempt, ClientUnderTest},
    judge::{ClientClaim, Difference},
    runner::{Runner, ScenarioResult},
    scenario::{Libpq, Outcome},
    scenarios,
};
use pgtls_core::{
    environment::{Environment, Platform},
    negotiation::Encryption,
    param::{Params, Settings},
};
use pgtls_embedder::{CredentialCache, Forged, ability, connect};
/// How many run at a time.
const JOBS: usize = 2;

/// Who is asked what: both were built with Kerberos, each with a default of its own for `gssencmode`. The older one goes
/// other ways where that is given.
const RECORDED: [(Libpq, &str, &str); 2] =
    [(Libpq::V18, "disable", "gss/"), (Libpq::V15, "prefer", "gss/unset/")];

#[test]
fn the_embedder_does_what_libpq_was_recorded_to_do() {
    let all = scenarios();
    let bench = Runner::new().unwrap();
    for (libpq, default, group) in RECORDED {
        let scenarios: Vec<_> = all.iter().filter(|scenario| scenario.id.starts_with(group)).collect();
        assert!(scenarios.len() > 20, "only {} scenarios", scenarios.len());
        let verdicts = bench.run_all(&scenarios, &Embedder { default }, libpq, JOBS, &|_, _| {}).unwrap();
        for (scenario, verdict) in scenarios.iter().zip(&verdicts) {
            let id = format!("{} as libpq {}", scenario.id, libpq.number());
            assert!(matches!(verdict, ScenarioResult::Judged { .. }), "{id}: {verdict:#?}");
            let mut differences = verdict.differences().to_vec();
            // Before version 17 libpq offered no protocol.
            differences.retain(|difference| libpq == Libpq::V18 || *difference != Difference::Alpn);
            assert_eq!(differences, [] as [Difference; 0], "{id}: {verdict:#?}");
        }
    }
}

/// The embedder, with the `gssencmode` that it was built with.
struct Embedder {
    default: &'static str,
}

impl ClientUnderTest for Embedder {
    fn connect(&self, attempt: &Attempt) -> ClientClaim {
        embedder(attempt, self.default)
    }

    fn has_gss(&self) -> bool {
        true
    }
}

fn embedder(attempt: &Attempt, default: &str) -> ClientClaim {
    let mut environment = Environment::empty(Platform::Unix).with_variable("PGGSSENCMODE", default);
    for (name, value) in &attempt.environment {
        environment = environment.with_variable(name, value);
    }
    let cache = attempt.variable("KRB5CCNAME").expect("every scenario has a credential cache");
    let settings = Settings::parse(&attempt.conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, ability()).unwrap();
    match connect(&params, &environment, &Forged::new(Some(cache))).unwrap().session {
        Ok(encryption) => ClientClaim::Connected(Some(match encryption {
            Encryption::Plain => Outcome::Plain,
            Encryption::Ssl => Outcome::Ssl,
            Encryption::Gss => Outcome::Gss,
        })),
        Err(errors) => ClientClaim::Failed(Some(errors.join("\n"))),
    }
}

#[test]
fn a_credential_cache_is_read_whole_or_not_at_all() {
    let cache = forged();
    assert_eq!(CredentialCache::parse(&cache).unwrap().principal(), "zoo@PKI.TEST");
    for length in 0..cache.len() {
        assert_eq!(CredentialCache::parse(&cache[..length]), None, "{length} bytes");
    }
    assert_eq!(CredentialCache::parse(&[&[5, 3], &cache[2..]].concat()), None, "another version");
}

/// A credential cache with a ticket-granting ticket that nobody has issued.
fn forged() -> Vec<u8> {
    let data = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let principal = |kind: u32, components: &[&str]| {
        let count = u32::try_from(components.len()).unwrap();
        let components = components.iter().flat_map(|component| data(component.as_bytes())).collect();
        [kind.to_be_bytes().to_vec(), count.to_be_bytes().to_vec(), data(b"PKI.TEST"), components].concat()
    };
    let client = principal(1, &["zoo"]);
    let credential = [
        client.clone(),
        principal(2, &["krbtgt", "PKI.TEST"]),
        18_u16.to_be_bytes().to_vec(),
        data(&[0x6b; 32]),
        // Times, flags, neither addresses nor authorization data.
        vec![0; 4 * 4 + 1 + 4 + 4 + 4],
        data(b"ticket"),
        data(b""),
    ];
    [vec![5, 4, 0, 0], client, credential.concat()].concat()
}
