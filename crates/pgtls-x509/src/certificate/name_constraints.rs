//! The nameConstraints extension (RFC 5280 section 4.2.1.10), read; what it means is in [`crate::path`].

use super::general_name::GeneralName;
use crate::tlv::{DerResult, Reader, Tlv, integer, tag};

/// One subtree.
#[derive(Clone, Debug)]
pub(crate) struct Subtree<'a> {
    pub(crate) base: GeneralName<'a>,
    /// Distances are as RFC 5280 wants them: none, or a minimum of 0.
    pub(crate) plain_distances: bool,
}

impl<'a> Subtree<'a> {
    fn read(list: &mut Reader<'a>) -> DerResult<Self> {
        let element = list.expect(tag::SEQUENCE, "a subtree is expected")?;
        let mut inside = element.inside();
        let base = GeneralName::read(&mut inside)?;
        let minimum = inside.optional(tag::primitive(0))?;
        let maximum = inside.optional(tag::primitive(1))?;
        inside.finish()?;
        if let Some(maximum) = &maximum {
            integer(maximum)?;
        }
        let from_zero = match &minimum {
            Some(minimum) => integer(minimum)? == [0],
            None => true,
        };
        Ok(Self { base, plain_distances: from_zero && maximum.is_none() })
    }
}

/// The two lists of subtrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameConstraints<'a> {
    permitted: Reader<'a>,
    excluded: Reader<'a>,
}

impl<'a> NameConstraints<'a> {
    fn read(value: &Tlv<'a>) -> DerResult<Self> {
        if value.tag != tag::SEQUENCE {
            return value.error("a sequence is expected");
        }
        let mut inside = value.inside();
        let mut list = |number| {
            let list = inside.optional(tag::constructed(number))?;
            Ok(list.map_or(Reader::new(&[]), |list| list.inside()))
        };
        let permitted = list(0)?;
        let excluded = list(1)?;
        inside.finish()?;
        Ok(Self { permitted, excluded })
    }

    /// Is the extension well-formed, down to the last subtree?
    pub(crate) fn check(value: &Tlv<'a>) -> DerResult<()> {
        let read = Self::read(value)?;
        for mut list in [read.permitted, read.excluded] {
            while !list.is_empty() {
                Subtree::read(&mut list)?;
            }
        }
        Ok(())
    }

    /// The constraints in an extension that was checked.
    pub(crate) fn of_checked(whole: &'a [u8]) -> Option<Self> {
        Self::read(&Reader::new(whole).any().ok()?).ok()
    }

    pub(crate) fn permitted(&self) -> impl Iterator<Item = Subtree<'a>> + use<'a> {
        subtrees(self.permitted)
    }

    pub(crate) fn excluded(&self) -> impl Iterator<Item = Subtree<'a>> + use<'a> {
        subtrees(self.excluded)
    }
}

fn subtrees(mut list: Reader<'_>) -> impl Iterator<Item = Subtree<'_>> {
    core::iter::from_fn(move || if list.is_empty() { None } else { Subtree::read(&mut list).ok() })
}
