//! Service files (PostgreSQL documentation, "The Connection Service File"; libpq: `parseServiceInfo`).

use super::{Keyword, ParamError, ParamErrorKind, ServiceHint, Setting, Settings, Source, suggest};
use crate::{
    environment::Environment,
    files::{ReadError, ReadFile},
};
use alloc::{borrow::ToOwned, format, string::String, sync::Arc, vec::Vec};

/// The service whose section counts: the parameter `service`, else `PGSERVICE`. An empty name is a name too.
pub fn service_name<'a>(explicit: &'a Settings, environment: &'a Environment) -> Option<&'a str> {
    match explicit.value("service") {
        Some(setting) => Some(&setting.value),
        None => environment.variable("PGSERVICE"),
    }
}

/// Looks into service files.
pub struct ServiceFile;

impl ServiceFile {
    /// The section of a service from the first file that has it: `PGSERVICEFILE`, or else `.pg_service.conf` in the
    /// home directory; then `pg_service.conf` in the system's directory, which `PGSYSCONFDIR` overrides.
    pub fn load(name: &str, environment: &Environment, disk: &dyn ReadFile) -> Result<Settings, ParamError> {
        for path in existing_files(environment, disk) {
            let text = match disk.read(&path) {
                Ok((text, _)) => text,
                // C can open a directory, and finds that there is nothing to read.
                Err(ReadError::IsADirectory) => Vec::new(),
                Err(_) => {
                    let named = environment.variable(PGSERVICEFILE) == Some(&path);
                    let kind = ParamErrorKind::ServiceFileUnreadable { path };
                    return Err(if named { kind.from(Source::Variable(PGSERVICEFILE)) } else { kind.into() });
                }
            };
            if let Some(section) = Self::section(&path, &text, name)? {
                return Ok(section);
            }
        }
        let files = files(environment).map(|(path, _)| path).collect();
        Err(ParamErrorKind::ServiceNotFound { name: name.to_owned(), files }.into())
    }

    /// The settings of section `name` in `text`, which was read from `path`; `None` when the section is not there
    /// (libpq: `parseServiceFile`).
    pub fn section(path: &str, text: &[u8], name: &str) -> Result<Option<Settings>, ParamError> {
        let file: Arc<str> = path.into();
        let mut section = None;
        for (line, number) in text.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            let source = || Source::Service { file: Arc::clone(&file), line: number };
            if line.len() > MAX_LINE {
                return Err(ParamErrorKind::ServiceLineTooLong.from(source()));
            }
            let line = trim(line);
            match (line.first(), &mut section) {
                (Some(b'['), Some(_)) => break,
                (Some(b'['), None) => section = is_header(line, name).then(Settings::with_room),
                // A comment, an empty line, a line of another section.
                (None | Some(b'#'), _) | (Some(_), None) => {}
                (Some(_), Some(settings)) => {
                    let (keyword, value) = setting(line).map_err(|kind| kind.from(source()))?;
                    settings.put_if_absent(Setting { keyword, value, source: source() });
                }
            }
        }
        Ok(section)
    }
}

/// The variable that names the user's file.
const PGSERVICEFILE: &str = "PGSERVICEFILE";

/// The longest line, its end included, that libpq's buffer of 1024 bytes takes.
const MAX_LINE: usize = 1022;

/// A file that the user named has to be there; others are passed over when they are not.
fn existing_files(environment: &Environment, disk: &dyn ReadFile) -> Vec<String> {
    let counts = |(path, named): &(String, bool)| *named || disk.metadata(path).is_ok();
    files(environment).filter(counts).map(|(path, _)| path).collect()
}

/// The files in which services are looked for, in order, and whether the user named them.
fn files(environment: &Environment) -> impl Iterator<Item = (String, bool)> {
    let users = match environment.variable(PGSERVICEFILE) {
        Some(path) => Some((path.to_owned(), true)),
        None => environment.home().map(|home| (format!("{home}/.pg_service.conf"), false)),
    };
    let directory = environment.variable("PGSYSCONFDIR").or(environment.sysconfdir.as_deref());
    let systems = directory.map(|directory| (format!("{directory}/pg_service.conf"), false));
    users.into_iter().chain(systems)
}

/// `[name]`; libpq does not look at what follows the bracket.
fn is_header(line: &[u8], name: &str) -> bool {
    line.strip_prefix(b"[")
        .and_then(|rest| rest.strip_prefix(name.as_bytes()))
        .is_some_and(|rest| rest.starts_with(b"]"))
}

/// `name=value`, without quotes, and with blanks only where they belong to the value.
fn setting(line: &[u8]) -> Result<(&'static str, String), ParamErrorKind> {
    let syntax = |hint| ParamErrorKind::ServiceSyntax { hint };
    if line.starts_with(b"ldap") {
        return Err(syntax(ServiceHint::Ldap));
    }
    let line = core::str::from_utf8(line).ok().filter(|line| !line.contains('\0'));
    let line = line.ok_or_else(|| syntax(ServiceHint::NotText))?;
    let (name, value) = line.split_once('=').ok_or_else(|| syntax(ServiceHint::MissingEquals))?;
    if name == "service" {
        return Err(ParamErrorKind::NestedService);
    }
    match Keyword::find(name) {
        Some(keyword) => Ok((keyword.name, value.to_owned())),
        None => Err(syntax(match Keyword::find(name.trim_end()) {
            Some(keyword) => ServiceHint::Blank { keyword: keyword.name },
            None => ServiceHint::UnknownName { name: name.to_owned(), suggestion: suggest::keyword(name) },
        })),
    }
}

/// Without C's white space at both ends.
fn trim(line: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| super::conninfo::is_space(char::from(*byte));
    let start = line.iter().take_while(|byte| is_space(byte)).count();
    let end = line.iter().rev().take_while(|byte| is_space(byte)).count();
    line.get(start..line.len().saturating_sub(end)).unwrap_or_default()
}
