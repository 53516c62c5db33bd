//! The parameters as tokio-postgres wants them.

use crate::error::Error;
use pgtls_core::{
    environment::Environment,
    param::{
        ChannelBinding, GssEncMode, HostItem, Keepalives, LoadBalanceHosts, Params, Passwords,
        ProtocolVersion, Secret, SslCertMode, TargetSessionAttrs,
    },
};
use std::time::Duration;
use tokio_postgres::config::{self, SslMode, SslNegotiation};
#[cfg(feature = "deadpool-postgres")]
use {
    pgtls_core::param::{Ability, Source},
    pgtls_tokio::Config,
    std::{str, sync::Arc},
};

/// What tokio-postgres sends in the StartupMessage, without a password.
///
/// Everything about TLS is done when it gets the connection. It is told that the other end has TLS and needs not be asked,
/// because it asks for the channel binding then.
pub(crate) fn config(params: &Params) -> Result<tokio_postgres::Config, Error> {
    if params.min_protocol_version() > ProtocolVersion::V3_0 {
        return unsupported("min_protocol_version", "it speaks protocol 3.0 alone; leave the parameter out");
    }
    let mut config = tokio_postgres::Config::new();
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    config.channel_binding(match params.channel_binding() {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    });
    let mut options = Vec::new();
    for (name, value) in params.startup_pairs() {
        match name {
            "user" => drop(config.user(value)),
            "database" => drop(config.dbname(value)),
            "application_name" => drop(config.application_name(value)),
            "options" => options.insert(0, value.to_owned()),
            // The driver speaks UTF-8 alone and says so by itself.
            "client_encoding" => {}
            "replication" if is_false(value) => {}
            "replication" => {
                return unsupported("replication", "it has no replication protocol; leave the parameter out");
            }
            // Settings that have variables but no parameter.
            name => options.push(format!("-c {name}={}", escaped(value))),
        }
    }
    if !options.is_empty() {
        config.options(options.join(" "));
    }
    Ok(config)
}

/// The configuration with which tokio-postgres opens the connections by itself. Never weaker than the parameters: what it
/// cannot be given is an error.
pub(crate) fn dialling(
    params: &Params,
    environment: &Environment,
    passwords: &Passwords,
) -> Result<tokio_postgres::Config, Error> {
    let mut config = config(params)?;
    let sockets = add_hosts(&mut config, params, environment)?;
    let mode = ssl_mode(params, sockets)?;
    config.ssl_mode(mode);
    if mode != SslMode::Require {
        config.ssl_negotiation(SslNegotiation::Postgres);
        // The driver answers requests for authentication in clear, and there is no stream of ours to prevent it.
        if params.value("require_auth").is_some_and(|value| !value.is_empty()) {
            return unsupported(
                "require_auth",
                "it is enforced under TLS alone; set sslmode=require or stricter",
            );
        }
        if params.sslcertmode() == SslCertMode::Require {
            return unsupported(
                "sslcertmode",
                "it is enforced under TLS alone; set sslmode=require or stricter",
            );
        }
    }
    if params.gssencmode() == GssEncMode::Require {
        return unsupported("gssencmode", "it has no GSSAPI encryption; leave the parameter out");
    }
    config.target_session_attrs(match params.target_session_attrs() {
        TargetSessionAttrs::Any => config::TargetSessionAttrs::Any,
        TargetSessionAttrs::ReadWrite => config::TargetSessionAttrs::ReadWrite,
        TargetSessionAttrs::ReadOnly => config::TargetSessionAttrs::ReadOnly,
        _ => {
            let reason = "it knows any, read-write and read-only; connect with pgtls_tokio_postgres::connect";
            return unsupported("target_session_attrs", reason);
        }
    });
    config.load_balance_hosts(match params.load_balance_hosts() {
        LoadBalanceHosts::Random => config::LoadBalanceHosts::Random,
        _ => config::LoadBalanceHosts::Disable,
    });
    if let Some(limit) = params.connect_timeout().map_err(Error::Param)? {
        config.connect_timeout(limit);
    }
    keep_alive(&mut config, params.keepalives().map_err(Error::Param)?);
    let password = |index| passwords.password(index).map(Secret::expose);
    let first = password(0);
    if (0..params.hosts().len()).any(|index| password(index) != first) {
        return unsupported("passfile", "it has one password for all hosts, and the file has several");
    }
    if let Some(password) = first {
        config.password(password);
    }
    Ok(config)
}

/// How many of the hosts are unix sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sockets {
    None,
    Some,
    All,
}

fn ssl_mode(params: &Params, sockets: Sockets) -> Result<SslMode, Error> {
    use pgtls_core::param::SslMode as Ours;
    if sockets != Sockets::None && params.value("requirepeer").is_some_and(|user| !user.is_empty()) {
        return unsupported("requirepeer", "it does not check the peer of a unix socket");
    }
    Ok(match (params.sslmode(), sockets) {
        // On a unix socket sslmode has no meaning.
        (Ours::Disable, _) | (_, Sockets::All) => SslMode::Disable,
        (Ours::Allow, _) => {
            return unsupported("sslmode", "it does not begin in clear and go on to TLS, as allow demands");
        }
        (Ours::Prefer, _) => SslMode::Prefer,
        (Ours::Require | Ours::VerifyCa | Ours::VerifyFull, Sockets::None) => SslMode::Require,
        (Ours::Require | Ours::VerifyCa | Ours::VerifyFull, Sockets::Some) => {
            return unsupported("host", "it would ask for TLS on the unix sockets, too; leave them out");
        }
    })
}

fn add_hosts(
    config: &mut tokio_postgres::Config,
    params: &Params,
    environment: &Environment,
) -> Result<Sockets, Error> {
    let hosts = params.hosts();
    let count = |has: fn(&HostItem) -> bool| hosts.iter().filter(|item| has(item)).count();
    let (named, addresses) = (count(|item| item.host.is_some()), count(|item| item.hostaddr.is_some()));
    if addresses > 0 && (addresses < hosts.len() || named < hosts.len()) {
        return unsupported(
            "hostaddr",
            "it needs a host and a hostaddr in each place, or no hostaddr at all",
        );
    }
    let default = environment.socket_directory.as_deref().unwrap_or("localhost");
    let mut sockets = 0;
    for item in hosts {
        let host = item.host.as_deref().unwrap_or(default);
        if host.starts_with('@') {
            return unsupported("host", "it has no abstract unix sockets");
        }
        let is_socket = cfg!(unix) && host.starts_with('/');
        if let Some(hostaddr) = &item.hostaddr {
            match hostaddr.parse() {
                Ok(address) if !is_socket => config.hostaddr(address),
                _ => {
                    return unsupported(
                        "hostaddr",
                        "it takes numeric addresses without a zone, of named hosts",
                    );
                }
            };
        }
        sockets += usize::from(is_socket);
        match item.port_text().trim().parse() {
            Ok(port @ 1_u16..) => config.host(host).port(port),
            _ => return unsupported("port", "it takes numbers from 1 to 65535"),
        };
    }
    Ok(match sockets {
        0 => Sockets::None,
        all if all == hosts.len() => Sockets::All,
        _ => Sockets::Some,
    })
}

fn keep_alive(config: &mut tokio_postgres::Config, keepalives: Keepalives) {
    let Keepalives::On { idle, interval, count, user_timeout } = keepalives else {
        config.keepalives(false);
        return;
    };
    let given = |value: Option<u32>| value.filter(|value| *value > 0);
    if let Some(seconds) = given(idle) {
        config.keepalives_idle(Duration::from_secs(seconds.into()));
    }
    if let Some(seconds) = given(interval) {
        config.keepalives_interval(Duration::from_secs(seconds.into()));
    }
    if let Some(count) = given(count) {
        config.keepalives_retries(count);
    }
    if let Some(milliseconds) = given(user_timeout) {
        config.tcp_user_timeout(Duration::from_millis(milliseconds.into()));
    }
}

fn unsupported<T>(keyword: &'static str, reason: &'static str) -> Result<T, Error> {
    Err(Error::Unsupported { keyword, reason })
}

/// The configuration with the password for one host.
pub(crate) fn with_password(
    config: &tokio_postgres::Config,
    password: Option<&Secret>,
) -> tokio_postgres::Config {
    let mut config = config.clone();
    if let Some(password) = password {
        config.password(password.expose());
    }
    config
}

/// The configuration with the values of one of the driver's in the place of its own. Never laxer about TLS.
#[cfg(feature = "deadpool-postgres")]
pub(crate) fn overridden(config: &Config, driver: &tokio_postgres::Config) -> Result<Config, Error> {
    use pgtls_core::param::{Settings, SslMode as Ours};
    let params = &config.params;
    let mut text = Conninfo::new(params);
    let (hosts, addresses) = (driver.get_hosts(), driver.get_hostaddrs());
    if !hosts.is_empty() || !addresses.is_empty() {
        let hosts: Result<Vec<_>, _> = hosts.iter().map(host_text).collect();
        text.put("host", &hosts?.join(","));
        text.put("hostaddr", &addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        // The driver does not read PGPORT.
        text.put("port", "5432");
    }
    let ports: Vec<_> = driver.get_ports().iter().map(ToString::to_string).collect();
    let password = driver.get_password().map(str::from_utf8).transpose();
    let password = password.map_err(|_| Error::Unsupported {
        keyword: "password",
        reason: "the password in its configuration is not UTF-8",
    })?;
    let seconds =
        |time: Duration| time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).to_string();
    let idle = driver.get_keepalives_idle();
    let has_idle = idle != tokio_postgres::Config::new().get_keepalives_idle();
    for (keyword, value) in [
        ("port", (!ports.is_empty()).then(|| ports.join(","))),
        ("user", driver.get_user().map(str::to_owned)),
        ("dbname", driver.get_dbname().map(str::to_owned)),
        ("options", driver.get_options().map(str::to_owned)),
        ("application_name", driver.get_application_name().map(str::to_owned)),
        ("connect_timeout", driver.get_connect_timeout().copied().map(seconds)),
        ("keepalives", (!driver.get_keepalives()).then(|| "0".to_owned())),
        ("keepalives_idle", has_idle.then(|| seconds(idle))),
        ("keepalives_interval", driver.get_keepalives_interval().map(seconds)),
        ("keepalives_count", driver.get_keepalives_retries().map(|count| count.to_string())),
        ("tcp_user_timeout", driver.get_tcp_user_timeout().map(|time| time.as_millis().to_string())),
        (
            "target_session_attrs",
            match driver.get_target_session_attrs() {
                config::TargetSessionAttrs::ReadWrite => Some("read-write".to_owned()),
                config::TargetSessionAttrs::ReadOnly => Some("read-only".to_owned()),
                _ => None,
            },
        ),
        (
            "channel_binding",
            match driver.get_channel_binding() {
                config::ChannelBinding::Disable => Some("disable".to_owned()),
                config::ChannelBinding::Require => Some("require".to_owned()),
                _ => None,
            },
        ),
        (
            "load_balance_hosts",
            (driver.get_load_balance_hosts() == config::LoadBalanceHosts::Random)
                .then(|| "random".to_owned()),
        ),
        (
            "sslmode",
            (driver.get_ssl_mode() == SslMode::Require && params.sslmode() < Ours::Require)
                .then(|| "require".to_owned()),
        ),
        (
            "sslnegotiation",
            (driver.get_ssl_negotiation() == SslNegotiation::Direct).then(|| "direct".to_owned()),
        ),
    ] {
        if let Some(value) = value {
            text.put(keyword, &value);
        }
    }
    if let Some(password) = password {
        text.put("password", password);
    }
    let settings = Settings::parse(Secret::new(text.0).expose()).map_err(Error::Param)?;
    let resolved =
        Params::resolve(&settings, None, &config.environment, Ability::default()).map_err(Error::Param)?;
    let mut overridden = config.clone();
    overridden.params =
        resolved.with_hardening(params.hardening()).with_key_permissions(params.key_permissions());
    // The files of other parameters are other files.
    overridden.cache = Arc::default();
    Ok(overridden)
}

#[cfg(feature = "deadpool-postgres")]
fn host_text(host: &config::Host) -> Result<String, Error> {
    match host {
        config::Host::Tcp(name) => Some(name.clone()),
        #[cfg(unix)]
        config::Host::Unix(path) => path.to_str().map(str::to_owned),
    }
    .filter(|host| !host.contains(','))
    .ok_or(Error::Unsupported {
        keyword: "host",
        reason: "a host in its configuration is not UTF-8, or has a comma",
    })
}

/// A connection string in which later values replace earlier ones.
#[cfg(feature = "deadpool-postgres")]
struct Conninfo(String);

#[cfg(feature = "deadpool-postgres")]
impl Conninfo {
    /// Every value that was given, without libpq's defaults.
    fn new(params: &Params) -> Self {
        let mut text = Self(String::with_capacity(ROOM));
        for setting in params.settings().iter() {
            let is_given = !matches!(
                setting.source,
                Source::Default | Source::OperatingSystem | Source::AdjustedForSystem
            );
            if is_given {
                text.put(setting.keyword, &setting.value);
            }
        }
        text
    }

    fn put(&mut self, keyword: &str, value: &str) {
        self.0.push_str(keyword);
        self.0.push_str("='");
        for character in value.chars() {
            if matches!(character, '\'' | '\\') {
                self.0.push('\\');
            }
            self.0.push(character);
        }
        self.0.push_str("' ");
    }
}

/// Room for most connection strings, so that passwords are not left behind in a smaller allocation.
#[cfg(feature = "deadpool-postgres")]
const ROOM: usize = 4096;

/// What a server reads as no (PostgreSQL: `parse_bool`).
fn is_false(value: &str) -> bool {
    ["false", "off", "no", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

/// A value within `options`, where blanks separate and backslashes escape (PostgreSQL: `pg_split_opts`).
fn escaped(value: &str) -> String {
    let escape = |character: char| (character.is_ascii_whitespace() || character == '\\').then_some('\\');
    value.chars().flat_map(|character| escape(character).into_iter().chain([character])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::{
        environment::{Environment, Platform},
        param::{Ability, Settings},
    };

    fn made(conninfo: &str, variables: &[(&str, &str)]) -> Result<tokio_postgres::Config, Error> {
        let environment = variables
            .iter()
            .fold(Environment::empty(Platform::Unix), |all, (name, value)| all.with_variable(name, value));
        let settings = Settings::parse(conninfo).unwrap();
        config(&Params::resolve(&settings, None, &environment, Ability::default()).unwrap())
    }

    #[test]
    fn what_the_server_is_told() {
        let config = made(
            "user=alice dbname=shop application_name=till options='-c geqo=off' client_encoding=LATIN1",
            &[("PGTZ", r"a b\c"), ("PGDATESTYLE", "ISO"), ("PGGEQO", "default")],
        )
        .unwrap();
        assert_eq!(config.get_user(), Some("alice"));
        assert_eq!(config.get_dbname(), Some("shop"));
        assert_eq!(config.get_application_name(), Some("till"));
        let options = config.get_options().unwrap();
        assert!(options.starts_with("-c geqo=off "), "{options}");
        assert!(options.contains(r"-c timezone=a\ b\\c"), "{options}");
        assert!(options.contains("-c datestyle=ISO"), "{options}");
        assert_eq!(config.get_password(), None);
        let password = Secret::new("secret".to_owned());
        assert_eq!(with_password(&config, Some(&password)).get_password(), Some(b"secret".as_slice()));
    }

    /// The derived configuration: `mode negotiation`, or the parameter that cannot be fulfilled.
    fn derived(conninfo: &str) -> String {
        let mut environment = Environment::empty(Platform::Unix);
        environment.socket_directory = Some("/run".to_owned());
        let settings = Settings::parse(&format!("user=u {conninfo}")).unwrap();
        let mut able = Ability::default();
        able.gss = true;
        let params = Params::resolve(&settings, None, &environment, able).unwrap();
        let passwords = pgtls_os::passwords(&params, &environment);
        match dialling(&params, &environment, &passwords) {
            Ok(config) => format!("{:?} {:?}", config.get_ssl_mode(), config.get_ssl_negotiation()),
            Err(Error::Unsupported { keyword, .. }) => keyword.to_owned(),
            Err(other) => panic!("{conninfo}: {other}"),
        }
    }

    #[test]
    fn the_driver_is_never_laxer() {
        for (conninfo, expected) in [
            ("host=h", "Prefer Postgres"),
            ("host=h sslmode=disable", "Disable Postgres"),
            ("host=h sslmode=allow", "sslmode"),
            ("host=h sslmode=require", "Require Direct"),
            ("host=h sslmode=verify-ca", "Require Direct"),
            ("host=h sslmode=verify-full", "Require Direct"),
            ("host=h sslmode=require sslnegotiation=direct", "Require Direct"),
            // Without TLS there is nobody to enforce these.
            ("host=h require_auth=scram-sha-256", "require_auth"),
            ("host=h sslmode=disable require_auth=!password", "require_auth"),
            ("host=h sslmode=require require_auth=scram-sha-256", "Require Direct"),
            ("host=h sslcertmode=require", "sslcertmode"),
            ("host=h sslmode=require sslcertmode=require", "Require Direct"),
            ("host=h channel_binding=require", "Prefer Postgres"),
            ("host=h gssencmode=require", "gssencmode"),
            ("host=h min_protocol_version=3.2", "min_protocol_version"),
            ("host=h target_session_attrs=read-only", "Prefer Postgres"),
            ("host=h target_session_attrs=primary", "target_session_attrs"),
            ("host=h target_session_attrs=standby", "target_session_attrs"),
            ("host=h target_session_attrs=prefer-standby", "target_session_attrs"),
            // Unix sockets, where sslmode has no meaning.
            ("sslmode=require", "Disable Postgres"),
            ("host=/run sslmode=verify-full", "Disable Postgres"),
            ("host=/run sslmode=require require_auth=md5", "require_auth"),
            ("host=/run,h sslmode=require", "host"),
            ("host=/run,h sslmode=prefer", "Prefer Postgres"),
            ("host=@run", "host"),
            ("host=/run requirepeer=postgres", "requirepeer"),
            ("host=h,/run requirepeer=postgres", "requirepeer"),
            ("host=h requirepeer=postgres", "Prefer Postgres"),
            // Lists.
            ("host=a,b port=1,2 sslmode=require", "Require Direct"),
            ("host=a,b hostaddr=127.0.0.1,::1 sslmode=require", "Require Direct"),
            ("host=a,b hostaddr=127.0.0.1, sslmode=require", "hostaddr"),
            ("hostaddr=127.0.0.1 sslmode=require", "hostaddr"),
            ("host=a hostaddr=fe80::1%lo", "hostaddr"),
            ("host=a hostaddr=nonsense", "hostaddr"),
            ("host=a port=0", "port"),
            ("host=a port=65536", "port"),
            ("host=a port=x", "port"),
        ] {
            assert_eq!(derived(conninfo), expected, "{conninfo}");
        }
    }

    #[test]
    fn what_the_driver_cannot_do_is_an_error() {
        for (conninfo, keyword) in [
            ("user=u replication=database", Some("replication")),
            ("user=u replication=true", Some("replication")),
            ("user=u replication=off", None),
            ("user=u min_protocol_version=3.2 max_protocol_version=3.2", Some("min_protocol_version")),
            ("user=u max_protocol_version=latest", None),
            ("user=u channel_binding=require", None),
        ] {
            match (made(conninfo, &[]), keyword) {
                (Ok(_), None) => {}
                (Err(Error::Unsupported { keyword, .. }), Some(expected)) => assert_eq!(keyword, expected),
                (outcome, _) => panic!("{conninfo}: {outcome:?}"),
            }
        }
    }

    #[cfg(feature = "deadpool-postgres")]
    #[test]
    fn values_of_the_drivers_configuration_take_precedence() {
        let overridden = |conninfo: &str, text: &str| {
            let mut environment = Environment::empty(Platform::Unix)
                .with_variable("PGHOSTADDR", "192.0.2.9")
                .with_variable("PGPORT", "9");
            environment.user = Some("me".to_owned());
            let settings = Settings::parse(conninfo).unwrap();
            let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
            let config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
            overridden(&config, &text.parse().unwrap()).map(|config| config.params)
        };
        let base = r"host=a port=1 user=alice password='b\\' sslrootcert=root.crt sslmode=verify-ca options='-c a=\'b\''";
        let params = overridden(base, "").unwrap();
        assert_eq!(params.value("host"), Some("a"));
        assert_eq!(params.value("port"), Some("1"));
        assert_eq!(params.dbname(), "alice");
        assert_eq!(params.value("options"), Some("-c a='b'"));
        assert_eq!(params.password().map(Secret::expose), Some("b\\"));

        let text = r"host=x,/run/y user='o\'brien' password=p application_name=n connect_timeout=7 keepalives=0
            tcp_user_timeout=5 channel_binding=require target_session_attrs=read-write load_balance_hosts=random";
        let params = overridden(base, text).unwrap();
        for (keyword, value) in [
            ("host", "x,/run/y"),
            ("hostaddr", ""),
            ("port", "5432"),
            ("user", "o'brien"),
            // The server's default is the user.
            ("dbname", "o'brien"),
            ("application_name", "n"),
            ("connect_timeout", "7"),
            ("keepalives", "0"),
            ("channel_binding", "require"),
            ("target_session_attrs", "read-write"),
            ("load_balance_hosts", "random"),
            ("sslrootcert", "root.crt"),
            ("sslmode", "verify-ca"),
        ] {
            assert_eq!(params.value(keyword), Some(value), "{keyword}");
        }
        assert_eq!(params.password().map(Secret::expose), Some("p"));
        let params = overridden("", "host=x,y hostaddr=192.0.2.1,::1 port=7,8").unwrap();
        assert_eq!(params.value("hostaddr"), Some("192.0.2.1,::1"));
        assert_eq!(params.value("port"), Some("7,8"));

        for (conninfo, text, sslmode) in [
            ("sslmode=disable", "sslmode=require", "require"),
            ("sslmode=allow", "sslmode=require", "require"),
            ("", "sslmode=require", "require"),
            ("", "sslmode=disable", "prefer"),
            ("sslmode=require", "sslmode=disable", "require"),
            ("sslmode=verify-full", "sslmode=require", "verify-full"),
            ("sslrootcert=system", "sslmode=require", "verify-full"),
        ] {
            let params = overridden(conninfo, text).unwrap();
            assert_eq!(params.value("sslmode"), Some(sslmode), "{conninfo} and {text}");
        }
    }
}
