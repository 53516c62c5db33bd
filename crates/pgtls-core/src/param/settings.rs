//! Settings as written, before validation.

use super::{Keyword, ParamError, ParamErrorKind, Source, conninfo, uri};
use crate::secret::wipe_string;
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

/// One setting as written: known keyword, raw value, where it came from.
///
/// A secret is held here too: `Debug` hides it and dropping overwrites it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Name of the parameter (one of [`KEYWORDS`](super::KEYWORDS)).
    pub keyword: &'static str,
    /// Raw value, possibly empty.
    pub value: String,
    /// Where it was written.
    pub source: Source,
}

impl Setting {
    /// Whether the value is a secret.
    pub fn is_secret(&self) -> bool {
        Keyword::is_secret(self.keyword)
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        if self.is_secret() {
            wipe_string(&mut self.value);
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.is_secret() { ".." } else { &self.value };
        f.debug_struct("Setting")
            .field("keyword", &self.keyword)
            .field("value", &value)
            .field("source", &self.source)
            .finish()
    }
}

/// Settings of one origin in the order written, repeats resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    settings: Vec<Setting>,
}

impl Settings {
    /// Parses a connection string: a URI if it starts with `postgresql://` or `postgres://`, else keyword/value
    /// (libpq: `PQconninfoParse`).
    pub fn parse(text: &str) -> Result<Self, ParamError> {
        refuse_nul(text)?;
        match uri::after_scheme(text) {
            Some(after_scheme) => uri::parse(text, after_scheme),
            None => conninfo::parse(text),
        }
    }

    /// Keyword arrays (libpq: `PQconnectdbParams`). Empty values are skipped, also of unknown keywords.
    ///
    /// With `expand_dbname` the first `dbname`, if it is itself a connection string, is spliced in where it stands: it
    /// overrides what came before it and is overridden by what follows.
    pub fn from_pairs(pairs: &[(&str, &str)], expand_dbname: bool) -> Result<Self, ParamError> {
        let first_dbname = pairs.iter().position(|(name, _)| *name == "dbname");
        let mut settings = Self::default();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if value.is_empty() {
                continue;
            }
            if expand_dbname && first_dbname == Some(index) && is_connection_string(value) {
                for setting in Self::parse(value)?.settings {
                    settings.put(setting);
                }
            } else {
                settings.put_named(name, (*value).to_owned())?;
            }
        }
        Ok(settings)
    }

    /// The setting of a parameter, if it is set here.
    pub fn value(&self, keyword: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.keyword == keyword)
    }

    /// All settings in order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// An empty list with room for what most strings hold.
    pub(super) fn with_room() -> Self {
        Self { settings: Vec::with_capacity(TYPICAL_SETTINGS) }
    }

    /// Sets a parameter; the last one wins.
    pub(super) fn put(&mut self, setting: Setting) {
        match self.settings.iter_mut().find(|old| old.keyword == setting.keyword) {
            Some(old) => *old = setting,
            None => self.settings.push(setting),
        }
    }

    /// Unsets a parameter.
    pub(super) fn remove(&mut self, keyword: &str) {
        self.settings.retain(|setting| setting.keyword != keyword);
    }

    /// Sets a parameter unless it is set; the first one wins.
    pub(super) fn put_if_absent(&mut self, setting: Setting) {
        if self.value(setting.keyword).is_none() {
            self.settings.push(setting);
        }
    }

    /// Sets a parameter by its name for the program.
    pub(super) fn put_named(&mut self, name: &str, value: String) -> Result<(), ParamError> {
        refuse_nul(&value)?;
        match Keyword::find(name) {
            Some(keyword) => {
                self.put(Setting { keyword: keyword.name, value, source: Source::Program });
                Ok(())
            }
            None => Err(ParamErrorKind::unknown_option(Some(name)).from(Source::Program)),
        }
    }

    /// Sets what a string or URI says under `name`, with the old alias `requiressl` understood
    /// (libpq: `conninfo_storeval`).
    pub(super) fn put_written(
        &mut self,
        name: &str,
        value: String,
        source: Source,
    ) -> Result<(), UnknownName> {
        let (name, value) = match name {
            "requiressl" if value.starts_with('1') => ("sslmode", "require".to_owned()),
            "requiressl" => ("sslmode", "prefer".to_owned()),
            _ => (name, value),
        };
        let keyword = Keyword::find(name).ok_or(UnknownName)?;
        self.put(Setting { keyword: keyword.name, value, source });
        Ok(())
    }
}

/// Settings for which room is made at once.
const TYPICAL_SETTINGS: usize = 8;

/// The name is not one that libpq knows.
pub(super) struct UnknownName;

/// C strings end at a NUL byte, so what follows one would be cut off silently.
pub(super) fn refuse_nul(text: &str) -> Result<(), ParamError> {
    match text.find('\0') {
        Some(at) => Err(ParamErrorKind::NulByte { at }.into()),
        None => Ok(()),
    }
}

/// Whether a `dbname` is a connection string (libpq: `recognized_connection_string`).
fn is_connection_string(text: &str) -> bool {
    uri::after_scheme(text).is_some() || text.contains('=')
}
