//! The trusted roots: `sslrootcert`, `system`, or `root.crt` in the home directory.

use super::{
    FileError, FilePath, FileProblem, FileRole, FileSource, FileState, LoadedFile, ReadFile, SYSTEM,
    SkipReason, SystemRoots, report::Reporter, system,
};
use crate::policy::RootPresence;
use alloc::vec::Vec;

/// The trusted roots.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The file, or bytes in its place. If nothing in it loads, TLS cannot be set up.
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

    let read = |file| match file {
        Ok(file) => (Roots::File(file), FileState::Read),
        Err(reason) => unusable(error(FileProblem::Unreadable(reason))),
    };
    let (roots, state) = match (reporter.settings.in_memory(role), found.path.as_deref()) {
        (Some(file), _) => read(file.within_bounds()),
        (None, None) => {
            let error = error(FileProblem::HomeUnknown);
            (Roots::Missing(error), FileState::Missing)
        }
        (None, Some(SYSTEM)) => {
            let system = system::load(reporter.environment, disk);
            let state = FileState::System { source: system.source.clone(), trouble: system.trouble() };
            (Roots::System(system), state)
        }
        // Whatever `stat` fails with counts as missing, a forbidden directory included.
        (None, Some(path)) => match (disk.metadata(path), must_exist) {
            (Err(reason), false) => (Roots::Missing(error(FileProblem::Missing(reason))), FileState::Missing),
            (Err(reason), true) => unusable(error(FileProblem::Missing(reason))),
            (Ok(_), _) => read(LoadedFile::read(path, disk)),
        },
    };
    reporter.push(role, found, state);
    roots
}

/// Loads the roots that the program trusts beside these.
///
/// # Errors
/// One of them is beyond the bounds of a file.
pub(super) fn load_additional(
    reporter: &mut Reporter<'_>,
    roots: &Roots,
) -> Result<Vec<LoadedFile>, FileError> {
    let role = FileRole::RootCert;
    let given = reporter.settings.in_memory.map_or(&[][..], |files| &files.additional_roots);
    let (mut additional, mut fault) = (Vec::new(), None);
    for file in given {
        let path = FilePath { path: Some(file.path.clone()), source: FileSource::Additional };
        let state = match (roots, file.within_bounds()) {
            (Roots::Missing(_) | Roots::Unusable(_), _) => FileState::NotConsulted(SkipReason::NoRootsToJoin),
            (_, Ok(file)) => {
                additional.push(file);
                FileState::Read
            }
            (_, Err(reason)) => {
                let error = FileError::new(role, Some(&file.path), FileProblem::Unreadable(reason));
                fault.get_or_insert_with(|| error.clone());
                FileState::Unusable(error)
            }
        };
        reporter.push(role, path, state);
    }
    fault.map_or(Ok(additional), Err)
}

fn unusable(error: FileError) -> (Roots, FileState) {
    (Roots::Unusable(error.clone()), FileState::Unusable(error))
}
