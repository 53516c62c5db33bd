//! BER rewritten in DER, to tell what OpenSSL reads and we do not from what nobody reads.
//!
//! Nothing is believed because of what stands here: signatures are over bytes, and these are other bytes.

use crate::tlv::tag;
use alloc::{borrow::Cow, vec::Vec};

/// Elements inside elements that are followed (OpenSSL: `ASN1_MAX_CONSTRUCTED_NEST`).
const MAX_DEPTH: usize = 30;
/// Marks the end of an element of indefinite length.
const END: [u8; 2] = [0, 0];

/// The elements at the beginning of `bytes` with definite lengths in their shortest form and strings in one piece; what
/// follows them and is no element is left out.
pub(crate) fn to_der(mut bytes: &[u8]) -> Vec<u8> {
    let mut der = Vec::with_capacity(bytes.len());
    while let Some(rest) = element(bytes, MAX_DEPTH, &mut der) {
        bytes = rest;
    }
    der
}

/// Appends one element in DER and returns the bytes behind it; `None`, with nothing appended, where there is none.
fn element<'a>(bytes: &'a [u8], depth: usize, der: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (identifier, rest) = identifier(bytes)?;
    let (&first, rest) = rest.split_first()?;
    let (&tag, tag_number) = identifier.split_first()?;
    let is_constructed = tag & tag::CONSTRUCTED != 0;
    let mut der_tag = if is_string(identifier) { tag & !tag::CONSTRUCTED } else { tag };
    let (content, rest) = if first == 0x80 {
        if !is_constructed {
            return None;
        }
        let (content, rest) = elements(rest, depth.checked_sub(1)?, identifier)?;
        (Cow::Owned(content), rest.strip_prefix(&END)?)
    } else {
        let (length, rest) = length(first, rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        let content = if is_constructed {
            let (content, behind) = elements(content, depth.checked_sub(1)?, identifier)?;
            if !behind.is_empty() {
                return None;
            }
            Cow::Owned(content)
        } else if let Some(content) = list(identifier, content, depth) {
            der_tag |= tag::CONSTRUCTED;
            Cow::Owned(content)
        } else {
            Cow::Borrowed(content)
        };
        (content, rest)
    };
    der.push(der_tag);
    der.extend_from_slice(tag_number);
    push_length(der, content.len());
    der.extend_from_slice(&content);
    Some(rest)
}

/// The content of a constructed element up to its end, and what is behind; of a string, the contents of its pieces.
fn elements<'a>(mut bytes: &'a [u8], depth: usize, outer: &[u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let mut content = Vec::new();
    while !bytes.is_empty() && !bytes.starts_with(&END) {
        if is_string(outer) {
            let mut inner = Vec::new();
            bytes = element(bytes, depth, &mut inner)?;
            let (_, piece) = identifier(&inner)?;
            let (&first, piece) = piece.split_first()?;
            content.extend_from_slice(length(first, piece)?.1);
        } else {
            bytes = element(bytes, depth, &mut content)?;
        }
    }
    Some((content, bytes))
}

/// A constructed element of a universal type that DER writes in one piece.
fn is_string(identifier: &[u8]) -> bool {
    // SEQUENCE and SET hold elements.
    matches!(identifier, [first] if first & 0xe0 == tag::CONSTRUCTED && !matches!(first & 0x1f, 16 | 17))
}

/// The content of a SEQUENCE OF or SET OF without the bit that says that it holds elements: OpenSSL does not look for that bit
/// in those, and does in a SEQUENCE of different things (`asn1_template_noexp_d2i`). What is of one kind here are SEQUENCEs and SETs.
fn list(identifier: &[u8], content: &[u8], depth: usize) -> Option<Vec<u8>> {
    let &[tag] = identifier else { return None };
    if !is_list(tag | tag::CONSTRUCTED) {
        return None;
    }
    let depth = depth.checked_sub(1)?;
    let (mut list, mut rest) = (Vec::new(), content);
    // Each element is rewritten once. Reading the result again would double the work at each level.
    while !rest.is_empty() {
        let start = list.len();
        rest = element(rest, depth, &mut list)?;
        if !is_list(*list.get(start)?) {
            return None;
        }
    }
    Some(list)
}

fn is_list(tag: u8) -> bool {
    matches!(tag, tag::SEQUENCE | tag::SET)
}

/// The bytes of the tag, and those behind.
fn identifier(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 1;
    if bytes.first()? & 0x1f == 0x1f {
        length = bytes.iter().skip(1).position(|byte| byte & 0x80 == 0)?.checked_add(2)?;
    }
    bytes.split_at_checked(length)
}

/// A definite length in any form, and the bytes behind it.
fn length(first: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    if first < 0x80 {
        return Some((first.into(), bytes));
    }
    let (digits, rest) = bytes.split_at_checked(usize::from(first & 0x7f))?;
    let length = digits
        .iter()
        .try_fold(0_usize, |length, &digit| length.checked_mul(0x100)?.checked_add(digit.into()))?;
    Some((length, rest))
}

fn push_length(der: &mut Vec<u8>, length: usize) {
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        der.push(short);
        return;
    }
    let digits = length.to_be_bytes();
    let digits = digits.iter().skip_while(|&&digit| digit == 0);
    // At most eight.
    der.push(0x80 | u8::try_from(digits.clone().count()).unwrap_or(0));
    der.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_short_and_strings_whole() {
        let der = [0x30, 0x03, 0x02, 0x01, 0x07];
        for ber in [
            &der[..],
            &[0x30, 0x81, 0x03, 0x02, 0x01, 0x07],
            &[0x30, 0x80, 0x02, 0x01, 0x07, 0x00, 0x00],
            &[0x30, 0x80, 0x02, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x07, 0x00, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x07, 0x00],
        ] {
            assert_eq!(to_der(ber), der, "{ber:x?}");
        }
        assert_eq!(to_der(&[0x24, 0x80, 4, 1, b'a', 0x24, 3, 4, 1, b'b', 0, 0]), [4, 2, b'a', b'b']);
        // A list may lack the bit that says what it is, a structure may not.
        assert_eq!(to_der(&[0x10, 2, 0x11, 0]), [0x30, 2, 0x31, 0]);
        assert_eq!(to_der(&[0x10, 3, 2, 1, 7]), [0x10, 3, 2, 1, 7]);
        // What is no list in the end was none at any level; to find out twice at each level would take 2^29 steps.
        let no_list = (0..29).fold(Vec::from([2, 1, 7]), |inner, _| {
            let mut outer = Vec::from([0x10]);
            push_length(&mut outer, inner.len());
            outer.extend(inner);
            outer
        });
        assert_eq!(to_der(&no_list), no_list);
        let long = [&[0x04, 0x81, 0x80][..], &[7; 0x80]].concat();
        assert_eq!(to_der(&[&[0x04, 0x83, 0, 0, 0x80][..], &[7; 0x80]].concat()), long);
    }

    #[test]
    fn what_is_no_element_is_left_out() {
        for bytes in
            [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x80, 0x02], &[0x04, 0x80, 0, 0], &[0x30, 1, 2]]
        {
            assert!(to_der(bytes).is_empty(), "{bytes:x?}");
        }
        assert!(to_der(&[0x30, 0x80].repeat(100_000)).is_empty(), "deeper than anybody looks");
    }
}
