//! The startup exchange of `pgtls-startup` on the stream of an adapter.

use crate::{connected::Startup, runtime::StreamRuntime, stream::Stream};
use pgtls_core::{
    param::{Params, Secret},
    startup::Refusal,
};
use pgtls_rustls::{SessionFacts, StartupError};
use pgtls_startup::{
    Action, Channel, ExchangeError, NONCE_LENGTH, ServerSession, StartupExchange, StartupOptions,
};
use std::{future::poll_fn, io, task::Poll};

/// Bytes that are read at once.
pub const READ: usize = 4_096;

impl Startup<'_> {
    /// A startup exchange for this server. `facts` are those of its TLS session.
    ///
    /// # Errors
    /// The StartupMessage is longer than a server reads, or there is no randomness.
    pub fn exchange(
        self,
        params: &Params,
        facts: Option<&SessionFacts>,
    ) -> Result<StartupExchange, StartupError> {
        let mut nonce = [0; NONCE_LENGTH];
        self.random.fill(&mut nonce).map_err(|_| io::Error::other("could not generate nonce"))?;
        let channel = match facts.map(SessionFacts::tls_server_end_point) {
            None => Channel::Plain,
            Some(end_point) => Channel::Tls { end_point: end_point.ok().flatten() },
        };
        let mut options = StartupOptions::new(channel, nonce);
        options.target_session_attrs = self.peer.target_session_attrs;
        Ok(StartupExchange::new(params, options)?)
    }

    /// Checks the deadline of the address during work that neither reads nor writes, such as the derivation of a key.
    ///
    /// # Errors
    /// The deadline has passed.
    pub fn check_deadline(self) -> io::Result<()> {
        self.deadline.left().map(drop).map_err(|error| self.expired(error))
    }

    /// Passes the result of an exchange to the monitor of the connection.
    ///
    /// # Errors
    /// The exchange has failed.
    pub fn finish(
        self,
        session: Result<ServerSession, ExchangeError>,
    ) -> Result<ServerSession, StartupError> {
        let session = session.map_err(startup_error)?;
        if self.role_query().is_some() {
            self.role_answer(session.role_answer.as_deref());
        }
        Ok(session)
    }

    fn expired(self, error: io::Error) -> io::Error {
        match self.monitor {
            Some(monitor) => monitor.read_failed(error),
            None => error,
        }
    }
}

/// Runs the startup exchange on a stream, up to ReadyForQuery and the role of the server.
///
/// `password` is polled when the server requests a password, under the deadline of the address. The derivation of SCRAM's key
/// yields to the runtime after each slice: the deadline and a dropped future end it.
///
/// # Errors
/// The server's error, a refusal, or an error of the stream.
pub async fn log_in<R: StreamRuntime<S>, S>(
    runtime: &R,
    stream: &mut Stream<S, R>,
    at: Startup<'_>,
    params: &Params,
    password: impl Future<Output = Option<Secret>>,
) -> Result<ServerSession, StartupError> {
    let mut exchange = at.exchange(params, stream.facts())?;
    let mut password = Some(password);
    let mut buffer = [0; READ];
    loop {
        match exchange.poll() {
            Ok(Action::Send(bytes)) => {
                let count = bytes.len();
                stream.send(bytes).await?;
                exchange.sent(count);
            }
            Ok(Action::Receive) => {
                let count = stream.receive(&mut buffer).await?;
                exchange.received(buffer.get(..count).unwrap_or_default());
            }
            Ok(Action::Password) => {
                let given = match password.take() {
                    Some(password) => runtime
                        .within(at.deadline, async { Ok(password.await) })
                        .await
                        .map_err(|error| at.expired(error))?,
                    None => None,
                };
                exchange.supply_password(given);
            }
            Ok(Action::Derive) => {
                at.check_deadline()?;
                exchange.derive();
                yield_now().await;
            }
            Ok(Action::Ready(session)) => return at.finish(Ok(session)),
            Err(error) => return at.finish(Err(error)),
        }
    }
}

/// Lets other tasks of the runtime run.
async fn yield_now() {
    let mut is_scheduled = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_scheduled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The result of a startup exchange that has failed.
pub fn startup_error(error: ExchangeError) -> StartupError {
    match error {
        ExchangeError::Refused(refusal) => StartupError::Refused { refusal, error: None },
        ExchangeError::Scram(_) => {
            StartupError::Refused { refusal: Refusal::Exchange, error: Some(error.into()) }
        }
        ExchangeError::WrongRole(_) => StartupError::WrongRole { error: Some(error.into()) },
        error => StartupError::Failed(error.into()),
    }
}
