//! A DER writer of a few lines: what it writes comes out exactly as said, however wrong.
//!
//! Certificate builders refuse to make the certificates that this PKI exists for (X.509 v1, a NUL inside a name, an
//! address of five octets), so every certificate here is put together from these pieces. DER: ITU-T X.690, section 10.

use der::{DateTime, asn1::ObjectIdentifier};
use std::time::Duration;

/// Universal and constructed tags that certificates are made of.
pub(super) mod tag {
    pub(in crate::pki) const BOOLEAN: u8 = 0x01;
    pub(in crate::pki) const INTEGER: u8 = 0x02;
    pub(in crate::pki) const BIT_STRING: u8 = 0x03;
    pub(in crate::pki) const OCTET_STRING: u8 = 0x04;
    pub(in crate::pki) const NULL: u8 = 0x05;
    pub(in crate::pki) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(in crate::pki) const ENUMERATED: u8 = 0x0A;
    pub(in crate::pki) const UTF8_STRING: u8 = 0x0C;
    pub(in crate::pki) const PRINTABLE_STRING: u8 = 0x13;
    pub(in crate::pki) const T61_STRING: u8 = 0x14;
    pub(in crate::pki) const IA5_STRING: u8 = 0x16;
    pub(in crate::pki) const UTC_TIME: u8 = 0x17;
    pub(in crate::pki) const GENERALIZED_TIME: u8 = 0x18;
    pub(in crate::pki) const BMP_STRING: u8 = 0x1E;
    pub(in crate::pki) const SEQUENCE: u8 = 0x30;
    pub(in crate::pki) const SET: u8 = 0x31;

    /// `[number]`, primitive.
    pub(in crate::pki) const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed.
    pub(in crate::pki) const fn context_constructed(number: u8) -> u8 {
        0xA0 | number
    }
}

/// Tag, length, and the parts one after the other.
pub(super) fn tlv<P: AsRef<[u8]>>(tag: u8, parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    let body: Vec<u8> = parts.into_iter().flat_map(|part| part.as_ref().to_vec()).collect();
    let mut out = vec![tag];
    match u8::try_from(body.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length: Vec<u8> =
                body.len().to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
            // A usize has at most eight octets, so the count fits the seven bits that DER has for it.
            out.push(0x80 | length.len().to_le_bytes().first().copied().unwrap_or_default());
            out.extend(length);
        }
    }
    out.extend(body);
    out
}

/// SEQUENCE.
pub(super) fn sequence<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// INTEGER, not negative.
pub(super) fn integer(value: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    if bytes.first().is_none_or(|&byte| byte >= 0x80) {
        bytes.insert(0, 0);
    }
    tlv(tag::INTEGER, [bytes])
}

/// OBJECT IDENTIFIER.
pub(super) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(tag::OBJECT_IDENTIFIER, [oid.as_bytes()])
}

/// BOOLEAN TRUE.
pub(super) fn yes() -> Vec<u8> {
    tlv(tag::BOOLEAN, [[0xFF]])
}

/// NULL.
pub(super) fn null() -> Vec<u8> {
    tlv(tag::NULL, [[]])
}

/// OCTET STRING.
pub(super) fn octets(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(tag::OCTET_STRING, [bytes])
}

/// BIT STRING; the last octet has this many unused bits.
pub(super) fn bits(bytes: impl AsRef<[u8]>, unused: u8) -> Vec<u8> {
    tlv(tag::BIT_STRING, [&[unused], bytes.as_ref()])
}

/// Time as certificates have it: UTCTime through 2049, GeneralizedTime from then on (RFC 5280, section 4.1.2.5).
///
/// `moment` counts from 1970; what lies after the year 9999 is written as the last second of that year.
pub(super) fn time(moment: Duration) -> Vec<u8> {
    let t = DateTime::from_unix_duration(moment).unwrap_or(DateTime::INFINITY);
    let rest = format!("{:02}{:02}{:02}{:02}{:02}Z", t.month(), t.day(), t.hour(), t.minutes(), t.seconds());
    if t.year() < 2050 {
        tlv(tag::UTC_TIME, [format!("{:02}{rest}", t.year() % 100)])
    } else {
        tlv(tag::GENERALIZED_TIME, [format!("{:04}{rest}", t.year())])
    }
}

/// The contents of the values that stand one after the other in `der`, as far as they are well formed: the reverse of
/// [`tlv`], for what we wrote ourselves.
pub(super) fn children(der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = der;
    while let Some((content, after)) = split(rest) {
        found.push(content);
        rest = after;
    }
    found
}

fn split(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = if first < 0x80 {
        (first.into(), rest)
    } else {
        let (octets, rest) = rest.split_at_checked((first & 0x7F).into())?;
        (
            octets
                .iter()
                .try_fold(0_usize, |length, octet| length.checked_mul(256)?.checked_add((*octet).into()))?,
            rest,
        )
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(made: &[u8], hex: &str) {
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        assert_eq!(made, bytes);
    }

    #[test]
    fn lengths() {
        check(&octets([]), "0400");
        check(&octets([0xAB; 127])[..3], "047fab");
        check(&octets([0xAB; 128])[..4], "048180ab");
        check(&octets([0xAB; 256])[..5], "04820100ab");
        check(&octets(vec![0xAB; 65536])[..6], "0483010000ab");
    }

    #[test]
    fn what_was_written_can_be_taken_apart() {
        let long = vec![7; 300];
        let written = sequence([octets(&long), octets([1])]);
        assert_eq!(children(&written).into_iter().flat_map(children).collect::<Vec<_>>(), [&long[..], &[1]]);
        assert_eq!(children(&written[..written.len() - 1]), [[0_u8; 0]; 0]);
    }

    #[test]
    fn integers() {
        check(&integer(0), "020100");
        check(&integer(127), "02017f");
        check(&integer(128), "02020080");
        check(&integer(256), "02020100");
    }

    #[test]
    fn times() {
        check(&time(Duration::ZERO), "170d3730303130313030303030305a");
        // 2050-01-01T00:00:00Z
        check(&time(Duration::from_secs(2_524_608_000)), "180f32303530303130313030303030305a");
        check(&time(Duration::MAX), "180f39393939313233313233353935395a");
    }
}
