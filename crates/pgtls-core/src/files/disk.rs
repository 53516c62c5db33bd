//! The disk as the rules see it.

use super::NativeRoots;
use crate::secret;
use alloc::{string::String, vec::Vec};
use core::fmt;

/// The largest file that is read. Bundles of every public authority have a quarter of a megabyte, the largest revocation
/// lists in use some tens.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// The most names that are taken from a directory.
pub const MAX_DIRECTORY_ENTRIES: usize = 1 << 16;

/// The disk. `pgtls-os` has the real one; a test brings a map.
pub trait ReadFile {
    /// What `stat` says, after following links.
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError>;

    /// The whole file, at most [`MAX_FILE_BYTES`], and what `fstat` says about the file that was opened: between
    /// [`ReadFile::metadata`] and this call somebody may have put another file in its place.
    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError>;

    /// The names in a directory, in any order, at most [`MAX_DIRECTORY_ENTRIES`].
    fn list(&self, path: &str) -> Result<Vec<String>, ReadError>;

    /// The store of the operating system; asked for with `sslrootcert=system` alone.
    fn native_roots(&self) -> NativeRoots;

    /// Files and directories that have changed whenever that store has. None: it cannot be seen, and the store is read
    /// anew each time.
    fn native_roots_sources(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether [`metadata`](Self::metadata) of this path waits for nobody: no network, no other program. Asked when files
    /// are read, about what will be looked at again.
    fn answers_at_once(&self, path: &str) -> bool {
        let _ = path;
        false
    }
}

/// Kind, mode, owner and identity of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is, after following links.
    pub kind: FileKind,
    /// The permission bits with set-id and sticky, as in `st_mode & 07777`; 0 where there are none.
    pub mode: u32,
    /// The owner's uid; 0 where there are none.
    pub uid: u32,
    /// What tells its versions apart.
    pub identity: FileIdentity,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A pipe, a socket, a device.
    Other,
}

/// What tells two versions of a file apart: equal identities mean that nothing has to be parsed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FileIdentity {
    /// Number of the device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970 (`st_mtime`). Whoever may write the file may say otherwise.
    pub modified: i128,
    /// Last change of anything about it, in nanoseconds since 1970 (`st_ctime`), which nobody can set back; 0 where it is not
    /// kept.
    pub changed: i128,
}

/// Why a file could not be looked at or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// No such file (ENOENT).
    NotFound,
    /// A file stands where the path needs a directory (ENOTDIR).
    NotADirectory,
    /// The operating system forbids it (EACCES, EPERM).
    PermissionDenied,
    /// A directory stands where a file is needed (EISDIR).
    IsADirectory,
    /// Larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// A directory with more than [`MAX_DIRECTORY_ENTRIES`] names.
    TooMany,
    /// A device or socket: reading it may never end.
    Special,
    /// A pipe whose writer did not finish in time.
    TimedOut,
    /// Anything else, in the operating system's words.
    Other(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::NotADirectory => "not a directory",
            Self::PermissionDenied => "permission denied",
            Self::IsADirectory => "is a directory",
            Self::TooLarge => return write!(f, "larger than {} MiB", MAX_FILE_BYTES >> 20),
            Self::TooMany => return write!(f, "a directory with more than {MAX_DIRECTORY_ENTRIES} files"),
            Self::Special => "neither a regular file nor a pipe",
            Self::TimedOut => "the writer of the pipe did not finish in time",
            Self::Other(words) => words,
        })
    }
}

impl core::error::Error for ReadError {}

/// A file that was read. Any of them may hold a private key (people keep certificate and key in one file), so the content
/// is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedFile {
    /// Its path, or the label of bytes that the program supplies in its place.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// What tells its versions apart; the default for bytes of the program's.
    pub identity: FileIdentity,
}

impl LoadedFile {
    pub(super) fn read(path: &str, disk: &dyn ReadFile) -> Result<Self, ReadError> {
        let (bytes, metadata) = disk.read(path)?;
        Ok(Self { path: path.into(), bytes, identity: metadata.identity })
    }
}

impl Drop for LoadedFile {
    fn drop(&mut self) {
        secret::wipe_vec(&mut self.bytes);
    }
}

impl fmt::Debug for LoadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedFile")
            .field("path", &self.path)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("identity", &self.identity)
            .finish()
    }
}
