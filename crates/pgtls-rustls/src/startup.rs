//! What the program that runs the startup exchange has to say about it.

use crate::cause::{BoxError, Cause};
use pgtls_core::{
    gate::{Exchange, Shut},
    startup::Refusal,
};
use std::{error::Error, fmt, io};

/// Why a startup exchange failed, as far as the program that ran it knows.
///
/// Any error becomes [`Failed`](Self::Failed) with `?`; the bytes that the server sent then decide what follows. It is no
/// error type itself, for that reason.
#[non_exhaustive]
pub enum StartupError {
    /// The program refused to go on: no password, a nonce that does not fit.
    Refused {
        /// Why.
        refusal: Refusal,
        /// What there is to say about it.
        error: Option<BoxError>,
    },
    /// The session is up, and the server has the wrong role (`target_session_attrs`).
    WrongRole {
        /// What there is to say about it.
        error: Option<BoxError>,
    },
    /// Anything else: an error of the server's, a connection that broke.
    Failed(BoxError),
}

impl StartupError {
    /// What the gate wants to know.
    pub fn exchange(&self) -> Exchange {
        match self {
            Self::Refused { refusal, .. } => Exchange::Refused(*refusal),
            Self::WrongRole { .. } => Exchange::WrongRole,
            Self::Failed(_) => Exchange::Failed,
        }
    }

    /// What people want to know.
    pub fn into_cause(self) -> Option<Cause> {
        let error = match self {
            Self::Refused { error, .. } | Self::WrongRole { error } => error?,
            Self::Failed(error) => error,
        };
        (!is_the_gates(&*error)).then_some(Cause::Startup(error))
    }
}

/// Whether an error is the one with which the gate has stopped a read or write: what led to it says more.
fn is_the_gates(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.is_some_and(<dyn Error + Send + Sync>::is::<Shut>)
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
