//! The adapter on real sockets: honest servers, hostile ones, and connections that somebody else has opened.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod cancel;
mod goodbye;
mod hostile;
mod peer;
mod predialled;
mod startup;
mod tls;
#[cfg(unix)]
mod unix;
