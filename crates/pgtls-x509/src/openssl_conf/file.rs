//! The settings of a configuration file, section by section, and how they are looked up (config(5)).

use super::{error::ConfError, parser};
use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use pgtls_core::files::ReadFile;

/// The section that lines before the first header belong to, and that every look-up falls back to.
pub(super) const DEFAULT_SECTION: &str = "default";

/// A parsed configuration file with all that it includes.
#[derive(Clone, Debug, Default)]
pub struct ConfFile {
    sections: BTreeMap<String, Section>,
    /// Settings so far.
    count: usize,
}

/// The settings of one section, each with its place in the file; of equal names the last is kept, in its own place.
type Section = BTreeMap<String, (usize, String)>;

/// Equal are files that say the same in the same order.
impl PartialEq for ConfFile {
    fn eq(&self, other: &Self) -> bool {
        let settings = |conf: &Self, section: &str| {
            conf.section(section)
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        self.sections.keys().eq(other.sections.keys())
            && self.sections.keys().all(|section| settings(self, section) == settings(other, section))
    }
}

impl Eq for ConfFile {}

impl ConfFile {
    /// Parses a configuration file. `text` is the content of the file at `path`; files that it includes are read from
    /// `disk`, a missing one being passed over as OpenSSL does; `variable` answers `$ENV::name`.
    ///
    /// # Errors
    ///
    /// The first line that OpenSSL would not accept. OpenSSL then applies nothing of the file.
    pub fn parse(
        path: &str,
        text: &[u8],
        disk: &dyn ReadFile,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfError> {
        parser::parse(path, text, disk, variable)
    }

    /// The value of `name` in `section`, else in the default section (OpenSSL: `_CONF_get_string`).
    pub fn value(&self, section: &str, name: &str) -> Option<&str> {
        self.value_here(section, name).or_else(|| self.value_here(DEFAULT_SECTION, name))
    }

    /// The value of a name before any section header.
    pub fn default_value(&self, name: &str) -> Option<&str> {
        self.value_here(DEFAULT_SECTION, name)
    }

    /// The names of all sections, those without settings too.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// All settings of a section in order; `None` when there is no such section.
    pub fn section(&self, section: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
        let mut settings: Vec<_> = self.sections.get(section)?.iter().collect();
        settings.sort_by_key(|(_, (place, _))| *place);
        Some(settings.into_iter().map(|(name, (_, value))| (name.as_str(), value.as_str())))
    }

    fn value_here(&self, section: &str, name: &str) -> Option<&str> {
        self.sections.get(section)?.get(name).map(|(_, value)| value.as_str())
    }

    /// A section header: the section is there, if without settings.
    pub(super) fn open(&mut self, section: &str) {
        self.sections.entry(section.to_owned()).or_default();
    }

    pub(super) fn set(&mut self, section: &str, name: &str, value: String) {
        self.count = self.count.saturating_add(1);
        self.sections.entry(section.to_owned()).or_default().insert(name.to_owned(), (self.count, value));
    }
}
