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
    /// The SCRAM exchange failed: the server does not know the password's verifier, or its messages make no sense.
    Scram(String),
}

impl fmt::Display for ExchangeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindingUndefined => write!(
                f,
                "no channel binding is defined for the signature of the server's certificate; channel_binding=disable goes without"
            ),
            Self::OutOfOrder => write!(f, "the server's SASL messages are out of order"),
            Self::Scram(reason) => write!(f, "SCRAM exchange failed: {reason}"),
        }
    }
}
