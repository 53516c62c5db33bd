//! Makes the certificates and CRLs of a scenario.

use super::{
    der::{bits, boolean, explicit, implicit, integer, octets, oid, pem, sequence, set, tlv},
    grammar::{
        Change, CrlChange, EntryExtension, Extension, ExtensionKind, KeyIdentifier, Moment, Name, NameForm,
        Point, PointName, Scenario, Subtree, TrustSetting,
    },
    keys::{KeyKind, OWNERS, Signature, key},
};
use openssl::x509::X509;
use std::collections::{BTreeMap, BTreeSet};

/// The time of every verification: 15 June 2025.
pub(super) const NOW: u64 = 1_750_000_000;

/// What a client has: what the server sent, and its own files.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) leaf: Vec<u8>,
    pub(super) presented: Vec<Vec<u8>>,
    pub(super) roots: String,
    /// A CRL file, if there is one.
    pub(super) crls: Option<String>,
    /// File names and contents of each CRL directory.
    pub(super) crl_directories: Vec<BTreeMap<String, String>>,
}

/// A certificate to be made.
#[expect(clippy::struct_excessive_bools, reason = "each is a change of its own")]
struct Draft {
    entity: usize,
    issuer_entity: usize,
    signer: usize,
    version: Option<u8>,
    serial: Vec<u8>,
    subject: NameForm,
    issuer: Option<NameForm>,
    key: KeyKind,
    /// Whose key it is.
    owner: usize,
    signature: Signature,
    inner_signature: Option<Signature>,
    broken_signature: bool,
    odd_signature_bits: bool,
    scrambled: Vec<(u16, u8)>,
    not_before: Moment,
    not_after: Moment,
    extensions: BTreeMap<ExtensionKind, (Extension, bool)>,
    empty_list: bool,
    twice: BTreeSet<ExtensionKind>,
    malformed: BTreeSet<ExtensionKind>,
    trailing: BTreeSet<ExtensionKind>,
    unique_identifiers: bool,
    in_root_file: bool,
    presented: bool,
    trust: Option<TrustSetting>,
}

impl Draft {
    fn new(index: usize, entity: usize, issuer_entity: usize, scenario: &Scenario) -> Self {
        let is_leaf = entity == 0;
        let is_root = entity == issuer_entity;
        let mut extensions = BTreeMap::new();
        let mut add = |extension: Extension, critical| {
            extensions.insert(kind_of(&extension), (extension, critical));
        };
        if is_leaf {
            let purpose = if scenario.client { "1.3.6.1.5.5.7.3.2" } else { "1.3.6.1.5.5.7.3.1" };
            add(Extension::KeyUsage(7, vec![0x80]), true);
            add(Extension::ExtendedKeyUsage(vec![purpose]), false);
            add(Extension::SubjectAltName(vec![Name::Dns("db.example.com")]), false);
        } else {
            add(Extension::BasicConstraints { ca: Some(true), path_length: None }, true);
            add(Extension::KeyUsage(1, vec![0x06]), true);
        }
        add(Extension::SubjectKeyIdentifier(KeyIdentifier::Right), false);
        let key = Some(KeyIdentifier::Right);
        add(Extension::AuthorityKeyIdentifier { key, issuer: None, serial: None }, false);
        let is_main = index < scenario.length;
        Self {
            entity,
            issuer_entity,
            signer: issuer_entity,
            version: Some(2),
            serial: vec![index.to_be_bytes()[7] + 1],
            subject: NameForm::Plain,
            issuer: None,
            key: scenario.kind,
            owner: entity,
            signature: Signature::Natural,
            inner_signature: None,
            broken_signature: false,
            odd_signature_bits: false,
            scrambled: Vec::new(),
            not_before: Moment::Past,
            not_after: Moment::Future,
            extensions,
            empty_list: false,
            twice: BTreeSet::new(),
            malformed: BTreeSet::new(),
            trailing: BTreeSet::new(),
            unique_identifiers: false,
            in_root_file: if is_main { is_root } else { (entity + issuer_entity).is_multiple_of(2) },
            presented: !is_root || !is_main,
            trust: None,
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Version(version) => self.version = *version,
            Change::Serial(serial) => self.serial.clone_from(serial),
            Change::Subject(form) => self.subject = *form,
            Change::Issuer(form) => self.issuer = Some(*form),
            Change::IssuedBy(entity) => {
                self.issuer_entity = *entity;
                self.signer = *entity;
            }
            Change::SignedBy(entity) => self.signer = *entity,
            Change::Key(kind) => self.key = *kind,
            Change::Rekeyed(owner) => self.owner = *owner,
            Change::Signature(signature) => self.signature = *signature,
            Change::InnerSignature(signature) => self.inner_signature = Some(*signature),
            Change::BreakSignature => self.broken_signature = true,
            Change::OddSignatureBits => self.odd_signature_bits = true,
            Change::Scramble(place, byte) => self.scrambled.push((*place, *byte)),
            Change::NotBefore(moment) => self.not_before = *moment,
            Change::NotAfter(moment) => self.not_after = *moment,
            Change::Bare => self.extensions.clear(),
            Change::EmptyList => {
                self.extensions.clear();
                self.empty_list = true;
            }
            Change::Drop(kind) => {
                self.extensions.remove(kind);
            }
            Change::Set(extension, critical) => {
                self.extensions.insert(kind_of(extension), (extension.clone(), *critical));
            }
            Change::Twice(kind) => {
                self.twice.insert(*kind);
            }
            Change::Malformed(kind) => {
                self.malformed.insert(*kind);
            }
            Change::Trailing(kind) => {
                self.trailing.insert(*kind);
            }
            Change::UniqueIdentifiers => self.unique_identifiers = true,
            Change::InRootFile => self.in_root_file = true,
            Change::NotInRootFile => self.in_root_file = false,
            Change::Presented => self.presented = true,
            Change::NotPresented => self.presented = false,
            Change::Trusted(setting) => {
                self.trust = Some(*setting);
                self.in_root_file = true;
            }
        }
    }
}

fn kind_of(extension: &Extension) -> ExtensionKind {
    match extension {
        Extension::BasicConstraints { .. } => ExtensionKind::BasicConstraints,
        Extension::KeyUsage(..) => ExtensionKind::KeyUsage,
        Extension::ExtendedKeyUsage(_) => ExtensionKind::ExtendedKeyUsage,
        Extension::SubjectKeyIdentifier(_) => ExtensionKind::SubjectKeyIdentifier,
        Extension::AuthorityKeyIdentifier { .. } => ExtensionKind::AuthorityKeyIdentifier,
        Extension::SubjectAltName(_) => ExtensionKind::SubjectAltName,
        Extension::NameConstraints { .. } => ExtensionKind::NameConstraints,
        Extension::NetscapeType(_) => ExtensionKind::NetscapeType,
        Extension::CrlDistributionPoints(_) => ExtensionKind::CrlDistributionPoints,
        Extension::Other(kind) => *kind,
    }
}

/// Everything that others of the scenario need to know of an entity: its kind of key and how its name is written.
struct World {
    drafts: Vec<Draft>,
    length: usize,
}

impl World {
    /// The plain certificate of an entity, if it has one.
    fn main(&self, entity: usize) -> Option<&Draft> {
        self.drafts[..self.length].get(entity)
    }

    fn key_kind(&self, entity: usize) -> KeyKind {
        self.main(entity).map_or(self.drafts[0].key, |draft| draft.key)
    }

    fn name(&self, entity: usize) -> Vec<u8> {
        name(entity, self.main(entity).map_or(NameForm::Plain, |draft| draft.subject))
    }

    fn issuer_name(&self, draft: &Draft) -> Vec<u8> {
        match draft.issuer {
            Some(form) => name(draft.issuer_entity, form),
            None => self.name(draft.issuer_entity),
        }
    }

    fn certificate(&self, draft: &Draft) -> Vec<u8> {
        let signer = key(self.key_kind(draft.signer), draft.signer);
        let inner = signer.algorithm(draft.inner_signature.unwrap_or(draft.signature));
        let mut parts = Vec::new();
        parts.extend(draft.version.map(|version| explicit(0, &[integer(&[version])])));
        parts.push(integer(&draft.serial));
        parts.push(inner);
        parts.push(self.issuer_name(draft));
        parts.push(sequence(&[time(draft.not_before), time(draft.not_after)]));
        parts.push(name(draft.entity, draft.subject));
        parts.push(key(draft.key, draft.owner).public_key_info.clone());
        if draft.unique_identifiers {
            parts.push(implicit(1, &[0, 1]));
            parts.push(implicit(2, &[0, 2]));
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
        let unused = u8::from(draft.odd_signature_bits);
        sequence(&[body, signer.algorithm(draft.signature), bits(unused, &signature)])
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
            Extension::NetscapeType(kind) => bits(0, &[*kind]),
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
        parts.extend(point.reasons.map(|reasons| implicit(1, &[0, reasons])));
        parts.extend(point.issuer.map(|right| {
            let directory = if right { self.name(issuer) } else { common_name("Nobody") };
            explicit(2, &[explicit(4, &[directory])])
        }));
        sequence(&parts)
    }

    fn point_name(&self, it: PointName, issuer: usize) -> Vec<u8> {
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

    fn crl(&self, issuer: usize, changes: &[&CrlChange], newer: bool) -> Vec<u8> {
        let mut form = None;
        let (mut signer, mut signature, mut broken) = (issuer, Signature::Natural, false);
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
        parts.push(signer.algorithm(signature));
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
        sequence(&[body, signer.algorithm(signature), bits(0, &bytes)])
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

/// Some bytes are others.
fn scramble(mut der: Vec<u8>, changes: &[(u16, u8)]) -> Vec<u8> {
    for (place, byte) in changes {
        let place = usize::from(*place) % der.len();
        der[place] = *byte;
    }
    der
}

/// An extension of a CRL's entry.
fn entry_extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(dotted)];
    parts.extend(critical.then(|| boolean(true)));
    parts.push(octets(value));
    sequence(&parts)
}

/// Makes everything.
pub(super) fn make(scenario: &Scenario) -> Files {
    let length = scenario.length;
    let mut drafts: Vec<Draft> = (0..length)
        .map(|entity| Draft::new(entity, entity, (entity + 1).min(length - 1), scenario))
        .collect();
    for extra in &scenario.extras {
        drafts.push(Draft::new(drafts.len(), extra.entity, extra.issuer, scenario));
    }
    let count = drafts.len();
    for (place, change) in &scenario.changes {
        drafts[place % count].apply(change);
    }
    let world = World { drafts, length };
    let made: Vec<Vec<u8>> = world.drafts.iter().map(|draft| world.certificate(draft)).collect();

    let mut files = Files { leaf: made[0].clone(), ..Files::default() };
    let mut roots = Vec::new();
    for (index, (draft, der)) in world.drafts.iter().zip(&made).enumerate() {
        if draft.in_root_file {
            roots.push(match draft.trust {
                Some(setting) => pem("TRUSTED CERTIFICATE", &[der.clone(), auxiliary(setting)].concat()),
                None => pem("CERTIFICATE", der),
            });
        }
        if draft.presented && index > 0 {
            files.presented.push(der.clone());
        }
    }
    // The order in which things stand matters when names repeat.
    let rotation = usize::from(scenario.order >> 4);
    if !roots.is_empty() {
        let places = roots.len();
        roots.rotate_left(rotation % places);
    }
    if !files.presented.is_empty() {
        let places = files.presented.len();
        files.presented.rotate_left(usize::from(scenario.order & 0x0f) % places);
    }
    if let Some(changes) = &scenario.crls {
        add_crls(&world, &made, changes, &mut files, &mut roots);
    }
    files.roots = roots.concat();
    files
}

fn add_crls(
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

fn name(entity: usize, form: NameForm) -> Vec<u8> {
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

fn common_name(text: &str) -> Vec<u8> {
    sequence(&[set(&[attribute("2.5.4.3", &tlv(12, text.as_bytes()))])])
}

fn attribute(dotted: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(dotted), value.to_vec()])
}

fn general_name(it: Name, whose: &Draft) -> Vec<u8> {
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

fn key_identifier(whose: KeyIdentifier, entity: usize) -> Vec<u8> {
    match whose {
        KeyIdentifier::Right => vec![(entity % OWNERS).to_be_bytes()[7] + 1; 20],
        KeyIdentifier::Wrong => vec![0xee; 20],
        KeyIdentifier::Empty => Vec::new(),
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

fn time(moment: Moment) -> Vec<u8> {
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

fn auxiliary(setting: TrustSetting) -> Vec<u8> {
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
