//! The system's trusted roots, for `sslrootcert=system`.
//!
//! OpenSSL looks in a file and a directory that are compiled into it, or in what the variables `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name (libpq: `SSL_CTX_set_default_verify_paths`). Here the operating system's own store stands for the
//! compiled-in places, and one variable is enough to leave it alone. In that we are stricter than OpenSSL, where each
//! variable replaces its own default and the other default stays.

use super::{LoadedFile, ReadError, ReadFile, hashed};
use crate::environment::{Environment, Platform};
use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// The most that is read from the directories of `SSL_CERT_DIR` together.
pub const MAX_CERT_DIRECTORY_BYTES: usize = 64 << 20;

/// What the system trusts. That it is empty, or that a part cannot be read, is no fault; such a store trusts nobody.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SystemRoots {
    /// Where it came from.
    pub source: SystemSource,
    /// The certificates of the operating system's store, DER.
    pub certificates: Vec<Vec<u8>>,
    /// `SSL_CERT_FILE`: PEM, and like a root file of no use at all if a part of it does not load.
    pub file: Option<LoadedFile>,
    /// The files of `SSL_CERT_DIR` that OpenSSL can come to ask for, `<hash of subject>.<n>`, each PEM, in its order.
    pub directory: Vec<LoadedFile>,
    /// What could not be read on the way, a sentence each.
    pub problems: Vec<String>,
}

/// Where the system's trusted roots came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SystemSource {
    /// The store of the operating system.
    #[default]
    Platform,
    /// The variables that OpenSSL reads.
    Variables {
        /// `SSL_CERT_FILE`.
        file: Option<String>,
        /// `SSL_CERT_DIR`, one directory or several.
        directory: Option<String>,
    },
}

/// The certificates of the operating system's store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NativeRoots {
    /// The certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// What could not be read on the way, a sentence each.
    pub problems: Vec<String>,
}

impl SystemRoots {
    /// Nothing was found that could hold a trusted root.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.file.is_none() && self.directory.is_empty()
    }

    /// The problems in one line, and what it means that nothing was found.
    pub(super) fn trouble(&self) -> Option<String> {
        const MOST_SHOWN: usize = 3;
        let shown = self.problems.iter().take(MOST_SHOWN).map(String::as_str);
        let nothing = self.is_empty().then_some("nothing is trusted, so every server is refused");
        let lines: Vec<&str> = shown.chain(nothing).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

pub(super) fn load(environment: &Environment, disk: &dyn ReadFile) -> SystemRoots {
    let file = environment.variable("SSL_CERT_FILE");
    let directory = environment.variable("SSL_CERT_DIR");
    if file.is_none() && directory.is_none() {
        let NativeRoots { certificates, problems } = disk.native_roots();
        return SystemRoots { certificates, problems, ..SystemRoots::default() };
    }

    let source = SystemSource::Variables { file: file.map(Into::into), directory: directory.map(Into::into) };
    let mut roots = SystemRoots { source, ..SystemRoots::default() };
    if let Some(path) = file {
        match disk.read(path) {
            Ok((bytes, metadata)) => {
                roots.file = Some(LoadedFile { path: path.into(), bytes, identity: metadata.identity });
            }
            Err(reason) => roots.problems.push(problem("SSL_CERT_FILE", path, &reason)),
        }
    }
    let mut room = MAX_CERT_DIRECTORY_BYTES;
    for one in search_path(directory.unwrap_or_default(), environment.platform) {
        match disk.list(one) {
            Ok(names) => hashed::read(one, ".", &names, disk, &mut room, &mut roots.directory),
            Err(reason) => roots.problems.push(problem("SSL_CERT_DIR", one, &reason)),
        }
    }
    roots
}

fn problem(variable: &str, path: &str, reason: &ReadError) -> String {
    format!("could not read {variable} \"{path}\": {reason}")
}

/// The directories in a text that OpenSSL takes for a search path; it skips empty parts.
pub(super) fn search_path(text: &str, platform: Platform) -> impl Iterator<Item = &str> {
    let separator = match platform {
        Platform::Unix => ':',
        Platform::Windows => ';',
    };
    text.split(separator).filter(|directory| !directory.is_empty())
}

impl fmt::Display for SystemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("the operating system's store"),
            Self::Variables { file: Some(file), directory: None } => write!(f, "SSL_CERT_FILE \"{file}\""),
            Self::Variables { file: None, directory: Some(directory) } => {
                write!(f, "SSL_CERT_DIR \"{directory}\"")
            }
            Self::Variables { file, directory } => {
                let (file, directory) = (file.as_deref(), directory.as_deref());
                let (file, directory) = (file.unwrap_or_default(), directory.unwrap_or_default());
                write!(f, "SSL_CERT_FILE \"{file}\" and SSL_CERT_DIR \"{directory}\"")
            }
        }
    }
}
