//! Why the exchange did not reach a session.

use super::ServerMessage;
use pgtls_core::{
    role::WrongRole,
    startup::{Broken, Refusal},
};
use std::fmt;

/// Why the exchange did not reach a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server sent an error.
    Server {
        /// What it said. Show it only when the server is authenticated.
        message: ServerMessage,
        /// It came after AuthenticationOk.
        after_auth_ok: bool,
    },
    /// We refused to go on.
    Refused(Refusal),
    /// The authentication exchange failed on our side.
    Exchange(ExchangeProblem),
    /// The connection broke, or what came made no sense.
    Broken(Broken),
    /// The session is up, but not with the kind of server asked for.
    WrongRole(WrongRole),
}

impl From<WrongRole> for Fault {
    fn from(role: WrongRole) -> Self {
        Self::WrongRole(role)
    }
}

/// How the authentication exchange failed on our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeProblem {
    /// The server's certificate has a signature for which no channel binding is defined (Ed25519).
    BindingUndefined,
    /// A SASL message out of order.
    OutOfOrder,
    /// A SCRAM message that makes no sense, or asks for more work than any password needs.
    ScramMessage,
    /// The server ended SCRAM with an error (RFC 5802, `server-error`). Its words are not kept: it has proved nothing.
    ScramError,
    /// The server has not proved that it knows the password's verifier.
    ScramProof,
}

impl fmt::Display for ExchangeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindingUndefined => write!(
                f,
                "no channel binding is defined for the signature of the server's certificate; channel_binding=disable goes without"
            ),
            Self::OutOfOrder => write!(f, "the server's SASL messages are out of order"),
            Self::ScramMessage => {
                write!(f, "SCRAM exchange failed: a message of the server's makes no sense")
            }
            Self::ScramError => write!(
                f,
                "SCRAM exchange failed: the server ended it with an error (its words are not shown, as it has not proved itself)"
            ),
            Self::ScramProof => {
                write!(f, "SCRAM exchange failed: the server has not proved that it knows the password")
            }
        }
    }
}
