//! Files whose content the program supplies as bytes, and roots of its own.

use super::{FileIdentity, FileRole, FileSettings, LoadedFile, MAX_FILE_BYTES, ReadError};
use alloc::{string::String, vec::Vec};

/// Content that the program supplies in place of files, for certificates from a secret store, an environment variable or a
/// binary.
///
/// Each of `sslrootcert`, `sslcrl`, `sslcert` and `sslkey` can be given; a file that is not given is looked for as ever, the
/// default file included. Bytes follow every rule of the file that they replace, with the same verdict: their format
/// (`sslrootcert`, `sslcrl`, `sslcert`: PEM; `sslkey`: PEM or DER, encrypted or not), chains and lists of any length,
/// `sslpassword`, the comparison of key and certificate, [`MAX_FILE_BYTES`]. They differ from a file in this alone:
///
/// - **Precedence.** Bytes take precedence over the parameter and over the default file, which is not looked at. The line
///   of the [report](super::FileReport) has the source [`FileSource::Program`](super::FileSource::Program) and names the file
///   that is [replaced](super::FileReport::replaced).
/// - **Existence.** Bytes count as a file that exists and was named by its parameter, not as a default file. With roots from memory `sslmode=require`
///   verifies the chain as it does with a root file, `verify-ca` and `verify-full` have their roots, and `sslcrl` is
///   consulted. In place of `sslrootcert=system` they are the only roots; the parameter still demands `verify-full`.
/// - **`sslcertmode`.** `disable` leaves certificate and key unused. A certificate from memory needs its key, from memory or
///   from the file of `sslkey`; a key from memory is consulted only beside a certificate.
/// - **Permissions.** The key has neither mode nor owner, and is not checked for them.
/// - **Label.** Errors, the passphrase hook and the report show the label where they show a file's path.
///
/// The bytes are wiped on drop and never printed.
///
/// ```
/// use pgtls_core::{
///     environment::{Environment, Platform},
///     files::{FileSettings, FileSource, InMemoryFiles, Roots, load_settings},
/// };
/// # use pgtls_core::files::{Metadata, NativeRoots, ReadError, ReadFile};
/// # struct Disk;
/// # impl ReadFile for Disk {
/// #     fn metadata(&self, _: &str) -> Result<Metadata, ReadError> { Err(ReadError::NotFound) }
/// #     fn read(&self, _: &str) -> Result<(Vec<u8>, Metadata), ReadError> { Err(ReadError::NotFound) }
/// #     fn list(&self, _: &str) -> Result<Vec<String>, ReadError> { Err(ReadError::NotFound) }
/// #     fn native_roots(&self) -> NativeRoots { NativeRoots::default() }
/// # }
/// # let disk = &Disk;
///
/// let files = InMemoryFiles::default().with_sslrootcert("vault:ca", "-----BEGIN CERTIFICATE-----\n…");
/// let mut settings = FileSettings::DEFAULT;
/// settings.sslrootcert = Some("/etc/ca.crt");
/// settings.in_memory = Some(&files);
/// let loaded = load_settings(&settings, &Environment::empty(Platform::Unix), disk);
/// assert!(matches!(loaded.roots, Roots::File(file) if file.path == "vault:ca"));
/// assert_eq!(loaded.report[0].source, FileSource::Program);
/// let replaced = loaded.report[0].replaced.as_ref().and_then(|file| file.path.as_deref());
/// assert_eq!(replaced, Some("/etc/ca.crt"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InMemoryFiles {
    /// In place of the file of `sslrootcert`.
    pub sslrootcert: Option<LoadedFile>,
    /// In place of the file of `sslcrl`.
    pub sslcrl: Option<LoadedFile>,
    /// In place of the file of `sslcert`.
    pub sslcert: Option<LoadedFile>,
    /// In place of the file of `sslkey`.
    pub sslkey: Option<LoadedFile>,
    /// Roots that the program trusts beside those of `sslrootcert`, PEM. libpq has none.
    ///
    /// They join the roots of a chain that is verified, under the same rules, revocation lists included. They are no root file
    /// and replace none: without roots of `sslrootcert` (a file, bytes or `system`) `sslmode=require` verifies
    /// nothing, and `verify-ca` and `verify-full` fail. Each has a line in the report with the source
    /// [`FileSource::Additional`](super::FileSource::Additional). If one does not load, TLS cannot be set up.
    pub additional_roots: Vec<LoadedFile>,
}

impl InMemoryFiles {
    /// The same with these roots in place of the file of `sslrootcert`.
    #[must_use]
    pub fn with_sslrootcert(mut self, label: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        self.sslrootcert = Some(LoadedFile::in_memory(label.into(), pem.into()));
        self
    }

    /// The same with these revocation lists in place of the file of `sslcrl`.
    #[must_use]
    pub fn with_sslcrl(mut self, label: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        self.sslcrl = Some(LoadedFile::in_memory(label.into(), pem.into()));
        self
    }

    /// The same with this certificate, followed by its intermediates, in place of the file of `sslcert`.
    #[must_use]
    pub fn with_sslcert(mut self, label: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        self.sslcert = Some(LoadedFile::in_memory(label.into(), pem.into()));
        self
    }

    /// The same with this private key in place of the file of `sslkey`. The vector that is passed is wiped in the end; copies
    /// of the caller's are not.
    #[must_use]
    pub fn with_sslkey(mut self, label: impl Into<String>, pem_or_der: impl Into<Vec<u8>>) -> Self {
        self.sslkey = Some(LoadedFile::in_memory(label.into(), pem_or_der.into()));
        self
    }

    /// The same with these [additional roots](Self::additional_roots) beside those that it has.
    #[must_use]
    pub fn with_additional_roots(mut self, label: impl Into<String>, pem: impl Into<Vec<u8>>) -> Self {
        self.additional_roots.push(LoadedFile::in_memory(label.into(), pem.into()));
        self
    }

    fn of_role(&self, role: FileRole) -> Option<&LoadedFile> {
        match role {
            FileRole::RootCert => self.sslrootcert.as_ref(),
            FileRole::Crl => self.sslcrl.as_ref(),
            FileRole::CrlDir => None,
            FileRole::Cert => self.sslcert.as_ref(),
            FileRole::Key => self.sslkey.as_ref(),
        }
    }
}

impl LoadedFile {
    fn in_memory(label: String, bytes: Vec<u8>) -> Self {
        Self { path: label, bytes, identity: FileIdentity::default() }
    }

    /// The content as reading a file of this size returns it.
    pub(super) fn within_bounds(&self) -> Result<Self, ReadError> {
        if self.bytes.len() > MAX_FILE_BYTES { Err(ReadError::TooLarge) } else { Ok(self.clone()) }
    }
}

impl<'a> FileSettings<'a> {
    /// The bytes in place of the file of this role.
    pub(super) fn in_memory(&self, role: FileRole) -> Option<&'a LoadedFile> {
        self.in_memory?.of_role(role)
    }

    /// The label of what the program supplies in place of the file of this role.
    pub(super) fn label(&self, role: FileRole) -> Option<&'a str> {
        let external_key = self.external_key.filter(|_| role == FileRole::Key);
        external_key.or_else(|| self.in_memory(role).map(|file| file.path.as_str()))
    }
}
