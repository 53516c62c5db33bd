//! What is wrong with a file, in the words a person needs to put it right.

use super::{FileRole, InsecurePermissions, ReadError};
use alloc::string::String;
use core::fmt;

/// A file that libpq would complain about. `Display` is one sentence with libpq's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// What the file is for.
    pub role: FileRole,
    /// Its path; `None` when there is no name to look for.
    pub path: Option<String>,
    /// What is wrong.
    pub problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is needed and not there: `stat` failed.
    Missing(ReadError),
    /// No parameter names it, and the directory of the default files is not known.
    HomeUnknown,
    /// It may be there, but cannot be looked at.
    Inaccessible(ReadError),
    /// It is there, but cannot be read.
    Unreadable(ReadError),
    /// A key that is not a regular file.
    NotRegular,
    /// A key that others than its owner can reach.
    InsecurePermissions(InsecurePermissions),
    /// A key in a cryptographic engine of OpenSSL (`engine:keyid`). The key id may hold a PIN and is not kept.
    Engine {
        /// Name of the engine.
        engine: String,
    },
    /// A CRL file in which nothing loads: ignored, but for an explicit one while the hardening `explicit_crl_must_load` is on.
    NothingLoads,
}

impl FileError {
    /// A problem with the file of this role.
    pub fn new(role: FileRole, path: Option<&str>, problem: FileProblem) -> Self {
        Self { role, path: path.map(Into::into), problem }
    }

    fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }
}

/// What messages call a file.
fn noun(role: FileRole) -> &'static str {
    match role {
        FileRole::RootCert => "root certificate file",
        FileRole::Crl => "certificate revocation list file",
        FileRole::CrlDir => "certificate revocation list directory",
        FileRole::Cert => "certificate file",
        FileRole::Key => "private key file",
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, path) = (noun(self.role), self.path());
        match &self.problem {
            FileProblem::Missing(reason) => self.missing(f, reason),
            FileProblem::HomeUnknown => {
                write!(f, "could not get home directory to locate {noun}; ")?;
                match self.role {
                    FileRole::RootCert => f.write_str(ROOT_ADVICE),
                    role => write!(f, "set HOME or {}", role.rule().parameter),
                }
            }
            FileProblem::Inaccessible(reason) => {
                let verb = if self.role == FileRole::Key { "stat" } else { "open" };
                write!(f, "could not {verb} {noun} \"{path}\": {reason}")
            }
            FileProblem::Unreadable(reason) => {
                let verb = if self.role == FileRole::Key { "load" } else { "read" };
                write!(f, "could not {verb} {noun} \"{path}\": {reason}")
            }
            FileProblem::NotRegular => write!(f, "{noun} \"{path}\" is not a regular file"),
            FileProblem::InsecurePermissions(too_wide) => write!(f, "{noun} \"{path}\" {too_wide}"),
            FileProblem::Engine { engine } => write!(
                f,
                "could not load private key from engine \"{engine}\": engines of OpenSSL are not supported; let sslkey \
                 name a file whose path has no colon"
            ),
            FileProblem::NothingLoads => {
                write!(f, "could not load {noun} \"{path}\": no revocation list in it can be used")
            }
        }
    }
}

impl core::error::Error for FileError {}

const ROOT_ADVICE: &str = "name one with sslrootcert, use the system's trusted roots with sslrootcert=system, or lower \
                           sslmode to do without verifying the server";

impl FileError {
    fn missing(&self, f: &mut fmt::Formatter<'_>, reason: &ReadError) -> fmt::Result {
        let (noun, path) = (noun(self.role), self.path());
        match self.role {
            FileRole::Key => write!(f, "certificate present, but its {noun} \"{path}\" is missing")?,
            _ => write!(f, "{noun} \"{path}\" does not exist")?,
        }
        // libpq says "does not exist" of whatever `stat` refuses; the reason spares a search in the wrong place.
        if *reason != ReadError::NotFound {
            write!(f, " ({reason})")?;
        }
        match self.role {
            FileRole::RootCert => write!(f, "; {ROOT_ADVICE}"),
            _ => Ok(()),
        }
    }
}
