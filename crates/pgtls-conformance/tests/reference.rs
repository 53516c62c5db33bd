//! The reference of property tests is held to the recordings of libpq, and to itself.

use pgtls_conformance::{
    Run,
    client::{Attempt, ClientUnderTest},
    judge::ClientClaim,
    property::{Nonconformance, conforms, strategy},
    reference::Reference,
    report::Verdict,
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

/// One recorded scenario of so many is tried; `PGTLS_CONFORMANCE_STEP=1` tries all.
const STEP: usize = 90;
/// Situations that are made up; `PROPTEST_CASES` says otherwise.
const CASES: u32 = 16;

/// It has no environment, for it reads none; but it is no program.
struct Recorded;

impl ClientUnderTest for Recorded {
    fn connect(&self, attempt: &Attempt) -> ClientClaim {
        Reference.connect(attempt)
    }
    fn declines(&self, attempt: &Attempt) -> Option<String> {
        // A relative path is found from the working directory, which all threads of a process share.
        let mut words = attempt.conninfo.split_whitespace().filter_map(|word| word.split_once('='));
        let relative = attempt.conninfo.contains("service")
            || words.any(|(name, value)| {
                ["sslrootcert", "sslcert", "sslkey"].contains(&name)
                    && value.contains('.')
                    && !value.trim_start_matches('\'').starts_with(['/', '~'])
            });
        Reference.declines(attempt).or_else(|| relative.then(|| "it cannot change its directory".to_owned()))
    }
}

#[test]
fn it_does_what_was_recorded() {
    let step = std::env::var("PGTLS_CONFORMANCE_STEP").map_or(STEP, |step| step.parse().expect("a number"));
    let report = Run::new().name("reference").every(step).client(&Recorded).unwrap();
    let judged = report.scenarios.iter().filter(|entry| entry.verdict != Verdict::Skipped).count();
    assert!(judged * 10 >= report.scenarios.len() * 8, "only {judged} were judged: {}", report.text(0));
    // What rustls cannot send or take is told in docs/divergences.md.
    let undeclared: Vec<_> =
        report.differing().into_iter().filter(|(_, detail)| detail.differences != ["sni"]).collect();
    assert!(undeclared.is_empty(), "{undeclared:#?}");
}

fn runner() -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

/// What is judged is the client, never the weather: the same client twice does the same, in any situation.
#[test]
fn it_conforms_to_itself() {
    let outcome = runner().run(&strategy::situation(), |situation| Ok(conforms(&Reference, &situation)?));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// A driver that does not look whose the certificate is gets caught, and is shown the least that shows it.
#[test]
fn a_careless_driver_is_caught() {
    let careless = |attempt: &Attempt| {
        let mut attempt = attempt.clone();
        attempt.conninfo = attempt.conninfo.replace("verify-full", "verify-ca");
        Reference.connect(&attempt)
    };
    let cases = ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let verifying = strategy::in_process().prop_filter("verify-full", |situation| {
        situation.conninfo.contains("verify-full' sslrootcert='{pki}/ca/root.crt'")
    });
    // The same situations every time, so that the same one is found.
    let mut runner = TestRunner::new_with_rng(cases, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let found = runner.run(&verifying, |situation| {
        conforms(&careless, &situation).map_err(|error| match error {
            Nonconformance::Differs(found) => TestCaseError::fail(found.to_string()),
            other => panic!("{other}"),
        })
    });
    let Err(TestError::Fail(reason, situation)) = found else { panic!("it was not caught: {found:?}") };
    assert!(reason.message().contains("\n  libpq fail: connect sslaccept; sni "), "{reason}");
    // Of the settings nothing is left but what it takes.
    assert!(
        situation.conninfo.ends_with("dbname=zoodb sslmode='verify-full' sslrootcert='{pki}/ca/root.crt'"),
        "{reason}"
    );
}
