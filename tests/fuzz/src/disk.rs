//! A disk of a few files, each its owner's alone.

use pgtls_core::files::{FileIdentity, FileKind, Metadata, NativeRoots, ReadError, ReadFile};

/// Path and content of each file.
pub(super) struct Disk<'a>(pub(super) &'a [(&'a str, &'a [u8])]);

impl ReadFile for Disk<'_> {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        if self.0.iter().all(|(name, _)| *name != path) {
            return Err(ReadError::NotFound);
        }
        Ok(Metadata { kind: FileKind::Regular, mode: 0o600, uid: 0, identity: FileIdentity::default() })
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        let (_, content) = self.0.iter().find(|(name, _)| *name == path).ok_or(ReadError::NotFound)?;
        Ok((content.to_vec(), self.metadata(path)?))
    }

    fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
        Err(ReadError::NotFound)
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}
