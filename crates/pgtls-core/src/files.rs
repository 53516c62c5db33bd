//! Which files libpq reads for TLS, why these, and what it means when one is not there.
//!
//! The rules are data ([`FILES`]) and pure functions; the disk is behind [`ReadFile`]. [`load`] walks the files in
//! libpq's order (libpq: `initialize_SSL` in `fe-secure-openssl.c`) and never fails: what is wrong stays in the part it
//! concerns and comes to light where libpq would notice it, which is when TLS starts. That moment matters, because under
//! `sslmode=prefer` a broken file is answered with a plaintext connection.
//!
//! What is *inside* a file is not judged here: whether a root file, a CRL or a key parses is for whoever holds a parser.
//!
//! Which files these are can be told without a disk; what became of them, with one, is in [`Loaded::report`]:
//!
//! ```
//! use pgtls_core::{
//!     environment::{Environment, Platform},
//!     files::{FILES, path_of},
//!     param::{Ability, Params, Settings},
//! };
//!
//! let environment =
//!     Environment::empty(Platform::Unix).with_variable("PGUSER", "u").with_variable("HOME", "/home/u");
//! let settings = Settings::parse("host=db.example.com sslrootcert=/etc/ca.crt")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//!
//! let path = |parameter| {
//!     let rule = FILES.iter().find(|rule| rule.parameter == parameter)?;
//!     path_of(rule.role, &(&params).into(), &environment).path
//! };
//! assert_eq!(path("sslrootcert").as_deref(), Some("/etc/ca.crt"));
//! assert_eq!(path("sslkey").as_deref(), Some("/home/u/.postgresql/postgresql.key"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crl;
mod disk;
mod error;
mod fingerprint;
mod hashed;
mod identity;
mod memory;
mod path;
mod permission;
mod report;
mod root;
mod rule;
mod system;

pub use crl::{CrlCheck, CrlDirectory, CrlFile, Crls, MAX_CRL_DIRECTORY_BYTES};
pub use disk::{
    FileIdentity, FileKind, LoadedFile, MAX_DIRECTORY_ENTRIES, MAX_FILE_BYTES, Metadata, ReadError, ReadFile,
};
pub use error::{FileError, FileProblem};
pub use fingerprint::{FileFingerprint, load_fingerprinted};
pub use identity::{Identity, engine_name};
pub use memory::InMemoryFiles;
pub use path::{FilePath, FileSource, MAX_PATH_BYTES, SYSTEM, path_of};
pub use permission::{InsecurePermissions, KeyPermissions, key_permissions};
pub use report::{FileReport, FileState, SkipReason};
pub use root::Roots;
pub use rule::{FILES, FileRole, FileRule};
pub use system::{MAX_CERT_DIRECTORY_BYTES, NativeRoots, SystemRoots, SystemSource};

use crate::{
    environment::Environment,
    hardening::Hardening,
    param::{Params, SslCertMode},
};
use alloc::vec::Vec;
use report::Reporter;

/// What the parameters say about files. An empty text counts as not given, as in libpq.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FileSettings<'a> {
    /// `sslrootcert`.
    pub sslrootcert: Option<&'a str>,
    /// `sslcrl`.
    pub sslcrl: Option<&'a str>,
    /// `sslcrldir`.
    pub sslcrldir: Option<&'a str>,
    /// `sslcert`.
    pub sslcert: Option<&'a str>,
    /// `sslkey`.
    pub sslkey: Option<&'a str>,
    /// `sslcertmode`; `disable` keeps certificate and key untouched.
    pub sslcertmode: SslCertMode,
    /// Whether the permissions of the key file are checked.
    pub key_permissions: KeyPermissions,
    /// The hardenings that concern files.
    pub hardening: Hardening,
    /// Content that the program supplies in place of files, and roots of its own.
    pub in_memory: Option<&'a InMemoryFiles>,
    /// The label of a key with which the program signs. It takes the place of `sslkey`, from a file or from memory; the key
    /// is neither looked for nor read.
    pub external_key: Option<&'a str>,
}

impl FileSettings<'_> {
    /// Nothing given: the default files, by libpq's rules.
    pub const DEFAULT: Self = Self {
        sslrootcert: None,
        sslcrl: None,
        sslcrldir: None,
        sslcert: None,
        sslkey: None,
        sslcertmode: SslCertMode::Allow,
        key_permissions: KeyPermissions::Check,
        hardening: Hardening::NONE,
        in_memory: None,
        external_key: None,
    };
}

impl<'a> From<&'a Params> for FileSettings<'a> {
    fn from(params: &'a Params) -> Self {
        Self {
            sslrootcert: params.value("sslrootcert"),
            sslcrl: params.value("sslcrl"),
            sslcrldir: params.value("sslcrldir"),
            sslcert: params.value("sslcert"),
            sslkey: params.value("sslkey"),
            sslcertmode: params.sslcertmode(),
            key_permissions: params.key_permissions(),
            hardening: params.hardening(),
            in_memory: None,
            external_key: None,
        }
    }
}

/// The files of TLS, and the report on each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The trusted roots.
    pub roots: Roots,
    /// The roots that the program trusts beside them, or the first of them that is too large; empty where there are none to
    /// join.
    pub additional_roots: Result<Vec<LoadedFile>, FileError>,
    /// The certificate revocation lists.
    pub crls: Crls,
    /// The client's certificate and key.
    pub identity: Identity,
    /// One line per file, in the order of [`FILES`], and one for each of the additional roots after that of the root file.
    pub report: Vec<FileReport>,
}

/// Reads the files that libpq reads for these parameters.
///
/// libpq reports trouble in the order roots, certificate, server name indication, key: whoever turns the parts into a TLS
/// session keeps to it.
pub fn load(params: &Params, environment: &Environment, disk: &dyn ReadFile) -> Loaded {
    load_settings(&params.into(), environment, disk)
}

/// [`load`] for callers that have no [`Params`], or content of their own ([`InMemoryFiles`]).
pub fn load_settings(settings: &FileSettings<'_>, environment: &Environment, disk: &dyn ReadFile) -> Loaded {
    let mut reporter = Reporter { settings, environment, lines: Vec::with_capacity(FILES.len()) };
    let roots = root::load(&mut reporter, disk);
    let additional_roots = root::load_additional(&mut reporter, &roots);
    let crls = crl::load(&mut reporter, disk, &roots);
    let identity = identity::load(&mut reporter, disk);
    Loaded { roots, additional_roots, crls, identity, report: reporter.lines }
}
