//! The environment of the process as captured data; `pgtls-os` captures it.

use alloc::{collections::BTreeMap, string::String};

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
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Environment {
    /// Whose rules.
    pub platform: Platform,
    /// Environment variables whose names libpq knows (PG*, HOME, APPDATA, SSL_CERT_FILE, SSL_CERT_DIR).
    pub variables: BTreeMap<String, String>,
    /// Home directory in the passwd entry of the effective uid.
    pub passwd_home: Option<String>,
    /// Name of the effective user.
    pub user: Option<String>,
    /// Directory of built-in default unix sockets (`/tmp`, Debian `/var/run/postgresql`); `None` where there are none.
    pub socket_directory: Option<String>,
    /// libpq's compiled-in sysconfdir, overridden by `PGSYSCONFDIR`.
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
    /// Directory of the default files (spec 8): `<home>/.postgresql` or `%APPDATA%\postgresql`; `None` when home is unknown.
    pub fn postgresql_directory(&self) -> Option<String> {
        todo!()
    }
}
