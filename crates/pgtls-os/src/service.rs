//! Service files of this machine, and parameters from all origins at once.

use crate::Disk;
use pgtls_core::{
    environment::Environment,
    param::{Ability, ParamError, Params, ServiceFile, Settings, service_name},
};

/// The section of the service that the settings or `PGSERVICE` ask for; `None` when neither does.
pub fn service(explicit: &Settings, environment: &Environment) -> Result<Option<Settings>, ParamError> {
    service_name(explicit, environment).map(|name| ServiceFile::load(name, environment, &Disk)).transpose()
}

/// The parameters of a connection as libpq would have them: explicit settings, the service file, the environment, the
/// defaults.
pub fn params(
    explicit: &Settings,
    environment: &Environment,
    ability: Ability,
) -> Result<Params, ParamError> {
    let service = service(explicit, environment)?;
    Params::resolve(explicit, service.as_ref(), environment, ability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::{environment::Platform, param::Source};
    use std::fs;

    #[test]
    fn the_first_file_with_the_section_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("mine"), "[a]\nuser=mine\n").unwrap();
        fs::write(path("pg_service.conf"), "[a]\nuser=theirs\n[b]\nuser=theirs\n").unwrap();
        let environment = Environment::empty(Platform::Unix)
            .with_variable("PGSERVICEFILE", &path("mine"))
            .with_variable("PGSYSCONFDIR", directory.path().to_str().unwrap());
        for (text, user) in [("service=a", "mine"), ("service=b", "theirs"), ("service=a user=me", "me")] {
            let explicit = Settings::parse(text).unwrap();
            let params = params(&explicit, &environment, Ability::default()).unwrap();
            assert_eq!(params.user(), user, "{text}");
        }
        let explicit = Settings::parse("service=b").unwrap();
        let params = params(&explicit, &environment, Ability::default()).unwrap();
        assert!(matches!(params.source("user"), Some(Source::Service { line: 4, .. })));
        let missing = Settings::parse("service=c").unwrap();
        let error = super::params(&missing, &environment, Ability::default()).unwrap_err();
        let (mine, theirs) = (path("mine"), path("pg_service.conf"));
        let told = format!("not found; write [c] and its settings into {mine:?} or {theirs:?}");
        assert_eq!(error.to_string(), format!("definition of service \"c\" {told}"));
        let environment = environment.with_variable("PGSERVICEFILE", &path("none"));
        let error = super::params(&missing, &environment, Ability::default()).unwrap_err();
        let told = "not found or not readable (environment variable PGSERVICEFILE)";
        assert_eq!(error.to_string(), format!("service file {:?} {told}", path("none")));
    }
}
