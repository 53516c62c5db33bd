//! The files as a table: what each is for, who names it, what its absence means.

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRole {
    /// The trusted certificate authorities.
    RootCert,
    /// The file of certificate revocation lists.
    Crl,
    /// The directory of certificate revocation lists.
    CrlDir,
    /// The client's certificate.
    Cert,
    /// The client's private key.
    Key,
}

impl FileRole {
    /// The row of [`FILES`] that is about this role.
    pub const fn rule(self) -> &'static FileRule {
        match self {
            Self::RootCert => &ROOT_CERT,
            Self::Crl => &CRL,
            Self::CrlDir => &CRL_DIR,
            Self::Cert => &CERT,
            Self::Key => &KEY,
        }
    }
}

/// What is true of a file whatever a connection asks for. Texts are sentences for people, without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRule {
    /// What it is for.
    pub role: FileRole,
    /// The parameter that names it.
    pub parameter: &'static str,
    /// The environment variable that names it.
    pub variable: &'static str,
    /// Its name in the directory of the default files; `None` where libpq has no default.
    pub default_name: Option<&'static str>,
    /// What it holds.
    pub holds: &'static str,
    /// What follows when it is there and usable.
    pub when_found: &'static str,
    /// What follows when it is not there.
    pub when_missing: &'static str,
    /// What follows when it is there and cannot be used.
    pub when_unusable: &'static str,
}

/// Every file that libpq reads for TLS, in the order in which it looks for them (libpq: `initialize_SSL`).
pub static FILES: [FileRule; 5] = [ROOT_CERT, CRL, CRL_DIR, CERT, KEY];

const ROOT_CERT: FileRule = FileRule {
    role: FileRole::RootCert,
    parameter: "sslrootcert",
    variable: "PGSSLROOTCERT",
    default_name: Some("root.crt"),
    holds: "certificates of the trusted authorities, PEM",
    when_found: "the server's certificate chain is verified, whatever the sslmode",
    when_missing: "verify-ca and verify-full fail when TLS starts; the other modes verify nothing",
    when_unusable: "TLS cannot be set up; prefer goes on in plaintext",
};

const CRL: FileRule = FileRule {
    role: FileRole::Crl,
    parameter: "sslcrl",
    variable: "PGSSLCRL",
    default_name: Some("root.crl"),
    holds: "certificate revocation lists, PEM",
    when_found: "every certificate of the chain must be covered by a current list and not be on it",
    when_missing: "nothing is checked for revocation, not even with sslcrldir",
    when_unusable: "as if it were missing",
};

const CRL_DIR: FileRule = FileRule {
    role: FileRole::CrlDir,
    parameter: "sslcrldir",
    variable: "PGSSLCRLDIR",
    default_name: None,
    holds: "certificate revocation lists, PEM, each named by the hash of its issuer: <hash>.r<n>",
    when_found: "every certificate of the chain must be covered by a current list and not be on it",
    when_missing: "no list is found, and every certificate is refused",
    when_unusable: "as if it were missing",
};

const CERT: FileRule = FileRule {
    role: FileRole::Cert,
    parameter: "sslcert",
    variable: "PGSSLCERT",
    default_name: Some("postgresql.crt"),
    holds: "the client's certificate, then its intermediates, PEM",
    when_found: "it is sent when the server asks for it",
    when_missing: "no certificate is sent, and the key is not looked for",
    when_unusable: "TLS cannot be set up; prefer goes on in plaintext",
};

const KEY: FileRule = FileRule {
    role: FileRole::Key,
    parameter: "sslkey",
    variable: "PGSSLKEY",
    default_name: Some("postgresql.key"),
    holds: "the private key of the client's certificate, PEM or DER",
    when_found: "it proves that the certificate is the client's own",
    when_missing: "TLS cannot be set up when there is a certificate; prefer goes on in plaintext",
    when_unusable: "TLS cannot be set up; prefer goes on in plaintext",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_finds_its_row() {
        for rule in &FILES {
            assert_eq!(rule.role.rule(), rule);
            assert_eq!(rule.variable, alloc::format!("PG{}", rule.parameter.to_ascii_uppercase()));
        }
    }
}
