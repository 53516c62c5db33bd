//! A disk that holds one file.

use pgtls_core::files::{FileIdentity, FileKind, Metadata, NativeRoots, ReadError, ReadFile};

/// The file, which is its owner's alone.
pub(super) struct OneFile<'a> {
    pub(super) content: &'a [u8],
}

impl OneFile<'_> {
    /// Where it is.
    pub(super) const NAME: &'static str = "service.conf";
}

impl ReadFile for OneFile<'_> {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        if path != Self::NAME {
            return Err(ReadError::NotFound);
        }
        Ok(Metadata { kind: FileKind::Regular, mode: 0o600, uid: 0, identity: FileIdentity::default() })
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        let metadata = self.metadata(path)?;
        Ok((self.content.into(), metadata))
    }

    fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
        Err(ReadError::NotFound)
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}
