//! The verdict as data: the JSON object is this structure, the text for people is written from it.

use super::material::{self, Found, Material};
use crate::{
    advice::advice,
    arguments::{PurposeArgument, VerifyArguments},
    certificate::{self, Certificate},
    error_class,
    labels::FileLine,
};
use pgtls_core::{
    hardening::Hardening,
    name::{NameRules, match_host, printable_name},
    param::TlsVersion,
};
use pgtls_rustls::{Profile, TlsOptions, authenticating_versions, clock, verify_chain};
use pgtls_x509::{PathError, Purpose, X509Error, openssl_conf::SystemDefault};
use rustls_pki_types::UnixTime;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) arguments: &'a VerifyArguments,
    /// The host to compare with, if names are compared.
    pub(super) host: Option<&'a str>,
    pub(super) time: UnixTime,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// `none`, `ca` or `full`.
    pub(super) verified: &'static str,
    /// The name in the certificate that is the host's.
    pub(super) matched_name: Option<String>,
    /// One word for the kind of failure, as `pgtls connect` has it.
    pub(super) error_class: Option<&'static str>,
    /// The reason.
    pub(super) error: Option<String>,
    /// OpenSSL's verdict on the chain, where it has one.
    pub(super) openssl: Option<OpensslVerdict>,
    /// What decided: the file that a certificate or CRL is in, or would have been found in.
    pub(super) decided_by: Vec<String>,
    /// What to do.
    pub(super) advice: Option<&'static str>,
    /// The path that was accepted, from the peer's certificate to the root; else the chain as it was presented.
    pub(super) certificates: Vec<Certificate>,
    /// The chain is trusted, whatever its names.
    pub(super) chain_trusted: bool,
    /// Files.
    pub(super) files: Vec<FileLine>,
    /// What does not change the verdict, and what a person should know.
    pub(super) notes: Vec<String>,
}

/// OpenSSL's words for a verdict.
#[derive(Debug, Serialize)]
pub(super) struct OpensslVerdict {
    /// `X509_V_ERR_` and so on.
    pub(super) name: &'static str,
    /// Its number.
    pub(super) number: u16,
    /// Place in the chain; 0 is the peer's own certificate.
    pub(super) depth: usize,
}

impl Verdict {
    /// Judges.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let Found { files, material, unchecked } = material::read(request.arguments);
        let mut verdict = Self {
            verified: "none",
            matched_name: None,
            error_class: None,
            error: None,
            openssl: None,
            decided_by: Vec::new(),
            advice: None,
            certificates: Vec::new(),
            chain_trusted: false,
            files: files.iter().map(FileLine::from).collect(),
            notes: unchecked
                .iter()
                .map(|why| format!("nothing is checked for revocation, as in a connection: {why}"))
                .collect(),
        };
        match material {
            Ok(material) => verdict.judge(request, &material),
            Err(unusable) => verdict.refuse(unusable.error_class, unusable.error),
        }
        verdict
    }

    fn judge(&mut self, request: &Request<'_>, material: &Material) {
        self.certificates = certificate::describe(&material.chain);
        let Some(leaf) = material.chain.first() else { return };
        let chain: Vec<&[u8]> = material.chain.iter().map(AsRef::as_ref).collect();
        let tls = tls_options(request.arguments);
        let purpose = match request.arguments.purpose {
            PurposeArgument::Server => Purpose::Server,
            PurposeArgument::Client => Purpose::Client,
        };
        let trust = (&material.trust, material.crls.as_ref());
        match verify_chain(&chain, trust, request.time, purpose, &tls) {
            Ok(path) => {
                self.verified = "ca";
                self.chain_trusted = true;
                self.certificates = path.describe().iter().map(Certificate::from).collect();
            }
            Err(error) => return self.refuse_chain(&error),
        }
        if authenticating_versions(leaf, purpose, &tls).is_ok_and(|versions| versions == [TlsVersion::Tls1_3])
        {
            self.notes.push(
                "a connection with this certificate takes TLS 1.3; with TLS 1.2 it is refused".to_owned(),
            );
        }
        if let Some(host) = request.host {
            self.compare(leaf, host, tls.profile);
        }
    }

    fn refuse_chain(&mut self, error: &X509Error) {
        self.refuse(error_class::of_chain(error), error.to_string());
        if let Some(PathError { verdict, depth, decided_by, .. }) = error.path() {
            self.decided_by = decided_by.iter().map(ToString::to_string).collect();
            self.advice = Some(verdict.advice());
            self.openssl = verdict.name().zip(verdict.number()).map(|(name, number)| OpensslVerdict {
                name,
                number,
                depth: *depth,
            });
        }
    }

    fn compare(&mut self, leaf: &[u8], host: &str, profile: Profile) {
        let names = match profile.presented_names(leaf) {
            Ok(names) => names,
            Err(error) => {
                let error = format!("the names in the certificate cannot be read: {error}");
                return self.refuse("bad-server-name", error);
            }
        };
        match match_host(Some(host), &names.peer_names(), NameRules::default(), Hardening::NONE) {
            Ok(matched) => {
                self.verified = "full";
                self.matched_name = Some(printable_name(matched.name()));
            }
            Err(mismatch) => self.refuse(error_class::of_host(&mismatch), mismatch.to_string()),
        }
    }

    fn refuse(&mut self, error_class: &'static str, error: String) {
        self.verified = "none";
        self.error_class = Some(error_class);
        self.error = Some(error);
        self.advice = advice(error_class);
    }
}

/// The options of a connection on this machine, whose `openssl.cnf` may set the security level, versions and signature schemes.
fn tls_options(arguments: &VerifyArguments) -> TlsOptions {
    // The time of the verification is given elsewhere.
    let mut tls = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::ZERO));
    tls.profile = Profile::from(arguments.profile);
    // A file that cannot be used counts for nothing; `pgtls explain` tells why.
    if let Ok(Some((_, conf))) = pgtls_os::openssl_conf() {
        tls.system = Some(Arc::new(SystemDefault::of(&conf)));
    }
    tls
}
