use super::*;
use crate::{scenario::Scenarios, server::ConnectionRecord};

fn scenarios() -> Vec<Scenario> {
    let block = |id: &str| {
        format!("{id}\n  server ok\n  conninfo ~ sslmode=require\n  libpq fail (eof): connect\n\n")
    };
    let Scenarios(scenarios) = ["cert/a", "cert/b", "name/a", "name/b"].map(block).concat().parse().unwrap();
    scenarios
}

fn report() -> Report {
    let scenarios = scenarios();
    let judged = |differences: Vec<Difference>| ScenarioResult::Judged {
        observed: Box::new(Observed {
            claim: ClientClaim::Failed(Some("no \u{1} <b>".to_owned())),
            events: vec!["connect".to_owned()],
            connections: vec![ConnectionRecord::default()],
        }),
        differences,
    };
    let verdicts = [
        judged(Vec::new()),
        judged(vec![Difference::Events, Difference::Sni]),
        ScenarioResult::Skipped("no reason".to_owned()),
        judged(vec![Difference::AcceptsWhatLibpqRefuses]),
    ];
    let references: Vec<_> = scenarios.iter().collect();
    Report::new("a client", Libpq::V18, &references, &verdicts)
}

#[test]
fn numbers_and_the_gravest_first() {
    let report = report();
    assert_eq!(report.total(), Count { agree: 1, differ: 2, lax: 1, skipped: 1 });
    let groups = report.groups();
    assert_eq!(groups[0], ("cert", Count { agree: 1, differ: 1, lax: 0, skipped: 0 }));
    assert_eq!(groups[1], ("name", Count { agree: 0, differ: 1, lax: 1, skipped: 1 }));
    let differing: Vec<_> = report.differing().into_iter().map(|(entry, _)| entry.id.as_str()).collect();
    assert_eq!(differing, ["name/b", "cert/b"]);
}

#[test]
fn the_text_explains_the_first_differences() {
    let text = report().text(1);
    for part in [
        "a client compared with libpq 18",
        "cert               1       1       0        0",
        "all                1       2       1        1",
        "name/b\n  connects where libpq refuses\n",
        "  libpq     fail: connect",
        "  see       docs/names.md#questions-and-answers (What is compared?)",
        "… and 1 more",
        "skipped 1: no reason",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("\ncert/b"), "{text}");
}

#[test]
fn json_round_trips() {
    let report = report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn junit_counts_and_escapes() {
    let xml = report().junit();
    assert!(xml.contains("<testsuites name=\"a client\" tests=\"4\" failures=\"2\" skipped=\"1\">"), "{xml}");
    assert!(xml.contains("<testcase classname=\"cert\" name=\"a\"/>"), "{xml}");
    assert!(xml.contains("<failure type=\"events\" message=\"goes another way\">"), "{xml}");
    assert!(xml.contains("<skipped message=\"no reason\"/>"), "{xml}");
}

#[test]
fn shards_are_merged() {
    let whole = report();
    let shard = |part: usize| {
        let scenarios = whole.scenarios.iter().enumerate().filter(|(index, _)| index % 2 == part);
        Report { scenarios: scenarios.map(|(_, entry)| entry.clone()).collect(), ..whole.clone() }
    };
    assert_eq!(Report::merge([shard(1), shard(0)]).as_ref(), Ok(&whole));
    assert_eq!(Report::merge([]), Err(MergeError::Nothing));
    assert_eq!(Report::merge([shard(0), shard(0)]), Err(MergeError::Twice("cert/a".to_owned())));
    let other = Report { libpq: 15, ..shard(1) };
    assert_eq!(Report::merge([shard(0), other]), Err(MergeError::Different));
}
