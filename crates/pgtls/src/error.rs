//! The one error of the facade.

use pgtls_adapter::{ActionError, AttemptError, ConnectError, NoDefaultProvider};
use pgtls_core::{
    connect::Report, connect::Warning, negotiation::Failure, param::ParamError, startup::Refusal,
};
use pgtls_os::EnvironmentError;
use pgtls_startup::{ExchangeError, ServerError};
use std::{fmt, io};

/// The reason why there is no session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The environment cannot be read.
    Environment(EnvironmentError),
    /// A parameter that libpq refuses.
    Param(ParamError),
    /// The application was to install a default crypto provider, and has not.
    NoDefaultProvider(NoDefaultProvider),
    /// The runtime could not run a task that may block.
    Runtime(io::Error),
    /// No server was reached, or none accepted the connection.
    Connect(Box<ConnectError>),
}

impl Error {
    /// The failed attempts, in order: one for each address and, where `sslmode` allows a second method, for each method. Empty
    /// if no server was tried.
    pub fn attempts(&self) -> &[AttemptError] {
        self.connect_error().map_or(&[], |error| &error.attempts)
    }

    /// The observations of all attempts; `None` if no server was tried.
    pub fn report(&self) -> Option<&Report> {
        self.connect_error().map(|error| &error.report)
    }

    /// The ErrorResponse that ended the last attempt, as the logins of this crate read it; `None` if no server's error ended it,
    /// or a driver's own exchange has read it. The texts are as trustworthy as the connection: see [`ServerError`].
    pub fn server_error(&self) -> Option<&ServerError> {
        server_error(self.attempts().last()?)
    }

    /// The ErrorResponses of all attempts, in order.
    pub fn server_errors(&self) -> impl Iterator<Item = &ServerError> {
        self.attempts().iter().filter_map(server_error)
    }

    /// The SQLSTATE of the ErrorResponse that ended the last attempt (PostgreSQL documentation, "PostgreSQL Error Codes");
    /// `None` if no server's error ended it.
    pub fn sqlstate(&self) -> Option<&str> {
        match &self.attempts().last()?.failure {
            Some(Failure::ServerError { sqlstate, .. }) => str::from_utf8(sqlstate).ok(),
            _ => None,
        }
    }

    fn connect_error(&self) -> Option<&ConnectError> {
        match self {
            Self::Connect(error) => Some(error),
            _ => None,
        }
    }

    /// The password file, if it is why there was no password.
    fn missing_password(&self) -> Option<&Warning> {
        let error = self.connect_error()?;
        let is_missing = error.last().and_then(|attempt| attempt.failure)
            == Some(Failure::LocalRefusal(Refusal::NoPassword));
        error.report.warnings.iter().find(|warning| is_missing && warning.is_about_passfile())
    }
}

/// The ErrorResponse that ended an attempt.
fn server_error(attempt: &AttemptError) -> Option<&ServerError> {
    let Some(ActionError::Startup(error)) = attempt.embedder() else { return None };
    match error.downcast_ref()? {
        ExchangeError::Server { error, .. } => Some(error),
        _ => None,
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl From<EnvironmentError> for Error {
    fn from(error: EnvironmentError) -> Self {
        Self::Environment(error)
    }
}

impl From<ParamError> for Error {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

impl From<NoDefaultProvider> for Error {
    fn from(error: NoDefaultProvider) -> Self {
        Self::NoDefaultProvider(error)
    }
}

impl fmt::Display for Error {
    /// One line for each attempt, as psql prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
            Self::NoDefaultProvider(error) => error.fmt(f),
            Self::Runtime(error) => write!(f, "the runtime could not run a task that may block: {error}"),
            Self::Connect(error) => error.fmt(f),
        }?;
        self.missing_password().map_or(Ok(()), |problem| write!(f, "; {problem}"))
    }
}

impl std::error::Error for Error {
    /// The source of the error within, whose text is part of this error's.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Environment(error) => error.source(),
            Self::Param(error) => error.source(),
            Self::NoDefaultProvider(error) => error.source(),
            Self::Runtime(error) => error.source(),
            Self::Connect(error) => error.source(),
        }
    }
}
