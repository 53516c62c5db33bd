//! Certificate revocation lists: `sslcrl`, `sslcrldir`, or `root.crl` in the home directory.

use super::{
    FileError, FilePath, FileProblem, FileReport, FileRole, FileSource, FileState, Loaded, LoadedFile,
    ReadError, ReadFile, Roots, SkipReason, hashed, path::explicit, report::Reporter, system::search_path,
};
use alloc::{string::String, vec::Vec};

/// The most that is read from the directories of `sslcrldir` together. What is over it is left out, and certificates that
/// need it are refused.
pub const MAX_CRL_DIRECTORY_BYTES: usize = 64 << 20;

/// The certificate revocation lists. All of it is empty beside a root file that is missing, and with
/// `sslrootcert=system`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Crls {
    /// The file.
    pub file: CrlFile,
    /// `sslcrldir`.
    pub directory: Option<CrlDirectory>,
    /// A file that does not load is an error (hardening `explicit_crl_must_load`).
    pub file_must_load: bool,
}

/// The CRL file.
#[derive(Clone, Debug, Default)]
pub enum CrlFile {
    /// None counts.
    #[default]
    None,
    /// It was read; whether it loads is for whoever parses it.
    Read(LoadedFile),
    /// It is not there or cannot be read.
    Failed(FileError),
}

/// The files of `sslcrldir`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrlDirectory {
    /// The parameter: one directory, or several with a colon between them (a semicolon on Windows).
    pub path: String,
    /// The files that OpenSSL can come to ask for, `<hash of issuer>.r<n>`, in the order in which it asks: by directory,
    /// then by hash, then by n from 0 without a gap.
    pub files: Vec<LoadedFile>,
    /// The files called `<hash of subject>.<n>`, in the same order: certificates, which OpenSSL trusts as those of the root
    /// file, since both are looked up in one store.
    pub certificates: Vec<LoadedFile>,
}

/// What is checked for revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrlCheck {
    /// Nothing.
    Off,
    /// The whole chain: each issuer needs a current list from one of these sources, the file first.
    On {
        /// The lists of the file count.
        file: bool,
        /// The lists of the directory count.
        directory: bool,
    },
}

impl Crls {
    /// What is in force once somebody has tried to load the file (libpq: `X509_STORE_load_locations` fails as a whole, and
    /// libpq ignores that it did).
    ///
    /// `file_loads` says whether a CRL or certificate was found in [`CrlFile::Read`]; without such a file it is ignored.
    ///
    /// # Errors
    /// The file does not load and must ([`Crls::file_must_load`]), or it is beyond a bound that libpq does not have: libpq
    /// would read it, and without it revoked certificates would pass.
    pub fn in_force(&self, file_loads: bool) -> Result<CrlCheck, FileError> {
        let directory = self.directory.is_some();
        match &self.file {
            CrlFile::None if !directory => Ok(CrlCheck::Off),
            CrlFile::None => Ok(CrlCheck::On { file: false, directory }),
            CrlFile::Read(_) if file_loads => Ok(CrlCheck::On { file: true, directory }),
            CrlFile::Failed(error) if self.file_must_load || is_beyond_our_bounds(error) => {
                Err(error.clone())
            }
            CrlFile::Read(file) if self.file_must_load => {
                Err(FileError::new(FileRole::Crl, Some(&file.path), FileProblem::NothingLoads))
            }
            // A broken file cancels the directory too.
            CrlFile::Read(_) | CrlFile::Failed(_) => Ok(CrlCheck::Off),
        }
    }
}

impl Loaded {
    /// Why the CRL file is passed over, once somebody has tried to load it (`file_loads`, as for [`Crls::in_force`]), so that
    /// nothing is checked for revocation. libpq does so without a word. `None` where the file loads or must load, and where
    /// it is a default file that is not there.
    pub fn ignored_crl_file(&self, file_loads: bool) -> Option<FileError> {
        let Ok(CrlCheck::Off) = self.crls.in_force(file_loads) else { return None };
        let line = self.report.iter().find(|line| line.role == FileRole::Crl)?;
        let by_default = line.source == FileSource::HomeDefault;
        match &self.crls.file {
            CrlFile::None => None,
            CrlFile::Failed(_) if by_default && line.state == FileState::Missing => None,
            CrlFile::Failed(error) => Some(error.clone()),
            CrlFile::Read(file) => {
                Some(FileError::new(FileRole::Crl, Some(&file.path), FileProblem::NothingLoads))
            }
        }
    }

    /// The report, with what came of the CRL file once somebody has tried to load it.
    pub fn report_with(&self, ignored_crl_file: Option<&FileError>) -> Vec<FileReport> {
        let mut report = self.report.clone();
        for line in &mut report {
            if let (FileRole::Crl, FileState::Read, Some(error)) = (line.role, &line.state, ignored_crl_file)
            {
                line.state = FileState::Unusable(error.clone());
            }
        }
        report
    }
}

fn is_beyond_our_bounds(error: &FileError) -> bool {
    matches!(error.problem, FileProblem::Unreadable(ReadError::TooLarge | ReadError::TimedOut))
}

pub(super) fn load(reporter: &mut Reporter<'_>, disk: &dyn ReadFile, roots: &Roots) -> Crls {
    let without_roots = match roots {
        Roots::File(_) => None,
        Roots::System(_) => Some(SkipReason::SystemRoots),
        Roots::Missing(_) | Roots::Unusable(_) => Some(SkipReason::NoRoots),
    };
    if let Some(why) = without_roots {
        reporter.skip(FileRole::Crl, why);
        reporter.skip(FileRole::CrlDir, why);
        return Crls::default();
    }

    let file = load_file(reporter, disk);
    let directory = load_directory(reporter, disk, &file);
    let file_must_load = reporter.settings.hardening.explicit_crl_must_load
        && reporter.path_of(FileRole::Crl).source != FileSource::HomeDefault;
    Crls { file, directory, file_must_load }
}

fn load_file(reporter: &mut Reporter<'_>, disk: &dyn ReadFile) -> CrlFile {
    let role = FileRole::Crl;
    let found = reporter.path_of(role);
    let directory_given = explicit(FileRole::CrlDir, reporter.settings).is_some();
    if found.source == FileSource::HomeDefault && directory_given {
        reporter.skip(role, SkipReason::CrlDirGiven);
        return CrlFile::None;
    }
    let Some(path) = found.path.as_deref() else {
        reporter.skip(role, SkipReason::HomeUnknown);
        return CrlFile::None;
    };

    let failed = |problem| FileError::new(role, Some(path), problem);
    let read = match reporter.settings.in_memory(role) {
        Some(file) => file.within_bounds(),
        None => LoadedFile::read(path, disk),
    };
    let (file, state) = match read {
        Ok(file) => (CrlFile::Read(file), FileState::Read),
        Err(reason @ (ReadError::NotFound | ReadError::NotADirectory)) => {
            (CrlFile::Failed(failed(FileProblem::Missing(reason))), FileState::Missing)
        }
        Err(reason) => {
            let error = failed(FileProblem::Unreadable(reason));
            (CrlFile::Failed(error.clone()), FileState::Unusable(error))
        }
    };
    reporter.push(role, found, state);
    file
}

fn load_directory(reporter: &mut Reporter<'_>, disk: &dyn ReadFile, file: &CrlFile) -> Option<CrlDirectory> {
    let role = FileRole::CrlDir;
    let FilePath { path: Some(path), source } = reporter.path_of(role) else {
        reporter.skip(role, SkipReason::NotGiven);
        return None;
    };
    if let CrlFile::Failed(_) = file {
        reporter.skip(role, SkipReason::CrlFileFailed);
        return None;
    }

    // Whatever comes of the directories, the check is on: with nothing to find, every certificate is refused.
    let mut directory = CrlDirectory { path, files: Vec::new(), certificates: Vec::new() };
    let mut room = MAX_CRL_DIRECTORY_BYTES;
    let mut state = FileState::Missing;
    for one in search_path(&directory.path, reporter.environment.platform) {
        match disk.list(one) {
            Ok(names) => {
                hashed::read(one, ".r", &names, disk, &mut room, &mut directory.files);
                hashed::read(one, ".", &names, disk, &mut room, &mut directory.certificates);
                state = FileState::Listed { files: directory.files.len() };
            }
            Err(ReadError::NotFound | ReadError::NotADirectory) => {}
            Err(reason) if directory.files.is_empty() => {
                state = FileState::Unusable(FileError::new(role, Some(one), FileProblem::Unreadable(reason)));
            }
            Err(_) => {}
        }
    }
    reporter.push(role, FilePath { path: Some(directory.path.clone()), source }, state);
    Some(directory)
}
