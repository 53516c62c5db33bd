//! Which path a file has, and why this one.

use super::{FileRole, FileSettings, engine_name};
use crate::environment::Environment;
use alloc::{borrow::ToOwned, string::String};

/// libpq keeps paths in buffers of `MAXPGPATH` = 1024 bytes and cuts what is longer.
pub const MAX_PATH_BYTES: usize = 1023;

/// The word that makes `sslrootcert` mean the system's trusted roots. Only this spelling: `System` and `./system` are files.
pub const SYSTEM: &str = "system";

/// Origin of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileSource {
    /// A parameter.
    Explicit,
    /// The default in the home directory.
    HomeDefault,
    /// The label of bytes ([`InMemoryFiles`](super::InMemoryFiles)) or of an
    /// [external key](FileSettings::external_key), which the program supplies in place of the file.
    Program,
    /// The label of [additional roots](super::InMemoryFiles::additional_roots), which the program supplies beside the roots of
    /// `sslrootcert`.
    Additional,
}

/// The path of a file and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilePath {
    /// The path as it is opened, relative ones as given, or the label of what the program supplies; `None` when the home directory is needed and unknown, for a
    /// `sslcrldir` that is not given, and for a key in an engine, whose id may hold a PIN.
    pub path: Option<String>,
    /// Origin of the name.
    pub source: FileSource,
}

/// The path of the file of this role (libpq: the steps of `initialize_SSL` that fill `fnbuf`).
///
/// For `sslrootcert=system` this is the word itself. Where the program supplies the content, it is the content's label.
pub fn path_of(role: FileRole, settings: &FileSettings<'_>, environment: &Environment) -> FilePath {
    match settings.label(role) {
        Some(label) => FilePath { path: Some(label.to_owned()), source: FileSource::Program },
        None => path_on_disk(role, settings, environment),
    }
}

/// The path of the file of this role, whether or not the program supplies its content.
pub(super) fn path_on_disk(
    role: FileRole,
    settings: &FileSettings<'_>,
    environment: &Environment,
) -> FilePath {
    if let Some(explicit) = explicit(role, settings) {
        let in_engine = role == FileRole::Key && engine_name(explicit, environment.platform).is_some();
        let path = (!in_engine).then(|| as_libpq_holds_it(role, explicit.to_owned()));
        return FilePath { path, source: FileSource::Explicit };
    }
    let path = role.rule().default_name.and_then(|name| {
        let directory = environment.postgresql_directory()?;
        Some(as_libpq_holds_it(role, directory + separator(environment) + name))
    });
    FilePath { path, source: FileSource::HomeDefault }
}

/// The parameter of this role, unless it is empty.
pub(super) fn explicit<'a>(role: FileRole, settings: &FileSettings<'a>) -> Option<&'a str> {
    match role {
        FileRole::RootCert => settings.sslrootcert,
        FileRole::Crl => settings.sslcrl,
        FileRole::CrlDir => settings.sslcrldir,
        FileRole::Cert => settings.sslcert,
        FileRole::Key => settings.sslkey,
    }
    .filter(|value| !value.is_empty())
}

fn separator(environment: &Environment) -> &'static str {
    match environment.platform {
        crate::environment::Platform::Unix => "/",
        crate::environment::Platform::Windows => "\\",
    }
}

/// `sslcrl` and `sslcrldir` go to OpenSSL as they are; the others pass through a buffer.
fn as_libpq_holds_it(role: FileRole, mut path: String) -> String {
    match role {
        FileRole::Crl | FileRole::CrlDir => {}
        FileRole::RootCert | FileRole::Cert | FileRole::Key => {
            // A character that straddles the limit goes as a whole; no file has either name.
            let mut end = path.len().min(MAX_PATH_BYTES);
            while !path.is_char_boundary(end) {
                end -= 1;
            }
            path.truncate(end);
        }
    }
    path
}
