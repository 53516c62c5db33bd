//! The client's side of the startup exchange: startup packet, authentication, and the server's reports up to
//! ReadyForQuery.
//!
//! [`Exchange`] does no I/O: bytes from the server go in, bytes for the server come out, so that it runs over any
//! stream; [`run()`] is that loop. The core's `StartupMonitor` reads the same bytes and makes the checks of the connection
//! parameters (`require_auth`, `channel_binding`, `sslcertmode`). No buffer grows beyond [`frames::MAX_MESSAGE`].

mod authentication;
mod fault;
mod frames;
mod role;
mod run;
mod server_message;
mod version;

pub(crate) use authentication::{Binding, Channel};
pub(crate) use fault::{ExchangeProblem, Fault};
pub(crate) use run::{RunError, Wire, run, terminate};
pub(crate) use server_message::ServerMessage;

use authentication::{Authentication, Progress};
use bytes::BytesMut;
use frames::Frames;
use pgtls_core::{
    message::{MessageError, startup_message},
    param::{Params, ProtocolVersion, Secret, TargetSessionAttrs},
    role::{RoleCheck, WrongRole},
    startup::Broken,
};
use postgres_protocol::message::{backend::Message, frontend};

/// The exchange from the startup packet to the first ReadyForQuery (libpq: `PQconnectPoll` from
/// `CONNECTION_MADE` to `CONNECTION_OK`).
pub(crate) struct Exchange<'a> {
    params: &'a Params,
    stage: Stage<'a>,
    frames: Frames,
    outbox: BytesMut,
    role: RoleCheck,
    role_answer: Option<Vec<u8>>,
    report: Report,
    requested: ProtocolVersion,
}

/// What the server said about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// `server_version`.
    pub(crate) server_version: Option<String>,
    /// The authentication that the server asked for, in PostgreSQL's words; `trust` when it asked for none.
    pub(crate) authentication: Option<&'static str>,
    /// The protocol version in use, when the server negotiated it down.
    pub(crate) negotiated: Option<ProtocolVersion>,
}

enum Stage<'a> {
    Authentication(Authentication<'a>),
    /// After AuthenticationOk, up to ReadyForQuery.
    Reports,
    /// A query about the server's role is under way.
    Role,
    Done,
}

impl<'a> Exchange<'a> {
    /// Starts with the startup packet in the outbox.
    ///
    /// An error is a packet that no server would read. `target` is the role that the server must have in this round over the
    /// hosts (`Peer::target_session_attrs`).
    pub(crate) fn new(
        params: &'a Params,
        channel: Channel,
        password: Option<&'a Secret>,
        target: TargetSessionAttrs,
    ) -> Result<Self, MessageError> {
        let requested = params.max_protocol_version();
        let packet = startup_message(requested.number(), params.startup_pairs())?;
        Ok(Self {
            params,
            stage: Stage::Authentication(Authentication::new(params, channel, password)),
            frames: Frames::default(),
            outbox: BytesMut::from(packet.as_slice()),
            role: RoleCheck::new(target),
            role_answer: None,
            report: Report::default(),
            requested,
        })
    }

    /// Takes the bytes that are to be sent now; empty when it is the server's turn.
    pub(crate) fn take_output(&mut self) -> BytesMut {
        self.outbox.split()
    }

    /// Whether the session is up.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// What the server said about itself so far.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// The answer to the query about the server's role, if there was one.
    pub(crate) fn role_answer(&self) -> Option<&[u8]> {
        self.role_answer.as_deref()
    }

    /// The server sent these bytes, in any split.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.frames.push(bytes);
        while !self.is_ready()
            && let Some(frame) = self.frames.next(self.before_authentication())?
        {
            self.message(frame)?;
        }
        Ok(())
    }

    fn before_authentication(&self) -> bool {
        matches!(self.stage, Stage::Authentication(_))
    }

    fn message(&mut self, frame: frames::Frame) -> Result<(), Fault> {
        let tag = frame.tag();
        match &mut self.stage {
            Stage::Authentication(authentication) => match tag {
                b'v' => {
                    if self.report.negotiated.is_some() {
                        return Err(Fault::Broken(Broken::Malformed(b'v')));
                    }
                    let minimum = self.params.min_protocol_version();
                    self.report.negotiated =
                        Some(version::negotiate(&frame.body(), self.requested, minimum)?);
                }
                b'E' => return Err(Fault::Server { message: frame.server_message()?, after_auth_ok: false }),
                b'R' => {
                    let progress = authentication.request(frame, &mut self.outbox)?;
                    self.report.authentication = Some(authentication.method());
                    if progress == Progress::Authenticated {
                        self.stage = Stage::Reports;
                    }
                }
                other => return Err(Fault::Broken(Broken::Unexpected(other))),
            },
            Stage::Reports => match tag {
                b'E' => return Err(Fault::Server { message: frame.server_message()?, after_auth_ok: true }),
                // The key's length is free since protocol 3.2; a cancel request is not made here.
                b'K' | b'N' => {}
                b'S' => self.status(frame)?,
                b'Z' => self.reports_complete()?,
                other => return Err(Fault::Broken(Broken::Unexpected(other))),
            },
            Stage::Role => match tag {
                b'S' => self.status(frame)?,
                b'Z' => {
                    self.role.query_complete()?;
                    self.reports_complete()?;
                }
                b'D' => {
                    let value = role::value(frame)?;
                    self.role.row(&value);
                    self.role_answer = Some(value);
                }
                b'C' | b'N' | b'T' => {}
                // libpq goes on with the next host when the query cannot be answered.
                b'E' => return Err(Fault::WrongRole(WrongRole::Unknown)),
                other => return Err(Fault::Broken(Broken::Unexpected(other))),
            },
            Stage::Done => {}
        }
        Ok(())
    }

    fn status(&mut self, frame: frames::Frame) -> Result<(), Fault> {
        if let Message::ParameterStatus(status) = frame.parse()? {
            let malformed = |_| Fault::Broken(Broken::Malformed(b'S'));
            let (name, value) = (status.name().map_err(malformed)?, status.value().map_err(malformed)?);
            self.role.status(name, value);
            if name == "server_version" {
                self.report.server_version = version::release(value);
            }
        }
        Ok(())
    }

    fn reports_complete(&mut self) -> Result<(), Fault> {
        match self.role.verdict()? {
            Some(query) => {
                frontend::query(query, &mut self.outbox)
                    .map_err(|_| Fault::Broken(Broken::Malformed(b'Q')))?;
                self.stage = Stage::Role;
            }
            None => self.stage = Stage::Done,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
