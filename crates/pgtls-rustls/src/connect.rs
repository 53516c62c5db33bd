//! Errors of a connection over rustls, the same type from every adapter.

use crate::TlsError;
use pgtls_core::{
    connect,
    startup::{Refusal, StartupOutcome, StartupRejection},
};
use rustls::AlertDescription;
use std::{error::Error, fmt, io};

/// An error of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A connection that failed.
pub type ConnectError = connect::ConnectError<ActionError>;

/// A failed attempt.
pub type AttemptError = connect::AttemptError<ActionError>;

/// The cause of a failed attempt.
pub type Cause = connect::Cause<ActionError>;

/// An error of performing an action of the connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ActionError {
    /// The operating system or the network.
    Io(io::Error),
    /// TLS.
    Tls(TlsError),
    /// The startup exchange, as the program that runs it reports it.
    Startup(BoxError),
}

impl From<io::Error> for ActionError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TlsError> for ActionError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Startup(error) => error.fmt(f),
        }
    }
}

impl Error for ActionError {
    /// The source of the error within, whose text is this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Tls(error) => error.source(),
            Self::Startup(error) => error.source(),
        }
    }
}

impl ActionError {
    /// The alert with which the server ended the TLS session, if it did.
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Tls(error) => error.alert(),
            Self::Io(_) | Self::Startup(_) => None,
        }
    }
}

/// A failed startup exchange, as far as the program that runs it knows.
///
/// Any error becomes [`Failed`](Self::Failed) with `?`; the bytes that the server sent then decide what follows. It is no
/// error type itself, for that reason.
#[non_exhaustive]
pub enum StartupError {
    /// The program refused to go on: no password, a nonce that does not fit.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// Details.
        error: Option<BoxError>,
    },
    /// The session is up, and the server has the wrong role (`target_session_attrs`).
    WrongRole {
        /// Details.
        error: Option<BoxError>,
    },
    /// Anything else: an error of the server, a lost connection.
    Failed(BoxError),
}

impl StartupError {
    /// The outcome for the monitor.
    pub fn outcome(&self) -> StartupOutcome {
        match self {
            Self::Refused { refusal, .. } => StartupOutcome::Refused(*refusal),
            Self::WrongRole { .. } => StartupOutcome::WrongRole,
            Self::Failed(_) => StartupOutcome::Failed,
        }
    }

    /// The error for people; `None` if the monitor has caused it, whose verdict says more.
    pub fn into_error(self) -> Option<ActionError> {
        let error = match self {
            Self::Refused { error, .. } | Self::WrongRole { error } => error?,
            Self::Failed(error) => error,
        };
        (!is_rejection(&*error)).then_some(ActionError::Startup(error))
    }
}

/// Whether an error is the one with which the monitor stopped a read or write.
fn is_rejection(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.is_some_and(<dyn Error + Send + Sync>::is::<StartupRejection>)
}

impl<E: Into<BoxError>> From<E> for StartupError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Debug for StartupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { refusal, error } => {
                f.debug_struct("Refused").field("refusal", refusal).field("error", error).finish()
            }
            Self::WrongRole { error } => f.debug_struct("WrongRole").field("error", error).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}
