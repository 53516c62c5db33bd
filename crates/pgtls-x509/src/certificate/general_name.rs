//! GeneralName (RFC 5280 section 4.2.1.6): the entries of a subjectAltName and of everything else that names somebody.

use super::name;
use crate::tlv::{DerResult, Reader, Tlv, any_value, oid, tag};
use alloc::vec::Vec;

/// One name, borrowed but for the canonical form of a directory name.
#[derive(Clone, Debug)]
pub(crate) enum GeneralName<'a> {
    Other {
        oid: &'a [u8],
        value: Tlv<'a>,
    },
    Email(&'a [u8]),
    Dns(&'a [u8]),
    X400,
    Directory {
        /// The whole Name.
        name: Tlv<'a>,
        canonical: Vec<u8>,
    },
    EdiParty,
    Uri(&'a [u8]),
    Ip(&'a [u8]),
    RegisteredId,
}

/// Kinds of names: constraints apply to names of their own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Other,
    Email,
    Dns,
    X400,
    Directory,
    EdiParty,
    Uri,
    Ip,
    RegisteredId,
}

impl<'a> GeneralName<'a> {
    /// Reads the next name; a name that is not well-formed is an error.
    pub(crate) fn read(reader: &mut Reader<'a>) -> DerResult<Self> {
        const OTHER: u8 = tag::constructed(0);
        const EMAIL: u8 = tag::primitive(1);
        const DNS: u8 = tag::primitive(2);
        const X400: u8 = tag::constructed(3);
        const DIRECTORY: u8 = tag::constructed(4);
        const EDI_PARTY: u8 = tag::constructed(5);
        const URI: u8 = tag::primitive(6);
        const IP: u8 = tag::primitive(7);
        const REGISTERED_ID: u8 = tag::primitive(8);
        let entry = reader.any()?;
        Ok(match entry.tag {
            OTHER => {
                let mut inside = entry.inside();
                let oid = oid(&inside.expect(tag::OID, "the type of an otherName is expected")?)?;
                let explicit = inside.expect(tag::constructed(0), "the value of an otherName is expected")?;
                inside.finish()?;
                let mut inside = explicit.inside();
                let value = any_value(&mut inside)?;
                inside.finish()?;
                Self::Other { oid, value }
            }
            EMAIL => Self::Email(entry.value),
            DNS => Self::Dns(entry.value),
            X400 => Self::X400,
            DIRECTORY => {
                let mut inside = entry.inside();
                let directory = inside.expect(tag::SEQUENCE, "a distinguished name is expected")?;
                inside.finish()?;
                Self::Directory { name: directory, canonical: name::canonical(&directory)? }
            }
            EDI_PARTY => {
                edi_party_name(entry.inside())?;
                Self::EdiParty
            }
            URI => Self::Uri(entry.value),
            IP => Self::Ip(entry.value),
            REGISTERED_ID => {
                oid(&entry)?;
                Self::RegisteredId
            }
            _ => return entry.error("a name of one of the nine kinds is expected"),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Other { .. } => Kind::Other,
            Self::Email(_) => Kind::Email,
            Self::Dns(_) => Kind::Dns,
            Self::X400 => Kind::X400,
            Self::Directory { .. } => Kind::Directory,
            Self::EdiParty => Kind::EdiParty,
            Self::Uri(_) => Kind::Uri,
            Self::Ip(_) => Kind::Ip,
            Self::RegisteredId => Kind::RegisteredId,
        }
    }
}

/// The names in the content of a GeneralNames; ends after the first error.
pub(crate) fn general_names(mut content: Reader<'_>) -> impl Iterator<Item = DerResult<GeneralName<'_>>> {
    let mut failed = false;
    core::iter::from_fn(move || {
        if failed || content.is_empty() {
            return None;
        }
        let name = GeneralName::read(&mut content);
        failed = name.is_err();
        Some(name)
    })
}

/// Checks the content of a GeneralNames and counts its entries.
pub(crate) fn count_general_names(content: Reader<'_>) -> DerResult<usize> {
    general_names(content).try_fold(0_usize, |count, name| name.map(|_| count.saturating_add(1)))
}

/// The canonical forms of the directory names in the content of a GeneralNames, up to the first error.
pub(crate) fn directory_names(content: Reader<'_>) -> impl Iterator<Item = Vec<u8>> {
    general_names(content).filter_map(|name| match name {
        Ok(GeneralName::Directory { canonical, .. }) => Some(canonical),
        _ => None,
    })
}

/// `SEQUENCE { nameAssigner [0] DirectoryString OPTIONAL, partyName [1] DirectoryString }`.
fn edi_party_name(mut content: Reader<'_>) -> DerResult<()> {
    const DIRECTORY_STRING: &[u8] =
        &[tag::PRINTABLE_STRING, tag::T61_STRING, tag::BMP_STRING, tag::UNIVERSAL_STRING, tag::UTF8_STRING];
    let directory_string = |explicit: &Tlv<'_>| {
        let mut inside = explicit.inside();
        let string = inside.any()?;
        inside.finish()?;
        if DIRECTORY_STRING.contains(&string.tag) {
            Ok(())
        } else {
            string.error("a DirectoryString is expected")
        }
    };
    if let Some(assigner) = content.optional(tag::constructed(0))? {
        directory_string(&assigner)?;
    }
    directory_string(&content.expect(tag::constructed(1), "the party of an ediPartyName is expected")?)?;
    content.finish()
}
