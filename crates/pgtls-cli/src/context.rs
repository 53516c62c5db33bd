//! What a connection is decided by before anything is tried: environment, service file, parameters.

use pgtls_core::{
    environment::Environment,
    hardening::Hardening,
    param::{Ability, ParamError, Params, Settings},
};
use pgtls_rustls::LibraryInit;
use std::fmt;

/// Environment and parameters of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionContext {
    /// The environment of this process.
    pub(crate) environment: Environment,
    /// The parameters.
    pub(crate) params: Params,
    /// Whether the machine's `openssl.cnf` counts.
    pub(crate) init: LibraryInit,
}

/// Why there is nothing to try.
#[derive(Debug)]
pub(crate) enum ContextError {
    /// The environment cannot be read.
    Environment(pgtls_os::EnvironmentError),
    /// A parameter that libpq would refuse.
    Param(ParamError),
}

/// Captures, parses, merges and checks, as libpq does for `PQconnectdb`.
pub(crate) fn load_context(conninfo: &str, hardened: bool) -> Result<ConnectionContext, ContextError> {
    let environment = pgtls_os::environment().map_err(ContextError::Environment)?;
    let params = params(conninfo, &environment).map_err(ContextError::Param)?;
    let params = if hardened { params.with_hardening(Hardening::ALL) } else { params };
    Ok(ConnectionContext { environment, params, init: LibraryInit::default() })
}

fn params(conninfo: &str, environment: &Environment) -> Result<Params, ParamError> {
    // This program has no GSSAPI.
    pgtls_os::params(&Settings::parse(conninfo)?, environment, Ability::default())
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
        }
    }
}
