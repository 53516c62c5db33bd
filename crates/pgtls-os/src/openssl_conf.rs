//! Finds and reads `openssl.cnf`.

use crate::Disk;
use pgtls_core::files::{ReadError, ReadFile};
use pgtls_x509::openssl_conf::{ConfError, ConfFile};
use std::fmt;

/// Where builds of OpenSSL look when `OPENSSL_CONF` is not set: each of them in one place, which `openssl version -d`
/// prints. The first that exists is taken.
pub const DEFAULT_PATHS: &[&str] = &[
    "/usr/lib/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/ssl/openssl.cnf",
    "/opt/homebrew/etc/openssl@3/openssl.cnf",
    "/usr/local/etc/openssl@3/openssl.cnf",
    "/usr/local/ssl/openssl.cnf",
];

/// The configuration file that OpenSSL would read on this machine, and its path: the one that `OPENSSL_CONF` names, else
/// the first of [`DEFAULT_PATHS`]. `None` when there is none, and when `OPENSSL_CONF` is set to nothing.
///
/// # Errors
///
/// The file is there and cannot be read or parsed. OpenSSL then goes on without it.
pub fn openssl_conf() -> Result<Option<(String, ConfFile)>, OpensslConfError> {
    let exists = |path: &str| Disk.metadata(path).is_ok();
    let Some(path) = location(std::env::var("OPENSSL_CONF").ok(), &exists) else { return Ok(None) };
    let text = match Disk.read(&path) {
        Ok((text, _)) => text,
        Err(ReadError::NotFound) => return Ok(None),
        Err(error) => return Err(OpensslConfError::Unreadable { path, error }),
    };
    let variable = |name: &str| std::env::var(name).ok();
    let conf = ConfFile::parse(&path, &text, &Disk, &variable).map_err(OpensslConfError::Invalid)?;
    Ok(Some((path, conf)))
}

fn location(variable: Option<String>, exists: &dyn Fn(&str) -> bool) -> Option<String> {
    match variable {
        Some(path) => (!path.is_empty()).then_some(path),
        None => DEFAULT_PATHS.iter().find(|path| exists(path)).map(|path| (*path).to_owned()),
    }
}

/// A configuration file that is there and of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpensslConfError {
    /// It cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: ReadError,
    },
    /// It cannot be parsed.
    Invalid(ConfError),
}

impl fmt::Display for OpensslConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "could not read configuration file \"{path}\": {error}")
            }
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpensslConfError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_goes_first_even_if_it_is_empty() {
        let exists = |path: &str| path != DEFAULT_PATHS[0];
        for (variable, expected) in [
            (Some("/missing/o.cnf"), Some("/missing/o.cnf")),
            (Some(""), None),
            (None, Some(DEFAULT_PATHS[1])),
        ] {
            let found = location(variable.map(ToOwned::to_owned), &exists);
            assert_eq!(found.as_deref(), expected, "{variable:?}");
        }
        assert_eq!(location(None, &|_| false), None);
    }
}
