//! The monitor of the startup exchange: its table, and an oracle too plain to be wrong.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod allocations;
mod oracle;
mod table;
