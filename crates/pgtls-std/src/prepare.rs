//! Roots, CRLs and identity, read from the disk when TLS is about to start and not before.

use crate::config::Config;
use pgtls_core::files::{FileReport, load};
use pgtls_os::Disk;
use pgtls_rustls::Connector;
use std::cell::OnceCell;

/// What TLS needs, made once for a connection that may take several attempts.
pub(crate) struct Prepared<'c> {
    config: &'c Config,
    made: OnceCell<(Connector, Vec<FileReport>)>,
}

impl<'c> Prepared<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        Self { config, made: OnceCell::new() }
    }

    pub(crate) fn connector(&self) -> &Connector {
        let Config { params, environment, tls, connector } = self.config;
        if let Some(connector) = connector {
            return connector;
        }
        let (connector, _) = self.made.get_or_init(|| {
            let loaded = load(params, environment, &Disk);
            (Connector::new(params, &loaded, tls), loaded.report)
        });
        connector
    }

    /// The files that were looked at.
    pub(crate) fn into_files(self) -> Vec<FileReport> {
        self.made.into_inner().map(|(_, files)| files).unwrap_or_default()
    }
}
