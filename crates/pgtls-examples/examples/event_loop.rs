//! Hundreds of connections on one thread: an event loop of one's own on mio, and no `async`.
//!
//! ```sh
//! cargo run -p pgtls-examples --example event_loop -- "host=localhost user=me sslmode=require" 200
//! ```
//!
//! It opens all sessions, holds them until the last one is up, then asks each for `SELECT 1`, and prints the count.

use mio::{Events, Poll, Registry, Token};
use pgtls_core::{
    files,
    gate::Exchange,
    negotiation::Misuse,
    param::{Ability, Settings},
    startup::Refusal,
};
use pgtls_examples::{
    Told,
    dialled::Progress,
    messages::{Messages, query, startup, terminate},
    walk::{Target, Walk},
};
use pgtls_rustls::{Connector, TlsOptions, clock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

fn main() -> Result<(), Told> {
    let mut arguments = std::env::args().skip(1);
    let conninfo = arguments.next().ok_or("usage: event_loop CONNINFO [COUNT]")?;
    let count: usize = arguments.next().map_or(Ok(100), |count| count.parse())?;
    // A socket each. Where the limit cannot be raised, some sessions fail and say so.
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });

    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    // Trust and identity are parsed once and shared by all sessions.
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let connector = Connector::new(&params, &loaded, &options);
    let target = Target::new(params, environment, connector)?;

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut sessions: Vec<_> =
        (0..count).map(|number| Session::new(&target, Token(number), options.seed())).collect();
    for session in &mut sessions {
        session.go_on(poll.registry())?;
    }
    let mut asked = false;
    loop {
        if !asked && sessions.iter().all(|session| session.state != State::Opening) {
            let up = sessions.iter().filter(|session| session.state == State::Up).count();
            println!("{up} sessions at once");
            asked = true;
            for session in &mut sessions {
                session.ask("SELECT 1");
                session.go_on(poll.registry())?;
            }
        }
        let busy = sessions.iter().filter(|session| session.is_busy());
        let Some(next) = busy.map(|session| session.walk.deadline()).min() else { break };
        poll.poll(&mut events, Some(next.saturating_duration_since(Instant::now())))
            .or_else(|error| if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) })?;
        for event in &events {
            if let Some(session) = sessions.get_mut(event.token().0) {
                session.go_on(poll.registry())?;
            }
        }
        let now = Instant::now();
        for session in sessions.iter_mut().filter(|session| session.walk.deadline() <= now) {
            session.expire(poll.registry())?;
        }
    }

    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut all_well = true;
    for session in sessions {
        let State::Over(outcome) = session.state else { continue };
        all_well &= outcome.is_ok();
        *outcomes.entry(outcome.unwrap_or_else(|error| error)).or_default() += 1;
    }
    for (outcome, count) in &outcomes {
        println!("{count} times {outcome}");
    }
    if all_well { Ok(()) } else { Err("not every session has its answer".into()) }
}

/// One session, from its first address to its end.
struct Session<'t> {
    target: &'t Target,
    walk: Walk<'t>,
    messages: Messages,
    answer: Option<String>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Opening,
    Up,
    Over(Result<String, String>),
}

impl<'t> Session<'t> {
    fn new(target: &'t Target, token: Token, seed: u64) -> Self {
        let walk = Walk::new(target, token, seed);
        Self { target, walk, messages: Messages::default(), answer: None, state: State::Opening }
    }

    fn is_busy(&self) -> bool {
        !matches!(self.state, State::Over(_))
    }

    /// Goes as far as it can without waiting.
    fn go_on(&mut self, registry: &Registry) -> Result<(), Misuse> {
        while self.is_busy() {
            match self.walk.drive(registry, true)? {
                Progress::Waiting => return Ok(()),
                Progress::Start => {
                    self.messages = Messages::default();
                    match (startup(self.target.params()), self.walk.link()) {
                        (Ok(packet), Some(link)) => link.send(&packet),
                        (Err(error), _) => self.state = State::Over(Err(error.to_string())),
                        (Ok(_), None) => {}
                    }
                }
                Progress::Heard => self.hear()?,
                Progress::Closed => self.state = State::Over(Err("the server has gone".to_owned())),
                Progress::Failed(_) => self.state = State::Over(Err(self.walk.errors())),
            }
        }
        // What is left to say is said; there is nobody to wait for.
        self.walk.drive(registry, false).map(drop)
    }

    /// Reads what has come, message by message.
    fn hear(&mut self) -> Result<(), Misuse> {
        let Some(link) = self.walk.link() else { return Ok(()) };
        self.messages.push(&link.take_incoming());
        while self.is_busy() {
            let Some(link) = self.walk.link() else { return Ok(()) };
            let message = match self.messages.take() {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.state = State::Over(Err(error.to_string()));
                    return Ok(());
                }
            };
            match (message.kind, link.up()) {
                (b'Z', Some(encryption)) => match self.answer.take() {
                    None => self.state = State::Up,
                    Some(answer) => {
                        self.state = State::Over(Ok(format!("{encryption}: SELECT 1 is {answer}")));
                        link.send(&terminate());
                        link.close();
                    }
                },
                (b'D', Some(_)) => self.answer = message.first_column(),
                // Errors are for the machine to judge, which has seen them too.
                (b'R', None) if message.refusal().is_some() => {
                    link.conclude(Exchange::Refused(Refusal::NoPassword), None)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn ask(&mut self, sql: &str) {
        if let (State::Up, Some(link)) = (&self.state, self.walk.link()) {
            link.send(&query(sql));
        }
    }

    fn expire(&mut self, registry: &Registry) -> Result<(), Misuse> {
        match self.state {
            State::Opening => {
                self.walk.timed_out()?;
                self.go_on(registry)
            }
            State::Up => {
                self.state = State::Over(Err("no answer in time".to_owned()));
                Ok(())
            }
            State::Over(_) => Ok(()),
        }
    }
}
