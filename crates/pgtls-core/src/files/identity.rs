//! The client's certificate and private key: `sslcert` and `sslkey`, or the defaults in the home directory.

use super::{
    FileError, FileKind, FilePath, FileProblem, FileRole, FileState, KeyPermissions, LoadedFile, Metadata,
    ReadError, ReadFile, SkipReason, key_permissions, path::explicit, report::Reporter,
};
use crate::{environment::Platform, param::SslCertMode};
use alloc::string::String;

/// The client's certificate and key.
#[derive(Clone, Debug)]
pub enum Identity {
    /// There is none, or it is not to be used.
    None,
    /// The certificate, and the key or what is wrong with it. libpq parses the certificate before it looks at the key, so
    /// a certificate that does not load is the error to report.
    Certificate {
        /// The certificate chain file.
        certificate: LoadedFile,
        /// The key file.
        key: Result<LoadedFile, FileError>,
    },
    /// The certificate of a key with which the program signs ([`FileSettings::external_key`](super::FileSettings)).
    ExternalKey {
        /// The certificate chain file.
        certificate: LoadedFile,
        /// The label of the key.
        key: String,
    },
    /// The certificate file cannot be read: TLS cannot be set up.
    Unusable(FileError),
}

/// The engine in a `sslkey` of the form `engine:keyid`, which libpq takes every value with a colon for; on Windows a colon
/// in the second place belongs to a drive.
///
/// Only a libpq that is built with engines does so, and OpenSSL 4 has none. pgtls has none either, and does not take such a
/// value for a file: whoever moves a key into a token does not want a file of that name to be tried.
pub fn engine_name(sslkey: &str, platform: Platform) -> Option<&str> {
    let (engine, _) = sslkey.split_once(':')?;
    let drive = platform == Platform::Windows && sslkey.as_bytes().get(1) == Some(&b':');
    (!drive).then_some(engine)
}

pub(super) fn load(reporter: &mut Reporter<'_>, disk: &dyn ReadFile) -> Identity {
    let certificate = load_certificate(reporter, disk);
    let Ok(Some(certificate)) = certificate else {
        let why = match reporter.settings.sslcertmode {
            SslCertMode::Disable => SkipReason::CertModeDisable,
            SslCertMode::Allow | SslCertMode::Require => SkipReason::NoCertificate,
        };
        reporter.skip(FileRole::Key, why);
        return certificate.map_or_else(Identity::Unusable, |_| Identity::None);
    };

    let found = reporter.path_of(FileRole::Key);
    if let Some(key) = reporter.settings.external_key {
        reporter.push(FileRole::Key, found, FileState::External);
        return Identity::ExternalKey { certificate, key: key.into() };
    }
    let key = load_key(&found, reporter, disk);
    let state = match &key {
        Ok(_) => FileState::Read,
        Err(error) => FileState::Unusable(error.clone()),
    };
    reporter.push(FileRole::Key, found, state);
    Identity::Certificate { certificate, key }
}

fn load_certificate(
    reporter: &mut Reporter<'_>,
    disk: &dyn ReadFile,
) -> Result<Option<LoadedFile>, FileError> {
    let role = FileRole::Cert;
    if reporter.settings.sslcertmode == SslCertMode::Disable {
        reporter.skip(role, SkipReason::CertModeDisable);
        return Ok(None);
    }
    let found = reporter.path_of(role);
    let Some(path) = found.path.as_deref() else {
        reporter.skip(role, SkipReason::HomeUnknown);
        return Ok(None);
    };

    let result = match reporter.settings.in_memory(role) {
        Some(file) => file.within_bounds().map_err(FileProblem::Unreadable),
        None => match disk.metadata(path) {
            Err(ReadError::NotFound | ReadError::NotADirectory) => {
                reporter.push(role, found, FileState::Missing);
                return Ok(None);
            }
            Err(reason) => Err(FileProblem::Inaccessible(reason)),
            Ok(_) => LoadedFile::read(path, disk).map_err(FileProblem::Unreadable),
        },
    };
    match result {
        Ok(certificate) => {
            reporter.push(role, found, FileState::Read);
            Ok(Some(certificate))
        }
        Err(problem) => {
            let error = FileError::new(role, Some(path), problem);
            reporter.push(role, found, FileState::Unusable(error.clone()));
            Err(error)
        }
    }
}

fn load_key(found: &FilePath, reporter: &Reporter<'_>, disk: &dyn ReadFile) -> Result<LoadedFile, FileError> {
    let platform = reporter.environment.platform;
    let error = |problem| FileError::new(FileRole::Key, found.path.as_deref(), problem);
    if let Some(file) = reporter.settings.in_memory(FileRole::Key) {
        return file.within_bounds().map_err(|reason| error(FileProblem::Unreadable(reason)));
    }
    if let Some(engine) =
        explicit(FileRole::Key, reporter.settings).and_then(|key| engine_name(key, platform))
    {
        return Err(error(FileProblem::Engine { engine: engine.into() }));
    }
    let path = found.path.as_deref().ok_or_else(|| error(FileProblem::HomeUnknown))?;

    let permissions = reporter.settings.key_permissions;
    let metadata = disk.metadata(path).map_err(|reason| {
        error(match reason {
            ReadError::NotFound => FileProblem::Missing(reason),
            _ => FileProblem::Inaccessible(reason),
        })
    })?;
    acceptable(&metadata, permissions, platform).map_err(error)?;
    let (bytes, metadata) = disk.read(path).map_err(|reason| error(FileProblem::Unreadable(reason)))?;
    let key = LoadedFile { path: path.into(), bytes, identity: metadata.identity };
    // Once more, of the file that was opened: the name may have been given to another file in between.
    acceptable(&metadata, permissions, platform).map_err(error)?;
    Ok(key)
}

/// libpq's two conditions on a key file, in its order.
fn acceptable(
    metadata: &Metadata,
    permissions: KeyPermissions,
    platform: Platform,
) -> Result<(), FileProblem> {
    if metadata.kind != FileKind::Regular {
        return Err(FileProblem::NotRegular);
    }
    match permissions {
        KeyPermissions::Check => {
            key_permissions(metadata, platform).map_err(FileProblem::InsecurePermissions)
        }
        KeyPermissions::Ignore => Ok(()),
    }
}
