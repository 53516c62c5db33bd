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
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
