//! Does a CRL cover a certificate? What its issuingDistributionPoint says is held to what the certificate says of the places
//! where its CRLs are (RFC 5280 sections 4.2.1.13 and 5.2.5).

use crate::{
    certificate::{
        Certificate,
        distribution_point::{ALL_REASONS, DistributionPoint, FullName, PointText},
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
            Some(names) => {
                compare.any(names.iter().map(|name| Some(name.as_slice())), &crl.issuer_canonical)?
            }
        };
        if by_this_issuer && compare.meet(point.name.as_ref(), covered_name)? {
            return Ok(Some(point.reasons));
        }
    }
    Ok(covered_name.is_none().then_some(ALL_REASONS))
}

/// The names of a kind, with `None` in the place of each other one.
fn of_kind<'n>(names: &'n [PointText<'_>], wanted: Kind) -> impl Iterator<Item = Option<&'n [u8]>> {
    names.iter().map(move |(kind, name)| (*kind == wanted).then_some(name.as_ref()))
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
                self.any(of_kind(names, Kind::Directory), directory)
            }
            (FullName::Names(left), FullName::Names(right)) => {
                for (kind, left) in left {
                    if self.any(of_kind(right, *kind), left)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whether one of the names is this one. Those of another kind are `None`, and take a turn as well.
    #[expect(single_use_lifetimes, reason = "an argument's impl cannot leave its lifetime out")]
    fn any<'n>(&self, names: impl Iterator<Item = Option<&'n [u8]>>, name: &[u8]) -> Result<bool, Failure> {
        // A list without names takes time, too.
        self.equal(&[], &[])?;
        for other in names {
            if self.equal(other.unwrap_or_default(), name)? && other.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn equal(&self, left: &[u8], right: &[u8]) -> Result<bool, Failure> {
        self.context.work.equal(Budget::Crls, left, right, self.depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        path::{Purpose, SecurityLevel, VerifyOptions, budget::Work},
        trust::TrustStore,
    };
    use alloc::{borrow::Cow, vec};
    use rustls_pki_types::UnixTime;

    #[test]
    fn names_of_other_kinds_are_charged() {
        let time = UnixTime::since_unix_epoch(core::time::Duration::ZERO);
        let options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, &[]);
        let trust = TrustStore::from_der([&[][..]; 0]);
        let cost = |left: &FullName<'_>, right: &FullName<'_>| {
            let context = Context {
                trusted_for: None,
                options: &options,
                trust: &trust,
                crls: None,
                work: Work::new(),
            };
            let compare = Comparison { context: &context, depth: 0 };
            assert!(!compare.meet(Some(left), Some(right)).unwrap());
            context.work.bytes()
        };
        let names = |kind, number| FullName::Names(vec![(kind, Cow::Borrowed(&b"a"[..])); number]);
        let turn = {
            let work = Work::new();
            work.turn(Budget::Crls, 0, 0).unwrap();
            work.bytes()
        };
        // A turn for each list, and one for each of its names.
        let directory = FullName::Directory(b"a".to_vec());
        assert_eq!(cost(&names(Kind::Uri, 100), &directory), 101 * turn);
        assert_eq!(cost(&directory, &names(Kind::Uri, 100)), 101 * turn);
        assert_eq!(cost(&names(Kind::Uri, 10), &names(Kind::Dns, 100)), 10 * 101 * turn);
    }
}
