//! Key-exchange groups, by the names that OpenSSL gives them (`SSL_CTX_set1_groups_list`(3)).

use alloc::vec::Vec;

/// A key-exchange group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its name in the registry of TLS groups.
    pub name: &'static str,
    /// The number in the ClientHello.
    pub id: u16,
    /// Bits of strength, as the security level counts them.
    pub bits: u16,
    /// What else OpenSSL calls it.
    aliases: &'static [&'static str],
}

/// The groups that OpenSSL has with TLS 1.2 and 1.3, those left out that no TLS library should use any more: binary
/// curves and curves below 224 bits.
pub const GROUPS: &[Group] = &[
    group("x25519", 29, 128, &[]),
    group("x448", 30, 224, &[]),
    group("secp256r1", 23, 128, &["P-256", "prime256v1"]),
    group("secp384r1", 24, 192, &["P-384"]),
    group("secp521r1", 25, 256, &["P-521"]),
    group("secp224r1", 21, 112, &["P-224"]),
    group("secp256k1", 22, 128, &[]),
    group("brainpoolP256r1", 26, 128, &[]),
    group("brainpoolP384r1", 27, 192, &[]),
    group("brainpoolP512r1", 28, 256, &[]),
    group("brainpoolP256r1tls13", 31, 128, &[]),
    group("brainpoolP384r1tls13", 32, 192, &[]),
    group("brainpoolP512r1tls13", 33, 256, &[]),
    group("ffdhe2048", 256, 112, &[]),
    group("ffdhe3072", 257, 128, &[]),
    group("ffdhe4096", 258, 128, &[]),
    group("ffdhe6144", 259, 128, &[]),
    group("ffdhe8192", 260, 192, &[]),
    group("MLKEM512", 512, 128, &[]),
    group("MLKEM768", 513, 192, &[]),
    group("MLKEM1024", 514, 256, &[]),
    group("SecP256r1MLKEM768", 4587, 192, &[]),
    group("X25519MLKEM768", 4588, 192, &[]),
    group("SecP384r1MLKEM1024", 4589, 256, &[]),
];

const fn group(name: &'static str, id: u16, bits: u16, aliases: &'static [&'static str]) -> Group {
    Group { name, id, bits, aliases }
}

impl Group {
    /// The group of this name, in letters of either case.
    pub fn named(name: &str) -> Option<&'static Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        GROUPS.iter().find(|group| is(group.name) || group.aliases.iter().any(|alias| is(alias)))
    }
}

/// A list of groups in order of preference. A name that is not known spoils the list, unless it is marked with `?`. What
/// key shares are sent (`*`, `/`) is the library's affair. `None` for a list that OpenSSL would not take, and for the
/// words `DEFAULT` and `-name`, which mean something only beside its own default list.
pub(super) fn groups(list: &str) -> Option<Vec<&'static Group>> {
    let mut groups = Vec::new();
    for item in list.split([':', '/']).map(str::trim) {
        let name = item.trim_start_matches(['?', '*']);
        let marks = item.get(..item.len().saturating_sub(name.len())).unwrap_or_default();
        match Group::named(name) {
            Some(group) if groups.contains(&group) => {}
            Some(group) => groups.push(group),
            None if marks.contains('?') => {}
            None => return None,
        }
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::{Group, groups};
    use alloc::vec::Vec;

    #[track_caller]
    fn check(list: &str, expected: Option<&[u16]>) {
        let found = groups(list).map(|groups| groups.iter().map(|group| group.id).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{list}");
    }

    #[test]
    fn lists() {
        check("X25519:P-256", Some(&[29, 23]));
        check(" prime256v1 : secp384r1 ", Some(&[23, 24]));
        check("?X25519MLKEM768:x25519", Some(&[4588, 29]));
        check("?NEW:x25519", Some(&[29]));
        check("*X25519MLKEM768 / *X25519:secp256r1 / ?*x448", Some(&[4588, 29, 23, 30]));
        check("P-256:P-256", Some(&[23]));
        check("NEW:x25519", None);
        check("DEFAULT", None);
        check("P-256:-P-384", None);
        check("P-256,P-384", None);
        check("", None);
    }

    #[test]
    fn names_are_found_in_either_case() {
        assert_eq!(Group::named("SECP256R1").map(|group| group.name), Some("secp256r1"));
        assert_eq!(Group::named("p-521").map(|group| group.name), Some("secp521r1"));
        assert_eq!(Group::named("P256"), None);
    }
}
