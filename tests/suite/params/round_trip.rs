//! What is written in one form and read back, or written in another form, means the same.

use super::disk::OneFile;
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, KEYWORDS, Params, Passwords, ServiceFile, Settings, SettingsBuilder},
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::{collections::BTreeMap, fmt::Write};

type Values = BTreeMap<&'static str, String>;

fn values(settings: &Settings) -> Values {
    settings.iter().map(|setting| (setting.keyword, setting.value.clone())).collect()
}

/// Texts with a liking for what has a meaning in one form or the other.
fn text() -> impl Strategy<Value = String> {
    let special =
        select(vec![' ', '\t', '\n', '\'', '\\', '=', '%', '&', '?', '/', ':', '@', '[', ']', ',', '#', 'ä']);
    let any = prop_oneof![3 => special, 3 => proptest::char::range('a', 'e'), 1 => any::<char>()];
    vec(any.prop_filter("no NUL", |c| *c != '\0'), 0..12).prop_map(String::from_iter)
}

fn settings() -> impl Strategy<Value = Settings> {
    let keyword = select(KEYWORDS.iter().map(|keyword| keyword.name).collect::<Vec<_>>());
    vec((keyword, text()), 0..10).prop_map(|pairs| {
        let set = |config: SettingsBuilder, (name, value): (&str, String)| config.set(name, &value).unwrap();
        pairs.into_iter().fold(SettingsBuilder::new(), set).finish().unwrap()
    })
}

/// A URI with everything encoded that is no letter, and the parts that can be in front in front.
fn uri(settings: &Settings) -> String {
    let encoded = |keyword: &str| {
        let value = settings.value(keyword).map_or("", |setting| &setting.value);
        (!value.is_empty()).then(|| encode(value))
    };
    let mut uri = String::from("postgresql://");
    if let Some(user) = encoded("user") {
        uri += &user;
        if let Some(password) = encoded("password") {
            write!(uri, ":{password}").unwrap();
        }
        uri.push('@');
    }
    uri += &encoded("host").unwrap_or_default();
    if let Some(dbname) = encoded("dbname") {
        write!(uri, "/{dbname}").unwrap();
    }
    uri.push('?');
    for setting in settings.iter() {
        write!(uri, "{}={}&", encode(setting.keyword), encode(&setting.value)).unwrap();
    }
    uri
}

fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02x}"),
    };
    text.bytes().map(encode).collect()
}

proptest! {
    #[test]
    fn a_printed_string_parses_to_the_same_values(settings in settings()) {
        let printed = settings.with_secrets();
        let parsed = Settings::parse(printed.expose()).unwrap();
        prop_assert_eq!(values(&parsed), values(&settings));
        prop_assert_eq!(parsed.with_secrets(), printed);
    }

    #[test]
    fn a_string_printed_without_secrets_lacks_only_them(settings in settings()) {
        let parsed = Settings::parse(&settings.to_string()).unwrap();
        let mut shown = values(&settings);
        shown.retain(|keyword, _| !KEYWORDS.iter().any(|k| k.name == *keyword && k.secret));
        prop_assert_eq!(values(&parsed), shown);
    }

    #[test]
    fn a_uri_and_a_string_of_the_same_settings_are_equal(settings in settings()) {
        let from_uri = Settings::parse(&uri(&settings)).unwrap();
        let from_string = Settings::parse(settings.with_secrets().expose()).unwrap();
        prop_assert_eq!(values(&from_uri), values(&from_string));
    }

    #[test]
    fn a_file_and_settings_are_equal(settings in settings()) {
        let json = serde_json::to_string(&settings).unwrap();
        let read: Settings = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read.to_string(), settings.to_string());
    }

    #[test]
    fn nothing_panics(text in any::<String>(), more in text(), bytes in vec(any::<u8>(), 0..200)) {
        let environment = Environment::empty(Platform::Unix).with_variable("PGOPTIONS", &more);
        for text in [format!("postgres://{text}"), format!("postgres://{more}?{text}"), format!("host={more}{text}"), text] {
            let params = Settings::parse(&text)
                .and_then(|settings| Params::resolve(&settings, None, &environment, Ability::default()));
            if let Err(error) = params {
                prop_assert!(!error.to_string().is_empty());
            }
        }
        if let Err(error) = ServiceFile::section("f", &[b"[s]\n", bytes.as_slice()].concat(), "s") {
            prop_assert!(!error.to_string().is_empty());
        }
        let settings = SettingsBuilder::new().user("u").passfile(OneFile::NAME).finish().unwrap();
        let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
        let lines = [b"*:*:*:", bytes.as_slice(), b"\n", &bytes].concat();
        let passwords = Passwords::load(&params, &environment, &OneFile { content: &lines });
        let shown = format!("{passwords:?}").replace(&format!("file: Some({:?})", OneFile::NAME), "");
        prop_assert!(!shown.contains("Some(\""), "a password is shown");
    }
}

#[test]
fn configuration_files_may_say_it_in_other_types() {
    let table: Settings = serde_json::from_str(
        r#"{"host": "h", "port": 5433, "sslsni": false, "keepalives": true, "connect_timeout": -1}"#,
    )
    .unwrap();
    assert_eq!(table.to_string(), "host=h port=5433 sslsni=0 keepalives=1 connect_timeout=-1");
    let text: SettingsBuilder = serde_json::from_str(r#""postgresql://h?sslmode=require""#).unwrap();
    assert_eq!(text.to_string(), "host=h sslmode=require");
    let error = toml::from_str::<Settings>("sslmod = \"require\"").unwrap_err();
    assert!(error.to_string().contains("did you mean \"sslmode\""), "{error}");
    let error = toml::from_str::<Settings>("sslmode = []").unwrap_err();
    assert!(error.to_string().contains("expected a text, an integer or a boolean"), "{error}");
}

#[test]
fn secrets_are_read_from_files_and_never_written() {
    let config: SettingsBuilder = toml::from_str("password = \"hunter2\"\nuser = \"me\"").unwrap();
    assert_eq!(toml::to_string(&config).unwrap(), "user = \"me\"\n");
    let settings = config.finish().unwrap();
    assert_eq!(settings.with_secrets().expose(), "password=hunter2 user=me");
    assert!(!format!("{settings:?}").contains("hunter2"));
}
