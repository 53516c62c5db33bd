//! Where something that decides a verdict came from. Stores know the names that they were given; nothing is opened by them.

use alloc::{format, string::String, sync::Arc};
use core::fmt;

/// Where a certificate or CRL that decided a verdict came from, or would have had to come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Source {
    /// The peer sent it.
    #[default]
    Peer,
    /// The root file, or whatever else the trust store was made of, by the name it was
    /// [given](crate::TrustStore::named).
    Roots(Option<Arc<str>>),
    /// The CRL file, by the name it was [given](crate::CrlStore::named).
    CrlFile(Option<Arc<str>>),
    /// A CRL directory by its name, and of its files the one that was read or is missing, `<hash>.r<number>`.
    CrlDirectory {
        /// The directory.
        directory: Arc<str>,
        /// The name of the file in it.
        file: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &Option<Arc<str>>| match name {
            Some(name) => format!(" \"{name}\""),
            None => String::new(),
        };
        match self {
            Self::Peer => f.write_str("what the peer sent"),
            Self::Roots(name) => write!(f, "root certificates{}", quoted(name)),
            Self::CrlFile(name) => write!(f, "CRL file{}", quoted(name)),
            Self::CrlDirectory { directory, file } => {
                write!(f, "file {file} of CRL directory \"{directory}\"")
            }
        }
    }
}
