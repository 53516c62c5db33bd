//! Errors of this crate.

use crate::driver_error::{DriverError, display, with_cause};
use pgtls_core::{negotiation::Failure, param::ParamError};
use pgtls_os::EnvironmentError;
use pgtls_tokio::{ActionError, AttemptError, Cause, ConnectError};
use std::{fmt, io, str};
use tokio_postgres::error::SqlState;

/// An error of connecting.
///
/// `Display` prints all of it, with libpq's sentences where libpq has one. [`sqlstate`](Self::sqlstate) and
/// [`driver_error`](Self::driver_error) return the facts that programs decide by.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The environment cannot be read.
    Environment(EnvironmentError),
    /// A parameter that libpq refuses.
    Param(ParamError),
    /// A parameter that tokio-postgres cannot fulfil.
    Unsupported {
        /// Its name.
        keyword: &'static str,
        /// The reason, and the remedy.
        reason: &'static str,
    },
    /// The runtime failed.
    Io(io::Error),
    /// No server was reached: all attempts, in order.
    Connect(Box<ConnectError>),
    /// tokio-postgres opened the connection, or ran a query on it, and failed.
    Driver(tokio_postgres::Error),
}

impl Error {
    /// The SQLSTATE of the server's error, if the last attempt ended with one: `28P01` for a password that is wrong.
    pub fn sqlstate(&self) -> Option<SqlState> {
        let of_attempt = self.last_attempt().and_then(|attempt| match attempt.failure {
            Some(Failure::ServerError { sqlstate, .. }) => {
                str::from_utf8(&sqlstate).ok().map(SqlState::from_code)
            }
            _ => None,
        });
        of_attempt.or_else(|| self.driver_error()?.code().cloned())
    }

    /// The error of tokio-postgres, if the last attempt ended with one: a server's error with its fields
    /// ([`as_db_error`](tokio_postgres::Error::as_db_error)), or an answer that the driver does not accept.
    pub fn driver_error(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Self::Driver(error) => Some(error),
            _ => match self.last_attempt()?.embedder()? {
                ActionError::Startup(error) => error.downcast_ref().map(DriverError::driver_error),
                _ => None,
            },
        }
    }

    /// The error in the type of tokio-postgres, for pools and programs that are written for it. A server's error is one
    /// as the driver makes it, so that [`code`](tokio_postgres::Error::code) returns its SQLSTATE. Any other has this error
    /// as its cause.
    pub fn into_driver_error(self) -> tokio_postgres::Error {
        let is_of_server = self.driver_error().is_some_and(|error| error.as_db_error().is_some());
        match self {
            Self::Driver(error) => error,
            Self::Connect(mut error) if is_of_server => {
                let cause = error.attempts.pop().and_then(|attempt| match attempt.cause? {
                    Cause::Embedder(ActionError::Startup(cause)) => cause.downcast::<DriverError>().ok(),
                    _ => None,
                });
                match cause {
                    Some(cause) => cause.into_driver_error(),
                    None => with_cause(Self::Connect(error)),
                }
            }
            other => with_cause(other),
        }
    }

    /// The error of this crate within an error of the driver's type: the inverse of
    /// [`into_driver_error`](Self::into_driver_error), for pools of `deadpool_postgres`. `None` for a server's error.
    pub fn of(error: &tokio_postgres::Error) -> Option<&Self> {
        let io = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
        io.get_ref()?.downcast_ref()
    }

    fn last_attempt(&self) -> Option<&AttemptError> {
        match self {
            Self::Connect(error) => error.last(),
            _ => None,
        }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
            Self::Unsupported { keyword, reason } => {
                write!(f, "tokio-postgres cannot fulfil the parameter {keyword}: {reason}")
            }
            Self::Io(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Driver(error) => display(error, f),
        }
    }
}

impl std::error::Error for Error {
    /// The source of the error within, whose text is part of this one's. After a server's error it is the driver's error.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Environment(error) => error.source(),
            Self::Param(error) => error.source(),
            Self::Unsupported { .. } => None,
            Self::Io(error) => error.source(),
            Self::Connect(error) => error.source(),
            Self::Driver(error) => Some(error),
        }
    }
}
