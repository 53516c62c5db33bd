//! A disk in memory, described in the words of `tests/data/files.toml`.

use pgtls_core::files::{FileIdentity, FileKind, Metadata, NativeRoots, ReadError, ReadFile};
use std::collections::BTreeMap;

/// What every file holds.
pub(super) const CONTENT: &str = "SECRET";

pub(super) struct Memory<'a> {
    files: &'a BTreeMap<String, String>,
}

/// What a description means to `stat` and to a reader.
struct Entry {
    looked_at: Result<Metadata, ReadError>,
    read: Result<Metadata, ReadError>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(files: &'a BTreeMap<String, String>) -> Self {
        Self { files }
    }

    fn entry(&self, path: &str) -> Entry {
        let Some(description) = self.files.get(path) else {
            return Entry { looked_at: Err(ReadError::NotFound), read: Err(ReadError::NotFound) };
        };
        let (what, how) = description.split_once(' ').unwrap_or((description, ""));
        let regular = regular("0600 1000");
        match what {
            "file" => {
                let metadata = self::regular(how);
                Entry { looked_at: Ok(metadata), read: Ok(metadata) }
            }
            "swapped" => Entry { looked_at: Ok(regular), read: Ok(self::regular(how)) },
            "dir" => Entry {
                looked_at: Ok(Metadata { kind: FileKind::Directory, ..regular }),
                read: Err(ReadError::IsADirectory),
            },
            "device" => Entry {
                looked_at: Ok(Metadata { kind: FileKind::Other, ..regular }),
                read: Err(ReadError::Special),
            },
            "stat" => Entry { looked_at: Err(reason(how)), read: Err(reason(how)) },
            "read" => Entry { looked_at: Ok(regular), read: Err(reason(how)) },
            other => panic!("{path}: there is no kind of file called {other}"),
        }
    }
}

/// A regular file of this mode and owner; mode 0600 and uid 1000 when left out.
fn regular(how: &str) -> Metadata {
    let mut words = how.split_whitespace();
    let mode = words.next().map_or(0o600, |mode| u32::from_str_radix(mode, 8).unwrap());
    let uid = words.next().map_or(1000, |uid| uid.parse().unwrap());
    Metadata { kind: FileKind::Regular, mode, uid, identity: FileIdentity::default() }
}

fn reason(word: &str) -> ReadError {
    match word {
        "not-found" => ReadError::NotFound,
        "not-a-directory" => ReadError::NotADirectory,
        "denied" => ReadError::PermissionDenied,
        "directory" => ReadError::IsADirectory,
        "too-large" => ReadError::TooLarge,
        "timed-out" => ReadError::TimedOut,
        words => ReadError::Other(words.to_owned()),
    }
}

impl ReadFile for Memory<'_> {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        self.entry(path).looked_at
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        self.entry(path).read.map(|metadata| (CONTENT.as_bytes().to_vec(), metadata))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        let entry = self.entry(path);
        if entry.looked_at?.kind != FileKind::Directory {
            return Err(entry.read.err().unwrap_or(ReadError::NotADirectory));
        }
        let below = |name: &String| Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned());
        Ok(self.files.keys().filter_map(below).filter(|name| !name.contains('/')).collect())
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots { certificates: vec![vec![0x30, 0]], problems: Vec::new() }
    }
}
