//! The zoo on disk, for clients that read files.

use super::{Kind, Zoo, ZooError};
use core::fmt;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

impl Zoo {
    /// Writes all of the zoo below `dir`, which must exist.
    ///
    /// | file | content |
    /// | --- | --- |
    /// | `ca/NAME.crt` | [`root_file`](Zoo::root_file) |
    /// | `srv/NAME.crt`, `srv/NAME.key` | a server's chain and key |
    /// | `cli/NAME.crt`, `cli/NAME.key` | a client's chain and key |
    /// | `crl/NAME.crl` | [`crl_file`](Zoo::crl_file) |
    ///
    /// Keys can be read by their owner alone, as libpq demands.
    pub fn write_to(&self, dir: &Path) -> Result<(), WriteError> {
        for (folder, kind) in
            [("ca", Kind::RootFile), ("srv", Kind::Server), ("cli", Kind::Client), ("crl", Kind::Crl)]
        {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(|error| WriteError::io(&folder, error))?;
            for name in self.names(kind) {
                let (certificates, key) = match kind {
                    Kind::RootFile => (self.root_file(name)?, None),
                    Kind::Crl => (self.crl_file(name)?, None),
                    Kind::Server | Kind::Client | Kind::Authority => {
                        let identity = self.identity(kind, name)?;
                        (identity.chain_pem(), Some(identity.key_pem()))
                    }
                };
                let extension = if kind == Kind::Crl { "crl" } else { "crt" };
                write(&folder.join(format!("{name}.{extension}")), &certificates, false)?;
                if let Some(key) = key {
                    write(&folder.join(format!("{name}.key")), &key, true)?;
                }
            }
        }
        Ok(())
    }
}

/// Why a zoo was not written.
#[derive(Debug)]
pub enum WriteError {
    /// An animal could not be made.
    Zoo(ZooError),
    /// A file could not be written.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

impl WriteError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

impl From<ZooError> for WriteError {
    fn from(error: ZooError) -> Self {
        Self::Zoo(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zoo(error) => error.fmt(f),
            Self::Io { path, error } => write!(f, "could not write \"{}\": {error}", path.display()),
        }
    }
}

impl core::error::Error for WriteError {}

fn write(path: &Path, text: &str, secret: bool) -> Result<(), WriteError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    options
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|error| WriteError::io(path, error))
}
