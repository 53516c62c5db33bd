//! A TLS proxy in front of PostgreSQL: the server's side of the negotiation towards clients, the client's side towards
//! servers, one thread, and a bound on everything.
//!
//! ```sh
//! cargo run -p pgtls-examples --example proxy -- --listen 127.0.0.1:6432 --cert server.crt --key server.key \
//!     --route "db.example.com=host=10.0.0.1 sslmode=verify-ca sslrootcert=root.crt" --route "*=host=localhost"
//! ```
//!
//! A route is chosen by the server name that the client sends (SNI); `*` is for all others. Clients come with an SSLRequest
//! or with TLS at once, and have to come with TLS. What they then say is theirs and the server's: the proxy reads the
//! startup packet, hands out cancel keys of its own, and passes on the rest. Since it ends TLS, channel binding cannot
//! reach through it.
//!
//! The bounds: [`Limits`] says how many sessions there are and how long a client may take to say what it wants, counted
//! from its first packet whatever it sends meanwhile; [`BACKLOG`](front::BACKLOG) how many bytes are kept for somebody who
//! does not read.

mod back;
mod front;
mod keys;
mod refusal;
mod session;

use front::server_config;
use keys::Keys;
use mio::{Events, Interest, Poll, Token, event::Event, net::TcpListener};
use pgtls_adapter::Config;
use pgtls_core::param::{Ability, Settings};
use pgtls_examples::DisplayError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use session::{Session, State};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

const USAGE: &str = "usage: proxy --listen ADDRESS --cert FILE --key FILE --route NAME=CONNINFO... \
                     [--patience SECONDS] [--sessions NUMBER]";
/// Two sockets each, and one for the listener.
const LISTENER: Token = Token(usize::MAX);
/// No client is waited for without looking at the clock.
const TICK: Duration = Duration::from_millis(200);

/// What clients are allowed.
#[derive(Clone, Copy)]
struct Limits {
    /// Sessions at once; a client beyond them is turned away at once.
    sessions: usize,
    /// From the first packet to the startup packet.
    patience: Duration,
}

/// What all sessions share.
struct World {
    tls: Arc<rustls::ServerConfig>,
    random: &'static dyn rustls::crypto::SecureRandom,
    routes: BTreeMap<String, Arc<Config>>,
    limits: Limits,
}

impl World {
    /// The route for a server name.
    fn route(&self, name: Option<&str>) -> Option<&Arc<Config>> {
        let named = name.and_then(|name| self.routes.get(&name.to_ascii_lowercase()));
        named.or_else(|| self.routes.get("*"))
    }
}

fn main() -> Result<(), DisplayError> {
    let (world, address) = world(std::env::args().skip(1))?;
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });

    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);

    let mut events = Events::with_capacity(1024);
    let mut sessions: Vec<Option<Session<'_>>> = (0..world.limits.sessions).map(|_| None).collect();
    let mut keys = Keys::default();
    // Those that had more to do than their turn allows.
    let mut busy: BTreeSet<usize> = BTreeSet::new();
    loop {
        let wait = if busy.is_empty() { TICK } else { Duration::ZERO };
        poll.poll(&mut events, Some(wait))
            .or_else(|error| if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) })?;
        accept(&world, &listener, &poll, &mut sessions);

        let mut due = std::mem::take(&mut busy);
        due.extend(
            events.iter().map(Event::token).filter(|token| *token != LISTENER).map(|token| token.0 / 2),
        );
        let now = Instant::now();
        for (number, slot) in sessions.iter_mut().enumerate() {
            let Some(session) = slot else { continue };
            if session.deadline().is_some_and(|deadline| deadline <= now) {
                session.expire(now);
                due.insert(number);
            } else if session.is_busy() {
                due.insert(number);
            }
        }
        for number in due {
            let Some(slot) = sessions.get_mut(number) else { continue };
            let Some(session) = slot else { continue };
            match session.go_on(poll.registry(), &mut keys)? {
                State::Waiting => {}
                State::Busy => {
                    busy.insert(number);
                }
                State::Over => {
                    keys.forget(session.number());
                    *slot = None;
                }
            }
        }
    }
}

/// Takes everybody who waits; who finds no room is turned away.
fn accept<'w>(world: &'w World, listener: &TcpListener, poll: &Poll, sessions: &mut [Option<Session<'w>>]) {
    loop {
        match listener.accept() {
            Ok((tcp, _)) => {
                let free = sessions.iter_mut().enumerate().find(|(_, slot)| slot.is_none());
                if let Some((number, slot)) = free {
                    *slot = Session::new(world, tcp, number, poll.registry()).ok();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Nobody waits, or there are no more sockets: the next turn tries again.
            Err(_) => return,
        }
    }
}

fn world(mut arguments: impl Iterator<Item = String>) -> Result<(World, SocketAddr), Box<dyn Error>> {
    let mut single = BTreeMap::new();
    let mut routes = Vec::new();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--route" => routes.push(value),
            "--listen" | "--cert" | "--key" | "--patience" | "--sessions" => {
                single.insert(option, value);
            }
            _ => return Err(USAGE.into()),
        }
    }
    let given = |option: &str| single.get(option).ok_or(USAGE);
    let environment = pgtls_os::environment()?;
    let target = |conninfo: &str| -> Result<Config, Box<dyn Error>> {
        let params = pgtls_os::params(&Settings::parse(conninfo)?, &environment, Ability::default())?;
        Ok(Config::new(params, environment.clone(), pgtls_rustls::aws_lc_rs()))
    };
    let provider = pgtls_rustls::aws_lc_rs();
    let mut world = World {
        random: provider.secure_random,
        tls: server_config(&std::fs::read(given("--cert")?)?, &std::fs::read(given("--key")?)?, provider)?,
        routes: BTreeMap::new(),
        limits: Limits {
            sessions: single.get("--sessions").map_or(Ok(2000), |number| number.parse())?,
            patience: Duration::from_secs(
                single.get("--patience").map_or(Ok(10), |seconds| seconds.parse())?,
            ),
        },
    };
    for route in &routes {
        let (name, conninfo) = route.split_once('=').ok_or(USAGE)?;
        world.routes.insert(name.to_ascii_lowercase(), target(conninfo)?.into());
    }
    Ok((world, given("--listen")?.parse()?))
}
