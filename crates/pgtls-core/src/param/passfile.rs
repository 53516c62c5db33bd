//! The password file (PostgreSQL documentation, "The Password File"; libpq: `passwordFromFile`).
//!
//! Lines of `host:port:database:user:password`, of which each of the first four may be `*`; a backslash makes a `:` or
//! a backslash literal. The first line that fits counts, even if its password is empty.

use super::{HostItem, Params, Secret};
use crate::{
    connect::Warning,
    environment::{Environment, Platform},
    files::{FileKind, Metadata, ReadError, ReadFile},
    secret::wipe_vec,
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// The passwords for the hosts of a connection: `password` for all of them, else one for each from the password file.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    for_all: Option<Secret>,
    for_each: Vec<Option<Secret>>,
    file: Option<String>,
    problem: Option<Warning>,
}

impl Passwords {
    /// Reads the password file if no `password` was given. A file that is missing or cannot be read is the same as an empty
    /// one. A file that others can read is not used.
    pub fn load(params: &Params, environment: &Environment, disk: &dyn ReadFile) -> Self {
        if let Some(password) = params.password() {
            return Self { for_all: Some(password.clone()), ..Self::default() };
        }
        let Some(path) = passfile(params, environment) else {
            return Self::default();
        };
        let mut text = match read(&path, environment.platform, disk) {
            Ok(text) => text,
            Err(problem) => return Self { problem, ..Self::default() },
        };
        let mut passwords = Self::default();
        for item in params.hosts() {
            let key = Key::new(item, params, environment);
            match key.find(&text) {
                Ok(password) => passwords.for_each.push(password),
                Err(line) => {
                    passwords.for_each.push(None);
                    passwords.problem = Some(Warning::PassfileNotUtf8 { path: path.clone(), line });
                }
            }
        }
        wipe_vec(&mut text);
        passwords.file = Some(path);
        passwords
    }

    /// The password for an item of the host list ([`Peer::host_index`](crate::connect::Peer::host_index)).
    pub fn password(&self, host_index: usize) -> Option<&Secret> {
        let of_host = self.for_each.get(host_index).and_then(Option::as_ref);
        self.for_all.as_ref().or(of_host)
    }

    /// Path of the password file, if the password for this item of the host list is from it. Where the server rejects that
    /// password, libpq names the file (libpq: `pgpassfileWarning`).
    pub fn file(&self, host_index: usize) -> Option<&str> {
        let from_file = self.for_all.is_none() && self.password(host_index).is_some();
        self.file.as_deref().filter(|_| from_file)
    }

    /// The problem for which the password file, or a line of it, was not used. One of the variants `Passfile…`.
    pub fn problem(&self) -> Option<&Warning> {
        self.problem.as_ref()
    }
}

/// `passfile` if it is not empty, else the file in the home directory.
fn passfile(params: &Params, environment: &Environment) -> Option<String> {
    if let Some(path) = params.value("passfile").filter(|path| !path.is_empty()) {
        return Some(path.to_owned());
    }
    let home = environment.home()?;
    Some(match environment.platform {
        Platform::Unix => format!("{home}/.pgpass"),
        Platform::Windows => format!("{home}\\pgpass.conf"),
    })
}

/// Reads the file. The error is `None` where the file is missing.
fn read(path: &str, platform: Platform, disk: &dyn ReadFile) -> Result<Vec<u8>, Option<Warning>> {
    let refuse = |metadata: &Metadata| {
        let path = path.to_owned();
        match platform {
            Platform::Unix if metadata.kind != FileKind::Regular => Some(Warning::PassfileNotPlain { path }),
            Platform::Unix if metadata.mode & GROUP_OR_OTHER != 0 => {
                Some(Warning::PassfilePermissions { path, mode: metadata.mode })
            }
            Platform::Unix | Platform::Windows => None,
        }
    };
    let unreadable = |error| match error {
        ReadError::NotFound | ReadError::NotADirectory => None,
        error => Some(Warning::PassfileUnreadable { path: path.to_owned(), error }),
    };
    // Checked before it is opened, because opening a file of another kind may block or consume it.
    let metadata = disk.metadata(path).map_err(unreadable)?;
    refuse(&metadata).map_or(Ok(()), |problem| Err(Some(problem)))?;
    let (mut text, metadata) = disk.read(path).map_err(unreadable)?;
    // Checked again, because the path may name another file by now.
    if let Some(problem) = refuse(&metadata) {
        wipe_vec(&mut text);
        return Err(Some(problem));
    }
    Ok(text)
}

/// `S_IRWXG | S_IRWXO`.
const GROUP_OR_OTHER: u32 = 0o077;

/// What a line has to fit.
struct Key<'a> {
    host: &'a str,
    port: &'a str,
    dbname: &'a str,
    user: &'a str,
}

impl<'a> Key<'a> {
    /// The name of the host, else its address; `localhost` for the default socket directory.
    fn new(item: &'a HostItem, params: &'a Params, environment: &'a Environment) -> Self {
        let default_host = "localhost";
        let host = match item.host.as_deref().or(item.hostaddr.as_deref()) {
            Some(host) if Some(host) == environment.socket_directory.as_deref() => default_host,
            Some(host) => host,
            None => default_host,
        };
        Self { host, port: item.port_text(), dbname: params.dbname(), user: params.user() }
    }

    /// The password of the first line that fits. The error is the number of its line, where it is not UTF-8.
    fn find(&self, text: &[u8]) -> Result<Option<Secret>, usize> {
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            if line.starts_with(b"#") {
                continue;
            }
            let line = strip_carriage_returns(line);
            let password = [self.host, self.port, self.dbname, self.user]
                .into_iter()
                .try_fold(line, |rest, wanted| after_field(rest, wanted.as_bytes()));
            if let Some(password) = password {
                return match String::from_utf8(unescape(password)) {
                    Ok(text) => Ok(Some(Secret::new(text)).filter(|secret| !secret.expose().is_empty())),
                    Err(error) => {
                        wipe_vec(&mut error.into_bytes());
                        Err(number)
                    }
                };
            }
        }
        Ok(None)
    }
}

fn strip_carriage_returns(line: &[u8]) -> &[u8] {
    let end = line.iter().rev().take_while(|byte| **byte == b'\r').count();
    line.get(..line.len().saturating_sub(end)).unwrap_or_default()
}

/// What follows the first field of a line, if the field is `*` or the wanted text (libpq: `pwdfMatchesString`).
fn after_field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut wanted = wanted.iter();
    let mut rest = line;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = match byte {
            b':' if wanted.as_slice().is_empty() => return Some(after),
            b'\\' => {
                let (escaped, after) = after.split_first()?;
                (wanted.next()? == escaped).then_some(after)?
            }
            byte => (wanted.next()? == byte).then_some(after)?,
        };
    }
}

/// Up to the next field, which libpq does not read; a backslash makes the next byte literal.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut password = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => password.push(*bytes.next().unwrap_or(byte)),
            byte => password.push(*byte),
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        files::{FileIdentity, NativeRoots, ReadError},
        param::{Ability, Settings},
    };
    use alloc::string::ToString;

    /// A disk with one file, of this kind and mode when it is looked at and when it is opened.
    struct OneFile {
        looked_at: (FileKind, u32),
        opened: (FileKind, u32),
    }

    /// A disk on which each file fails in one way, when it is looked at or when it is opened.
    struct Failing {
        looked_at: Option<ReadError>,
        opened: ReadError,
    }

    impl ReadFile for Failing {
        fn metadata(&self, _: &str) -> Result<Metadata, ReadError> {
            self.looked_at.clone().map_or_else(|| Ok(metadata((FileKind::Regular, 0o600))), Err)
        }
        fn read(&self, _: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
            Err(self.opened.clone())
        }
        fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
            Err(ReadError::NotFound)
        }
        fn native_roots(&self) -> NativeRoots {
            NativeRoots::default()
        }
    }

    fn metadata((kind, mode): (FileKind, u32)) -> Metadata {
        Metadata { kind, mode, uid: 0, identity: FileIdentity::default() }
    }

    impl ReadFile for OneFile {
        fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
            if path == "/h/.pgpass" { Ok(metadata(self.looked_at)) } else { Err(ReadError::NotFound) }
        }
        fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
            self.metadata(path)?;
            Ok((b"a:1:*:*:one\nb:2:*:*:\xff\n*:*:*:*:other".to_vec(), metadata(self.opened)))
        }
        fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
            Err(ReadError::NotFound)
        }
        fn native_roots(&self) -> NativeRoots {
            NativeRoots::default()
        }
    }

    fn load(conninfo: &str, platform: Platform, disk: &dyn ReadFile) -> Passwords {
        let mut environment = Environment::empty(platform).with_variable("HOME", "/h");
        environment.user = Some("me".to_owned());
        let settings = Settings::parse(conninfo).unwrap();
        let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
        Passwords::load(&params, &environment, disk)
    }

    #[test]
    fn files() {
        use FileKind::{Other, Regular};
        let hosts = "host=a,b,c port=1,2,3";
        let passwords = |conninfo, looked_at, opened| {
            let passwords = load(conninfo, Platform::Unix, &OneFile { looked_at, opened });
            let each: Vec<_> =
                (0..3).map(|host| passwords.password(host).map(|p| p.expose().to_owned())).collect();
            (
                each.into_iter().flatten().collect::<Vec<_>>().join(","),
                passwords.problem().map(ToString::to_string),
            )
        };
        let private = (Regular, 0o600);
        let bad_line = "password in line 2 of password file \"/h/.pgpass\" is not UTF-8, and is ignored";
        assert_eq!(passwords(hosts, private, private), ("one,other".to_owned(), Some(bad_line.to_owned())));
        assert_eq!(passwords("host=a port=1", private, private), ("one".to_owned(), None));
        assert_eq!(passwords("host=a passfile=/elsewhere", private, private), (String::new(), None));
        assert_eq!(
            passwords("host=a password=given", private, private),
            ("given,given,given".to_owned(), None)
        );
        let open = "password file \"/h/.pgpass\" has group or world access; permissions should be \
                    u=rw (0600) or less; it has mode 0640 and is ignored";
        let not_plain = "password file \"/h/.pgpass\" is not a plain file; it is ignored";
        for (other, problem) in [((Regular, 0o640), open), ((Other, 0o600), not_plain)] {
            let problem = (String::new(), Some(problem.to_owned()));
            assert_eq!(passwords(hosts, other, private), problem);
            assert_eq!(passwords(hosts, private, other), problem);
        }
    }

    #[test]
    fn an_unreadable_file_is_a_problem_and_a_missing_one_is_not() {
        for (error, reason) in [
            (ReadError::PermissionDenied, Some("permission denied")),
            (ReadError::TooLarge, Some("larger than")),
            (ReadError::Other("input/output error".to_owned()), Some("input/output error")),
            (ReadError::NotFound, None),
            (ReadError::NotADirectory, None),
        ] {
            for looked_at in [Some(error.clone()), None] {
                let disk = Failing { looked_at, opened: error.clone() };
                let passwords = load("host=a", Platform::Unix, &disk);
                assert!(passwords.password(0).is_none() && passwords.file(0).is_none());
                let problem = passwords.problem().map(ToString::to_string);
                let begin =
                    reason.map(|reason| format!("could not read password file \"/h/.pgpass\": {reason}"));
                match (&problem, &begin) {
                    (None, None) => {}
                    (Some(problem), Some(begin)) => assert!(problem.starts_with(begin.as_str()), "{problem}"),
                    _ => panic!("{error:?}: {problem:?}"),
                }
            }
        }
    }

    #[test]
    fn the_file_is_named_where_the_password_is_from_it() {
        let private = (FileKind::Regular, 0o600);
        let disk = OneFile { looked_at: private, opened: private };
        let files = |conninfo| {
            let passwords = load(conninfo, Platform::Unix, &disk);
            (0..3).map(|host| passwords.file(host).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(files("host=a,b,c port=1,2,3"), [true, false, true]);
        assert_eq!(files("host=a,b,c port=1,2,3 password=given"), [false; 3]);
        assert_eq!(files("host=a port=1"), [true, false, false]);
    }

    #[test]
    fn windows_has_a_file_of_its_own_and_no_permissions() {
        let disk = OneFile { looked_at: (FileKind::Regular, 0o666), opened: (FileKind::Regular, 0o666) };
        let passwords = load("host=a port=1 passfile=/h/.pgpass", Platform::Windows, &disk);
        assert_eq!(passwords.password(0).map(Secret::expose), Some("one"));
        let environment = Environment::empty(Platform::Windows).with_variable("APPDATA", r"C:\data");
        let settings = Settings::parse("user=u").unwrap();
        let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
        assert_eq!(passfile(&params, &environment).as_deref(), Some(r"C:\data\postgresql\pgpass.conf"));
        assert_eq!(passfile(&params, &Environment::empty(Platform::Windows)), None);
    }

    fn find(text: &str) -> Option<String> {
        let key = Key { host: "h:1", port: "5432", dbname: r"d\b", user: "*" };
        key.find(text.as_bytes()).unwrap().map(|secret| secret.expose().to_owned())
    }

    #[track_caller]
    fn check(text: &str, password: Option<&str>) {
        assert_eq!(find(text).as_deref(), password, "{text:?}");
    }

    #[test]
    fn lines() {
        check(r"h\:1:5432:d\\b:*:secret", Some("secret"));
        check("*:*:*:*:secret", Some("secret"));
        check("*:*:*:\\*:secret\r\n", Some("secret"));
        check("#\n\n*:*:*:*:secret", Some("secret"));
        check(" #\n*:*:*:*:secret", Some("secret"));
        check(r"*:*:*:*:a\:b\\c\d", Some(r"a:b\cd"));
        check("*:*:*:*:a:b", Some("a"));
        check("*:*:*:*:a\\", Some("a\\"));
        check("*:*:*:*: a ", Some(" a "));
        // The first line that fits counts.
        check("x:*:*:*:one\n*:*:*:*:two\n*:*:*:*:three\n", Some("two"));
        check("*:*:*:*:\n*:*:*:*:two\n", None);
        // A colon needs its backslash only where the name ends with it.
        check("h:1:5432:d\\\\b:*:secret", Some("secret"));
        // Near misses.
        check("", None);
        check("#*:*:*:*:secret", None);
        check("h:1:5432:d\\b:*:secret", None);
        check("h\\:11:5432:*:*:secret", None);
        check("h\\::5432:*:*:secret", None);
        check("*:*:*:*", None);
        check("*:*:*:**:secret", None);
        check("*\\:*:*:*:secret", None);
        check(" *:*:*:*:secret", None);
        check("*:*:*:x:secret", None);
        check("\\", None);
    }

    #[test]
    fn a_password_that_is_not_utf8_is_told_by_its_line() {
        let key = Key { host: "h", port: "1", dbname: "d", user: "u" };
        assert_eq!(key.find(b"# \xff\n*:*:*:*:\xff\n"), Err(2));
        assert_eq!(key.find(b"\xff:*:*:*:\xff\n"), Ok(None));
    }
}
