//! The parameters that libpq knows: its array `PQconninfoOptions`.

use super::{
    ChannelBinding, GssEncMode, LoadBalanceHosts, ProtocolVersion, SslCertMode, SslMode, SslNegotiation,
    TargetSessionAttrs, TlsVersion,
};

/// One parameter: its name, variable, default and nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyword {
    /// Name as in a connection string.
    pub name: &'static str,
    /// Environment variable, where there is one.
    pub variable: Option<&'static str>,
    /// Built-in default, where it is a constant.
    pub default: Option<&'static str>,
    /// Whether the value is a secret, never to be shown.
    pub secret: bool,
    /// The words that it takes; empty where any text is taken, or where the text is looked at later.
    pub words: &'static [&'static str],
}

impl Keyword {
    /// The keyword of this name; case counts, as in libpq.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|keyword| keyword.name == name)
    }

    /// Whether this is the name of a secret.
    pub fn is_secret(name: &str) -> bool {
        KEYWORDS.iter().any(|keyword| keyword.secret && keyword.name == name)
    }

    const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }
}

/// Every parameter of libpq 18, in libpq's order.
///
/// Two defaults depend on the program: `gssencmode` is `prefer` where GSSAPI encryption can be done, and `sslmode`
/// is `verify-full` where `sslrootcert` is `system`.
pub const KEYWORDS: &[Keyword] = &[
    plain("service", Some("PGSERVICE"), None),
    plain("user", Some("PGUSER"), None),
    secret("password", Some("PGPASSWORD")),
    plain("passfile", Some("PGPASSFILE"), None),
    plain("channel_binding", Some("PGCHANNELBINDING"), Some("prefer")).one_of(ChannelBinding::WORDS),
    plain("connect_timeout", Some("PGCONNECT_TIMEOUT"), None),
    plain("dbname", Some("PGDATABASE"), None),
    plain("host", Some("PGHOST"), None),
    plain("hostaddr", Some("PGHOSTADDR"), None),
    plain("port", Some("PGPORT"), Some(DEFAULT_PORT)),
    plain("client_encoding", Some("PGCLIENTENCODING"), None),
    plain("options", Some("PGOPTIONS"), Some("")),
    plain("application_name", Some("PGAPPNAME"), None),
    plain("fallback_application_name", None, None),
    plain("keepalives", None, None),
    plain("keepalives_idle", None, None),
    plain("keepalives_interval", None, None),
    plain("keepalives_count", None, None),
    plain("tcp_user_timeout", None, None),
    plain("sslmode", Some("PGSSLMODE"), Some("prefer")).one_of(SslMode::WORDS),
    plain("sslnegotiation", Some("PGSSLNEGOTIATION"), Some("postgres")).one_of(SslNegotiation::WORDS),
    plain("sslcompression", Some("PGSSLCOMPRESSION"), Some("0")),
    plain("sslcert", Some("PGSSLCERT"), None),
    plain("sslkey", Some("PGSSLKEY"), None),
    plain("sslcertmode", Some("PGSSLCERTMODE"), Some("allow")).one_of(SslCertMode::WORDS),
    secret("sslpassword", None),
    plain("sslrootcert", Some("PGSSLROOTCERT"), None),
    plain("sslcrl", Some("PGSSLCRL"), None),
    plain("sslcrldir", Some("PGSSLCRLDIR"), None),
    plain("sslsni", Some("PGSSLSNI"), Some("1")),
    plain("requirepeer", Some("PGREQUIREPEER"), None),
    plain("require_auth", Some("PGREQUIREAUTH"), None),
    plain("min_protocol_version", Some("PGMINPROTOCOLVERSION"), None)
        .one_of(ProtocolVersion::PARAMETER_WORDS),
    plain("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), None)
        .one_of(ProtocolVersion::PARAMETER_WORDS),
    plain("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Some("TLSv1.2"))
        .one_of(TlsVersion::WORDS),
    plain("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), None).one_of(TlsVersion::WORDS),
    plain("gssencmode", Some("PGGSSENCMODE"), Some("disable")).one_of(GssEncMode::WORDS),
    plain("krbsrvname", Some("PGKRBSRVNAME"), Some("postgres")),
    plain("gsslib", Some("PGGSSLIB"), None),
    plain("gssdelegation", Some("PGGSSDELEGATION"), Some("0")),
    plain("replication", None, None),
    plain("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Some("any"))
        .one_of(TargetSessionAttrs::WORDS),
    plain("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Some("disable")).one_of(LoadBalanceHosts::WORDS),
    secret("scram_client_key", None),
    secret("scram_server_key", None),
    plain("oauth_issuer", None, None),
    plain("oauth_client_id", None, None),
    secret("oauth_client_secret", None),
    plain("oauth_scope", None, None),
    plain("sslkeylogfile", None, None),
];

/// Variables beside those of [`KEYWORDS`] that libpq, or the TLS library under it, reads.
pub const VARIABLES: &[&str] = &[
    "PGREQUIRESSL",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGDATESTYLE",
    "PGTZ",
    "PGGEQO",
    "HOME",
    "APPDATA",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
];

/// The port where none is given.
pub(super) const DEFAULT_PORT: &str = "5432";

/// Variables that set a parameter of the server, not of the connection (libpq: `EnvironmentOptions`).
pub(super) const SERVER_VARIABLES: &[(&str, &str)] =
    &[("PGDATESTYLE", "datestyle"), ("PGTZ", "timezone"), ("PGGEQO", "geqo")];

const fn plain(name: &'static str, variable: Option<&'static str>, default: Option<&'static str>) -> Keyword {
    Keyword { name, variable, default, secret: false, words: &[] }
}

const fn secret(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, default: None, secret: true, words: &[] }
}
