//! A certificate to be made: what a plain one would be, and the changes.

use crate::differential::{
    grammar::{
        Change, Extension, ExtensionKind, KeyIdentifier, Moment, Name, NameForm, Scenario, TrustSetting,
        UnusedBits,
    },
    keys::{KeyKind, Signature},
};
use std::collections::{BTreeMap, BTreeSet};

/// A certificate to be made.
#[expect(clippy::struct_excessive_bools, reason = "each is a change of its own")]
pub(super) struct Draft {
    pub(super) entity: usize,
    pub(super) issuer_entity: usize,
    pub(super) signer: usize,
    pub(super) version: Option<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) subject: NameForm,
    pub(super) issuer: Option<NameForm>,
    pub(super) key: KeyKind,
    /// Whose key it is.
    pub(super) owner: usize,
    pub(super) signature: Signature,
    pub(super) inner_signature: Option<Signature>,
    pub(super) broken_signature: bool,
    pub(super) unused_signature_bits: u8,
    pub(super) unused_key_bits: Option<UnusedBits>,
    /// Identifiers of the signature algorithm inside and beside the signed part, where they are not the signer's own.
    pub(super) identifiers: [Option<&'static str>; 2],
    pub(super) scrambled: Vec<(u16, u8)>,
    pub(super) not_before: Moment,
    pub(super) not_after: Moment,
    pub(super) extensions: BTreeMap<ExtensionKind, (Extension, bool)>,
    pub(super) empty_list: bool,
    pub(super) twice: BTreeSet<ExtensionKind>,
    pub(super) malformed: BTreeSet<ExtensionKind>,
    pub(super) trailing: BTreeSet<ExtensionKind>,
    /// Their unused bits.
    pub(super) unique_identifiers: Option<u8>,
    pub(super) in_root_file: bool,
    pub(super) presented: bool,
    pub(super) trust: Option<TrustSetting>,
}

impl Draft {
    pub(super) fn new(index: usize, entity: usize, issuer_entity: usize, scenario: &Scenario) -> Self {
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
            unused_signature_bits: 0,
            unused_key_bits: None,
            identifiers: [None; 2],
            scrambled: Vec::new(),
            not_before: Moment::Past,
            not_after: Moment::Future,
            extensions,
            empty_list: false,
            twice: BTreeSet::new(),
            malformed: BTreeSet::new(),
            trailing: BTreeSet::new(),
            unique_identifiers: None,
            in_root_file: if is_main { is_root } else { (entity + issuer_entity).is_multiple_of(2) },
            presented: !is_root || !is_main,
            trust: None,
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
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
            Change::UnusedSignatureBits(unused) => self.unused_signature_bits = *unused,
            Change::UnusedKeyBits(unused) => self.unused_key_bits = Some(*unused),
            Change::Identifier(dotted) => self.identifiers = [Some(dotted), Some(dotted)],
            Change::InnerIdentifier(dotted) => self.identifiers = [Some(dotted), None],
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
            Change::UniqueIdentifiers(unused) => self.unique_identifiers = Some(*unused),
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
        Extension::NetscapeType(..) => ExtensionKind::NetscapeType,
        Extension::CrlDistributionPoints(_) => ExtensionKind::CrlDistributionPoints,
        Extension::Other(kind) => *kind,
    }
}
