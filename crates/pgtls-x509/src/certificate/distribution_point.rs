//! Distribution points: where a certificate says its CRLs are (cRLDistributionPoints) and what a CRL says it covers
//! (issuingDistributionPoint). RFC 5280 sections 4.2.1.13 and 5.2.5.

use super::{
    general_name::{GeneralName, count_general_names, general_names},
    name,
};
use crate::tlv::{DerResult, Reader, Tlv, bit_string, boolean, tag};
use alloc::vec::Vec;

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

    /// The canonical name that a relative name is appended to: the first directory name of the CRL issuer, else `issuer`.
    pub(crate) fn base_name(&self, issuer: &[u8]) -> Vec<u8> {
        self.crl_issuer.and_then(first_directory_name).unwrap_or_else(|| issuer.to_vec())
    }
}

/// The extension of a CRL that says which certificates it covers.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the extension is made of them")]
pub(crate) struct IssuingDistributionPoint<'a> {
    pub(crate) name: Option<PointName<'a>>,
    pub(crate) only_user: bool,
    pub(crate) only_ca: bool,
    /// `None` when the CRL is for all reasons.
    pub(crate) only_reasons: Option<u16>,
    pub(crate) indirect: bool,
    pub(crate) only_attribute: bool,
}

impl<'a> IssuingDistributionPoint<'a> {
    pub(crate) fn read(value: &Tlv<'a>) -> DerResult<Self> {
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
        Ok(Self { name, only_user, only_ca, only_reasons, indirect, only_attribute })
    }
}

/// The canonical form of the first directory name in the content of GeneralNames.
pub(crate) fn first_directory_name(names: Reader<'_>) -> Option<Vec<u8>> {
    general_names(names).find_map(|name| match name {
        Ok(GeneralName::Directory(name)) => name::canonical(&name).ok(),
        _ => None,
    })
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
