//! Password files.

use super::disk::Disk;
use pgtls_core::{
    connect::Warning,
    environment::{Environment, Platform},
    param::{Ability, Params, Passwords, Secret, SettingsBuilder},
};

const PATH: &str = "pgpass";
const HOSTS: [[&str; 4]; 2] = [["h", "1", "d", "u"], ["other", "22", "d", "u"]];

/// The password of each host is that of the first line that a plain reader finds to fit.
pub fn pgpass(bytes: &[u8]) {
    let builder = SettingsBuilder::new().user("u").dbname("d").passfile(PATH).host("h", 1).host("other", 22);
    let environment = Environment::empty(Platform::Unix);
    let params = Params::resolve(&builder.finish().unwrap(), None, &environment, Ability::default()).unwrap();
    let passwords = Passwords::load(&params, &environment, &Disk(&[(PATH, bytes)]));

    let mut not_utf8 = None;
    for (index, host) in HOSTS.iter().enumerate() {
        let found = plainly(bytes, host);
        let ours = passwords.password(index).map(Secret::expose);
        match found.map(|(line, password)| (line, String::from_utf8(password))) {
            None => assert_eq!(ours, None),
            // An empty password is none.
            Some((_, Ok(password))) => assert_eq!(ours.unwrap_or_default(), password),
            Some((line, Err(_))) => {
                assert_eq!(ours, None);
                not_utf8 = Some(Warning::PassfileNotUtf8 { path: PATH.to_owned(), line });
            }
        }
    }
    assert_eq!(passwords.problem(), not_utf8.as_ref());
}

/// Line and password.
fn plainly(bytes: &[u8], host: &[&str; 4]) -> Option<(usize, Vec<u8>)> {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let mut end = line.len();
        while end > 0 && line[end - 1] == b'\r' {
            end -= 1;
        }
        let Some(fields) = fields(&line[..end]).filter(|_| !line.starts_with(b"#")) else { continue };
        let fits = |(wanted, (raw, unescaped)): (&&str, &(Vec<u8>, Vec<u8>))| {
            raw == b"*" || unescaped == wanted.as_bytes()
        };
        if fields.len() > 4 && host.iter().zip(&fields).all(fits) {
            return Some((number, fields[4].1.clone()));
        }
    }
    None
}

/// Each field as written and as meant. A backslash at the end makes nothing literal: of a password it is a part, to
/// anything else nothing fits then.
fn fields(line: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut fields = vec![(Vec::new(), Vec::new())];
    let mut at = 0;
    while at < line.len() {
        let place = fields.len();
        let (raw, meant) = fields.last_mut()?;
        match line[at] {
            b':' => fields.push((Vec::new(), Vec::new())),
            b'\\' if at + 1 < line.len() => {
                raw.extend_from_slice(&line[at..at + 2]);
                meant.push(line[at + 1]);
                at += 1;
            }
            b'\\' if place < 5 => return None,
            byte => {
                raw.push(byte);
                meant.push(byte);
            }
        }
        at += 1;
    }
    Some(fields)
}
