//! Parameters and loaded files, parsed once, and the sessions that are made of them.

use crate::{
    algorithms::Algorithms,
    chain::AcceptedSignatures,
    error::{SetupError, TlsError},
    handshake_log::HandshakeLog,
    identity::Identity,
    options::TlsOptions,
    provider::lacking,
    resolver::Resolver,
    schemes::Schemes,
    session::Session,
    signature,
    signature_cache::SignatureCache,
    sni,
    template::template,
    trust::Trust,
    verifier::{Rules, Verifier},
    versions::VersionRange,
};
use pgtls_core::{
    connect::Warning,
    files::{FileError, Loaded},
    param::Params,
    policy::RootPresence,
};
use pgtls_x509::openssl_conf::Unmapped;
use rustls::ClientConfig;
use std::sync::Arc;

/// Trust, revocation lists and identity, parsed once: share it between connections.
///
/// Whatever is wrong with them is kept, and reported by [`session`](Self::session): libpq looks at its files when TLS
/// starts, and `sslmode=prefer` then goes on in plaintext.
#[derive(Debug)]
pub struct Connector {
    sslsni: bool,
    versions: VersionRange,
    root: RootPresence,
    rules: Result<Arc<Rules>, SetupError>,
    identity: Identity,
    /// What the identity may sign with.
    schemes: Schemes,
    template: Result<ClientConfig, SetupError>,
    /// What the crypto provider lacks, whatever `openssl.cnf` allows.
    lacking: Arc<[&'static str]>,
    unmapped: Vec<Unmapped>,
    ignored_crl_file: Option<FileError>,
}

impl Connector {
    /// Parses what was loaded.
    pub fn new(params: &Params, loaded: &Loaded, options: &TlsOptions) -> Self {
        Self::renewed(params, loaded, options, None)
    }

    /// The same, with what need not be parsed again from a former connector of the same parameters and options.
    pub(crate) fn renewed(
        params: &Params,
        loaded: &Loaded,
        options: &TlsOptions,
        former: Option<&Self>,
    ) -> Self {
        let lacking = lacking(&options.provider);
        let (options, unmapped) = &options.in_force();
        let versions = VersionRange::of(params, options.versions);
        let rules = rules(params, loaded, options);
        let checked = |rules: &Rules| matches!(rules.trust, Trust::Verified { crls: Some(_), .. });
        let ignored_crl_file = rules.as_ref().ok().and_then(|rules| loaded.ignored_crl_file(checked(rules)));
        Self {
            sslsni: params.sslsni(),
            versions,
            root: loaded.roots.presence(),
            rules: rules.map(Arc::new),
            identity: Identity::new(params, &loaded.identity, options, former.map(|former| &former.identity)),
            schemes: options.schemes.clone(),
            template: template(versions, options),
            lacking,
            unmapped: unmapped.clone(),
            ignored_crl_file,
        }
    }

    /// Why the file of CRLs is ignored, as libpq ignores one that does not load: nothing is checked for revocation.
    pub fn ignored_crl_file(&self) -> Option<&FileError> {
        self.ignored_crl_file.as_ref()
    }

    /// The problems with the files that do not prevent a connection: `sslpassword` is cut, the file of CRLs is ignored.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let truncated = self.identity.is_password_truncated.then_some(Warning::SslPasswordTruncated);
        let ignored = self.ignored_crl_file.clone().map(Warning::CrlFileIgnored);
        truncated.into_iter().chain(ignored)
    }

    /// What is wrong with the files, the first of it: what [`session`](Self::session) will say when TLS starts.
    pub fn fault(&self) -> Option<&SetupError> {
        let Identity { certificate, key, .. } = &self.identity;
        self.rules.as_ref().err().or(certificate.as_ref().err()).or(key.as_ref().err())
    }

    /// What `openssl.cnf` asks for and was not applied.
    pub fn unmapped(&self) -> &[Unmapped] {
        &self.unmapped
    }

    /// The TLS side of one connection: its own verifier and its own answer to a request for a certificate.
    ///
    /// `host` is the host of the candidate, for name verification and server name indication; `None` when only an
    /// address is known.
    ///
    /// # Errors
    /// What libpq would complain about first, before anything is sent: roots, CRLs, certificate, server name indication,
    /// key, versions (libpq: `initialize_SSL`).
    pub fn session(&self, host: Option<&str>) -> Result<Session, TlsError> {
        let rules = self.rules.clone()?;
        self.identity.certificate.clone()?;
        let indication = sni::indication(host, self.sslsni).map_err(SetupError::ServerName)?;
        let identity = self.identity.key.clone()?.map(|identity| self.schemes.restrict(identity));
        let mut config = self.template.clone()?;

        let record = Arc::new(HandshakeLog::default());
        let clock = config.time_provider.clone();
        config.client_auth_cert_resolver =
            Arc::new(Resolver { identity, rules: rules.clone(), clock, record: record.clone() });
        let verification = rules.trust.verification();
        let verifier = Verifier { rules, host: host.map(str::to_owned), record: record.clone() };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        let (versions, lacking) = (self.versions, self.lacking.clone());
        Ok(Session::new(Arc::new(config), indication, self.root, verification, versions, lacking, record))
    }
}

impl Connector {
    /// Why one would rather keep the former connector, of the same parameters: a sentence about files that do not load any
    /// more, or are gone. `None` when this one is as good.
    pub(crate) fn regression_from(&self, former: &Self) -> Option<String> {
        if former.fault().is_some() {
            return None;
        }
        let lost = |had: fn(&Self) -> bool| had(former) && !had(self);
        if let Some(fault) = self.fault() {
            Some(fault.to_string())
        } else if lost(Self::verifies) {
            Some("the root certificate file is gone".to_owned())
        } else if lost(Self::checks_revocation) {
            Some("there is no certificate revocation list any more, or it does not load".to_owned())
        } else if lost(Self::has_certificate) {
            Some("the client certificate is gone".to_owned())
        } else {
            None
        }
    }

    fn verifies(&self) -> bool {
        self.rules.as_ref().is_ok_and(|rules| matches!(rules.trust, Trust::Verified { .. }))
    }

    fn checks_revocation(&self) -> bool {
        self.rules.as_ref().is_ok_and(|rules| matches!(rules.trust, Trust::Verified { crls: Some(_), .. }))
    }

    fn has_certificate(&self) -> bool {
        self.identity.key.as_ref().is_ok_and(Option::is_some)
    }
}

fn rules(params: &Params, loaded: &Loaded, options: &TlsOptions) -> Result<Rules, SetupError> {
    let algorithms = Algorithms::new(&options.provider);
    Ok(Rules {
        trust: Trust::new(params, loaded, options.verify_peer)?,
        security_level: options.security_level,
        profile: options.profile,
        naming: options.name_rules,
        hardening: params.hardening(),
        algorithms,
        accepted: AcceptedSignatures::new(VersionRange::of(params, options.versions), options),
        for_chains: algorithms.for_chains(),
        proved: SignatureCache::default(),
        schemes: signature::offered_schemes(options),
    })
}
