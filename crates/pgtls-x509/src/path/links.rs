//! What each certificate of the chain must be in itself, from the peer's upwards (OpenSSL: `check_extensions`).

use super::{Chain, Checked, Context, Failure, basic_constraints, fail, purpose};
use crate::{
    certificate::{Certificate, public_key::PublicKey},
    verdict::Verdict,
};
use alloc::string::ToString;

pub(super) fn check(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    let mut issuers_below = 0_u64;
    for (depth, certificate) in chain.links() {
        check_critical_extensions(depth, certificate)?;
        if certificate.extensions.is_proxy {
            return fail(Verdict::ProxyCertificatesNotAllowed, depth);
        }
        basic_constraints::check(chain, depth, certificate)?;
        match certificate.public_key {
            PublicKey::EcExplicit => return fail(Verdict::EcKeyExplicitParams, depth),
            // Any security level but 0 has refused it before.
            PublicKey::Unusable => return fail(Verdict::Unspecified, depth),
            _ => {}
        }
        purpose::check(context, chain, depth, certificate)?;
        basic_constraints::check_path_length(depth, certificate, issuers_below)?;
        if depth > 0 && !certificate.self_issued {
            issuers_below = issuers_below.saturating_add(1);
        }
    }
    Ok(())
}

/// OpenSSL also checks that each certificate's addresses and AS numbers (RFC 3779) are among its issuer's. Nobody has them in a
/// TLS certificate, so a chain with any is refused instead.
pub(super) fn refuse_internet_resources(chain: &Chain<'_>) -> Checked {
    match chain.links().find(|(_, certificate)| certificate.extensions.has_internet_resources) {
        Some((depth, _)) => fail(Verdict::UnsupportedExtension, depth),
        None => Ok(()),
    }
}

fn check_critical_extensions(depth: usize, certificate: &Certificate<'_>) -> Checked {
    let Some(range) = &certificate.extensions.unhandled_critical else {
        return Ok(());
    };
    let failure = Failure::new(Verdict::UnhandledCriticalExtension, depth);
    Err(match der::asn1::ObjectIdentifier::from_bytes(certificate.part(range)) {
        Ok(oid) => failure.with(oid.to_string()),
        Err(_) => failure,
    })
}
