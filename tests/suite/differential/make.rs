//! Makes the certificates and CRLs of a scenario.

mod certificate;
mod crl;
mod draft;
mod name;
mod value;

use self::{certificate::auxiliary, crl::add_crls, draft::Draft, name::name};
use super::{
    der::pem,
    grammar::{NameForm, Scenario},
    keys::KeyKind,
};
use std::collections::BTreeMap;

/// Time of a verification, unless another is given: 15 June 2025.
pub(super) const NOW: u64 = 1_750_000_000;

/// What a client has: what the server sent, and its own files.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) leaf: Vec<u8>,
    pub(super) presented: Vec<Vec<u8>>,
    pub(super) roots: Vec<u8>,
    /// A CRL file, if there is one.
    pub(super) crls: Option<String>,
    /// File names and contents of each CRL directory.
    pub(super) crl_directories: Vec<BTreeMap<String, String>>,
    /// Time of the verification in seconds since 1970, where it is not [`NOW`].
    pub(super) time: Option<u64>,
}

impl Files {
    pub(super) fn time(&self) -> u64 {
        self.time.unwrap_or(NOW)
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
    files.roots = roots.concat().into_bytes();
    files
}
