//! The loop over one address: does what the negotiation asks for and tells it what happened. It decides nothing.

use crate::{
    connection::Connection,
    deadline::{Deadline, has_expired},
    prepare::Prepared,
    stream::Stream,
};
use pgtls_core::{
    attempt::{Attempt, Ended},
    gate::Exchange,
    negotiation::{Action, Encryption, Input},
    param::Params,
};
use pgtls_rustls::{Cause, StartupError, TlsError};
use std::io::{self, Read, Write};

/// What one address needs.
pub(crate) struct Run<'r, S: Connection, T> {
    pub(crate) params: &'r Params,
    pub(crate) prepared: &'r Prepared<'r>,
    /// For name verification and server name indication.
    pub(crate) host: Option<&'r str>,
    /// Opens a connection, the first one and others after it.
    pub(crate) dial: &'r mut dyn FnMut(Deadline) -> io::Result<S>,
    /// Sends the startup packet and authenticates.
    pub(crate) startup: &'r mut dyn FnMut(&mut Stream<S>) -> Result<T, StartupError>,
}

/// What the machine is told, and why.
struct Report<'b> {
    input: Input<'b>,
    cause: Option<Cause>,
}

impl<S: Connection, T> Run<'_, S, T> {
    /// Drives the attempt to its end, successful or not.
    pub(crate) fn drive(mut self, mut attempt: Attempt<'_, Cause>) -> (Ended<Cause>, Option<(Stream<S>, T)>) {
        let limit = self.params.connect_timeout();
        let deadline = Deadline::after(limit.as_ref().ok().copied().flatten());
        let mut stream = None;
        let mut value = None;
        let mut reply = [0; 2];
        loop {
            let Report { input, cause } = match attempt.action() {
                Action::Connect | Action::Reconnect { .. } => {
                    drop(stream.take());
                    self.connect(deadline, &mut stream)
                }
                Action::CheckPeer => self.check_peer(stream.as_ref()),
                Action::Send(bytes) => send(&mut stream, bytes),
                Action::Receive { at_most } => {
                    receive(&mut stream, reply.get_mut(..at_most).unwrap_or_default())
                }
                Action::StartTls(_) => self.start_tls(&mut attempt, &mut stream),
                Action::Startup { encryption, carry } => {
                    self.start_up(&attempt, encryption, carry, &mut stream, &mut value)
                }
                Action::Done(_) => break,
                Action::Fail { .. } => return (attempt.end(), None),
                // There is no GSSAPI here, which the plan has been told.
                _ => Input::GssFailed.into(),
            };
            if let Err(misuse) = attempt.handle(input, cause) {
                return (attempt.abandon(misuse.into()), None);
            }
            // libpq looks at the time limit when it begins to wait for its first connection.
            if let Err(error) = &limit {
                return (attempt.abandon(error.clone().into()), None);
            }
        }
        let session = stream.zip(value).and_then(|(mut stream, value)| {
            stream.release().ok()?;
            Some((stream, value))
        });
        match session {
            Some(session) => (attempt.end(), Some(session)),
            None => (attempt.abandon(Cause::Io(io::ErrorKind::NotConnected.into())), None),
        }
    }

    fn connect(&mut self, deadline: Deadline, stream: &mut Option<Stream<S>>) -> Report<'static> {
        match (self.dial)(deadline) {
            Ok(connection) => {
                *stream = Some(Stream::plain(connection, deadline));
                Input::Connected.into()
            }
            Err(error) => Report::failed(error, Input::ConnectFailed),
        }
    }

    fn check_peer(&self, stream: Option<&Stream<S>>) -> Report<'static> {
        let wanted = self.params.value("requirepeer").unwrap_or_default();
        match stream.map_or_else(not_connected, |stream| stream.connection().peer_user()) {
            Ok(found) if found == wanted => Input::PeerUser { matches: true }.into(),
            Ok(found) => Report {
                input: Input::PeerUser { matches: false },
                cause: Some(Cause::PeerUser { wanted: wanted.to_owned(), found }),
            },
            Err(error) => Report::failed(error, Input::PeerUser { matches: false }),
        }
    }

    fn start_tls(&self, attempt: &mut Attempt<'_, Cause>, stream: &mut Option<Stream<S>>) -> Report<'static> {
        let session = match self.prepared.connector().session(self.host) {
            Ok(session) => session,
            Err(error) => {
                // Whether the server hears it or not, this is over.
                let _ = stream.as_mut().map(|stream| stream.write_all(error.farewell()));
                return Report::refused(error, false);
            }
        };
        let Some(plain) = stream.take() else { return Input::Closed.into() };
        let established = plain.start_tls(&session);
        attempt.saw_certificate(session.client_certificate());
        match established {
            Ok((encrypted, facts)) => {
                *stream = Some(encrypted);
                Input::TlsEstablished(facts).into()
            }
            Err(refused) => Report::refused(refused.error, refused.expired),
        }
    }

    fn start_up(
        &mut self,
        attempt: &Attempt<'_, Cause>,
        encryption: Encryption,
        carry: Option<u8>,
        stream: &mut Option<Stream<S>>,
        value: &mut Option<T>,
    ) -> Report<'static> {
        let Some(stream) = stream else { return Input::Closed.into() };
        stream.start_up(attempt.gate(encryption, carry));
        match (self.startup)(stream) {
            Ok(up) => {
                *value = Some(up);
                stream.conclude(Exchange::Up).into()
            }
            Err(error) => {
                let input = stream.conclude(error.exchange());
                let cause = match stream.broken() {
                    Some(broken) => Some(Cause::Tls(TlsError::Handshake(broken.clone()))),
                    None => error.into_cause(),
                };
                Report { input, cause }
            }
        }
    }
}

fn send<S: Connection>(stream: &mut Option<Stream<S>>, bytes: &[u8]) -> Report<'static> {
    let sent = stream.as_mut().map_or_else(not_connected, |stream| {
        stream.write_all(bytes)?;
        stream.flush()
    });
    match sent {
        Ok(()) => Input::Sent.into(),
        Err(error) => Report::failed(error, Input::Closed),
    }
}

/// One read, so that no byte is taken from the socket that is not asked for.
fn receive<'b, S: Connection>(stream: &mut Option<Stream<S>>, buffer: &'b mut [u8]) -> Report<'b> {
    loop {
        match stream.as_mut().map_or_else(not_connected, |stream| stream.read(buffer)) {
            Ok(count) => return Input::Received(buffer.get(..count).unwrap_or_default()).into(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Report::failed(error, Input::Closed),
        }
    }
}

fn not_connected<V>() -> io::Result<V> {
    Err(io::ErrorKind::NotConnected.into())
}

impl<'b> From<Input<'b>> for Report<'b> {
    fn from(input: Input<'b>) -> Self {
        Self { input, cause: None }
    }
}

impl Report<'static> {
    fn failed(error: io::Error, input: Input<'static>) -> Self {
        if has_expired(&error) { Input::TimedOut.into() } else { Self { input, cause: Some(error.into()) } }
    }

    fn refused(error: TlsError, expired: bool) -> Self {
        if expired {
            return Input::TimedOut.into();
        }
        Self { input: Input::TlsFailed(error.failure()), cause: Some(error.into()) }
    }
}
