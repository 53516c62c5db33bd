//! Certificates for PostgreSQL TLS: bytes to facts, and chains to verdicts, as OpenSSL gives them.
//!
//! libpq leaves the verdict on a certificate chain to OpenSSL. This crate gives the same verdict without OpenSSL: which PEM
//! files load, which certificates are roots, which path is built, in which order it is checked, and how the refusal is
//! called. Where implementations differ, OpenSSL 3 is right, because that is what users of libpq live with; where this crate
//! is stricter on purpose, it says so at the place.
//!
//! ```text
//!  root file ──▶ TrustStore ─┐
//!  CRL file ───▶ CrlStore ───┼─▶ verify_chain ──▶ VerifiedPath | X509Error::Path
//!  peer's DER ───────────────┘
//!  own DER, TrustStore ──▶ complete_chain ──▶ the issuers to send
//!  peer's DER ──▶ presented_names ──▶ pgtls_core::name::match_host
//!  peer's DER ──▶ tls_server_end_point ──▶ SCRAM
//! ```
//!
//! What it does **not** do: it compares no host names (the core does), reads no files and no clock, knows no `sslmode`, and
//! contains no cryptography; signatures are checked by the algorithms handed in as
//! [`VerifyOptions::algorithms`](VerifyOptions).
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

pub mod alg_id;
mod ber;
mod binding;
mod certificate;
mod crl;
mod display;
mod error;
mod handshake;
mod hash;
mod inspect;
mod key;
mod local_chain;
mod names;
mod oid;
pub mod openssl_conf;
mod path;
mod pem;
mod profile;
mod rsa;
mod source;
mod strict;
mod tlv;
mod trust;
mod verdict;

pub use binding::tls_server_end_point;
pub use certificate::algorithm::{Hash, PssParameters};
pub use crl::CrlStore;
pub use error::{CertificateName, KeyProblem, Object, PathError, PemProblem, WeakKey, X509Error};
pub use handshake::{HandshakeKey, check_der};
pub use inspect::Description;
pub use key::{MAX_PASSPHRASE, private_key, to_pkcs8};
pub use local_chain::check_own_keys;
pub use names::{PresentedNames, presented_names};
pub use path::{
    MAX_PRESENTED, MAX_PRESENTED_BYTES, Purpose, SecurityLevel, VerifiedPath, VerifyOptions, complete_chain,
    verify_chain,
};
pub use pem::{certificates_from_pem, sent_certificates_from_pem};
pub use profile::Profile;
pub use rsa::{RsaPssKey, RsaPublicKey, rsa_pss_key, rsa_public_key};
pub use source::Source;
pub use strict::verify_chain_strict;
pub use trust::TrustStore;
pub use verdict::{Budget, Refusal, Verdict};

/// Whether OpenSSL can read a certificate that a peer presents, which it asks of each of them also where nothing is verified
/// (OpenSSL: `tls_process_server_certificate`). BER is enough for that.
///
/// # Errors
/// It cannot.
pub fn check_readable(certificate: &[u8]) -> Result<(), X509Error> {
    let read = |der| certificate::Certificate::read(der).map(|_| ());
    let Err(error) = read(certificate) else { return Ok(()) };
    read(&ber::to_der(certificate)).map_err(|_| X509Error::malformed(Object::Certificate, None, error))
}
