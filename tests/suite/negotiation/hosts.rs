//! Connections over several hosts, against a model that is written from the rules and not from the machine.
//!
//! The model plans nothing: it walks over rounds, hosts, addresses and methods in nested loops, and each failure names what
//! follows it (libpq: `PQconnectPoll`).

use pgtls_core::{
    connect::{Action, Address, Connection, Input, Options},
    environment::{Environment, Platform},
    message::{PROTOCOL_3_0, startup_message},
    negotiation::{Alpn, Encryption, TlsFacts, TlsFailure},
    param::{Ability, Params, Settings},
    policy::RootPresence,
    startup::{ClientCertificate, StartupOutcome},
};
use proptest::prelude::*;
use std::{fmt::Write as _, net::SocketAddr, time::Duration};

/// The server at one address.
#[derive(Clone, Copy, Debug)]
struct Server {
    opens: Opens,
    ssl: Ssl,
    plain_login: Login,
    ssl_login: Login,
    standby: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Opens {
    Yes,
    Refused,
    Late,
}

/// The server's part in TLS.
#[derive(Clone, Copy, Debug)]
enum Ssl {
    Works,
    BadCertificate,
    None,
    Error,
    Closes,
    Late,
}

/// The server's part in the startup exchange.
#[derive(Clone, Copy, Debug)]
enum Login {
    Accepts,
    Rejects,
    StartsUp,
    RejectsDatabase,
    Closes,
    Late,
}

#[derive(Clone, Debug)]
enum Host {
    /// A name with the servers at its addresses; no server means that it is not found.
    Name(Vec<Server>),
    HostAddr(Server),
    Unix(Server),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
        }
    }
}

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug)]
enum Target {
    Any,
    Primary,
    Standby,
    PreferStandby,
}

impl Target {
    const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }

    /// Whether a server must be a standby, for each round over the hosts.
    const fn rounds(self) -> &'static [Option<bool>] {
        match self {
            Self::Any => &[None],
            Self::Primary => &[Some(false)],
            Self::Standby => &[Some(true)],
            Self::PreferStandby => &[Some(true), None],
        }
    }
}

#[derive(Clone, Debug)]
struct World {
    hosts: Vec<Host>,
    mode: Mode,
    target: Target,
}

/// Everything that happens, a line for each step.
#[derive(Debug, Default, PartialEq)]
struct Story(String);

impl Story {
    fn line(&mut self, line: impl AsRef<str>) {
        writeln!(self.0, "{}", line.as_ref()).unwrap();
    }
}

/// The end of a try.
enum End {
    Session(&'static str),
    NextMethod,
    NextAddress,
    NextHost,
    Stop,
}

impl World {
    fn address(host: usize, index: usize) -> String {
        format!("192.0.2.{}:5432", host * 10 + index + 1)
    }

    fn socket(host: usize) -> String {
        format!("/{host}/.s.PGSQL.5432")
    }

    fn conninfo(&self) -> String {
        let mut hosts = Vec::new();
        let mut addresses = Vec::new();
        for (index, host) in self.hosts.iter().enumerate() {
            hosts.push(match host {
                Host::Name(_) | Host::HostAddr(_) => format!("h{index}"),
                Host::Unix(_) => format!("/{index}"),
            });
            addresses.push(match host {
                Host::HostAddr(_) => format!("192.0.2.{}", index * 10 + 1),
                Host::Name(_) | Host::Unix(_) => String::new(),
            });
        }
        format!(
            "user=u connect_timeout=5 host='{}' hostaddr='{}' sslmode={} target_session_attrs={}",
            hosts.join(","),
            addresses.join(","),
            self.mode.word(),
            self.target.word()
        )
    }

    /// The server at an address, and whether TLS can be used there.
    fn server(&self, address: &str) -> Server {
        for (host, item) in self.hosts.iter().enumerate() {
            let found = match item {
                Host::Name(servers) => servers
                    .iter()
                    .enumerate()
                    .find(|(index, _)| Self::address(host, *index) == address)
                    .map(|(_, server)| server),
                Host::HostAddr(server) => (Self::address(host, 0) == address).then_some(server),
                Host::Unix(server) => (Self::socket(host) == address).then_some(server),
            };
            if let Some(server) = found {
                return *server;
            }
        }
        panic!("nobody is at {address}");
    }

    /// The model.
    fn expected(&self) -> Story {
        let mut story = Story::default();
        for must_be_standby in self.target.rounds() {
            for (index, host) in self.hosts.iter().enumerate() {
                let tries: Vec<(String, Server, bool)> = match host {
                    Host::Name(servers) => {
                        story.line(format!("resolve h{index}"));
                        if servers.is_empty() {
                            story.line("error");
                        }
                        let address =
                            |(at, server): (usize, &Server)| (Self::address(index, at), *server, true);
                        servers.iter().enumerate().map(address).collect()
                    }
                    Host::HostAddr(server) => vec![(Self::address(index, 0), *server, true)],
                    Host::Unix(server) => vec![(Self::socket(index), *server, false)],
                };
                for (address, server, is_tcp) in tries {
                    match self.try_address(&mut story, &address, server, is_tcp, *must_be_standby) {
                        End::Session(encryption) => {
                            story.line(format!("session {encryption} at {address}"));
                            return story;
                        }
                        End::NextMethod | End::Stop => {
                            story.line("failed");
                            return story;
                        }
                        End::NextAddress => {}
                        End::NextHost => break,
                    }
                }
            }
        }
        story.line("failed");
        story
    }

    fn try_address(
        &self,
        story: &mut Story,
        address: &str,
        server: Server,
        is_tcp: bool,
        standby: Option<bool>,
    ) -> End {
        let methods: &[&'static str] = match self.mode {
            _ if !is_tcp => &["plain"],
            Mode::Disable => &["plain"],
            Mode::Allow => &["plain", "ssl"],
            Mode::Prefer => &["ssl", "plain"],
            Mode::Require => &["ssl"],
        };
        let mut is_open = false;
        let mut end = End::Stop;
        for method in methods {
            if !is_open {
                story.line(format!("open {address}"));
                match server.opens {
                    Opens::Yes => {}
                    Opens::Refused | Opens::Late => {
                        story.line("error");
                        return End::NextAddress;
                    }
                }
            }
            is_open = false;
            let login = if *method == "ssl" {
                match server.ssl {
                    Ssl::Works => server.ssl_login,
                    // The plaintext method goes on with this connection, and nothing has failed yet.
                    Ssl::None if methods.ends_with(&["plain"]) => {
                        is_open = true;
                        continue;
                    }
                    Ssl::BadCertificate => {
                        story.line("error");
                        end = End::NextMethod;
                        continue;
                    }
                    Ssl::None | Ssl::Error | Ssl::Closes => {
                        story.line("error");
                        return End::Stop;
                    }
                    Ssl::Late => {
                        story.line("error");
                        return End::NextAddress;
                    }
                }
            } else {
                server.plain_login
            };
            match login {
                Login::Accepts if standby.is_none_or(|standby| standby == server.standby) => {
                    return End::Session(method);
                }
                Login::Accepts | Login::StartsUp => {
                    story.line("error");
                    return End::NextHost;
                }
                Login::Rejects => {
                    story.line("error");
                    end = End::NextMethod;
                }
                Login::RejectsDatabase | Login::Closes => {
                    story.line("error");
                    return End::Stop;
                }
                Login::Late => {
                    story.line("error");
                    return End::NextAddress;
                }
            }
        }
        end
    }

    /// The machine in the same world.
    fn observed(&self) -> Story {
        let environment = Environment::empty(Platform::Unix);
        let settings = Settings::parse(&self.conninfo()).unwrap();
        let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
        let mut machine = Connection::<String>::new(&params, &environment, Options::default());
        let mut story = Story::default();
        let mut errors = 0;
        let mut server = None;
        let mut is_tls = false;
        loop {
            for _ in errors..machine.errors().len() {
                story.line("error");
            }
            errors = machine.errors().len();
            let address = machine.peer().and_then(|peer| peer.address.clone());
            let input = match machine.poll(Duration::ZERO) {
                Action::Resolve { name, .. } => {
                    story.line(format!("resolve {name}"));
                    let host: usize = name[1..].parse().unwrap();
                    let Host::Name(servers) = &self.hosts[host] else { panic!("{name} has an address") };
                    let addresses = (0..servers.len()).map(|at| Self::address(host, at).parse().unwrap());
                    Input::Resolved(Ok(addresses.collect::<Vec<SocketAddr>>()))
                }
                Action::Open => {
                    let at = match address.unwrap() {
                        Address::Tcp(address) => address.to_string(),
                        Address::Unix(path) => path,
                    };
                    story.line(format!("open {at}"));
                    is_tls = false;
                    let reached = self.server(&at);
                    server = Some((at, reached));
                    match reached.opens {
                        Opens::Yes => Input::Opened(Ok(())),
                        Opens::Refused => Input::Opened(Err("refused".to_owned())),
                        Opens::Late => Input::TimedOut,
                    }
                }
                Action::Send(_) => Input::Sent,
                Action::Receive { .. } => match server.as_ref().unwrap().1.ssl {
                    Ssl::Works | Ssl::BadCertificate => Input::Received(b"S"),
                    Ssl::None => Input::Received(b"N"),
                    Ssl::Error => Input::Received(b"E"),
                    Ssl::Closes => Input::ConnectionLost(None),
                    Ssl::Late => Input::TimedOut,
                },
                Action::StartTls { .. } => {
                    let certificate = ClientCertificate::NONE;
                    is_tls = !matches!(server.as_ref().unwrap().1.ssl, Ssl::BadCertificate);
                    if is_tls {
                        let root = RootPresence::Missing;
                        let facts = TlsFacts { alpn: Alpn::Absent, root, chain: None, name: None };
                        Input::TlsEstablished { facts, certificate }
                    } else {
                        let failure = TlsFailure::Handshake;
                        let cause = "bad certificate".to_owned();
                        Input::TlsFailed { failure, certificate, alert: b"alert", cause }
                    }
                }
                Action::Startup => {
                    let reached = server.as_ref().unwrap().1;
                    let login = if is_tls { reached.ssl_login } else { reached.plain_login };
                    if let Login::Late = login {
                        Input::TimedOut
                    } else {
                        start_up(&mut machine, login, reached.standby)
                    }
                }
                Action::Done(encryption) => {
                    assert_eq!(encryption == Encryption::Ssl, is_tls);
                    story.line(format!("session {encryption} at {}", server.unwrap().0));
                    return story;
                }
                Action::Failed => {
                    story.line("failed");
                    return story;
                }
                other => panic!("{other:?}"),
            };
            machine.handle(input).unwrap();
        }
    }
}

fn start_up(machine: &mut Connection<String>, login: Login, standby: bool) -> Input<'static, String> {
    let mut monitor = machine.monitor().unwrap();
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "u")]).unwrap());
    let ok = b"R\0\0\0\x08\0\0\0\0".as_slice();
    let role: &[u8] =
        if standby { b"S\0\0\0\x16in_hot_standby\0on\0" } else { b"S\0\0\0\x17in_hot_standby\0off\0" };
    let answer = match login {
        Login::Accepts => [ok, role, b"Z\0\0\0\x05I"].concat(),
        Login::Rejects => b"E\0\0\0\x0cC28000\0\0".to_vec(),
        Login::StartsUp => b"E\0\0\0\x0cC57P03\0\0".to_vec(),
        Login::RejectsDatabase => [ok, b"E\0\0\0\x0cC3D000\0\0"].concat(),
        Login::Closes | Login::Late => Vec::new(),
    };
    monitor.read(&answer).unwrap();
    monitor.closed();
    let outcome = if monitor.is_ready() { StartupOutcome::Up } else { StartupOutcome::Failed };
    Input::StartupFinished { verdict: monitor.finish(outcome), cause: None }
}

/// Failures that lead to other hosts are frequent, so that many hosts are reached.
fn server() -> impl Strategy<Value = Server> {
    let opens = prop_oneof![6 => Just(Opens::Yes), 2 => Just(Opens::Refused), 1 => Just(Opens::Late)];
    let ssl = prop_oneof![
        6 => Just(Ssl::Works),
        3 => Just(Ssl::None),
        2 => Just(Ssl::BadCertificate),
        1 => Just(Ssl::Error),
        1 => Just(Ssl::Closes),
        2 => Just(Ssl::Late),
    ];
    let login = || {
        prop_oneof![
            4 => Just(Login::Accepts),
            3 => Just(Login::Rejects),
            3 => Just(Login::StartsUp),
            1 => Just(Login::RejectsDatabase),
            1 => Just(Login::Closes),
            2 => Just(Login::Late),
        ]
    };
    (opens, ssl, login(), login(), any::<bool>()).prop_map(|(opens, ssl, plain_login, ssl_login, standby)| {
        Server { opens, ssl, plain_login, ssl_login, standby }
    })
}

fn world() -> impl Strategy<Value = World> {
    let host = prop_oneof![
        3 => prop::collection::vec(server(), 0..4).prop_map(Host::Name),
        1 => server().prop_map(Host::HostAddr),
        1 => server().prop_map(Host::Unix),
    ];
    let mode = prop::sample::select(vec![Mode::Disable, Mode::Allow, Mode::Prefer, Mode::Require]);
    let target =
        prop::sample::select(vec![Target::Any, Target::Primary, Target::Standby, Target::PreferStandby]);
    (prop::collection::vec(host, 1..5), mode, target).prop_map(|(hosts, mode, target)| World {
        hosts,
        mode,
        target,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn agrees_with_nested_loops(world in world()) {
        prop_assert_eq!(world.observed(), world.expected());
    }
}
