//! The connector is made again when its files have changed, and not before.

#[cfg(unix)]
mod rotation;

use crate::memory::{PKI, options};
use pgtls_core::{
    environment::{Environment, Platform},
    files::{FileIdentity, FileKind, Metadata, NativeRoots, ReadError, ReadFile},
    param::{Params, Secret},
    policy::Verification,
};
use pgtls_rustls::{BrokenFiles, Cached, ConnectorCache, TlsOptions};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A disk that counts how often content is asked for. Each write makes another file, long ago.
#[derive(Default)]
struct Disk {
    files: Mutex<BTreeMap<String, (Vec<u8>, Metadata)>>,
    writes: AtomicUsize,
    reads: AtomicUsize,
    /// Looking at it takes a while.
    far: Option<&'static str>,
}

impl Disk {
    fn with(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.write(path, content);
        self
    }

    fn write(&self, path: &str, content: impl Into<Vec<u8>>) {
        let (content, inode) = (content.into(), self.writes.fetch_add(1, Ordering::Relaxed) as u64);
        let identity = FileIdentity { inode, size: content.len() as u64, ..FileIdentity::default() };
        let metadata = Metadata { kind: FileKind::Regular, mode: 0o600, uid: 0, identity };
        self.files.lock().unwrap().insert(path.to_owned(), (content, metadata));
    }

    fn remove(&self, path: &str) {
        self.files.lock().unwrap().remove(path).unwrap();
    }

    fn change(&self, path: &str, change: impl Fn(&mut Metadata)) {
        change(&mut self.files.lock().unwrap().get_mut(path).unwrap().1);
    }

    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

impl ReadFile for Disk {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        let files = self.files.lock().unwrap();
        if let Some((_, metadata)) = files.get(path) {
            return Ok(*metadata);
        }
        let inside: Vec<_> = files.range(format!("{path}/")..format!("{path}0")).collect();
        let newest = inside.iter().map(|(_, (_, metadata))| metadata.identity.inode).max();
        let identity = FileIdentity { size: newest.ok_or(ReadError::NotFound)?, ..FileIdentity::default() };
        Ok(Metadata { kind: FileKind::Directory, mode: 0o755, uid: 0, identity })
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.files.lock().unwrap().get(path).cloned().ok_or(ReadError::NotFound)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let files = self.files.lock().unwrap();
        let inside = |name: &String| name.strip_prefix(path)?.strip_prefix('/').map(str::to_owned);
        Ok(files.keys().filter_map(inside).collect())
    }

    fn native_roots(&self) -> NativeRoots {
        self.reads.fetch_add(1, Ordering::Relaxed);
        NativeRoots::default()
    }

    fn native_roots_sources(&self) -> Vec<String> {
        vec!["/native".to_owned()]
    }

    fn answers_at_once(&self, path: &str) -> bool {
        self.far != Some(path)
    }
}

/// A configuration that uses every kind of file.
const ALL: &str =
    "sslmode=verify-full sslrootcert=/root sslcrl=/crl sslcrldir=/crls sslcert=/cert sslkey=/key";

fn disk() -> Disk {
    let client = PKI.client("good").unwrap();
    Disk::default()
        .with("/root", PKI.root_file("root").unwrap())
        .with("/crl", PKI.crl_file("root").unwrap())
        .with("/crls/00000000.r0", PKI.crl_file("root").unwrap())
        .with("/cert", client.chain_pem())
        .with("/key", client.key_pem())
        .with("/native", "")
}

struct Client {
    cache: ConnectorCache,
    params: Params,
    options: TlsOptions,
}

impl Client {
    fn new(conninfo: &str, broken: BrokenFiles) -> Self {
        Self {
            cache: ConnectorCache::with(broken),
            params: crate::memory::params(conninfo),
            options: options(pgtls_rustls::aws_lc_rs()),
        }
    }

    /// What can be had without waiting is what would be had with it.
    fn connect(&self, disk: &dyn ReadFile) -> Cached {
        let try_cached = self.try_cached(disk);
        let cached = self.looked_for(disk);
        if let Some(try_cached) = try_cached {
            assert!(Arc::ptr_eq(&try_cached.connector, &cached.connector));
            assert!(Arc::ptr_eq(&try_cached.files, &cached.files));
            assert_eq!(try_cached.kept, cached.kept);
        }
        cached
    }

    /// As an adapter connects, while others change the files.
    fn connect_meanwhile(&self, disk: &dyn ReadFile) -> Cached {
        self.try_cached(disk).unwrap_or_else(|| self.looked_for(disk))
    }

    fn looked_for(&self, disk: &dyn ReadFile) -> Cached {
        self.cache.connector(&self.params, &Environment::empty(Platform::Unix), &self.options, disk)
    }

    fn try_cached(&self, disk: &dyn ReadFile) -> Option<Cached> {
        self.cache.try_cached(&self.params, &Environment::empty(Platform::Unix), &self.options, disk)
    }
}

#[track_caller]
fn works(cached: &Cached) {
    cached.connector.session(Some("db.test")).unwrap();
}

#[test]
fn unchanged_files_are_read_once() {
    for conninfo in [ALL, "sslmode=verify-full sslrootcert=system", "sslmode=require sslrootcert=/none"] {
        let (client, disk) = (Client::new(conninfo, BrokenFiles::Fail), disk());
        let first = client.connect(&disk);
        assert_ne!(disk.reads() == 0, conninfo != "sslmode=require sslrootcert=/none");
        assert!(client.try_cached(&disk).is_some());
        let second = client.connect(&disk);
        assert_eq!(disk.reads(), 0, "{conninfo}");
        assert!(Arc::ptr_eq(&first.connector, &second.connector) && Arc::ptr_eq(&first.files, &second.files));
        assert_eq!(second.files.len(), 5);
        works(&second);
    }
}

#[test]
fn nothing_is_at_hand_that_takes_a_while() {
    let paths = ["/root", "/crl", "/crls", "/crls/00000000.r0", "/cert", "/key"];
    for far in paths.into_iter().map(Some).chain([None]) {
        let (client, disk) = (Client::new(ALL, BrokenFiles::Fail), Disk { far, ..disk() });
        assert!(client.try_cached(&disk).is_none(), "nothing was read yet");
        client.connect(&disk);
        assert_eq!(client.try_cached(&disk).is_none(), far.is_some(), "{far:?}");
    }
}

#[test]
fn many_files_are_not_looked_at_on_the_spot() {
    for (count, try_cached) in [(1, true), (1_000, false)] {
        let (client, disk) = (Client::new(ALL, BrokenFiles::Fail), disk());
        for number in 0..count {
            disk.write(&format!("/crls/00000000.r{number}"), PKI.crl_file("root").unwrap());
        }
        client.connect(&disk);
        assert_eq!(client.try_cached(&disk).is_some(), try_cached, "{count}");
    }
}

type Change<'a> = &'a dyn Fn(&Disk);

#[test]
fn every_change_is_seen_by_the_next_connection() {
    let newer = |metadata: &mut Metadata| metadata.identity.modified += 1;
    let changes: [(&str, Change<'_>); 13] = [
        ("root replaced", &|disk| disk.write("/root", PKI.root_file("root").unwrap())),
        ("root overwritten", &|disk| disk.change("/root", newer)),
        // Whoever writes it can set its time back, but not the time of that.
        ("root overwritten in secret", &|disk| {
            disk.change("/root", |metadata| metadata.identity.changed += 1);
        }),
        ("root grown", &|disk| disk.change("/root", |metadata| metadata.identity.size += 1)),
        ("root on another disk", &|disk| disk.change("/root", |metadata| metadata.identity.device += 1)),
        ("CRL replaced", &|disk| disk.change("/crl", newer)),
        ("CRL gone", &|disk| disk.remove("/crl")),
        ("CRL of the directory overwritten", &|disk| disk.change("/crls/00000000.r0", newer)),
        ("CRL added to the directory", &|disk| disk.write("/crls/00000000.r1", "")),
        ("certificate replaced", &|disk| disk.change("/cert", newer)),
        ("certificate gone", &|disk| disk.remove("/cert")),
        ("key replaced", &|disk| disk.change("/key", newer)),
        ("key for everybody", &|disk| disk.change("/key", |metadata| metadata.mode = 0o644)),
    ];
    for (what, change) in changes {
        let (client, disk) = (Client::new(ALL, BrokenFiles::Fail), disk());
        let before = client.connect(&disk);
        disk.reads();
        change(&disk);
        assert!(client.try_cached(&disk).is_none(), "{what}");
        let after = client.connect(&disk);
        assert!(!Arc::ptr_eq(&before.connector, &after.connector), "{what}");
        assert_ne!(disk.reads(), 0, "{what}");
        client.connect(&disk);
        assert_eq!(disk.reads(), 0, "{what}");
    }
    let client = Client::new("sslmode=verify-full sslrootcert=system", BrokenFiles::Fail);
    let disk = disk();
    client.connect(&disk);
    disk.change("/native", newer);
    disk.reads();
    client.connect(&disk);
    assert_eq!(disk.reads(), 1, "the system's store");
}

#[test]
fn what_is_missing_may_come() {
    let client =
        Client::new("sslmode=require sslrootcert=/root sslcert=/cert sslkey=/key", BrokenFiles::Fail);
    let (all, disk) = (disk(), Disk::default());
    let verification = || client.connect(&disk).connector.session(None).unwrap().verification();
    assert_eq!(verification(), Verification::None);
    disk.write("/root", all.read("/root").unwrap().0);
    assert_eq!(verification(), Verification::Ca);
    disk.remove("/root");
    assert_eq!(verification(), Verification::None, "as libpq would go on");
    disk.write("/cert", all.read("/cert").unwrap().0);
    client.connect(&disk).connector.session(None).unwrap_err();
    disk.write("/key", all.read("/key").unwrap().0);
    works(&client.connect(&disk));
}

#[test]
fn a_broken_replacement_is_an_error_as_in_libpq() {
    for path in ["/root", "/cert", "/key"] {
        let (client, disk) = (Client::new(ALL, BrokenFiles::Fail), disk());
        works(&client.connect(&disk));
        let (good, _) = disk.read(path).unwrap();
        disk.write(path, "garbage");
        for _ in 0..2 {
            let broken = client.connect(&disk);
            let error = broken.connector.session(Some("db.test")).unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
            assert_eq!(broken.kept, None);
        }
        disk.write(path, good);
        works(&client.connect(&disk));
    }
}

#[test]
fn or_the_last_good_files_stay_in_use() {
    for (path, replacement) in [
        ("/root", Some("garbage")),
        ("/root", None),
        ("/crl", Some("garbage")),
        ("/crl", None),
        ("/cert", Some("garbage")),
        ("/cert", None),
        ("/key", Some("garbage")),
        ("/key", None),
    ] {
        let (client, disk) = (Client::new(ALL, BrokenFiles::KeepLastGood), disk());
        let first = client.connect(&disk);
        let (good, _) = disk.read(path).unwrap();
        match replacement {
            Some(garbage) => disk.write(path, garbage),
            None => disk.remove(path),
        }
        for round in 0..2 {
            disk.reads();
            let kept = client.connect(&disk);
            assert!(Arc::ptr_eq(&kept.connector, &first.connector), "{path} {replacement:?}");
            assert!(kept.kept.is_some());
            assert_eq!(disk.reads() == 0, round == 1, "what is broken is read once too");
        }
        disk.write(path, good);
        let mended = client.connect(&disk);
        assert!(mended.kept.is_none() && !Arc::ptr_eq(&mended.connector, &first.connector));
        works(&mended);
    }
}

#[test]
fn what_was_broken_from_the_beginning_is_not_kept() {
    let client = Client::new(ALL, BrokenFiles::KeepLastGood);
    let disk = disk().with("/root", "garbage");
    client.connect(&disk).connector.session(None).unwrap_err();
    disk.write("/root", PKI.root_file("root").unwrap());
    works(&client.connect(&disk));
}

#[test]
fn files_that_may_change_unseen_are_read_each_time() {
    let future = options(pgtls_rustls::aws_lc_rs()).clock.current_time().unwrap().as_secs() + 3600;
    let changes: [fn(&mut Metadata, i128); 3] = [
        |metadata, future| metadata.identity.modified = future * 1_000_000_000,
        |metadata, future| metadata.identity.changed = future * 1_000_000_000,
        |metadata, _| metadata.kind = FileKind::Other,
    ];
    for change in changes {
        let client = Client::new("sslmode=verify-ca sslrootcert=/root", BrokenFiles::Fail);
        let disk = disk();
        disk.change("/root", |metadata| change(metadata, i128::from(future)));
        for _ in 0..2 {
            assert!(client.try_cached(&disk).is_none());
            works(&client.connect(&disk));
            assert_ne!(disk.reads(), 0);
        }
    }
}

#[test]
fn other_parameters_get_another_connector() {
    let (mut client, disk) = (Client::new(ALL, BrokenFiles::KeepLastGood), disk());
    let first = client.connect(&disk);
    client.params = crate::memory::params(&ALL.replace("verify-full", "verify-ca"));
    assert!(client.try_cached(&disk).is_none());
    let second = client.connect(&disk);
    assert!(!Arc::ptr_eq(&first.connector, &second.connector));
    client.options.passphrase = Some(Arc::new(|_| None));
    let third = client.connect(&disk);
    assert!(!Arc::ptr_eq(&second.connector, &third.connector));
    assert!(Arc::ptr_eq(&third.connector, &client.connect(&disk).connector));
}

#[test]
fn nobody_is_asked_for_a_passphrase_because_of_a_crl() {
    // As far as it goes before the passphrase is needed.
    const ENCRYPTED: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                             DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n\
                             AAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n";
    let asked = Arc::new(AtomicUsize::new(0));
    let mut client = Client::new(ALL, BrokenFiles::Fail);
    let counter = asked.clone();
    client.options.passphrase = Some(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Some(Secret::new("wrong".to_owned()))
    }));
    let disk = disk().with("/key", ENCRYPTED);
    for (path, expected) in [("/crl", 1), ("/root", 1), ("/key", 2)] {
        client.connect(&disk);
        disk.change(path, |metadata| metadata.identity.modified += 1);
        client.connect(&disk);
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{path}");
    }
}
