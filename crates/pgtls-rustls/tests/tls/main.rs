//! The crate from outside: parameters and files in, a handshake with a rustls server in memory, facts or an error out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod cache;
mod external_key;
mod handshake;
mod in_memory;
mod memory;
mod messages;
mod pss;
mod setup;
mod signature_cache;
mod system_default;
mod verdicts;
