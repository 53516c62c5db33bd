//! `data/hosts.toml`: the order in which hosts and addresses are tried.

use crate::support::data;
use pgtls_core::{
    candidates::{Address, Candidate, CandidateAction, Candidates},
    environment::{Environment, Platform},
    negotiation::Then,
    param::{Ability, Params, Settings, TargetSessionAttrs},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
};

/// A row; the head of the table explains its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    conninfo: String,
    socket_directory: Option<String>,
    #[serde(default)]
    resolver: BTreeMap<String, Vec<std::net::IpAddr>>,
    #[serde(default)]
    outcomes: BTreeMap<String, String>,
    #[serde(default)]
    steps: Vec<String>,
    errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

/// No case takes more steps.
const MAX_STEPS: usize = 100;

#[test]
fn hosts_are_tried_in_the_order_of_the_table() {
    let text = fs::read_to_string(data("hosts.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("hosts.toml: {error}"));
    let limit = if cfg!(any(target_os = "linux", target_os = "android")) { "107" } else { "103" };
    for case in table.case {
        let (steps, errors) = walk(&case);
        assert_eq!(steps, case.steps, "{}", case.rule);
        let expected: Vec<_> =
            case.errors.iter().map(|error| error.replace("{socket_path}", limit)).collect();
        assert_eq!(errors, expected, "{}", case.rule);
    }
}

fn walk(case: &Case) -> (Vec<String>, Vec<String>) {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("me".to_owned());
    environment.socket_directory.clone_from(&case.socket_directory);
    let params = match params(&case.conninfo, &environment) {
        Ok(params) => params,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let mut candidates = Candidates::<String>::new(&params, &environment, 0);
    let mut steps = Vec::new();
    while steps.len() < MAX_STEPS {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => {
                steps.push(format!("resolve {name}:{port}"));
                match case.resolver.get(&name) {
                    // Some resolvers give no port.
                    Some(addresses) => {
                        candidates.resolved(addresses.iter().map(|ip| SocketAddr::new(*ip, 0)));
                    }
                    None => candidates.resolve_failed("not found".to_owned()),
                }
            }
            CandidateAction::Try(candidate) => {
                let address = address(&candidate.address);
                steps.push(attempt(&candidate, &address, candidates.target_session_attrs()));
                let then = match case.outcomes.get(&address).map(String::as_str) {
                    None | Some("next-address") => Then::NextAddress,
                    Some("next-host") => Then::NextHost,
                    Some("stop") => Then::Stop,
                    Some(other) => panic!("{}: no outcome is called {other}", case.rule),
                };
                candidates.failed("no luck".to_owned(), then);
            }
            CandidateAction::Exhausted => break,
            other => panic!("{}: {other:?}", case.rule),
        }
    }
    (steps, candidates.errors().iter().map(ToString::to_string).collect())
}

fn params(conninfo: &str, environment: &Environment) -> Result<Params, String> {
    Settings::parse(conninfo)
        .and_then(|settings| Params::resolve(&settings, None, environment, Ability::default()))
        .map_err(|error| error.to_string())
}

fn address(address: &Address) -> String {
    match address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => path.clone(),
    }
}

fn attempt(candidate: &Candidate, address: &str, target: TargetSessionAttrs) -> String {
    let host = candidate.host.as_ref().map(|host| format!(" as {host}")).unwrap_or_default();
    let target = if target == TargetSessionAttrs::Any { String::new() } else { format!(" if {target}") };
    format!("try {address}{host}{target}")
}

#[test]
fn random_order_tries_everything_once_in_every_order() {
    let environment = Environment::empty(Platform::Unix);
    let params = params("user=me host=/a,/b,/c load_balance_hosts=random", &environment).unwrap();
    let order = |seed| {
        let mut candidates = Candidates::<()>::new(&params, &environment, seed);
        let mut order = Vec::new();
        while let CandidateAction::Try(candidate) = candidates.poll_action() {
            order.push(candidate.host_index);
            candidates.failed((), Then::NextAddress);
        }
        order
    };
    let orders: BTreeSet<_> = (0..100).map(order).collect();
    assert_eq!(orders.len(), 6);
    for mut order in orders {
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2]);
    }
}

#[test]
fn random_order_shuffles_the_addresses_of_a_host_too() {
    let environment = Environment::empty(Platform::Unix);
    let params = params("user=me host=a load_balance_hosts=random", &environment).unwrap();
    let first = |seed| {
        let mut candidates = Candidates::<()>::new(&params, &environment, seed);
        candidates.resolved((1..=3).map(|last| SocketAddr::from(([192, 0, 2, last], 0))));
        candidates.poll_action()
    };
    let firsts: BTreeSet<_> = (0..100).map(|seed| format!("{:?}", first(seed))).collect();
    assert_eq!(firsts.len(), 3);
}

#[test]
fn errors_of_methods_are_kept_with_their_address() {
    let environment = Environment::empty(Platform::Unix);
    let params = params("user=me host=/a", &environment).unwrap();
    let mut candidates = Candidates::new(&params, &environment, 0);
    candidates.note("over TLS");
    assert!(matches!(candidates.poll_action(), CandidateAction::Try(_)), "the address stays");
    candidates.failed("in plaintext", Then::Stop);
    let prefix = "connection to server on socket \"/a/.s.PGSQL.5432\" failed: ";
    let errors: Vec<_> = candidates.errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors, [format!("{prefix}over TLS"), format!("{prefix}in plaintext")]);
}
