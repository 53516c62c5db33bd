//! What measuring programs share: certificates, a server to connect to, who is compared, and what is measured.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    reason = "a measurement that cannot be set up has failed"
)]

mod bare;
mod bulk;
pub mod contenders;
pub mod cost;
pub mod exchange;
pub mod hostile;
pub mod material;
mod ours;
pub mod server;
pub mod setup;
pub mod work;
