//! The table of parameters: value and where it came from.

use crate::labels;
use pgtls_core::param::{KEYWORDS, Params, Source};
use serde::Serialize;

/// A parameter that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SettingLine {
    /// Its name.
    pub(crate) parameter: &'static str,
    /// Its value; nothing for a secret.
    pub(crate) value: Option<String>,
    /// Where it came from.
    pub(crate) source: String,
    /// Whether it is only a default.
    pub(crate) default: bool,
}

/// Every parameter that has a value, in libpq's order. Secrets are named, not shown.
pub(crate) fn settings(params: &Params) -> Vec<SettingLine> {
    KEYWORDS
        .iter()
        .filter_map(|keyword| {
            let source = params.source(keyword.name)?;
            Some(SettingLine {
                parameter: keyword.name,
                value: params.value(keyword.name).map(labels::printable),
                source: source.to_string(),
                default: matches!(source, Source::Default),
            })
        })
        .collect()
}
