//! Everything a connection is decided by, gathered once: environment, service file, parameters, files.

use pgtls_core::{
    environment::Environment,
    files::{Loaded, load},
    hardening::Hardening,
    param::{Ability, ParamError, Params, ServiceFile, Settings, service_name},
};
use pgtls_os::Disk;
use std::fmt;

/// Environment, parameters and files of one connection.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The environment of this process.
    pub(crate) environment: Environment,
    /// The parameters.
    pub(crate) params: Params,
    /// The files.
    pub(crate) loaded: Loaded,
}

/// Why there is nothing to try.
#[derive(Debug)]
pub(crate) enum GatherError {
    /// The environment cannot be read.
    Environment(pgtls_os::EnvironmentError),
    /// A parameter that libpq would refuse.
    Param(ParamError),
}

/// Captures, parses, merges, checks and reads, as libpq does for `PQconnectdb`.
pub(crate) fn gather(conninfo: &str, hardened: bool) -> Result<Gathered, GatherError> {
    let environment = pgtls_os::environment().map_err(GatherError::Environment)?;
    let params = params(conninfo, &environment).map_err(GatherError::Param)?;
    let params = if hardened { params.with_hardening(Hardening::ALL) } else { params };
    let loaded = load(&params, &environment, &Disk);
    Ok(Gathered { environment, params, loaded })
}

fn params(conninfo: &str, environment: &Environment) -> Result<Params, ParamError> {
    let explicit = Settings::parse(conninfo)?;
    let service = match service_name(&explicit, environment) {
        Some(name) => Some(ServiceFile::load(name, environment, &Disk)?),
        None => None,
    };
    // This program has no GSSAPI.
    Params::resolve(&explicit, service.as_ref(), environment, Ability { gss: false })
}

impl fmt::Display for GatherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
        }
    }
}
