//! The real disk, with everything that can stand at a path.

use pgtls_core::{
    environment::{Environment, Platform},
    files::{
        FileKind, FileProblem, FileSettings, Identity, MAX_FILE_BYTES, ReadError, ReadFile, Roots,
        load_settings,
    },
};
use pgtls_os::Disk;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::Path,
};
use tempfile::TempDir;

/// A folder for one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &[u8], mode: u32) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn fifo(&self, name: &str) -> String {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        path
    }
}

#[track_caller]
fn refused(path: &str, looked_at: &Result<FileKind, ReadError>, read: &ReadError) {
    assert_eq!(Disk.metadata(path).map(|metadata| metadata.kind), *looked_at, "stat {path}");
    assert_eq!(Disk.read(path).unwrap_err(), *read, "read {path}");
}

#[test]
fn a_regular_file_is_read_with_its_mode_and_identity() {
    let folder = Folder::new();
    let path = folder.write("a", b"content", 0o4640);
    let looked_at = Disk.metadata(&path).unwrap();
    assert_eq!((looked_at.kind, looked_at.mode), (FileKind::Regular, 0o4640));
    assert_eq!(looked_at.uid, rustix::process::geteuid().as_raw());
    assert_eq!(looked_at.identity.size, 7);
    assert_eq!(Disk.read(&path), Ok((b"content".to_vec(), looked_at)));

    symlink(&path, folder.path("link")).unwrap();
    assert_eq!(Disk.metadata(&folder.path("link")), Ok(looked_at), "links are followed");
    let copy = folder.write("b", b"content", 0o4640);
    assert_ne!(Disk.metadata(&copy).unwrap().identity, looked_at.identity);
    fs::write(&path, b"other content").unwrap();
    assert_ne!(Disk.metadata(&path).unwrap().identity, looked_at.identity);
}

#[test]
fn what_is_not_there() {
    let folder = Folder::new();
    let file = folder.write("file", b"", 0o600);
    refused(&folder.path("none"), &Err(ReadError::NotFound), &ReadError::NotFound);
    refused("", &Err(ReadError::NotFound), &ReadError::NotFound);
    refused(&(file + "/below"), &Err(ReadError::NotADirectory), &ReadError::NotADirectory);
    symlink("none", folder.path("dangling")).unwrap();
    refused(&folder.path("dangling"), &Err(ReadError::NotFound), &ReadError::NotFound);
    symlink("loop", folder.path("loop")).unwrap();
    let reason = Disk.metadata(&folder.path("loop")).unwrap_err();
    assert_eq!(reason, ReadError::Other("too many levels of symbolic links".to_owned()));
    refused(&folder.path("loop"), &Err(reason.clone()), &reason);
    let long = folder.path(&"a".repeat(256));
    assert!(matches!(Disk.metadata(&long), Err(ReadError::Other(words)) if words.contains("name too long")));
    assert!(matches!(Disk.read("a\0b"), Err(ReadError::Other(_))));
}

#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    refused(&folder.path(""), &Ok(FileKind::Directory), &ReadError::IsADirectory);
    for device in ["/dev/zero", "/dev/null", "/dev/full"] {
        refused(device, &Ok(FileKind::Other), &ReadError::Special);
    }
    let _listener = UnixListener::bind(folder.path("socket")).unwrap();
    refused(&folder.path("socket"), &Ok(FileKind::Other), &ReadError::Special);
}

#[test]
fn a_file_that_is_too_large() {
    let folder = Folder::new();
    let size = u64::try_from(MAX_FILE_BYTES).unwrap();
    let path = folder.write("large", b"", 0o600);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(size + 1).unwrap();
    refused(&path, &Ok(FileKind::Regular), &ReadError::TooLarge);
    file.set_len(1 << 40).unwrap();
    refused(&path, &Ok(FileKind::Regular), &ReadError::TooLarge);
    file.set_len(size).unwrap();
    assert_eq!(Disk.read(&path).unwrap().0.len(), MAX_FILE_BYTES, "the largest that is read");
}

/// What `psql "sslrootcert=<(command)"` hands over.
#[test]
fn a_pipe_is_read_to_its_end() {
    let folder = Folder::new();
    let path = folder.fifo("pipe");
    assert_eq!(Disk.metadata(&path).unwrap().kind, FileKind::Other);
    let (empty, first) = Disk.read(&path).unwrap();
    assert!(empty.is_empty(), "without a writer there is nothing, and nothing to wait for");

    // Held open for reading, so that the writer need not wait for the reader under test.
    let held = File::options().read(true).write(true).open(&path).unwrap();
    let mut writer = File::options().write(true).open(&path).unwrap();
    writer.write_all(b"a certificate").unwrap();
    drop((writer, held));
    let (_, second) = Disk.read(&path).unwrap();
    assert_ne!(first.identity, second.identity, "what comes out of a pipe is another thing each time");

    let (reader, mut writer) = std::io::pipe().unwrap();
    let content = vec![b'x'; 1 << 20];
    let expected = content.clone();
    let thread = std::thread::spawn(move || writer.write_all(&content).unwrap());
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    assert_eq!(Disk.read(&path).unwrap().0, expected, "more than the pipe holds at once");
    thread.join().unwrap();
}

#[test]
fn what_the_operating_system_forbids() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(""), Permissions::from_mode(0o755)).unwrap();
    let path = folder.write("secret", b"", 0o000);
    let below = folder.write("closed/file", b"", 0o600);
    let closed = folder.path("closed");
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();

    // Nothing is forbidden to root, so a thread becomes somebody else first.
    std::thread::spawn({
        let closed = closed.clone();
        move || {
            #[cfg(target_os = "linux")]
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::thread::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            refused(&path, &Ok(FileKind::Regular), &ReadError::PermissionDenied);
            refused(&below, &Err(ReadError::PermissionDenied), &ReadError::PermissionDenied);
            assert_eq!(Disk.list(&closed), Err(ReadError::PermissionDenied));
        }
    })
    .join()
    .unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_directory_is_listed() {
    let folder = Folder::new();
    let file = folder.write("a", b"", 0o600);
    fs::write(folder.0.path().join(OsStr::from_bytes(b"not utf-8 \xff")), b"").unwrap();
    fs::create_dir(folder.path("b")).unwrap();
    let mut names = Disk.list(&folder.path("")).unwrap();
    names.sort();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(Disk.list(&folder.path("none")), Err(ReadError::NotFound));
    assert_eq!(Disk.list(&file), Err(ReadError::NotADirectory));
}

/// The whole way on a real disk, down to the key's permissions.
#[test]
fn the_default_files_of_a_home_directory() {
    let folder = Folder::new();
    let root = folder.write(".postgresql/root.crt", b"root", 0o644);
    folder.write(".postgresql/postgresql.crt", b"certificate", 0o644);
    let key = folder.write(".postgresql/postgresql.key", b"key", 0o600);
    let environment = Environment::empty(Platform::Unix).with_variable("HOME", &folder.path(""));
    let load = || load_settings(&FileSettings::DEFAULT, &environment, &Disk);

    let loaded = load();
    let Roots::File(file) = &loaded.roots else { panic!("{:?}", loaded.roots) };
    assert_eq!(file.bytes, b"root");
    assert_eq!(fs::canonicalize(&file.path).unwrap(), fs::canonicalize(&root).unwrap());
    let Identity::Certificate { certificate, key: Ok(found) } = &loaded.identity else {
        panic!("{:?}", loaded.identity)
    };
    assert_eq!((certificate.bytes.as_slice(), found.bytes.as_slice()), (&b"certificate"[..], &b"key"[..]));

    fs::set_permissions(&key, Permissions::from_mode(0o604)).unwrap();
    let Identity::Certificate { key: Err(error), .. } = load().identity else {
        panic!("anybody can read the key")
    };
    assert!(
        matches!(error.problem, FileProblem::InsecurePermissions(too_wide) if too_wide.mode == 0o604),
        "{error}"
    );
    fs::remove_file(&key).unwrap();
    let Identity::Certificate { key: Err(error), .. } = load().identity else { panic!("there is no key") };
    assert_eq!(error.problem, FileProblem::Missing(ReadError::NotFound));
}

/// What the store of this machine has depends on the machine; that it holds certificates does not.
#[test]
fn the_roots_of_the_system_are_certificates() {
    let roots = Disk.native_roots();
    for certificate in &roots.certificates {
        assert_eq!(certificate.first(), Some(&0x30), "a certificate is a SEQUENCE");
    }
    assert!(
        !roots.certificates.is_empty() || !Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
        "{roots:?}"
    );
}
