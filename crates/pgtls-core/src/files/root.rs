//! The trusted roots: `sslrootcert`, `system`, or `root.crt` in the home directory.

use super::{
    FileError, FileProblem, FileRole, FileSource, FileState, LoadedFile, ReadFile, SYSTEM, SystemRoots,
    report::Reporter, system,
};
use crate::policy::RootPresence;

/// The trusted roots.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The file. If nothing in it loads, TLS cannot be set up.
    File(LoadedFile),
    /// The system's trusted roots (`sslrootcert=system`). An empty store is no fault; it trusts nobody.
    System(SystemRoots),
    /// There is no root file. That is the error of the modes that verify; the others go on without verifying.
    Missing(FileError),
    /// There is one, or it was insisted on, and it cannot be read: TLS cannot be set up in any mode.
    Unusable(FileError),
}

impl Roots {
    /// What the policy asks about the roots.
    pub fn presence(&self) -> RootPresence {
        match self {
            Self::File(_) | Self::Unusable(_) => RootPresence::Found,
            Self::System(_) => RootPresence::System,
            Self::Missing(_) => RootPresence::Missing,
        }
    }
}

pub(super) fn load(reporter: &mut Reporter<'_>, disk: &dyn ReadFile) -> Roots {
    let role = FileRole::RootCert;
    let found = reporter.path_of(role);
    let error = |problem| FileError::new(role, found.path.as_deref(), problem);
    let must_exist =
        found.source == FileSource::Explicit && reporter.settings.hardening.explicit_root_file_must_exist;

    let (roots, state) = match found.path.as_deref() {
        None => {
            let error = error(FileProblem::HomeUnknown);
            (Roots::Missing(error), FileState::Missing)
        }
        Some(SYSTEM) => {
            let system = system::load(reporter.environment, disk);
            let state = FileState::System { source: system.source.clone(), trouble: system.trouble() };
            (Roots::System(system), state)
        }
        // Whatever `stat` fails with counts as missing, a forbidden directory included.
        Some(path) => match (disk.metadata(path), must_exist) {
            (Err(reason), false) => (Roots::Missing(error(FileProblem::Missing(reason))), FileState::Missing),
            (Err(reason), true) => unusable(error(FileProblem::Missing(reason))),
            (Ok(_), _) => match disk.read(path) {
                Ok((bytes, metadata)) => {
                    let file = LoadedFile { path: path.into(), bytes, identity: metadata.identity };
                    (Roots::File(file), FileState::Read)
                }
                Err(reason) => unusable(error(FileProblem::Unreadable(reason))),
            },
        },
    };
    reporter.push(role, found, state);
    roots
}

fn unusable(error: FileError) -> (Roots, FileState) {
    (Roots::Unusable(error.clone()), FileState::Unusable(error))
}
