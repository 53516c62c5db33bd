//! The server name that is told to the server in clear before anything is encrypted (RFC 6066, section 3).

use core::fmt;

/// The longest host name that OpenSSL puts into the extension (`TLSEXT_MAXLEN_host_name`).
pub const MAX_SERVER_NAME_BYTES: usize = 255;

/// The text that libpq sends (libpq: `initialize_SSL`); `None` when it sends none.
///
/// The text is the host as it was given: letters in either case, a final dot, stars and slashes are kept, though RFC 6066
/// wants none of them. It is left out for a text made of digits and dots alone and for one with a colon. That is not the
/// test by which a name is told from an address when the certificate is verified: `0x7f.0.0.1` is an address there, and is
/// sent here.
///
/// # Errors
/// A host that is too long breaks the TLS method, as in libpq.
pub fn server_name(host: Option<&str>, sslsni: bool) -> Result<Option<&str>, ServerNameTooLong> {
    let Some(host) = host.filter(|host| sslsni && !host.is_empty() && !looks_like_address(host)) else {
        return Ok(None);
    };
    if host.len() > MAX_SERVER_NAME_BYTES {
        return Err(ServerNameTooLong { len: host.len() });
    }
    Ok(Some(host))
}

fn looks_like_address(host: &str) -> bool {
    host.contains(':') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The host is longer than [`MAX_SERVER_NAME_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerNameTooLong {
    /// Bytes of the host.
    pub len: usize,
}

impl fmt::Display for ServerNameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not set Server Name Indication (SNI): the host name has {} bytes, more than {MAX_SERVER_NAME_BYTES}; \
             sslsni=0 sends none",
            self.len
        )
    }
}

impl core::error::Error for ServerNameTooLong {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[track_caller]
    fn sent(host: &str) {
        assert_eq!(server_name(Some(host), true), Ok(Some(host)));
        assert_eq!(server_name(Some(host), false), Ok(None));
    }

    #[track_caller]
    fn not_sent(host: &str) {
        assert_eq!(server_name(Some(host), true), Ok(None));
    }

    #[test]
    fn names_go_as_they_are() {
        for host in [
            "db.example.com",
            "DB.Example.",
            "localhost",
            "*.example",
            "a_b",
            "/a/dir",
            "b\u{fc}cher.test",
            "x",
        ] {
            sent(host);
        }
    }

    #[test]
    fn what_looks_like_an_address_is_not_sent_and_its_near_miss_is() {
        for (address, near_miss) in [
            ("127.0.0.1", "127.0.0.1a"),
            ("10", "0x10"),
            ("1.2.3.4.", "1.2.3.4 "),
            (".", "-"),
            ("::1", "--1"),
            ("fe80::1%eth0", "fe80--1%eth0"),
            ("a:b", "a.b"),
            ("127.0.0.1", "0x7f.0.0.1"),
            ("192.0.2.1", "192.0.2.1/32"),
        ] {
            not_sent(address);
            sent(near_miss);
        }
        not_sent("");
        assert_eq!(server_name(None, true), Ok(None));
    }

    #[test]
    fn the_longest_name() {
        let longest: String = core::iter::repeat_n('a', MAX_SERVER_NAME_BYTES).collect();
        sent(&longest);
        let longer = longest + "a";
        assert_eq!(server_name(Some(&longer), true), Err(ServerNameTooLong { len: 256 }));
        assert_eq!(server_name(Some(&longer), false), Ok(None), "what is not sent cannot be too long");
    }
}
