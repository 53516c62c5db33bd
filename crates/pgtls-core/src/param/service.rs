//! Service files (spec 1.6): text in, one section out.

use super::{ParamError, Settings};

/// A parsed look into a service file.
pub struct ServiceFile;

impl ServiceFile {
    /// The settings of section `name` in `text`; `None` when the section is not there.
    pub fn section(_path: &str, _text: &[u8], _name: &str) -> Result<Option<Settings>, ParamError> {
        todo!()
    }
}
