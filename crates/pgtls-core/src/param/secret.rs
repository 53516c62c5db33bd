//! Values that are never shown.

use crate::secret::wipe_string;
use alloc::string::String;
use core::fmt;

/// A password or passphrase: never printed, and overwritten when it is dropped.
///
/// Overwriting (see [`crate::secret`]) removes this copy from the heap. It says nothing about copies that others made
/// (a socket buffer, a TLS record), about swap, or about what the processor still holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
    /// The text itself; the one place where it can be read.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe_string(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    #[test]
    fn nothing_is_shown() {
        let secret = Secret::new("hunter2".to_string());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
