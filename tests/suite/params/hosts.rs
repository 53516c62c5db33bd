//! `data/hosts.toml`: the order in which hosts and addresses are tried.

use crate::support::data;
use pgtls_core::{
    connect::{Action, Address, Connection, Input, Options, Peer},
    environment::{Environment, Platform},
    message::{PROTOCOL_3_0, startup_message},
    param::{Ability, Params, Settings, TargetSessionAttrs},
    startup::StartupOutcome,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    time::Duration,
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
    let mut connection = Connection::<String>::new(&params, &environment, Options::default());
    let mut steps = Vec::new();
    while steps.len() < MAX_STEPS {
        match connection.poll(Duration::ZERO) {
            Action::Resolve { name, port } => {
                steps.push(format!("resolve {name}:{port}"));
                let addresses = match case.resolver.get(&name) {
                    // Some resolvers give no port.
                    Some(addresses) => Ok(addresses.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()),
                    None => Err("not found".to_owned()),
                };
                connection.handle(Input::Resolved(addresses)).unwrap();
            }
            Action::Open => {
                let peer = connection.peer().unwrap();
                let address = address(peer);
                steps.push(attempt(peer, &address));
                match case.outcomes.get(&address).map(String::as_str) {
                    None | Some("next-address") => {
                        connection.handle(Input::Opened(Err("no luck".to_owned()))).unwrap();
                    }
                    Some("next-host") => start_too_early(&mut connection),
                    Some("stop") => connection.handle(Input::Abandoned("no luck".to_owned())).unwrap(),
                    Some(other) => panic!("{}: no outcome is called {other}", case.rule),
                }
            }
            Action::Failed => break,
            other => panic!("{}: {other:?}", case.rule),
        }
    }
    (steps, connection.errors().iter().map(ToString::to_string).collect())
}

/// A server that has no TLS and is starting up: libpq goes to the next host.
fn start_too_early(connection: &mut Connection<String>) {
    connection.handle(Input::Opened(Ok(()))).unwrap();
    if let Action::Send(_) = connection.poll(Duration::ZERO) {
        connection.handle(Input::Sent).unwrap();
        connection.handle(Input::Received(b"N")).unwrap();
    }
    assert_eq!(connection.poll(Duration::ZERO), Action::Startup);
    let mut monitor = connection.monitor().unwrap();
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap());
    monitor.read(b"E\0\0\0\x15SFATAL\0C57P03\0M\0\0").unwrap();
    let verdict = monitor.finish(StartupOutcome::Failed);
    connection.handle(Input::StartupFinished { verdict, cause: Some("no luck".to_owned()) }).unwrap();
}

fn params(conninfo: &str, environment: &Environment) -> Result<Params, String> {
    Settings::parse(conninfo)
        .and_then(|settings| Params::resolve(&settings, None, environment, Ability::default()))
        .map_err(|error| error.to_string())
}

fn address(peer: &Peer) -> String {
    match peer.address.as_ref().unwrap() {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => path.clone(),
    }
}

fn attempt(peer: &Peer, address: &str) -> String {
    let host = peer.host.as_ref().map(|host| format!(" as {host}")).unwrap_or_default();
    let target = match peer.target_session_attrs {
        TargetSessionAttrs::Any => String::new(),
        target => format!(" if {target}"),
    };
    format!("try {address}{host}{target}")
}

fn seeded(params: &Params, environment: &Environment, seed: u64) -> Connection<()> {
    let mut options = Options::default();
    options.seed = seed;
    Connection::new(params, environment, options)
}

#[test]
fn random_order_tries_everything_once_in_every_order() {
    let environment = Environment::empty(Platform::Unix);
    let params = params("user=me host=/a,/b,/c load_balance_hosts=random", &environment).unwrap();
    let order = |seed| {
        let mut connection = seeded(&params, &environment, seed);
        let mut order = Vec::new();
        while connection.poll(Duration::ZERO) == Action::Open {
            order.push(connection.peer().unwrap().host_index);
            connection.handle(Input::Opened(Err(()))).unwrap();
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
        let mut connection = seeded(&params, &environment, seed);
        let addresses = (1..=3).map(|last| SocketAddr::from(([192, 0, 2, last], 0))).collect();
        connection.handle(Input::Resolved(Ok(addresses))).unwrap();
        address(connection.peer().unwrap())
    };
    let firsts: BTreeSet<_> = (0..100).map(first).collect();
    assert_eq!(firsts.len(), 3);
}
