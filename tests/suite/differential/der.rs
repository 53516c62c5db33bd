//! Writes DER, well-formed or not: the other direction than the crate under test, and nothing shared with it.

/// An element: tag, length, content.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let first = length.iter().position(|&byte| byte != 0).unwrap_or(7);
    let length = &length[first..];
    if length.len() > 1 || length[0] >= 0x80 {
        out.push(0x80 | u8::try_from(length.len()).unwrap());
    }
    out.extend(length);
    out.extend(content);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(super) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

/// `[number]` around other elements.
pub(super) fn explicit(number: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0xa0 | number, &parts.concat())
}

/// `[number]` in place of a primitive tag.
pub(super) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, content)
}

pub(super) fn boolean(value: bool) -> Vec<u8> {
    tlv(1, &[if value { 0xff } else { 0 }])
}

pub(super) fn integer(content: &[u8]) -> Vec<u8> {
    tlv(2, content)
}

/// A BIT STRING with its unused bits first.
pub(super) fn bits(unused: u8, bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[unused], bytes].concat())
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    tlv(4, content)
}

/// An OBJECT IDENTIFIER from its dotted form.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let mut groups = vec![arc & 0x7f];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(0x80 | (rest & 0x7f));
            rest >>= 7;
        }
        content.extend(groups.iter().rev().map(|group| group.to_be_bytes()[7]));
    }
    tlv(6, &content)
}

/// A PEM block.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = openssl::base64::encode_block(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap());
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// The contents of PEM blocks as [`pem`] writes them.
pub(super) fn unpem(text: &str) -> Vec<Vec<u8>> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            blocks.push(String::new());
        } else if let Some(block) = blocks.last_mut().filter(|_| !line.starts_with("-----END ")) {
            block.push_str(line);
        }
    }
    blocks.iter().map(|base64| openssl::base64::decode_block(base64).unwrap()).collect()
}
