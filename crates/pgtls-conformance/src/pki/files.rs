//! The PKI on disk, for clients that read files.

use super::{Kind, Pki, PkiError, file_variants, folders};
use core::fmt;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

impl Pki {
    /// Writes all of the PKI below `dir`, which must exist.
    ///
    /// | file | content |
    /// | --- | --- |
    /// | `ca/NAME.crt` | [`root_file`](Pki::root_file), and the odd forms that such files have |
    /// | `srv/NAME.crt`, `srv/NAME.key` | a server's chain and key |
    /// | `cli/NAME.crt`, `cli/NAME.key` | a client's chain and key, and both in odd forms |
    /// | `crl/NAME.crl` | [`crl_file`](Pki::crl_file), and odd forms of it |
    /// | `cadir/NAME/`, `crldir/NAME/` | folders of authorities and of CRLs with hashed names, as `openssl rehash` makes them |
    ///
    /// Keys can be read by their owner alone, as libpq demands.
    pub fn write_to(&self, dir: &Path) -> Result<(), WriteError> {
        let folder = |name: &str| {
            let folder = dir.join(name);
            fs::create_dir_all(&folder).map_err(|error| WriteError::io(&folder, error))?;
            Ok::<_, WriteError>(folder)
        };
        for (name, kind) in [("srv", Kind::Server), ("cli", Kind::Client)] {
            let folder = folder(name)?;
            for name in self.names(kind) {
                let identity = self.identity(kind, name)?;
                write(&folder.join(format!("{name}.crt")), identity.chain_pem().as_bytes(), false)?;
                write(&folder.join(format!("{name}.key")), identity.key_pem().as_bytes(), true)?;
            }
        }
        let ca = folder("ca")?;
        for name in self.names(Kind::RootFile) {
            write(&ca.join(format!("{name}.crt")), self.root_file(name)?.as_bytes(), false)?;
        }
        for name in file_variants::ROOT_FILES {
            write(&ca.join(format!("{name}.crt")), &file_variants::root_file(self, name)?, false)?;
        }
        let crl = folder("crl")?;
        for name in self.names(Kind::Crl) {
            write(&crl.join(format!("{name}.crl")), self.crl_file(name)?.as_bytes(), false)?;
        }
        for name in file_variants::CRL_FILES {
            write(&crl.join(format!("{name}.crl")), &file_variants::crl_file(self, name)?, false)?;
        }
        let cli = folder("cli")?;
        for file in file_variants::client_files(self)? {
            write(&cli.join(&file.name), &file.content, file.secret)?;
        }
        for hashed in folders::all(self)? {
            let folder = folder(&hashed.folder)?;
            for (name, content) in hashed.files {
                write(&folder.join(name), &content, false)?;
            }
        }
        Ok(())
    }
}

/// Why a PKI was not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// A certificate could not be made.
    Pki(PkiError),
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

impl From<PkiError> for WriteError {
    fn from(error: PkiError) -> Self {
        Self::Pki(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki(error) => error.fmt(f),
            Self::Io { path, error } => write!(f, "could not write \"{}\": {error}", path.display()),
        }
    }
}

impl core::error::Error for WriteError {}

fn write(path: &Path, content: &[u8], secret: bool) -> Result<(), WriteError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    options
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, content))
        .map_err(|error| WriteError::io(path, error))
}
