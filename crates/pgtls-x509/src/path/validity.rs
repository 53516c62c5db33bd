//! Is the certificate in date (OpenSSL: `ossl_x509_check_cert_time`)? notBefore belongs to the period, notAfter does not.

use super::{Checked, Context, fail};
use crate::{certificate::Certificate, verdict::Verdict};

pub(super) fn check(context: &Context<'_>, depth: usize, certificate: &Certificate<'_>) -> Checked {
    let now = context.now();
    match certificate.not_before.seconds {
        None => return fail(Verdict::ErrorInCertNotBeforeField, depth),
        Some(begin) if begin > now => return fail(Verdict::CertNotYetValid, depth),
        Some(_) => {}
    }
    match certificate.not_after.seconds {
        None => fail(Verdict::ErrorInCertNotAfterField, depth),
        Some(end) if end <= now => fail(Verdict::CertHasExpired, depth),
        Some(_) => Ok(()),
    }
}

pub(super) fn is_in_date(context: &Context<'_>, certificate: &Certificate<'_>) -> bool {
    check(context, 0, certificate).is_ok()
}
