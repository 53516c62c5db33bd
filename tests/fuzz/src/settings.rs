//! What holds of settings, wherever they were read.

use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, ParamError, Params, Settings, Source},
};
use std::{collections::BTreeMap, fmt::Write};

/// Keywords and what they are set to.
pub(super) type Values = BTreeMap<&'static str, String>;

pub(super) fn values(settings: &Settings) -> Values {
    settings.iter().map(|setting| (setting.keyword, setting.value.clone())).collect()
}

/// Printed as a string and as a URI they are read as the same again, and whatever they mean can be said.
pub(super) fn hold(settings: &Settings) {
    let values = values(settings);
    assert_eq!(values.len(), settings.iter().count(), "a keyword is there twice");
    let printed = settings.with_secrets();
    assert_eq!(self::values(&Settings::parse(printed.expose()).unwrap()), values);
    assert_eq!(self::values(&Settings::parse(&uri(&values)).unwrap()), values);

    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    match Params::resolve(settings, None, &environment, Ability::default()) {
        Ok(params) => assert!(!params.hosts().is_empty() && !format!("{params:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A URI in which every byte is encoded.
fn uri(values: &Values) -> String {
    let mut uri = String::from("postgresql://?");
    for (keyword, value) in values {
        encode(keyword, &mut uri);
        uri.push('=');
        encode(value, &mut uri);
        uri.push('&');
    }
    uri
}

fn encode(text: &str, uri: &mut String) {
    text.bytes().for_each(|byte| write!(uri, "%{byte:02X}").unwrap());
}

/// The refusal has words, and its place is one in the text.
pub(super) fn refused(text: &str, error: &ParamError) {
    assert!(!error.to_string().is_empty());
    if let Some(Source::Conninfo { at } | Source::Uri { at }) = error.source {
        assert!(text.is_char_boundary(at), "{error} in {text:?}");
    }
}
