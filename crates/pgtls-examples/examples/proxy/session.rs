//! A client and its server.

use crate::{
    World,
    front::{self, BACKLOG, Front},
    keys::{Keys, Original},
};
use mio::{Registry, Token, net::TcpStream};
use pgtls_core::{
    message::{CancelRequest, PROTOCOL_3_0, StartupMessage, startup_message},
    negotiation::Misuse,
};
use pgtls_examples::{
    dialled::Progress,
    link::Link,
    messages::{Message, Messages},
    walk::{Target, Walk},
};
use std::{io, time::Instant};

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
    back: Back<'w>,
    /// When the client has to have said what it wants, or to have taken our last words.
    deadline: Option<Instant>,
}

enum Back<'w> {
    /// The client has not said yet what it wants.
    None,
    /// A server is being connected to, and authenticates the client.
    Opening(Box<Opening<'w>>),
    /// Bytes go to and fro.
    Relay(Walk<'w>),
    /// Somebody else's query is being cancelled.
    Cancel { walk: Walk<'w>, request: CancelRequest },
    /// The client is turned away, or the server has gone.
    Closing,
}

struct Opening<'w> {
    target: &'w Target,
    walk: Walk<'w>,
    startup: StartupMessage,
    messages: Messages,
    /// An error of the server's, kept until the machine has said whether it is the end.
    error: Option<Message>,
    /// The client has heard something from a server: no other server can take over.
    spoken: bool,
    /// The server authenticates, so that what the client says is for it.
    started: bool,
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

    /// When something has to have happened.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.back {
            Back::Opening(opening) => Some(opening.walk.deadline()),
            Back::Cancel { walk, .. } => Some(walk.deadline()),
            Back::None | Back::Relay(_) | Back::Closing => self.deadline,
        }
    }

    /// It has not.
    pub(crate) fn expire(&mut self) -> Result<(), Misuse> {
        if let Back::Opening(opening) = &mut self.back {
            return opening.walk.timed_out();
        }
        // Whoever has said nothing in all that time is told nothing.
        self.back = Back::Closing;
        self.deadline = None;
        self.front.abandon();
        Ok(())
    }

    /// Goes as far as it can without waiting, and as its turn allows.
    pub(crate) fn go_on(&mut self, registry: &Registry, keys: &mut Keys<'w>) -> Result<State, Misuse> {
        for _ in 0..TURN {
            let may_read = match &mut self.back {
                Back::None => true,
                Back::Opening(opening) => opening.started && has_room(&mut opening.walk),
                Back::Relay(walk) => has_room(walk),
                Back::Cancel { .. } | Back::Closing => false,
            };
            let front = match self.front.drive(may_read) {
                front::Progress::Waiting => Step::Wait,
                front::Progress::Over => {
                    self.say_goodbye(registry)?;
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

    fn drive_back(&mut self, registry: &Registry, keys: &mut Keys<'w>) -> Result<Step, Misuse> {
        let may_read = self.front.backlog() < BACKLOG;
        match &mut self.back {
            Back::None | Back::Closing => Ok(Step::Wait),
            Back::Opening(opening) => match opening.walk.drive(registry, may_read)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Start => {
                    if opening.spoken {
                        self.turn_away("08006", "the server has gone while it authenticated the client");
                        return Ok(Step::Again);
                    }
                    opening.messages = Messages::default();
                    opening.started = true;
                    match (startup(&opening.startup), opening.walk.link()) {
                        (Some(packet), Some(link)) => link.send(&packet),
                        _ => self.turn_away("08P01", "the startup packet cannot be passed on"),
                    }
                    self.pass_on();
                    Ok(Step::Again)
                }
                Progress::Heard => {
                    self.hear(keys);
                    Ok(Step::Again)
                }
                Progress::Closed | Progress::Failed(_) => {
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
            Back::Relay(walk) => match walk.drive(registry, may_read)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Closed | Progress::Failed(_) => {
                    let last = walk.link().map(Link::take_incoming).unwrap_or_default();
                    self.front.send(&last);
                    self.shut();
                    Ok(Step::Again)
                }
                Progress::Start | Progress::Heard => {
                    let said = walk.link().map(Link::take_incoming).unwrap_or_default();
                    self.front.send(&said);
                    Ok(Step::Again)
                }
            },
            Back::Cancel { walk, request } => match walk.drive(registry, true)? {
                Progress::Waiting => Ok(Step::Wait),
                Progress::Start => {
                    if let Some(link) = walk.link() {
                        link.send(&request.encode());
                    }
                    Ok(Step::Again)
                }
                Progress::Heard => Ok(Step::Again),
                Progress::Closed | Progress::Failed(_) => {
                    self.shut();
                    Ok(Step::Again)
                }
            },
        }
    }

    /// The client wants a session.
    fn open(&mut self, startup: StartupMessage) {
        let Some(target) = self.world.route(self.front.server_name()) else {
            return self.turn_away("08006", "there is no route for this server name");
        };
        if let Some(answer) = newest_protocol(&startup) {
            self.front.send(&answer);
        }
        self.back = Back::Opening(Box::new(Opening {
            target,
            walk: Walk::new(target, Token(self.slot * 2 + 1), self.world.seed),
            startup,
            messages: Messages::default(),
            error: None,
            spoken: false,
            started: false,
        }));
    }

    /// The client wants a query ended. Whether there is one is nobody's business.
    fn cancel(&mut self, request: &CancelRequest, keys: &Keys<'w>) -> bool {
        let Some(original) = keys.original(request) else { return false };
        let walk = Walk::cancel(original.target, original.candidate.clone(), Token(self.slot * 2 + 1));
        walk.map(|walk| self.back = Back::Cancel { walk, request: original.request.clone() }).is_ok()
    }

    /// What the client has said goes to the server.
    fn pass_on(&mut self) {
        let walk = match &mut self.back {
            Back::Opening(opening) if opening.started => &mut opening.walk,
            Back::Relay(walk) => walk,
            _ => return,
        };
        if let Some(link) = walk.link() {
            link.send(&self.front.take_incoming());
        }
    }

    /// What the server says before its session is up goes to the client message by message.
    fn hear(&mut self, keys: &mut Keys<'w>) {
        let number = self.number();
        let Back::Opening(opening) = &mut self.back else { return };
        let Some(link) = opening.walk.link() else { return };
        let (said, up) = (link.take_incoming(), link.up().is_some());
        opening.messages.push(&said);
        loop {
            let mut message = match opening.messages.take() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(_) => return self.turn_away("08P01", "the server makes no sense"),
            };
            match message.kind {
                b'E' if !up => {
                    opening.error = Some(message);
                    continue;
                }
                b'K' => {
                    let key = opening.key(&message, number, keys, self.world);
                    let Some(key) = key else {
                        return self.turn_away("58000", "there is no key for the session");
                    };
                    message.body = key;
                }
                _ => {}
            }
            opening.spoken = true;
            self.front.send(&message.encode());
        }
        if up && let Back::Opening(opening) = std::mem::replace(&mut self.back, Back::Closing) {
            self.front.send(&opening.messages.into_rest());
            self.back = Back::Relay(opening.walk);
            self.deadline = None;
        }
    }

    /// The client has gone: the server is told, as far as it listens.
    fn say_goodbye(&mut self, registry: &Registry) -> Result<(), Misuse> {
        self.pass_on();
        if let Back::Relay(walk) = &mut self.back {
            if let Some(link) = walk.link() {
                link.close();
            }
            walk.drive(registry, false)?;
        }
        Ok(())
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

impl<'w> Opening<'w> {
    /// A key of ours in the place of the server's, as the body of BackendKeyData.
    fn key(&self, message: &Message, number: u32, keys: &mut Keys<'w>, world: &World) -> Option<Vec<u8>> {
        let original = Original {
            target: self.target,
            candidate: self.walk.candidate()?.clone(),
            request: CancelRequest::from_key_data(PROTOCOL_3_0, &message.body).ok()?,
        };
        let ours = keys.register(number, original, world.random)?;
        Some([&ours.process_id().to_be_bytes()[..], ours.key()].concat())
    }
}

fn has_room(walk: &mut Walk<'_>) -> bool {
    walk.link().is_none_or(|link| link.outgoing().len() < BACKLOG)
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
