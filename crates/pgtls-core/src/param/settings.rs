//! Settings as written, before validation.

use super::{ParamError, Source};
use alloc::{string::String, vec::Vec};

/// One setting as written: known keyword, raw value, where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name of the parameter (one of `KEYWORDS`).
    pub keyword: &'static str,
    /// Raw value, possibly empty. Secrets are held here too; `Debug` hides them.
    pub value: String,
    /// Where it was written.
    pub source: Source,
}

/// Settings of one origin in the order written, repeats resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    settings: Vec<Setting>,
}

impl Settings {
    /// Parses a connection string: a URI if it starts with `postgresql://` or `postgres://`, else keyword/value (spec 1.3, 1.4).
    pub fn parse(_text: &str) -> Result<Self, ParamError> {
        todo!()
    }
    /// Keyword arrays (spec 1.5): empty values are skipped, `dbname` expanded when asked.
    pub fn from_pairs(_pairs: &[(&str, &str)], _expand_dbname: bool) -> Result<Self, ParamError> {
        todo!()
    }
    /// Value of a parameter if set here.
    pub fn value(&self, _keyword: &str) -> Option<&Setting> {
        todo!()
    }
    /// All settings in order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }
}
