//! Are all names within the constraints of the CAs above (OpenSSL: `check_name_constraints`, `NAME_CONSTRAINTS_check`)?
//!
//! Names are the subject, its e-mail addresses, every subjectAltName, and, of a peer without a dNSName, every commonName that
//! looks like a host name. Self-issued CAs are not asked. Constraints of the anchor count.

mod subtree;

use self::subtree::{
    dns_is_inside, email_is_inside, host_of_email, hosts_of_uri, ip_is_inside, uri_is_inside,
};
use super::{Chain, Checked, Context, Failure, fail};
use crate::{
    certificate::{
        Certificate,
        general_name::{GeneralName, Kind, general_names},
        name,
        name_constraints::{NameConstraints, Subtree},
    },
    oid,
    tlv::{Reader, Tlv, tag},
    verdict::{Budget, Verdict},
};
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::ops::Range;

/// Names times constraints of one certificate under one CA (OpenSSL: `NAME_CHECK_MAX`).
const MAX_PRODUCT: usize = 1 << 20;

pub(super) fn check(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    let mut above: Vec<Constraints<'_>> = Vec::new();
    for (depth, certificate) in chain.links().rev() {
        let under = Under { context, depth };
        if !above.is_empty() && (depth == 0 || !certificate.self_issued) {
            let names = under.names_of(certificate)?;
            for constraints in &above {
                under.check(&names, constraints)?;
            }
        }
        if let Some(range) = &certificate.extensions.name_constraints {
            under.charge_parsing(range.len())?;
            above.extend(
                NameConstraints::of_checked(certificate.part(range)).map(|read| Constraints::of(&read)),
            );
        }
    }
    Ok(())
}

/// The constraints of one CA, each list sorted by the kind of name and otherwise in its order.
struct Constraints<'a> {
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

impl<'a> Constraints<'a> {
    fn of(read: &NameConstraints<'a>) -> Self {
        let sorted = |mut subtrees: Vec<Subtree<'a>>| {
            subtrees.sort_by_key(|subtree| subtree.base.kind());
            subtrees
        };
        Self { permitted: sorted(read.permitted().collect()), excluded: sorted(read.excluded().collect()) }
    }

    fn len(&self) -> usize {
        self.permitted.len().saturating_add(self.excluded.len())
    }
}

/// The subtrees of a sorted list that are of the kind.
fn of_kind<'s, 'a>(subtrees: &'s [Subtree<'a>], kind: Kind) -> &'s [Subtree<'a>] {
    let start = subtrees.partition_point(|subtree| subtree.base.kind() < kind);
    let end = subtrees.partition_point(|subtree| subtree.base.kind() <= kind);
    subtrees.get(start..end).unwrap_or_default()
}

/// Does this constraint, which is of the kind of the name, apply to it? An otherName only to those of its own type.
fn concerns(subtree: &Subtree<'_>, name: &Name<'_>) -> bool {
    match (&subtree.base, name.other_type) {
        (GeneralName::Other { oid, .. }, Some(other)) => *oid == other,
        _ => true,
    }
}

/// Bytes that a comparison looks at, at most.
fn bytes_compared(name: &Name<'_>, base: &GeneralName<'_>) -> usize {
    match base {
        GeneralName::Directory { canonical: base, .. } => base.len().min(name.bytes.len()),
        GeneralName::Dns(base) | GeneralName::Uri(base) | GeneralName::Ip(base) => {
            base.len().min(name.bytes.len())
        }
        // The mailbox is looked for in the whole constraint.
        GeneralName::Email(base) => base.len(),
        GeneralName::Other { oid, .. } => oid.len(),
        GeneralName::X400 | GeneralName::EdiParty | GeneralName::RegisteredId => 0,
    }
}

/// The names of a certificate in the order in which they are compared.
struct Names<'a> {
    /// Attributes of the subject and entries of the subjectAltName, as OpenSSL counts them.
    count: usize,
    list: Vec<Name<'a>>,
    /// What is wrong with the name behind the last one of the list.
    unusable: Option<Verdict>,
}

/// A name to be compared.
struct Name<'a> {
    kind: Kind,
    /// Type of an otherName.
    other_type: Option<&'a [u8]>,
    /// Its text or octets; the canonical form of a directory name.
    bytes: Cow<'a, [u8]>,
    /// Where the host stands in an e-mail address or URI, as releases of OpenSSL read it.
    hosts: Option<[Range<usize>; 2]>,
}

/// Releases of OpenSSL whose reading of a name has to be inside a subtree, so that pgtls accepts what all of them accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readings {
    All,
    Any,
}

/// Comparisons of the names of one certificate with the constraints above it.
struct Under<'c, 'a> {
    context: &'c Context<'a>,
    depth: usize,
}

impl Under<'_, '_> {
    /// Reads the names once for all CAs above.
    fn names_of<'n>(&self, certificate: &'n Certificate<'_>) -> Result<Names<'n>, Failure> {
        let alt_names = certificate.extensions.subject_alt_name.as_ref();
        let length = alt_names.map_or(0, ExactSizeIterator::len);
        self.charge_parsing(certificate.subject().len().saturating_add(length))?;
        let attributes = name::attributes(certificate.subject()).count();
        let count = attributes.saturating_add(certificate.extensions.subject_alt_name_count);
        let mut names = Names { count, list: Vec::new(), unusable: None };
        // The names were read before, so none is an error.
        let alt_names = general_names(alt_names.map_or(Reader::new(&[]), |range| certificate.reader(range)));
        names.unusable = names.collect(certificate, alt_names.flatten(), self.depth == 0).err();
        Ok(names)
    }

    fn check(&self, names: &Names<'_>, constraints: &Constraints<'_>) -> Checked {
        if names.count > 0 && constraints.len() > MAX_PRODUCT.checked_div(names.count).unwrap_or(0) {
            return fail(Verdict::Unspecified, self.depth);
        }
        for name in &names.list {
            self.compare(name, constraints)?;
        }
        names.unusable.map_or(Ok(()), |verdict| fail(verdict, self.depth))
    }

    /// A name must be inside one permitted subtree of its kind, if there are any, and in no excluded one (OpenSSL: `nc_match`).
    fn compare(&self, name: &Name<'_>, constraints: &Constraints<'_>) -> Checked {
        self.charge(0)?;
        let (mut concerned, mut permitted) = (false, false);
        for subtree in of_kind(&constraints.permitted, name.kind) {
            if !self.is_concerned(subtree, name)? {
                continue;
            }
            concerned = true;
            permitted = permitted || self.is_inside(name, subtree, Readings::All)?;
        }
        if concerned && !permitted {
            return fail(Verdict::PermittedViolation, self.depth);
        }
        for subtree in of_kind(&constraints.excluded, name.kind) {
            if self.is_concerned(subtree, name)? && self.is_inside(name, subtree, Readings::Any)? {
                return fail(Verdict::ExcludedViolation, self.depth);
            }
        }
        Ok(())
    }

    /// Whether the constraint applies to the name; an error if it has distances.
    fn is_concerned(&self, subtree: &Subtree<'_>, name: &Name<'_>) -> Result<bool, Failure> {
        self.charge(bytes_compared(name, &subtree.base))?;
        if !concerns(subtree, name) {
            return Ok(false);
        }
        if subtree.plain_distances { Ok(true) } else { Err(Failure::new(Verdict::SubtreeMinMax, self.depth)) }
    }

    fn is_inside(&self, name: &Name<'_>, subtree: &Subtree<'_>, readings: Readings) -> Result<bool, Failure> {
        let bytes = name.bytes.as_ref();
        let hosts = name.hosts.as_ref().ok_or(Verdict::UnsupportedNameSyntax);
        let inside = match (name.kind, &subtree.base) {
            (Kind::Directory, GeneralName::Directory { canonical, .. }) => Ok(bytes.starts_with(canonical)),
            (Kind::Dns, GeneralName::Dns(base)) => Ok(dns_is_inside(bytes, base)),
            // OpenSSL compares an address in Unicode with the Unicode form of the constraint; we do not know how it reads.
            (Kind::Email, GeneralName::Email(_)) if name.other_type.is_some() => {
                Err(Verdict::UnsupportedNameSyntax)
            }
            (Kind::Email, GeneralName::Email(base)) => {
                let host = hosts.and_then(|hosts| hosts.first().ok_or(Verdict::UnsupportedNameSyntax));
                host.and_then(|host| email_is_inside(bytes, host.clone(), base))
            }
            (Kind::Uri, GeneralName::Uri(base)) => {
                let is_inside =
                    |host: &Range<usize>| uri_is_inside(bytes.get(host.clone()).unwrap_or_default(), base);
                hosts.map(|hosts| match readings {
                    Readings::All => hosts.iter().all(is_inside),
                    Readings::Any => hosts.iter().any(is_inside),
                })
            }
            (Kind::Ip, GeneralName::Ip(base)) => ip_is_inside(bytes, base),
            _ => Err(Verdict::UnsupportedConstraintType),
        };
        inside.map_err(|verdict| Failure::new(verdict, self.depth))
    }

    fn charge(&self, bytes: usize) -> Checked {
        self.context.work.turn(Budget::NameComparisons, bytes, self.depth)
    }

    fn charge_parsing(&self, bytes: usize) -> Checked {
        self.context.work.parsing(Budget::NameComparisons, bytes, self.depth)
    }
}

impl<'a> Names<'a> {
    /// Collects the names up to the first that cannot be compared.
    fn collect(
        &mut self,
        certificate: &'a Certificate<'_>,
        alt_names: impl Iterator<Item = GeneralName<'a>>,
        is_leaf: bool,
    ) -> Result<(), Verdict> {
        let subject = certificate.subject();
        if name::attributes(subject).next().is_some() {
            self.list.push(Name::plain(Kind::Directory, certificate.subject_canonical.as_slice()));
        }
        for attribute in name::attributes(subject) {
            if attribute.oid == oid::EMAIL_ADDRESS {
                if attribute.value.tag != tag::IA5_STRING {
                    return Err(Verdict::UnsupportedNameSyntax);
                }
                self.list.push(Name::plain(Kind::Email, attribute.value.value));
            }
        }
        self.list.extend(alt_names.map(Name::of_entry));
        let has_dns_name = || self.list.iter().any(|name| name.kind == Kind::Dns);
        if is_leaf && !has_dns_name() { self.collect_host_names(subject) } else { Ok(()) }
    }

    /// Every commonName that looks like a host name is held to the constraints on DNS names.
    fn collect_host_names(&mut self, subject: &'a [u8]) -> Result<(), Verdict> {
        for attribute in name::attributes(subject).filter(|attribute| attribute.oid == oid::COMMON_NAME) {
            let text = common_name(&attribute.value).ok_or(Verdict::Unspecified)?;
            let text = text.trim_end_matches('\0').as_bytes();
            if text.contains(&0) {
                return Err(Verdict::UnsupportedNameSyntax);
            }
            if looks_like_host_name(text) {
                self.list.push(Name::plain(Kind::Dns, text.to_vec()));
            }
        }
        Ok(())
    }
}

fn common_name(value: &Tlv<'_>) -> Option<String> {
    match value.tag {
        NUMERIC_STRING => core::str::from_utf8(value.value).ok().map(String::from),
        _ => name::utf8(value).ok().flatten(),
    }
}

impl<'a> Name<'a> {
    fn plain(kind: Kind, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        let hosts = match kind {
            Kind::Email => host_of_email(&bytes).map(|host| [host.clone(), host]),
            Kind::Uri => hosts_of_uri(&bytes),
            _ => None,
        };
        Self { kind, other_type: None, bytes, hosts }
    }

    /// The name in an entry of the subjectAltName.
    fn of_entry(entry: GeneralName<'a>) -> Self {
        let kind = entry.kind();
        match entry {
            GeneralName::Directory { canonical, .. } => Self::plain(kind, canonical),
            GeneralName::Email(bytes)
            | GeneralName::Dns(bytes)
            | GeneralName::Uri(bytes)
            | GeneralName::Ip(bytes) => Self::plain(kind, bytes),
            GeneralName::Other { oid, value } => {
                // An e-mail address in Unicode is held to the constraints on e-mail addresses.
                let kind = if oid == oid::SMTP_UTF8_MAILBOX { Kind::Email } else { kind };
                Self { other_type: Some(oid), ..Self::plain(kind, value.value) }
            }
            GeneralName::X400 | GeneralName::EdiParty | GeneralName::RegisteredId => {
                Self::plain(kind, &[][..])
            }
        }
    }
}

const NUMERIC_STRING: u8 = 0x12;

/// Two labels or more of letters, digits and underscores, with hyphens and dots inside (OpenSSL: `cn2dnsid`).
fn looks_like_host_name(text: &[u8]) -> bool {
    let mut has_dot = false;
    let last = text.len().saturating_sub(1);
    for (index, &byte) in text.iter().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            continue;
        }
        if index == 0 || index == last {
            return false;
        }
        let before = text.get(index.saturating_sub(1)).copied();
        let after = text.get(index.saturating_add(1)).copied();
        match byte {
            b'-' => {}
            b'.' if after != Some(b'.') && before != Some(b'-') && after != Some(b'-') => has_dot = true,
            _ => return false,
        }
    }
    has_dot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_in_common_names() {
        for host in ["a.b", "db-1.example_x.com", "1.2.3.4", "a..b"] {
            assert_eq!(looks_like_host_name(host.as_bytes()), host != "a..b", "{host}");
        }
        for other in ["localhost", ".a.b", "a.b.", "-a.b", "a.b-", "a-.b", "a.-b", "*.a.b", "a b.c", ""] {
            assert!(!looks_like_host_name(other.as_bytes()), "{other}");
        }
    }
}
