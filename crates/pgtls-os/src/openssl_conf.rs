//! Finds and reads `openssl.cnf`.

use crate::Disk;
use pgtls_core::{
    files::{ReadError, ReadFile},
    openssl_conf::{ConfError, ConfFile},
};
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
/// the first of [`DEFAULT_PATHS`]. `None` when there is none.
///
/// # Errors
///
/// The file is there and cannot be read or parsed. OpenSSL then goes on without it.
pub fn openssl_conf() -> Result<Option<(String, ConfFile)>, OpensslConfError> {
    let path = match std::env::var("OPENSSL_CONF") {
        Ok(path) if !path.is_empty() => path,
        _ => match DEFAULT_PATHS.iter().find(|path| Disk.metadata(path).is_ok()) {
            Some(path) => (*path).to_owned(),
            None => return Ok(None),
        },
    };
    let text = match Disk.read(&path) {
        Ok((text, _)) => text,
        Err(ReadError::NotFound) => return Ok(None),
        Err(error) => return Err(OpensslConfError::Unreadable { path, error }),
    };
    let variable = |name: &str| std::env::var(name).ok();
    let conf = ConfFile::parse(&path, &text, &Disk, &variable).map_err(OpensslConfError::Invalid)?;
    Ok(Some((path, conf)))
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
