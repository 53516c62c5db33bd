//! What each `sslmode` means.

use crate::param::SslMode;

/// One way to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// GSSAPI encryption, asked for with GSSENCRequest.
    Gss,
    /// TLS, asked for with SSLRequest or started at once (`sslnegotiation=direct`).
    Ssl,
    /// No encryption.
    Plain,
}

impl Method {
    /// The word used in traces and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gss => "gss",
            Self::Ssl => "ssl",
            Self::Plain => "plain",
        }
    }
}

impl core::fmt::Display for Method {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is verified about the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verification {
    /// Nothing: any certificate is accepted unseen.
    None,
    /// The chain, up to a certificate in the root file.
    Ca,
    /// The chain, and that the certificate names the host.
    Full,
}

impl Verification {
    /// `none`, `ca` or `full`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ca => "ca",
            Self::Full => "full",
        }
    }
}

impl core::fmt::Display for Verification {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where trusted roots come from, known when TLS is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RootPresence {
    /// The root file exists.
    Found,
    /// It does not, or its name cannot be known.
    Missing,
    /// `sslrootcert=system`: the roots of the operating system.
    System,
}

/// One row of [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The mode.
    pub sslmode: SslMode,
    /// What is tried first; GSSAPI encryption comes before it where `gssencmode` wants it.
    pub first: Method,
    /// What follows when the first method fails: on the same connection when it was refused, else on a new one.
    pub fallback: Option<Method>,
    /// Whether `sslnegotiation=direct` is legal: never where plaintext could follow.
    pub direct: bool,
    /// Whether `sslrootcert=system` is legal: only where the host name is verified.
    pub system_roots: bool,
    /// What is verified when trusted roots are there.
    pub with_roots: Verification,
    /// What is verified when the root file is missing; `None` means that TLS cannot be set up without one.
    pub without_roots: Option<Verification>,
    /// Where libpq says so.
    pub source: &'static str,
}

impl Row {
    /// What is tried, in order.
    pub fn methods(&self) -> impl Iterator<Item = Method> + use<> {
        core::iter::once(self.first).chain(self.fallback)
    }
}

/// The policy of libpq. Everything about `sslmode` follows from these rows.
///
/// Order and set of methods: `init_allowed_encryption_methods` and `select_next_encryption_method` (fe-connect.c). Direct
/// TLS and the system's roots: `pqConnectOptions2`. Verification: `initialize_SSL` (fe-secure-openssl.c) for the chain,
/// `pq_verify_peer_name_matches_certificate` (fe-secure-common.c) for the name.
#[rustfmt::skip]
pub const TABLE: [Row; 6] = {
    use Method::{Plain, Ssl};
    use Verification::{Ca, Full, None as Nothing};
    [
        Row { sslmode: SslMode::Disable,    first: Plain, fallback: None,        direct: false, system_roots: false, with_roots: Nothing, without_roots: Some(Nothing),
              source: "PostgreSQL 18, 32.1.2 sslmode: only try a non-SSL connection" },
        Row { sslmode: SslMode::Allow,      first: Plain, fallback: Some(Ssl),   direct: false, system_roots: false, with_roots: Ca,      without_roots: Some(Nothing),
              source: "PostgreSQL 18, 32.1.2 sslmode: first non-SSL; fe-connect.c select_next_encryption_method, sslmode[0] == 'a'" },
        Row { sslmode: SslMode::Prefer,     first: Ssl,   fallback: Some(Plain), direct: false, system_roots: false, with_roots: Ca,      without_roots: Some(Nothing),
              source: "PostgreSQL 18, 32.1.2 sslmode: first SSL, then non-SSL; fe-secure-openssl.c initialize_SSL, root file present" },
        Row { sslmode: SslMode::Require,    first: Ssl,   fallback: None,        direct: true,  system_roots: false, with_roots: Ca,      without_roots: Some(Nothing),
              source: "PostgreSQL 18, 32.19.1: with a root CA file, require behaves as verify-ca" },
        Row { sslmode: SslMode::VerifyCa,   first: Ssl,   fallback: None,        direct: true,  system_roots: false, with_roots: Ca,      without_roots: None,
              source: "PostgreSQL 18, 32.19.1; fe-secure-openssl.c initialize_SSL, sslmode[0] == 'v' without a root file" },
        Row { sslmode: SslMode::VerifyFull, first: Ssl,   fallback: None,        direct: true,  system_roots: true,  with_roots: Full,    without_roots: None,
              source: "PostgreSQL 18, 32.19.1; fe-secure-common.c pq_verify_peer_name_matches_certificate" },
    ]
};

/// The row of a mode.
pub const fn row(sslmode: SslMode) -> &'static Row {
    // Written out, so that a new mode does not compile without a row.
    const ROWS: &[Row; 6] = &TABLE;
    let [disable, allow, prefer, require, verify_ca, verify_full] = ROWS;
    match sslmode {
        SslMode::Disable => disable,
        SslMode::Allow => allow,
        SslMode::Prefer => prefer,
        SslMode::Require => require,
        SslMode::VerifyCa => verify_ca,
        SslMode::VerifyFull => verify_full,
    }
}

/// What `sslmode` verifies given the root file; `None` means that TLS cannot be set up without one.
pub const fn verification(sslmode: SslMode, root: RootPresence) -> Option<Verification> {
    let row = row(sslmode);
    match root {
        RootPresence::Found | RootPresence::System => Some(row.with_roots),
        RootPresence::Missing => row.without_roots,
    }
}

/// A set of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Methods(u8);

impl Methods {
    /// No method.
    pub const EMPTY: Self = Self(0);

    /// The set and `method`.
    #[must_use]
    pub const fn with(self, method: Method) -> Self {
        Self(self.0 | Self::bit(method))
    }

    /// Whether `method` is in the set.
    pub const fn contains(self, method: Method) -> bool {
        self.0 & Self::bit(method) != 0
    }

    const fn bit(method: Method) -> u8 {
        match method {
            Method::Gss => 1,
            Method::Ssl => 2,
            Method::Plain => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_finds_its_own_row() {
        for mode in SslMode::ALL {
            assert_eq!(row(*mode).sslmode, *mode);
        }
    }

    /// Plaintext and a legal `direct` exclude each other; that is what makes `direct` safe.
    #[test]
    fn direct_is_legal_exactly_where_plaintext_is_not() {
        for row in &TABLE {
            assert_eq!(row.direct, row.methods().all(|method| method == Method::Ssl), "{}", row.sslmode);
        }
    }

    /// A public CA issues a certificate to anybody, so that its roots prove nothing without the name.
    #[test]
    fn system_roots_are_legal_exactly_where_the_name_is_verified() {
        for row in &TABLE {
            assert_eq!(row.system_roots, row.with_roots == Verification::Full, "{}", row.sslmode);
        }
    }

    /// Only the modes that promise a verification refuse to go on without roots.
    #[test]
    fn verification_by_mode_and_root() {
        use RootPresence::{Found, Missing, System};
        use Verification::{Ca, Full, None as Nothing};
        let expected = [
            (SslMode::Disable, Found, Some(Nothing)),
            (SslMode::Disable, Missing, Some(Nothing)),
            (SslMode::Allow, Found, Some(Ca)),
            (SslMode::Allow, Missing, Some(Nothing)),
            (SslMode::Prefer, Found, Some(Ca)),
            (SslMode::Prefer, Missing, Some(Nothing)),
            (SslMode::Require, Found, Some(Ca)),
            (SslMode::Require, Missing, Some(Nothing)),
            (SslMode::VerifyCa, Found, Some(Ca)),
            (SslMode::VerifyCa, Missing, None),
            (SslMode::VerifyFull, Found, Some(Full)),
            (SslMode::VerifyFull, Missing, None),
            (SslMode::VerifyFull, System, Some(Full)),
        ];
        for (mode, root, verified) in expected {
            assert_eq!(verification(mode, root), verified, "{mode} {root:?}");
        }
    }
}
