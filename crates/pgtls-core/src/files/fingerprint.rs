//! Whether what was read from the disk is still what would be read.
//!
//! Nothing here knows which files there are. Every question that loading puts to the disk is kept with its answer, and as
//! long as the disk answers the same, loading again would give the same: a file that was replaced has another identity, a
//! link that points elsewhere leads to one, and where a file was missing one may be found. Looking at identities reads no
//! content.

use super::{
    FileIdentity, FileKind, FileSettings, Loaded, Metadata, NativeRoots, ReadError, ReadFile, load_settings,
};
use crate::environment::Environment;
use alloc::{string::String, vec::Vec};
use core::{cell::RefCell, time::Duration};

/// How often loading starts again because files were changed meanwhile.
const MAX_ROUNDS: usize = 4;

/// File systems keep the time of a change in ticks, the coarsest in use of two seconds. A file that was changed within the
/// tick in which it is read may be changed again without looking different.
const TICK: Duration = Duration::from_secs(2);

/// So many files are looked at on the spot. A directory of CRLs can have more than one wants to wait for.
const MAX_AT_HAND: usize = 32;

/// The answers that the disk gave while something was loaded.
#[derive(Clone, Debug, Default)]
pub struct FileFingerprint {
    answers: Vec<Answer>,
    /// Something was read that is another thing each time, or that can be told from nothing: a pipe, a fault of the moment.
    unrepeatable: bool,
    /// They are few, and the disk answers all of them at once.
    at_once: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    path: String,
    metadata: Result<Metadata, ReadError>,
}

impl FileFingerprint {
    /// Whether loading again would give the same. Asks for metadata alone.
    pub fn holds(&self, disk: &dyn ReadFile) -> bool {
        !self.unrepeatable && self.answers.iter().all(|answer| disk.metadata(&answer.path) == answer.metadata)
    }

    /// Whether [`holds`](Self::holds) waits for nobody, as far as can be told, so that it may be asked on a thread that must
    /// not wait.
    pub fn is_at_hand(&self) -> bool {
        self.at_once
    }

    /// Whether [`holds`](Self::holds) can be relied on, for a stamp that was taken at this time since 1970: no file was
    /// changed so recently that a later change could go unseen.
    pub fn is_conclusive(&self, now: Duration) -> bool {
        let settled = |metadata: &Metadata| {
            let FileIdentity { modified, changed, .. } = metadata.identity;
            let ticked = modified.max(changed).saturating_add_unsigned(TICK.as_nanos());
            u128::try_from(ticked).map_or(true, |ticked| ticked <= now.as_nanos())
        };
        !self.unrepeatable && self.answers.iter().flat_map(|answer| &answer.metadata).all(settled)
    }
}

/// [`load_settings`], with a stamp by which it can be seen later whether to load again.
///
/// Files that are replaced one after the other while they are read, a certificate and its key for example, are read again
/// until they are of one time, within bounds: libpq would take what it finds.
pub fn load_fingerprinted(
    settings: &FileSettings<'_>,
    environment: &Environment,
    disk: &dyn ReadFile,
) -> (Loaded, FileFingerprint) {
    let mut round = 1;
    loop {
        let recorder = Recorder { disk, stamp: RefCell::default() };
        let loaded = load_settings(settings, environment, &recorder);
        let mut stamp = recorder.stamp.into_inner();
        if round == MAX_ROUNDS || stamp.unrepeatable || stamp.holds(disk) {
            stamp.at_once = stamp.answers.len() <= MAX_AT_HAND
                && stamp.answers.iter().all(|answer| disk.answers_at_once(&answer.path));
            return (loaded, stamp);
        }
        round = round.saturating_add(1);
    }
}

/// A disk that remembers what it was asked.
struct Recorder<'a> {
    disk: &'a dyn ReadFile,
    stamp: RefCell<FileFingerprint>,
}

impl Recorder<'_> {
    fn note(&self, path: &str, metadata: Result<Metadata, ReadError>) {
        let mut stamp = self.stamp.borrow_mut();
        let answer = Answer { path: path.into(), metadata };
        // Most are asked twice in a row and answered the same; if not, no later answer can equal both.
        if stamp.answers.last() != Some(&answer) {
            stamp.answers.push(answer);
        }
    }

    /// A fault that a look at the metadata will show again if it is still there; any other may be gone the next time.
    fn note_fault(&self, path: &str, fault: &ReadError) {
        match fault {
            ReadError::NotFound | ReadError::NotADirectory => self.note(path, Err(fault.clone())),
            _ => self.stamp.borrow_mut().unrepeatable = true,
        }
    }
}

impl ReadFile for Recorder<'_> {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        let metadata = self.disk.metadata(path);
        match &metadata {
            Ok(found) => self.note(path, Ok(*found)),
            Err(fault) => self.note_fault(path, fault),
        }
        metadata
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        let read = self.disk.read(path);
        match &read {
            Ok((_, metadata)) if metadata.kind == FileKind::Regular => self.note(path, Ok(*metadata)),
            Ok(_) => self.stamp.borrow_mut().unrepeatable = true,
            Err(fault) => self.note_fault(path, fault),
        }
        read
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        // Before the names: what changes after it changes the metadata.
        let _ = self.metadata(path);
        self.disk.list(path)
    }

    fn native_roots(&self) -> NativeRoots {
        let sources = self.disk.native_roots_sources();
        if sources.is_empty() {
            self.stamp.borrow_mut().unrepeatable = true;
        }
        for source in &sources {
            let _ = self.metadata(source);
        }
        self.disk.native_roots()
    }
}

#[cfg(test)]
mod tests;
