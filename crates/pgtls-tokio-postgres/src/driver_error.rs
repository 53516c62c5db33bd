//! Errors of tokio-postgres in the startup exchange.

use crate::channel::{Established, NoDigest};
use pgtls_core::{
    connect::Warning,
    param::Passwords,
    startup::{Refusal, StartupRejection, server_text},
};
use pgtls_tokio::StartupError;
use std::{
    borrow::Cow,
    error::Error,
    fmt, io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    config::{SslMode, SslNegotiation},
    error::{DbError, ErrorPosition, SqlState},
    tls::{ChannelBinding, TlsStream},
};

/// An error with which tokio-postgres ended the startup exchange.
///
/// `Display` prints a server's error as psql prints it: severity, message, DETAIL, HINT, QUERY and CONTEXT, without control
/// characters, at most [`MAX_SERVER_TEXT`](pgtls_core::startup::MAX_SERVER_TEXT) bytes. The server chose the text; it is
/// verified where [`sslmode`](pgtls_core::param::SslMode) demands that the server is.
///
/// It is the cause of a failed attempt. [`Error::driver_error`](crate::Error::driver_error) and
/// [`Error::sqlstate`](crate::Error::sqlstate) find it without a downcast.
pub struct DriverError {
    error: tokio_postgres::Error,
    /// The password file with the password that the server has rejected.
    passfile: Option<String>,
}

impl DriverError {
    /// The driver's error. Control characters in the texts of a server's error are spaces.
    pub fn driver_error(&self) -> &tokio_postgres::Error {
        &self.error
    }

    pub(crate) fn into_driver_error(self) -> tokio_postgres::Error {
        self.error
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.error, f)?;
        match &self.passfile {
            Some(path) => write!(f, "\npassword retrieved from file {path:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverError").field("error", &self.error).field("passfile", &self.passfile).finish()
    }
}

impl Error for DriverError {
    /// The driver's error, for programs that search the chain for one. Its text is part of this error's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Prints an error of the driver with its cause.
pub(crate) fn display(error: &tokio_postgres::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.as_db_error(), error.source()) {
        (Some(error), _) => f.write_str(&db_text(error)),
        // The cause of a failed read or write says more than that it failed.
        (None, Some(cause)) if cause.is::<io::Error>() => write!(f, "{cause}"),
        (None, Some(cause)) => write!(f, "{error}: {cause}"),
        (None, None) => write!(f, "{error}"),
    }
}

fn db_text(error: &DbError) -> String {
    let fields = fields(error);
    let fields: Vec<_> = fields.iter().map(|(kind, value)| (*kind, &**value)).collect();
    server_text(&fields)
}

/// The fields of a server's error, each with its type byte.
fn fields(error: &DbError) -> Vec<(u8, Cow<'_, str>)> {
    let (original, internal, query) = match error.position() {
        Some(ErrorPosition::Original(position)) => (Some(*position), None, None),
        Some(ErrorPosition::Internal { position, query }) => (None, Some(*position), Some(query.as_str())),
        None => (None, None, None),
    };
    let texts = [
        (b'S', Some(error.severity())),
        (b'C', Some(error.code().code())),
        (b'M', Some(error.message())),
        (b'D', error.detail()),
        (b'H', error.hint()),
        (b'q', query),
        (b'W', error.where_()),
        (b's', error.schema()),
        (b't', error.table()),
        (b'c', error.column()),
        (b'd', error.datatype()),
        (b'n', error.constraint()),
        (b'F', error.file()),
        (b'R', error.routine()),
    ];
    let others = [
        (b'V', error.parsed_severity().map(|severity| severity.to_string())),
        (b'P', original.map(|position| position.to_string())),
        (b'p', internal.map(|position| position.to_string())),
        (b'L', error.line().map(|line| line.to_string())),
    ];
    let texts = texts.into_iter().filter_map(|(kind, value)| Some((kind, Cow::Borrowed(value?))));
    let others = others.into_iter().filter_map(|(kind, value)| Some((kind, Cow::Owned(value?))));
    texts.chain(others).collect()
}

/// SCRAM with more iterations than tokio-postgres derives (postgres-protocol: `MAX_ITERATION_COUNT`).
#[derive(Debug)]
struct TooManyIterations;

impl fmt::Display for TooManyIterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the server demands more SCRAM iterations than the 100,000 that tokio-postgres computes; set the password again \
             with scram_iterations of at most 100000, or log in through a connector without this limit (pgtls::connect)",
        )
    }
}

impl Error for TooManyIterations {}

/// Text of postgres-protocol's error for [`TooManyIterations`], which has no type of its own.
const TOO_MANY_ITERATIONS: &str = "SCRAM iteration count exceeds the maximum allowed";

/// Facts of the client's side that explain an error of the startup exchange.
#[derive(Debug)]
pub(crate) struct StartupContext {
    has_password: bool,
    passfile: Option<String>,
    problem: Option<Warning>,
}

impl StartupContext {
    /// For a session with this item of the host list.
    pub(crate) fn session(passwords: &Passwords, host_index: usize) -> Self {
        Self {
            has_password: passwords.password(host_index).is_some(),
            passfile: passwords.file(host_index).map(str::to_owned),
            problem: passwords.problem().cloned(),
        }
    }

    /// For a cancel request, which needs no password.
    pub(crate) const CANCEL: Self = Self { has_password: true, passfile: None, problem: None };

    /// Classifies the driver's error.
    pub(crate) fn startup_error(self, error: tokio_postgres::Error) -> StartupError {
        let Self { has_password, passfile, problem } = self;
        if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            if is::<NoDigest>(io) {
                return refused(Refusal::Exchange, NoDigest);
            }
            if io.to_string() == TOO_MANY_ITERATIONS {
                return refused(Refusal::Exchange, TooManyIterations);
            }
            // The monitor's verdict takes the place of this error.
            if is::<StartupRejection>(io) {
                return error.into_source().map_or_else(|| "no reason".into(), StartupError::Failed);
            }
            return StartupError::Failed(Box::new(DriverError { error, passfile: None }));
        }
        // Everything else that a driver may dislike has been judged by the startup monitor before.
        if !has_password && error.as_db_error().is_none() && !error.is_closed() {
            let error = problem.map(Into::into);
            return StartupError::Refused { refusal: Refusal::NoPassword, error };
        }
        let passfile = passfile.filter(|_| error.code() == Some(&SqlState::INVALID_PASSWORD));
        StartupError::Failed(Box::new(DriverError { error: cleaned(error), passfile }))
    }
}

fn refused(refusal: Refusal, error: impl Error + Send + Sync + 'static) -> StartupError {
    StartupError::Refused { refusal, error: Some(Box::new(error)) }
}

/// Whether this is the error within.
fn is<E: Error + 'static>(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<E>)
}

/// The error with texts of the server that are safe to print.
pub(crate) fn cleaned(error: tokio_postgres::Error) -> tokio_postgres::Error {
    let Some(of_server) = error.as_db_error() else { return error };
    let mut body = Vec::new();
    for (kind, value) in fields(of_server) {
        body.push(kind);
        body.extend_from_slice(server_text(&[(b'M', &value)]).as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
    let message = [b"E".as_slice(), &length.to_be_bytes(), &body].concat();
    made(Answer { bytes: message, error: None }).unwrap_or(error)
}

/// An error of the driver's type with this cause.
pub(crate) fn with_cause(cause: impl Error + Send + Sync + 'static) -> tokio_postgres::Error {
    let answer = Answer { bytes: Vec::new(), error: Some(io::Error::other(cause)) };
    // An answer that fails is an error of the driver.
    made(answer).unwrap_or_else(tokio_postgres::Error::__private_api_timeout)
}

/// The error with which the driver ends a startup exchange that is answered so. It has no constructors for errors.
fn made(answer: Answer) -> Option<tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.user("u").ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    let mut starting = pin!(config.connect_raw(answer, Established));
    match starting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(started) => started.err(),
        Poll::Pending => None,
    }
}

/// A connection on which everything is written and these bytes are read, or this error.
struct Answer {
    bytes: Vec<u8>,
    error: Option<io::Error>,
}

impl AsyncRead for Answer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Err(error));
        }
        let taken = self.bytes.len().min(buffer.remaining());
        let rest = self.bytes.split_off(taken);
        buffer.put_slice(&self.bytes);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Answer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Answer {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
