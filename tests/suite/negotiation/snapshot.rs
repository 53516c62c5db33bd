//! The whole machine as text: every state, every input, what was seen and where it leads.
//!
//! A change of the machine shows in the review as a change of `data/negotiation-states.txt`. To accept it, run the test with
//! `PGTLS_BLESS=1`.

use super::explore::{Graph, inputs, plans};
use crate::support::data;
use pgtls_core::{
    negotiation::{Action, Event, Failure, Input, Negotiation},
    policy::Payload,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

#[test]
fn states_and_inputs() {
    let text = text();
    let path = data("negotiation-states.txt");
    if std::env::var_os("PGTLS_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let difference = stored.lines().zip(text.lines()).find(|(stored, now)| stored != now);
    assert!(
        stored == text,
        "the machine has changed, first here: {difference:?}; look at it, and run with PGTLS_BLESS=1 to accept it"
    );
}

fn text() -> String {
    let inputs = inputs();
    let mut table: BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for plan in plans().into_iter().filter(|plan| plan.payload() == Payload::Startup) {
        let graph = Graph::walk(plan, &inputs);
        for (from, edges) in graph.states.iter().zip(&graph.edges) {
            let rows = table.entry(from.state()).or_default();
            for edge in edges {
                let to = target(&edge.events, &graph.states[edge.to]);
                rows.entry(label(edge.input)).or_default().insert(to);
            }
        }
    }
    let mut text = String::from(
        "# The states of the negotiation machine, in all plans together: input -> what follows. Several lines mean that the plan, or the\n\
         # methods that failed before, decide. Written by the test in suite/negotiation/snapshot.rs.\n",
    );
    for (state, rows) in table {
        write!(text, "\n[{state}]\n").unwrap();
        for (input, targets) in &rows {
            for to in targets {
                writeln!(text, "{input} -> {to}").unwrap();
            }
        }
        let taken = |input: &&Input<'_>| rows.get(&label(**input)).is_some_and(|targets| !targets.is_empty());
        let taken: BTreeSet<_> = inputs.iter().filter(taken).map(Input::name).collect();
        let misused: BTreeSet<_> =
            inputs.iter().map(Input::name).filter(|name| !taken.contains(name)).collect();
        writeln!(text, "misuse: {}", misused.into_iter().collect::<Vec<_>>().join(", ")).unwrap();
    }
    text
}

fn label(input: Input<'_>) -> String {
    match input {
        Input::Received(bytes) => format!("Received \"{}\"", bytes.escape_ascii()),
        Input::Opened { success } => format!("Opened {}", if success { "successfully" } else { "failed" }),
        Input::PeerUser { matches } => format!("PeerUser {}", if matches { "matches" } else { "differs" }),
        Input::Tls(Ok(facts)) => {
            let proof = match (facts.chain, facts.name) {
                (None, None) => "nothing",
                (Some(_), None) => "chain",
                (None, Some(_)) => "name",
                (Some(_), Some(_)) => "chain and name",
            };
            format!("Tls established with ALPN {:?}, roots {:?}, {proof} proven", facts.alpn, facts.root)
        }
        Input::Tls(Err(failure)) => format!("Tls failed with {failure:?}"),
        Input::Gss { success } => format!("Gss {}", if success { "established" } else { "failed" }),
        Input::Startup(verdict) => match verdict.failure() {
            None => "Startup is up".to_owned(),
            Some(Failure::ServerError { sqlstate, after_auth_ok }) => {
                let after = if after_auth_ok { " after AuthenticationOk" } else { "" };
                format!("Startup ended with ServerError {}{after}", sqlstate.escape_ascii())
            }
            Some(failure) => format!("Startup ended with {failure:?}"),
        },
        other => format!("{other:?}"),
    }
}

fn target(events: &[Event], to: &Negotiation) -> String {
    let mut text = match to.poll_action() {
        Action::Reconnect { because } => format!("reconnecting because {because:?}"),
        Action::Fail { error, then } => format!("failed with {error:?}, {then:?}"),
        Action::Startup { carry: Some(byte), .. } => {
            format!("{} carrying {:?}", to.state(), char::from(byte))
        }
        Action::Receive { at_most: 1 } => format!("{} with a carried byte", to.state()),
        _ => to.state().to_owned(),
    };
    for event in events {
        write!(text, " [{event}]").unwrap();
    }
    text
}
