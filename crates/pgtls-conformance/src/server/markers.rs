//! Connections that a server makes to itself, to know that it has taken all that came before.

use socket2::SockAddr;
use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Addresses of markers that are on their way.
#[derive(Debug, Default)]
pub(super) struct Markers {
    waiting: Mutex<Vec<SockAddr>>,
    changed: Condvar,
}

impl Markers {
    /// A connection from this address will be a marker.
    pub(super) fn expect(&self, from: SockAddr) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(from);
    }

    /// Whether a connection is a marker; it is no longer expected then.
    pub(super) fn came(&self, from: &SockAddr) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.len();
        waiting.retain(|expected| expected != from);
        let came = waiting.len() < before;
        drop(waiting);
        if came {
            self.changed.notify_all();
        }
        came
    }

    /// Waits until this marker has come, at most so long. Says whether it has.
    pub(super) fn wait(&self, from: &SockAddr, patience: Duration) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (waiting, _) = self
            .changed
            .wait_timeout_while(waiting, patience, |waiting| waiting.contains(from))
            .unwrap_or_else(PoisonError::into_inner);
        !waiting.contains(from)
    }
}
