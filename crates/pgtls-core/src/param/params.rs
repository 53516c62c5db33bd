//! The parameters of one connection, merged and checked.

use super::{
    AuthMethods, ChannelBinding, GssEncMode, HostItem, Keyword, LoadBalanceHosts, ParamError,
    ProtocolVersion, Secret, Settings, Source, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs,
    TlsVersion, encoding, integer,
    keyword::SERVER_VARIABLES,
    resolve,
    validate::{self, Checked},
};
use crate::{environment::Environment, files::KeyPermissions, hardening::Hardening};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;

/// What the program that embeds us can do; decides defaults and which values are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ability {
    /// It can do GSSAPI encryption. Without: `gssencmode` defaults to `disable` and `require` is an error.
    pub gss: bool,
}

/// Validated parameters of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    settings: Settings,
    checked: Checked,
    password: Option<Secret>,
    sslpassword: Option<Secret>,
    /// Settings of the server that have variables but no parameter.
    server_settings: Vec<(&'static str, String)>,
    /// What `client_encoding=auto` means here.
    locale_encoding: Option<&'static str>,
    hardening: Hardening,
    key_permissions: KeyPermissions,
}

impl Params {
    /// Merges explicit settings, the service section and the environment, in that order of precedence, and checks
    /// them in libpq's order. `service` is the section that [`service_name`](super::service_name) asks for.
    pub fn resolve(
        explicit: &Settings,
        service: Option<&Settings>,
        environment: &Environment,
        ability: Ability,
    ) -> Result<Self, ParamError> {
        let settings = resolve::merge(explicit, service, environment, ability);
        let checked = validate::check(&settings, ability)?;
        let secret = |keyword| {
            settings.value(keyword).filter(|s| !s.value.is_empty()).map(|s| Secret::new(s.value.clone()))
        };
        Ok(Self {
            password: secret("password"),
            sslpassword: secret("sslpassword"),
            server_settings: server_settings(environment),
            locale_encoding: encoding::of_locale(environment),
            hardening: Hardening::NONE,
            key_permissions: KeyPermissions::Check,
            settings,
            checked,
        })
    }
    /// With these hardenings on.
    #[must_use]
    pub fn with_hardening(mut self, hardening: Hardening) -> Self {
        self.hardening = hardening;
        self
    }
    /// The hardenings that are on; none by default.
    pub fn hardening(&self) -> Hardening {
        self.hardening
    }
    /// With the permissions of the key file checked or not.
    #[must_use]
    pub fn with_key_permissions(mut self, key_permissions: KeyPermissions) -> Self {
        self.key_permissions = key_permissions;
        self
    }
    /// Whether the permissions of the key file are checked; they are by default.
    pub fn key_permissions(&self) -> KeyPermissions {
        self.key_permissions
    }
    /// `sslmode`.
    pub fn sslmode(&self) -> SslMode {
        self.checked.sslmode
    }
    /// `sslnegotiation`.
    pub fn sslnegotiation(&self) -> SslNegotiation {
        self.checked.sslnegotiation
    }
    /// `sslcertmode`.
    pub fn sslcertmode(&self) -> SslCertMode {
        self.checked.sslcertmode
    }
    /// `gssencmode`.
    pub fn gssencmode(&self) -> GssEncMode {
        self.checked.gssencmode
    }
    /// `channel_binding`.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.checked.channel_binding
    }
    /// `require_auth`.
    pub fn require_auth(&self) -> AuthMethods {
        self.checked.require_auth
    }
    /// `ssl_min_protocol_version`; `None` when empty.
    pub fn ssl_min_protocol_version(&self) -> Option<TlsVersion> {
        self.checked.ssl_min_protocol_version
    }
    /// `ssl_max_protocol_version`; `None` when empty or not given.
    pub fn ssl_max_protocol_version(&self) -> Option<TlsVersion> {
        self.checked.ssl_max_protocol_version
    }
    /// `sslsni`: whether the host name is sent in clear as server name indication. Only the first character counts.
    pub fn sslsni(&self) -> bool {
        self.value("sslsni").is_some_and(|value| value.starts_with('1'))
    }
    /// `target_session_attrs`.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.checked.target_session_attrs
    }
    /// `load_balance_hosts`.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.checked.load_balance_hosts
    }
    /// `min_protocol_version`.
    pub fn min_protocol_version(&self) -> ProtocolVersion {
        self.checked.min_protocol_version
    }
    /// `max_protocol_version`.
    pub fn max_protocol_version(&self) -> ProtocolVersion {
        self.checked.max_protocol_version
    }
    /// `password`; empty is `None`.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }
    /// `sslpassword`; empty is `None`.
    pub fn sslpassword(&self) -> Option<&Secret> {
        self.sslpassword.as_ref()
    }
    /// The user to connect as: `user`, else the operating system's name.
    pub fn user(&self) -> &str {
        self.value("user").unwrap_or_default()
    }
    /// The database: `dbname`, else the user.
    pub fn dbname(&self) -> &str {
        self.value("dbname").unwrap_or_default()
    }
    /// The host list, at least one item.
    pub fn hosts(&self) -> &[HostItem] {
        &self.checked.hosts
    }

    /// `connect_timeout`, the time for one address from connecting to authentication; zero, negative and not given
    /// are `None` (libpq: `pqConnectDBComplete`).
    ///
    /// libpq notices that the text is no integer when it begins to wait, that is after the first connection was
    /// started; then nothing else is tried.
    pub fn connect_timeout(&self) -> Result<Option<Duration>, ParamError> {
        let seconds = self.integer("connect_timeout")?.unwrap_or_default();
        Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }

    /// The keepalive settings for a TCP socket (libpq: `useKeepalives` and what follows it).
    ///
    /// An error fails the address for which a socket is made, and the next one is tried.
    pub fn keepalives(&self) -> Result<Keepalives, ParamError> {
        if self.integer("keepalives")? == Some(0) {
            return Ok(Keepalives::Off);
        }
        let time = |keyword| self.integer(keyword).map(|time| time.map(|t| u32::try_from(t).unwrap_or(0)));
        Ok(Keepalives::On {
            idle: time("keepalives_idle")?,
            interval: time("keepalives_interval")?,
            count: time("keepalives_count")?,
            user_timeout: time("tcp_user_timeout")?,
        })
    }

    /// Names and values of the StartupMessage in libpq's order (libpq: `build_startup_packet`).
    pub fn startup_pairs(&self) -> Vec<(&str, &str)> {
        let given = |keyword| self.value(keyword).filter(|value| !value.is_empty());
        // An empty application name counts: it keeps the fallback away, and is not sent.
        let application_name = self.value("application_name").or(self.value("fallback_application_name"));
        let client_encoding = match given("client_encoding") {
            Some("auto") => self.locale_encoding,
            other => other,
        };
        let pairs = [
            ("user", given("user")),
            ("database", given("dbname")),
            ("replication", given("replication")),
            ("options", given("options")),
            ("application_name", application_name.filter(|name| !name.is_empty())),
            ("client_encoding", client_encoding),
        ];
        let server_settings = self.server_settings.iter().map(|(name, value)| (*name, value.as_str()));
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(server_settings).collect()
    }

    /// The value of any parameter that is no secret, after defaults; `None` when it is not set, `Some("")` when it is
    /// empty. For `sslcert`, `sslkey`, `sslrootcert`, `sslcrl`, `sslcrldir`, `requirepeer`, `sslkeylogfile` and
    /// everything that has no method of its own.
    pub fn value(&self, keyword: &str) -> Option<&str> {
        let setting = self.settings.value(keyword)?;
        (!setting.is_secret()).then_some(&*setting.value)
    }

    /// A copy of the value of a parameter that is a secret (`scram_client_key`, `oauth_client_secret` …).
    pub fn secret(&self, keyword: &str) -> Option<Secret> {
        let setting = self.settings.value(keyword)?;
        Keyword::is_secret(keyword).then(|| Secret::new(setting.value.clone()))
    }

    /// Where the value of a parameter came from.
    pub fn source(&self, keyword: &str) -> Option<&Source> {
        self.settings.value(keyword).map(|setting| &setting.source)
    }

    /// Every parameter that has a value, with its source, in libpq's order.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn integer(&self, keyword: &'static str) -> Result<Option<i32>, ParamError> {
        let Some(setting) = self.settings.value(keyword) else {
            return Ok(None);
        };
        integer::parse(keyword, &setting.value).map(Some).map_err(|kind| kind.from(setting.source.clone()))
    }
}

/// What is asked of a TCP socket. The texts of `None` leave the operating system's default; zero asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keepalives {
    /// `keepalives=0`: nothing is set, not even `tcp_user_timeout`.
    Off,
    /// `SO_KEEPALIVE` is set.
    On {
        /// `keepalives_idle`: seconds of silence before the first probe.
        idle: Option<u32>,
        /// `keepalives_interval`: seconds between probes.
        interval: Option<u32>,
        /// `keepalives_count`: probes lost before the connection counts as dead.
        count: Option<u32>,
        /// `tcp_user_timeout`: milliseconds that sent data may stay unacknowledged.
        user_timeout: Option<u32>,
    },
}

/// Variables whose value the server is told at the start; `default` means that it is not
/// (libpq: `EnvironmentOptions`).
fn server_settings(environment: &Environment) -> Vec<(&'static str, String)> {
    SERVER_VARIABLES
        .iter()
        .filter_map(|(variable, setting)| Some((*setting, environment.variable(variable)?)))
        .filter(|(_, value)| !value.eq_ignore_ascii_case("default"))
        .map(|(setting, value)| (setting, value.to_owned()))
        .collect()
}
