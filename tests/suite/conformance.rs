//! The conformance kit on ourselves: the program does what libpq 18 was recorded to do.
//!
//! A sample runs here; `cargo xtask conformance` runs all, for psql and for us.

use crate::support::client::program;
use pgtls_conformance::{
    client::CommandClient,
    judge::Difference,
    runner::{Runner, ScenarioResult},
    scenario::{Expected, Libpq},
    scenarios,
};
use rustls_pki_types::DnsName;

/// One scenario of so many is run.
const SAMPLE: usize = 40;
/// How many run at a time.
const JOBS: usize = 2;

#[test]
fn the_program_does_what_libpq_was_recorded_to_do() {
    let all = scenarios();
    let chosen: Vec<_> = all.iter().step_by(SAMPLE).collect();
    let bench = Runner::new().unwrap();
    let client = CommandClient::new(program(), ["connect", "--json", "{conninfo}"]);
    let verdicts = bench.run_all(&chosen, &client, Libpq::V18, JOBS, &|_, _| {}).unwrap();
    assert_eq!(verdicts.len(), chosen.len());
    let judged = verdicts.iter().filter(|verdict| matches!(verdict, ScenarioResult::Judged { .. })).count();
    assert!(judged * 10 >= chosen.len() * 9, "only {judged} of {} were judged: {verdicts:#?}", chosen.len());
    for (scenario, verdict) in chosen.iter().zip(&verdicts) {
        let left: Vec<_> = verdict
            .differences()
            .iter()
            .filter(|difference| !declared(scenario.expected(Libpq::V18), difference))
            .collect();
        assert_eq!(left, [] as [&Difference; 0], "{}: {verdict:#?}", scenario.id);
    }
}

/// Whether a difference is one of those that `divergences.toml` declares, under "server name".
fn declared(expected: &Expected, difference: &Difference) -> bool {
    let odd = |name: &String| name.ends_with('.') || DnsName::try_from(name.as_str()).is_err();
    match difference {
        Difference::Sni => expected.sni.iter().flatten().any(odd),
        _ => false,
    }
}
