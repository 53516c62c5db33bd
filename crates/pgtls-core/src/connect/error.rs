//! Errors of a connection: one for each failed attempt, and all of them together.

use super::{Peer, Report};
use crate::{
    negotiation::{AfterFailure, Failure, Misuse},
    param::ParamError,
    policy::PlanError,
    role::WrongRole,
};
use alloc::{format, string::String, vec::Vec};
use core::{error::Error, fmt};

/// A connection that failed. `Display` is libpq's output: one line for each attempt.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectError<E> {
    /// The failed attempts, in order.
    pub attempts: Vec<AttemptError<E>>,
    /// The consequence of the failure for programs that open connections themselves; `Stop` when all hosts have been tried.
    pub then: AfterFailure,
    /// Attempts, files and warnings.
    pub report: Report,
}

/// A failed attempt. `Display` prints it as libpq does, after the address that it belongs to.
#[derive(Debug)]
#[non_exhaustive]
pub struct AttemptError<E> {
    /// The server; `None` when no connection was tried.
    pub peer: Option<Peer>,
    /// Text before the error (libpq: `emitHostIdentityInfo`): `connection to server at "h" (192.0.2.1), port 5432 failed: `.
    /// Empty when no address is known.
    pub prefix: String,
    /// The failure in the machine's terms; `None` when the negotiation had no part in it.
    pub failure: Option<Failure>,
    /// The cause, as far as one is known.
    pub cause: Option<Cause<E>>,
}

/// Cause of a failed attempt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<E> {
    /// An error of the embedder: I/O, TLS, or the startup exchange.
    Embedder(E),
    /// A name that could not be resolved.
    Lookup {
        /// The name.
        name: String,
        /// The resolver's error; `None` when it returned no address.
        error: Option<E>,
    },
    /// A cancel request for a session whose host is not in the parameters.
    UnknownHost {
        /// Index of the host ([`Peer::host_index`]).
        host_index: usize,
        /// Number of hosts in the parameters.
        hosts: usize,
    },
    /// A host, port, socket option or time limit that cannot be used.
    Param(ParamError),
    /// Parameters that leave no method for this address.
    Plan(PlanError),
    /// The peer of a unix socket runs as another user than `requirepeer`.
    PeerUser {
        /// `requirepeer`.
        required: String,
        /// The user of the peer.
        found: String,
    },
    /// The server has another role than `target_session_attrs` demands.
    WrongRole(WrongRole),
    /// An error of the program that drives the machine.
    Misuse(Misuse),
}

impl<E> ConnectError<E> {
    /// The last attempt.
    pub fn last(&self) -> Option<&AttemptError<E>> {
        self.attempts.last()
    }
}

impl<E: fmt::Display> fmt::Display for ConnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.attempts.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{attempt}")?;
        }
        Ok(())
    }
}

impl<E: Error> Error for ConnectError<E> {
    /// The source of the last attempt, whose text is part of this error's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last().and_then(Error::source)
    }
}

impl<E> AttemptError<E> {
    /// The embedder's error, if that is the cause.
    pub const fn embedder(&self) -> Option<&E> {
        match &self.cause {
            Some(Cause::Embedder(error)) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for AttemptError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)?;
        match (self.failure, &self.cause) {
            (None, None) => f.write_str("the connection attempt failed"),
            (Some(failure), None) => failure.fmt(f),
            // The cause says everything.
            (
                None
                | Some(
                    Failure::Connect
                    | Failure::Tls(_)
                    | Failure::PeerUser
                    | Failure::ServerError { .. }
                    | Failure::WrongRole,
                ),
                Some(cause),
            ) => cause.fmt(f),
            (Some(failure), Some(cause)) => write!(f, "{failure}: {cause}"),
        }
    }
}

impl<E: Error> Error for AttemptError<E> {
    /// The source of the cause, whose text is part of this error's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.cause.as_ref()? {
            Cause::Embedder(error) | Cause::Lookup { error: Some(error), .. } => error.source(),
            Cause::Param(error) => error.source(),
            Cause::Plan(error) => error.source(),
            Cause::WrongRole(error) => error.source(),
            Cause::Misuse(error) => error.source(),
            Cause::Lookup { error: None, .. } | Cause::UnknownHost { .. } | Cause::PeerUser { .. } => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedder(error) => error.fmt(f),
            Self::Lookup { name, error } => {
                lookup_failed(name, f)?;
                match error {
                    Some(error) => write!(f, ": {error}"),
                    None => f.write_str(": it has none"),
                }
            }
            Self::UnknownHost { host_index, hosts } => write!(
                f,
                "cannot cancel a session with host {host_index}, counted from 0, of parameters with {hosts}; use the \
                 parameters that the session was made with"
            ),
            Self::Param(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::PeerUser { required, found } => {
                write!(f, "requirepeer specifies \"{required}\", but actual peer user name is \"{found}\"")
            }
            Self::WrongRole(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

/// Text before an `@` in a host is the end of a password that was not encoded: it is not shown.
fn lookup_failed(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match name.rsplit_once('@') {
        None => write!(f, "could not translate host name {name:?} to address"),
        Some((_, end)) => write!(
            f,
            "could not translate host name ending in {:?} to address; in a URI write %40 for an \"@\" in a password",
            format!("@{end}")
        ),
    }
}
