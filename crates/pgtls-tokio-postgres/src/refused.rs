//! Why tokio-postgres did not start a session up.

use crate::channel::NoDigest;
use pgtls_core::{policy::Verification, startup::Refusal};
use pgtls_tokio::{BoxError, StartupError, Stream};
use std::{error::Error, fmt, io};

/// tokio-postgres did not start a session up: the server sent an error, or said what makes no sense.
///
/// `Display` has the server's words only when the server has shown who it is, and so has `Debug`; there is no source, which
/// would have them as well. It is the cause of an attempt's failure: downcast [`ActionError::Startup`](pgtls_tokio::ActionError::Startup)
/// to find it.
pub struct DriverError {
    error: tokio_postgres::Error,
    vouched_for: bool,
}

impl DriverError {
    /// The driver's error, with everything that the server said.
    pub fn driver_error(&self) -> &tokio_postgres::Error {
        &self.error
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, vouched_for } = self;
        let code = error.code().map_or("unknown", |code| code.code());
        match (error.as_db_error(), error.source()) {
            (Some(error), _) if *vouched_for => write!(f, "{error} (SQLSTATE {code})"),
            (Some(_), _) => write!(
                f,
                "the server refused the connection (SQLSTATE {code}; its own words are withheld, as nothing vouches for the server)"
            ),
            (None, Some(cause)) if *vouched_for => write!(f, "{error}: {cause}"),
            (None, _) => error.fmt(f),
        }
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DriverError({self})")
    }
}

impl Error for DriverError {}

/// What is known of the other end when something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// It has shown who it is.
    pub(crate) vouched_for: bool,
    /// There is a password to give it.
    pub(crate) has_password: bool,
}

impl Circumstances {
    pub(crate) fn of(stream: &Stream, has_password: bool) -> Self {
        let verified = stream.facts().map_or(Verification::None, |facts| facts.verified);
        Self { vouched_for: verified != Verification::None, has_password }
    }

    /// The error of the startup exchange.
    pub(crate) fn startup_error(self, error: tokio_postgres::Error) -> StartupError {
        let Self { vouched_for, has_password } = self;
        let below = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        if let Some(below) = below {
            if below.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<NoDigest>) {
                let error: BoxError = Box::new(NoDigest);
                return StartupError::Refused { refusal: Refusal::Exchange, error: Some(error) };
            }
            // What stopped a read or write says more than that one failed.
            return error.into_source().map_or_else(|| "no reason".into(), StartupError::Failed);
        }
        // Everything else that a driver may dislike has been judged by the startup monitor before.
        if !has_password && error.as_db_error().is_none() && !error.is_closed() {
            return StartupError::Refused { refusal: Refusal::NoPassword, error: None };
        }
        StartupError::Failed(Box::new(DriverError { error, vouched_for }))
    }
}
