//! Certificates and their extensions.

use super::{
    World,
    draft::Draft,
    name::{attribute, common_name, general_name, name},
    value::{key_identifier, scramble, time},
};
use crate::differential::{
    der::{bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, tlv},
    grammar::{Extension, ExtensionKind, Point, PointName, Subtree, TrustSetting, UnusedBits},
    keys::key,
};

impl World {
    pub(super) fn certificate(&self, draft: &Draft) -> Vec<u8> {
        let signer = key(self.key_kind(draft.signer), draft.signer);
        let named = |identifier: Option<&str>, signature| match identifier {
            Some(dotted) => sequence(&[oid(dotted)]),
            None => signer.algorithm(signature),
        };
        let [inner, outer] = draft.identifiers;
        let inner = named(inner, draft.inner_signature.unwrap_or(draft.signature));
        let outer = named(outer, draft.signature);
        let mut parts = Vec::new();
        parts.extend(draft.version.map(|version| explicit(0, &[integer(&[version])])));
        parts.push(integer(&draft.serial));
        parts.push(inner);
        parts.push(self.issuer_name(draft));
        parts.push(sequence(&[time(draft.not_before), time(draft.not_after)]));
        parts.push(name(draft.entity, draft.subject));
        let info = key(draft.key, draft.owner).public_key_info.clone();
        parts.push(match draft.unused_key_bits {
            Some(unused) => with_unused_bits(info, unused),
            None => info,
        });
        if let Some(unused) = draft.unique_identifiers {
            parts.push(implicit(1, &[unused, 1]));
            parts.push(implicit(2, &[unused, 2]));
        }
        let extensions = self.extensions(draft);
        if !extensions.is_empty() || draft.empty_list {
            parts.push(explicit(3, &[sequence(&extensions)]));
        }
        let body = scramble(sequence(&parts), &draft.scrambled);
        let mut signature = signer.sign(draft.signature, &body);
        if draft.broken_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        sequence(&[body, outer, bits(draft.unused_signature_bits, &signature)])
    }

    fn extensions(&self, draft: &Draft) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        for (kind, (extension, critical)) in &draft.extensions {
            let mut value = self.extension(draft, extension);
            if draft.malformed.contains(kind) {
                value = vec![0x30, 0x05, 0x01];
            }
            if draft.trailing.contains(kind) {
                value.extend([0x05, 0x00]);
            }
            let mut parts = vec![oid(identifier(*kind))];
            if *critical {
                parts.push(boolean(true));
            }
            parts.push(octets(&value));
            let element = sequence(&parts);
            if draft.twice.contains(kind) {
                list.push(element.clone());
            }
            list.push(element);
        }
        list
    }

    fn extension(&self, draft: &Draft, extension: &Extension) -> Vec<u8> {
        match extension {
            Extension::BasicConstraints { ca, path_length } => {
                let mut parts = Vec::new();
                parts.extend(ca.map(boolean));
                parts.extend(path_length.as_deref().map(integer));
                sequence(&parts)
            }
            Extension::KeyUsage(unused, bytes) => bits(*unused, bytes),
            Extension::ExtendedKeyUsage(purposes) => {
                sequence(&purposes.iter().map(|purpose| oid(purpose)).collect::<Vec<_>>())
            }
            Extension::SubjectKeyIdentifier(whose) => octets(&key_identifier(*whose, draft.entity)),
            Extension::AuthorityKeyIdentifier { key, issuer, serial } => {
                let above = self.main(draft.issuer_entity);
                let mut parts = Vec::new();
                parts.extend(key.map(|whose| implicit(0, &key_identifier(whose, draft.issuer_entity))));
                parts.extend(issuer.map(|right| {
                    let directory = match above {
                        Some(above) if right => self.issuer_name(above),
                        _ => common_name("Nobody"),
                    };
                    explicit(1, &[explicit(4, &[directory])])
                }));
                parts.extend(serial.map(|right| match above {
                    Some(above) if right => implicit(2, &above.serial),
                    _ => implicit(2, &[0x55]),
                }));
                sequence(&parts)
            }
            Extension::SubjectAltName(names) => {
                sequence(&names.iter().map(|it| general_name(*it, draft)).collect::<Vec<_>>())
            }
            Extension::NameConstraints { permitted, excluded } => {
                let mut parts = Vec::new();
                for (number, list) in [(0, permitted), (1, excluded)] {
                    let list: Vec<_> = list.iter().map(|subtree| self.subtree(subtree)).collect();
                    parts.extend((!list.is_empty()).then(|| explicit(number, &list)));
                }
                sequence(&parts)
            }
            Extension::NetscapeType(unused, kind) => bits(*unused, &[*kind]),
            Extension::CrlDistributionPoints(points) => sequence(
                &points.iter().map(|point| self.point(*point, draft.issuer_entity)).collect::<Vec<_>>(),
            ),
            Extension::Other(kind) => other(*kind),
        }
    }

    /// A subtree; a directory name without a text is the plain leaf's subject.
    fn subtree(&self, subtree: &Subtree) -> Vec<u8> {
        let mut parts = vec![general_name(subtree.base, &self.drafts[0])];
        parts.extend(subtree.minimum.map(|minimum| implicit(0, &[minimum])));
        parts.extend(subtree.maximum.map(|maximum| implicit(1, &[maximum])));
        sequence(&parts)
    }

    fn point(&self, point: Point, issuer: usize) -> Vec<u8> {
        let mut parts = Vec::new();
        parts.extend(point.name.map(|it| explicit(0, &[self.point_name(it, issuer)])));
        parts.extend(point.reasons.map(|reasons| implicit(1, &<[u8; 2]>::from(reasons))));
        parts.extend(point.issuer.map(|right| {
            let directory = if right { self.name(issuer) } else { common_name("Nobody") };
            explicit(2, &[explicit(4, &[directory])])
        }));
        sequence(&parts)
    }

    pub(super) fn point_name(&self, it: PointName, issuer: usize) -> Vec<u8> {
        match it {
            PointName::Uri(uri) => explicit(0, &[implicit(6, uri.as_bytes())]),
            PointName::Relative(text) => explicit(1, &[attribute("2.5.4.3", &tlv(12, text.as_bytes()))]),
            PointName::Completed => {
                let mut full = self.name(issuer);
                // The issuer's name with one more RDN: cut the header off and build it anew.
                let content =
                    full.split_off(if full[1] < 0x80 { 2 } else { 2 + usize::from(full[1] & 0x7f) });
                let rdn = set(&[attribute("2.5.4.3", &tlv(12, b"a"))]);
                explicit(0, &[explicit(4, &[sequence(&[content, rdn])])])
            }
        }
    }
}

/// A SubjectPublicKeyInfo with unused bits in its BIT STRING, which comes last: the rest of it stays the same.
fn with_unused_bits(mut info: Vec<u8>, unused: UnusedBits) -> Vec<u8> {
    let inside = header(&info).0;
    let (algorithm, length) = header(&info[inside..]);
    let bit_string = inside + algorithm + length;
    let place = bit_string + header(&info[bit_string..]).0;
    let zeros = u8::try_from(info[info.len() - 1].trailing_zeros().min(7)).unwrap();
    info[place] = match unused {
        UnusedBits::Number(number) => number,
        UnusedBits::Zeros => zeros,
        UnusedBits::ZerosAndOne => (zeros + 1).min(7),
    };
    info
}

/// Bytes of an element's tag and length, and of its content.
fn header(der: &[u8]) -> (usize, usize) {
    match usize::from(der[1]) {
        length @ ..0x80 => (2, length),
        more => {
            let end = 2 + (more & 0x7f);
            (end, der[2..end].iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
        }
    }
}

fn identifier(kind: ExtensionKind) -> &'static str {
    match kind {
        ExtensionKind::BasicConstraints => "2.5.29.19",
        ExtensionKind::KeyUsage => "2.5.29.15",
        ExtensionKind::ExtendedKeyUsage => "2.5.29.37",
        ExtensionKind::SubjectKeyIdentifier => "2.5.29.14",
        ExtensionKind::AuthorityKeyIdentifier => "2.5.29.35",
        ExtensionKind::SubjectAltName => "2.5.29.17",
        ExtensionKind::IssuerAltName => "2.5.29.18",
        ExtensionKind::NameConstraints => "2.5.29.30",
        ExtensionKind::NetscapeType => "2.16.840.1.113730.1.1",
        ExtensionKind::CrlDistributionPoints => "2.5.29.31",
        ExtensionKind::Policies => "2.5.29.32",
        ExtensionKind::PolicyConstraints => "2.5.29.36",
        ExtensionKind::Proxy => "1.3.6.1.5.5.7.1.14",
        ExtensionKind::FreshestCrl => "2.5.29.46",
        ExtensionKind::OcspNoCheck => "1.3.6.1.5.5.7.48.1.5",
        ExtensionKind::PolicyMappings => "2.5.29.33",
        ExtensionKind::InhibitAnyPolicy => "2.5.29.54",
        ExtensionKind::IpAddressBlocks => "1.3.6.1.5.5.7.1.7",
        ExtensionKind::AutonomousSystems => "1.3.6.1.5.5.7.1.8",
        ExtensionKind::Unknown => "1.3.6.1.4.1.99999.6",
    }
}

/// A plain value of an extension that has no form of its own.
fn other(kind: ExtensionKind) -> Vec<u8> {
    match kind {
        ExtensionKind::BasicConstraints
        | ExtensionKind::AuthorityKeyIdentifier
        | ExtensionKind::NameConstraints
        | ExtensionKind::CrlDistributionPoints
        | ExtensionKind::ExtendedKeyUsage => sequence(&[]),
        ExtensionKind::SubjectAltName | ExtensionKind::IssuerAltName => {
            sequence(&[implicit(2, b"db.example.com")])
        }
        ExtensionKind::KeyUsage => bits(0, &[0xff]),
        ExtensionKind::NetscapeType => bits(0, &[]),
        ExtensionKind::SubjectKeyIdentifier => octets(&[]),
        ExtensionKind::Policies => sequence(&[sequence(&[oid("1.3.6.1.4.1.99999.7")])]),
        ExtensionKind::PolicyConstraints => sequence(&[implicit(0, &[0])]),
        ExtensionKind::Proxy => sequence(&[sequence(&[oid("1.3.6.1.5.5.7.21.1")])]),
        ExtensionKind::FreshestCrl => {
            sequence(&[sequence(&[explicit(0, &[explicit(0, &[implicit(6, b"http://a/")])])])])
        }
        ExtensionKind::PolicyMappings => {
            sequence(&[sequence(&[oid("1.3.6.1.4.1.99999.7"), oid("1.3.6.1.4.1.99999.8")])])
        }
        ExtensionKind::InhibitAnyPolicy => integer(&[0]),
        // All that the issuer has.
        ExtensionKind::IpAddressBlocks => sequence(&[sequence(&[octets(&[0, 1]), tlv(5, &[])])]),
        ExtensionKind::AutonomousSystems => sequence(&[explicit(0, &[tlv(5, &[])])]),
        ExtensionKind::OcspNoCheck | ExtensionKind::Unknown => tlv(5, &[]),
    }
}

/// The trust settings of a `TRUSTED CERTIFICATE`.
pub(super) fn auxiliary(setting: TrustSetting) -> Vec<u8> {
    let server = || oid("1.3.6.1.5.5.7.3.1");
    let any = || oid("2.5.29.37.0");
    match setting {
        TrustSetting::Server => sequence(&[sequence(&[server()])]),
        TrustSetting::Client => sequence(&[sequence(&[oid("1.3.6.1.5.5.7.3.2")])]),
        TrustSetting::Any => sequence(&[sequence(&[any()])]),
        TrustSetting::RejectServer => sequence(&[explicit(0, &[server()])]),
        TrustSetting::RejectAny => sequence(&[explicit(0, &[any()]), tlv(12, b"alias")]),
        TrustSetting::Nothing => sequence(&[]),
    }
}
