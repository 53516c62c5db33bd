//! The time limit of one address.

use std::{
    error::Error,
    fmt, io,
    time::{Duration, Instant},
};

/// A point in time, or none. A peer that sends a byte now and then does not move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// This much from now; a time too far away to be told is never.
    pub fn after(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    /// This much after `start`.
    pub fn at(start: Instant, after: Option<Duration>) -> Self {
        Self(after.and_then(|after| start.checked_add(after)))
    }

    /// When it is; `None` if there is no limit.
    pub fn instant(self) -> Option<Instant> {
        self.0
    }

    /// What is left; `None` if there is no limit.
    ///
    /// # Errors
    /// [`expired`], when nothing is.
    pub fn left(self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.0 else { return Ok(None) };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(expired()),
        }
    }
}

/// The deadline passed. It is told from a connection that the operating system has given up on, after which libpq does
/// not go to the next address.
pub fn expired() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, Expired)
}

/// Whether an error is the passing of the deadline.
pub fn has_expired(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Expired>)
}

#[derive(Debug)]
struct Expired;

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timeout expired")
    }
}

impl Error for Expired {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines() {
        assert!(Deadline::after(None).left().is_ok_and(|left| left.is_none()));
        assert!(Deadline::after(Some(Duration::MAX)).left().is_ok_and(|left| left.is_none()));
        assert!(Deadline::after(Some(Duration::from_secs(600))).left().is_ok_and(|left| left.is_some()));
        let passed = Deadline::after(Some(Duration::ZERO)).left().unwrap_err();
        assert!(has_expired(&passed));
        assert!(!has_expired(&io::ErrorKind::TimedOut.into()));
    }
}
