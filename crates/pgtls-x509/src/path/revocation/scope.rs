//! Does a CRL cover a certificate? What its issuingDistributionPoint says is held to what the certificate says of the places
//! where its CRLs are (RFC 5280 sections 4.2.1.13 and 5.2.5).

use crate::{
    certificate::{
        Certificate,
        distribution_point::{ALL_REASONS, DistributionPoint, FullName},
        general_name::{Kind, directory_names},
    },
    crl::Crl,
    path::{Context, Failure},
    tlv::Reader,
    verdict::Budget,
};
use alloc::vec::Vec;

/// The distribution points of a certificate, read once and compared with each CRL.
pub(super) struct Points<'a>(Vec<Point<'a>>);

struct Point<'a> {
    name: Option<FullName<'a>>,
    reasons: u16,
    /// Canonical names of the CRL issuer; `None` where it is the certificate's own.
    crl_issuers: Option<Vec<Vec<u8>>>,
}

impl<'a> Points<'a> {
    pub(super) fn of(
        context: &Context<'_>,
        depth: usize,
        certificate: &'a Certificate<'_>,
    ) -> Result<Self, Failure> {
        let Some(range) = &certificate.extensions.crl_distribution_points else {
            return Ok(Self(Vec::new()));
        };
        context.work.parsing(Budget::Crls, range.len(), depth)?;
        let mut list = certificate.reader(range);
        let mut points = Vec::new();
        while let Some(point) = next(&mut list) {
            points.push(Point {
                name: point.full_name(&certificate.issuer_canonical),
                reasons: point.reasons,
                crl_issuers: point.crl_issuer.map(|names| directory_names(names).collect()),
            });
        }
        Ok(Self(points))
    }
}

/// The next point; they were read before, so none is an error.
fn next<'a>(list: &mut Reader<'a>) -> Option<DistributionPoint<'a>> {
    if list.is_empty() { None } else { DistributionPoint::read(list).ok() }
}

/// The reasons for which the CRL covers the certificate, `None` when it does not cover it (OpenSSL: `crl_crldp_check`).
pub(super) fn scope(
    context: &Context<'_>,
    depth: usize,
    certificate: &Certificate<'_>,
    points: &Points<'_>,
    crl: &Crl,
) -> Result<Option<u16>, Failure> {
    let covered = crl.issuing_distribution_point.as_ref();
    if let Some(covered) = covered {
        let wrong_kind = if certificate.extensions.is_ca { covered.only_user } else { covered.only_ca };
        if wrong_kind || covered.only_attribute {
            return Ok(None);
        }
    }
    let compare = Comparison { context, depth };
    let covered_name = covered.and_then(|covered| covered.name.as_ref());
    for point in &points.0 {
        let by_this_issuer = match &point.crl_issuers {
            None => true,
            Some(names) => compare.any(names.iter().map(Vec::as_slice), &crl.issuer_canonical)?,
        };
        if by_this_issuer && compare.meet(point.name.as_ref(), covered_name)? {
            return Ok(Some(point.reasons));
        }
    }
    Ok(covered_name.is_none().then_some(ALL_REASONS))
}

/// Comparisons of names, each of them charged.
struct Comparison<'c, 'a> {
    context: &'c Context<'a>,
    depth: usize,
}

impl Comparison<'_, '_> {
    /// Do the two name one point? A point without a name is every point (OpenSSL: `idp_check_dp`).
    fn meet(&self, left: Option<&FullName<'_>>, right: Option<&FullName<'_>>) -> Result<bool, Failure> {
        let (Some(left), Some(right)) = (left, right) else {
            self.equal(&[], &[])?;
            return Ok(true);
        };
        match (left, right) {
            (FullName::Directory(left), FullName::Directory(right)) => self.equal(left, right),
            (FullName::Directory(directory), FullName::Names(names))
            | (FullName::Names(names), FullName::Directory(directory)) => {
                let directories = names.iter().filter(|(kind, _)| *kind == Kind::Directory);
                self.any(directories.map(|(_, name)| name.as_ref()), directory)
            }
            (FullName::Names(left), FullName::Names(right)) => {
                for (kind, left) in left {
                    let alike = right.iter().filter(|(other, _)| other == kind);
                    if self.any(alike.map(|(_, name)| name.as_ref()), left)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    #[expect(single_use_lifetimes, reason = "an argument's impl cannot leave its lifetime out")]
    fn any<'n>(&self, names: impl Iterator<Item = &'n [u8]>, name: &[u8]) -> Result<bool, Failure> {
        // A list without names takes time, too.
        self.equal(&[], &[])?;
        for other in names {
            if self.equal(other, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn equal(&self, left: &[u8], right: &[u8]) -> Result<bool, Failure> {
        self.context.work.equal(Budget::Crls, left, right, self.depth)
    }
}
