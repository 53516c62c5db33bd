//! Where a value came from (spec 1.2).

use alloc::string::String;

/// Where a value came from.
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
        /// Byte offset in the URI.
        at: usize,
    },
    /// Set by the program that embeds us.
    Program,
    /// A section of a service file.
    Service {
        /// Path of the file.
        file: String,
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(&'static str),
    /// libpq's built-in default.
    Default,
    /// Raised to `verify-full` because `sslrootcert=system` (spec 1.2 row 6).
    AdjustedForSystem,
}
