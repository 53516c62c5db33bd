//! The disk, read with bounds.
//!
//! A path comes from a connection string or an environment variable, and what stands there may be anything. A regular file
//! is read up to [`MAX_FILE_BYTES`]. A pipe is read too, because `sslrootcert=<(command)` works with psql, but with a limit
//! to the patience. Devices and sockets are refused unopened: `/dev/zero` has no end, a terminal waits for somebody.

use crate::{local, roots};
use pgtls_core::files::{
    FileIdentity, FileKind, MAX_DIRECTORY_ENTRIES, MAX_FILE_BYTES, Metadata, NativeRoots, ReadError, ReadFile,
};
use std::{
    fs::{self, File},
    io::{self, Read},
};

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl ReadFile for Disk {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        fs::metadata(path).map(|metadata| platform::metadata(&metadata)).map_err(read_error)
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        refuse_special(&fs::metadata(path).map_err(read_error)?)?;
        let file = platform::open(path).map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        refuse_special(&metadata)?;
        if metadata.is_file() {
            let bytes = read_regular(&file, &metadata)?;
            Ok((bytes, platform::metadata(&metadata)))
        } else {
            let bytes = platform::read_pipe(file)?;
            Ok((bytes, Metadata { identity: platform::never_the_same(), ..platform::metadata(&metadata) }))
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        let mut names = Vec::new();
        for (count, entry) in fs::read_dir(path).map_err(read_error)?.enumerate() {
            if count == MAX_DIRECTORY_ENTRIES {
                return Err(ReadError::TooMany);
            }
            // A name that is not UTF-8 is none that anybody looks for.
            names.extend(entry.map_err(read_error)?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn native_roots(&self) -> NativeRoots {
        roots::native_roots()
    }

    fn native_roots_sources(&self) -> Vec<String> {
        roots::sources()
    }

    fn answers_at_once(&self, path: &str) -> bool {
        local::is_local(path.as_ref())
    }
}

fn refuse_special(metadata: &fs::Metadata) -> Result<(), ReadError> {
    if metadata.is_dir() {
        return Err(ReadError::IsADirectory);
    }
    if metadata.is_file() || platform::is_pipe(metadata) { Ok(()) } else { Err(ReadError::Special) }
}

fn kind(metadata: &fs::Metadata) -> FileKind {
    if metadata.is_file() {
        FileKind::Regular
    } else if metadata.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Other
    }
}

fn read_regular(file: &File, metadata: &fs::Metadata) -> Result<Vec<u8>, ReadError> {
    // One byte more than the file has, so that the end is seen without growing: a copy left behind would not be wiped.
    let Some(expected) = usize::try_from(metadata.len()).ok().filter(|&length| length <= MAX_FILE_BYTES)
    else {
        return Err(ReadError::TooLarge);
    };
    let mut bytes = Vec::with_capacity(expected + 1);
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() > MAX_FILE_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn read_error(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound,
        io::ErrorKind::NotADirectory => ReadError::NotADirectory,
        io::ErrorKind::PermissionDenied => ReadError::PermissionDenied,
        io::ErrorKind::IsADirectory => ReadError::IsADirectory,
        _ => ReadError::Other(system_text(&error).to_lowercase()),
    }
}

/// The text of the operating system for an error (C: `strerror`), without its number.
pub(crate) fn system_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.find(" (os error") {
        text.truncate(end);
    }
    text
}

#[cfg(unix)]
mod platform {
    use super::{FileIdentity, MAX_FILE_BYTES, Metadata, ReadError, kind, read_error};
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        fs::OFlags,
    };
    use std::{
        fs::{self, File, OpenOptions},
        io::{self, Read},
        os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
        sync::atomic::{AtomicU64, Ordering},
        time::{Duration, Instant},
    };

    /// How long the writer of a pipe may take until it has written everything.
    const PIPE_PATIENCE: Duration = Duration::from_secs(5);

    pub(super) fn metadata(metadata: &fs::Metadata) -> Metadata {
        let nanoseconds = |seconds, rest| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Metadata {
            kind: kind(metadata),
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            identity: FileIdentity {
                device: metadata.dev(),
                inode: metadata.ino(),
                size: metadata.size(),
                modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
                changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            },
        }
    }

    pub(super) fn is_pipe(metadata: &fs::Metadata) -> bool {
        metadata.file_type().is_fifo()
    }

    /// Never waits: a pipe without a writer opens at once and is empty, and no terminal is taken over.
    pub(super) fn open(path: &str) -> io::Result<File> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
    }

    pub(super) fn read_pipe(pipe: File) -> Result<Vec<u8>, ReadError> {
        read_pipe_within(pipe, PIPE_PATIENCE)
    }

    pub(super) fn read_pipe_within(mut pipe: File, patience: Duration) -> Result<Vec<u8>, ReadError> {
        let deadline = Instant::now() + patience;
        let mut bytes = Vec::new();
        loop {
            let room = MAX_FILE_BYTES as u64 + 1 - bytes.len() as u64;
            match pipe.by_ref().take(room).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() > MAX_FILE_BYTES => return Err(ReadError::TooLarge),
                Ok(_) => return Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&pipe, deadline)?,
                Err(error) => return Err(read_error(error)),
            }
        }
    }

    /// Waits until the pipe has something or its writer is gone.
    fn wait(pipe: &File, deadline: Instant) -> Result<(), ReadError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| ReadError::TimedOut)?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => Err(ReadError::TimedOut),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(read_error(errno.into())),
        }
    }

    /// What comes out of a pipe is another thing each time.
    pub(super) fn never_the_same() -> FileIdentity {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        FileIdentity { inode: NEXT.fetch_add(1, Ordering::Relaxed), modified: -1, ..FileIdentity::default() }
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{FileIdentity, Metadata, ReadError, kind};
    use std::{
        fs::{self, File},
        io,
        time::UNIX_EPOCH,
    };

    pub(super) fn metadata(metadata: &fs::Metadata) -> Metadata {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| i128::try_from(since.as_nanos()).ok()).unwrap_or(0);
        let identity = FileIdentity { size: metadata.len(), modified, ..FileIdentity::default() };
        Metadata { kind: kind(metadata), mode: 0, uid: 0, identity }
    }

    pub(super) fn is_pipe(_metadata: &fs::Metadata) -> bool {
        false
    }

    pub(super) fn open(path: &str) -> io::Result<File> {
        File::open(path)
    }

    pub(super) fn read_pipe(_pipe: File) -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Special)
    }

    pub(super) fn never_the_same() -> FileIdentity {
        FileIdentity::default()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, os::fd::OwnedFd, time::Duration};

    /// A pipe that nobody closes, as our end of it, not waiting, and the other.
    fn pipe() -> (File, impl Write) {
        let (reader, writer) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
        (File::from(OwnedFd::from(reader)), writer)
    }

    #[test]
    fn a_writer_that_says_nothing_more_is_given_up() {
        let (silent, _writer) = pipe();
        assert_eq!(platform::read_pipe_within(silent, Duration::ZERO), Err(ReadError::TimedOut));
        let (unfinished, mut writer) = pipe();
        writer.write_all(b"half").unwrap();
        assert_eq!(platform::read_pipe_within(unfinished, Duration::ZERO), Err(ReadError::TimedOut));
        let (finished, mut writer) = pipe();
        writer.write_all(b"all").unwrap();
        drop(writer);
        assert_eq!(platform::read_pipe_within(finished, Duration::ZERO), Ok(b"all".to_vec()));
    }

    #[test]
    fn an_endless_writer_is_cut_off() {
        let (endless, mut writer) = pipe();
        let thread = std::thread::spawn(move || while writer.write_all(&[0; 1 << 12]).is_ok() {});
        assert_eq!(platform::read_pipe_within(endless, Duration::from_secs(3600)), Err(ReadError::TooLarge));
        thread.join().unwrap();
    }
}
