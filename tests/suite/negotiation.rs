//! The core's negotiation: its table, every state of the machine, and peers that wish it no good.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod allocations;
mod connection;
mod explore;
mod hostile;
mod hosts;
mod labels;
mod model;
mod snapshot;
mod table;
