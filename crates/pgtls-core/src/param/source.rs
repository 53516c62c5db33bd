//! Where a value came from.

use alloc::sync::Arc;
use core::fmt;

/// Where a value came from, from the strongest origin to the weakest (libpq: `conninfo_add_defaults`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A keyword/value string, at this byte.
    Conninfo {
        /// Byte offset of the keyword in the string.
        at: usize,
    },
    /// A URI, at this byte.
    Uri {
        /// Byte offset of the part in the URI.
        at: usize,
    },
    /// Set by the program that embeds us.
    Program,
    /// A section of a service file.
    Service {
        /// Path of the file.
        file: Arc<str>,
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(&'static str),
    /// The operating system's name of the user.
    OperatingSystem,
    /// libpq's built-in default.
    Default,
    /// Raised to `verify-full` because `sslrootcert=system` and no `sslmode` was given.
    AdjustedForSystem,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conninfo { at } => write!(f, "connection string, byte {at}"),
            Self::Uri { at } => write!(f, "URI, byte {at}"),
            Self::Program => f.write_str("the program"),
            Self::Service { file, line } => write!(f, "service file \"{file}\", line {line}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::OperatingSystem => f.write_str("the operating system"),
            Self::Default => f.write_str("default"),
            Self::AdjustedForSystem => f.write_str("raised because of sslrootcert=system"),
        }
    }
}
