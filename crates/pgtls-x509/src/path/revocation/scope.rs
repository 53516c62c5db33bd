//! Does a CRL cover a certificate? What its issuingDistributionPoint says is held to what the certificate says of the places
//! where its CRLs are (RFC 5280 sections 4.2.1.13 and 5.2.5).

use crate::{
    certificate::{
        Certificate,
        distribution_point::{ALL_REASONS, DistributionPoint, PointName},
        general_name::{GeneralName, general_names, has_directory_name},
        name,
    },
    crl::Crl,
    tlv::Reader,
};
use alloc::vec::Vec;

/// The reasons for which the CRL covers the certificate, `None` when it does not cover it (OpenSSL: `crl_crldp_check`).
pub(super) fn scope(certificate: &Certificate<'_>, crl: &Crl) -> Option<u16> {
    let covered = crl.issuing_distribution_point();
    if let Some(covered) = &covered {
        let wrong_kind = if certificate.extensions.is_ca { covered.only_user } else { covered.only_ca };
        if wrong_kind || covered.only_attribute {
            return None;
        }
    }
    let own_points = certificate.extensions.crl_distribution_points.as_ref();
    let mut points = own_points.map_or(Reader::new(&[]), |range| certificate.reader(range));
    while !points.is_empty() {
        let Ok(point) = DistributionPoint::read(&mut points) else { break };
        let by_this_issuer = match point.crl_issuer {
            None => true,
            Some(names) => has_directory_name(names, &crl.issuer_canonical),
        };
        let same_point = covered.as_ref().is_none_or(|covered| {
            let own =
                point.name.map(|name| FullName::of(name, || point.base_name(&certificate.issuer_canonical)));
            let crls = covered.name.map(|name| FullName::of(name, || crl.issuer_canonical.clone()));
            FullName::meet(own.as_ref(), crls.as_ref())
        });
        if by_this_issuer && same_point {
            return Some(point.reasons);
        }
    }
    covered.is_none_or(|covered| covered.name.is_none()).then_some(ALL_REASONS)
}

/// The name of a distribution point, relative names completed.
enum FullName<'a> {
    Names(Reader<'a>),
    Directory(Vec<u8>),
}

impl<'a> FullName<'a> {
    fn of(name: PointName<'a>, base: impl FnOnce() -> Vec<u8>) -> Self {
        match name {
            PointName::Full(names) => Self::Names(names),
            PointName::Relative(rdn) => {
                let mut full = base();
                // It was read before, so it has no error.
                let _ = name::push_canonical_rdn(&mut full, rdn);
                Self::Directory(full)
            }
        }
    }

    /// Do the two name one point? A point without a name is every point (OpenSSL: `idp_check_dp`).
    fn meet(left: Option<&Self>, right: Option<&Self>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return true;
        };
        match (left, right) {
            (Self::Directory(left), Self::Directory(right)) => left == right,
            (Self::Directory(directory), Self::Names(names))
            | (Self::Names(names), Self::Directory(directory)) => has_directory_name(*names, directory),
            (Self::Names(left), Self::Names(right)) => general_names(*left)
                .flatten()
                .any(|left| general_names(*right).flatten().any(|right| same_name(&left, &right))),
        }
    }
}

/// OpenSSL: `GENERAL_NAME_cmp`, which compares bytes but for directory names.
fn same_name(left: &GeneralName<'_>, right: &GeneralName<'_>) -> bool {
    match (left, right) {
        (GeneralName::Directory(left), GeneralName::Directory(right)) => {
            matches!((name::canonical(left), name::canonical(right)), (Ok(left), Ok(right)) if left == right)
        }
        (GeneralName::Email(left), GeneralName::Email(right))
        | (GeneralName::Dns(left), GeneralName::Dns(right))
        | (GeneralName::Uri(left), GeneralName::Uri(right))
        | (GeneralName::Ip(left), GeneralName::Ip(right)) => left == right,
        _ => false,
    }
}
