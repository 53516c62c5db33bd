//! The shared loop on blocking sockets.

use crate::{
    deadline::{Blocking, Source, block_on},
    dial::ConnectionSource,
    stream::Stream,
};
use pgtls_adapter::{Cancelled, ConnectError, Connected, Driver, Startup, StartupError};
use pgtls_core::{connect::Note, message::CancelRequest};
use std::fmt;

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
pub struct Connecting<'c, D>(pgtls_adapter::Connecting<'c, Blocking, Source<D>>);

impl<'c, D: ConnectionSource> Connecting<'c, D> {
    pub(crate) fn new(driver: Driver<'c>, source: D) -> Self {
        Self(pgtls_adapter::Connecting::from_parts(driver, Source(source), Blocking))
    }

    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order.
    pub fn advance(&mut self) -> Result<Stream<D::Connection>, ConnectError> {
        block_on(self.0.advance())
    }

    /// Adds an observation of the program to the report; see [`Driver::note`].
    pub fn note(&mut self, note: Note) {
        self.0.note(note);
    }

    /// The server of the startup exchange that is under way; `None` if there is none.
    pub fn startup(&self) -> Option<Startup<'_>> {
        self.0.startup()
    }

    /// Takes the result of the startup exchange and returns it if there is a session. If there is none, go on with
    /// [`advance`](Self::advance). The bytes of the server take precedence over the result, and a session needs proof; see
    /// [`Driver::finish_startup`].
    pub fn finish_startup<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        self.0.finish_startup(outcome)
    }

    /// Sends the request of a cancelling connection.
    pub(crate) fn request_cancel(self, request: &CancelRequest) -> Result<Cancelled, ConnectError> {
        block_on(self.0.request_cancel(request))
    }

    /// Goes on until there is a session, or nothing left to be tried.
    pub(crate) fn finish<T>(
        self,
        mut startup: impl FnMut(&mut Stream<D::Connection>, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Stream<D::Connection>, T>, ConnectError> {
        block_on(self.0.finish(async |stream: &mut Stream<_>, at: Startup<'_>| startup(stream, at)))
    }
}

impl<D> fmt::Debug for Connecting<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
