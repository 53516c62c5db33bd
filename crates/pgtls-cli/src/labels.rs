//! How files and verdicts are called in JSON and in the text for people.

use pgtls_core::{
    files::{FileReport, FileSource, FileState},
    policy::Verification,
};
use serde::Serialize;

/// A file that counted, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FileLine {
    /// What for: the parameter that names it.
    pub(crate) role: &'static str,
    /// Where; nothing when it is not known or not given.
    pub(crate) path: Option<String>,
    /// `explicit` or `default`; `program` or `additional` where a program supplies the content.
    pub(crate) source: &'static str,
    /// `read`, `external`, `missing`, `not-consulted` or `unusable`.
    pub(crate) state: &'static str,
    /// The state in a sentence.
    pub(crate) detail: String,
    /// What follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meaning: Option<&'static str>,
}

impl From<&FileReport> for FileLine {
    fn from(report: &FileReport) -> Self {
        let rule = report.role.rule();
        let (state, meaning) = match &report.state {
            FileState::Missing => ("missing", Some(rule.when_missing)),
            FileState::NotConsulted(_) => ("not-consulted", None),
            FileState::Unusable(_) => ("unusable", Some(rule.when_unusable)),
            FileState::Read | FileState::Listed { .. } | FileState::System { .. } => {
                ("read", Some(rule.when_found))
            }
            FileState::External => ("external", Some(rule.when_found)),
            _ => ("other", None),
        };
        Self {
            role: rule.parameter,
            path: report.path.clone(),
            source: match report.source {
                FileSource::Explicit => "explicit",
                FileSource::HomeDefault => "default",
                FileSource::Program => "program",
                FileSource::Additional => "additional",
                _ => "other",
            },
            state,
            detail: report.state.to_string(),
            meaning,
        }
    }
}

/// What was verified, in the words of the JSON contract.
pub(crate) const fn verified(verification: Verification) -> &'static str {
    match verification {
        Verification::None => "none",
        Verification::Ca => "ca",
        Verification::Full => "full",
    }
}

/// Text from outside in a form that cannot steer a terminal: control characters become spaces.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(pgtls_core::startup::printable_character).collect()
}

/// Characters of a release number.
const MAX_RELEASE: usize = 16;

/// The number at the beginning of `server_version`. The text that packagers add to it is that of a server which may not be
/// authenticated, and is not kept.
pub(crate) fn release(server_version: &str) -> Option<String> {
    let number: String =
        server_version.chars().take(MAX_RELEASE).take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{MAX_RELEASE, release};

    #[test]
    fn releases_are_numbers() {
        for (text, expected) in [
            ("18.1", Some("18.1")),
            ("15.20 (Debian 15.20-0+deb12u1)", Some("15.20")),
            ("19beta1", Some("19")),
            ("9.6.24", Some("9.6.24")),
            ("please call 555-1234", None),
            ("", None),
        ] {
            assert_eq!(release(text).as_deref(), expected, "{text}");
        }
        assert_eq!(release(&"1".repeat(1000)).map(|number| number.len()), Some(MAX_RELEASE));
    }
}
