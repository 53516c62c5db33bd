//! The machine's `openssl.cnf`, read when TLS first starts, and not again: so does OpenSSL.

use pgtls_core::connect::Warning;
use pgtls_rustls::TlsOptions;
use pgtls_x509::openssl_conf::{SystemDefault, Unmapped};
use std::sync::{Arc, OnceLock};

/// What the file says; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpensslConf(Arc<OnceLock<Read>>);

#[derive(Debug)]
struct Read {
    path: String,
    /// What it asks for; nothing when it cannot be used.
    system: Option<Arc<SystemDefault>>,
    /// Why it cannot be used, which is no reason not to connect.
    problem: Option<String>,
}

impl OpensslConf {
    /// It was read, or there is none.
    pub(crate) fn is_read(&self) -> bool {
        self.0.get().is_some()
    }

    /// The options with what the file asks for.
    pub(crate) fn with(&self, tls: &TlsOptions) -> TlsOptions {
        let system = &self.0.get_or_init(Read::new).system;
        let mut tls = tls.clone();
        tls.system.clone_from(system);
        tls
    }

    /// The file cannot be used, or part of it was not applied.
    pub(crate) fn warning(&self, unmapped: &[Unmapped]) -> Option<Warning> {
        let Read { path, problem, .. } = self.0.get()?;
        if let Some(reason) = problem.clone() {
            return Some(Warning::OpensslConfIgnored { reason });
        }
        let settings: Vec<_> = unmapped.iter().map(ToString::to_string).collect();
        (!settings.is_empty()).then(|| Warning::OpensslConfUnmapped { path: path.clone(), settings })
    }
}

impl Read {
    fn new() -> Self {
        match pgtls_os::openssl_conf() {
            Ok(None) => Self { path: String::new(), system: None, problem: None },
            Ok(Some((path, conf))) => {
                Self { path, system: Some(Arc::new(SystemDefault::of(&conf))), problem: None }
            }
            Err(error) => Self { path: String::new(), system: None, problem: Some(error.to_string()) },
        }
    }
}
