//! A client and its server.

use crate::{
    World,
    back::{Back as Server, Progress},
    front::{self, BACKLOG, Front},
    keys::{Keys, Original},
};
use mio::{Registry, Token, net::TcpStream};
use pgtls_adapter::Config;
use pgtls_core::message::{CancelRequest, PROTOCOL_3_0, StartupMessage, startup_message};
use pgtls_examples::messages::{Message, Messages, query};
use std::{io, sync::Arc, time::Instant};

/// What becomes of a session.
pub(crate) enum State {
    /// Its sockets will say when it goes on.
    Waiting,
    /// It has more to do, after the others have had their turn.
    Busy,
    /// Drop it.
    Over,
}

/// Steps of one turn. A client and a server that both never pause must not keep the others waiting.
const TURN: usize = 32;

/// A client, and what is done for it.
pub(crate) struct Session<'w> {
    world: &'w World,
    slot: usize,
    front: Front,
    back: Back,
    /// When the client has to have said what it wants, or to have taken our last words.
    deadline: Option<Instant>,
}

enum Back {
    /// The client has not said yet what it wants.
    None,
    /// A server is being connected to, and authenticates the client.
    Opening(Box<Opening>),
    /// Bytes go to and fro.
    Relay(Box<Server>),
    /// Somebody else's query is being cancelled.
    Cancel { server: Box<Server>, request: CancelRequest },
    /// The client is turned away, or the server has gone.
    Closing,
}

struct Opening {
    config: Arc<Config>,
    server: Server,
    startup: StartupMessage,
    messages: Messages,
    /// An error of the server's, kept until the machine has said whether it is the end.
    error: Option<Message>,
    /// The client has heard something from a server: no other server can take over.
    spoken: bool,
    /// The server authenticates, so that what the client says is for it.
    started: bool,
    /// The query for the role of the server has been sent; the ReadyForQuery before it, and the answer.
    role: Option<(Message, Option<String>)>,
}

/// What is done next.
enum Step {
    Again,
    Wait,
}

impl<'w> Session<'w> {
    /// For a client that was just accepted.
    pub(crate) fn new(
        world: &'w World,
        tcp: TcpStream,
        slot: usize,
        registry: &Registry,
    ) -> io::Result<Self> {
        let front = Front::new(tcp, world.tls.clone(), Token(slot * 2), registry)?;
        let deadline = Some(Instant::now() + world.limits.patience);
        Ok(Self { world, slot, front, back: Back::None, deadline })
    }

    /// The time limit for what happens now.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.back {
            Back::Opening(opening) => opening.server.deadline(),
            Back::Cancel { server, .. } => server.deadline(),
            Back::None | Back::Relay(_) | Back::Closing => self.deadline,
        }
    }

    /// Whether a task runs on another thread.
    pub(crate) fn is_busy(&self) -> bool {
        match &self.back {
            Back::Opening(opening) => opening.server.is_busy(),
            Back::Cancel { server, .. } => server.is_busy(),
            Back::None | Back::Relay(_) | Back::Closing => false,
        }
    }

    /// The deadline has passed.
    pub(crate) fn expire(&mut self, now: Instant) {
        if let Back::Opening(opening) = &mut self.back {
            if !opening.server.expire(now) {
                self.turn_away("08006", "the server cannot be reached");
            }
            return;
        }
        // A client that has said nothing in all that time is told nothing.
        self.back = Back::Closing;
        self.deadline = None;
        self.front.abandon();
    }

    /// Goes as far as it can without waiting, and as its turn allows.
    pub(crate) fn go_on(&mut self, registry: &Registry, keys: &mut Keys) -> io::Result<State> {
        for _ in 0..TURN {
            let may_read = match &mut self.back {
                Back::None => true,
                Back::Opening(opening) => opening.started && opening.server.has_room(),
                Back::Relay(server) => server.has_room(),
                Back::Cancel { .. } | Back::Closing => false,
            };
            let front = match self.front.drive(may_read) {
                front::Progress::Waiting => Step::Wait,
                front::Progress::Over => {
                    self.say_goodbye();
                    return Ok(State::Over);
                }
                front::Progress::Startup(message) => {
                    self.open(message);
                    Step::Again
                }
                front::Progress::Cancel(request) => {
                    if !self.cancel(&request, keys) {
                        return Ok(State::Over);
                    }
                    Step::Again
                }
                front::Progress::Heard => {
                    self.pass_on();
                    Step::Again
                }
            };
            if let (Step::Wait, Step::Wait) = (front, self.drive_back(registry, keys)?) {
                return Ok(State::Waiting);
            }
        }
        Ok(State::Busy)
    }

    fn drive_back(&mut self, registry: &Registry, keys: &mut Keys) -> io::Result<Step> {
        let may_read = self.front.backlog() < BACKLOG;
        match &mut self.back {
            Back::None | Back::Closing => Ok(Step::Wait),
            Back::Opening(opening) => match opening.server.drive(registry, may_read)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Start => {
                    if opening.spoken {
                        self.turn_away("08006", "the server has gone while it authenticated the client");
                        return Ok(Step::Again);
                    }
                    opening.messages = Messages::default();
                    opening.started = true;
                    opening.role = None;
                    match startup(&opening.startup) {
                        Some(packet) => opening.server.send(&packet),
                        None => self.turn_away("08P01", "the startup packet cannot be passed on"),
                    }
                    self.pass_on();
                    Ok(Step::Again)
                }
                Progress::Heard => {
                    self.hear(keys);
                    Ok(Step::Again)
                }
                Progress::Closed | Progress::Failed => {
                    match opening.error.take() {
                        Some(error) => {
                            self.front.send(&error.encode());
                            self.shut();
                        }
                        None => self.turn_away("08006", "the server cannot be reached"),
                    }
                    Ok(Step::Again)
                }
            },
            Back::Relay(server) => match server.drive(registry, may_read)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Closed | Progress::Failed => {
                    let last = server.receive();
                    self.front.send(&last);
                    self.shut();
                    Ok(Step::Again)
                }
                Progress::Start | Progress::Heard => {
                    let said = server.receive();
                    self.front.send(&said);
                    Ok(Step::Again)
                }
            },
            Back::Cancel { server, request } => match server.drive(registry, true)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Start => {
                    server.send(&request.encode());
                    Ok(Step::Again)
                }
                Progress::Heard => {
                    server.receive();
                    Ok(Step::Again)
                }
                Progress::Closed | Progress::Failed => {
                    self.shut();
                    Ok(Step::Again)
                }
            },
        }
    }

    /// The client wants a session.
    fn open(&mut self, startup: StartupMessage) {
        let Some(config) = self.world.route(self.front.server_name()) else {
            return self.turn_away("08006", "there is no route for this server name");
        };
        if let Some(answer) = newest_protocol(&startup) {
            self.front.send(&answer);
        }
        self.back = Back::Opening(Box::new(Opening {
            config: config.clone(),
            server: Server::session(config, Token(self.slot * 2 + 1)),
            startup,
            messages: Messages::default(),
            error: None,
            spoken: false,
            started: false,
            role: None,
        }));
    }

    /// The client wants a query ended. Whether there is one is nobody's business.
    fn cancel(&mut self, request: &CancelRequest, keys: &Keys) -> bool {
        let Some(original) = keys.original(request) else { return false };
        let server = Server::cancel(&original.config, &original.peer, Token(self.slot * 2 + 1));
        self.back = Back::Cancel { server: Box::new(server), request: original.request.clone() };
        true
    }

    /// What the client has said goes to the server.
    fn pass_on(&mut self) {
        let server = match &mut self.back {
            Back::Opening(opening) if opening.started => &mut opening.server,
            Back::Relay(server) => server,
            _ => return,
        };
        server.send(&self.front.take_incoming());
    }

    /// What the server says before its session is up goes to the client message by message.
    fn hear(&mut self, keys: &mut Keys) {
        let number = self.number();
        let Back::Opening(opening) = &mut self.back else { return };
        let said = opening.server.receive();
        opening.messages.push(&said);
        let mut is_up = false;
        while !is_up {
            let mut message = match opening.messages.take() {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(_) => return self.turn_away("08P01", "the server makes no sense"),
            };
            match (message.kind, &mut opening.role) {
                (b'E', None) => {
                    opening.error = Some(message);
                    // The machine has seen its bytes and decides what follows.
                    opening.server.finish(Err("the server has rejected the session".into()));
                    return;
                }
                (b'K', None) => {
                    let Some(key) = opening.key(&message, number, keys, self.world) else {
                        return self.turn_away("58000", "there is no key for the session");
                    };
                    message.body = key;
                }
                (b'Z', role) => {
                    if let (None, Some(sql)) = (&role, opening.server.role_query()) {
                        opening.server.send(&query(sql));
                        *role = Some((message, None));
                        continue;
                    }
                    if let Some((ready, value)) = role.take() {
                        opening.server.role_answer(value.as_deref());
                        message = ready;
                    }
                    is_up = opening.server.finish(Ok(()));
                    if !is_up {
                        return;
                    }
                }
                // The answer is not the client's.
                (_, Some((_, value))) => {
                    *value = message.first_column().or(value.take());
                    continue;
                }
                _ => {}
            }
            opening.spoken = true;
            self.front.send(&message.encode());
        }
        if let Back::Opening(opening) = std::mem::replace(&mut self.back, Back::Closing) {
            self.front.send(&opening.messages.into_rest());
            self.back = Back::Relay(Box::new(opening.server));
            self.deadline = None;
        }
    }

    /// The client has gone: the server gets its last bytes and the end, as far as its socket takes them.
    fn say_goodbye(&mut self) {
        self.pass_on();
        if let Back::Relay(server) = &mut self.back {
            server.close();
        }
    }

    fn turn_away(&mut self, sqlstate: &str, text: &str) {
        self.front.refuse(sqlstate, text);
        self.shut();
    }

    /// Nothing is left but what the client has not read yet.
    fn shut(&mut self) {
        self.front.close();
        self.back = Back::Closing;
        self.deadline = Some(Instant::now() + self.world.limits.patience);
    }

    /// What stands in the place of the process id.
    pub(crate) fn number(&self) -> u32 {
        u32::try_from(self.slot).unwrap_or(u32::MAX)
    }
}

impl Opening {
    /// A key of ours in the place of the server's, as the body of BackendKeyData.
    fn key(&self, message: &Message, number: u32, keys: &mut Keys, world: &World) -> Option<Vec<u8>> {
        let original = Original {
            config: self.config.clone(),
            peer: self.server.peer()?.clone(),
            request: CancelRequest::from_key_data(PROTOCOL_3_0, &message.body).ok()?,
        };
        let ours = keys.register(number, original, world.random)?;
        Some([&ours.process_id().to_be_bytes()[..], ours.key()].concat())
    }
}

/// The client's packet in the one version that is spoken to servers here, without the extensions that belong to others.
fn startup(message: &StartupMessage) -> Option<Vec<u8>> {
    let pairs = message.pairs.iter().filter(|(name, _)| !is_extension(name));
    startup_message(PROTOCOL_3_0, pairs.map(|(name, value)| (name.as_str(), value.as_str()))).ok()
}

/// NegotiateProtocolVersion, for a client that wants more than that.
fn newest_protocol(message: &StartupMessage) -> Option<Vec<u8>> {
    let extensions: Vec<_> = message.pairs.iter().filter(|(name, _)| is_extension(name)).collect();
    if message.version <= PROTOCOL_3_0 && extensions.is_empty() {
        return None;
    }
    let count = u32::try_from(extensions.len()).ok()?;
    let mut body = [PROTOCOL_3_0.to_be_bytes(), count.to_be_bytes()].concat();
    for (name, _) in extensions {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
    }
    Some(Message { kind: b'v', body }.encode())
}

fn is_extension(name: &str) -> bool {
    name.starts_with("_pq_.")
}
