//! The file of `sslkeylogfile`.

use crate::disk::system_text;
use pgtls_core::connect::Warning;
use std::{fs::OpenOptions, io::Write, path::Path};

/// Appends a line to the file, which is made with permissions for its owner alone. It is opened for each line, as libpq
/// does (`SSL_CTX_keylog_cb`), so that several programs can write to it.
///
/// Never waits. libpq waits for a reader if the file is a pipe; here a pipe without a reader, or one that is full, is an
/// error.
///
/// # Errors
/// The warning that the file cannot be opened or written to.
pub fn append_key_log(path: &Path, line: &str) -> Result<(), Warning> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let name = || path.display().to_string();
    let mut file = options
        .open(path)
        .map_err(|error| Warning::KeyLogOpen { path: name(), reason: system_text(&error) })?;
    file.write_all(line.as_bytes())
        .map_err(|error| Warning::KeyLogWrite { path: name(), reason: system_text(&error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        append_key_log(&path, "a\n").unwrap();
        append_key_log(&path, "b\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn errors_are_libpqs() {
        let warning = append_key_log("/does/not/exist/keys".as_ref(), "a\n").unwrap_err();
        let expected = "WARNING: could not open SSL key logging file \"/does/not/exist/keys\": No such file or directory";
        assert_eq!(warning.libpq_text().as_deref(), Some(expected));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_never_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
        use std::{fs::File, io::Read};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let unread = append_key_log(&path, "a\n").unwrap_err();
        assert!(matches!(unread, Warning::KeyLogOpen { .. }), "{unread}");

        let reader = open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        append_key_log(&path, "a\n").unwrap();
        let full = append_key_log(&path, &"b".repeat(1 << 21)).unwrap_err();
        assert!(matches!(full, Warning::KeyLogWrite { .. }), "{full}");
        let mut written = [0; 3];
        File::from(reader).read_exact(&mut written).unwrap();
        assert_eq!(&written, b"a\nb");
    }
}
