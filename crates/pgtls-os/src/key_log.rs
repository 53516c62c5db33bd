//! The file of `sslkeylogfile`.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

/// Appends a line to the file, which is made with permissions for its owner alone. It is opened for each line, as libpq
/// does (`SSL_CTX_keylog_cb`), so that several programs can write to it.
pub fn append_key_log(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::append_key_log;

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
    fn a_directory_that_is_not_there() {
        assert!(append_key_log("/does/not/exist/keys".as_ref(), "a\n").is_err());
    }
}
