//! Where the rules behind a scenario are written down, so that a difference can be looked up.

use core::fmt;

/// A place in the project's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// Path from the root of the project.
    pub page: &'static str,
    /// The anchor of a heading in it.
    pub anchor: &'static str,
    /// The question that is answered there, or what the heading says.
    pub title: &'static str,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} ({})", self.page, self.anchor, self.title)
    }
}

/// Sections by the beginning of the ids they are about. The longest beginning counts.
pub const SECTIONS: &[(&str, Section)] = &[
    ("negotiation/", section("docs/sslmode.md", "what-each-sslmode-means", "What each sslmode means")),
    ("negotiation/seq", section("docs/negotiation.md", "refused-and-broken", "Refused and broken")),
    ("negotiation/direct", section("docs/negotiation.md", "tls", "TLS")),
    ("negotiation/byte", section("docs/negotiation.md", "replies", "Replies")),
    ("negotiation/accept", section("docs/negotiation.md", "replies", "Replies")),
    ("negotiation/error", section("docs/negotiation.md", "replies", "Replies")),
    ("negotiation/reject", section("docs/negotiation.md", "replies", "Replies")),
    ("cert/", section("docs/verification.md", "questions-and-answers", "When is the chain verified?")),
    ("cert/absent", section("docs/files.md", "questions-and-answers", "What is \"missing\"?")),
    (
        "cert/missing-file",
        section("docs/sslmode.md", "questions-and-answers", "When is a missing root file noticed?"),
    ),
    (
        "cert/system",
        section("docs/files.md", "questions-and-answers", "What does `sslrootcert=system` read?"),
    ),
    (
        "cert/fallback",
        section("docs/sslmode.md", "questions-and-answers", "Does `prefer` fall back to plaintext"),
    ),
    ("name/", section("docs/names.md", "questions-and-answers", "What is compared?")),
    ("name/wild", section("docs/names.md", "questions-and-answers", "What does a wildcard match?")),
    ("name/ip", section("docs/names.md", "questions-and-answers", "How are addresses compared?")),
    ("name/ip4-odd", section("docs/names.md", "questions-and-answers", "What kind is a host?")),
    ("rootfile/", section("docs/files.md", "questions-and-answers", "When are the files looked at?")),
    ("crl/", section("docs/verification.md", "questions-and-answers", "Which CRLs count?")),
    ("crl/dir", section("docs/files.md", "questions-and-answers", "Which files of `sslcrldir` count?")),
    ("crl/mode", section("docs/files.md", "questions-and-answers", "What is checked for revocation?")),
    (
        "clientcert/",
        section("docs/files.md", "questions-and-answers", "Is the key read when there is no certificate?"),
    ),
    ("clientcert/perm", section("docs/files.md", "questions-and-answers", "Who may read the key?")),
    ("sslcertmode/", section("docs/sslmode.md", "what-may-stand-beside-it", "What may stand beside it")),
    ("channel/", section("docs/negotiation.md", "after-the-startup-packet", "After the startup packet")),
    ("protocol/", section("docs/negotiation.md", "tls", "TLS")),
    ("sni/", section("docs/negotiation.md", "tls", "TLS")),
    ("multihost/", section("docs/parameters.md", "questions-and-answers", "What is tried after what?")),
    ("multihost/lists", section("docs/parameters.md", "questions-and-answers", "How do several hosts work?")),
    ("dns/", section("docs/parameters.md", "questions-and-answers", "What is tried after what?")),
    ("gss/", section("docs/negotiation.md", "replies", "Replies")),
    ("unix/", section("docs/sslmode.md", "questions-and-answers", "What about unix sockets?")),
    (
        "conninfo/",
        section("docs/parameters.md", "questions-and-answers", "When are quotes needed in a string?"),
    ),
    ("uri/", section("docs/parameters.md", "questions-and-answers", "What has to be encoded in a URI?")),
    ("service/", section("docs/parameters.md", "questions-and-answers", "Which service file?")),
    ("env/", section("docs/parameters.md", "where-a-value-comes-from", "Where a value comes from")),
    (
        "env/pgpass",
        section("docs/parameters.md", "questions-and-answers", "Where does the password come from?"),
    ),
    (
        "invalid/",
        section("docs/parameters.md", "questions-and-answers", "In which order are values checked?"),
    ),
];

const fn section(page: &'static str, anchor: &'static str, title: &'static str) -> Section {
    Section { page, anchor, title }
}

/// The section that a scenario belongs to; `None` for scenarios that did not come with the kit.
pub fn section_of(id: &str) -> Option<Section> {
    let fitting = SECTIONS.iter().filter(|(beginning, _)| id.starts_with(beginning));
    fitting.max_by_key(|(beginning, _)| beginning.len()).map(|(_, section)| *section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_belongs_somewhere() {
        for scenario in crate::scenarios() {
            assert!(section_of(&scenario.id).is_some(), "{}", scenario.id);
        }
        assert_eq!(
            section_of("name/wild/x").map(|section| section.title),
            Some("What does a wildcard match?")
        );
        assert_eq!(section_of("mine/x"), None);
    }
}
