//! Proofs: which certificate was verified, with which trust, for which purpose and host, and for which handshake it counts.

use crate::{
    boundary::{free, give, give_text, guarded, handle, handle_mut, nothing_yet, text, values},
    labels::pgtls_purpose,
    names::{compare, tell},
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_FILE, PGTLS_MISUSE, PGTLS_UNVERIFIED},
    trust::{Roots, TrustId, pgtls_trust},
};
use pgtls_core::{hardening::Hardening, name::NameVerified, negotiation::ChainVerified};
use pgtls_rustls::verify_chain;
use pgtls_x509::{Purpose, X509Error};
use rustls_pki_types::UnixTime;
use std::{
    ffi::c_char,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The proof that one certificate was verified, and perhaps that it is for a host.
pub struct pgtls_proof {
    chain: ChainVerified,
    trust: TrustId,
    purpose: Purpose,
    leaf: Vec<u8>,
    hardening: Hardening,
    host: HostMatch,
    /// Why the chain is refused at the time of the system's clock, where it was verified for another time.
    outdated: Option<X509Error>,
    /// When it was made, in seconds since 1970.
    made_at: u64,
    /// A machine has accepted it for a handshake.
    is_spent: AtomicBool,
}

/// Result of the program's last comparison with a host.
enum HostMatch {
    /// No host was compared.
    None,
    /// The certificate is for this host.
    Matched(String),
    /// It is not; the reason.
    Refused(String),
}

impl pgtls_proof {
    /// The peer's certificate (DER).
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.leaf
    }

    /// The verified chain, if the proof counts for a server's handshake that is verified with this trust. The error is a
    /// sentence for the developer of the program.
    pub(crate) fn chain(&self, trust: TrustId) -> Result<ChainVerified, String> {
        if self.purpose != Purpose::Server {
            return Err(
                "the proof is about a client's certificate; verify the server's with pgtls_verify and \
                        PGTLS_PURPOSE_SERVER"
                    .to_owned(),
            );
        }
        if self.trust != trust {
            return Err(
                "the proof was made with another pgtls_trust; verify the certificates with the trust that \
                        is given to pgtls_machine_trust"
                    .to_owned(),
            );
        }
        if self.is_spent.load(Ordering::Relaxed) {
            return Err(
                "the proof was used for another handshake; verify the certificates of this one with \
                        pgtls_verify"
                    .to_owned(),
            );
        }
        if is_old(self.made_at, pgtls_os::unix_time()) {
            return Err(format!(
                "the proof is more than {MAX_AGE} seconds old; verify the certificates in the handshake that it counts for"
            ));
        }
        match &self.outdated {
            None => Ok(self.chain),
            Some(error) => Err(format!(
                "the proof is for another time than that of the system's clock, at which the chain is refused; give \
                 the present time to pgtls_verify: {error}"
            )),
        }
    }

    /// The proof that the certificate is for the host of a connection, or the reason why it is not. The machine compares the
    /// two by its own rules; a comparison that the program made before must have been with the same host and successful. The
    /// outer error is a sentence for the developer of the program.
    pub(crate) fn name(
        &self,
        host: Option<&str>,
        hardening: Hardening,
    ) -> Result<Result<NameVerified, String>, String> {
        match (&self.host, host) {
            (HostMatch::Refused(reason), _) => return Ok(Err(reason.clone())),
            (HostMatch::Matched(compared), None) => {
                return Err(format!(
                    "host name must be specified for a verified SSL connection; the proof is for host name \
                     \"{compared}\", and the parameters have no host (hostaddr is not compared)"
                ));
            }
            (HostMatch::Matched(compared), Some(host)) if !compared.eq_ignore_ascii_case(host) => {
                return Err(format!(
                    "the proof is for host name \"{compared}\", and the connection is to \"{host}\"; compare the \
                     certificate with the host of the connection, or leave the comparison to the machine"
                ));
            }
            (HostMatch::Matched(_), Some(_)) | (HostMatch::None, _) => {}
        }
        Ok(compare(&self.leaf, host, hardening).map(|(verified, _)| verified))
    }

    /// Marks the proof as used: it counts for one handshake.
    pub(crate) fn spend(&self) {
        self.is_spent.store(true, Ordering::Relaxed);
    }
}

/// Age of a proof that is refused, in seconds: a chain that was good may have expired since.
const MAX_AGE: u64 = 300;

fn is_old(made_at: u64, now: u64) -> bool {
    now.abs_diff(made_at) > MAX_AGE
}

/// Judges a chain as OpenSSL would (`X509_verify_cert`, as libpq calls it), and refuses a key that cannot authenticate a
/// handshake: the peer's own certificate first, then the others that it has sent, all of them DER; `certificates` and `lengths`
/// have `count` values each. `unix_time` is the time of the verdict, in seconds since 1970; `purpose` is a `pgtls_purpose`.
///
/// The proof is freed with `pgtls_proof_free`. `PGTLS_UNVERIFIED` with an error if the certificates are refused, `PGTLS_FILE` if
/// there is nothing to verify with. A time that is not the system clock's gives a verdict, but a machine accepts the proof only if
/// the chain holds at the time of the clock, too.
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
        let leaf = *chain.first().ok_or(PGTLS_ARGUMENT)?;
        let refuse = |status, reason: &str| {
            // SAFETY: `error` is a place.
            unsafe { give_text(error, reason) };
            Err(status)
        };
        let (roots, crls) = match trust.roots() {
            Roots::Usable(roots, crls) => (roots, crls),
            Roots::Unusable(reason) => return refuse(PGTLS_FILE, reason),
        };
        let verdict_at = |seconds| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            verify_chain(&chain, (roots, crls), time, purpose, trust.options())
        };
        if let Err(reason) = verdict_at(unix_time) {
            return refuse(PGTLS_UNVERIFIED, &reason.to_string());
        }
        let chain_verified = ChainVerified::assertion();
        let now = pgtls_os::unix_time();
        let outdated = if now == unix_time { None } else { verdict_at(now).err() };
        let made = pgtls_proof {
            chain: chain_verified,
            trust: trust.id(),
            purpose,
            leaf: leaf.to_vec(),
            hardening: trust.hardening(),
            host: HostMatch::None,
            outdated,
            made_at: now,
            is_spent: AtomicBool::new(false),
        };
        // SAFETY: `proof` is a place.
        unsafe { give(proof, made) }
    })
}

/// Compares the certificate of a proof with a host, by libpq's rules (libpq: `pq_verify_peer_name_matches_certificate`). A
/// machine compares it with the host of its connection by itself and needs no such call; after one it also demands in verify-full
/// that the last comparison was with that host and successful. In verify-ca a name does not count, as in libpq.
///
/// `matched` becomes the name in the certificate. `PGTLS_UNVERIFIED` with an error if the certificate is for another host,
/// `PGTLS_MISUSE` with an error if it is a client's.
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
        // SAFETY: `matched` and `error` are places, `proof` is a handle that no other call has.
        let proof = unsafe {
            nothing_yet(matched);
            nothing_yet(error);
            handle_mut(proof)
        }?;
        proof.host = HostMatch::None;
        // SAFETY: `host` is a text.
        let host = unsafe { text(host) }?;
        if proof.purpose != Purpose::Server {
            let reason = "a client's certificate is not compared with a host";
            // SAFETY: `error` is a place.
            unsafe { give_text(error, reason) };
            return Err(PGTLS_MISUSE);
        }
        let outcome = compare(&proof.leaf, Some(host), proof.hardening).map(|(_, name)| name);
        proof.host = match &outcome {
            Ok(_) => HostMatch::Matched(host.to_owned()),
            Err(reason) => HostMatch::Refused(reason.clone()),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_ages() {
        for (made_at, now, expected) in
            [(1000, 1000, false), (1000, 1300, false), (1000, 1301, true), (1301, 1000, true)]
        {
            assert_eq!(is_old(made_at, now), expected, "{made_at} {now}");
        }
    }
}
