//! Why tokio-postgres did not start a session up.

use crate::channel::NoDigest;
use pgtls_core::{policy::Verification, startup::Refusal};
use pgtls_tokio::{StartupError, Stream};
use std::{error::Error, fmt, io};

/// An error that the server sent while the session started up.
///
/// Whoever shows it to people shows the server's words only when the server is authenticated. It is the cause of an attempt's
/// failure: downcast [`Cause::Startup`](pgtls_tokio::Cause::Startup) to find it.
#[derive(Debug)]
pub struct ServerError {
    error: tokio_postgres::Error,
    vouched_for: bool,
}

impl ServerError {
    /// The driver's error, with everything that the server said.
    pub fn driver_error(&self) -> &tokio_postgres::Error {
        &self.error
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.error.code().map_or("unknown", |code| code.code());
        match self.error.as_db_error() {
            Some(error) if self.vouched_for => write!(f, "{error} (SQLSTATE {code})"),
            _ => write!(
                f,
                "the server refused the connection (SQLSTATE {code}; its own words are withheld, as nothing vouches for the server)"
            ),
        }
    }
}

impl Error for ServerError {}

/// Whether the other end of a stream has shown who it is.
pub(crate) fn is_vouched_for(stream: &Stream) -> bool {
    stream.facts().is_some_and(|facts| facts.verified != Verification::None)
}

/// What the walk is told.
pub(crate) fn startup_error(error: tokio_postgres::Error, vouched_for: bool) -> StartupError {
    if error.as_db_error().is_some() {
        return StartupError::Failed(Box::new(ServerError { error, vouched_for }));
    }
    let below = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let has_no_digest =
        below.and_then(io::Error::get_ref).is_some_and(<dyn Error + Send + Sync>::is::<NoDigest>);
    match (below.is_some(), has_no_digest) {
        // What stopped a read or write says more than that one failed.
        (true, false) => error.into_source().map_or_else(|| "no reason".into(), StartupError::Failed),
        (true, true) => StartupError::Refused { refusal: Refusal::Exchange, error: Some(Box::new(NoDigest)) },
        (false, _) => StartupError::Failed(Box::new(error)),
    }
}
