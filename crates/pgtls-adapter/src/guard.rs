//! What a stream of bytes carries with it: facts of its protection, and the watch over its startup exchange.

use crate::watch::Watch;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::io;

/// What a stream carries with it beside its bytes.
#[derive(Debug, Default)]
pub struct Guard {
    facts: Option<Box<SessionFacts>>,
    watch: Option<Watch>,
}

impl Guard {
    /// How the bytes are protected.
    pub fn encryption(&self) -> Encryption {
        if self.facts.is_some() { Encryption::Ssl } else { Encryption::Plain }
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_deref()
    }

    /// The handshake is complete.
    pub fn encrypted(&mut self, facts: SessionFacts) {
        self.facts = Some(Box::new(facts));
    }

    /// What follows is the startup exchange.
    pub fn start_up(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// The watch over the startup exchange, until it is over.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// After a flush: what the driver is told.
    pub fn has_flushed(&self, flushed: io::Result<()>) -> io::Result<()> {
        match &self.watch {
            None => flushed,
            Some(watch) => watch.has_flushed(flushed),
        }
    }

    /// Ends the watch if it is over; whether the deadline of the address has been met. Asked before each read and write.
    pub fn relax(&mut self) -> bool {
        let Some(watch) = &self.watch else { return false };
        let met = watch.is_concluded();
        self.watch.take_if(|watch| watch.is_over());
        met
    }
}
