//! One client, up to its startup packet and after it: the acceptor of the core, rustls as a server, a socket.

use crate::refusal::error_response;
use mio::{Interest, Registry, Token, net::TcpStream};
use pgtls_core::{
    accept::{Accepted, Acceptor, Rejection, ServerAbility},
    message::{ALPN_POSTGRESQL, CancelRequest, StartupMessage},
    negotiation::{Alpn, Encryption},
};
use pgtls_x509::{certificates_from_pem, private_key};
use rustls::{ServerConfig, ServerConnection, crypto::CryptoProvider};
use std::{
    error::Error,
    io::{self, ErrorKind, Read, Write},
    sync::Arc,
};

/// Maximum length of one read.
const READ: usize = 16 * 1024;

/// Bytes that are kept for somebody who does not read them. From here on nothing is read from the other side.
pub(crate) const BACKLOG: usize = 64 * 1024;

/// Where a client has come to.
pub(crate) enum Progress {
    /// Nothing can be done but wait.
    Waiting,
    /// It wants a session.
    Startup(StartupMessage),
    /// It wants a query of another session ended.
    Cancel(CancelRequest),
    /// It has said something to its server.
    Heard,
    /// It has gone, or is turned away.
    Over,
}

/// One client.
pub(crate) struct Front {
    tcp: TcpStream,
    config: Arc<ServerConfig>,
    acceptor: Acceptor,
    tls: Option<Box<ServerConnection>>,
    stage: Stage,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The acceptor reads.
    Negotiating,
    /// The server reads.
    Talking,
    /// Nobody reads; what is left is sent.
    Closing,
}

impl Front {
    /// For a client that was just accepted.
    pub(crate) fn new(
        mut tcp: TcpStream,
        config: Arc<ServerConfig>,
        token: Token,
        registry: &Registry,
    ) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        registry.register(&mut tcp, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            tcp,
            config,
            acceptor: Acceptor::new(ServerAbility { tls: true, gss: false }),
            tls: None,
            stage: Stage::Negotiating,
            outgoing: Vec::new(),
            incoming: Vec::new(),
        })
    }

    /// The server name that the client has sent.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.tls.as_ref()?.server_name()
    }

    /// What the client said to its server.
    pub(crate) fn take_incoming(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.incoming)
    }

    /// How many bytes the client has not read yet.
    pub(crate) fn backlog(&self) -> usize {
        self.outgoing.len()
    }

    /// Says this to the client.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => self.outgoing.extend_from_slice(bytes),
            Some(tls) => {
                // Into memory, without a limit: whoever sends looks at the backlog first.
                let _ = tls.writer().write_all(bytes);
                flush(tls, &mut self.outgoing);
            }
        }
    }

    /// Says that there is nothing more to say.
    pub(crate) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            flush(tls, &mut self.outgoing);
        }
        self.stage = Stage::Closing;
    }

    /// Drops what the client has not read.
    pub(crate) fn abandon(&mut self) {
        self.outgoing.clear();
        self.stage = Stage::Closing;
    }

    /// Turns the client away.
    pub(crate) fn refuse(&mut self, sqlstate: &str, text: &str) {
        self.send(&error_response(sqlstate, text));
        self.close();
    }

    /// Goes as far as it can without waiting. Reads only if `may_read`.
    pub(crate) fn drive(&mut self, may_read: bool) -> Progress {
        let mut buffer = [0; READ];
        loop {
            if write_some(&mut self.tcp, &mut self.outgoing).is_err() {
                return Progress::Over;
            }
            if self.stage == Stage::Closing {
                return if self.outgoing.is_empty() { Progress::Over } else { Progress::Waiting };
            }
            if !may_read || self.outgoing.len() >= BACKLOG {
                return Progress::Waiting;
            }
            match self.tcp.read(&mut buffer) {
                Ok(0) => return Progress::Over,
                Ok(count) => {
                    let progress = self.received(buffer.get(..count).unwrap_or_default());
                    if !matches!(progress, Progress::Waiting) {
                        return progress;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Waiting,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Progress::Over,
            }
        }
    }

    fn received(&mut self, bytes: &[u8]) -> Progress {
        if self.tls.is_some() {
            return self.decrypt(bytes);
        }
        let accepted = self.acceptor.received(bytes);
        self.act(accepted)
    }

    /// Does what the acceptor says.
    fn act(&mut self, mut accepted: Option<Accepted>) -> Progress {
        loop {
            match accepted {
                None => return Progress::Waiting,
                Some(Accepted::Ssl(answer)) => {
                    self.outgoing.push(answer);
                    return self.start_tls();
                }
                Some(Accepted::DirectTls) => {
                    let hello = self.acceptor.take_rest();
                    return match self.start_tls() {
                        Progress::Waiting => self.decrypt(&hello),
                        over => over,
                    };
                }
                Some(Accepted::Refuse(_, answer)) => {
                    self.send(&[answer]);
                    accepted = self.acceptor.poll();
                }
                Some(Accepted::Startup(_)) if self.acceptor.encryption() == Encryption::Plain => {
                    self.refuse("28000", "this proxy is reached with TLS alone: use sslmode=require or more");
                    return Progress::Waiting;
                }
                Some(Accepted::Startup(message)) => {
                    self.stage = Stage::Talking;
                    self.incoming = self.acceptor.take_rest();
                    return Progress::Startup(message);
                }
                Some(Accepted::Cancel(request)) => {
                    self.stage = Stage::Talking;
                    return Progress::Cancel(request);
                }
                Some(Accepted::Reject(rejection)) => {
                    self.reject(rejection);
                    return Progress::Waiting;
                }
                // GSSAPI was never granted.
                Some(_) => return Progress::Over,
            }
        }
    }

    fn reject(&mut self, rejection: Rejection) {
        match rejection.sqlstate() {
            Some(sqlstate) => self.refuse(sqlstate, &rejection.to_string()),
            None => self.close(),
        }
    }

    fn start_tls(&mut self) -> Progress {
        match ServerConnection::new(self.config.clone()) {
            Ok(mut tls) => {
                tls.set_buffer_limit(None);
                self.tls = Some(Box::new(tls));
                Progress::Waiting
            }
            Err(_) => Progress::Over,
        }
    }

    fn decrypt(&mut self, mut bytes: &[u8]) -> Progress {
        let mut progress = Progress::Waiting;
        while !bytes.is_empty() && self.stage != Stage::Closing {
            let Some(tls) = &mut self.tls else { return progress };
            let handshake = tls.is_handshaking();
            if tls.read_tls(&mut bytes).is_err() {
                return Progress::Over;
            }
            let state = tls.process_new_packets();
            flush(tls, &mut self.outgoing);
            let Ok(state) = state else {
                self.close();
                return Progress::Waiting;
            };
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            let _ = tls.reader().read_exact(&mut plain);
            if handshake && !tls.is_handshaking() {
                let alpn = match tls.alpn_protocol() {
                    None => Alpn::Absent,
                    Some(ALPN_POSTGRESQL) => Alpn::Postgresql,
                    Some(_) => Alpn::Other,
                };
                if let Err(rejection) = self.acceptor.encrypted(Encryption::Ssl, alpn) {
                    self.reject(rejection);
                    return Progress::Waiting;
                }
            }
            if self.stage == Stage::Negotiating {
                let accepted = self.acceptor.received(&plain);
                progress = self.act(accepted);
            } else if !plain.is_empty() {
                self.incoming.extend_from_slice(&plain);
                if matches!(progress, Progress::Waiting) {
                    progress = Progress::Heard;
                }
            }
            if state.peer_has_closed() && matches!(progress, Progress::Waiting) {
                return Progress::Over;
            }
        }
        progress
    }
}

/// Certificate and key of the proxy, and the one protocol that is spoken here.
pub(crate) fn server_config(
    certificate: &[u8],
    key: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates_from_pem(certificate)?, private_key(key, None)?)?;
    config.alpn_protocols = vec![ALPN_POSTGRESQL.to_vec()];
    // PostgreSQL resumes no sessions either, and tickets would be memory for nothing.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// What rustls has to send. Writing into memory cannot fail.
fn flush(tls: &mut ServerConnection, outgoing: &mut Vec<u8>) {
    while tls.wants_write() {
        if tls.write_tls(outgoing).is_err() {
            return;
        }
    }
}

/// Writes until the socket takes no more, and removes the bytes that it took.
fn write_some(to: &mut impl Write, buffer: &mut Vec<u8>) -> io::Result<()> {
    while !buffer.is_empty() {
        match to.write(buffer) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => drop(buffer.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
