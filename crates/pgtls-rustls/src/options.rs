//! What a connector needs besides parameters and files: all of it is handed in, nothing is looked up.

use crate::{external_key::ExternalKey, schemes::Schemes, versions::VersionRange};
use pgtls_core::{
    files::{FileSettings, InMemoryFiles},
    name::NameRules,
    param::{Params, Secret},
};
use pgtls_x509::openssl_conf::{SystemDefault, VersionsOff};
use pgtls_x509::{Profile, SecurityLevel};
use rustls::{KeyLog, crypto::CryptoProvider, pki_types::UnixTime, time_provider::TimeProvider};
use std::{fmt, sync::Arc, time::Duration};

/// What a connector needs besides parameters and files.
#[derive(Clone)]
#[non_exhaustive]
pub struct TlsOptions {
    /// The cryptography (`aws_lc_rs()`, `ring()`, or the program's own).
    pub provider: Arc<CryptoProvider>,
    /// What time it is, for the validity of certificates. This crate reads no clock.
    pub clock: Arc<dyn TimeProvider>,
    /// Where the secrets of sessions are logged (`sslkeylogfile`); `None` logs nothing.
    pub key_log: Option<Arc<dyn KeyLog>>,
    /// Who is asked for the passphrase of an encrypted key; `None` uses `sslpassword` (libpq:
    /// `PQsetSSLKeyPassHook_OpenSSL`).
    pub passphrase: Option<PassphraseHook>,
    /// Roots, CRLs, certificate and key that the program supplies in place of files, and roots of its own beside those of
    /// `sslrootcert`. A [`ConnectorCache`](crate::ConnectorCache) parses them once for all connections that share this value.
    pub files: Option<Arc<InMemoryFiles>>,
    /// The client's private key where it cannot be read; it takes the place of `sslkey`, from a file or from memory.
    pub external_key: Option<Arc<dyn ExternalKey>>,
    /// OpenSSL's security level: which keys, digests, suites and groups are too weak.
    pub security_level: SecurityLevel,
    /// The bounds on the TLS version that hold where the parameters give none.
    pub versions: VersionRange,
    /// What the machine's `openssl.cnf` asks for, which changes the two before and the provider when a connector is made.
    pub system: Option<Arc<SystemDefault>>,
    /// Whose verdict on a server counts where it is verified: OpenSSL's, or webpki's alone.
    pub profile: Profile,
    /// Which release's rules decide whether a certificate is the host's.
    pub name_rules: NameRules,
    /// The versions of TLS that `system` switches off, once it is [in force](Self::in_force).
    pub(crate) versions_off: VersionsOff,
    /// The signature schemes that it allows then.
    pub(crate) schemes: Schemes,
    /// Whether it wants chains verified where the parameters do not.
    pub(crate) verify_peer: bool,
}

/// Asked for the passphrase of the key at this path, or with this label, once for each encrypted key that is loaded. It may ask a person.
/// `None` is an empty passphrase.
pub type PassphraseHook = Arc<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

impl TlsOptions {
    /// libpq's behaviour with this cryptography and this clock.
    pub fn new(provider: Arc<CryptoProvider>, clock: Arc<dyn TimeProvider>) -> Self {
        Self {
            provider,
            clock,
            key_log: None,
            passphrase: None,
            files: None,
            external_key: None,
            security_level: SecurityLevel::DEFAULT,
            versions: VersionRange::ANY,
            system: None,
            profile: Profile::default(),
            name_rules: NameRules::default(),
            versions_off: VersionsOff::default(),
            schemes: Schemes::default(),
            verify_peer: false,
        }
    }
}

impl TlsOptions {
    /// What files are loaded by: the parameters, and what the program supplies in place of files.
    pub fn file_settings<'a>(&'a self, params: &'a Params) -> FileSettings<'a> {
        let mut settings = FileSettings::from(params);
        settings.in_memory = self.files.as_deref();
        settings.external_key = self.external_key.as_ref().map(|key| key.label());
        settings
    }

    /// Whether these are the very same options.
    pub(crate) fn are(&self, other: &Self) -> bool {
        fn same<T: ?Sized>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (one, other) => one.is_none() && other.is_none(),
            }
        }
        Arc::ptr_eq(&self.provider, &other.provider)
            && Arc::ptr_eq(&self.clock, &other.clock)
            && same(self.key_log.as_ref(), other.key_log.as_ref())
            && same(self.passphrase.as_ref(), other.passphrase.as_ref())
            && same(self.files.as_ref(), other.files.as_ref())
            && same(self.external_key.as_ref(), other.external_key.as_ref())
            && same(self.system.as_ref(), other.system.as_ref())
            && self.security_level == other.security_level
            && self.versions == other.versions
            && self.profile == other.profile
            && self.name_rules == other.name_rules
    }

    /// A random number of the provider's, for `load_balance_hosts=random`; 0 if it cannot give one.
    pub fn seed(&self) -> u64 {
        let mut bytes = [0; 8];
        match self.provider.secure_random.fill(&mut bytes) {
            Ok(()) => u64::from_ne_bytes(bytes),
            Err(_) => 0,
        }
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("clock", &self.clock)
            .field("key_log", &self.key_log)
            .field("passphrase", &self.passphrase.is_some())
            .field("files", &self.files)
            .field("external_key", &self.external_key.as_ref().map(|key| key.label()))
            .field("security_level", &self.security_level)
            .field("versions", &self.versions)
            .field("system", &self.system)
            .field("profile", &self.profile)
            .field("name_rules", &self.name_rules)
            .finish_non_exhaustive()
    }
}

/// A clock made of a function that tells the time since 1970.
pub fn clock(now: impl Fn() -> Duration + Send + Sync + 'static) -> Arc<dyn TimeProvider> {
    Arc::new(Clock(now))
}

struct Clock<F>(F);

impl<F: Fn() -> Duration + Send + Sync> TimeProvider for Clock<F> {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch((self.0)()))
    }
}

impl<F> fmt::Debug for Clock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
