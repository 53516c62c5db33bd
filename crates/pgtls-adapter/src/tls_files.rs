//! Roots, CRLs and identity, looked at on the disk when TLS is about to start and not before; and the file of secrets.
//!
//! Looking at files and reading them, deriving the key of an encrypted one and writing to the disk block, so each is a piece of [`BlockingTask`] that
//! can be done elsewhere.

use crate::config::{Config, ConfigRef};
use pgtls_core::connect::{Note, Warning};
use pgtls_os::{Disk, append_key_log};
use pgtls_rustls::{Cached, KeyLogLines, Session, TlsError};
use rustls::crypto::SecureRandom;
use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroizing;

/// What TLS needs, loaded once for a connection that may take several attempts.
pub(crate) struct TlsFiles<'c> {
    config: ConfigRef<'c>,
    loaded: Option<LoadedTls>,
}

/// What was found.
struct LoadedTls {
    cached: Cached,
    /// The problem with OpenSSL's configuration file.
    warning: Option<Warning>,
    key_log: Option<Arc<KeyLogFile>>,
    is_noted: bool,
}

impl<'c> TlsFiles<'c> {
    pub(crate) fn new(config: ConfigRef<'c>) -> Self {
        Self { config, loaded: None }
    }

    /// The randomness of the crypto provider.
    pub(crate) fn random(&self) -> &'static dyn SecureRandom {
        self.config.tls.provider.secure_random
    }

    /// The TLS side of a connection to this host, or the work that has to be done before.
    pub(crate) fn session(
        &mut self,
        host: Option<&str>,
    ) -> Result<Result<Session, TlsError>, BlockingTask<'c>> {
        if let Some(connector) = &self.config.connector {
            return Ok(connector.session(host));
        }
        if self.loaded.is_none() {
            self.loaded = LoadedTls::try_cached(&self.config);
        }
        let Some(LoadedTls { cached, key_log, .. }) = &self.loaded else {
            return Err(BlockingTask(TaskKind::Load(self.config.clone())));
        };
        Ok(cached.connector.session(host).map(|session| {
            // What the program has to say about it counts for more than the parameter.
            match key_log.clone().filter(|_| self.config.tls.key_log.is_none()) {
                Some(log) => session.with_key_log(Arc::new(log.lines())),
                None => session,
            }
        }))
    }

    /// The secrets that were logged and are not in the file yet.
    pub(crate) fn unwritten(&self) -> Option<BlockingTask<'c>> {
        let log = self.loaded.as_ref()?.key_log.as_ref()?;
        (!log.pending().is_empty()).then(|| BlockingTask(TaskKind::Append(log.clone())))
    }

    pub(crate) fn completed(&mut self, result: BlockingResult) {
        if let BlockingResult(Some(loaded)) = result {
            self.loaded.get_or_insert(*loaded);
        }
    }

    /// The deadline passed before the work was done. Lines that are not in the key log by then are not written.
    pub(crate) fn expired(&self, error: &io::Error) {
        if let Some(log) = self.loaded.as_ref().and_then(|loaded| loaded.key_log.as_ref()) {
            log.pending().clear();
            let path = log.path.display().to_string();
            log.warnings().push(Warning::KeyLogSkipped { path, reason: error.to_string() });
        }
    }

    /// The files that were looked at and the warnings, each once.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        let Some(LoadedTls { cached, warning, key_log, is_noted }) = &mut self.loaded else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        if !std::mem::replace(is_noted, true) {
            notes.extend(cached.files.iter().cloned().map(Note::File));
            let kept =
                cached.kept.as_ref().map(|reason| Warning::FilesKept { reason: (**reason).to_owned() });
            let warnings = warning.take().into_iter().chain(kept).chain(cached.connector.warnings());
            notes.extend(warnings.map(Note::Warning));
        }
        if let Some(log) = key_log {
            notes.extend(std::mem::take(&mut *log.warnings()).into_iter().map(Note::Warning));
        }
        notes
    }
}

/// Something that blocks: reading files and deriving keys, or writing secrets to the file of `sslkeylogfile`.
pub struct BlockingTask<'c>(TaskKind<'c>);

enum TaskKind<'c> {
    Load(ConfigRef<'c>),
    Append(Arc<KeyLogFile>),
}

/// What came of [`BlockingTask`].
pub struct BlockingResult(Option<Box<LoadedTls>>);

impl BlockingTask<'_> {
    /// Does it, on this thread.
    pub fn run(self) -> BlockingResult {
        match self.0 {
            TaskKind::Load(config) => BlockingResult(Some(Box::new(LoadedTls::of(&config)))),
            TaskKind::Append(log) => {
                log.write();
                BlockingResult(None)
            }
        }
    }

    /// The same work, to be done on another thread.
    pub fn detached(self) -> BlockingTask<'static> {
        BlockingTask(match self.0 {
            TaskKind::Load(config) => TaskKind::Load(config.into_shared()),
            TaskKind::Append(log) => TaskKind::Append(log),
        })
    }
}

impl LoadedTls {
    /// Looks at the files, and reads those that have changed.
    fn of(config: &Config) -> Self {
        let Config { params, environment, cache, .. } = config;
        let options = config.options();
        Self::from(config, cache.connector(params, environment, &options, &Disk))
    }

    /// The same, if that waits for nobody.
    fn try_cached(config: &Config) -> Option<Self> {
        let Config { params, environment, cache, .. } = config;
        let options = config.try_options()?;
        Some(Self::from(config, cache.try_cached(params, environment, &options, &Disk)?))
    }

    fn from(config: &Config, cached: Cached) -> Self {
        let warning = config.warning(&cached.connector);
        let path = config.params.value("sslkeylogfile").filter(|path| !path.is_empty());
        let key_log = path.map(|path| Arc::new(KeyLogFile::new(path.into())));
        Self { cached, warning, key_log, is_noted: false }
    }
}

/// The file of `sslkeylogfile`, and the lines that are to be appended to it.
struct KeyLogFile {
    path: PathBuf,
    pending: Mutex<Vec<Zeroizing<String>>>,
    /// One for each line that could not be written (libpq: `SSL_CTX_keylog_cb`).
    warnings: Mutex<Vec<Warning>>,
}

impl KeyLogFile {
    fn new(path: PathBuf) -> Self {
        Self { path, pending: Mutex::default(), warnings: Mutex::default() }
    }

    /// Where rustls puts the secrets.
    fn lines(self: Arc<Self>) -> KeyLogLines<impl Fn(&str) -> io::Result<()> + Send + Sync> {
        KeyLogLines::new(move |line: &str| {
            self.pending().push(Zeroizing::new(line.to_owned()));
            Ok(())
        })
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Zeroizing<String>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warnings(&self) -> MutexGuard<'_, Vec<Warning>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        let lines = std::mem::take(&mut *self.pending());
        for line in lines {
            if let Err(warning) = append_key_log(&self.path, &line) {
                self.warnings().push(warning);
            }
        }
    }
}

impl fmt::Debug for BlockingTask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            TaskKind::Load(_) => "BlockingTask(load)",
            TaskKind::Append(_) => "BlockingTask(append)",
        })
    }
}

impl fmt::Debug for BlockingResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingResult").field(&self.0.as_ref().map(|loaded| &loaded.cached.files)).finish()
    }
}
