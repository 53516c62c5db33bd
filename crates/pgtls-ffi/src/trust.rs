//! Trusted roots and CRLs, and what can be proved with them.

use crate::{
    boundary::{free, give, give_text, guarded, handle, handle_mut, nothing_yet, put, text, values},
    names::{compare, tell},
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_FILE, PGTLS_UNVERIFIED},
    words::{pgtls_purpose, pgtls_root},
};
use pgtls_core::{
    files, hardening::Hardening, name::NameVerified, negotiation::ChainVerified, policy::RootPresence,
};
use pgtls_x509::{CrlStore, SecurityLevel, TrustStore, VerifyOptions, verify_chain};
use rustls_pki_types::UnixTime;
use std::{ffi::c_char, time::Duration};

/// Whom to trust, and which certificates are revoked.
pub struct pgtls_trust {
    pub(crate) presence: RootPresence,
    hardening: Hardening,
    /// Why there is nothing to verify with, if there is not.
    material: Result<(TrustStore, Option<CrlStore>), String>,
}

impl pgtls_trust {
    /// Whether TLS cannot be set up in any mode: the roots are there and cannot be used. That they are missing is the mode's
    /// to judge.
    pub(crate) fn is_unusable(&self) -> bool {
        self.material.is_err() && self.presence != RootPresence::Missing
    }

    /// Why a mode that verifies cannot do with these roots.
    pub(crate) fn lack(&self) -> &str {
        self.material.as_ref().err().map_or("there is no root file", String::as_str)
    }
}

/// What was proved about one server: that its chain holds, and perhaps that it is the host.
pub struct pgtls_proof {
    pub(crate) chain: ChainVerified,
    pub(crate) name: Option<NameVerified>,
    leaf: Vec<u8>,
    hardening: Hardening,
}

/// Reads the root file and the CRLs that libpq would read for these parameters, or the roots of the operating system.
///
/// That there are none, or that they cannot be used, is told by `pgtls_verify`, where it matters.
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
        // SAFETY: `trust` is a place.
        unsafe { give(trust, pgtls_trust { presence, hardening: params.hardening(), material }) }
    })
}

/// Takes roots, and CRLs if their length is not 0, from memory (PEM). What is proved with them is proved by libpq's rules,
/// without hardenings.
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
                let hardening = Hardening::NONE;
                let made = pgtls_trust { presence: RootPresence::Found, hardening, material: Ok(material) };
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

/// Judges a chain as OpenSSL would (`X509_verify_cert`, as libpq calls it): the peer's own certificate first, then the
/// others that it has sent, all of them DER; `certificates` and `lengths` have `count` values each. `unix_time` is the time
/// of the verdict, in seconds since 1970; `purpose` is a `pgtls_purpose`.
///
/// The proof is freed with `pgtls_proof_free`. `PGTLS_UNVERIFIED` with an error if the chain does not hold, `PGTLS_FILE` if
/// there is nothing to verify with.
///
/// # Safety
/// By the [contract](crate#the-contract) `trust` is a handle; `certificates` and `lengths` have `count` values each, and
/// each certificate has so many bytes as its length says; `proof` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_verify(
    trust: *const pgtls_trust,
    certificates: *const *const u8,
    lengths: *const usize,
    count: usize,
    unix_time: u64,
    purpose: u32,
    proof: *mut *mut pgtls_proof,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `proof` and `error` are places, `trust` is a handle.
        let trust = unsafe {
            nothing_yet(proof);
            nothing_yet(error);
            handle(trust)
        }?;
        let purpose = pgtls_purpose::read(purpose)?;
        // SAFETY: both have `count` values.
        let (pointers, lengths) = unsafe { (values(certificates, count)?, values(lengths, count)?) };
        let mut chain = Vec::new();
        for (pointer, length) in pointers.iter().zip(lengths) {
            // SAFETY: each certificate has so many bytes as its length says.
            chain.push(unsafe { values(*pointer, *length) }?);
        }
        let (leaf, presented) = chain.split_first().ok_or(PGTLS_ARGUMENT)?;
        let refuse = |status, reason: &str| {
            // SAFETY: `error` is a place.
            unsafe { give_text(error, reason) };
            Err(status)
        };
        let (roots, crls) = match &trust.material {
            Ok(material) => material,
            Err(reason) => return refuse(PGTLS_FILE, reason),
        };
        let provider = pgtls_rustls::aws_lc_rs();
        let options = VerifyOptions::new(
            UnixTime::since_unix_epoch(Duration::from_secs(unix_time)),
            purpose,
            SecurityLevel::DEFAULT,
            provider.signature_verification_algorithms.all,
        );
        match verify_chain(leaf, presented, roots, crls.as_ref(), &options) {
            Ok(_path) => {
                let (chain, leaf) = (ChainVerified::assertion(), leaf.to_vec());
                let made = pgtls_proof { chain, name: None, leaf, hardening: trust.hardening };
                // SAFETY: `proof` is a place.
                unsafe { give(proof, made) }
            }
            Err(reason) => refuse(PGTLS_UNVERIFIED, &reason.to_string()),
        }
    })
}

/// Adds to the proof that the certificate of the verified chain speaks for this host.
///
/// `matched` becomes the name in the certificate, `error` what is wrong.
///
/// # Safety
/// By the [contract](crate#the-contract) `proof` is a handle, `host` a text; `matched` and `error` are places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_proof_match_host(
    proof: *mut pgtls_proof,
    host: *const c_char,
    matched: *mut *mut c_char,
    error: *mut *mut c_char,
) -> pgtls_status {
    guarded(|| {
        // SAFETY: `matched` and `error` are places, `proof` is a handle that no other call has, `host` a text.
        let (proof, host) = unsafe {
            nothing_yet(matched);
            nothing_yet(error);
            (handle_mut(proof)?, text(host)?)
        };
        let outcome = compare(&proof.leaf, host, proof.hardening).map(|(verified, name)| {
            proof.name = Some(verified);
            name
        });
        // SAFETY: `matched` and `error` are places.
        unsafe { tell(outcome, matched, error) }
    })
}

/// Frees a proof.
///
/// # Safety
/// By the [contract](crate#the-contract) `proof` is a handle, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_proof_free(proof: *mut pgtls_proof) {
    // SAFETY: `proof` is a handle, and this is its end.
    unsafe { free(proof) };
}
