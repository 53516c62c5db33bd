//! Completion instead of readiness, as with io_uring or IOCP: an operation is handed over together with its buffer, and
//! comes back when it is done. Nothing is ever asked whether it is ready.
//!
//! ```sh
//! cargo run -p pgtls-examples --example completion -- "host=localhost user=me sslmode=require"
//! ```
//!
//! The ring here is a thread with a queue on either side, so that the example runs everywhere and without `unsafe`; the
//! contract is the kernel's. The machine does not see the difference.

use pgtls_core::{
    candidates::{Address, CandidateAction, Candidates},
    files,
    gate::Exchange,
    negotiation::Encryption,
    param::{Ability, Params, Settings},
    policy::{GssCredentials, Payload, Transport, plan},
    startup::{ClientCertificate, Refusal},
};
use pgtls_examples::{
    Told,
    link::{Link, Next},
    messages::{Messages, query, startup, terminate},
};
use pgtls_rustls::{Cause, Connector, TlsOptions, clock};
use std::{
    error::Error,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// How long an address may take when `connect_timeout` does not say.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Told> {
    let conninfo = std::env::args().nth(1).ok_or("usage: completion CONNINFO")?;
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let options =
        TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::from_secs(pgtls_os::unix_time())));
    let connector = Connector::new(&params, &loaded, &options);

    let mut candidates = Candidates::new(&params, &environment, options.seed());
    let mut certificate = ClientCertificate::default();
    loop {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => match (name.as_str(), port).to_socket_addrs() {
                Ok(addresses) => candidates.resolved(addresses),
                Err(error) => candidates.resolve_failed(Cause::Io(error).into()),
            },
            CandidateAction::Try(candidate) => {
                let Address::Tcp(address) = candidate.address else {
                    return Err("this example knows no unix sockets".into());
                };
                let plan = plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
                let link = Link::new(&params, plan, &connector, candidate.host, certificate);
                match Session::new(link, address, &params)?.run("SELECT 1")? {
                    Ok((encryption, value)) => {
                        println!("{encryption}: SELECT 1 is {value}");
                        return Ok(());
                    }
                    Err(link) => {
                        let ended = link.end();
                        certificate = ended.certificate;
                        for error in ended.failed_before {
                            candidates.note(error);
                        }
                        let Some((error, then)) = ended.failed else { break };
                        candidates.failed(error, then);
                    }
                }
            }
            _ => break,
        }
    }
    for error in candidates.errors() {
        eprintln!("{error}");
    }
    Err("no connection".into())
}

/// An operation. The buffer in it belongs to the ring until it comes back.
enum Operation {
    Connect(SocketAddr, Duration),
    Write(Vec<u8>),
    Read(Vec<u8>),
}

/// An operation that is done: what came of it, and the buffer.
enum Completion {
    Connected(io::Result<()>),
    /// Or not: a server that takes no more may have said why, and reading will tell.
    Written,
    Read(Vec<u8>, io::Result<usize>),
}

/// One link on the ring.
struct Session<'p> {
    link: Link<'p>,
    params: &'p Params,
    address: SocketAddr,
    deadline: Instant,
    submissions: Sender<Operation>,
    completions: Receiver<Completion>,
    messages: Messages,
    value: Option<String>,
}

type Outcome<'p> = Result<(Encryption, String), Link<'p>>;

impl<'p> Session<'p> {
    fn new(link: Link<'p>, address: SocketAddr, params: &'p Params) -> Result<Self, Box<dyn Error>> {
        let deadline = Instant::now() + params.connect_timeout()?.unwrap_or(PATIENCE);
        let (submissions, completions) = ring();
        let messages = Messages::default();
        Ok(Self { link, params, address, deadline, submissions, completions, messages, value: None })
    }

    /// Submits one operation after the other and acts on what completes.
    fn run(mut self, sql: &str) -> Result<Outcome<'p>, Box<dyn Error>> {
        loop {
            let operation = match self.link.poll()? {
                Next::Connect => {
                    // What is still under way on the old connection completes into a queue that nobody reads any more.
                    (self.submissions, self.completions) = ring();
                    Operation::Connect(self.address, self.left())
                }
                // There is no GSSAPI here, which the plan has been told.
                Next::Gss => {
                    self.link.gss_failed(None)?;
                    continue;
                }
                Next::Start => {
                    self.messages = Messages::default();
                    self.link.send(&startup(self.params)?);
                    continue;
                }
                Next::Io { .. } if !self.link.outgoing().is_empty() => {
                    Operation::Write(std::mem::take(self.link.outgoing()))
                }
                Next::Io { read } => Operation::Read(vec![0; read]),
                Next::Closed => return Err("the server has gone".into()),
                Next::Fail(_) => {
                    let last = std::mem::take(self.link.outgoing());
                    if !last.is_empty() {
                        self.submit(Operation::Write(last))?;
                    }
                    return Ok(Err(self.link));
                }
            };
            match self.submit(operation)? {
                None => self.link.timed_out()?,
                Some(Completion::Connected(Ok(()))) => self.link.connected()?,
                Some(Completion::Connected(Err(error))) => self.link.connect_failed(error)?,
                Some(Completion::Written) => {}
                Some(Completion::Read(_, Ok(0))) => self.link.closed(None)?,
                Some(Completion::Read(_, Err(error))) => self.link.closed(Some(error))?,
                Some(Completion::Read(buffer, Ok(count))) => {
                    self.link.received(buffer.get(..count).unwrap_or_default())?;
                    if let Some(value) = self.hear(sql)? {
                        let encryption = self.link.up().unwrap_or(Encryption::Plain);
                        self.link.send(&terminate());
                        self.link.close();
                        let last = std::mem::take(self.link.outgoing());
                        self.submit(Operation::Write(last))?;
                        return Ok(Ok((encryption, value)));
                    }
                }
            }
        }
    }

    /// Hands an operation over and waits for its completion; `None` when the deadline passes first.
    fn submit(&self, operation: Operation) -> Result<Option<Completion>, Box<dyn Error>> {
        self.submissions.send(operation)?;
        match self.completions.recv_timeout(self.left()) {
            Ok(completion) => Ok(Some(completion)),
            Err(RecvTimeoutError::Timeout) if self.link.up().is_none() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    /// Reads what has come; the value, once it is there.
    fn hear(&mut self, sql: &str) -> Result<Option<String>, Box<dyn Error>> {
        self.messages.push(&self.link.take_incoming());
        while let Some(message) = self.messages.take()? {
            match (message.kind, self.link.up()) {
                (b'Z', Some(_)) => match self.value.take() {
                    None => self.link.send(&query(sql)),
                    value => return Ok(value),
                },
                (b'D', Some(_)) => self.value = message.first_column(),
                (b'R', None) if message.refusal().is_some() => {
                    self.link.conclude(Exchange::Refused(Refusal::NoPassword), None)?;
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// A ring for one connection. It ends when nobody can submit any more.
fn ring() -> (Sender<Operation>, Receiver<Completion>) {
    let (submissions, operations) = channel();
    let (done, completions) = channel();
    thread::spawn(move || {
        let mut socket: Option<TcpStream> = None;
        for operation in operations {
            let completion = match operation {
                Operation::Connect(address, limit) => {
                    Completion::Connected(open(address, limit).map(|opened| socket = Some(opened)))
                }
                Operation::Write(bytes) => {
                    let _ = connected(&mut socket).and_then(|tcp| tcp.write_all(&bytes));
                    Completion::Written
                }
                Operation::Read(mut buffer) => {
                    let read = connected(&mut socket).and_then(|tcp| tcp.read(&mut buffer));
                    Completion::Read(buffer, read)
                }
            };
            if done.send(completion).is_err() {
                return;
            }
        }
    });
    (submissions, completions)
}

/// The socket has time limits of its own, so that no thread outlives its session for long.
fn open(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect_timeout(&address, limit)?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    Ok(tcp)
}

fn connected(socket: &mut Option<TcpStream>) -> io::Result<&mut TcpStream> {
    socket.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
}
