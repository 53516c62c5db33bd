//! From libpq's server name indication to what rustls can carry.
//!
//! libpq sends the host text as it is written. rustls sends host names alone: the one final dot that RFC 6066 forbids
//! is left out, and a text that is no host name (`*.example`, an umlaut, a label of 64 bytes) is not sent at all. The
//! connection is made either way, because libpq would make it.

use pgtls_core::sni::{ServerNameTooLong, server_name};
use rustls::pki_types::{DnsName, ServerName};
use std::net::Ipv4Addr;

/// What goes into the ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indication {
    /// For `ClientConnection::new`.
    pub(crate) server_name: ServerName<'static>,
    /// The text that is sent, if any.
    pub(crate) sent: Option<String>,
}

/// The indication for a host.
pub(crate) fn indication(host: Option<&str>, sslsni: bool) -> Result<Indication, ServerNameTooLong> {
    let sent = server_name(host, sslsni)?.and_then(host_name);
    let server_name = sent.clone().map_or_else(no_name, ServerName::DnsName);
    Ok(Indication { server_name, sent: sent.map(|name| name.as_ref().to_owned()) })
}

/// rustls wants a name for every connection; for an address it sends no extension. Nothing else looks at it, because the
/// verifier has libpq's host text.
fn no_name() -> ServerName<'static> {
    ServerName::from(Ipv4Addr::UNSPECIFIED)
}

fn host_name(verbatim: &str) -> Option<DnsName<'static>> {
    let name = verbatim.strip_suffix('.').unwrap_or(verbatim);
    if name.ends_with('.') {
        return None;
    }
    DnsName::try_from(name).ok().map(|name| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{host_name, indication, no_name};

    #[track_caller]
    fn check(host: &str, expected: Option<&str>) {
        assert_eq!(host_name(host).as_ref().map(AsRef::as_ref), expected);
    }

    #[test]
    fn texts_that_rustls_can_carry() {
        check("db.example.com", Some("db.example.com"));
        check("DB.Example", Some("DB.Example"));
        check("a_b", Some("a_b"));
        check("db.example.com.", Some("db.example.com"));
    }

    #[test]
    fn texts_that_it_cannot() {
        check("db..", None);
        check("a..b", None);
        check("*.example", None);
        check("/a/dir", None);
        check("bücher.example", None);
        check("0x7f.0.0.1", None);
        check("192.0.2.1 ", None);
        check(&"a".repeat(64), None);
        check(&["a".repeat(60).as_str(); 4].join("."), Some(&["a".repeat(60).as_str(); 4].join(".")));
        check(&["a".repeat(63).as_str(); 4].join("."), None);
    }

    #[test]
    fn no_name_is_no_reason_to_refuse() {
        let found = indication(Some("*.example"), true).unwrap();
        assert_eq!((found.server_name, found.sent), (no_name(), None));
        let found = indication(Some("db.test."), true).unwrap();
        assert_eq!(found.sent.as_deref(), Some("db.test"));
        assert_eq!(indication(Some("db.test"), false).unwrap().sent, None);
        assert_eq!(indication(None, true).unwrap().sent, None);
        assert_eq!(indication(Some(&"x".repeat(256)), true).unwrap_err().len, 256);
    }
}
