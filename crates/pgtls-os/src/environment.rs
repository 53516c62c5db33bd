//! The environment of this process, captured.

use pgtls_core::{
    environment::{Environment, Platform},
    param::{KEYWORDS, VARIABLES},
};
use std::{env, fmt};

/// Captures the variables that libpq reads, the user's name and home directory, and where the installed libpq most
/// likely looks for sockets and service files.
///
/// # Errors
/// A variable whose value is not UTF-8.
pub fn environment() -> Result<Environment, EnvironmentError> {
    let mut environment = Environment::empty(if cfg!(windows) { Platform::Windows } else { Platform::Unix });
    let names = KEYWORDS.iter().filter_map(|keyword| keyword.variable).chain(VARIABLES.iter().copied());
    for name in names {
        match env::var(name) {
            Ok(value) => {
                environment.variables.insert(name.to_owned(), value);
            }
            Err(env::VarError::NotPresent) => {}
            Err(env::VarError::NotUnicode(_)) => return Err(EnvironmentError { variable: name }),
        }
    }
    platform::describe(&mut environment);
    Ok(environment)
}

/// A variable that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentError {
    /// Its name.
    pub variable: &'static str,
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {} is not UTF-8: unset it or set it to UTF-8 text", self.variable)
    }
}

impl std::error::Error for EnvironmentError {}

#[cfg(unix)]
mod platform {
    use super::Environment;
    use std::path::Path;
    use uzers::os::unix::UserExt;

    /// libpq has these directories compiled in, by whoever built it: the packages of Debian and Red Hat use the first,
    /// PostgreSQL's own build the last.
    const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];
    const SYSCONFDIRS: [&str; 3] = ["/etc/postgresql-common", "/etc/postgresql", "/usr/local/pgsql/etc"];

    pub(super) fn describe(environment: &mut Environment) {
        if let Some(user) = uzers::get_user_by_uid(uzers::get_effective_uid()) {
            environment.user = user.name().to_str().map(ToOwned::to_owned);
            environment.passwd_home = user.home_dir().to_str().map(ToOwned::to_owned);
        }
        environment.socket_directory = first_directory(&SOCKET_DIRECTORIES);
        environment.sysconfdir = first_directory(&SYSCONFDIRS);
    }

    fn first_directory(candidates: &[&str]) -> Option<String> {
        candidates.iter().find(|path| Path::new(path).is_dir()).map(|path| (*path).to_owned())
    }
}

#[cfg(not(unix))]
mod platform {
    use super::Environment;

    /// Without unix sockets the default host is `localhost`.
    pub(super) fn describe(environment: &mut Environment) {
        environment.user = std::env::var("USERNAME").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_user() {
        let environment = environment().expect("the test runner's environment is UTF-8");
        assert!(environment.user.is_some());
        assert!(environment.home().is_some());
    }

    #[test]
    fn the_error_names_the_variable() {
        let error = EnvironmentError { variable: "PGHOST" };
        assert!(error.to_string().contains("PGHOST"));
    }
}
