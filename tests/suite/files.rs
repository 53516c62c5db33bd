//! Which files are read and what comes of them: `tests/data/files.toml` over a disk in memory.

#[cfg(unix)]
mod disk;
mod memory;

use crate::support::data;
use memory::Memory;
use pgtls_core::{
    environment::{Environment, Platform},
    files::{
        CrlCheck, FileError, FileSource, Identity, KeyPermissions, Loaded, LoadedFile, MAX_PATH_BYTES, Roots,
        load,
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

    /// Through the whole way from parameters to files.
    fn load(&self) -> Loaded {
        let environment = self.environment();
        let pairs: Vec<(&str, &str)> =
            self.parameters.iter().map(|(keyword, value)| (keyword.as_str(), value.as_str())).collect();
        let settings = Settings::from_pairs(&pairs, false).unwrap();
        let params = Params::resolve(&settings, None, &environment, Ability::default())
            .unwrap()
            .with_hardening(self.hardening())
            .with_key_permissions(match self.key_permissions.as_deref() {
                None => KeyPermissions::Check,
                Some("ignore") => KeyPermissions::Ignore,
                Some(other) => panic!("{}: {other} is no way to check permissions", self.name),
            });
        load(&params, &environment, &Memory::new(&self.disk))
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
        Identity::Unusable(error) => format!("unusable: {error}"),
    }
}

fn report(loaded: &Loaded) -> Vec<String> {
    let line = |line: &pgtls_core::files::FileReport| {
        let source = match line.source {
            FileSource::Explicit => "given",
            FileSource::HomeDefault => "by default",
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
        assert_eq!(roles, pgtls_core::files::FILES.map(|rule| rule.role), "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
        let position = pgtls_core::files::FILES.iter().position(|rule| rule.parameter == keyword).unwrap();
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
    let printed = format!("{:?}", case.load());
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
