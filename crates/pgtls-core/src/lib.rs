//! libpq's TLS behaviour without I/O.
#![no_std]

extern crate alloc;

pub mod accept;
pub mod attempt;
pub mod candidates;
pub mod environment;
pub mod files;
pub mod gate;
pub mod hardening;
pub mod mechanism;
pub mod message;
pub mod name;
pub mod negotiation;
pub mod openssl_conf;
pub mod param;
pub mod policy;
pub mod role;
pub mod secret;
pub mod sni;
pub mod startup;
