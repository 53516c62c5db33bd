//! The client of the demo.

use super::matrix::Told;

/// Connects as `pgtls connect` does.
pub(super) fn attempt(_conninfo: &str) -> Told {
    todo!()
}
