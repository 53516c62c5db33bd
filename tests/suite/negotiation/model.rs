//! A server and a client in one process: the core's two machines, and a loop that carries bytes between them.

use pgtls_core::{
    accept::{Accepted, Acceptor, ServerAbility},
    hardening::Hardening,
    message::{CancelRequest, PROTOCOL_3_0, TLS_HANDSHAKE, startup_message},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{
        Action, Alpn, ChainVerified, Encryption, Event, Input, Negotiation, Request, TlsFacts, TlsFailure,
        TlsStart,
    },
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport, Verification},
    startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules},
};
use std::{collections::BTreeMap, fmt};

/// What the server does, by the words of the table.
#[derive(Clone, Debug)]
pub(super) struct Server {
    words: BTreeMap<String, String>,
}

impl Server {
    pub(super) fn parse(words: &str) -> Result<Self, String> {
        const KEYS: [&str; 13] = [
            "ssl",
            "gss",
            "transport",
            "first",
            "reply-ssl",
            "reply-gss",
            "handshake-ssl",
            "handshake-gss",
            "startup-plain",
            "startup-ssl",
            "startup-gss",
            "payload",
            "hardening",
        ];
        let pair = |word: &str| {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not key=value"))?;
            if KEYS.contains(&key) {
                Ok((key.to_owned(), value.to_owned()))
            } else {
                Err(format!("`{key}` is no key of a server"))
            }
        };
        Ok(Self { words: words.split_whitespace().map(pair).collect::<Result<_, _>>()? })
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }

    /// Nothing but `ssl` and `gss` was said.
    pub(super) fn is_honest(&self) -> bool {
        self.words.len() == 2
    }

    pub(super) fn hardening(&self) -> Hardening {
        let mut hardening = Hardening::NONE;
        for name in self.word("hardening").into_iter().flat_map(|names| names.split(',')) {
            match name {
                "no_plaintext_after_tls_failure" => hardening.no_plaintext_after_tls_failure = true,
                "no_plaintext_after_rejection" => hardening.no_plaintext_after_rejection = true,
                "no_injected_bytes" => hardening.no_injected_bytes = true,
                _ => panic!("hardening {name} is not about negotiation"),
            }
        }
        hardening
    }

    fn transport(&self) -> Transport {
        match self.word("transport") {
            None => Transport::Tcp,
            Some("unix") => Transport::Unix,
            Some(other) => panic!("transport {other}"),
        }
    }

    fn payload(&self) -> Payload {
        match self.word("payload") {
            None => Payload::Startup,
            Some("cancel") => Payload::Cancel,
            Some(other) => panic!("payload {other}"),
        }
    }

    fn has(&self, key: &str) -> bool {
        self.word(key) == Some("on")
    }
}

/// On which transports the server takes the user.
#[derive(Clone, Copy, Debug)]
pub(super) enum User {
    Any,
    SslOnly,
    NoSslOnly,
    GssOnly,
    NoGssOnly,
}

impl User {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "any" => Self::Any,
            "ssl-only" => Self::SslOnly,
            "nossl-only" => Self::NoSslOnly,
            "gss-only" => Self::GssOnly,
            "nogss-only" => Self::NoGssOnly,
            _ => return None,
        })
    }

    const fn is_taken(self, on: Encryption) -> bool {
        match self {
            Self::Any => true,
            Self::SslOnly => matches!(on, Encryption::Ssl),
            Self::NoSslOnly => !matches!(on, Encryption::Ssl),
            Self::GssOnly => matches!(on, Encryption::Gss),
            Self::NoGssOnly => !matches!(on, Encryption::Gss),
        }
    }
}

/// What was seen, and what came of it.
pub(super) struct Seen {
    events: Vec<Event>,
    outcome: Option<Encryption>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<_> = self.events.iter().map(|event| event.as_str()).collect();
        let events = if events.is_empty() { "-".to_owned() } else { events.join(", ") };
        write!(f, "{events} -> {}", self.outcome.map_or("fail", Encryption::as_str))
    }
}

/// Runs one negotiation to its end.
pub(super) fn negotiate(server: &Server, user: User, input: PolicyInput) -> Seen {
    let credentials = if server.has("gss") { GssCredentials::Held } else { GssCredentials::Absent };
    let Ok(plan) = EncryptionPlan::new(input, server.transport(), credentials, server.payload()) else {
        return Seen { events: Vec::new(), outcome: None };
    };
    let mut negotiation = Negotiation::new(plan);
    let mut connections = 0;
    let mut connection = Connection::open(server, user);
    let outcome = loop {
        let mut room = [0; 2];
        let happened = match negotiation.poll_action() {
            Action::Connect | Action::Reconnect { .. } => {
                connections += 1;
                connection = Connection::open(server, user);
                Input::Opened { success: true }
            }
            Action::CheckPeer => Input::PeerUser { matches: true },
            Action::Send(bytes) => {
                connection.send(bytes);
                Input::Sent
            }
            Action::Receive { at_most } => match connection.receive(&mut room[..at_most]) {
                0 => Input::Closed,
                read => Input::Received(&room[..read]),
            },
            Action::StartTls(start) => connection.tls(&plan, start),
            Action::StartGss => connection.gss(),
            Action::Startup { encryption, carry } => connection.start_up(&plan, encryption, carry),
            Action::Done(encryption) => break Some(encryption),
            Action::Fail { .. } => break None,
            other => panic!("an action that the model does not know: {other:?}"),
        };
        negotiation.handle_input(happened).unwrap();
    };
    let events: Vec<_> = std::iter::from_fn(|| negotiation.poll_event()).collect();
    let opened = events.iter().filter(|event| matches!(event, Event::Connect | Event::Reconnect)).count();
    assert_eq!(opened, connections, "the trace counts the connections");
    Seen { events, outcome }
}

/// The server's end of one connection, and the bytes on their way to the client.
struct Connection<'s> {
    server: &'s Server,
    user: User,
    acceptor: Acceptor,
    to_client: Vec<u8>,
}

const OLD_ERROR: &[u8] = b"EFATAL:  the server has failed\n\0";

impl<'s> Connection<'s> {
    fn open(server: &'s Server, user: User) -> Self {
        let on_tcp = server.transport() == Transport::Tcp;
        let ability = ServerAbility { tls: server.has("ssl") && on_tcp, gss: server.has("gss") && on_tcp };
        Self { server, user, acceptor: Acceptor::new(ability), to_client: Vec::new() }
    }

    /// A request reaches the server.
    fn send(&mut self, bytes: &[u8]) {
        let (honest, scripted) = match self.acceptor.received(bytes) {
            Some(Accepted::Ssl(reply) | Accepted::Refuse(Request::Ssl, reply)) => {
                (reply, self.server.word("reply-ssl"))
            }
            Some(Accepted::Gss(reply) | Accepted::Refuse(Request::Gss, reply)) => {
                (reply, self.server.word("reply-gss"))
            }
            other => panic!("a request, and the server understood {other:?}"),
        };
        match self.server.word("first").or(scripted) {
            None => self.to_client.push(honest),
            Some("error") => self.to_client.extend_from_slice(&error("XX000")),
            Some("old-error") => self.to_client.extend_from_slice(OLD_ERROR),
            Some("close") => {}
            Some(bytes) => {
                // A server that says N is one that can be asked again.
                if bytes.starts_with('N') {
                    self.acceptor = Acceptor::new(ServerAbility { tls: self.server.has("ssl"), gss: false });
                }
                self.to_client.extend_from_slice(bytes.as_bytes());
            }
        }
    }

    /// One read; 0 when the server has closed.
    fn receive(&mut self, room: &mut [u8]) -> usize {
        let read = room.len().min(self.to_client.len());
        for (slot, byte) in room.iter_mut().zip(self.to_client.drain(..read)) {
            *slot = byte;
        }
        read
    }

    fn tls(&mut self, plan: &EncryptionPlan, start: TlsStart) -> Input<'static> {
        if start.direct {
            match self.acceptor.received(&[TLS_HANDSHAKE, 3, 1]) {
                Some(Accepted::DirectTls) => {}
                Some(Accepted::Reject(_)) => return Input::Tls(Err(TlsFailure::Closed)),
                other => panic!("a ClientHello, and the server understood {other:?}"),
            }
            self.acceptor.take_rest();
        }
        let mut alpn = Alpn::Postgresql;
        let mut root = match plan.verification(RootPresence::Missing) {
            Some(_) => RootPresence::Missing,
            None => RootPresence::Found,
        };
        let mut proves = true;
        match self.server.word("handshake-ssl") {
            None => {}
            Some("close") => return Input::Closed,
            Some("garbage" | "alert" | "unverified") => return Input::Tls(Err(TlsFailure::Handshake)),
            Some("setup") => return Input::Tls(Err(TlsFailure::Setup)),
            Some("no-alpn") => alpn = Alpn::Absent,
            Some("other-alpn") => alpn = Alpn::Other,
            Some("unproven") => {
                root = RootPresence::Found;
                proves = false;
            }
            Some(other) => panic!("handshake-ssl={other}"),
        }
        let wanted = if proves { plan.verification(root) } else { None };
        let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"h")], common_name: None };
        let name = match_host(Some("h"), &names, NameRules::Pg15, Hardening::NONE).unwrap().proof();
        if start.direct && alpn == Alpn::Absent {
            // The server has an opinion of its own about that.
            assert!(self.acceptor.encrypted(Encryption::Ssl, alpn).is_err());
        } else {
            self.acceptor.encrypted(Encryption::Ssl, Alpn::Postgresql).unwrap();
        }
        Input::Tls(Ok(TlsFacts {
            alpn,
            root,
            chain: (wanted >= Some(Verification::Ca)).then_some(ChainVerified::assertion()),
            name: (wanted == Some(Verification::Full)).then_some(name),
        }))
    }

    fn gss(&mut self) -> Input<'static> {
        match self.server.word("handshake-gss") {
            None => {
                self.acceptor.encrypted(Encryption::Gss, Alpn::Absent).unwrap();
                Input::Gss { success: true }
            }
            Some("fail") => Input::Gss { success: false },
            Some(other) => panic!("handshake-gss={other}"),
        }
    }

    /// The startup packet reaches the server, and its answer the client; both pass the monitor.
    fn start_up(
        &mut self,
        plan: &EncryptionPlan,
        encryption: Encryption,
        carry: Option<u8>,
    ) -> Input<'static> {
        assert_eq!(self.acceptor.encryption(), encryption, "both ends agree on what protects the connection");
        let (mut monitor, packet, answer) = match plan.payload() {
            Payload::Startup => {
                let rules = StartupRules::NONE;
                let monitor = StartupMonitor::new(rules, encryption, ClientCertificate::NONE, carry);
                let packet = startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap();
                let answer = self.answer_startup(&packet, encryption);
                (monitor, packet, answer)
            }
            Payload::Cancel => {
                let request = CancelRequest::new(7, &[1, 2, 3, 4]).unwrap();
                let answer = self.answer_cancel(&request, encryption);
                (StartupMonitor::cancel(encryption, carry), request.encode(), answer)
            }
        };
        self.to_client.extend_from_slice(&answer);
        monitor.wrote(&packet);
        if monitor.before_read().is_ok() {
            let _ = monitor.read(&self.to_client);
        }
        if self.scripted(encryption) == Some("alert") {
            monitor.aborted();
        } else {
            monitor.closed();
        }
        let outcome = if monitor.is_ready() { StartupOutcome::Up } else { StartupOutcome::Failed };
        Input::Startup(monitor.finish(outcome))
    }

    fn scripted(&self, encryption: Encryption) -> Option<&str> {
        self.server.word(match encryption {
            Encryption::Plain => "startup-plain",
            Encryption::Ssl => "startup-ssl",
            Encryption::Gss => "startup-gss",
        })
    }

    fn answer_startup(&mut self, packet: &[u8], encryption: Encryption) -> Vec<u8> {
        const READY: &[u8] = b"S\0\0\0\x0csome\0on\0K\0\0\0\x0c\0\0\0\x01abcdZ\0\0\0\x05I";
        const AUTH_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
        match self.acceptor.received(packet) {
            Some(Accepted::Startup(message)) => assert_eq!(message.value("user"), Some("me")),
            other => panic!("a StartupMessage, and the server understood {other:?}"),
        }
        match self.server.word("first") {
            Some("error") => return error("XX000"),
            Some("old-error") => return OLD_ERROR.to_vec(),
            _ => {}
        }
        match self.scripted(encryption) {
            None if self.user.is_taken(encryption) => [AUTH_OK, READY].concat(),
            None => error("28000"),
            Some("close" | "alert") => Vec::new(),
            Some("old-error") => OLD_ERROR.to_vec(),
            Some("garbage") => b"HTTP/1.1 400 Bad Request".to_vec(),
            Some(text) => match text.strip_prefix("ok+") {
                Some(sqlstate) => [AUTH_OK.to_vec(), error(sqlstate)].concat(),
                None => error(text),
            },
        }
    }

    fn answer_cancel(&mut self, request: &CancelRequest, encryption: Encryption) -> Vec<u8> {
        match self.acceptor.received(&request.encode()) {
            Some(Accepted::Cancel(received)) => assert_eq!(&received, request),
            other => panic!("a CancelRequest, and the server understood {other:?}"),
        }
        match self.scripted(encryption) {
            None => Vec::new(),
            Some("garbage") => b"?".to_vec(),
            Some(other) => panic!("startup={other} to a CancelRequest"),
        }
    }
}

/// An ErrorResponse.
fn error(sqlstate: &str) -> Vec<u8> {
    let body = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mno\0\0");
    let length = u32::try_from(body.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), body.as_bytes()].concat()
}
