//! Why there is no session.

use pgtls_core::param::ParamError;
use pgtls_os::EnvironmentError;
use pgtls_tokio::ConnectError;
use std::{fmt, io};

/// Why there is no session.
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
    /// The runtime could not do what it was asked for.
    Io(io::Error),
    /// No server was reached: all attempts, in order.
    Connect(Box<ConnectError>),
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
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
        }
    }
}

impl std::error::Error for Error {
    /// What led to the error within, whose text this one has.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Environment(error) => error.source(),
            Self::Param(error) => error.source(),
            Self::Unsupported { .. } => None,
            Self::Io(error) => error.source(),
            Self::Connect(error) => error.source(),
        }
    }
}
