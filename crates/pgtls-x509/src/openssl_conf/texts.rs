//! A disk for tests.

use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use pgtls_core::files::{FileIdentity, FileKind, Metadata, NativeRoots, ReadError, ReadFile};

/// A disk of texts; a path is a directory when another lies below it.
#[derive(Default)]
pub(super) struct Texts(pub(super) BTreeMap<&'static str, &'static str>);

impl ReadFile for Texts {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        let below = format!("{path}/");
        let kind = match self.0.get(path) {
            Some(_) => FileKind::Regular,
            None if self.0.keys().any(|other| other.starts_with(&below)) => FileKind::Directory,
            None => return Err(ReadError::NotFound),
        };
        Ok(Metadata { kind, mode: 0o644, uid: 0, identity: FileIdentity::default() })
    }
    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        let text = self.0.get(path).ok_or(ReadError::NotFound)?;
        Ok((text.as_bytes().to_vec(), self.metadata(path)?))
    }
    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        let below = format!("{path}/");
        Ok(self.0.keys().filter_map(|other| other.strip_prefix(&below)).map(ToOwned::to_owned).collect())
    }
    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}
