//! What measuring programs share: certificates, a server to connect to, and a client of bare rustls to compare with.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a measurement that cannot be set up has failed"
)]

pub mod bare;
pub mod exchange;
pub mod material;
pub mod server;
