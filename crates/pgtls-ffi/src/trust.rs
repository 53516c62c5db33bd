//! Trusted roots and CRLs.

use crate::{
    boundary::{free, give, give_text, guarded, handle, nothing_yet, put, values},
    labels::pgtls_root,
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_FILE},
};
use pgtls_core::{
    environment::Environment,
    files::{self, FilePath, FileRole, FileSource, path_of},
    hardening::Hardening,
    param::{Params, SslMode},
    policy::{RootPresence, verification},
};
use pgtls_rustls::{TlsOptions, VersionRange, clock};
use pgtls_x509::{CrlStore, TrustStore, openssl_conf::SystemDefault};
use std::{
    ffi::c_char,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Trusted roots, and the CRLs in force.
pub struct pgtls_trust {
    id: TrustId,
    origin: Origin,
    pub(crate) presence: RootPresence,
    hardening: Hardening,
    options: TlsOptions,
    /// Why there is nothing to verify with, if there is not.
    material: Result<(TrustStore, Option<CrlStore>), String>,
}

/// Number of a trust, which no other trust of the process has, before or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrustId(u64);

impl TrustId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Source of roots and CRLs.
enum Origin {
    /// The files that parameters name.
    Files(TrustSettings),
    /// The program.
    Memory,
}

/// Everything in parameters and environment that decides which roots and CRLs are used. Equal settings read the same files.
#[derive(Debug, PartialEq)]
pub(crate) struct TrustSettings {
    paths: [FilePath; 3],
    /// Of the system's roots.
    variables: [Option<String>; 2],
    hardening: Hardening,
}

impl TrustSettings {
    pub(crate) fn of(params: &Params, environment: &Environment) -> Self {
        let settings = params.into();
        Self {
            paths: [FileRole::RootCert, FileRole::Crl, FileRole::CrlDir]
                .map(|role| path_of(role, &settings, environment)),
            variables: ["SSL_CERT_FILE", "SSL_CERT_DIR"]
                .map(|name| environment.variable(name).map(str::to_owned)),
            hardening: params.hardening(),
        }
    }

    /// No parameter names a file.
    fn are_defaults(&self) -> bool {
        self.paths.iter().all(|path| path.source == FileSource::HomeDefault)
    }
}

/// What there is to verify with.
pub(crate) enum Roots<'a> {
    /// Roots, and the CRLs if revocation is checked.
    Usable(&'a TrustStore, Option<&'a CrlStore>),
    /// The reason why there is nothing.
    Unusable(&'a str),
}

impl pgtls_trust {
    pub(crate) fn id(&self) -> TrustId {
        self.id
    }

    pub(crate) fn hardening(&self) -> Hardening {
        self.hardening
    }

    /// The options of a connection with this trust.
    pub(crate) fn options(&self) -> &TlsOptions {
        &self.options
    }

    pub(crate) fn roots(&self) -> Roots<'_> {
        match &self.material {
            Ok((roots, crls)) => Roots::Usable(roots, crls.as_ref()),
            Err(reason) => Roots::Unusable(reason),
        }
    }

    /// Checks that a machine with these settings may verify with this trust. The error is a sentence for the developer of the
    /// program.
    pub(crate) fn check(&self, machine: &TrustSettings) -> Result<(), &'static str> {
        match &self.origin {
            Origin::Files(settings) if settings == machine => Ok(()),
            Origin::Files(_) => {
                Err("the trust was made of other parameters than the machine: other sslrootcert, \
                                     sslcrl, sslcrldir, hardenings or home directory; make it with \
                                     pgtls_trust_of_params of the machine's parameters")
            }
            Origin::Memory if machine.are_defaults() => Ok(()),
            Origin::Memory => {
                Err("the parameters name sslrootcert, sslcrl or sslcrldir, which a trust from memory \
                                   does not replace; make it with pgtls_trust_of_params, or leave them out of the \
                                   parameters")
            }
        }
    }

    /// The reason why a machine with this `sslmode` cannot set up TLS. Roots that exist and cannot be used fail every mode;
    /// missing ones, the modes that demand a verification.
    pub(crate) fn problem(&self, sslmode: SslMode) -> Option<&str> {
        let problem = match &self.material {
            Err(_) if verification(sslmode, self.presence).is_none() => true,
            Err(_) => self.presence != RootPresence::Missing,
            Ok(_) => false,
        };
        if problem { self.material.as_ref().err().map(String::as_str) } else { None }
    }
}

/// The options of a connection on this machine, with the security level, versions and signature schemes of its `openssl.cnf`. A
/// file that cannot be used counts for nothing, as in OpenSSL.
pub(crate) fn tls_options(params: Option<&Params>) -> TlsOptions {
    // The time of a verdict is an argument of pgtls_verify.
    let mut options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::ZERO));
    if let Ok(Some((_, conf))) = pgtls_os::openssl_conf() {
        options.system = Some(Arc::new(SystemDefault::of(&conf)));
    }
    let (mut options, _) = options.in_force();
    if let Some(params) = params {
        options.versions = VersionRange::of(params, options.versions);
    }
    options
}

/// Reads the root file and the CRLs that libpq would read for these parameters, or the roots of the operating system, and
/// OpenSSL's configuration file. The trust is for machines whose parameters name the same files.
///
/// Roots that are missing or cannot be used are an error of the TLS handshake that needs them, and of `pgtls_verify`, not of
/// this call.
///
/// # Safety
/// By the [contract](crate#the-contract) `params` is a handle, `trust` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_trust_of_params(
    params: *const pgtls_params,
    trust: *mut *mut pgtls_trust,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `trust` is a place, `params` a handle.
        let pgtls_params { params, environment } = unsafe {
            nothing_yet(trust);
            handle(params)
        }?;
        let loaded = files::load(params, environment, &pgtls_os::Disk);
        let presence = loaded.roots.presence();
        let material = pgtls_rustls::trust(&loaded).map_err(|error| error.to_string());
        let made = pgtls_trust {
            id: TrustId::next(),
            origin: Origin::Files(TrustSettings::of(params, environment)),
            presence,
            hardening: params.hardening(),
            options: tls_options(Some(params)),
            material,
        };
        // SAFETY: `trust` is a place.
        unsafe { give(trust, made) }
    })
}

/// Takes roots, and CRLs if their length is not 0, from memory (PEM), and reads OpenSSL's configuration file. The trust is
/// for machines whose parameters set neither `sslrootcert` nor `sslcrl` nor `sslcrldir`: it replaces the files in the home
/// directory. `PGTLS_FILE` with an error if roots or CRLs cannot be read.
///
/// # Safety
/// By the [contract](crate#the-contract) `roots` has `roots_length` bytes, `crls` has `crls_length`; `trust` and `error` are
/// places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_trust_of_pem(
    roots: *const u8,
    roots_length: usize,
    crls: *const u8,
    crls_length: usize,
    trust: *mut *mut pgtls_trust,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `trust` and `error` are places, `roots` and `crls` have so many bytes as their lengths say.
        let (roots, crls) = unsafe {
            nothing_yet(trust);
            nothing_yet(error);
            (values(roots, roots_length)?, values(crls, crls_length)?)
        };
        let parsed = TrustStore::from_pem(roots).and_then(|mut store| {
            let crls = if crls.is_empty() { None } else { Some(CrlStore::from_pem(crls)?) };
            if let Some(crls) = &crls {
                store.add_from_crl_file(crls);
            }
            Ok((store, crls))
        });
        match parsed {
            Ok(material) => {
                let made = pgtls_trust {
                    id: TrustId::next(),
                    origin: Origin::Memory,
                    presence: RootPresence::Found,
                    hardening: Hardening::NONE,
                    options: tls_options(None),
                    material: Ok(material),
                };
                // SAFETY: `trust` is a place.
                unsafe { give(trust, made) }
            }
            Err(reason) => {
                // SAFETY: `error` is a place.
                unsafe { give_text(error, &reason.to_string()) };
                Err(PGTLS_FILE)
            }
        }
    })
}

/// Whether there are roots.
///
/// # Safety
/// By the [contract](crate#the-contract) `trust` is a handle, `root` a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_trust_root(trust: *const pgtls_trust, root: *mut pgtls_root) -> pgtls_status {
    guarded(|| {
        // SAFETY: `trust` is a handle, `root` a place.
        unsafe { put(root, handle(trust)?.presence.into()) }
    })
}

/// Frees roots and CRLs.
///
/// # Safety
/// By the [contract](crate#the-contract) `trust` is a handle, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_trust_free(trust: *mut pgtls_trust) {
    // SAFETY: `trust` is a handle, and this is its end.
    unsafe { free(trust) };
}
