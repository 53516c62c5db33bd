//! A connector that is parsed once and again when its files have changed.

use crate::{connector::Connector, options::TlsOptions};
use arc_swap::ArcSwapOption;
use pgtls_core::{
    environment::Environment,
    files::{FileFingerprint, FileReport, ReadFile, load_fingerprinted},
    param::Params,
};
use std::{fmt, sync::Arc, time::Duration};

/// What becomes of a connection when the files have changed and what stands there now cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BrokenFiles {
    /// It fails, or goes on with what is left, as libpq's would.
    #[default]
    Fail,
    /// It uses what was read before. Files that are gone count as broken: roots or CRLs that were checked and a certificate
    /// that was sent do not silently stop to be.
    KeepLastGood,
}

/// The connector of one configuration, for any number of connections and threads.
///
/// libpq reads and parses its files for each connection. Here they are looked at each time, and read only if one of them has
/// changed: overwritten, replaced by renaming, reached through a link that points elsewhere now, gone, or new. Looking takes
/// no lock; whoever finds a change reads the files for itself and leaves the result to others. What cannot be told from what
/// it was before is read each time: pipes, and files that were changed in the last two seconds.
///
/// What the program supplies in place of files ([`TlsOptions::files`]) is parsed once. It keeps one connector. Asked for that of other parameters it makes that one and forgets the one before.
#[derive(Default)]
pub struct ConnectorCache {
    broken: BrokenFiles,
    entry: ArcSwapOption<Entry>,
}

/// A connector as [`ConnectorCache::connector`] finds it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cached {
    /// The connector.
    pub connector: Arc<Connector>,
    /// The files that were looked at.
    pub files: Arc<[FileReport]>,
    /// With [`BrokenFiles::KeepLastGood`]: the files have changed and this is what is wrong with them, in a sentence; the
    /// connector is made of what was there before.
    pub kept: Option<Arc<str>>,
}

struct Entry {
    params: Params,
    environment: Environment,
    options: TlsOptions,
    stamp: FileFingerprint,
    settled: bool,
    cached: Cached,
}

impl ConnectorCache {
    /// With libpq's behaviour when files are broken.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this behaviour when files are broken.
    pub fn with(broken: BrokenFiles) -> Self {
        Self { broken, entry: ArcSwapOption::empty() }
    }

    /// The connector, if it can be had without waiting: it is there, its files have not changed, and to see so took no more
    /// than the file systems of this machine. `None` says nothing about the files: ask [`connector`](Self::connector), on a
    /// thread that may wait.
    pub fn try_cached(
        &self,
        params: &Params,
        environment: &Environment,
        options: &TlsOptions,
        disk: &dyn ReadFile,
    ) -> Option<Cached> {
        let entry = self.entry.load();
        let known = entry.as_deref()?;
        (known.stamp.is_at_hand() && known.is_for(params, environment, options) && known.is_current(disk))
            .then(|| known.cached.clone())
    }

    /// The connector for the files as they are now. The time comes from the clock of the options.
    pub fn connector(
        &self,
        params: &Params,
        environment: &Environment,
        options: &TlsOptions,
        disk: &dyn ReadFile,
    ) -> Cached {
        let entry = self.entry.load();
        let known = entry.as_deref().filter(|entry| entry.is_for(params, environment, options));
        if let Some(known) = known
            && known.is_current(disk)
        {
            return known.cached.clone();
        }

        let (loaded, stamp) = load_fingerprinted(&options.file_settings(params), environment, disk);
        // Of files that were changed in these seconds the identity says nothing.
        let reusable = known.filter(|known| known.settled).map(|known| &*known.cached.connector);
        let connector = Connector::renewed(params, &loaded, options, reusable);
        let now =
            options.clock.current_time().map_or(Duration::ZERO, |now| Duration::from_secs(now.as_secs()));
        let settled = stamp.is_conclusive(now);
        let files = loaded.report_with(connector.ignored_crl_file()).into();
        let kept = match (self.broken, known) {
            (BrokenFiles::KeepLastGood, Some(known)) => {
                let former = &known.cached.connector;
                connector.regression_from(former).map(|why| (former.clone(), why.into()))
            }
            _ => None,
        };
        let (connector, kept) = match kept {
            Some((former, why)) => (former, Some(why)),
            None => (Arc::new(connector), None),
        };
        let cached = Cached { connector, files, kept };
        self.entry.store(Some(Arc::new(Entry {
            params: params.clone(),
            environment: environment.clone(),
            options: options.clone(),
            stamp,
            settled,
            cached: cached.clone(),
        })));
        cached
    }
}

impl Entry {
    fn is_for(&self, params: &Params, environment: &Environment, options: &TlsOptions) -> bool {
        self.options.are(options) && self.params == *params && self.environment == *environment
    }

    /// The files are what they were.
    fn is_current(&self, disk: &dyn ReadFile) -> bool {
        self.settled && self.stamp.holds(disk)
    }
}

impl fmt::Debug for ConnectorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cached = self.entry.load().as_ref().map(|entry| entry.cached.clone());
        f.debug_struct("ConnectorCache").field("broken", &self.broken).field("cached", &cached).finish()
    }
}
