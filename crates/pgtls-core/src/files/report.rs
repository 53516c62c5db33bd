//! What was looked at and what came of it, for people.

use super::{FileError, FilePath, FileRole, FileSource, SystemSource, path::path_on_disk, path_of};
use crate::{environment::Environment, files::FileSettings};
use alloc::{string::String, vec::Vec};
use core::fmt;

/// A line of the report: one file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileReport {
    /// What it is for.
    pub role: FileRole,
    /// Its path, or the label of what the program supplies; `None` when the home directory is needed and unknown, when no `sslcrldir` is given, and for a key in an
    /// engine.
    pub path: Option<String>,
    /// Origin of the name.
    pub source: FileSource,
    /// The file that is not looked at because the program supplies its content ([`FileSource::Program`]); `None` otherwise.
    pub replaced: Option<FilePath>,
    /// What came of it.
    pub state: FileState,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// It was read. Whether its content can be used is not known here.
    Read,
    /// A directory was read.
    Listed {
        /// How many of its files were read.
        files: usize,
    },
    /// The system's trusted roots take its place.
    System {
        /// Where they came from.
        source: SystemSource,
        /// What could not be read on the way, or that there is nothing that could be trusted.
        trouble: Option<String>,
    },
    /// The program signs with the key, which is not read ([`FileSettings::external_key`]).
    External,
    /// It is not there, which is no fault in itself.
    Missing,
    /// It was not looked at.
    NotConsulted(SkipReason),
    /// It is there, or was insisted on, and cannot be used.
    Unusable(FileError),
}

/// Why a file was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// No parameter names it and there is no default for it.
    NotGiven,
    /// The directory of the default files is not known.
    HomeUnknown,
    /// `sslrootcert=system` ignores every CRL.
    SystemRoots,
    /// CRLs are read only beside a root file.
    NoRoots,
    /// The default CRL file gives way to an explicit `sslcrldir`.
    CrlDirGiven,
    /// `sslcrldir` was cancelled by a CRL file that cannot be read.
    CrlFileFailed,
    /// `sslcertmode=disable`.
    CertModeDisable,
    /// A key is looked for only beside a certificate.
    NoCertificate,
    /// Additional roots are used only beside roots of `sslrootcert`.
    NoRootsToJoin,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotGiven => "not given, and there is no default",
            Self::HomeUnknown => "the home directory is unknown",
            Self::SystemRoots => "sslrootcert=system ignores revocation lists",
            Self::NoRoots => "revocation lists are read only beside a root certificate file",
            Self::CrlDirGiven => "sslcrldir takes the place of the default file",
            Self::CrlFileFailed => "the revocation list file could not be read, which cancels the directory",
            Self::CertModeDisable => "sslcertmode=disable",
            Self::NoCertificate => "there is no client certificate",
            Self::NoRootsToJoin => "additional roots are used only beside those of sslrootcert",
        })
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Listed { files } => write!(f, "read, {files} revocation list files"),
            Self::System { source, trouble } => {
                write!(f, "the system's trusted roots: {source}")?;
                trouble.iter().try_for_each(|trouble| write!(f, "; {trouble}"))
            }
            Self::External => f.write_str("not read: the program signs with it"),
            Self::Missing => f.write_str("missing"),
            Self::NotConsulted(why) => write!(f, "not consulted: {why}"),
            Self::Unusable(error) => write!(f, "unusable: {error}"),
        }
    }
}

/// The report as it grows, with what every step needs to write its line.
pub(super) struct Reporter<'a> {
    pub(super) settings: &'a FileSettings<'a>,
    pub(super) environment: &'a Environment,
    pub(super) lines: Vec<FileReport>,
}

impl Reporter<'_> {
    pub(super) fn path_of(&self, role: FileRole) -> FilePath {
        path_of(role, self.settings, self.environment)
    }

    pub(super) fn push(&mut self, role: FileRole, path: FilePath, state: FileState) {
        let FilePath { path, source } = path;
        let replaced =
            (source == FileSource::Program).then(|| path_on_disk(role, self.settings, self.environment));
        self.lines.push(FileReport { role, path, source, replaced, state });
    }

    /// A file that was not looked at.
    pub(super) fn skip(&mut self, role: FileRole, why: SkipReason) {
        let path = self.path_of(role);
        self.push(role, path, FileState::NotConsulted(why));
    }
}
