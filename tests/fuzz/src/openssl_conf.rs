//! `openssl.cnf`. What follows a NUL byte in the input is another file, `b.cnf`, which the first may include.

use super::disk::Disk;
use pgtls_x509::openssl_conf::{
    CIPHER_SUITES, ConfFile, GROUPS, MAX_VALUE_BYTES, SystemDefault, TLS13_SUITES,
};
use std::fmt::Write;

/// What is read keeps its bounds, and written down plainly it is read as the same again.
pub fn openssl_conf(bytes: &[u8]) {
    let (text, included) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, b"".as_slice()),
    };
    let disk = Disk(&[("a.cnf", text), ("b.cnf", included)]);
    let variable = |name: &str| (name == "SET").then(|| "from the environment".to_owned());
    match ConfFile::parse("a.cnf", text, &disk, &variable) {
        Ok(conf) => {
            assert_eq!(written_and_read(&conf), conf);
            means_something(&SystemDefault::of(&conf));
        }
        Err(error) => {
            let file = if error.path == "a.cnf" { text } else { included };
            let lines = file.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
        }
    }
}

/// Sections and values are handed in by variables, which can hold anything.
fn written_and_read(conf: &ConfFile) -> ConfFile {
    let mut text = String::from(".pragma = dollarid:on\n");
    let mut variables = Vec::new();
    for section in conf.sections() {
        writeln!(text, "[${{ENV::V{}}}]", variables.len()).unwrap();
        variables.push(section);
        for (name, value) in conf.section(section).unwrap() {
            assert!(value.len() <= MAX_VALUE_BYTES);
            writeln!(text, "{name} = ${{ENV::V{}}}", variables.len()).unwrap();
            variables.push(value);
        }
    }
    let variable = |name: &str| {
        let number = name.strip_prefix('V')?.parse::<usize>().ok()?;
        variables.get(number).map(|value| (*value).to_owned())
    };
    ConfFile::parse("a.cnf", text.as_bytes(), &Disk(&[]), &variable).unwrap()
}

fn means_something(meaning: &SystemDefault) {
    assert!(meaning.security_level.is_none_or(|level| level <= 5));
    if let Some(list) = &meaning.cipher_list {
        for (index, suite) in list.suites.iter().enumerate() {
            assert!(CIPHER_SUITES.contains(suite) && !list.suites[..index].contains(suite));
        }
    }
    for (index, group) in meaning.groups.iter().flatten().enumerate() {
        assert!(GROUPS.contains(group) && !meaning.groups.as_ref().unwrap()[..index].contains(group));
    }
    for (index, suite) in meaning.ciphersuites.iter().flatten().enumerate() {
        assert!(
            TLS13_SUITES.contains(suite) && !meaning.ciphersuites.as_ref().unwrap()[..index].contains(suite)
        );
    }
}
