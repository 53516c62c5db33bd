//! What adapters know about a failure, the same for blocking and asynchronous ones.

use crate::TlsError;
use pgtls_core::{negotiation::Misuse, param::ParamError, policy::PlanError};
use rustls::AlertDescription;
use std::{error::Error, fmt, io};

/// An error of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a method on an address failed, as far as the machine's own words do not say it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The operating system or the network.
    Io(io::Error),
    /// A parameter that is looked at only now.
    Param(ParamError),
    /// The parameters leave no way to connect to this address.
    Plan(PlanError),
    /// TLS.
    Tls(TlsError),
    /// The peer of a unix socket runs as somebody else than `requirepeer` says.
    PeerUser {
        /// Who it should be.
        wanted: String,
        /// Who it is.
        found: String,
    },
    /// Whoever ran the startup exchange said so.
    Startup(BoxError),
    /// An adapter has lost its way; a bug in it.
    Misuse(Misuse),
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ParamError> for Cause {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

impl From<Misuse> for Cause {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<TlsError> for Cause {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::PeerUser { wanted, found } => {
                write!(f, "requirepeer specifies \"{wanted}\", but the peer runs as \"{found}\"")
            }
            Self::Startup(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl Error for Cause {
    /// What led to the error within, whose text this one has.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Param(error) => error.source(),
            Self::Plan(error) => error.source(),
            Self::Tls(error) => error.source(),
            Self::PeerUser { .. } => None,
            Self::Startup(error) => error.source(),
            Self::Misuse(error) => error.source(),
        }
    }
}

impl Cause {
    /// The alert with which the server ended the TLS session, if it did.
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Tls(error) => error.alert(),
            _ => None,
        }
    }
}
