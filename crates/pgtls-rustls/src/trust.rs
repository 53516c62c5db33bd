//! What a server's chain is verified against: roots and CRLs, parsed once and shared by all sessions.

use crate::error::SetupError;
use pgtls_core::{
    files::{
        CrlCheck, CrlDirectory, CrlFile, Crls, FileRole, Loaded, LoadedFile, Roots, SystemRoots, SystemSource,
    },
    param::Params,
    policy::{Verification, verification},
};
use pgtls_x509::{CrlStore, TrustStore, X509Error};

/// What is verified, and against what.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for all connections of a connector")]
pub(crate) enum Trust {
    /// Nothing is verified.
    Unverified,
    /// The chain is, and perhaps the name.
    Verified {
        /// The certificates that are trusted.
        roots: TrustStore,
        /// The CRLs, when revocation is checked.
        crls: Option<CrlStore>,
        /// The host name is matched too.
        name: bool,
    },
}

impl Trust {
    /// Parses roots and CRLs as far as the mode needs them (libpq: `initialize_SSL`).
    ///
    /// `verify_peer`: `openssl.cnf` wants chains verified. libpq gives OpenSSL nothing to verify them by where it does not
    /// verify them itself, so that none can pass.
    pub(crate) fn new(params: &Params, loaded: &Loaded, verify_peer: bool) -> Result<Self, SetupError> {
        let verification = verification(params.sslmode(), loaded.roots.presence());
        if let (Roots::Missing(_), Some(Verification::None)) = (&loaded.roots, verification) {
            if !verify_peer {
                return Ok(Self::Unverified);
            }
            let roots = TrustStore::from_der(core::iter::empty());
            return Ok(Self::Verified { roots, crls: None, name: false });
        }
        let (roots, crls) = trust(loaded)?;
        Ok(Self::Verified { roots, crls, name: verification == Some(Verification::Full) })
    }

    /// What a session that succeeds has verified.
    pub(crate) fn verification(&self) -> Verification {
        match self {
            Self::Unverified => Verification::None,
            Self::Verified { name: false, .. } => Verification::Ca,
            Self::Verified { name: true, .. } => Verification::Full,
        }
    }
}

/// The roots, and the CRLs if revocation is checked, of loaded files: what a [`Connector`](crate::Connector) judges chains
/// by, for programs that judge one without a session.
///
/// # Errors
/// The roots are missing or do not load (libpq: `initialize_SSL`).
pub fn trust(loaded: &Loaded) -> Result<(TrustStore, Option<CrlStore>), SetupError> {
    match &loaded.roots {
        Roots::Missing(error) | Roots::Unusable(error) => Err(SetupError::File(error.clone())),
        // With the system's roots no CRL of any kind is used.
        Roots::System(system) => {
            let mut roots = system_roots(system);
            add_additional(loaded, &mut roots)?;
            Ok((roots, None))
        }
        Roots::File(file) => {
            let roots = TrustStore::from_pem(&file.bytes).map_err(|error| unusable_roots(file, error))?;
            let mut roots = roots.named(&file.path);
            add_additional(loaded, &mut roots)?;
            let crls = revocation(&loaded.crls, &mut roots)?;
            Ok((roots, crls))
        }
    }
}

/// The roots that the program trusts beside those of `sslrootcert` join them.
fn add_additional(loaded: &Loaded, roots: &mut TrustStore) -> Result<(), SetupError> {
    let additional = loaded.additional_roots.as_ref().map_err(|error| SetupError::File(error.clone()))?;
    additional.iter().try_for_each(|file| {
        roots.add_pem(&file.path, &file.bytes).map_err(|error| unusable_roots(file, error))
    })
}

fn unusable_roots(file: &LoadedFile, error: X509Error) -> SetupError {
    SetupError::Content { role: FileRole::RootCert, path: Some(file.path.clone()), error }
}

/// What the system trusts. As in OpenSSL a file of which a part does not load counts for nothing.
fn system_roots(system: &SystemRoots) -> TrustStore {
    let file = system.file.as_ref().and_then(|file| TrustStore::from_pem(&file.bytes).ok());
    let mut roots =
        file.unwrap_or_else(|| TrustStore::from_der(system.certificates.iter().map(Vec::as_slice)));
    roots = roots.named(&match &system.source {
        SystemSource::Variables { file, directory } => {
            let paths: Vec<&str> = file.iter().chain(directory).map(String::as_str).collect();
            paths.join(" and ")
        }
        _ => "system".to_owned(),
    });
    roots.add_directory(named(&system.directory));
    roots
}

/// Files by the last part of their paths.
fn named(files: &[LoadedFile]) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().map(|file| (split(file).1, file.bytes.as_slice()))
}

/// The directory of a file, and its name in it.
fn split(file: &LoadedFile) -> (&str, &str) {
    file.path.rsplit_once(['/', '\\']).unwrap_or(("", &file.path))
}

/// The directories of `sslcrldir`, each with its files. Those without any make no difference.
fn add_directories(store: &mut CrlStore, roots: &mut TrustStore, found: &CrlDirectory) {
    for (directory, files) in by_directory(&found.files) {
        store.add_directory(directory, named(files));
    }
    if found.files.is_empty() {
        store.add_directory(&found.path, []);
    }
    for (directory, files) in by_directory(&found.certificates) {
        roots.add_from_crl_directory(directory, named(files));
    }
}

/// Files that stand in the order of their directories, directory by directory.
fn by_directory(files: &[LoadedFile]) -> impl Iterator<Item = (&str, &[LoadedFile])> {
    let chunks = files.chunk_by(|one, next| split(one).0 == split(next).0);
    chunks.map(|files| (files.first().map_or("", |file| split(file).0), files))
}

/// The CRLs in force; `None` when revocation is not checked. Certificates that stand among them join the roots.
fn revocation(crls: &Crls, roots: &mut TrustStore) -> Result<Option<CrlStore>, SetupError> {
    let file = match &crls.file {
        CrlFile::Read(file) => crl_file(file)?,
        CrlFile::None | CrlFile::Failed(_) => None,
    };
    let CrlCheck::On { directory, .. } = crls.in_force(file.is_some()).map_err(SetupError::File)? else {
        return Ok(None);
    };
    let mut store = file.unwrap_or_else(CrlStore::empty);
    roots.add_from_crl_file(&store);
    if let Some(found) = crls.directory.as_ref().filter(|_| directory) {
        add_directories(&mut store, roots, found);
    }
    Ok(Some(store))
}

/// The CRLs of the file; `None` when it does not load, which libpq ignores. A file that libpq would load is not ignored only
/// because we do not read it.
fn crl_file(file: &LoadedFile) -> Result<Option<CrlStore>, SetupError> {
    match CrlStore::from_pem(&file.bytes) {
        Ok(store) => Ok(Some(store.named(&file.path))),
        Err(error) if CrlStore::loads_as_ber(&file.bytes) => {
            Err(SetupError::Content { role: FileRole::Crl, path: Some(file.path.clone()), error })
        }
        Err(_) => Ok(None),
    }
}
