//! Roots, CRLs and identity, read from the disk when TLS is about to start and not before.

use crate::config::Config;
use pgtls_core::files::{FileReport, load};
use pgtls_os::{Disk, append_key_log};
use pgtls_rustls::{Connector, KeyLogLines};
use std::{cell::OnceCell, io, path::PathBuf, sync::Arc};

/// What TLS needs, made once for a connection that may take several attempts.
pub(crate) struct Prepared<'c> {
    config: &'c Config,
    made: OnceCell<Made>,
}

struct Made {
    connector: Connector,
    files: Vec<FileReport>,
    key_log: Option<Arc<KeyLogLines<Append>>>,
}

type Append = Box<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

impl<'c> Prepared<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        Self { config, made: OnceCell::new() }
    }

    pub(crate) fn connector(&self) -> &Connector {
        match &self.config.connector {
            Some(connector) => connector,
            None => &self.made.get_or_init(|| self.make()).connector,
        }
    }

    /// The files that were looked at, and what went wrong without disturbing the connection.
    pub(crate) fn into_report(self) -> (Vec<FileReport>, Vec<String>) {
        let Some(Made { files, key_log, .. }) = self.made.into_inner() else { return Default::default() };
        let trouble = key_log.and_then(|log| log.take_trouble());
        let warning = trouble.map(|error| format!("could not write to the file of sslkeylogfile: {error}"));
        (files, warning.into_iter().collect())
    }

    fn make(&self) -> Made {
        let Config { params, environment, tls, .. } = self.config;
        let loaded = load(params, environment, &Disk);
        let path = params.value("sslkeylogfile").filter(|path| !path.is_empty()).map(PathBuf::from);
        let key_log = path.map(|path| {
            let append: Append = Box::new(move |line| append_key_log(&path, line));
            Arc::new(KeyLogLines::new(append))
        });
        let mut tls = tls.clone();
        if let Some(log) = &key_log {
            tls.key_log.get_or_insert(log.clone());
        }
        let connector = Connector::new(params, &loaded, &tls);
        Made { connector, files: loaded.report, key_log }
    }
}
