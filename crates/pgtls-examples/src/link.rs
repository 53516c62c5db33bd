//! One address, everything but the I/O: the negotiation machine, rustls and the gate of the startup exchange.
//!
//! Whoever has a socket asks [`Link::poll`] what to do and moves bytes: those of [`Link::outgoing`] out, those that come
//! into [`Link::received`]. Blocking, readiness or completion makes no difference to it.

use crate::messages::{Messages, query};
use pgtls_core::{
    attempt::{Attempt, Ended},
    gate::{Exchange, StartupGate},
    negotiation::{Action, Encryption, Input, Misuse, Then},
    param::{Params, TargetSessionAttrs},
    policy::EncryptionPlan,
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, Connector, Session, TlsError};
use rustls::ClientConnection;
use std::io::{self, Read, Write};

/// The most that is read at once.
pub const READ: usize = 16 * 1024;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Drop the connection, if there is one, and open a new one: [`Link::connected`] or [`Link::connect_failed`].
    Connect,
    /// Shake hands by GSSAPI on this connection, wrap from then on what goes out and unwrap what comes in:
    /// [`Link::gss_established`] or [`Link::gss_failed`]. Never said when the plan was told that there are no credentials.
    Gss,
    /// Send the startup packet with [`Link::send`]. Said once for each connection that comes so far.
    Start,
    /// Write what is in [`Link::outgoing`], and read.
    Io {
        /// At most so many bytes in one read; the bytes after them are not this state's.
        read: usize,
    },
    /// The server has ended the session.
    Closed,
    /// The address has failed; see [`Link::end`].
    Fail(Then),
}

/// One address, everything but the I/O.
pub struct Link<'p> {
    connector: &'p Connector,
    host: Option<String>,
    attempt: Attempt<'p, Cause>,
    tls: Option<Box<Tls>>,
    gate: Option<StartupGate>,
    role: Option<RoleQuery>,
    /// [`Next::Start`] was not said yet for this gate.
    start_is_due: bool,
    /// The server has ended a session that was up.
    closed: bool,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

struct Tls {
    engine: ClientConnection,
    session: Session,
}

/// The query that establishes the role of a server before release 14.
struct RoleQuery {
    answer: Messages,
    value: Option<String>,
    /// Bytes for the driver, up to ReadyForQuery, until there is a session.
    held: Vec<u8>,
}

impl<'p> Link<'p> {
    /// `host` is the candidate's, for verification and server name indication.
    pub fn new(
        params: &'p Params,
        plan: EncryptionPlan,
        connector: &'p Connector,
        host: Option<String>,
        earlier: ClientCertificate,
    ) -> Self {
        Self {
            connector,
            host,
            attempt: Attempt::new(params, plan, earlier),
            tls: None,
            gate: None,
            role: None,
            start_is_due: false,
            closed: false,
            outgoing: Vec::new(),
            incoming: Vec::new(),
        }
    }

    /// Demands this role of the server, from
    /// [`Candidates`](pgtls_core::candidates::Candidates::target_session_attrs).
    #[must_use]
    pub fn with_role(mut self, role: TargetSessionAttrs) -> Self {
        self.attempt = self.attempt.with_role(role);
        self
    }

    /// What to do now. The same answer until something happens, but for [`Next::Start`].
    ///
    /// # Errors
    /// A bug in the program, here as in the other methods.
    pub fn poll(&mut self) -> Result<Next, Misuse> {
        loop {
            match self.attempt.action() {
                Action::Connect | Action::Reconnect { .. } => return Ok(Next::Connect),
                Action::Send(request) => {
                    // If it cannot be sent after all, there will be no answer.
                    self.outgoing.extend_from_slice(request);
                    self.attempt.handle(Input::Sent, None)?;
                }
                Action::Receive { at_most } => return Ok(Next::Io { read: at_most }),
                Action::StartTls(_) if self.tls.is_none() => self.start_tls()?,
                Action::Startup { .. } if self.gate.is_none() => self.open_gate()?,
                Action::Startup { .. } if std::mem::take(&mut self.start_is_due) => return Ok(Next::Start),
                Action::Done(_) if self.closed => return Ok(Next::Closed),
                Action::StartTls(_) | Action::Startup { .. } | Action::Done(_) => {
                    return Ok(Next::Io { read: READ });
                }
                Action::Fail { then, .. } => return Ok(Next::Fail(then)),
                // Links are TCP alone, where nobody asks who the peer is.
                Action::CheckPeer => self.attempt.handle(Input::PeerUser { matches: false }, None)?,
                Action::StartGss => return Ok(Next::Gss),
                // Nothing else can be done on a link.
                _ => self.attempt.handle(Input::Closed, None)?,
            }
        }
    }

    /// How the session is protected; `None` until it is up.
    pub fn up(&self) -> Option<Encryption> {
        match self.attempt.action() {
            Action::Done(encryption) => Some(encryption),
            _ => None,
        }
    }

    /// A new connection is open.
    pub fn connected(&mut self) -> Result<(), Misuse> {
        self.tls = None;
        self.gate = None;
        self.role = None;
        self.outgoing.clear();
        self.incoming.clear();
        self.attempt.handle(Input::Connected, None)
    }

    /// It could not be opened.
    pub fn connect_failed(&mut self, error: io::Error) -> Result<(), Misuse> {
        self.attempt.handle(Input::ConnectFailed, Some(error.into()))
    }

    /// The deadline of this address passed.
    pub fn timed_out(&mut self) -> Result<(), Misuse> {
        self.attempt.handle(Input::TimedOut, None)
    }

    /// GSSAPI encryption is up.
    pub fn gss_established(&mut self) -> Result<(), Misuse> {
        self.attempt.handle(Input::GssEstablished, None)
    }

    /// It could not be established.
    pub fn gss_failed(&mut self, cause: Option<Cause>) -> Result<(), Misuse> {
        self.attempt.handle(Input::GssFailed, cause)
    }

    /// The bytes for the socket. After [`Next::Connect`] or [`Next::Fail`] an alert may be left, which is worth one try.
    pub fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.outgoing
    }

    /// What the server said to the driver.
    pub fn take_incoming(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.incoming)
    }

    /// The driver says this to the server, the startup packet first.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(gate) = &mut self.gate {
            gate.sent(bytes);
        }
        match &mut self.tls {
            None => self.outgoing.extend_from_slice(bytes),
            Some(tls) => {
                // Neither of the two buffers has a limit here: whoever sends looks at `outgoing` first.
                let _ = tls.engine.writer().write_all(bytes);
                flush(&mut tls.engine, &mut self.outgoing);
            }
        }
    }

    /// Nothing more will be sent.
    pub fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.engine.send_close_notify();
            flush(&mut tls.engine, &mut self.outgoing);
        }
    }

    /// These bytes came from the socket.
    pub fn received(&mut self, bytes: &[u8]) -> Result<(), Misuse> {
        match self.attempt.action() {
            Action::Receive { .. } => self.attempt.handle(Input::Received(bytes), None),
            _ if !self.is_live() => Ok(()),
            _ if self.tls.is_some() => self.decrypt(bytes),
            _ => self.heard(bytes),
        }
    }

    /// The connection ended, in order or, with an error, not.
    pub fn closed(&mut self, error: Option<io::Error>) -> Result<(), Misuse> {
        match self.attempt.action() {
            Action::StartTls(_) => {
                let error =
                    TlsError::Connection(error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
                self.tls_failed(error)
            }
            Action::Startup { .. } => {
                // With TLS only close_notify is an end in order, and that was heard before.
                match &mut self.gate {
                    Some(gate) if error.is_none() && self.tls.is_none() => gate.closed(),
                    Some(gate) => gate.aborted(),
                    None => {}
                }
                if let (Some(gate), Some(_)) = (&mut self.gate, &self.role) {
                    gate.role_answer(None);
                }
                self.conclude(Exchange::Up, error.map(Cause::Io))
            }
            Action::Done(_) => {
                self.closed = true;
                Ok(())
            }
            Action::Receive { .. } => self.attempt.handle(Input::Closed, error.map(Cause::Io)),
            // The end of a connection that was given up already.
            _ => Ok(()),
        }
    }

    /// The startup exchange is over before the server says so: it was refused.
    pub fn conclude(&mut self, exchange: Exchange, cause: Option<Cause>) -> Result<(), Misuse> {
        let input = match &mut self.gate {
            Some(gate) => gate.conclude(exchange)?,
            None => Input::Closed,
        };
        self.attempt.handle(input, cause)
    }

    /// What there is to say in the end.
    pub fn end(self) -> Ended<Cause> {
        self.attempt.end()
    }

    fn start_tls(&mut self) -> Result<(), Misuse> {
        let session = match self.connector.session(self.host.as_deref()) {
            Ok(session) => session,
            Err(error) => {
                self.outgoing.extend_from_slice(error.farewell());
                return self.tls_failed(error);
            }
        };
        match ClientConnection::new(session.config(), session.server_name()) {
            Ok(mut engine) => {
                engine.set_buffer_limit(None);
                flush(&mut engine, &mut self.outgoing);
                self.tls = Some(Box::new(Tls { engine, session }));
                Ok(())
            }
            Err(error) => self.tls_failed(session.refusal(error)),
        }
    }

    fn tls_failed(&mut self, error: TlsError) -> Result<(), Misuse> {
        self.attempt.handle(Input::TlsFailed(error.failure()), Some(error.into()))
    }

    /// Ciphertext from the socket.
    fn decrypt(&mut self, mut bytes: &[u8]) -> Result<(), Misuse> {
        while !bytes.is_empty() && self.is_live() {
            let Some(Tls { engine, session }) = self.tls.as_deref_mut() else { return Ok(()) };
            // rustls takes what it has room for, and is emptied each time.
            if let Err(error) = engine.read_tls(&mut bytes) {
                return self.closed(Some(error));
            }
            let state = engine.process_new_packets();
            flush(engine, &mut self.outgoing);
            let handshake = matches!(self.attempt.action(), Action::StartTls(_));
            if handshake {
                self.attempt.saw_certificate(session.client_certificate());
            }
            let state = match state {
                Ok(state) => state,
                Err(error) if handshake => {
                    let error = session.refusal(error);
                    return self.tls_failed(error);
                }
                Err(error) => return self.closed(Some(io::Error::new(io::ErrorKind::InvalidData, error))),
            };
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            let _ = engine.reader().read_exact(&mut plain);
            if let (true, Some(facts)) = (handshake, session.facts(engine)) {
                self.attempt.handle(Input::TlsEstablished(facts), None)?;
                // A server that speaks before the startup packet is heard by the gate.
                self.open_gate()?;
            }
            if !plain.is_empty() {
                self.heard(&plain)?;
            }
            if state.peer_has_closed() {
                match (self.attempt.action(), &mut self.gate) {
                    (Action::Startup { .. }, Some(gate)) => {
                        gate.closed();
                        return self.conclude(Exchange::Up, None);
                    }
                    _ => return self.closed(None),
                }
            }
        }
        Ok(())
    }

    /// Bytes of the socket mean something.
    fn is_live(&self) -> bool {
        matches!(self.attempt.action(), Action::StartTls(_) | Action::Startup { .. } | Action::Done(_))
    }

    fn open_gate(&mut self) -> Result<(), Misuse> {
        let Action::Startup { encryption, carry } = self.attempt.action() else { return Ok(()) };
        // The byte that came too early is heard like those after it.
        self.gate = Some(self.attempt.gate(encryption, None));
        self.start_is_due = true;
        carry.map_or(Ok(()), |byte| self.heard(&[byte]))
    }

    /// Plaintext from the server.
    fn heard(&mut self, bytes: &[u8]) -> Result<(), Misuse> {
        let Some(gate) = &mut self.gate else {
            self.incoming.extend_from_slice(bytes);
            return Ok(());
        };
        if let Some(role) = &mut self.role {
            role.answer.push(bytes);
            if !role.is_complete() {
                return Ok(());
            }
            gate.role_answer(role.value.as_deref().map(str::as_bytes));
            self.incoming = self.role.take().map(|role| role.held).unwrap_or_default();
        } else if gate.received(bytes).is_ok() {
            self.incoming.extend_from_slice(bytes);
            if gate.may_pass().is_ok() && !gate.is_done() {
                return Ok(());
            }
            if let Some(sql) = gate.role_query() {
                let held = std::mem::take(&mut self.incoming);
                self.role = Some(RoleQuery { answer: Messages::default(), value: None, held });
                self.send(&query(sql));
                return Ok(());
            }
        }
        // The watch has decided.
        self.conclude(Exchange::Up, None)?;
        self.gate = None;
        Ok(())
    }
}

impl RoleQuery {
    /// Reads the answer as far as it has come; returns whether it ends with ReadyForQuery, or makes no sense.
    fn is_complete(&mut self) -> bool {
        loop {
            match self.answer.take() {
                Ok(None) => return false,
                Ok(Some(message)) if message.kind != b'Z' => {
                    self.value = message.first_column().or(self.value.take());
                }
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }
}

/// What rustls has to send. Writing into memory cannot fail.
fn flush(engine: &mut ClientConnection, outgoing: &mut Vec<u8>) {
    while engine.wants_write() {
        if engine.write_tls(outgoing).is_err() {
            return;
        }
    }
}
