//! A disk that changes between two questions, and whether the stamp tells.

use super::*;
use crate::{
    environment::Platform,
    files::FileIdentity,
    param::{Ability, Params, Settings},
};
use alloc::{borrow::ToOwned, collections::BTreeMap, vec};
use core::cell::Cell;

const ROOT: &str = "root.crt";
const CRLS: &str = "crls";

/// Seconds since 1970 at which every file was changed last.
const CHANGED: u64 = 1_000;

/// What is where.
struct Disk {
    entries: BTreeMap<&'static str, Result<Metadata, ReadError>>,
    /// What a read says, where it is not what a look says.
    read_fault: Option<ReadError>,
    sources: Vec<String>,
    /// So many reads are each followed by a change of what was read.
    restless: Cell<u64>,
    reads: Cell<usize>,
}

fn metadata(kind: FileKind, inode: u64) -> Metadata {
    let modified = i128::from(CHANGED) * 1_000_000_000;
    let identity = FileIdentity { device: 1, inode, size: 0, modified, changed: 0 };
    Metadata { kind, mode: 0o644, uid: 0, identity }
}

impl Disk {
    /// A root file and a directory of CRLs without any.
    fn new() -> Self {
        let entries = BTreeMap::from([
            (ROOT, Ok(metadata(FileKind::Regular, 1))),
            (CRLS, Ok(metadata(FileKind::Directory, 2))),
        ]);
        Self { entries, read_fault: None, sources: Vec::new(), restless: Cell::new(0), reads: Cell::new(0) }
    }

    fn with(mut self, path: &'static str, entry: Result<Metadata, ReadError>) -> Self {
        self.entries.insert(path, entry);
        self
    }
}

impl ReadFile for Disk {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        let mut found = self.entries.get(path).cloned().unwrap_or(Err(ReadError::NotFound))?;
        if path == ROOT {
            found.identity.size = self.restless.get();
        }
        Ok(found)
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        let metadata = self.metadata(path)?;
        if let Some(fault) = &self.read_fault {
            return Err(fault.clone());
        }
        self.reads.set(self.reads.get() + 1);
        self.restless.set(self.restless.get().saturating_sub(1));
        Ok((Vec::new(), metadata))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        self.metadata(path).map(|_| Vec::new())
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }

    fn native_roots_sources(&self) -> Vec<String> {
        self.sources.clone()
    }
}

/// The same, as if anything but its content had been changed then.
fn touched(seconds: u64) -> Metadata {
    let mut metadata = metadata(FileKind::Regular, 1);
    metadata.identity.changed = i128::from(seconds) * 1_000_000_000;
    metadata
}

fn stamp_of(conninfo: &str, disk: &Disk) -> FileFingerprint {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse(conninfo).expect("it is well-formed");
    let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
    load_fingerprinted(&(&params).into(), &environment, disk).1
}

const CONNINFO: &str = "sslrootcert=root.crt sslcrldir=crls sslcert=missing.crt";

#[test]
fn holds_until_something_changes() {
    let stamp = stamp_of(CONNINFO, &Disk::new());
    assert!(stamp.holds(&Disk::new()));
    let changes = [
        Disk::new().with(ROOT, Ok(metadata(FileKind::Regular, 3))),
        Disk::new().with(ROOT, Ok(Metadata { mode: 0o600, ..metadata(FileKind::Regular, 1) })),
        Disk::new().with(ROOT, Ok(touched(CHANGED))),
        Disk::new().with(ROOT, Err(ReadError::NotFound)),
        Disk::new().with(ROOT, Err(ReadError::PermissionDenied)),
        Disk::new().with(CRLS, Ok(metadata(FileKind::Directory, 3))),
        Disk::new().with("missing.crt", Ok(metadata(FileKind::Regular, 3))),
    ];
    for (number, disk) in changes.iter().enumerate() {
        assert!(!stamp.holds(disk), "change {number}");
    }
    // What nobody asked for may change.
    assert!(stamp.holds(&Disk::new().with("other", Ok(metadata(FileKind::Regular, 3)))));
}

#[test]
fn what_cannot_be_repeated_never_holds() {
    let faults = [
        (ReadError::NotFound, true),
        (ReadError::NotADirectory, true),
        (ReadError::PermissionDenied, false),
        (ReadError::TooLarge, false),
        (ReadError::Other("no luck".to_owned()), false),
    ];
    for (fault, holds) in faults {
        let looked_at = Disk::new().with(ROOT, Err(fault.clone()));
        let stamp = stamp_of(CONNINFO, &looked_at);
        assert_eq!(stamp.holds(&looked_at), holds, "{fault:?} at a look");
        assert_eq!(stamp.is_conclusive(Duration::MAX), holds, "{fault:?} at a look");
        // A file that is there for a look and gone for a read is asked about again, and again.
        let read = Disk { read_fault: Some(fault.clone()), ..Disk::new() };
        assert!(!stamp_of(CONNINFO, &read).holds(&read), "{fault:?} at a read");
    }
    let pipe = Disk::new().with(ROOT, Ok(metadata(FileKind::Other, 1)));
    assert!(!stamp_of(CONNINFO, &pipe).holds(&pipe));
}

#[test]
fn settled_is_what_was_changed_a_tick_ago() {
    let stamp = stamp_of(CONNINFO, &Disk::new());
    let settled_at = Duration::from_secs(CHANGED) + TICK;
    for (now, settled) in [
        (Duration::ZERO, false),
        (Duration::from_secs(CHANGED), false),
        (settled_at.saturating_sub(Duration::from_nanos(1)), false),
        (settled_at, true),
        (Duration::MAX, true),
    ] {
        assert_eq!(stamp.is_conclusive(now), settled, "{now:?}");
    }
    let later = Duration::from_secs(CHANGED + 60);
    let touched = stamp_of(CONNINFO, &Disk::new().with(ROOT, Ok(touched(CHANGED + 60))));
    assert!(!touched.is_conclusive(settled_at.max(later)), "its time was set back");
    assert!(touched.is_conclusive(later + TICK));
    assert!(stamp_of("sslrootcert=missing", &Disk::new()).is_conclusive(Duration::ZERO), "nothing was there");
}

#[test]
fn is_read_again_until_it_is_of_one_time_within_bounds() {
    for (changes, reads) in [(0, 1), (1, 2), (2, 3), (3, 4), (9, MAX_ROUNDS)] {
        let disk = Disk { restless: Cell::new(changes), ..Disk::new() };
        let stamp = stamp_of("sslrootcert=root.crt", &disk);
        assert_eq!(disk.reads.get(), reads, "{changes} changes");
        assert_eq!(
            stamp.holds(&disk),
            reads > usize::try_from(changes).unwrap_or(usize::MAX),
            "{changes} changes"
        );
    }
}

#[test]
fn the_store_of_the_system_is_known_by_its_sources() {
    let unknown = Disk::new();
    assert!(!stamp_of("sslrootcert=system", &unknown).holds(&unknown));
    let known = |inode| {
        let disk = Disk::new().with("bundle", Ok(metadata(FileKind::Regular, inode)));
        Disk { sources: vec!["bundle".to_owned()], ..disk }
    };
    let stamp = stamp_of("sslrootcert=system", &known(1));
    assert!(stamp.holds(&known(1)));
    assert!(!stamp.holds(&known(2)));
}
