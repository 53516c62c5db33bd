//! From a row to the bytes of a certificate or a CRL (RFC 5280, sections 4.1 and 5.1).

use super::{
    der::{self, tag},
    key::Key,
    row::{
        AltName, Attribute, Authority, CrlExtra, CrlRow, EntryExtra, Extra, Identifiers, Purpose, Row,
        Subtree, Text,
    },
    sign::{Digest, SignError},
};
use ::der::asn1::ObjectIdentifier;
use std::time::Duration;

/// Who signs.
#[derive(Clone, Copy)]
pub(super) struct Issuer<'a> {
    pub(super) key: &'a Key,
    pub(super) subject: &'a [Attribute],
}

/// The certificate that `row` describes.
pub(super) fn certificate(
    row: &Row,
    key: &Key,
    issuer: Issuer<'_>,
    serial: u64,
    born: Duration,
) -> Result<Vec<u8>, SignError> {
    let version = (!row.version_1).then(|| der::tlv(tag::context_constructed(0), [der::integer(2)]));
    let extensions = extensions(row, key, issuer.key);
    // Neither version 1 has the list, nor may it be empty.
    let extensions = (!row.version_1 && !extensions.is_empty())
        .then(|| der::tlv(tag::context_constructed(3), [der::sequence(extensions)]));
    let to_be_signed = der::sequence(
        version
            .into_iter()
            .chain([
                der::integer(serial),
                issuer.key.signature_algorithm(row.digest),
                name(issuer.subject),
                der::sequence([moment(born, row.window.from), moment(born, row.window.until)]),
                name(&row.subject),
                key.subject_public_key_info(),
            ])
            .chain(extensions),
    );
    signed(to_be_signed, issuer.key, row.digest, row.spoiled)
}

/// The CRL that `row` describes, with this number.
pub(super) fn crl(
    row: &CrlRow,
    issuer: Issuer<'_>,
    serials: &[u64],
    number: u64,
    born: Duration,
) -> Result<Vec<u8>, SignError> {
    let entry_extension = row.entry.map(|extra| {
        der::sequence([match extra {
            EntryExtra::Unknown => extension(UNKNOWN, true, der::tlv(tag::UTF8_STRING, [b"x"])),
            EntryExtra::Hold => extension(REASON_CODE, false, der::tlv(tag::ENUMERATED, [[6]])),
            EntryExtra::Remove => extension(REASON_CODE, false, der::tlv(tag::ENUMERATED, [[8]])),
        }])
    });
    let entries = serials.iter().map(|&serial| {
        der::sequence([der::integer(serial), moment(born, -1)].into_iter().chain(entry_extension.clone()))
    });
    // The list is left out when it would be empty (RFC 5280, section 5.1.2.6).
    let revoked = (!serials.is_empty()).then(|| der::sequence(entries));
    let key = row.key_identifier.then(|| {
        extension(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(issuer.key.identifier()))
    });
    let extensions = key
        .into_iter()
        .chain([extension(CRL_NUMBER, false, der::integer(number))])
        .chain(row.extra.map(crl_extension));
    let extensions =
        (!row.version_1).then(|| der::tlv(tag::context_constructed(0), [der::sequence(extensions)]));
    let to_be_signed = der::sequence(
        (!row.version_1)
            .then(|| der::integer(1))
            .into_iter()
            .chain([
                issuer.key.signature_algorithm(Digest::Usual),
                name(issuer.subject),
                moment(born, row.window.from),
            ])
            .chain(row.next.then(|| moment(born, row.window.until)))
            .chain(revoked)
            .chain(extensions),
    );
    signed(to_be_signed, issuer.key, Digest::Usual, row.spoiled)
}

fn crl_extension(extra: CrlExtra) -> Vec<u8> {
    let only = |number| der::sequence([der::tlv(tag::context(number), [[0xFF]])]);
    match extra {
        CrlExtra::Unknown => extension(UNKNOWN, true, der::tlv(tag::UTF8_STRING, [b"x"])),
        CrlExtra::Delta => extension(DELTA_CRL_INDICATOR, true, der::integer(1)),
        CrlExtra::OnlyUsers => extension(ISSUING_DISTRIBUTION_POINT, true, only(1)),
        CrlExtra::OnlyAuthorities => extension(ISSUING_DISTRIBUTION_POINT, true, only(2)),
    }
}

fn signed(to_be_signed: Vec<u8>, key: &Key, digest: Digest, spoiled: bool) -> Result<Vec<u8>, SignError> {
    let mut signature = key.sign(digest, &to_be_signed)?;
    if let (true, Some(last)) = (spoiled, signature.last_mut()) {
        *last ^= 1;
    }
    Ok(der::sequence([to_be_signed, key.signature_algorithm(digest), der::bits(signature, 0)]))
}

fn moment(born: Duration, days: i32) -> Vec<u8> {
    let distance = Duration::from_secs(u64::from(days.unsigned_abs()) * 24 * 60 * 60);
    der::time(if days < 0 { born.saturating_sub(distance) } else { born.saturating_add(distance) })
}

fn name(attributes: &[Attribute]) -> Vec<u8> {
    der::sequence(attributes.iter().map(|attribute| {
        let (oid, value) = match attribute {
            Attribute::Organization(text) => (ORGANIZATION, der::tlv(tag::UTF8_STRING, [text])),
            Attribute::CommonName(text) => (COMMON_NAME, string(text)),
        };
        der::tlv(tag::SET, [der::sequence([der::oid(oid), value])])
    }))
}

fn string(text: &Text) -> Vec<u8> {
    match text {
        Text::Utf8(bytes) => der::tlv(tag::UTF8_STRING, [bytes]),
        Text::Printable(text) => der::tlv(tag::PRINTABLE_STRING, [text]),
        Text::T61(text) => der::tlv(tag::T61_STRING, [text]),
        Text::Ia5(text) => der::tlv(tag::IA5_STRING, [text]),
        Text::Bmp(text) => der::tlv(tag::BMP_STRING, text.encode_utf16().map(u16::to_be_bytes)),
    }
}

fn general_name(alt: &AltName) -> Vec<u8> {
    match alt {
        AltName::Email(text) => der::tlv(tag::context(1), [text]),
        AltName::Dns(bytes) => der::tlv(tag::context(2), [bytes]),
        AltName::Directory(common_name) => der::tlv(
            tag::context_constructed(4),
            [name(&[Attribute::CommonName(Text::Utf8(common_name.as_bytes().into()))])],
        ),
        AltName::Other(text) => der::tlv(
            tag::context_constructed(0),
            [
                der::oid(USER_PRINCIPAL_NAME),
                der::tlv(tag::context_constructed(0), [der::tlv(tag::UTF8_STRING, [text])]),
            ],
        ),
        AltName::Numbered(number) => der::tlv(tag::context(2), [format!("h{number}.big.test")]),
        AltName::Uri(text) => der::tlv(tag::context(6), [text]),
        AltName::Ip(octets) => der::tlv(tag::context(7), [octets]),
    }
}

fn extensions(row: &Row, key: &Key, issuer: &Key) -> Vec<Vec<u8>> {
    let basic_constraints = row.ca.map(|ca| {
        let content = match ca {
            Authority::Yes => vec![der::yes()],
            Authority::PathLength(length) => vec![der::yes(), der::integer(length.into())],
            Authority::No => Vec::new(),
        };
        extension(BASIC_CONSTRAINTS, true, der::sequence(content))
    });
    let key_usage = (!row.key_usage.is_empty()).then(|| extension(KEY_USAGE, true, key_usage(row)));
    let purposes = (!row.purposes.is_empty()).then(|| {
        extension(
            EXT_KEY_USAGE,
            row.purposes_critical,
            der::sequence(row.purposes.iter().map(|p| der::oid(purpose(*p)))),
        )
    });
    let alt_names = row.alt_names.as_ref().map(|names| {
        extension(SUBJECT_ALT_NAME, row.alt_names_critical, der::sequence(names.iter().map(general_name)))
    });
    let identifier = match row.identifiers {
        Identifiers::None => None,
        Identifiers::Right => Some(issuer.identifier()),
        Identifiers::WrongIssuer => Some(vec![1; 20]),
    };
    let identifiers = identifier.map(|of_issuer| {
        [
            extension(SUBJECT_KEY_IDENTIFIER, false, der::octets(key.identifier())),
            extension(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(of_issuer)),
        ]
    });
    [basic_constraints, key_usage, purposes, alt_names]
        .into_iter()
        .flatten()
        .chain(identifiers.into_iter().flatten())
        .chain(row.extras.iter().map(extra))
        .collect()
}

fn extra(extra: &Extra) -> Vec<u8> {
    match extra {
        Extra::Unknown { critical } => extension(UNKNOWN, *critical, der::tlv(tag::UTF8_STRING, [b"x"])),
        Extra::NameConstraints { permitted, excluded } => {
            let list = |number, trees: &[Subtree]| {
                (!trees.is_empty())
                    .then(|| der::tlv(tag::context_constructed(number), trees.iter().map(subtree)))
            };
            let content = der::sequence([list(0, permitted), list(1, excluded)].into_iter().flatten());
            extension(NAME_CONSTRAINTS, true, content)
        }
    }
}

fn subtree(tree: &Subtree) -> Vec<u8> {
    der::sequence([match tree {
        Subtree::Dns(name) => der::tlv(tag::context(2), [name.as_bytes()]),
        Subtree::Ip(address_and_mask) => der::tlv(tag::context(7), [address_and_mask.as_slice()]),
    }])
}

fn extension(oid: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Vec<u8> {
    // FALSE is the default, which DER leaves out.
    der::sequence(
        [Some(der::oid(oid)), critical.then(der::yes), Some(der::octets(value))].into_iter().flatten(),
    )
}

/// Bit 0 is the highest of the first octet; bits after the last one set are unused.
fn key_usage(row: &Row) -> Vec<u8> {
    let numbers = row.key_usage.iter().map(|usage| *usage as u8);
    let octet = numbers.clone().fold(0_u8, |octet, number| octet | 0x80 >> number);
    der::bits([octet], numbers.max().map_or(0, |last| 7_u8.saturating_sub(last)))
}

fn authority_key_identifier(identifier: Vec<u8>) -> Vec<u8> {
    der::sequence([der::tlv(tag::context(0), [identifier])])
}

fn purpose(purpose: Purpose) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(match purpose {
        Purpose::ServerAuth => "1.3.6.1.5.5.7.3.1",
        Purpose::ClientAuth => "1.3.6.1.5.5.7.3.2",
        Purpose::CodeSigning => "1.3.6.1.5.5.7.3.3",
        Purpose::Any => "2.5.29.37.0",
        Purpose::ServerGated => "2.16.840.1.113730.4.1",
    })
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const USER_PRINCIPAL_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
/// Of an arc that is nobody's.
const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1");
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const EXT_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
