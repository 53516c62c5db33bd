//! Connections that the program opens itself.

use std::{fmt, io};

/// Connections that the program opens itself: the first one is there already.
pub struct Opened<S, F> {
    first: Option<S>,
    redial: F,
}

impl<S, F> Opened<S, F> {
    /// This one, and then what `redial` opens.
    pub fn new(first: S, redial: F) -> Self {
        Self { first: Some(first), redial }
    }
}

impl<S, F: FnMut() -> io::Result<S>> Opened<S, F> {
    /// The next one.
    pub fn open(&mut self) -> io::Result<S> {
        self.first.take().map_or_else(&mut self.redial, Ok)
    }
}

impl<S, F: AsyncFnMut() -> io::Result<S>> Opened<S, F> {
    /// The next one, in its time.
    pub async fn open_in_time(&mut self) -> io::Result<S> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => (self.redial)().await,
        }
    }
}

impl<S, F> fmt::Debug for Opened<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("is_first", &self.first.is_some()).finish_non_exhaustive()
    }
}
