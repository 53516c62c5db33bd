//! `ssl_min_protocol_version` and `ssl_max_protocol_version` in terms of what rustls can speak.

use pgtls_core::param::{Params, TlsVersion};
use rustls::SupportedProtocolVersion;
use std::fmt;

/// The range of TLS versions that the parameters allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The lower bound (`ssl_min_protocol_version`); `None` sets none.
    pub minimum: Option<TlsVersion>,
    /// The upper bound (`ssl_max_protocol_version`); `None` sets none.
    pub maximum: Option<TlsVersion>,
}

/// What rustls can speak, oldest first.
static IMPLEMENTED: [(TlsVersion, &SupportedProtocolVersion); 2] =
    [(TlsVersion::Tls1_2, &rustls::version::TLS12), (TlsVersion::Tls1_3, &rustls::version::TLS13)];

impl VersionRange {
    /// No bound.
    pub const ANY: Self = Self { minimum: None, maximum: None };

    /// The range that the parameters ask for, with the library's own bounds where they ask for none (libpq:
    /// `SSL_CTX_set_min_proto_version`).
    pub fn of(params: &Params, library: Self) -> Self {
        Self {
            minimum: params.ssl_min_protocol_version().or(library.minimum),
            maximum: params.ssl_max_protocol_version().or(library.maximum),
        }
    }

    /// Whether a version lies in the range.
    pub fn contains(self, version: TlsVersion) -> bool {
        self.minimum.is_none_or(|minimum| minimum <= version)
            && self.maximum.is_none_or(|maximum| version <= maximum)
    }

    /// A version of rustls' as the parameters name it.
    pub(crate) fn version(of: &SupportedProtocolVersion) -> Option<TlsVersion> {
        IMPLEMENTED.iter().find(|(_, known)| known.version == of.version).map(|(version, _)| *version)
    }

    /// The versions of the range that rustls has; empty when the range lies below TLS 1.2, which is an error only once
    /// TLS is about to start.
    pub(crate) fn implemented(self) -> Vec<&'static SupportedProtocolVersion> {
        IMPLEMENTED.iter().filter(|(version, _)| self.contains(*version)).map(|(_, found)| *found).collect()
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => write!(f, "between {minimum} and {maximum}"),
            (Some(minimum), None) => write!(f, "from {minimum} up"),
            (None, Some(maximum)) => write!(f, "up to {maximum}"),
            (None, None) => f.write_str("at all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VersionRange;
    use pgtls_core::param::TlsVersion::{self, Tls1_0, Tls1_1, Tls1_2, Tls1_3};
    use rustls::ProtocolVersion;

    #[track_caller]
    fn check(
        minimum: Option<TlsVersion>,
        maximum: Option<TlsVersion>,
        expected: &[ProtocolVersion],
        text: &str,
    ) {
        let range = VersionRange { minimum, maximum };
        let found: Vec<_> = range.implemented().iter().map(|version| version.version).collect();
        assert_eq!(found, expected);
        assert_eq!(range.to_string(), text);
    }

    #[test]
    fn ranges() {
        const V12: ProtocolVersion = ProtocolVersion::TLSv1_2;
        const V13: ProtocolVersion = ProtocolVersion::TLSv1_3;
        check(None, None, &[V12, V13], "at all");
        check(Some(Tls1_2), None, &[V12, V13], "from TLSv1.2 up");
        check(Some(Tls1_0), Some(Tls1_3), &[V12, V13], "between TLSv1 and TLSv1.3");
        check(Some(Tls1_3), None, &[V13], "from TLSv1.3 up");
        check(Some(Tls1_2), Some(Tls1_2), &[V12], "between TLSv1.2 and TLSv1.2");
        check(Some(Tls1_0), Some(Tls1_1), &[], "between TLSv1 and TLSv1.1");
        check(None, Some(Tls1_1), &[], "up to TLSv1.1");
    }
}
