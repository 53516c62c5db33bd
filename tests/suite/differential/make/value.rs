//! Values that certificates and CRLs have in common.

use crate::differential::{
    der::tlv,
    grammar::{KeyIdentifier, Moment},
    keys::OWNERS,
};

pub(super) fn time(moment: Moment) -> Vec<u8> {
    const UTC: u8 = 23;
    const GENERALIZED: u8 = 24;
    match moment {
        Moment::LongAgo => tlv(UTC, b"900101000000Z"),
        Moment::Past => tlv(UTC, b"200101000000Z"),
        Moment::Now => tlv(UTC, b"250615150640Z"),
        Moment::Future => tlv(UTC, b"400101000000Z"),
        Moment::FarFuture => tlv(GENERALIZED, b"20990101000000Z"),
        Moment::Generalized => tlv(GENERALIZED, b"20200101000000Z"),
        Moment::WithoutSeconds => tlv(UTC, b"2001010000Z"),
        Moment::WithOffset => tlv(UTC, b"200101000000+0000"),
        Moment::NoDate => tlv(UTC, b"210229000000Z"),
        Moment::Fraction => tlv(GENERALIZED, b"20200101000000.5Z"),
        Moment::WrongType => tlv(12, b"200101000000Z"),
        Moment::GeneralizedWithOffset => tlv(GENERALIZED, b"20200101000000+0100"),
        Moment::LeapSecond => tlv(UTC, b"161231235960Z"),
        Moment::Hour24 => tlv(UTC, b"200101240000Z"),
        Moment::YearZero => tlv(GENERALIZED, b"00000101000000Z"),
        Moment::EndOfTime => tlv(GENERALIZED, b"99991231235959Z"),
    }
}

pub(super) fn key_identifier(whose: KeyIdentifier, entity: usize) -> Vec<u8> {
    match whose {
        KeyIdentifier::Right => vec![(entity % OWNERS).to_be_bytes()[7] + 1; 20],
        KeyIdentifier::Wrong => vec![0xee; 20],
        KeyIdentifier::Empty => Vec::new(),
    }
}

/// Some bytes are others.
pub(super) fn scramble(mut der: Vec<u8>, changes: &[(u16, u8)]) -> Vec<u8> {
    for (place, byte) in changes {
        let place = usize::from(*place) % der.len();
        der[place] = *byte;
    }
    der
}
