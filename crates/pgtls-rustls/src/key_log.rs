//! The secrets of sessions as lines of text, for programs that decrypt a recording (`sslkeylogfile`).

use rustls::KeyLog;
use std::{
    fmt, io,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Writes each secret as a line in the NSS key log format (RFC 9850, section 2) through a function.
///
/// A line that cannot be written does not disturb the connection; the first such trouble is kept
/// (libpq: `SSL_CTX_keylog_cb`).
pub struct KeyLogLines<W> {
    write: W,
    trouble: Mutex<Option<io::Error>>,
}

impl<W: Fn(&str) -> io::Result<()> + Send + Sync> KeyLogLines<W> {
    /// `write` is given one line at a time, with its end.
    pub fn new(write: W) -> Self {
        Self { write, trouble: Mutex::new(None) }
    }
}

impl<W> KeyLogLines<W> {
    /// The first trouble in writing, once.
    pub fn take_trouble(&self) -> Option<io::Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<W: Fn(&str) -> io::Result<()> + Send + Sync> KeyLog for KeyLogLines<W> {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = line(label, client_random, secret);
        if let Err(error) = (self.write)(&line) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

fn line(label: &str, client_random: &[u8], secret: &[u8]) -> Zeroizing<String> {
    // Room for all of it, so that no copy is left behind by growing.
    let digits = client_random.len().saturating_add(secret.len()).saturating_mul(2);
    let mut line =
        Zeroizing::new(String::with_capacity(label.len().saturating_add(digits).saturating_add(3)));
    line.push_str(label);
    for bytes in [client_random, secret] {
        line.push(' ');
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                line.extend(char::from_digit(u32::from(digit), 16));
            }
        }
    }
    line.push('\n');
    line
}

impl<W> fmt::Debug for KeyLogLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLogLines").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let written = Mutex::new(String::new());
        let log = KeyLogLines::new(|line: &str| {
            written.lock().unwrap().push_str(line);
            Ok(())
        });
        log.log("CLIENT_RANDOM", &[0, 0xab], &[0xff]);
        log.log("EXPORTER_SECRET", &[1], &[2]);
        assert_eq!(*written.lock().unwrap(), "CLIENT_RANDOM 00ab ff\nEXPORTER_SECRET 01 02\n");
        assert!(log.take_trouble().is_none());
    }

    #[test]
    fn trouble_is_kept() {
        let log = KeyLogLines::new(|_: &str| Err(io::ErrorKind::PermissionDenied.into()));
        log.log("CLIENT_RANDOM", &[], &[]);
        log.log("CLIENT_RANDOM", &[], &[]);
        assert_eq!(log.take_trouble().map(|error| error.kind()), Some(io::ErrorKind::PermissionDenied));
        assert!(log.take_trouble().is_none());
    }
}
