//! Names: distinguished ones, however they are written, and those of subjectAltName.

use super::draft::Draft;
use crate::differential::{
    der::{bits, explicit, implicit, oid, sequence, set, tlv},
    grammar::{Name, NameForm},
};

pub(super) fn name(entity: usize, form: NameForm) -> Vec<u8> {
    let plain = format!("Entity {entity}");
    let organization = || attribute("2.5.4.10", &tlv(12, b"Test"));
    let cn = |value: Vec<u8>| attribute("2.5.4.3", &value);
    let two = |value: Vec<u8>| sequence(&[set(&[organization()]), set(&[cn(value)])]);
    let wide = |width: usize| {
        plain.bytes().flat_map(|byte| [vec![0; width - 1], vec![byte]].concat()).collect::<Vec<_>>()
    };
    let host = |text: &str| {
        sequence(&[
            set(&[organization()]),
            set(&[cn(tlv(12, plain.as_bytes()))]),
            set(&[cn(tlv(12, text.as_bytes()))]),
        ])
    };
    let with_email = |tag: u8| {
        let email = attribute("1.2.840.113549.1.9.1", &tlv(tag, b"a@example.com"));
        sequence(&[set(&[organization()]), set(&[cn(tlv(12, plain.as_bytes()))]), set(&[email])])
    };
    match form {
        NameForm::Plain => two(tlv(12, plain.as_bytes())),
        NameForm::UpperCase => two(tlv(19, plain.to_uppercase().as_bytes())),
        NameForm::Spaced => two(tlv(12, format!(" \t{}  ", plain.replace(' ', "   ")).as_bytes())),
        NameForm::Bmp => two(tlv(30, &wide(2))),
        NameForm::Universal => two(tlv(28, &wide(4))),
        NameForm::T61 => two(tlv(20, plain.as_bytes())),
        NameForm::OneRdn => sequence(&[set(&[organization(), cn(tlv(12, plain.as_bytes()))])]),
        NameForm::OneRdnReversed => sequence(&[set(&[cn(tlv(12, plain.as_bytes())), organization()])]),
        NameForm::TwoRdns => sequence(&[set(&[cn(tlv(12, plain.as_bytes()))]), set(&[organization()])]),
        NameForm::Numeric => two(tlv(18, format!("{entity}").as_bytes())),
        NameForm::Empty => sequence(&[]),
        NameForm::EmptySet => {
            sequence(&[set(&[organization()]), set(&[]), set(&[cn(tlv(12, plain.as_bytes()))])])
        }
        NameForm::WithEmail => with_email(22),
        NameForm::WithEmailInUtf8 => with_email(12),
        NameForm::HostName => host("db.example.com"),
        NameForm::OtherHostName => host("other.test"),
        NameForm::NulInHostName => host("db.example.com\0.evil.test"),
        NameForm::BitString => two(bits(0, b"x")),
        NameForm::Visible => two(tlv(26, plain.as_bytes())),
        NameForm::BadUtf8 => two(tlv(12, b"\xff")),
    }
}

pub(super) fn common_name(text: &str) -> Vec<u8> {
    sequence(&[set(&[attribute("2.5.4.3", &tlv(12, text.as_bytes()))])])
}

pub(super) fn attribute(dotted: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(dotted), value.to_vec()])
}

pub(super) fn general_name(it: Name, whose: &Draft) -> Vec<u8> {
    match it {
        Name::Email(text) => implicit(1, text.as_bytes()),
        Name::Dns(text) => implicit(2, text.as_bytes()),
        Name::Uri(text) => implicit(6, text.as_bytes()),
        Name::Ip(octets) => implicit(7, octets),
        Name::Directory(None) => explicit(4, &[name(whose.entity, whose.subject)]),
        Name::Directory(Some("")) => explicit(4, &[sequence(&[])]),
        Name::Directory(Some(text)) => {
            let organization = set(&[attribute("2.5.4.10", &tlv(19, b"test"))]);
            let cn = set(&[attribute("2.5.4.3", &tlv(12, text.as_bytes()))]);
            explicit(4, &[sequence(&[organization, cn])])
        }
        Name::Other(text) => {
            explicit(0, &[oid("1.3.6.1.4.1.99999.5"), explicit(0, &[tlv(12, text.as_bytes())])])
        }
        Name::SmtpUtf8(text) => {
            explicit(0, &[oid("1.3.6.1.5.5.7.8.9"), explicit(0, &[tlv(12, text.as_bytes())])])
        }
        Name::RegisteredId => implicit(8, &[0x2a, 0x03]),
        Name::X400 => explicit(3, &[]),
        Name::EdiParty => explicit(5, &[explicit(1, &[tlv(12, b"x")])]),
    }
}
