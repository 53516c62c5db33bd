//! Distribution points: where a certificate says its CRLs are (cRLDistributionPoints) and what a CRL says it covers
//! (issuingDistributionPoint). RFC 5280 sections 4.2.1.13 and 5.2.5.

use super::{
    general_name::{GeneralName, Kind, count_general_names, directory_names, general_names},
    name,
};
use crate::tlv::{DerResult, Reader, Tlv, bit_string, boolean, tag};
use alloc::{borrow::Cow, vec::Vec};

/// Every reason for which a certificate may be revoked.
pub(crate) const ALL_REASONS: u16 = 0x807f;

/// The name of a distribution point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PointName<'a> {
    /// Content of GeneralNames.
    Full(Reader<'a>),
    /// Content of the RDN to append to the issuer's name.
    Relative(Reader<'a>),
}

/// One entry of cRLDistributionPoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DistributionPoint<'a> {
    pub(crate) name: Option<PointName<'a>>,
    pub(crate) reasons: u16,
    /// Content of GeneralNames.
    pub(crate) crl_issuer: Option<Reader<'a>>,
}

impl<'a> DistributionPoint<'a> {
    pub(crate) fn read(points: &mut Reader<'a>) -> DerResult<Self> {
        let element = points.expect(tag::SEQUENCE, "a distribution point is expected")?;
        let mut inside = element.inside();
        let name = point_name(&mut inside)?;
        let reasons = match inside.optional(tag::primitive(1))? {
            Some(reasons) => bit_string(&reasons)?.first_two_bytes() & ALL_REASONS,
            None => ALL_REASONS,
        };
        let mut has_issuer = false;
        let crl_issuer = match inside.optional(tag::constructed(2))? {
            Some(issuer) => {
                has_issuer = count_general_names(issuer.inside())? > 0;
                Some(issuer.inside())
            }
            None => None,
        };
        inside.finish()?;
        if name.is_none() && !has_issuer {
            return element.error("the distribution point names nothing");
        }
        Ok(Self { name, reasons, crl_issuer })
    }

    /// The name in the form in which it is compared; a relative name is appended to the first directory name of the CRL issuer,
    /// else to `issuer`, which is canonical.
    pub(crate) fn full_name(&self, issuer: &[u8]) -> Option<FullName<'a>> {
        let base = || self.crl_issuer.and_then(|names| directory_names(names).next());
        self.name.map(|name| FullName::of(name, || base().unwrap_or_else(|| issuer.to_vec())))
    }
}

/// The name of a distribution point in the form in which it is compared.
#[derive(Clone, Debug)]
pub(crate) enum FullName<'a> {
    Names(Vec<PointText<'a>>),
    /// A relative name with the name that it is relative to, canonical.
    Directory(Vec<u8>),
}

/// A general name of a kind that OpenSSL compares (OpenSSL: `GENERAL_NAME_cmp`): its kind, and its text or canonical form.
pub(crate) type PointText<'a> = (Kind, Cow<'a, [u8]>);

impl<'a> FullName<'a> {
    fn of(name: PointName<'a>, base: impl FnOnce() -> Vec<u8>) -> Self {
        match name {
            PointName::Full(names) => Self::Names(general_names(names).flatten().filter_map(text).collect()),
            PointName::Relative(rdn) => {
                let mut full = base();
                // It was read before, so it has no error.
                let _ = name::push_canonical_rdn(&mut full, rdn);
                Self::Directory(full)
            }
        }
    }

    fn into_owned(self) -> FullName<'static> {
        match self {
            Self::Names(names) => FullName::Names(
                names.into_iter().map(|(kind, text)| (kind, Cow::Owned(text.into_owned()))).collect(),
            ),
            Self::Directory(name) => FullName::Directory(name),
        }
    }
}

fn text(name: GeneralName<'_>) -> Option<PointText<'_>> {
    let kind = name.kind();
    match name {
        GeneralName::Directory { canonical, .. } => Some((kind, Cow::Owned(canonical))),
        GeneralName::Email(text)
        | GeneralName::Dns(text)
        | GeneralName::Uri(text)
        | GeneralName::Ip(text) => Some((kind, Cow::Borrowed(text))),
        _ => None,
    }
}

/// The extension of a CRL that limits the certificates that it covers.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the extension is made of them")]
pub(crate) struct IssuingDistributionPoint {
    pub(crate) name: Option<FullName<'static>>,
    pub(crate) only_user: bool,
    pub(crate) only_ca: bool,
    /// `None` when the CRL is for all reasons.
    pub(crate) only_reasons: Option<u16>,
    pub(crate) indirect: bool,
    pub(crate) only_attribute: bool,
}

impl IssuingDistributionPoint {
    /// Reads the extension of a CRL of this issuer, whose name is canonical.
    pub(crate) fn read(value: &Tlv<'_>, issuer: &[u8]) -> DerResult<Self> {
        if value.tag != tag::SEQUENCE {
            return value.error("a sequence is expected");
        }
        let mut inside = value.inside();
        let name = point_name(&mut inside)?;
        let mut flag = |number| match inside.optional(tag::primitive(number))? {
            Some(value) => boolean(&value),
            None => Ok(false),
        };
        let only_user = flag(1)?;
        let only_ca = flag(2)?;
        let only_reasons = match inside.optional(tag::primitive(3))? {
            Some(reasons) => Some(bit_string(&reasons)?.first_two_bytes() & ALL_REASONS),
            None => None,
        };
        let mut flag = |number| match inside.optional(tag::primitive(number))? {
            Some(value) => boolean(&value),
            None => Ok(false),
        };
        let indirect = flag(4)?;
        let only_attribute = flag(5)?;
        inside.finish()?;
        let name = name.map(|name| FullName::of(name, || issuer.to_vec()).into_owned());
        Ok(Self { name, only_user, only_ca, only_reasons, indirect, only_attribute })
    }
}

/// `[0] CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RelativeDistinguishedName }`, OPTIONAL.
fn point_name<'a>(reader: &mut Reader<'a>) -> DerResult<Option<PointName<'a>>> {
    const FULL: u8 = tag::constructed(0);
    const RELATIVE: u8 = tag::constructed(1);
    let Some(explicit) = reader.optional(tag::constructed(0))? else {
        return Ok(None);
    };
    let mut inside = explicit.inside();
    let choice = inside.any()?;
    inside.finish()?;
    match choice.tag {
        FULL => {
            count_general_names(choice.inside())?;
            Ok(Some(PointName::Full(choice.inside())))
        }
        RELATIVE => {
            name::push_canonical_rdn(&mut Vec::new(), choice.inside())?;
            Ok(Some(PointName::Relative(choice.inside())))
        }
        _ => choice.error("the name of a distribution point is expected"),
    }
}
