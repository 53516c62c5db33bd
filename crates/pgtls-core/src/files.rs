//! Which files are read, and what their absence means (spec 6.1, 6.2, 6.5, 7.1 - 7.3, 8).

use crate::{environment::Environment, param::Params};
use alloc::{string::String, vec::Vec};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileRole {
    /// Trusted roots.
    RootCert,
    /// CRL file.
    Crl,
    /// CRL directory.
    CrlDir,
    /// Client certificate.
    Cert,
    /// Client key.
    Key,
}

/// Why this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSource {
    /// Named by a parameter.
    Explicit,
    /// The default in the home directory.
    HomeDefault,
}

/// What was found at the path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// Read.
    Loaded,
    /// Not there, with no consequence but its absence.
    Missing,
    /// Not consulted (`system`, sslcertmode=disable, no certificate ...).
    NotConsulted,
    /// There, but not usable.
    Unusable(FileProblem),
}

/// A line of the report of files used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// What for.
    pub role: FileRole,
    /// Path; `None` when home is unknown.
    pub path: Option<String>,
    /// Why this path.
    pub source: FileSource,
    /// What was found.
    pub state: FileState,
}

/// Kind, mode and owner of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Regular file, directory or other, after following links.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Identity for caches.
    pub identity: FileIdentity,
}

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Regular.
    Regular,
    /// Directory.
    Directory,
    /// Anything else.
    Other,
}

/// What tells two versions of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FileIdentity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since the epoch.
    pub modified: i128,
}

/// Why a file could not be looked at or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// ENOENT.
    NotFound,
    /// ENOTDIR.
    NotADirectory,
    /// EACCES.
    PermissionDenied,
    /// EISDIR.
    IsADirectory,
    /// Larger than the bound.
    TooLarge,
    /// Anything else, in the operating system's words.
    Other(String),
}

/// What is wrong with a file that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// Cannot be looked at or read.
    Read(ReadError),
    /// The key is not a regular file.
    NotRegular,
    /// The key's permissions are too wide (spec 7.3).
    Permissions {
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
    },
    /// A certificate without its key.
    KeyMissing,
}

/// The disk as the rules see it. `pgtls-os` implements it; tests use a map.
pub trait ReadFile {
    /// `stat`, following links.
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError>;
    /// The whole file, at most `MAX_FILE` bytes.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;
    /// Names in a directory.
    fn list(&self, path: &str) -> Result<Vec<String>, ReadError>;
}

/// A file that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct LoadedFile {
    /// Path.
    pub path: String,
    /// Content. Keys are zeroed on drop.
    pub bytes: Vec<u8>,
    /// Identity.
    pub identity: FileIdentity,
}

/// The trusted roots.
#[derive(Clone)]
#[non_exhaustive]
pub enum Roots {
    /// A file that was read; whether it parses is the TLS layer's to say.
    File(LoadedFile),
    /// The system's (`sslrootcert=system`).
    System,
    /// No root file; the path that was looked for.
    Missing {
        /// `None` when home is unknown.
        path: Option<String>,
    },
    /// There, but unreadable: TLS cannot be set up.
    Unusable {
        /// Path.
        path: String,
        /// Why.
        problem: FileProblem,
    },
}

/// The CRLs.
#[derive(Clone, Default)]
pub struct Crls {
    /// The file, if it could be read.
    pub file: Option<LoadedFile>,
    /// An explicit or default file that could not be read: ignored, and cancels the directory (spec 6.5).
    pub file_ignored: bool,
    /// `sslcrldir` was given and counts.
    pub directory: Option<CrlDirectory>,
}

/// A directory of hash-named CRLs.
#[derive(Clone, Default)]
pub struct CrlDirectory {
    /// Path.
    pub path: String,
    /// Files whose names are `<8 hex>.r<n>`, in the order OpenSSL asks for them.
    pub files: Vec<LoadedFile>,
}

/// The client's identity.
#[derive(Clone)]
#[non_exhaustive]
pub enum Identity {
    /// Not consulted or not there.
    None,
    /// Certificate read; the key, or what is wrong with it. Parse the certificate first: its error comes first.
    Certificate {
        /// Certificate chain file.
        certificate: LoadedFile,
        /// Key file or its problem.
        key: Result<LoadedFile, (String, FileProblem)>,
    },
    /// The certificate file cannot be used.
    Unusable {
        /// Path.
        path: String,
        /// Why.
        problem: FileProblem,
    },
}

/// Everything TLS needs from the disk, and the report of what was looked at.
#[derive(Clone)]
pub struct Loaded {
    /// Roots.
    pub roots: Roots,
    /// CRLs.
    pub crls: Crls,
    /// Client identity.
    pub identity: Identity,
    /// What was looked at, in order.
    pub report: Vec<FileReport>,
}

/// Reads what libpq would read, in its order. Never fails: what is wrong is in the parts, and comes to light where libpq would notice.
pub fn load(_params: &Params, _environment: &Environment, _disk: &dyn ReadFile) -> Loaded {
    todo!()
}
