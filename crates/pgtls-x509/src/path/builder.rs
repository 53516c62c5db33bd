//! Builds the chain, one certificate at a time (OpenSSL: `build_chain` with `X509_V_FLAG_TRUSTED_FIRST`).
//!
//! At each step the root file is asked first. Once it has answered, what the peer sent is not looked at any more. The first
//! fitting issuer is taken; there is no way back.

use super::{
    Chain, Checked, Context, Failure,
    anchor::{self, Trust},
    fail, issuer,
};
use crate::{
    certificate::{Certificate, public_key::PublicKey},
    verdict::{Budget, Verdict},
};
use alloc::vec::Vec;

/// Certificates of a chain besides the peer's own and the anchor (OpenSSL: `X509_VERIFY_PARAM`'s depth).
const MAX_DEPTH: usize = 100;
/// Chains are built one longer, so that reaching the limit can be told from not finding an issuer.
const MAX_BUILT: usize = MAX_DEPTH + 1;

/// Extends the chain, which holds the peer's certificate, to something trusted.
pub(super) fn build<'a>(
    context: &Context<'a>,
    chain: &mut Chain<'a>,
    presented: &'a [Certificate<'a>],
) -> Checked {
    // No certificate of the peer comes into the chain twice, its own included.
    let mut unused: Vec<&'a Certificate<'a>> = presented.iter().collect();
    for link in &chain.certificates {
        remove(context, &mut unused, link, 0)?;
    }
    let mut ask_presented = true;
    loop {
        match extend_from_trusted(context, chain)? {
            Extension::Trusted => return Ok(()),
            Extension::Grown => {
                ask_presented = false;
                continue;
            }
            Extension::None => {}
        }
        if !(ask_presented && extend_from_presented(context, chain, &mut unused)?) {
            return refuse(chain);
        }
    }
}

/// What asking the root file led to.
enum Extension {
    /// The chain ends in something trusted.
    Trusted,
    /// The chain grew by an intermediate of the root file.
    Grown,
    None,
}

fn extend_from_trusted<'a>(context: &Context<'a>, chain: &mut Chain<'a>) -> Result<Extension, Failure> {
    let depth = chain.last_depth();
    let Some(current) = chain.get(depth).filter(|_| chain.len() <= MAX_BUILT) else {
        return Ok(Extension::None);
    };
    let Some(issuer) = issuer::among_trusted(context, depth, current)? else {
        return Ok(Extension::None);
    };
    // OpenSSL asks now whether it is self-signed, for which it needs the key. Only level 0 lets one come here that has none.
    if current.public_key == PublicKey::Unusable {
        return Err(Failure::new(Verdict::Unspecified, depth));
    }
    let ends = if current.self_signed {
        // A self-signed certificate of the peer is replaced by that of the root file, which must be the very same:
        // another one of the same name would be somebody else.
        if current.der() != issuer.der() {
            return Ok(Extension::None);
        }
        chain.certificates.pop();
        chain.untrusted = depth;
        true
    } else {
        issuer.self_signed
    };
    chain.certificates.push(issuer);
    let depth = chain.last_depth();
    match anchor::trust_of(issuer, context.trusted_for) {
        Trust::Trusted => Ok(Extension::Trusted),
        Trust::Rejected => Err(Failure::new(Verdict::CertRejected, depth)),
        Trust::Neutral if ends => {
            refuse(chain)?;
            Ok(Extension::None)
        }
        Trust::Neutral => Ok(Extension::Grown),
    }
}

/// Adds the issuer from what the peer sent; false when there is none.
fn extend_from_presented<'a>(
    context: &Context<'a>,
    chain: &mut Chain<'a>,
    unused: &mut Vec<&'a Certificate<'a>>,
) -> Result<bool, Failure> {
    let depth = chain.last_depth();
    let Some(current) = chain.get(depth).filter(|_| chain.len() <= MAX_BUILT) else {
        return Ok(false);
    };
    if current.self_signed {
        return Ok(false);
    }
    let Some(issuer) = issuer::among_presented(context, depth, unused, current)? else {
        return Ok(false);
    };
    remove(context, unused, issuer, depth)?;
    chain.certificates.push(issuer);
    chain.untrusted = chain.len();
    Ok(true)
}

/// Removes a certificate, however often it is there.
fn remove(
    context: &Context<'_>,
    certificates: &mut Vec<&Certificate<'_>>,
    taken: &Certificate<'_>,
    depth: usize,
) -> Checked {
    let mut charged = Ok(());
    certificates.retain(|it| {
        if charged.is_err() {
            return true;
        }
        match context.work.equal(Budget::Candidates, it.der(), taken.der(), depth) {
            Ok(is_taken) => !is_taken,
            Err(exceeded) => {
                charged = Err(exceeded);
                true
            }
        }
    });
    charged
}

/// No trusted certificate was reached: says why in OpenSSL's terms.
fn refuse(chain: &Chain<'_>) -> Checked {
    let depth = chain.last_depth();
    let Some(last) = chain.get(depth) else {
        return fail(Verdict::Unspecified, 0);
    };
    if chain.len() > MAX_BUILT {
        return fail(Verdict::CertChainTooLong, depth);
    }
    let is_valid = last.extensions.invalid.is_none();
    let verdict = match (last.self_signed && is_valid, depth) {
        (true, 0) => Verdict::DepthZeroSelfSignedCert,
        (true, _) => Verdict::SelfSignedCertInChain,
        (false, _) if chain.untrusted < chain.len() => Verdict::UnableToGetIssuerCert,
        (false, _) => Verdict::UnableToGetIssuerCertLocally,
    };
    let failure = Failure::new(verdict, depth);
    // OpenSSL does not report why the certificate itself has no issuer.
    Err(if let Some(invalid) = &last.extensions.invalid {
        failure.with(alloc::format!(
            "its extension {} is invalid: {} (byte {})",
            invalid.name,
            invalid.error.problem,
            invalid.error.position
        ))
    } else if last.signature_id.is_none_or(|id| !id.is_in_every_release()) {
        failure.with("its signature algorithm is missing in a release of OpenSSL, which finds no issuer then")
    } else {
        failure
    })
}
