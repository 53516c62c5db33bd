//! Hosts and names that are nearly each other's.

use crate::name::{PeerName, inet_aton, inet_pton_ipv6};
use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::{Ipv4Addr, Ipv6Addr};
use proptest::{prelude::*, sample::Index};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnedName {
    Dns(Vec<u8>),
    Ip(Vec<u8>),
    Other,
}

impl OwnedName {
    pub(super) fn borrowed(&self) -> PeerName<'_> {
        match self {
            Self::Dns(text) => PeerName::Dns(text),
            Self::Ip(octets) => PeerName::Ip(octets),
            Self::Other => PeerName::Other,
        }
    }

    pub(super) fn of(name: PeerName<'_>) -> Self {
        match name {
            PeerName::Dns(text) => Self::Dns(text.to_vec()),
            PeerName::Ip(octets) => Self::Ip(octets.to_vec()),
            PeerName::Other => Self::Other,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct OwnedNames {
    pub(super) subject_alt_names: Vec<OwnedName>,
    pub(super) common_name: Option<Vec<u8>>,
}

/// A host, and names of which most are the host after a change or two.
pub(super) fn host_and_names() -> impl Strategy<Value = (String, OwnedNames)> {
    // Recipes are drawn beside the host, not after it: a strategy that depends on a value is built anew for each.
    let names = prop::collection::vec(name_recipe(), 0..4);
    (host(), names, prop::option::of(text_recipe())).prop_map(|(host, names, common_name)| {
        let subject_alt_names = names.into_iter().map(|recipe| recipe.follow(&host)).collect();
        let common_name = common_name.map(|recipe| recipe.follow(&host));
        (host, OwnedNames { subject_alt_names, common_name })
    })
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => dotted(),
        2 => ipv4_text(),
        2 => ipv6_text(),
        1 => ".{1,6}",
    ]
    .prop_filter("an empty host is tried apart", |host| !host.is_empty())
}

/// Few different labels, so that they meet again.
fn dotted() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        6 => "[abAB]{1,2}",
        3 => Just(String::new()),
        1 => Just("*".to_owned()),
        1 => Just("a*".to_owned()),
        1 => Just("\u{fc}".to_owned()),
        1 => Just("\u{212a}".to_owned()),
        1 => "[0-9@\\[`{ _-]{1,2}",
    ];
    prop::collection::vec(label, 1..5).prop_map(|labels| labels.join("."))
}

/// How a name is made from a host.
#[derive(Clone, Debug)]
enum NameRecipe {
    Text(TextRecipe),
    /// The octets of the host's address in one of the forms that could be taken for them.
    Address(Index),
    Octets(Vec<u8>),
    Other,
}

fn name_recipe() -> impl Strategy<Value = NameRecipe> {
    let any_length = prop::collection::vec(0..3_u8, 0..34);
    let octets =
        prop_oneof![prop::collection::vec(0..3_u8, 4), prop::collection::vec(0..3_u8, 16), any_length,];
    prop_oneof![
        5 => text_recipe().prop_map(NameRecipe::Text),
        3 => any::<Index>().prop_map(NameRecipe::Address),
        2 => octets.prop_map(NameRecipe::Octets),
        1 => Just(NameRecipe::Other),
    ]
}

impl NameRecipe {
    fn follow(self, host: &str) -> OwnedName {
        match self {
            Self::Text(recipe) => OwnedName::Dns(recipe.follow(host)),
            Self::Address(index) => OwnedName::Ip(index.get(&octets_like(host)).clone()),
            Self::Octets(octets) => OwnedName::Ip(octets),
            Self::Other => OwnedName::Other,
        }
    }
}

fn octets_like(host: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![host.as_bytes().to_vec(), vec![0, 0, 0, 1]];
    let ipv4 = inet_aton(host);
    forms.extend(ipv4.map(|address| address.octets().to_vec()));
    forms.extend(ipv4.map(|address| address.to_ipv6_mapped().octets().to_vec()));
    let ipv6 = inet_pton_ipv6(host);
    forms.extend(ipv6.map(|address| address.octets().to_vec()));
    forms.extend(ipv6.and_then(|address| address.to_ipv4()).map(|address| address.octets().to_vec()));
    forms
}

/// How a text is made from a host.
#[derive(Clone, Debug)]
struct TextRecipe {
    base: Base,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Base {
    Exact,
    /// `*` in place of everything before one of the dots, or alone.
    Wildcard(Index),
    Unrelated(String),
}

fn text_recipe() -> impl Strategy<Value = TextRecipe> {
    let base = prop_oneof![
        2 => Just(Base::Exact),
        3 => any::<Index>().prop_map(Base::Wildcard),
        1 => dotted().prop_map(Base::Unrelated),
    ];
    let changes = prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(change(), 1..3)];
    (base, changes).prop_map(|(base, changes)| TextRecipe { base, changes })
}

impl TextRecipe {
    fn follow(self, host: &str) -> Vec<u8> {
        let mut text = match self.base {
            Base::Exact => host.to_owned(),
            Base::Unrelated(text) => text,
            Base::Wildcard(index) => {
                let tails: Vec<&str> =
                    host.match_indices('.').map(|(dot, _)| &host[dot..]).chain(["", "."]).collect();
                format!("*{}", index.get(&tails))
            }
        }
        .into_bytes();
        for change in self.changes {
            change.apply(&mut text);
        }
        text
    }
}

/// A small change to a text.
#[derive(Clone, Debug)]
enum Change {
    Insert(Index, u8),
    Remove(Index),
    FlipCase(Index),
    Raise(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let byte = prop::sample::select(b"a.*\0 1".to_vec());
    prop_oneof![
        1 => (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => any::<Index>().prop_map(Change::Remove),
        3 => any::<Index>().prop_map(Change::FlipCase),
        1 => any::<Index>().prop_map(Change::Raise),
    ]
}

impl Change {
    fn apply(self, text: &mut Vec<u8>) {
        match self {
            Self::Insert(at, byte) => text.insert(at.index(text.len() + 1), byte),
            _ if text.is_empty() => {}
            Self::Remove(at) => {
                text.remove(at.index(text.len()));
            }
            Self::FlipCase(at) => {
                let length = text.len();
                text[at.index(length)] ^= 0x20;
            }
            Self::Raise(at) => {
                let length = text.len();
                text[at.index(length)] ^= 0x80;
            }
        }
    }
}

/// Spellings of IPv4 addresses, right and nearly right.
pub(super) fn ipv4_text() -> impl Strategy<Value = String> {
    let edges =
        vec![0, 0xff, 0x100, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
    let number =
        prop_oneof![3 => 0..300_u64, 2 => prop::sample::select(edges), 1 => any::<u32>().prop_map(u64::from)];
    let part = (number, 0..7_u8).prop_map(|(number, form)| match form {
        0 => format!("0{number:o}"),
        1 => format!("0x{number:x}"),
        2 => format!("0X{number:X}"),
        3 => format!("0{number}"),
        _ => format!("{number}"),
    });
    let rest = prop::sample::select(vec![
        "", "", "", " ", "\t", "\u{b}", " x", "/32", ":5432", ".", "\u{a0}", "\n.1",
    ]);
    let text = (prop::collection::vec(part, 1..6), rest).prop_map(|(parts, rest)| parts.join(".") + rest);
    nudged(text, "0.x+- \u{661}")
}

/// Spellings of IPv6 addresses, right and nearly right.
pub(super) fn ipv6_text() -> impl Strategy<Value = String> {
    let group = prop_oneof![6 => "[0-9a-fA-F]{1,4}", 3 => Just("0".to_owned()), 1 => Just(String::new())];
    let dotted = any::<u32>().prop_map(|octets| Ipv4Addr::from(octets).to_string());
    let tail = prop_oneof![3 => group.clone(), 2 => dotted.clone()];
    let grouped = (prop::collection::vec(group, 0..9), tail).prop_map(|(mut groups, tail)| {
        groups.push(tail);
        groups.join(":")
    });
    let prefix =
        prop::sample::select(vec!["::", "1::", "::ffff:", "1:2:3:4:5:6:", "1:2:3:4:5::", "1:2:3:4:5:6::"]);
    let with_dotted = (prefix, dotted).prop_map(|(prefix, dotted)| prefix.to_owned() + &dotted);
    let full =
        vec!["::", "1::", "::1", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4:5:6:7:8"];
    let full = prop::sample::select(full).prop_map(ToOwned::to_owned);
    let printed = ipv6_octets().prop_map(|octets| Ipv6Addr::from(octets).to_string());
    nudged(prop_oneof![3 => grouped, 2 => with_dotted, 1 => full, 1 => printed], ":.0f1g%+ ")
}

/// Texts with a character put in or taken out here and there.
fn nudged(text: impl Strategy<Value = String>, characters: &str) -> impl Strategy<Value = String> {
    let character = prop::sample::select(characters.chars().collect::<Vec<_>>());
    let nudge = (any::<Index>(), prop::option::of(character));
    let nudges = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(nudge, 1..3)];
    (text, nudges).prop_map(|(text, nudges)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, nudge) in nudges {
            match nudge {
                Some(character) => text.insert(at.index(text.len() + 1), character),
                None if text.is_empty() => {}
                None => {
                    text.remove(at.index(text.len()));
                }
            }
        }
        text.into_iter().collect()
    })
}

/// Octets with runs of zeroes.
pub(super) fn ipv6_octets() -> impl Strategy<Value = [u8; 16]> {
    let group = prop_oneof![3 => Just(0_u16), 1 => Just(0xffff), 2 => any::<u16>()];
    proptest::array::uniform8(group).prop_map(|groups| Ipv6Addr::from(groups).octets())
}
