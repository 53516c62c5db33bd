//! The environment of the process as captured data; `pgtls-os` captures it.

use crate::{param::KEYWORDS, secret::wipe_string};
use alloc::{collections::BTreeMap, format, string::String};

/// Whose path rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Platform {
    /// Unix: `~/.postgresql`, permission rule, unix sockets.
    #[default]
    Unix,
    /// Windows: `%APPDATA%\postgresql`, no permission rule.
    Windows,
}

/// What the process's surroundings say, captured once.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// Whose rules.
    pub platform: Platform,
    /// The environment variables in [`VARIABLES`](crate::param::VARIABLES) and those of [`KEYWORDS`].
    pub variables: BTreeMap<String, String>,
    /// Home directory in the passwd entry of the effective uid.
    pub passwd_home: Option<String>,
    /// Name of the effective user.
    pub user: Option<String>,
    /// Directory of the built-in default for unix sockets (`/tmp`, on Debian `/var/run/postgresql`); `None` where the
    /// default host is `localhost`.
    pub socket_directory: Option<String>,
    /// libpq's compiled-in sysconfdir, which `PGSYSCONFDIR` overrides.
    pub sysconfdir: Option<String>,
}

impl Environment {
    /// An empty environment of a platform, to be filled by hand (tests, embedders).
    pub fn empty(platform: Platform) -> Self {
        let mut environment = Self::default();
        environment.platform = platform;
        environment
    }

    /// Value of a variable; set-but-empty is `Some("")`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The same with a variable set.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The home directory: `HOME` if it is not empty, as it is written, else that of the passwd entry; on Windows the
    /// application data folder with `\postgresql` (libpq: `pqGetHomeDirectory`).
    pub fn home(&self) -> Option<String> {
        let given = |name| self.variable(name).filter(|value| !value.is_empty());
        match self.platform {
            Platform::Unix => given("HOME").map(Into::into).or_else(|| self.passwd_home.clone()),
            Platform::Windows => given("APPDATA").map(|folder| format!("{folder}\\postgresql")),
        }
    }

    /// Directory of the default certificate, key, root and CRL files: `<home>/.postgresql`, on Windows
    /// `%APPDATA%\postgresql`; `None` when home is unknown.
    pub fn postgresql_directory(&self) -> Option<String> {
        let home = self.home()?;
        Some(match self.platform {
            Platform::Unix => format!("{home}/.postgresql"),
            Platform::Windows => home,
        })
    }
}

/// The variables that hold secrets.
fn is_secret(variable: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.secret && keyword.variable == Some(variable))
}

impl Drop for Environment {
    fn drop(&mut self) {
        let secrets = self.variables.iter_mut().filter(|(name, _)| is_secret(name));
        secrets.for_each(|(_, value)| wipe_string(value));
    }
}

impl core::fmt::Debug for Environment {
    /// Without the values of secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let variables: BTreeMap<_, _> = self
            .variables
            .iter()
            .map(|(name, value)| (name, if is_secret(name) { ".." } else { value }))
            .collect();
        f.debug_struct("Environment")
            .field("platform", &self.platform)
            .field("variables", &variables)
            .field("passwd_home", &self.passwd_home)
            .field("user", &self.user)
            .field("socket_directory", &self.socket_directory)
            .field("sysconfdir", &self.sysconfdir)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let environment = Environment::empty(Platform::Unix)
            .with_variable("PGPASSWORD", "hunter2")
            .with_variable("PGUSER", "somebody");
        let shown = format!("{environment:?}");
        assert!(shown.contains("somebody") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn homes() {
        let unix = |home: Option<&str>| {
            let mut environment = Environment::empty(Platform::Unix);
            environment.passwd_home = Some("/passwd".into());
            match home {
                Some(home) => environment.with_variable("HOME", home).postgresql_directory(),
                None => environment.postgresql_directory(),
            }
        };
        assert_eq!(unix(Some("/h")).as_deref(), Some("/h/.postgresql"));
        assert_eq!(unix(Some("relative")).as_deref(), Some("relative/.postgresql"));
        assert_eq!(unix(Some("")).as_deref(), Some("/passwd/.postgresql"));
        assert_eq!(unix(None).as_deref(), Some("/passwd/.postgresql"));
        assert_eq!(Environment::empty(Platform::Unix).postgresql_directory(), None);

        let windows = Environment::empty(Platform::Windows).with_variable("HOME", "ignored");
        assert_eq!(windows.postgresql_directory(), None);
        let windows = windows.with_variable("APPDATA", r"C:\data");
        assert_eq!(windows.postgresql_directory().as_deref(), Some(r"C:\data\postgresql"));
    }
}
