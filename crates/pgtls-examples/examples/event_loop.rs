//! Many connections on one thread with mio, on readiness, without `async`.
//!
//! `event_loop CONNINFO [COUNT]` opens all sessions, holds them until the last one is up, sends `SELECT 1` on each, and
//! prints the number of answers.

use mio::{Events, Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use pgtls_adapter::{ByteAction, ByteConnection, ByteStream, Config, socket};
use pgtls_core::param::{Ability, Params, Settings};
use pgtls_examples::{DisplayError, login::Answer, login::Login, messages::query};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::Socket;
use std::io::{self, ErrorKind, Write};
use std::{collections::BTreeMap, net::ToSocketAddrs, os::fd::AsRawFd, sync::mpsc, thread, time::Instant};

/// The parts that all sessions share.
struct Shared<'a> {
    registry: &'a Registry,
    params: &'a Params,
    /// Numbers of sessions, and the answers to their actions.
    results: mpsc::Sender<(usize, Answered)>,
    waker: std::sync::Arc<Waker>,
}

type Answered = Box<dyn FnOnce(&mut ByteConnection) + Send>;

struct Session {
    number: usize,
    connection: ByteConnection,
    socket: Option<Socket>,
    is_connecting: bool,
    is_busy: bool,
    login: Login,
    state: State,
}

enum State {
    Opening,
    Up(Box<ByteStream>, Answer),
    Over(Result<String, String>),
}

impl Session {
    /// Goes on until the socket or a task has to be waited for.
    fn drive(&mut self, shared: &Shared<'_>) -> io::Result<()> {
        if let (true, Some(socket)) = (self.is_connecting, &self.socket) {
            match socket::outcome(socket).and_then(|()| socket.peer_addr()) {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                opened => self.connection.opened(opened.map(drop)),
            }
            self.is_connecting = false;
        }
        while !self.is_busy && !self.is_connecting {
            if let (State::Up(stream, answer), Some(socket)) = (&mut self.state, &mut self.socket) {
                self.state = State::Over(match answer.read(stream.as_mut()) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock && stream.transfer(socket) => {
                        continue;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => Err(error.to_string()),
                    Ok(value) => Ok(format!("{}: SELECT 1 is {value}", stream.encryption())),
                });
            }
            if matches!(self.state, State::Over(_)) {
                return Ok(());
            }
            match (self.connection.poll(), &mut self.socket) {
                (ByteAction::Resolve { name, port }, _) => self.run(shared, move || {
                    let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                    Box::new(|connection| connection.resolved(found))
                })?,
                (ByteAction::Run(task), _) => self.run(shared, move || {
                    let result = task.run();
                    Box::new(|connection| connection.completed(Ok(result)))
                })?,
                // This reads /etc/passwd.
                (ByteAction::CheckPeer, Some(socket)) => {
                    self.connection.peer_user(socket::peer_uid(socket).and_then(socket::user_name));
                }
                (ByteAction::Open, socket) => {
                    self.login = Login::default();
                    let peer = self.connection.peer().ok_or_else(|| ErrorKind::AddrNotAvailable.into());
                    let opened = peer.and_then(socket::connecting).and_then(|(opened, _)| {
                        let interest = Interest::READABLE | Interest::WRITABLE;
                        let fd = &opened.as_raw_fd();
                        shared
                            .registry
                            .register(&mut SourceFd(fd), Token(self.number), interest)
                            .map(|()| opened)
                    });
                    match opened {
                        Ok(opened) => (*socket, self.is_connecting) = (Some(opened), true),
                        Err(error) => self.connection.opened(Err(error)),
                    }
                }
                (ByteAction::Transfer { read }, Some(socket)) => {
                    if !self.connection.transfer(socket, read) {
                        return Ok(());
                    }
                }
                (ByteAction::Startup, _) => {
                    let outcome = self.login.advance(&mut self.connection, shared.params);
                    let _ = outcome.map(|outcome| self.connection.finish_startup(outcome));
                }
                _ => match self.connection.take_session() {
                    Some(up) => self.state = State::Up(Box::new(up.stream), Answer::default()),
                    None => self.state = State::Over(Err(self.connection.take_error().to_string())),
                },
            }
        }
        Ok(())
    }

    /// Runs a task on a thread of its own. A program with many connections has a pool for this.
    fn run(
        &mut self,
        shared: &Shared<'_>,
        task: impl FnOnce() -> Answered + Send + 'static,
    ) -> io::Result<()> {
        let (number, results, waker) = (self.number, shared.results.clone(), shared.waker.clone());
        self.is_busy = true;
        let thread = move || results.send((number, task())).map(|()| waker.wake());
        thread::Builder::new().spawn(thread).map(drop)
    }
}

fn main() -> Result<(), DisplayError> {
    let mut arguments = std::env::args().skip(1);
    let conninfo = arguments.next().ok_or("usage: event_loop CONNINFO [COUNT]")?;
    let count: usize = arguments.next().map_or(Ok(100), |count| count.parse())?;
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    let config = std::sync::Arc::new(Config::new(params, environment, pgtls_rustls::aws_lc_rs()));

    let mut poll = Poll::new()?;
    let registry = &poll.registry().try_clone()?;
    let (results, finished) = mpsc::channel();
    let waker = Waker::new(registry, Token(usize::MAX))?.into();
    let shared = Shared { registry, params: &config.params, results, waker };
    let new = |number| {
        let (connection, login) = (ByteConnection::new(config.clone()), Login::default());
        let (socket, is_connecting, is_busy, state) = (None, false, false, State::Opening);
        Session { number, connection, socket, is_connecting, is_busy, login, state }
    };
    let mut sessions: Vec<Session> = (0..count).map(new).collect();
    sessions.iter_mut().try_for_each(|session| session.drive(&shared))?;
    let mut events = Events::with_capacity(1024);
    let mut is_asked = false;
    while sessions.iter().any(|session| !matches!(session.state, State::Over(_))) {
        if !is_asked && sessions.iter().all(|session| !matches!(session.state, State::Opening)) {
            is_asked = true;
            let mut up = 0;
            for session in &mut sessions {
                if let State::Up(stream, _) = &mut session.state {
                    up += 1;
                    stream.write_all(&query("SELECT 1"))?;
                }
                session.drive(&shared)?;
            }
            println!("{up} sessions at once");
        }
        let deadlines = sessions.iter().filter_map(|session| session.connection.deadline().instant());
        let wait = deadlines.min().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        poll.poll(&mut events, wait)?;
        for event in &events {
            sessions.get_mut(event.token().0).map_or(Ok(()), |session| session.drive(&shared))?;
        }
        for (number, answered) in finished.try_iter() {
            if let Some(session) = sessions.get_mut(number) {
                session.is_busy = false;
                answered(&mut session.connection);
                session.drive(&shared)?;
            }
        }
        let now = Instant::now();
        let is_late =
            |session: &&mut Session| session.connection.deadline().instant().is_some_and(|at| at <= now);
        for session in sessions.iter_mut().filter(is_late) {
            session.connection.handle_timeout(now);
            (session.is_busy, session.is_connecting) = (false, false);
            session.drive(&shared)?;
        }
    }
    let mut outcomes: BTreeMap<Result<String, String>, usize> = BTreeMap::new();
    for session in sessions {
        let State::Over(outcome) = session.state else { continue };
        *outcomes.entry(outcome).or_default() += 1;
    }
    for (outcome, count) in &outcomes {
        println!("{count} times {}", outcome.as_ref().unwrap_or_else(|error| error));
    }
    if outcomes.keys().all(Result::is_ok) { Ok(()) } else { Err("not every session has its answer".into()) }
}
