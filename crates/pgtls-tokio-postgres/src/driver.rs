//! The parameters as tokio-postgres wants them.

use crate::error::Error;
use pgtls_core::param::{ChannelBinding, Params, ProtocolVersion, Secret};
use tokio_postgres::config::{self, SslMode, SslNegotiation};

/// What tokio-postgres sends in the StartupMessage, without a password.
///
/// Everything about TLS is done when it gets the connection. It is told that the other end has TLS and needs not be asked,
/// because it asks for the channel binding then.
pub(crate) fn config(params: &Params) -> Result<tokio_postgres::Config, Error> {
    if params.min_protocol_version() > ProtocolVersion::V3_0 {
        return Err(Error::Unsupported("min_protocol_version"));
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
            "replication" => return Err(Error::Unsupported("replication")),
            // Settings that have variables but no parameter.
            name => options.push(format!("-c {name}={}", escaped(value))),
        }
    }
    if !options.is_empty() {
        config.options(options.join(" "));
    }
    Ok(config)
}

/// The same with the password for one host.
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
                (Err(Error::Unsupported(found)), Some(expected)) => assert_eq!(found, expected),
                (outcome, _) => panic!("{conninfo}: {outcome:?}"),
            }
        }
    }
}
