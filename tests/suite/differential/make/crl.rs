//! CRLs, and where they are put.

use super::{
    Files, World,
    name::{common_name, name},
    value::{key_identifier, scramble, time},
};
use crate::differential::{
    der::{bits, boolean, explicit, implicit, integer, octets, oid, pem, sequence, tlv},
    grammar::{CrlChange, EntryExtension, Moment},
    keys::{Signature, key},
};
use openssl::x509::X509;
use std::collections::BTreeMap;

/// Adds the CRLs of every CA to the files, or to what is in the root file.
pub(super) fn add_crls(
    world: &World,
    made: &[Vec<u8>],
    changes: &[(usize, CrlChange)],
    files: &mut Files,
    roots: &mut Vec<String>,
) {
    let issuers: Vec<usize> = if world.length == 1 { vec![0] } else { (1..world.length).collect() };
    let mut in_file = String::new();
    for (place, &issuer) in issuers.iter().enumerate() {
        let own: Vec<&CrlChange> = changes
            .iter()
            .filter(|(target, _)| target % issuers.len() == place)
            .map(|(_, change)| change)
            .collect();
        if own.iter().any(|change| matches!(change, CrlChange::Missing)) {
            continue;
        }
        let mut text = pem("X509 CRL", &world.crl(issuer, &own, false));
        if own.iter().any(|change| matches!(change, CrlChange::Newer)) {
            text += &pem("X509 CRL", &world.crl(issuer, &own, true));
        }
        let directory = own.iter().find_map(|change| match change {
            CrlChange::InDirectory(number, second) => Some((*number, *second)),
            _ => None,
        });
        let hash = X509::from_der(&made[issuer]).ok().map(|certificate| certificate.subject_name_hash());
        if own.iter().any(|change| matches!(change, CrlChange::InRootFile)) {
            roots.push(text);
        } else if let (Some((number, second)), Some(hash)) = (directory, hash) {
            // Number 2 stands behind a gap, where nobody looks.
            let number = if number == 1 { 0 } else { number };
            let count = if second { 2 } else { 1 };
            while files.crl_directories.len() < count {
                files.crl_directories.push(BTreeMap::new());
            }
            let twice = own.iter().any(|change| matches!(change, CrlChange::Newer));
            let name = format!("{hash:08x}.r{number}");
            // What is there twice is in both directories, of which the second is asked only when the first has nothing.
            if second && twice {
                files.crl_directories[0]
                    .insert(name.clone(), pem("X509 CRL", &world.crl(issuer, &own, true)));
            }
            files.crl_directories[count - 1].insert(name, text);
        } else {
            in_file += &text;
        }
    }
    if !in_file.is_empty() || files.crl_directories.is_empty() {
        files.crls = Some(in_file);
    }
}

impl World {
    fn crl(&self, issuer: usize, changes: &[&CrlChange], newer: bool) -> Vec<u8> {
        let mut form = None;
        let (mut signer, mut signature, mut broken) = (issuer, Signature::Natural, false);
        let (mut inner_signature, mut unused) = (None, 0);
        let mut scrambled = Vec::new();
        let (mut this_update, mut next_update) = (Moment::Past, Some(Moment::Future));
        let mut version = Some(1);
        let mut entries = Vec::new();
        let mut extensions = Vec::new();
        let mut extension = |dotted: &str, critical: bool, value: Vec<u8>| {
            let mut parts = vec![oid(dotted)];
            parts.extend(critical.then(|| boolean(true)));
            parts.push(octets(&value));
            extensions.push(sequence(&parts));
        };
        extension(
            "2.5.29.20",
            changes.iter().any(|it| matches!(it, CrlChange::CriticalNumber)),
            integer(&[7]),
        );
        for change in changes.iter().filter(|_| !newer) {
            match change {
                CrlChange::Lists(with) => {
                    let below = self.main(issuer.saturating_sub(1)).unwrap_or(&self.drafts[0]);
                    if *with == EntryExtension::BehindMalformedReason {
                        entries.push(self.entry(&[0x65], EntryExtension::MalformedReason, issuer));
                    }
                    entries.push(self.entry(&below.serial, *with, issuer));
                }
                CrlChange::ListsOthers => {
                    entries.extend(
                        [0x70_u8, 0x60, 0x65]
                            .map(|serial| self.entry(&[serial], EntryExtension::None, issuer)),
                    );
                }
                CrlChange::Issuer(it) => form = Some(*it),
                CrlChange::SignedBy(entity) => signer = *entity,
                CrlChange::Signature(how) => signature = *how,
                CrlChange::BreakSignature => broken = true,
                CrlChange::InnerSignature(how) => inner_signature = Some(*how),
                CrlChange::UnusedSignatureBits(bits) => unused = *bits,
                CrlChange::Scramble(place, byte) => scrambled.push((*place, *byte)),
                CrlChange::ThisUpdate(moment) => this_update = *moment,
                CrlChange::NextUpdate(moment) => next_update = *moment,
                CrlChange::Version(it) => version = *it,
                CrlChange::AuthorityKeyIdentifier(whose) => {
                    extension("2.5.29.35", false, sequence(&[implicit(0, &key_identifier(*whose, issuer))]));
                }
                CrlChange::DistributionPoint { point, user, ca, attribute, indirect, reasons } => {
                    let mut parts = Vec::new();
                    parts.extend(point.map(|it| explicit(0, &[self.point_name(it, issuer)])));
                    parts.extend(user.then(|| implicit(1, &[0xff])));
                    parts.extend(ca.then(|| implicit(2, &[0xff])));
                    parts.extend(reasons.then(|| implicit(3, &[0, 0x40])));
                    parts.extend(indirect.then(|| implicit(4, &[0xff])));
                    parts.extend(attribute.then(|| implicit(5, &[0xff])));
                    extension("2.5.29.28", true, sequence(&parts));
                }
                CrlChange::MalformedDistributionPoint => extension("2.5.29.28", true, vec![0x30, 0x05, 0x01]),
                CrlChange::Point(value) => extension("2.5.29.28", true, value.clone()),
                CrlChange::SpelledOutPoint => extension("2.5.29.28", true, sequence(&[implicit(1, &[0])])),
                CrlChange::Delta => extension("2.5.29.27", true, integer(&[3])),
                CrlChange::Unknown(critical) => extension("1.3.6.1.4.1.99999.3", *critical, vec![5, 0]),
                CrlChange::Missing
                | CrlChange::CriticalNumber
                | CrlChange::InRootFile
                | CrlChange::InDirectory(..)
                | CrlChange::Newer => {}
            }
        }
        if newer {
            this_update = Moment::Now;
        }
        let signer = key(self.key_kind(signer), signer);
        let mut parts = Vec::new();
        parts.extend(version.map(|version| integer(&[version])));
        parts.push(signer.algorithm(inner_signature.unwrap_or(signature)));
        parts.push(form.map_or_else(|| self.name(issuer), |form| name(issuer, form)));
        parts.push(time(this_update));
        parts.extend(next_update.map(time));
        if !entries.is_empty() {
            parts.push(sequence(&entries));
        }
        parts.push(explicit(0, &[sequence(&extensions)]));
        let body = scramble(sequence(&parts), &scrambled);
        let mut bytes = signer.sign(signature, &body);
        if broken {
            *bytes.last_mut().unwrap() ^= 1;
        }
        sequence(&[body, signer.algorithm(signature), bits(unused, &bytes)])
    }

    fn entry(&self, serial: &[u8], with: EntryExtension, issuer: usize) -> Vec<u8> {
        let mut parts = vec![integer(serial), time(Moment::Past)];
        let reason = |value: Vec<u8>| entry_extension("2.5.29.21", false, &value);
        let by = |name: Vec<u8>| entry_extension("2.5.29.29", true, &sequence(&[explicit(4, &[name])]));
        let removal = || reason(tlv(10, &[8]));
        let extensions = match with {
            EntryExtension::None => return sequence(&parts),
            EntryExtension::Reason(number) => vec![reason(tlv(10, &[number]))],
            EntryExtension::TwoReasons => vec![reason(tlv(10, &[1])), removal()],
            EntryExtension::MalformedReason => vec![reason(tlv(2, &[8]))],
            EntryExtension::BehindMalformedReason => vec![removal()],
            EntryExtension::RightIssuer => vec![by(self.name(issuer))],
            EntryExtension::WrongIssuer => vec![by(common_name("Nobody"))],
            EntryExtension::TwoIssuers => vec![by(common_name("Nobody")), by(common_name("Nobody"))],
            EntryExtension::MalformedIssuer => vec![entry_extension("2.5.29.29", true, &[5, 0]), removal()],
            EntryExtension::Critical => vec![entry_extension("1.3.6.1.4.1.99999.4", true, &[5, 0])],
        };
        parts.push(sequence(&extensions));
        sequence(&parts)
    }
}

/// An extension of a CRL's entry.
fn entry_extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(dotted)];
    parts.extend(critical.then(|| boolean(true)));
    parts.push(octets(value));
    sequence(&parts)
}
