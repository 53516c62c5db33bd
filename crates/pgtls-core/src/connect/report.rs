//! The attempts of a connection and the files it used, for people and logs.

use super::{Peer, Warning};
use crate::{files::FileReport, negotiation::Event};
use alloc::vec::Vec;

/// Everything that was observed, over all attempts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The attempts, in order: one for each address.
    pub attempts: Vec<AttemptReport>,
    /// The files of TLS; empty if TLS was never about to start.
    pub files: Vec<FileReport>,
    /// Problems that did not prevent the connection.
    pub warnings: Vec<Warning>,
}

/// One address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptReport {
    /// The address and its host.
    pub peer: Peer,
    /// The events, over all connections to the address.
    pub events: Vec<Event>,
    /// The number of connections that were opened.
    pub connections: usize,
}

/// An observation of the embedder for the [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Note {
    /// A file that was looked at for TLS.
    File(FileReport),
    /// A problem that does not prevent the connection.
    Warning(Warning),
}

impl Report {
    /// The number of connections that were opened.
    pub fn connections(&self) -> usize {
        self.attempts.iter().map(|attempt| attempt.connections).sum()
    }

    /// All events in order.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.attempts.iter().flat_map(|attempt| attempt.events.iter().copied())
    }

    /// The server of the last attempt: that of the session, if there is one.
    pub fn peer(&self) -> Option<&Peer> {
        self.attempts.last().map(|attempt| &attempt.peer)
    }
}
