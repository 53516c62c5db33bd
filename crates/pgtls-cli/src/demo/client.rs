//! The client of the demo: that of `pgtls connect`, in surroundings of its own.

use super::matrix::Told;
use crate::{connect, context::ConnectionContext, error_class};
use pgtls_conformance::server::Channel;
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, ParamError, Settings},
};
use pgtls_rustls::LibraryInit;

/// Connects as `pgtls connect` does, but with none of the variables and files of whoever runs the demo: as psql does right
/// after its installation, on a machine without `openssl.cnf`. There is nothing in `home`.
pub(super) fn attempt(conninfo: &str, home: &str) -> Told {
    let report = match gathered(conninfo, home) {
        Ok(gathered) => connect::attempt(gathered, connect::Adapter::default()),
        Err(error) => {
            let error_class = error_class::of_param(&error).to_owned();
            return Told { error_class, error: Some(error.to_string()), ..Told::default() };
        }
    };
    Told {
        channel: match report.outcome {
            "plain" => Some(Channel::Plain),
            "ssl" => Some(Channel::Ssl),
            _ => None,
        },
        verified: report.verified.to_owned(),
        error_class: report.error_class.unwrap_or_default().to_owned(),
        error: report.error,
    }
}

fn gathered(conninfo: &str, home: &str) -> Result<ConnectionContext, ParamError> {
    let environment = Environment::empty(Platform::Unix).with_variable("HOME", home);
    let params = pgtls_os::params(&Settings::parse(conninfo)?, &environment, Ability::default())?;
    let init = LibraryInit { ssl: false, ..LibraryInit::default() };
    Ok(ConnectionContext { environment, params, init })
}
