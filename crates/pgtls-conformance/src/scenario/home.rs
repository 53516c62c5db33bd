//! Files that a client finds in its home directory.

use super::{Fault, tokenize};
use core::fmt;

/// One file, relative to the home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HomeFile {
    /// Its path.
    pub path: String,
    /// Where its content comes from.
    pub source: Source,
    /// Permissions.
    pub mode: Option<u32>,
    /// Owner, by number.
    pub uid: Option<u32>,
}

/// Where the content of a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A file of the PKI.
    Pki(String),
    /// This text, with its placeholders.
    Text(String),
    /// It is a symbolic link to this.
    Link(String),
    /// A credential cache of Kerberos with a ticket that no server takes.
    Ticket,
}

impl HomeFile {
    /// A file of ours with this content, and with the permissions that new files have.
    pub fn new(path: impl Into<String>, source: Source) -> Self {
        Self { path: path.into(), source, mode: None, uid: None }
    }
}

/// A line `file`, `text`, `link` or `ticket`.
pub(super) fn parse(key: &str, rest: &str) -> Result<HomeFile, Fault> {
    let wrong = || Fault::Value("PATH and content", rest.to_owned());
    let mut words = tokenize::split(rest)?.into_iter();
    let path = words.next().ok_or_else(wrong)?;
    let mut content = || words.next().ok_or_else(wrong);
    let source = match key {
        "file" => Source::Pki(content()?),
        "text" => Source::Text(content()?),
        "link" => Source::Link(content()?),
        _ => Source::Ticket,
    };
    let mut file = HomeFile::new(path, source);
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| Fault::Setting(word.clone()))?;
        let place = match name {
            "mode" => u32::from_str_radix(value, 8).map(|mode| file.mode = Some(mode)),
            "uid" => value.parse().map(|uid| file.uid = Some(uid)),
            _ => return Err(Fault::Setting(word)),
        };
        place.map_err(|_| Fault::Setting(word.clone()))?;
    }
    Ok(file)
}

/// The line.
impl fmt::Display for HomeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = tokenize::quoted(&self.path);
        match &self.source {
            Source::Pki(name) => write!(f, "file {path} {}", tokenize::quoted(name))?,
            Source::Text(text) => write!(f, "text {path} {}", tokenize::quoted(text))?,
            Source::Link(target) => write!(f, "link {path} {}", tokenize::quoted(target))?,
            Source::Ticket => write!(f, "ticket {path}")?,
        }
        if let Some(mode) = self.mode {
            write!(f, " mode={mode:o}")?;
        }
        if let Some(uid) = self.uid {
            write!(f, " uid={uid}")?;
        }
        Ok(())
    }
}
