//! Walks ASN.1 DER without copying: one element at a time, with the byte position in every error.
//!
//! The reader is strict about lengths (definite, minimal, inside the input) and knows nothing of types beyond the few
//! primitives below. It exists beside the `der` crate because that crate has no UniversalString and no way to keep an element
//! whose type it does not know, and OpenSSL reads certificates that hold both.

use alloc::borrow::Cow;
use core::ops::Range;

/// Tags, as they stand in the first byte of an element.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const T61_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;

    /// The bit of an element that holds elements.
    pub(crate) const CONSTRUCTED: u8 = 0x20;

    /// `[number]`, primitive: an IMPLICIT tag over a primitive type.
    pub(crate) const fn primitive(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed: an EXPLICIT tag, or an IMPLICIT one over a SEQUENCE or SET.
    pub(crate) const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// The class of a tag, 0 for the universal one.
const CLASS: u8 = 0xc0;
/// What a tag byte says in its five low bits when the number follows in further bytes.
const HIGH_TAG_NUMBER: u8 = 0x1f;
/// Bytes of a length that are read; more would be an element over 4 GiB.
const MAX_LENGTH_BYTES: usize = 4;

/// A rule of DER that the bytes break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DerError {
    /// Byte position in the outermost element.
    pub(crate) position: usize,
    /// What is wrong there, to follow "at byte 12: ".
    pub(crate) problem: &'static str,
}

pub(crate) type DerResult<T> = Result<T, DerError>;

/// One element: tag, value, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// The element with its tag and length.
    pub(crate) whole: &'a [u8],
    /// Position of the value's first byte.
    pub(crate) position: usize,
}

impl<'a> Tlv<'a> {
    /// A reader of the elements inside this one.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader { rest: self.value, position: self.position }
    }

    /// An error at this element.
    pub(crate) fn error<T>(&self, problem: &'static str) -> DerResult<T> {
        Err(DerError { position: self.position, problem })
    }
}

/// Reads one element after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, position: 0 }
    }

    /// A reader of bytes that begin at `position` of something larger.
    pub(crate) fn at(bytes: &'a [u8], position: usize) -> Self {
        Self { rest: bytes, position }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag that comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn error<T>(&self, problem: &'static str) -> DerResult<T> {
        Err(DerError { position: self.position, problem })
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> DerResult<Tlv<'a>> {
        let whole = self.rest;
        let Some(&tag) = whole.first() else {
            return self.error("an element is missing");
        };
        if tag & CLASS == 0 && !is_universal(tag) {
            return self.error("the tag is none that DER has");
        }
        let mut header = 1_usize;
        if tag & HIGH_TAG_NUMBER == HIGH_TAG_NUMBER {
            loop {
                let Some(&byte) = whole.get(header) else {
                    return self.error("the tag is cut off");
                };
                header = header.saturating_add(1);
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let Some(&first) = whole.get(header) else {
            return self.error("the length is missing");
        };
        header = header.saturating_add(1);
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 {
                return self.error("the length is indefinite, which DER forbids");
            }
            if count > MAX_LENGTH_BYTES {
                return self.error("the length is out of range");
            }
            let end = header.saturating_add(count);
            let Some(bytes) = whole.get(header..end) else {
                return self.error("the length is cut off");
            };
            header = end;
            let length = bytes.iter().fold(0_u64, |length, &byte| (length << 8) | u64::from(byte));
            if bytes.first() == Some(&0) || length < 0x80 {
                return self.error("the length is not in its shortest form");
            }
            usize::try_from(length).unwrap_or(usize::MAX)
        };
        let end = header.saturating_add(length);
        let (Some(element), Some(value), Some(rest)) =
            (whole.get(..end), whole.get(header..end), whole.get(end..))
        else {
            return self.error("the element is longer than what holds it");
        };
        let tlv = Tlv { tag, value, whole: element, position: self.position.saturating_add(header) };
        self.rest = rest;
        self.position = self.position.saturating_add(end);
        Ok(tlv)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, problem: &'static str) -> DerResult<Tlv<'a>> {
        if self.peek() == Some(tag) { self.any() } else { self.error(problem) }
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> DerResult<Option<Tlv<'a>>> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(crate) fn finish(&self) -> DerResult<()> {
        if self.rest.is_empty() { Ok(()) } else { self.error("something follows that does not belong there") }
    }
}

/// Is this the first byte of a universal tag? Strings are not put together from pieces, and 0 marks an end that DER does not have.
fn is_universal(first: u8) -> bool {
    match first & 0x1f {
        0 => false,
        // SEQUENCE and SET hold elements. All other types are primitive, for OpenSSL also EXTERNAL and EMBEDDED PDV.
        16 | 17 => first & tag::CONSTRUCTED != 0,
        _ => first & tag::CONSTRUCTED == 0,
    }
}

/// An element of any type, whose content is checked as far as OpenSSL checks it when it knows no more than the type.
pub(crate) fn any_value<'a>(reader: &mut Reader<'a>) -> DerResult<Tlv<'a>> {
    let value = reader.any()?;
    match value.tag {
        tag::BOOLEAN => boolean(&value).map(|_| ())?,
        tag::INTEGER | tag::ENUMERATED => integer(&value).map(|_| ())?,
        tag::BIT_STRING => bit_string(&value).map(|_| ())?,
        tag::NULL if !value.value.is_empty() => return value.error("the null is not empty"),
        tag::OID => oid(&value).map(|_| ())?,
        tag::BMP_STRING if !value.value.len().is_multiple_of(2) => {
            return value.error("the text is not in the encoding its type names");
        }
        tag::UNIVERSAL_STRING if !value.value.len().is_multiple_of(4) => {
            return value.error("the text is not in the encoding its type names");
        }
        _ => {}
    }
    Ok(value)
}

/// The value of a BIT STRING. Its readers choose between whole bytes and masked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BitString<'a> {
    unused_bits: u8,
    bytes: &'a [u8],
}

impl<'a> BitString<'a> {
    /// The bytes; `None` when the last one has unused bits. A signature must be whole (OpenSSL: `ASN1_item_verify_ctx`).
    pub(crate) fn whole_bytes(&self) -> Option<&'a [u8]> {
        (self.unused_bits == 0).then_some(self.bytes)
    }

    /// The bytes with the unused bits cleared, as OpenSSL stores them (OpenSSL: `ossl_c2i_ASN1_BIT_STRING`).
    pub(crate) fn masked_bytes(&self) -> Cow<'a, [u8]> {
        let masked = self.masked_last_byte();
        if self.bytes.last().copied() == masked {
            return Cow::Borrowed(self.bytes);
        }
        let mut bytes = self.bytes.to_vec();
        if let (Some(last), Some(masked)) = (bytes.last_mut(), masked) {
            *last = masked;
        }
        Cow::Owned(bytes)
    }

    /// The last byte with the unused bits cleared.
    pub(crate) fn masked_last_byte(&self) -> Option<u8> {
        self.bytes.last().map(|last| last & (0xff_u8 << self.unused_bits))
    }

    /// The first 16 bits as OpenSSL stores them: the first byte low, the second one high, unused bits cleared.
    pub(crate) fn first_two_bytes(&self) -> u16 {
        let [first, second] = match self.bytes {
            [] => [0, 0],
            [_] => [self.masked_last_byte().unwrap_or(0), 0],
            [first, _] => [*first, self.masked_last_byte().unwrap_or(0)],
            [first, second, ..] => [*first, *second],
        };
        u16::from_le_bytes([first, second])
    }
}

/// Reads the value of a BIT STRING.
pub(crate) fn bit_string<'a>(tlv: &Tlv<'a>) -> DerResult<BitString<'a>> {
    match tlv.value.split_first() {
        Some((&unused_bits, bytes)) if unused_bits <= 7 && !(unused_bits > 0 && bytes.is_empty()) => {
            Ok(BitString { unused_bits, bytes })
        }
        _ => tlv.error("the bit string is not one"),
    }
}

/// Reads the value of a BOOLEAN; OpenSSL takes any byte but zero for true.
pub(crate) fn boolean(tlv: &Tlv<'_>) -> DerResult<bool> {
    match tlv.value {
        [byte] => Ok(*byte != 0),
        _ => tlv.error("the boolean is not one byte"),
    }
}

/// The content of an INTEGER: not empty, in the shortest form.
pub(crate) fn integer<'a>(tlv: &Tlv<'a>) -> DerResult<&'a [u8]> {
    match tlv.value {
        [] => tlv.error("the integer is empty"),
        [0x00, second, ..] if second & 0x80 == 0 => tlv.error("the integer is not in its shortest form"),
        [0xff, second, ..] if second & 0x80 != 0 => tlv.error("the integer is not in its shortest form"),
        content => Ok(content),
    }
}

/// The content of an OBJECT IDENTIFIER: not empty, every arc complete and in its shortest form.
pub(crate) fn oid<'a>(tlv: &Tlv<'a>) -> DerResult<&'a [u8]> {
    let mut starts_arc = true;
    for &byte in tlv.value {
        if starts_arc && byte == 0x80 {
            return tlv.error("the object identifier is not in its shortest form");
        }
        starts_arc = byte & 0x80 == 0;
    }
    if tlv.value.is_empty() || !starts_arc {
        return tlv.error("the object identifier is incomplete");
    }
    Ok(tlv.value)
}

/// Where `part` stands in `whole`, of which it must be a slice; the empty range at the start when it is not.
pub(crate) fn range_of(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    let end = start.saturating_add(part.len());
    if end <= whole.len() { start..end } else { 0..0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn problem(bytes: &[u8]) -> &'static str {
        Reader::new(bytes).any().unwrap_err().problem
    }

    #[test]
    fn lengths_are_definite_minimal_and_inside() {
        assert_eq!(Reader::new(&[0x04, 0x01, 0xaa]).any().unwrap().value, [0xaa]);
        assert_eq!(problem(&[0x30, 0x80, 0x00, 0x00]), "the length is indefinite, which DER forbids");
        assert_eq!(problem(&[0x04, 0x81, 0x01, 0xaa]), "the length is not in its shortest form");
        assert_eq!(problem(&[0x04, 0x82, 0x00, 0x80]), "the length is not in its shortest form");
        assert_eq!(problem(&[0x04, 0x85, 1, 0, 0, 0, 0]), "the length is out of range");
        assert_eq!(
            problem(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]),
            "the element is longer than what holds it"
        );
        assert_eq!(problem(&[0x04, 0x02, 0xaa]), "the element is longer than what holds it");
        assert_eq!(problem(&[0x04]), "the length is missing");
        assert_eq!(problem(&[]), "an element is missing");
    }

    #[test]
    fn positions_count_from_the_outermost_element() {
        let bytes = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x07];
        let outer = Reader::new(&bytes).any().unwrap();
        let inner = outer.inside().any().unwrap();
        let number = inner.inside().any().unwrap();
        assert_eq!((inner.position, number.position), (4, 6));
        assert_eq!(range_of(&bytes, number.whole), 4..7);
    }

    #[test]
    fn long_tags_are_stepped_over() {
        let tlv = Reader::new(&[0xbf, 0x81, 0x01, 0x01, 0xaa]).any().unwrap();
        assert_eq!((tlv.tag, tlv.value), (0xbf, &[0xaa][..]));
    }

    #[test]
    fn unused_bits_do_not_count() {
        let bits = BitString { unused_bits: 5, bytes: &[0xff] };
        assert_eq!(bits.first_two_bytes(), 0x00e0);
        assert_eq!((bits.whole_bytes(), &*bits.masked_bytes()), (None, &[0xe0][..]));
        let bits = BitString { unused_bits: 0, bytes: &[1, 2] };
        assert_eq!((bits.whole_bytes(), &*bits.masked_bytes()), (Some(&[1, 2][..]), &[1, 2][..]));
        let bits = BitString { unused_bits: 0, bytes: &[] };
        assert_eq!((bits.whole_bytes(), &*bits.masked_bytes()), (Some(&[][..]), &[][..]));
        let bits = BitString { unused_bits: 7, bytes: &[0x06, 0xff] };
        assert_eq!(bits.first_two_bytes(), 0x8006);
        assert!(matches!(BitString { unused_bits: 4, bytes: &[1, 0x10] }.masked_bytes(), Cow::Borrowed(_)));
    }
}
