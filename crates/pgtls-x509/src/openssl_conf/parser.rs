//! The grammar of the file (OpenSSL: `def_load_bio`, config(5)).

use super::{
    error::{ConfError, ConfErrorKind},
    expand::{Lookup, expand},
    file::{ConfFile, DEFAULT_SECTION},
};
use alloc::{
    borrow::{Cow, ToOwned},
    format,
    string::String,
};
use pgtls_core::files::{FileKind, ReadFile};

/// The most bytes that a file and all that it includes may have.
pub const MAX_CONF_BYTES: usize = 1 << 20;
/// How deep files may include one another; OpenSSL has no bound and follows a circle until it runs out of descriptors.
pub const MAX_INCLUDE_DEPTH: usize = 8;

/// Reads a file and all that it includes: see [`ConfFile::parse`].
pub(super) fn parse(
    path: &str,
    text: &[u8],
    disk: &dyn ReadFile,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ConfFile, ConfError> {
    let mut parser = Parser {
        conf: ConfFile::default(),
        section: DEFAULT_SECTION.to_owned(),
        pragmas: Pragmas::default(),
        bytes: 0,
        disk,
        variable,
    };
    parser.file(path, text, 0)?;
    Ok(parser.conf)
}

/// What `.pragma` can switch.
#[derive(Default)]
struct Pragmas {
    dollar_in_names: bool,
    absolute_paths: bool,
    include_directory: Option<String>,
}

struct Parser<'a> {
    conf: ConfFile,
    section: String,
    pragmas: Pragmas,
    bytes: usize,
    disk: &'a dyn ReadFile,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Parser<'_> {
    fn file(&mut self, path: &str, text: &[u8], depth: usize) -> Result<(), ConfError> {
        let at = |line, kind| ConfError { path: path.to_owned(), line, kind };
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_CONF_BYTES {
            return Err(at(1, ConfErrorKind::TooLarge));
        }
        // Comments may be in any encoding; names and values that matter are ASCII.
        let text = String::from_utf8_lossy(text);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        for (number, line) in logical_lines(text) {
            self.line(path, &line, depth, number)?;
        }
        Ok(())
    }

    fn line(&mut self, path: &str, line: &str, depth: usize, number: usize) -> Result<(), ConfError> {
        let at = |kind| ConfError { path: path.to_owned(), line: number, kind };
        let line = without_comment(line).trim();
        if line.is_empty() {
            return Ok(());
        }
        if let Some(header) = line.strip_prefix('[') {
            let (name, _) =
                header.split_once(']').ok_or_else(|| at(ConfErrorKind::MissingCloseSquareBracket))?;
            self.section = self.expand(name.trim()).map_err(at)?;
            self.conf.open(&self.section);
            return Ok(());
        }
        let (name, rest) = split_name(line, self.pragmas.dollar_in_names);
        let (section, name, rest) = match rest.strip_prefix("::") {
            Some(rest) => {
                let (inner, rest) = split_name(rest, self.pragmas.dollar_in_names);
                (Some(name), inner, rest)
            }
            None => (None, name, rest),
        };
        let rest = rest.trim_start();
        let assigned = rest.strip_prefix('=').map(str::trim_start);
        // A directive is written with or without `=`.
        match name {
            ".pragma" => return self.pragma(assigned.unwrap_or(rest)).map_err(at),
            ".include" => {
                let target = self.expand(assigned.unwrap_or(rest)).map_err(at)?;
                return self.include(&target, depth).unwrap_or_else(|kind| Err(at(kind)));
            }
            _ => {}
        }
        let value = assigned.ok_or_else(|| at(ConfErrorKind::MissingEqualSign))?;
        let value = self.expand(value).map_err(at)?;
        let section = section.unwrap_or(&self.section).to_owned();
        self.conf.set(&section, name, value);
        Ok(())
    }

    fn expand(&self, text: &str) -> Result<String, ConfErrorKind> {
        let lookup = |section: Option<&str>, name: &str| match section {
            Some("ENV") => {
                (self.variable)(name).or_else(|| self.conf.value("ENV", name).map(ToOwned::to_owned))
            }
            section => self.conf.value(section.unwrap_or(&self.section), name).map(ToOwned::to_owned),
        };
        expand(text, self.pragmas.dollar_in_names, &lookup as &Lookup<'_>)
    }

    fn pragma(&mut self, text: &str) -> Result<(), ConfErrorKind> {
        let invalid = || ConfErrorKind::InvalidPragma(text.to_owned());
        let (name, value) = text.split_once(':').ok_or_else(invalid)?;
        let (name, value) = (name.trim(), value.trim());
        let switch = |value: &str| match value {
            "on" | "true" => Ok(true),
            "off" | "false" => Ok(false),
            _ => Err(invalid()),
        };
        match name {
            "dollarid" => self.pragmas.dollar_in_names = switch(value)?,
            "abspath" => self.pragmas.absolute_paths = switch(value)?,
            "includedir" => self.pragmas.include_directory = Some(value.to_owned()),
            // OpenSSL leaves unknown pragmas to later releases.
            _ => {}
        }
        Ok(())
    }

    /// Reads a file, or in a directory all files that end in `.cnf` or `.conf`. The outer error belongs to the line
    /// that includes, the inner one to a line of an included file.
    fn include(&mut self, target: &str, depth: usize) -> Result<Result<(), ConfError>, ConfErrorKind> {
        if depth >= MAX_INCLUDE_DEPTH {
            return Err(ConfErrorKind::IncludedTooDeep);
        }
        if self.pragmas.absolute_paths && !target.starts_with('/') {
            return Err(ConfErrorKind::RelativePath(target.to_owned()));
        }
        let directory =
            (self.variable)("OPENSSL_CONF_INCLUDE").or_else(|| self.pragmas.include_directory.clone());
        let path = match directory {
            Some(directory) if !target.starts_with('/') => format!("{directory}/{target}"),
            _ => target.to_owned(),
        };
        let Ok(metadata) = self.disk.metadata(&path) else {
            return Ok(Ok(()));
        };
        if metadata.kind != FileKind::Directory {
            return Ok(self.included(&path, depth));
        }
        let mut names = self.disk.list(&path).unwrap_or_default();
        names.retain(|name| is_conf_name(name));
        names.sort();
        for name in names {
            if let Err(error) = self.included(&format!("{path}/{name}"), depth) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    fn included(&mut self, path: &str, depth: usize) -> Result<(), ConfError> {
        match self.disk.read(path) {
            Ok((text, _)) => self.file(path, &text, depth.saturating_add(1)),
            Err(_) => Ok(()),
        }
    }
}

fn is_conf_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && (ending.eq_ignore_ascii_case("cnf") || ending.eq_ignore_ascii_case("conf"))
    })
}

/// Lines with continuations joined: a single backslash at the end takes the next line in. Each comes with the number of
/// its last line.
fn logical_lines(text: &str) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let mut lines = text.lines().zip(1_usize..);
    core::iter::from_fn(move || {
        let (first, mut number) = lines.next()?;
        let mut line = Cow::Borrowed(first);
        while is_continued(&line) {
            let joined = line.to_mut();
            joined.pop();
            let Some((next, next_number)) = lines.next() else { break };
            joined.push_str(next);
            number = next_number;
        }
        Some((number, line))
    })
}

fn is_continued(line: &str) -> bool {
    line.ends_with('\\') && !line.ends_with("\\\\")
}

/// The line up to a `#` that is neither quoted nor escaped.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match (character, quote) {
            ('\\', _) => {
                characters.next();
            }
            (_, Some(open)) if character == open => quote = None,
            ('"' | '\'' | '`', None) => quote = Some(character),
            ('#', None) => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

/// A name as OpenSSL reads one: letters, digits and the punctuation that its character table allows.
fn split_name(text: &str, dollar: bool) -> (&str, &str) {
    let is_name = |character: char| {
        character.is_ascii_alphanumeric()
            || "_!.%&*+,/;?@^~|-".contains(character)
            || (dollar && character == '$')
    };
    let end = text.find(|character| !is_name(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssl_conf::texts::Texts;
    use alloc::{string::ToString, vec, vec::Vec};
    use core::fmt::Write;

    fn parse_with(files: &[(&'static str, &'static str)]) -> Result<ConfFile, ConfError> {
        let disk = Texts(files.iter().copied().collect());
        let variable = |name: &str| (name == "SET").then(|| "from the environment".to_owned());
        ConfFile::parse("a.cnf", files[0].1.as_bytes(), &disk, &variable)
    }

    #[track_caller]
    fn check(text: &'static str, section: &str, expected: &[(&str, &str)]) {
        let conf = parse_with(&[("a.cnf", text)]).unwrap();
        let found: Vec<_> = conf.section(section).into_iter().flatten().collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[track_caller]
    fn refuse(text: &'static str, line: usize, message: &str) {
        let error = parse_with(&[("a.cnf", text)]).unwrap_err();
        assert_eq!(error.line, line, "{text:?}");
        assert!(error.to_string().contains(message), "{error}");
    }

    #[test]
    fn lines() {
        check("a = 1\n b=2 # no\n#c=3\n\n", "default", &[("a", "1"), ("b", "2")]);
        check("[ s ]\r\na=1\r\n[t]\nb=2\n[s]\na=3\n", "s", &[("a", "3")]);
        check("[ two words ]\na=1", "two words", &[("a", "1")]);
        check("s::a = 1", "s", &[("a", "1")]);
        check("a = one \\\n two", "default", &[("a", "one  two")]);
        check("a = back\\\\\nb=2", "default", &[("a", "back\\"), ("b", "2")]);
        check("a =", "default", &[("a", "")]);
        check("\u{feff}a=1", "default", &[("a", "1")]);
        refuse("a=1\n[ s\n", 2, "without closing bracket");
        refuse("a=1\n\nno sign\n", 3, "without equal sign");
    }

    #[test]
    fn quotes_and_escapes() {
        check(r#"a = "x # y" '$no' `"`"#, "default", &[("a", "x # y $no \"")]);
        check(r"a = \$b\n\#\t.", "default", &[("a", "$b\n#\t.")]);
        check(r#"a = "open"#, "default", &[("a", "open")]);
        check(r#"a = "q\"q""#, "default", &[("a", "q\"q")]);
    }

    #[test]
    fn variables() {
        check("d = /x\n[s]\na = $d/y\nb = ${a}z $(d)", "s", &[("a", "/x/y"), ("b", "/x/yz /x")]);
        check("[t]\nv=1\n[s]\na=${t::v}2$t::v", "s", &[("a", "121")]);
        check("a = $ENV::SET", "default", &[("a", "from the environment")]);
        check("UNSET = fallback\na = ${ENV::UNSET}", "default", &[("UNSET", "fallback"), ("a", "fallback")]);
        check(".pragma = dollarid:on\na$b = $x", "default", &[("a$b", "$x")]);
        refuse("a = $nothing", 1, "variable \"nothing\" has no value");
        refuse("a = ${b}", 1, "has no value");
        refuse("b = 1\na = ${b", 2, "without closing brace");
        refuse(".pragma dollarid:perhaps", 1, "invalid pragma");
    }

    #[test]
    fn values_do_not_grow_without_bound() {
        let mut text = "a0 = 0123456789".to_owned();
        for n in 1..16 {
            let one = format!("$a{}", n - 1);
            write!(text, "\na{n} = {}", one.repeat(10)).unwrap();
        }
        let disk = Texts::default();
        let error = ConfFile::parse("a.cnf", text.as_bytes(), &disk, &|_| None).unwrap_err();
        assert_eq!(error.kind, ConfErrorKind::VariableExpansionTooLong);
        let large = vec![b'#'; MAX_CONF_BYTES + 1];
        let error = ConfFile::parse("a.cnf", &large, &disk, &|_| None).unwrap_err();
        assert_eq!(error.kind, ConfErrorKind::TooLarge);
    }

    #[test]
    fn includes() {
        let conf = parse_with(&[
            ("a.cnf", ".include = b.cnf\n.include /missing\n.include dir\nz = $b"),
            ("b.cnf", "b = 1\n[elsewhere]\n"),
            ("dir/1.conf", "x = 1"),
            ("dir/0.cnf", "x = 0"),
            ("dir/readme", "this is not read"),
        ])
        .unwrap();
        assert_eq!(conf.value("elsewhere", "x"), Some("1"), "in the order of their names");
        assert_eq!(conf.value("elsewhere", "z"), Some("1"));
        let error = parse_with(&[("a.cnf", "a=1\n.include b.cnf"), ("b.cnf", "\n\nbroken")]).unwrap_err();
        assert_eq!((error.path.as_str(), error.line), ("b.cnf", 3));
        let error = parse_with(&[("a.cnf", ".include a.cnf")]).unwrap_err();
        assert_eq!(error.kind, ConfErrorKind::IncludedTooDeep);
        let error = parse_with(&[("a.cnf", ".pragma abspath:true\n.include b.cnf")]).unwrap_err();
        assert_eq!(error.kind, ConfErrorKind::RelativePath("b.cnf".to_owned()));
        let conf = parse_with(&[("a.cnf", ".pragma includedir:/d\n.include b.cnf"), ("/d/b.cnf", "b=1")]);
        assert_eq!(conf.unwrap().default_value("b"), Some("1"));
    }
}
