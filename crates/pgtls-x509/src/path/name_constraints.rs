//! Are all names within the constraints of the CAs above (OpenSSL: `check_name_constraints`, `NAME_CONSTRAINTS_check`)?
//!
//! Names are the subject, its e-mail addresses, every subjectAltName, and, of a peer without a dNSName, every commonName that
//! looks like a host name. Self-issued CAs are not asked. Constraints of the anchor count.

mod subtree;

use self::subtree::{dns_is_inside, email_is_inside, ip_is_inside, uri_is_inside};
use super::{Chain, Checked, Context, Failure};
use crate::{
    certificate::{
        Certificate,
        general_name::{GeneralName, Kind, general_names},
        name,
        name_constraints::{NameConstraints, Subtree},
    },
    oid,
    tlv::{Reader, tag},
    verdict::Verdict,
};
use alloc::vec::Vec;

/// Names times constraints of one certificate under one CA (OpenSSL: `NAME_CHECK_MAX`).
const MAX_PRODUCT: usize = 1 << 20;

pub(super) fn check(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    let mut above: Vec<Constraints<'_>> = Vec::new();
    for (depth, certificate) in chain.links().rev() {
        if depth == 0 || !certificate.self_issued {
            for constraints in &above {
                let names = Names { context, certificate, depth };
                names.check(constraints).map_err(|stop| stop.at(depth))?;
            }
        }
        if let Some(range) = &certificate.extensions.name_constraints {
            above.extend(
                NameConstraints::of_checked(certificate.part(range)).map(|read| Constraints::of(&read)),
            );
        }
    }
    Ok(())
}

/// Why a name stops the check.
enum Stop {
    Verdict(Verdict),
    Failure(Failure),
}

impl Stop {
    fn at(self, depth: usize) -> Failure {
        match self {
            Self::Verdict(verdict) => Failure::new(verdict, depth),
            Self::Failure(failure) => failure,
        }
    }
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The constraints of one CA, with directory names made comparable once.
struct Constraints<'a> {
    permitted: Vec<Constraint<'a>>,
    excluded: Vec<Constraint<'a>>,
}

struct Constraint<'a> {
    subtree: Subtree<'a>,
    /// Canonical form of a directory name.
    directory: Vec<u8>,
}

impl<'a> Constraints<'a> {
    fn of(read: &NameConstraints<'a>) -> Self {
        Self {
            permitted: read.permitted().map(Constraint::of).collect(),
            excluded: read.excluded().map(Constraint::of).collect(),
        }
    }

    fn len(&self) -> usize {
        self.permitted.len().saturating_add(self.excluded.len())
    }
}

impl<'a> Constraint<'a> {
    fn of(subtree: Subtree<'a>) -> Self {
        let directory = match &subtree.base {
            GeneralName::Directory(name) => name::canonical(name).unwrap_or_default(),
            _ => Vec::new(),
        };
        Self { subtree, directory }
    }

    /// Does this constraint speak of names like `name`? An otherName only of its own type.
    fn concerns(&self, name: &Name<'_>) -> bool {
        match (&self.subtree.base, name.other_type) {
            (GeneralName::Other { oid, .. }, Some(other)) if name.kind == Kind::Other => *oid == other,
            (base, _) => base.kind() == name.kind,
        }
    }
}

/// A name to be compared.
struct Name<'a> {
    kind: Kind,
    /// Type of an otherName.
    other_type: Option<&'a [u8]>,
    /// Its text or octets; the canonical form of a directory name.
    bytes: &'a [u8],
}

/// How a name compares with one subtree.
enum Comparison {
    Inside,
    Outside,
}

struct Names<'c, 'a> {
    context: &'c Context<'a>,
    certificate: &'c Certificate<'c>,
    depth: usize,
}

impl Names<'_, '_> {
    fn check(&self, constraints: &Constraints<'_>) -> Result<(), Stop> {
        let certificate = self.certificate;
        let attributes = name::attributes(certificate.subject()).count();
        let names = attributes.saturating_add(certificate.extensions.subject_alt_name_count);
        if names > 0 && constraints.len() > MAX_PRODUCT.checked_div(names).unwrap_or(0) {
            return Err(Verdict::Unspecified.into());
        }
        if attributes > 0 {
            let subject = Name::plain(Kind::Directory, &certificate.subject_canonical);
            self.compare(&subject, constraints)?;
            for attribute in name::attributes(certificate.subject()) {
                if attribute.oid == oid::EMAIL_ADDRESS {
                    if attribute.value.tag != tag::IA5_STRING {
                        return Err(Verdict::UnsupportedNameSyntax.into());
                    }
                    self.compare(&Name::plain(Kind::Email, attribute.value.value), constraints)?;
                }
            }
        }
        let mut has_dns_name = false;
        for entry in self.subject_alt_names() {
            has_dns_name |= matches!(entry, GeneralName::Dns(_));
            self.compare_entry(&entry, constraints)?;
        }
        if self.depth == 0 && !has_dns_name { self.check_common_names(constraints) } else { Ok(()) }
    }

    fn subject_alt_names(&self) -> impl Iterator<Item = GeneralName<'_>> {
        let range = self.certificate.extensions.subject_alt_name.as_ref();
        // The names were read before, so none is an error.
        general_names(range.map_or(Reader::new(&[]), |range| self.certificate.reader(range))).flatten()
    }

    fn compare_entry(&self, entry: &GeneralName<'_>, constraints: &Constraints<'_>) -> Result<(), Stop> {
        match entry {
            GeneralName::Directory(directory) => {
                let canonical = name::canonical(directory).unwrap_or_default();
                self.compare(&Name::plain(Kind::Directory, &canonical), constraints)
            }
            GeneralName::Email(bytes)
            | GeneralName::Dns(bytes)
            | GeneralName::Uri(bytes)
            | GeneralName::Ip(bytes) => self.compare(&Name::plain(entry.kind(), bytes), constraints),
            GeneralName::Other { oid, value } => {
                // An e-mail address in Unicode is held to the constraints on e-mail addresses.
                let kind = if *oid == oid::SMTP_UTF8_MAILBOX { Kind::Email } else { Kind::Other };
                self.compare(&Name { kind, other_type: Some(oid), bytes: value.value }, constraints)
            }
            GeneralName::X400 | GeneralName::EdiParty | GeneralName::RegisteredId => {
                self.compare(&Name::plain(entry.kind(), &[]), constraints)
            }
        }
    }

    /// Every commonName that looks like a host name is held to the constraints on DNS names.
    fn check_common_names(&self, constraints: &Constraints<'_>) -> Result<(), Stop> {
        for attribute in name::attributes(self.certificate.subject()) {
            if attribute.oid != oid::COMMON_NAME {
                continue;
            }
            let text = match attribute.value.tag {
                NUMERIC_STRING => {
                    core::str::from_utf8(attribute.value.value).ok().map(alloc::string::String::from)
                }
                _ => name::utf8(&attribute.value).ok().flatten(),
            };
            let Some(text) = text else {
                return Err(Verdict::Unspecified.into());
            };
            let text = text.trim_end_matches('\0').as_bytes();
            if text.contains(&0) {
                return Err(Verdict::UnsupportedNameSyntax.into());
            }
            if looks_like_host_name(text) {
                self.compare(&Name::plain(Kind::Dns, text), constraints)?;
            }
        }
        Ok(())
    }

    /// A name must be inside one permitted subtree of its kind, if there are any, and in no excluded one (OpenSSL: `nc_match`).
    fn compare(&self, name: &Name<'_>, constraints: &Constraints<'_>) -> Result<(), Stop> {
        let (mut concerned, mut permitted) = (false, false);
        for constraint in constraints.permitted.iter().filter(|constraint| constraint.concerns(name)) {
            self.check_distances(constraint)?;
            if !permitted {
                concerned = true;
                permitted = matches!(self.compare_one(name, constraint)?, Comparison::Inside);
            }
        }
        if concerned && !permitted {
            return Err(Verdict::PermittedViolation.into());
        }
        for constraint in constraints.excluded.iter().filter(|constraint| constraint.concerns(name)) {
            self.check_distances(constraint)?;
            if matches!(self.compare_one(name, constraint)?, Comparison::Inside) {
                return Err(Verdict::ExcludedViolation.into());
            }
        }
        Ok(())
    }

    fn check_distances(&self, constraint: &Constraint<'_>) -> Result<(), Stop> {
        self.context.work.name_comparison(0, self.depth)?;
        if constraint.subtree.plain_distances { Ok(()) } else { Err(Verdict::SubtreeMinMax.into()) }
    }

    fn compare_one(&self, name: &Name<'_>, constraint: &Constraint<'_>) -> Result<Comparison, Stop> {
        self.context.work.name_comparison(name.bytes.len(), self.depth)?;
        let inside = match (name.kind, &constraint.subtree.base) {
            (Kind::Directory, GeneralName::Directory(_)) => name.bytes.starts_with(&constraint.directory),
            (Kind::Dns, GeneralName::Dns(base)) => dns_is_inside(name.bytes, base),
            // OpenSSL compares an address in Unicode with the Unicode form of the constraint; we do not know how it reads.
            (Kind::Email, GeneralName::Email(_)) if name.other_type.is_some() => {
                return Err(Verdict::UnsupportedNameSyntax.into());
            }
            (Kind::Email, GeneralName::Email(base)) => email_is_inside(name.bytes, base)?,
            (Kind::Uri, GeneralName::Uri(base)) => uri_is_inside(name.bytes, base)?,
            (Kind::Ip, GeneralName::Ip(base)) => ip_is_inside(name.bytes, base)?,
            _ => return Err(Verdict::UnsupportedConstraintType.into()),
        };
        Ok(if inside { Comparison::Inside } else { Comparison::Outside })
    }
}

impl<'a> Name<'a> {
    fn plain(kind: Kind, bytes: &'a [u8]) -> Self {
        Self { kind, other_type: None, bytes }
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
