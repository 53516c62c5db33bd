//! The environment of the process as captured data; `pgtls-os` captures it.

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
    /// The environment variables in [`VARIABLES`](crate::param::VARIABLES) and those of
    /// [`KEYWORDS`](crate::param::KEYWORDS).
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
        Self { platform, ..Self::default() }
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

impl core::fmt::Debug for Environment {
    /// Without the values of secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let hidden = |name: &str| name == "PGPASSWORD";
        let variables: BTreeMap<_, _> = self
            .variables
            .iter()
            .map(|(name, value)| (name, if hidden(name) { ".." } else { value }))
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
