//! May the certificate be used for TLS, as server or client, or as their CA (OpenSSL: `check_purpose_ssl_server` and `_client`)?

use super::{
    Chain, Checked, Context, Purpose,
    anchor::{self, Trust},
    basic_constraints::{CaKind, ca_kind},
    fail,
};
use crate::{
    certificate::{
        Certificate,
        extensions::{ExtendedKeyUsage, key_usage, netscape},
    },
    verdict::Verdict,
};

/// Trust settings that name the purpose overrule the certificate's own extensions, in the part of the chain that comes from the root file.
pub(super) fn check(
    context: &Context<'_>,
    chain: &Chain<'_>,
    depth: usize,
    certificate: &Certificate<'_>,
) -> Checked {
    let purpose = context.options.purpose;
    let settled =
        if depth >= chain.untrusted { anchor::by_settings(certificate, purpose) } else { Trust::Neutral };
    let fits = match settled {
        Trust::Trusted => true,
        Trust::Rejected => false,
        // A certificate that is invalid is not asked; it stands alone in its chain, if anywhere.
        Trust::Neutral if certificate.extensions.invalid.is_some() => true,
        Trust::Neutral if depth > 0 => {
            extended_key_usage_fits(certificate, purpose) && is_tls_ca(certificate)
        }
        Trust::Neutral => extended_key_usage_fits(certificate, purpose) && leaf_fits(certificate, purpose),
    };
    if fits { Ok(()) } else { fail(Verdict::InvalidPurpose, depth) }
}

/// An extended key usage, where there is one, must name the purpose, in CAs too. `anyExtendedKeyUsage` does not name it.
fn extended_key_usage_fits(certificate: &Certificate<'_>, purpose: Purpose) -> bool {
    let Some(ExtendedKeyUsage { server, client, gated_crypto, any: _ }) =
        certificate.extensions.extended_key_usage
    else {
        return true;
    };
    match purpose {
        Purpose::Server => server || gated_crypto,
        Purpose::Client => client,
    }
}

fn leaf_fits(certificate: &Certificate<'_>, purpose: Purpose) -> bool {
    let (usage, kind) = match purpose {
        Purpose::Server => (
            key_usage::DIGITAL_SIGNATURE | key_usage::KEY_ENCIPHERMENT | key_usage::KEY_AGREEMENT,
            netscape::SSL_SERVER,
        ),
        Purpose::Client => (key_usage::DIGITAL_SIGNATURE | key_usage::KEY_AGREEMENT, netscape::SSL_CLIENT),
    };
    let extensions = &certificate.extensions;
    extensions.key_usage.is_none_or(|allowed| allowed & usage != 0)
        && extensions.netscape_type.is_none_or(|allowed| allowed & kind != 0)
}

fn is_tls_ca(certificate: &Certificate<'_>) -> bool {
    match ca_kind(certificate) {
        CaKind::NotACa => false,
        CaKind::Netscape => {
            certificate.extensions.netscape_type.is_some_and(|kind| kind & netscape::SSL_CA != 0)
        }
        CaKind::BasicConstraints | CaKind::SelfSignedV1 | CaKind::KeyUsage => true,
    }
}
