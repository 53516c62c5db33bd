//! The exit codes, which scripts rely on.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Connected, verified, explained: what was asked for.
    Success,
    /// Not connected, or not verified.
    Failure,
    /// The command line itself is wrong (`EX_USAGE` of `sysexits.h`).
    Usage,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 2,
            Self::Usage => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
