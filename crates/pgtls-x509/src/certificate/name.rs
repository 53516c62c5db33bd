//! Distinguished names: walked, compared as OpenSSL compares them, and shown.
//!
//! Two names are equal for OpenSSL when their *canonical encodings* are: every string as UTF-8, ASCII letters in lower case,
//! white space at the ends dropped and runs of it collapsed, attributes of one RDN sorted, the outer SEQUENCE header left off
//! (OpenSSL: `x509_name_canon`). The header is left off so that "is this subtree a prefix of that name" is a comparison of bytes.

use crate::{
    display::{MAX_SHOWN, push_escaped},
    oid,
    tlv::{DerResult, Reader, Tlv, any_value, oid as oid_content, tag},
};
use alloc::{string::String, vec::Vec};
use core::ops::Range;

/// A name longer than this does not load (OpenSSL: `X509_NAME_MAX`).
pub(crate) const MAX_NAME: usize = 1024 * 1024;

/// One attribute of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) oid: &'a [u8],
    /// Tag, content and encoding of the value.
    pub(crate) value: Tlv<'a>,
}

/// The attributes of a name in encoding order; stops at the first error, which names of parsed certificates do not have.
pub(crate) fn attributes(name: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    let mut rdns = Reader::new(name).any().map_or(Reader::new(&[]), |name| name.inside());
    let mut rdn = Reader::new(&[]);
    core::iter::from_fn(move || {
        while rdn.is_empty() {
            if rdns.is_empty() {
                return None;
            }
            rdn = rdns.any().ok()?.inside();
        }
        attribute(&mut rdn).ok()
    })
}

/// The first commonName in encoding order: raw bytes of its value.
pub(crate) fn first_common_name(name: &[u8]) -> Option<&[u8]> {
    attributes(name)
        .find(|attribute| attribute.oid == oid::COMMON_NAME)
        .map(|attribute| attribute.value.value)
}

/// Checks a name and returns its canonical encoding: empty for the empty name.
pub(crate) fn canonical(name: &Tlv<'_>) -> DerResult<Vec<u8>> {
    if name.whole.len() > MAX_NAME {
        return name.error("the name is longer than 1 MiB");
    }
    let mut out = Vec::with_capacity(name.whole.len());
    let mut rdns = name.inside();
    let mut scratch = Vec::new();
    while !rdns.is_empty() {
        let rdn = rdns.expect(tag::SET, "a relative distinguished name is expected")?;
        push_rdn(&mut out, rdn.inside(), &mut scratch)?;
    }
    Ok(out)
}

/// The canonical encoding of one RDN, given its content; also what `nameRelativeToCRLIssuer` holds.
pub(crate) fn push_canonical_rdn(out: &mut Vec<u8>, rdn: Reader<'_>) -> DerResult<()> {
    push_rdn(out, rdn, &mut Vec::new())
}

fn push_rdn(out: &mut Vec<u8>, mut rdn: Reader<'_>, scratch: &mut Vec<u8>) -> DerResult<()> {
    // A set without attributes leaves no trace.
    if rdn.is_empty() {
        return Ok(());
    }
    let first = attribute(&mut rdn)?;
    if rdn.is_empty() {
        let value = canonical_value(&first.value, scratch)?;
        push_header(out, tag::SET, element_length(value.pair_length(first.oid)));
        value.push_pair(out, first.oid);
        return Ok(());
    }
    let (mut pairs, mut places) = (Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some(current) = next {
        let start = pairs.len();
        canonical_value(&current.value, scratch)?.push_pair(&mut pairs, current.oid);
        places.push(start..pairs.len());
        next = if rdn.is_empty() { None } else { Some(attribute(&mut rdn)?) };
    }
    let pair = |place: &Range<usize>| pairs.get(place.clone()).unwrap_or_default();
    places.sort_unstable_by(|left, right| pair(left).cmp(pair(right)));
    push_header(out, tag::SET, pairs.len());
    for place in &places {
        out.extend_from_slice(pair(place));
    }
    Ok(())
}

/// The value of an attribute in its canonical form.
enum Canonical<'a> {
    Text(&'a [u8]),
    /// Of a type that is compared as it is: the whole element.
    AsItIs(&'a [u8]),
}

impl Canonical<'_> {
    /// Length of the content of the SEQUENCE of type and value.
    fn pair_length(&self, oid: &[u8]) -> usize {
        let value = match self {
            Self::Text(text) => element_length(text.len()),
            Self::AsItIs(whole) => whole.len(),
        };
        element_length(oid.len()).saturating_add(value)
    }

    /// Appends the SEQUENCE of type and value.
    fn push_pair(&self, out: &mut Vec<u8>, oid: &[u8]) {
        push_header(out, tag::SEQUENCE, self.pair_length(oid));
        push_tlv(out, tag::OID, oid);
        match self {
            Self::Text(text) => push_tlv(out, tag::UTF8_STRING, text),
            Self::AsItIs(whole) => out.extend_from_slice(whole),
        }
    }
}

fn canonical_value<'a>(value: &Tlv<'a>, scratch: &'a mut Vec<u8>) -> DerResult<Canonical<'a>> {
    const NARROW: &[u8] = &[tag::UTF8_STRING, tag::PRINTABLE_STRING, tag::IA5_STRING, tag::T61_STRING];
    scratch.clear();
    if NARROW.contains(&value.tag) && value.value.is_ascii() {
        fold(value.value, scratch);
    } else if let Some(text) = utf8(value)? {
        fold(text.as_bytes(), scratch);
    } else {
        return Ok(Canonical::AsItIs(value.whole));
    }
    Ok(Canonical::Text(scratch))
}

/// ASCII letters in lower case, white space dropped at the ends and collapsed inside.
fn fold(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if !is_space(byte) {
            out.push(byte.to_ascii_lowercase());
        } else if !matches!(out.last(), None | Some(b' ')) {
            out.push(b' ');
        }
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
}

/// A name as people write it, `CN=db.example.com, O=Example`: escaped, bounded, never more than [`MAX_SHOWN`] characters.
pub(crate) fn display(name: &[u8]) -> String {
    let mut out = String::new();
    for attribute in attributes(name) {
        if !out.is_empty() {
            out.push_str(", ");
        }
        match short_name(attribute.oid) {
            Some(short) => out.push_str(short),
            None => match der::asn1::ObjectIdentifier::from_bytes(attribute.oid) {
                Ok(oid) => {
                    // Writing to a String cannot fail.
                    let _ = core::fmt::Write::write_fmt(&mut out, format_args!("{oid}"));
                }
                Err(_) => out.push('?'),
            },
        }
        out.push('=');
        let text = utf8(&attribute.value).ok().flatten();
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(attribute.value.value).into_owned());
        if !push_escaped(&mut out, &text, MAX_SHOWN) {
            break;
        }
    }
    if out.is_empty() { String::from("(no name)") } else { out }
}

fn attribute<'a>(rdn: &mut Reader<'a>) -> DerResult<Attribute<'a>> {
    let pair = rdn.expect(tag::SEQUENCE, "a name attribute is expected")?;
    let mut inside = pair.inside();
    let oid = oid_content(&inside.expect(tag::OID, "the type of a name attribute is expected")?)?;
    let value = any_value(&mut inside)?;
    inside.finish()?;
    if !is_name_value(value.tag) {
        return value.error("the value of a name attribute has a type that names do not have");
    }
    Ok(Attribute { oid, value })
}

/// The types OpenSSL reads in a name (`ASN1_PRINTABLE`): strings but VisibleString, BIT STRING, SEQUENCE, and the rare types it keeps unread.
fn is_name_value(tag: u8) -> bool {
    const STRINGS: &[u8] = &[
        tag::BIT_STRING,
        tag::UTF8_STRING,
        0x12, // NumericString
        tag::PRINTABLE_STRING,
        tag::T61_STRING,
        tag::IA5_STRING,
        tag::UNIVERSAL_STRING,
        tag::BMP_STRING,
        tag::SEQUENCE,
    ];
    const KEPT_UNREAD: &[u8] = &[7, 8, 9, 11, 13, 14, 15, 29];
    STRINGS.contains(&tag) || KEPT_UNREAD.contains(&tag)
}

/// The text of a string type OpenSSL converts, `None` for another type.
pub(crate) fn utf8(value: &Tlv<'_>) -> DerResult<Option<String>> {
    let text = match value.tag {
        tag::UTF8_STRING => core::str::from_utf8(value.value).ok().map(String::from),
        // One byte is one character, whatever ISO 646 or T.61 say.
        tag::PRINTABLE_STRING | tag::T61_STRING | tag::IA5_STRING | tag::VISIBLE_STRING => {
            Some(value.value.iter().map(|&byte| char::from(byte)).collect())
        }
        tag::BMP_STRING => characters::<2>(value.value),
        tag::UNIVERSAL_STRING => characters::<4>(value.value),
        _ => return Ok(None),
    };
    match text {
        Some(text) => Ok(Some(text)),
        None => value.error("the text is not in the encoding its type names"),
    }
}

/// Big-endian characters of `N` bytes each. Surrogates are no characters, so a pair of them is an error, as in OpenSSL.
fn characters<const N: usize>(bytes: &[u8]) -> Option<String> {
    let chunks = bytes.chunks_exact(N);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks
        .map(|chunk| char::from_u32(chunk.iter().fold(0, |code, &byte| (code << 8) | u32::from(byte))))
        .collect()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Appends an element: tag, length in its shortest form, value.
pub(crate) fn push_tlv(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    push_header(out, tag, value.len());
    out.extend_from_slice(value);
}

pub(crate) fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.extend_from_slice(&[tag, short]),
        _ => {
            out.push(tag);
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            let significant = bytes.get(zeros..).unwrap_or_default();
            // At most the eight bytes of a usize.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            out.extend_from_slice(significant);
        }
    }
}

/// Length of an element whose value has this length.
pub(crate) fn element_length(value: usize) -> usize {
    let length_bytes = match value {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x100_0000 => 4,
        _ => 5,
    };
    value.saturating_add(1).saturating_add(length_bytes)
}

/// The short names of RFC 4514 and those seen in certificates.
fn short_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x04] => "SN",
        [0x55, 0x04, 0x05] => "serialNumber",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x09] => "street",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x55, 0x04, 0x0c] => "title",
        [0x55, 0x04, 0x2a] => "GN",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        other if other == oid::EMAIL_ADDRESS => "emailAddress",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        push_tlv(&mut out, tag, &parts.concat());
        out
    }

    fn name_of(rdns: &[&[(u8, &[u8])]]) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> = rdns
            .iter()
            .map(|rdn| {
                let attributes: Vec<Vec<u8>> = rdn
                    .iter()
                    .map(|(tag, value)| {
                        element(
                            tag::SEQUENCE,
                            &[&element(tag::OID, &[oid::COMMON_NAME]), &element(*tag, &[value])],
                        )
                    })
                    .collect();
                element(tag::SET, &[&attributes.concat()])
            })
            .collect();
        element(tag::SEQUENCE, &[&rdns.concat()])
    }

    #[track_caller]
    fn same(left: &[&[(u8, &[u8])]], right: &[&[(u8, &[u8])]]) -> bool {
        let form = |rdns| canonical(&Reader::new(&name_of(rdns)).any().unwrap()).unwrap();
        form(left) == form(right)
    }

    #[test]
    fn comparison_is_openssls() {
        let utf8 = tag::UTF8_STRING;
        let printable = tag::PRINTABLE_STRING;
        // Case, white space and string type do not matter ...
        assert!(same(&[&[(utf8, b"Example CA")]], &[&[(printable, b"  example \t ca ")]]));
        assert!(same(&[&[(tag::BMP_STRING, b"\0A\0b")]], &[&[(utf8, b"aB")]]));
        assert!(same(&[&[(tag::T61_STRING, b"\xe9")]], &[&[(utf8, "\u{e9}".as_bytes())]]));
        // ... the order inside one RDN neither, but that of the RDNs does.
        assert!(same(&[&[(utf8, b"a"), (utf8, b"b")]], &[&[(utf8, b"b"), (utf8, b"a")]]));
        assert!(!same(&[&[(utf8, b"a")], &[(utf8, b"b")]], &[&[(utf8, b"b")], &[(utf8, b"a")]]));
        // Near misses: letters beyond ASCII are not folded, NumericString is its own type.
        assert!(!same(&[&[(utf8, "\u{c9}".as_bytes())]], &[&[(utf8, "\u{e9}".as_bytes())]]));
        assert!(!same(&[&[(0x12, b"1")]], &[&[(utf8, b"1")]]));
        assert!(!same(&[&[(utf8, b"exampleca")]], &[&[(utf8, b"example ca")]]));
    }

    #[test]
    fn bad_text_is_an_error() {
        for (tag, value) in [
            (tag::UTF8_STRING, &b"\xff"[..]),
            (tag::BMP_STRING, b"\0"),
            (tag::BMP_STRING, b"\xd8\x00\xdc\x00"),
            (tag::UNIVERSAL_STRING, b"\0\x11\0\0"),
            (tag::VISIBLE_STRING, b"a"),
            (tag::OCTET_STRING, b"a"),
        ] {
            let name = name_of(&[&[(tag, value)]]);
            assert!(canonical(&Reader::new(&name).any().unwrap()).is_err(), "{tag:#x}");
        }
    }

    #[test]
    fn empty_names_and_sets_have_an_empty_canonical_form() {
        let empty = name_of(&[]);
        assert!(canonical(&Reader::new(&empty).any().unwrap()).unwrap().is_empty());
        let empty_set = name_of(&[&[]]);
        assert!(canonical(&Reader::new(&empty_set).any().unwrap()).unwrap().is_empty());
        assert_eq!(display(&empty), "(no name)");
    }

    #[test]
    fn names_are_shown_escaped_and_bounded() {
        let name = name_of(&[&[(tag::UTF8_STRING, "db\n\u{202e}x".as_bytes())]]);
        assert_eq!(display(&name), "CN=db\\u{a}\\u{202e}x");
        let long = name_of(&[&[(tag::UTF8_STRING, &[b'a'; 5000])]]);
        assert!(display(&long).len() <= MAX_SHOWN + 3);
    }
}
