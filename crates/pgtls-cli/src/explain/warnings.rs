//! What a careful reviewer would say about these parameters and files.

use super::openssl::Openssl;
use pgtls_core::{
    environment::Environment,
    files::{
        CrlDirectory, CrlFile, FileReport, FileRole, FileSettings, FileSource, FileState, Identity, Loaded,
        Roots, path_of,
    },
    param::{ChannelBinding, Params, Source, SslCertMode, SslMode, TlsVersion},
};
use pgtls_rustls::{Connector, SetupError};
use pgtls_x509::{KeyProblem, X509Error};
use serde::Serialize;

/// A root file with this many certificates is a public bundle rather than the file of a private authority.
const PUBLIC_BUNDLE: usize = 20;

/// A warning: a name to look for, and the sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// Stable name.
    pub(crate) name: &'static str,
    /// What is the matter, and what to do.
    pub(crate) text: String,
}

/// What the rules look at.
pub(crate) struct Subject<'a> {
    /// Parameters.
    pub(crate) params: &'a Params,
    /// Environment.
    pub(crate) environment: &'a Environment,
    /// Files.
    pub(crate) loaded: &'a Loaded,
    /// What TLS makes of them.
    pub(crate) connector: &'a Connector,
    /// OpenSSL's own settings.
    pub(crate) openssl: &'a Openssl,
    /// Whether any host is reached over TCP.
    pub(crate) tcp: bool,
    /// Whether any host is reached over a unix socket.
    pub(crate) unix: bool,
    /// Whether the file of that path exists.
    pub(crate) exists: &'a dyn Fn(&str) -> bool,
}

/// All warnings, the gravest first.
pub(crate) fn warnings(subject: &Subject<'_>) -> Vec<Warning> {
    RULES.iter().filter_map(|(name, rule)| rule(subject).map(|text| Warning { name, text })).collect()
}

type Rule = fn(&Subject<'_>) -> Option<String>;

const RULES: &[(&str, Rule)] = &[
    ("no-tls", no_tls),
    ("opportunistic", opportunistic),
    ("failed-verification-falls-back", failed_verification_falls_back),
    ("require-without-root-file", require_without_root_file),
    ("explicit-root-file-missing", explicit_root_file_missing),
    ("root-file-missing", root_file_missing),
    ("root-file-unusable", root_file_unusable),
    ("root-file-verifies", root_file_verifies),
    ("verify-ca-with-public-roots", verify_ca_with_public_roots),
    ("no-host-to-verify", no_host_to_verify),
    ("crl-ignored", crl_ignored),
    ("crl-directory-empty", crl_directory_empty),
    ("crl-not-used-with-system", crl_not_used_with_system),
    ("client-certificate-missing", client_certificate_missing),
    ("client-certificate-unusable", client_certificate_unusable),
    ("certificate-required-but-absent", certificate_required_but_absent),
    ("channel-binding-without-tls", channel_binding_without_tls),
    ("old-tls", old_tls),
    ("nothing-to-offer", nothing_to_offer),
    ("openssl-conf-broken", openssl_conf_broken),
    ("openssl-conf-not-applied", openssl_conf_not_applied),
    ("openssl-conf-overridden", openssl_conf_overridden),
    ("sslmode-ignored-on-socket", sslmode_ignored_on_socket),
    ("password-in-string", password_in_string),
    ("keys-logged", keys_logged),
];

fn no_tls(s: &Subject<'_>) -> Option<String> {
    (s.tcp && s.params.sslmode() == SslMode::Disable).then(|| {
        "sslmode=disable: everything, the password exchange included, can be read and changed on the way"
            .to_owned()
    })
}

fn opportunistic(s: &Subject<'_>) -> Option<String> {
    let sslmode = s.params.sslmode();
    (s.tcp && matches!(sslmode, SslMode::Allow | SslMode::Prefer)).then(|| {
        let why = if matches!(s.params.source("sslmode"), Some(Source::Default) | None) { " (the default)" } else { "" };
        format!(
            "sslmode={sslmode}{why} protects against nothing: whoever is on the way can talk the client into plain text; use verify-full, or at least require"
        )
    })
}

fn failed_verification_falls_back(s: &Subject<'_>) -> Option<String> {
    (s.tcp
        && s.params.sslmode() == SslMode::Prefer
        && !matches!(s.loaded.roots, Roots::Missing(_))
        && !s.params.hardening().no_plaintext_after_tls_failure)
        .then(|| {
            "the root file makes sslmode=prefer verify the server, but when that fails the connection goes on in plain text".to_owned()
        })
}

fn require_without_root_file(s: &Subject<'_>) -> Option<String> {
    (s.tcp && s.params.sslmode() == SslMode::Require && matches!(s.loaded.roots, Roots::Missing(_))).then(|| {
        "sslmode=require without a root file accepts any certificate, an attacker's too; use verify-full with sslrootcert".to_owned()
    })
}

fn explicit_root_file_missing(s: &Subject<'_>) -> Option<String> {
    if !matches!(s.loaded.roots, Roots::Missing(_)) {
        return None;
    }
    let file = report(s, FileRole::RootCert)?;
    let (path, explicit) = (file.path.as_deref()?, file.source == FileSource::Explicit);
    let verifies = matches!(s.params.sslmode(), SslMode::VerifyCa | SslMode::VerifyFull);
    if !explicit || verifies || !s.tcp || s.params.sslmode() == SslMode::Disable {
        return None;
    }
    let default = default_root_file(s.environment).filter(|default| (s.exists)(default));
    let unused = default
        .map(|default| format!("; {default} exists, but is not used in its place"))
        .unwrap_or_default();
    Some(format!("sslrootcert names {path}, which is not there: the server is not verified at all{unused}"))
}

fn root_file_missing(s: &Subject<'_>) -> Option<String> {
    let Roots::Missing(error) = &s.loaded.roots else { return None };
    let sslmode = s.params.sslmode();
    (s.tcp && matches!(sslmode, SslMode::VerifyCa | SslMode::VerifyFull))
        .then(|| format!("sslmode={sslmode} cannot work: {error}"))
}

fn root_file_unusable(s: &Subject<'_>) -> Option<String> {
    if matches!(s.loaded.roots, Roots::Missing(_)) {
        return None;
    }
    let fault = fault_of(s, &[FileRole::RootCert, FileRole::Crl, FileRole::CrlDir])?;
    Some(format!("TLS cannot be set up: {fault}"))
}

fn root_file_verifies(s: &Subject<'_>) -> Option<String> {
    let sslmode = s.params.sslmode();
    let file = report(s, FileRole::RootCert)?;
    let path = file.path.as_deref()?;
    (s.tcp
        && sslmode == SslMode::Require
        && file.source == FileSource::HomeDefault
        && matches!(s.loaded.roots, Roots::File(_)))
    .then(|| {
        format!(
            "{path} exists: it makes sslmode={sslmode} verify the chain as verify-ca does, and servers of another authority are refused; say verify-ca or verify-full to make it plain"
        )
    })
}

fn verify_ca_with_public_roots(s: &Subject<'_>) -> Option<String> {
    let Roots::File(file) = &s.loaded.roots else { return None };
    let certificates = pgtls_x509::TrustStore::from_pem(&file.bytes).map_or(0, |store| store.len());
    (s.tcp && s.params.sslmode() == SslMode::VerifyCa && certificates >= PUBLIC_BUNDLE).then(|| {
        format!(
            "{} holds {certificates} authorities: sslmode=verify-ca then accepts any server that one of them has ever certified; use verify-full",
            file.path
        )
    })
}

fn no_host_to_verify(s: &Subject<'_>) -> Option<String> {
    let nameless = s.params.hosts().iter().any(|item| item.host.is_none() && item.hostaddr.is_some());
    (nameless && s.params.sslmode() == SslMode::VerifyFull).then(|| {
        "verify-full needs a host name to compare with: hostaddr alone always fails; add host".to_owned()
    })
}

fn crl_ignored(s: &Subject<'_>) -> Option<String> {
    let error = s.connector.ignored_crl_file()?;
    Some(format!(
        "{error}: it is ignored, with sslcrldir if that is given; revoked certificates are accepted"
    ))
}

fn crl_directory_empty(s: &Subject<'_>) -> Option<String> {
    let CrlDirectory { path, files, .. } = s.loaded.crls.directory.as_ref()?;
    (files.is_empty() && matches!(s.loaded.crls.file, CrlFile::None))
        .then(|| format!("sslcrldir {path} holds no revocation list with a hashed name: every server is refused (run openssl rehash there)"))
}

fn crl_not_used_with_system(s: &Subject<'_>) -> Option<String> {
    let given = |keyword| s.params.value(keyword).is_some_and(|value| !value.is_empty());
    (matches!(s.loaded.roots, Roots::System(_)) && (given("sslcrl") || given("sslcrldir"))).then(|| {
        "with sslrootcert=system no revocation list is used: sslcrl and sslcrldir have no effect".to_owned()
    })
}

fn client_certificate_missing(s: &Subject<'_>) -> Option<String> {
    let file = report(s, FileRole::Cert)?;
    let path = file.path.as_deref()?;
    (file.source == FileSource::Explicit && file.state == FileState::Missing).then(|| {
        format!("sslcert names {path}, which is not there: the client connects without a certificate")
    })
}

fn client_certificate_unusable(s: &Subject<'_>) -> Option<String> {
    let fault = fault_of(s, &[FileRole::Cert, FileRole::Key])?;
    let unless = match fault {
        SetupError::Content { error: X509Error::Key(KeyProblem::PassphraseNeeded), .. } => {
            " (unless somebody is there to be asked for it)"
        }
        _ => "",
    };
    Some(format!("TLS cannot be set up: {fault}{unless}"))
}

/// The first fault of the files, if it is about one of these.
fn fault_of<'a>(s: &Subject<'a>, roles: &[FileRole]) -> Option<&'a SetupError> {
    let fault = s.connector.fault().filter(|_| s.tcp && s.params.sslmode() != SslMode::Disable)?;
    let role = match fault {
        SetupError::File(error) => error.role,
        SetupError::Content { role, .. } => *role,
        SetupError::KeyUnsupported { .. } | SetupError::KeyMismatch { .. } => FileRole::Key,
        _ => return None,
    };
    roles.contains(&role).then_some(fault)
}

fn certificate_required_but_absent(s: &Subject<'_>) -> Option<String> {
    (s.params.sslcertmode() == SslCertMode::Require && matches!(s.loaded.identity, Identity::None))
        .then(|| "sslcertmode=require cannot be met: there is no client certificate to send".to_owned())
}

fn channel_binding_without_tls(s: &Subject<'_>) -> Option<String> {
    let plain = s.unix || matches!(s.params.sslmode(), SslMode::Disable | SslMode::Allow | SslMode::Prefer);
    (s.params.channel_binding() == ChannelBinding::Require && plain).then(|| {
        "channel_binding=require needs TLS: a connection that ends up in plain text fails at authentication, after user and database were sent readably".to_owned()
    })
}

fn old_tls(s: &Subject<'_>) -> Option<String> {
    let old = |version| version < TlsVersion::Tls1_2;
    (s.params.ssl_min_protocol_version().is_some_and(old))
        .then(|| "ssl_min_protocol_version allows TLS versions before 1.2, which this program cannot speak: 1.2 is the least".to_owned())
}

fn nothing_to_offer(s: &Subject<'_>) -> Option<String> {
    let why = s.openssl.impossible.as_ref()?;
    s.tcp.then(|| format!("TLS cannot be set up: {why}"))
}

fn openssl_conf_broken(s: &Subject<'_>) -> Option<String> {
    let error = s.openssl.error.as_ref()?;
    Some(format!("{error}: nothing of it is applied, and psql goes on without it too"))
}

fn openssl_conf_not_applied(s: &Subject<'_>) -> Option<String> {
    let path = s.openssl.path.as_ref().filter(|_| !s.openssl.not_applied.is_empty())?;
    Some(format!(
        "{path} asks for what is not applied here, because this program cannot do it or OpenSSL does not know it: {}",
        s.openssl.not_applied.join("; ")
    ))
}

fn openssl_conf_overridden(s: &Subject<'_>) -> Option<String> {
    let path = s.openssl.path.as_ref().filter(|_| !s.openssl.overridden.is_empty())?;
    Some(format!("without effect in {path}: {}", s.openssl.overridden.join("; ")))
}

fn sslmode_ignored_on_socket(s: &Subject<'_>) -> Option<String> {
    let sslmode = s.params.sslmode();
    let given = !matches!(s.params.source("sslmode"), Some(Source::Default) | None);
    (s.unix && given && sslmode >= SslMode::Require).then(|| {
        format!("a unix socket is never encrypted or verified: sslmode={sslmode} has no effect there")
    })
}

fn password_in_string(s: &Subject<'_>) -> Option<String> {
    matches!(s.params.source("password"), Some(Source::Conninfo { .. } | Source::Uri { .. }))
        .then(|| "the password is in the connection string, where the process list and the shell's history show it; a password file (~/.pgpass) is safer".to_owned())
}

fn keys_logged(s: &Subject<'_>) -> Option<String> {
    let path = s.params.value("sslkeylogfile").filter(|path| !path.is_empty())?;
    Some(format!(
        "sslkeylogfile: the keys of the session are written to {path}; whoever reads it can decrypt the connection"
    ))
}

fn report<'a>(s: &Subject<'a>, role: FileRole) -> Option<&'a FileReport> {
    s.loaded.report.iter().find(|report| report.role == role)
}

/// Where the root file would be if no parameter named one.
fn default_root_file(environment: &Environment) -> Option<String> {
    path_of(FileRole::RootCert, &FileSettings::DEFAULT, environment).path
}
