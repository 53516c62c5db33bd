//! The clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in seconds since 1970. A clock that is set before 1970 reads 0, a time at which no certificate is valid.
pub fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
