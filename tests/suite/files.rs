//! Which files are read and what comes of them: `tests/data/files.toml` over a disk in memory.

#[cfg(unix)]
mod disk;
mod memory;

use crate::support::data;
use memory::Memory;
use pgtls_core::{
    environment::{Environment, Platform},
    files::{
        CrlCheck, FILES, FileError, FileRole, FileSettings, FileSource, Identity, InMemoryFiles,
        KeyPermissions, Loaded, LoadedFile, MAX_FILE_BYTES, MAX_PATH_BYTES, Roots, load_settings, path_of,
    },
    hardening::Hardening,
    param::{Ability, Params, Settings},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "unix")]
    platform: String,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default = "home")]
    environment: BTreeMap<String, String>,
    passwd_home: Option<String>,
    #[serde(default)]
    hardening: Vec<String>,
    key_permissions: Option<String>,
    #[serde(default)]
    disk: BTreeMap<String, String>,
    roots: Option<String>,
    crls: Option<String>,
    crls_broken: Option<String>,
    hashed: Option<Vec<String>>,
    identity: Option<String>,
    report: Option<Vec<String>>,
    /// The results that differ when the regular files of the case are bytes in memory.
    #[serde(default)]
    in_memory: BTreeMap<String, String>,
}

fn unix() -> String {
    "unix".to_owned()
}

fn home() -> BTreeMap<String, String> {
    BTreeMap::from([("HOME".to_owned(), "/h".to_owned())])
}

impl Case {
    fn environment(&self) -> Environment {
        let platform = match self.platform.as_str() {
            "unix" => Platform::Unix,
            "windows" => Platform::Windows,
            other => panic!("{}: there is no platform {other}", self.name),
        };
        let mut environment = Environment::empty(platform);
        environment.variables = self.environment.clone();
        environment.passwd_home.clone_from(&self.passwd_home);
        environment.user = Some("someone".to_owned());
        environment
    }

    fn hardening(&self) -> Hardening {
        let mut hardening = Hardening::NONE;
        for name in &self.hardening {
            match name.as_str() {
                "explicit_root_file_must_exist" => hardening.explicit_root_file_must_exist = true,
                "explicit_crl_must_load" => hardening.explicit_crl_must_load = true,
                other => panic!("{}: no hardening of files is called {other}", self.name),
            }
        }
        hardening
    }

    /// The files on the disk.
    fn load(&self) -> Loaded {
        self.load_with(&self.disk, None)
    }

    /// The files for which the parameters and this disk stand, with the program's own content.
    fn load_with(&self, disk: &BTreeMap<String, String>, in_memory: Option<&InMemoryFiles>) -> Loaded {
        let (params, environment) = (self.params(), self.environment());
        let mut settings = FileSettings::from(&params);
        settings.in_memory = in_memory;
        load_settings(&settings, &environment, &Memory::new(disk))
    }

    /// The regular files of the parameters as bytes, each labelled with its path, and a disk without them.
    fn in_memory(&self) -> (InMemoryFiles, BTreeMap<String, String>) {
        let (params, environment) = (self.params(), self.environment());
        let (mut files, mut disk) = (InMemoryFiles::default(), self.disk.clone());
        for rule in &FILES {
            let Some(path) = path_of(rule.role, &(&params).into(), &environment).path else { continue };
            if !self
                .disk
                .get(&path)
                .is_some_and(|what| what.starts_with("file") || what.starts_with("swapped"))
            {
                continue;
            }
            files = match rule.role {
                FileRole::RootCert => files.with_sslrootcert(path.clone(), memory::CONTENT),
                FileRole::Crl => files.with_sslcrl(path.clone(), memory::CONTENT),
                FileRole::Cert => files.with_sslcert(path.clone(), memory::CONTENT),
                FileRole::Key => files.with_sslkey(path.clone(), memory::CONTENT),
                FileRole::CrlDir => continue,
            };
            disk.remove(&path);
        }
        (files, disk)
    }

    /// Through the whole way from text to parameters.
    fn params(&self) -> Params {
        let environment = self.environment();
        let pairs: Vec<(&str, &str)> =
            self.parameters.iter().map(|(keyword, value)| (keyword.as_str(), value.as_str())).collect();
        let settings = Settings::from_pairs(&pairs, false).unwrap();
        Params::resolve(&settings, None, &environment, Ability::default())
            .unwrap()
            .with_hardening(self.hardening())
            .with_key_permissions(match self.key_permissions.as_deref() {
                None => KeyPermissions::Check,
                Some("ignore") => KeyPermissions::Ignore,
                Some(other) => panic!("{}: {other} is no way to check permissions", self.name),
            })
    }
}

fn roots(loaded: &Loaded) -> String {
    match &loaded.roots {
        Roots::File(file) => format!("file {}", file.path),
        Roots::System(roots) => format!("system {}", roots.source),
        Roots::Missing(error) => format!("missing: {error}"),
        Roots::Unusable(error) => format!("unusable: {error}"),
    }
}

fn crls(loaded: &Loaded, file_loads: bool) -> String {
    match loaded.crls.in_force(file_loads) {
        Ok(CrlCheck::Off) => "off".to_owned(),
        Ok(CrlCheck::On { file: true, directory: true }) => "both".to_owned(),
        Ok(CrlCheck::On { file: true, directory: false }) => "file".to_owned(),
        Ok(CrlCheck::On { file: false, directory: true }) => "directory".to_owned(),
        Ok(CrlCheck::On { file: false, directory: false }) => panic!("a check with no source"),
        Err(error) => error.to_string(),
    }
}

fn hashed(loaded: &Loaded) -> Vec<String> {
    loaded
        .crls
        .directory
        .iter()
        .flat_map(|directory| &directory.files)
        .map(|file| file.path.clone())
        .collect()
}

fn identity(loaded: &Loaded) -> String {
    match &loaded.identity {
        Identity::None => "none".to_owned(),
        Identity::Certificate { certificate: LoadedFile { path, .. }, key } => match key {
            Ok(LoadedFile { path: key, .. }) => format!("{path}, {key}"),
            Err(error) => format!("{path}, {error}"),
        },
        Identity::ExternalKey { certificate: LoadedFile { path, .. }, key } => {
            format!("{path}, external {key}")
        }
        Identity::Unusable(error) => format!("unusable: {error}"),
    }
}

fn report(loaded: &Loaded) -> Vec<String> {
    let line = |line: &pgtls_core::files::FileReport| {
        let source = match line.source {
            FileSource::Explicit => "given",
            FileSource::HomeDefault => "by default",
            FileSource::Program => "by the program",
            FileSource::Additional => "in addition",
            other => panic!("{other:?}"),
        };
        let path = line.path.as_deref().unwrap_or("-");
        format!("{} {source} {path}: {}", line.role.rule().parameter, line.state)
    };
    loaded.report.iter().map(line).collect()
}

/// What an error about the root file ends with.
const ADVICE: &str = "; name one with sslrootcert, use the system's trusted roots with sslrootcert=system, or lower \
                      sslmode to do without verifying the server";

#[test]
fn every_case_is_loaded_as_expected() {
    let text = fs::read_to_string(data("files.toml")).unwrap();
    let Table { case: cases } = toml::from_str(&text).unwrap_or_else(|error| panic!("files.toml: {error}"));
    let mut wrong = Vec::new();
    for case in &cases {
        let loaded = case.load();
        let mut compare = |what: &str, expected: Option<&str>, got: &str| {
            if expected.is_some_and(|expected| expected != got) {
                wrong.push(format!(
                    "{}, {what}:\n  expected {}\n       got {got}",
                    case.name,
                    expected.unwrap()
                ));
            }
        };
        let advised = case.roots.as_ref().map(|roots| roots.replace("{advice}", ADVICE));
        compare("roots", advised.as_deref(), &roots(&loaded));
        compare("crls", case.crls.as_deref(), &crls(&loaded, true));
        let broken = case
            .crls_broken
            .as_deref()
            .or_else(|| case.crls.as_deref().filter(|&crls| crls != "file" && crls != "both"));
        compare("crls_broken", broken, &crls(&loaded, false));
        let list = |lines: &[String]| lines.join("\n           ");
        compare("hashed", case.hashed.as_deref().map(list).as_deref(), &list(&hashed(&loaded)));
        compare("identity", case.identity.as_deref(), &identity(&loaded));
        compare("report", case.report.as_deref().map(list).as_deref(), &list(&report(&loaded)));
        // Whatever else: a report has one line for each file, in order.
        let roles: Vec<_> = loaded.report.iter().map(|line| line.role).collect();
        assert_eq!(roles, FILES.map(|rule| rule.role), "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes in place of a file follow the file's rules: the results are the same but for those that a case names.
#[test]
fn bytes_in_memory_follow_the_rules_of_files() {
    let text = fs::read_to_string(data("files.toml")).unwrap();
    let Table { case: cases } = toml::from_str(&text).unwrap();
    let (mut wrong, mut replaced) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for case in &cases {
        let (files, disk) = case.in_memory();
        let (from_disk, from_memory) = (case.load(), case.load_with(&disk, Some(&files)));
        let results = |loaded: &Loaded| {
            let texts = [
                roots(loaded),
                crls(loaded, true),
                crls(loaded, false),
                hashed(loaded).join(" "),
                identity(loaded),
            ];
            ["roots", "crls", "crls_broken", "hashed", "identity"].into_iter().zip(texts)
        };
        for ((what, disk), (_, memory)) in results(&from_disk).zip(results(&from_memory)) {
            let expected = case.in_memory.get(what);
            if expected.unwrap_or(&disk) != &memory || expected == Some(&disk) {
                wrong.push(format!("{}, {what}:\n  on disk   {disk}\n  in memory {memory}", case.name));
            }
        }
        for (on_disk, line) in from_disk.report.iter().zip(&from_memory.report) {
            assert_eq!((on_disk.role, &on_disk.path), (line.role, &line.path), "{}", case.name);
            match &line.replaced {
                Some(file) => {
                    *replaced.entry(line.role.rule().parameter).or_default() += 1;
                    assert_eq!(line.source, FileSource::Program, "{}", case.name);
                    assert_eq!((&file.path, file.source), (&on_disk.path, on_disk.source), "{}", case.name);
                }
                None => assert_eq!(line.source, on_disk.source, "{}", case.name),
            }
        }
        // Nothing of the bytes is looked at where libpq looks at no file, and no file where there are bytes.
        let nothing = case.load_with(&BTreeMap::new(), Some(&files));
        assert_eq!(roots(&nothing).starts_with("file"), files.sslrootcert.is_some(), "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(replaced.keys().copied().collect::<Vec<_>>(), ["sslcert", "sslcrl", "sslkey", "sslrootcert"]);
    assert!(replaced.values().all(|&cases| cases > 5), "{replaced:?}");
}

/// The content of the program takes precedence over every way to name a file.
#[test]
fn bytes_take_the_place_of_any_file() {
    let case: Case = toml::from_str(
        "name = 'precedence'
         parameters = { sslrootcert = 'system', sslcrl = '/crl', sslcert = '/c', sslkey = 'pkcs11:id' }
         disk = { '/crl' = 'file', '/c' = 'file' }",
    )
    .unwrap();
    let files = InMemoryFiles::default()
        .with_sslrootcert("roots", "r")
        .with_sslcrl("lists", "l")
        .with_sslcert("certificate", "c")
        .with_sslkey("key", "k");
    let loaded = case.load_with(&case.disk, Some(&files));
    assert_eq!((roots(&loaded), crls(&loaded, true)), ("file roots".to_owned(), "file".to_owned()));
    assert_eq!(identity(&loaded), "certificate, key");
    let replaced = |line: &pgtls_core::files::FileReport| {
        let file = line.replaced.as_ref()?;
        Some((line.role.rule().parameter, line.path.clone()?, file.path.clone(), file.source))
    };
    let lines: Vec<_> = loaded.report.iter().filter_map(replaced).collect();
    let explicit = |parameter, label: &str, path: Option<&str>| {
        (parameter, label.to_owned(), path.map(str::to_owned), FileSource::Explicit)
    };
    assert_eq!(
        lines,
        [
            explicit("sslrootcert", "roots", Some("system")),
            explicit("sslcrl", "lists", Some("/crl")),
            explicit("sslcert", "certificate", Some("/c")),
            // The name of a key in an engine may hold a PIN.
            explicit("sslkey", "key", None),
        ]
    );

    // What is too large for a file is too large for memory.
    let large = vec![b' '; MAX_FILE_BYTES + 1];
    let files = InMemoryFiles::default().with_sslrootcert("large", large);
    let loaded = case.load_with(&case.disk, Some(&files));
    assert_eq!(
        roots(&loaded),
        "unusable: could not read root certificate file \"large\": larger than 64 MiB"
    );
}

/// A key with which the program signs takes the place of every other, which is not looked at.
#[test]
fn an_external_key_takes_the_place_of_the_key() {
    let text = "name = 'external'\ndisk = { '/h/.postgresql/postgresql.crt' = 'file', '/h/.postgresql/postgresql.key' = 'file 0644' }";
    let load = |more: &str, in_memory: Option<&InMemoryFiles>| {
        let case: Case = toml::from_str(&format!("{text}\n{more}")).unwrap();
        let (params, environment) = (case.params(), case.environment());
        let mut settings = FileSettings::from(&params);
        (settings.in_memory, settings.external_key) = (in_memory, Some("hsm"));
        load_settings(&settings, &environment, &Memory::new(&case.disk))
    };
    let key_of = |loaded: &Loaded| report(loaded).pop().unwrap();

    let loaded = load("", None);
    assert_eq!(identity(&loaded), "/h/.postgresql/postgresql.crt, external hsm");
    assert_eq!(key_of(&loaded), "sslkey by the program hsm: not read: the program signs with it");
    let file = loaded.report.last().and_then(|line| line.replaced.clone()).unwrap();
    assert_eq!(file.path.as_deref(), Some("/h/.postgresql/postgresql.key"));

    let files = InMemoryFiles::default().with_sslcert("certificate", "c").with_sslkey("key", "k");
    assert_eq!(identity(&load("", Some(&files))), "certificate, external hsm");

    let unused = "sslkey by the program hsm: not consulted: ";
    let disabled = load("parameters = { sslcertmode = 'disable' }", Some(&files));
    assert_eq!(
        (identity(&disabled), key_of(&disabled)),
        ("none".to_owned(), format!("{unused}sslcertmode=disable"))
    );
    let without = load("parameters = { sslcert = '/none' }", None);
    assert_eq!(key_of(&without), format!("{unused}there is no client certificate"));
    assert_eq!(identity(&without), "none");
}

/// Roots of the program's own join those of `sslrootcert`, and replace none of them.
#[test]
fn additional_roots_join_roots_and_are_no_root_file() {
    let files = InMemoryFiles::default().with_additional_roots("one", "1").with_additional_roots("two", "2");
    let load = |parameters: &str, disk: &str| {
        let case: Case = toml::from_str(&format!(
            "name = 'additional'\nparameters = {{ {parameters} }}\ndisk = {{ {disk} }}"
        ))
        .unwrap();
        case.load_with(&case.disk, Some(&files))
    };
    for (parameters, disk, expected, joined) in [
        ("sslrootcert = '/r'", "'/r' = 'file'", "file /r", true),
        ("sslrootcert = 'system'", "", "system the operating system's store", true),
        ("sslrootcert = '/r'", "", "missing", false),
        ("sslrootcert = '/r'", "'/r' = 'read denied'", "unusable", false),
    ] {
        let loaded = load(parameters, disk);
        assert!(roots(&loaded).starts_with(expected), "{}", roots(&loaded));
        let state = if joined {
            "read"
        } else {
            "not consulted: additional roots are used only beside those of sslrootcert"
        };
        let lines = ["one", "two"].map(|label| format!("sslrootcert in addition {label}: {state}"));
        assert_eq!(report(&loaded)[1..3], lines, "{parameters}");
        assert_eq!(loaded.report.len(), FILES.len() + 2);
        let additional = loaded.additional_roots.as_ref().unwrap();
        assert_eq!(additional.len(), if joined { 2 } else { 0 }, "{parameters}");
        // They change nothing about the rest.
        let case: Case =
            toml::from_str(&format!("name = 'same'\nparameters = {{ {parameters} }}\ndisk = {{ {disk} }}"))
                .unwrap();
        let without = case.load();
        assert_eq!(loaded.roots.presence(), without.roots.presence());
        assert_eq!((roots(&loaded), crls(&loaded, true)), (roots(&without), crls(&without, true)));
    }
    let files = InMemoryFiles::default().with_additional_roots("large", vec![0; MAX_FILE_BYTES + 1]);
    let case: Case =
        toml::from_str("name = 'large'\nparameters = { sslrootcert = '/r' }\ndisk = { '/r' = 'file' }")
            .unwrap();
    let error = case.load_with(&case.disk, Some(&files)).additional_roots.unwrap_err();
    assert_eq!(error.to_string(), "could not read root certificate file \"large\": larger than 64 MiB");
}

/// libpq copies paths into a buffer of 1024 bytes; the two that it hands on to OpenSSL it does not copy.
#[test]
fn a_path_that_is_too_long_is_cut_where_libpq_cuts_it() {
    let long = "/".repeat(MAX_PATH_BYTES - 1) + "\u{fc}" + "rest";
    let cut = "/".repeat(MAX_PATH_BYTES - 1);
    let fits = "/".repeat(MAX_PATH_BYTES - 1) + "f";
    let path = |keyword: &str, value: &str| {
        let parameters = BTreeMap::from([(keyword.to_owned(), value.to_owned())]);
        let case = Case { parameters, ..toml::from_str("name = 'long paths'").unwrap() };
        let position = FILES.iter().position(|rule| rule.parameter == keyword).unwrap();
        case.load().report.get(position).unwrap().path.clone().unwrap()
    };
    for keyword in ["sslrootcert", "sslcert", "sslkey"] {
        assert_eq!(path(keyword, &long), cut, "{keyword}");
        assert_eq!(path(keyword, &fits), fits, "{keyword}");
        assert_eq!(path(keyword, &(fits.clone() + "more")), fits, "{keyword}");
    }
    for keyword in ["sslcrl", "sslcrldir"] {
        assert_eq!(path(keyword, &long), long, "{keyword}");
    }
}

/// What OpenSSL's variables name is read as files and directories of files, in OpenSSL's order.
#[test]
fn the_variables_of_openssl_are_followed() {
    let disk = BTreeMap::from(
        [
            ("/bundle", "file"),
            ("/a", "dir"),
            ("/a/01234567.0", "file"),
            ("/a/01234567.1", "file"),
            ("/a/01234567.r0", "file"),
            ("/a/ca.pem", "file"),
            ("/b", "dir"),
            ("/b/89abcdef.0", "file"),
        ]
        .map(|(path, what)| (path.to_owned(), what.to_owned())),
    );
    let load = |variables: &[(&str, &str)]| {
        let mut case: Case =
            toml::from_str("name = 'variables'\nparameters = { sslrootcert = 'system' }").unwrap();
        case.disk.clone_from(&disk);
        case.environment
            .extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        match case.load().roots {
            Roots::System(roots) => roots,
            other => panic!("{other:?}"),
        }
    };
    let paths = |files: &[LoadedFile]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();

    let native = load(&[]);
    assert_eq!((native.certificates.len(), native.file.is_none(), native.directory.len()), (1, true, 0));

    let both = load(&[("SSL_CERT_FILE", "/bundle"), ("SSL_CERT_DIR", "/b:/none:/a")]);
    assert!(both.certificates.is_empty(), "one variable is enough to leave the system's store alone");
    assert_eq!(both.file.unwrap().path, "/bundle");
    assert_eq!(paths(&both.directory), ["/b/89abcdef.0", "/a/01234567.0", "/a/01234567.1"]);
    assert_eq!(both.problems, [r#"could not read SSL_CERT_DIR "/none": no such file or directory"#]);

    let empty = load(&[("SSL_CERT_FILE", "")]);
    assert!(empty.is_empty());
    assert_eq!(empty.problems, [r#"could not read SSL_CERT_FILE "": no such file or directory"#]);
}

/// No secret in what people print: the content of any of the files may be a key.
#[test]
fn the_content_of_a_file_is_never_printed() {
    let text = "name = 'all'\ndisk = { '/h/.postgresql/root.crt' = 'file', '/h/.postgresql/postgresql.crt' = 'file', '/h/.postgresql/postgresql.key' = 'file' }";
    let case: Case = toml::from_str(text).unwrap();
    let (files, _) = case.in_memory();
    let printed = format!("{:?} {files:?}", case.load());
    assert!(!printed.contains(memory::CONTENT) && !printed.contains("83, 69, 67"), "{printed}");
    assert!(printed.contains(&format!("[{} bytes]", memory::CONTENT.len())), "{printed}");
}

/// An error is one for programs too.
#[test]
fn a_file_error_is_an_error() {
    fn error<E: std::error::Error + Send + Sync + 'static>(_: &E) {}
    let case: Case = toml::from_str("name = 'none'").unwrap();
    let Loaded { roots: Roots::Missing(missing), .. } = case.load() else { panic!("there is a root file") };
    error::<FileError>(&missing);
}
