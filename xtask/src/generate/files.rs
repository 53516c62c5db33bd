//! `docs/files.md`: the files that are read, from the table in the core and by asking its rules.

use super::template::{fill, table};
use pgtls_core::{
    environment::{Environment, Platform},
    files::{
        CrlCheck, FILES, FileIdentity, FileKind, FileSettings, KeyPermissions, MAX_DIRECTORY_ENTRIES,
        MAX_FILE_BYTES, MAX_PATH_BYTES, Metadata, NativeRoots, ReadError, ReadFile, key_permissions,
        load_settings,
    },
};

pub(super) fn content() -> String {
    fill(
        include_str!("files.md"),
        &[
            ("files", files()),
            ("crls", crls()),
            ("permissions", permissions()),
            ("max_file", (MAX_FILE_BYTES >> 20).to_string()),
            ("max_entries", MAX_DIRECTORY_ENTRIES.to_string()),
            ("max_path", MAX_PATH_BYTES.to_string()),
        ],
    )
}

fn files() -> String {
    let header = ["Parameter, variable", "Default", "Holds", "When found", "When missing", "When unusable"];
    table(
        header,
        FILES.iter().map(|rule| {
            [
                format!("`{}`, `{}`", rule.parameter, rule.variable),
                rule.default_name.map_or("none".to_owned(), |name| format!("`{name}`")),
                rule.holds.to_owned(),
                rule.when_found.to_owned(),
                rule.when_missing.to_owned(),
                rule.when_unusable.to_owned(),
            ]
        }),
    )
}

/// A disk on which every file is there.
struct Everything;

const FILE: Metadata = Metadata {
    kind: FileKind::Regular,
    mode: 0o600,
    uid: 1000,
    identity: FileIdentity { device: 0, inode: 0, size: 0, modified: 0, changed: 0 },
};

impl ReadFile for Everything {
    fn metadata(&self, _path: &str) -> Result<Metadata, ReadError> {
        Ok(FILE)
    }

    fn read(&self, _path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        Ok((Vec::new(), FILE))
    }

    fn list(&self, _path: &str) -> Result<Vec<String>, ReadError> {
        Ok(Vec::new())
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}

fn crls() -> String {
    let environment = Environment::empty(Platform::Unix).with_variable("HOME", "/home/user");
    let check = |sslcrl, sslcrldir, file_loads| {
        let mut settings = FileSettings::DEFAULT;
        (settings.sslcrl, settings.sslcrldir) = (sslcrl, sslcrldir);
        let loaded = load_settings(&settings, &environment, &Everything);
        match loaded.crls.in_force(file_loads) {
            Ok(CrlCheck::Off) => "nothing",
            Ok(CrlCheck::On { file: true, directory: false }) => "the file",
            Ok(CrlCheck::On { file: false, .. }) => "the directory",
            Ok(CrlCheck::On { file: true, directory: true }) => "both, the file first",
            Err(_) => "an error",
        }
    };
    let rows = [
        ("neither", "`root.crl`", None, None),
        ("`sslcrl`", "the file named", Some("a"), None),
        ("`sslcrldir`", "none", None, Some("b")),
        ("both", "the file named", Some("a"), Some("b")),
    ];
    table(
        ["Given", "File", "In force if the file loads", "In force if it does not"],
        rows.map(|(given, file, sslcrl, sslcrldir)| {
            [given, file, check(sslcrl, sslcrldir, true), check(sslcrl, sslcrldir, false)].map(str::to_owned)
        }),
    )
}

fn permissions() -> String {
    let verdict = |mode, uid| {
        let accepted = key_permissions(&Metadata { mode, uid, ..FILE }, Platform::Unix).is_ok();
        if accepted { "accepted" } else { "refused" }.to_owned()
    };
    assert_eq!(KeyPermissions::default(), KeyPermissions::Check, "the document says so");
    table(
        ["Mode", "Owned by root", "Owned by anybody else"],
        [0o400, 0o600, 0o700, 0o640, 0o660, 0o650, 0o604, 0o644, 0o4600]
            .map(|mode| [format!("{mode:04o}"), verdict(mode, 0), verdict(mode, 1000)]),
    )
}
