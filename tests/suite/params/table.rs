//! `data/params.toml`: what is written, and what comes of it.

use super::disk::OneFile;
use crate::support::data;
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, HostItem, ParamError, Params, ServiceFile, Settings, service_name},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

/// A row; the head of the table explains its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    rule: String,
    pub(super) conninfo: Option<String>,
    pairs: Option<Vec<(String, String)>>,
    #[serde(default)]
    expand: bool,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    service_file: Option<String>,
    #[serde(default)]
    gss: bool,
    written: Option<BTreeMap<String, String>>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    #[serde(default)]
    sources: BTreeMap<String, String>,
    hosts: Option<Vec<String>>,
    startup: Option<Vec<(String, String)>>,
    error: Option<Vec<String>>,
    #[serde(default)]
    hidden: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

/// All rows.
pub(super) fn cases() -> Vec<Case> {
    let text = fs::read_to_string(data("params.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("params.toml: {error}"));
    table.case
}

#[test]
fn params_mean_what_the_table_says() {
    let cases = cases();
    assert!(cases.len() > 200, "the table has {} cases", cases.len());
    let faults: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let fault = |what: String| format!("{}: {what}", case.rule);
    match (&case.error, evaluate(case).map_err(&fault)?) {
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(fault(format!("refused: {error}"))),
        (Some(words), Ok(())) => Err(fault(format!("accepted, though it must be refused with {words:?}"))),
        (Some(words), Err(error)) => {
            let text = error.to_string();
            let missing: Vec<_> = words.iter().filter(|word| !text.contains(*word)).collect();
            let shown: Vec<_> = case.hidden.iter().filter(|word| text.contains(*word)).collect();
            if missing.is_empty() && shown.is_empty() {
                Ok(())
            } else {
                Err(fault(format!("{text:?} lacks {missing:?} or shows {shown:?}")))
            }
        }
    }
}

/// `Err` outside: what is not as the table says; inside: what pgtls refuses.
fn evaluate(case: &Case) -> Result<Result<(), ParamError>, String> {
    let explicit = match explicit(case) {
        Ok(explicit) => explicit,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(written) = &case.written {
        let found = explicit.iter().map(|setting| (setting.keyword.to_owned(), setting.value.clone()));
        equal("written", &found.collect(), written)?;
    }
    let checks_params = case.error.is_some()
        || case.hosts.is_some()
        || case.startup.is_some()
        || !case.values.is_empty()
        || !case.sources.is_empty();
    if !checks_params {
        return Ok(Ok(()));
    }

    let params = match resolve(case, &explicit) {
        Ok(params) => params,
        Err(error) => return Ok(Err(error)),
    };
    let settings = params.settings();
    for (keyword, expected) in &case.values {
        let value = settings.value(keyword).map_or("-", |setting| &setting.value);
        equal(keyword, value, expected.as_str())?;
    }
    for (keyword, expected) in &case.sources {
        let source = params.source(keyword).map(ToString::to_string).unwrap_or_default();
        equal(keyword, &source, expected)?;
    }
    if let Some(expected) = &case.hosts {
        equal("hosts", &params.hosts().iter().map(item).collect(), expected)?;
    }
    if let Some(expected) = &case.startup {
        let pairs = params.startup_pairs().into_iter();
        equal(
            "startup",
            &pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expected,
        )?;
    }
    Ok(Ok(()))
}

fn explicit(case: &Case) -> Result<Settings, ParamError> {
    match (&case.conninfo, &case.pairs) {
        (Some(conninfo), None) => Settings::parse(conninfo),
        (None, Some(pairs)) => {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            Settings::from_pairs(&pairs, case.expand)
        }
        _ => panic!("{}: give conninfo or pairs", case.rule),
    }
}

fn resolve(case: &Case, explicit: &Settings) -> Result<Params, ParamError> {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("me".to_owned());
    environment.variables.clone_from(&case.environment);
    if case.service_file.is_some() {
        environment = environment.with_variable("PGSERVICEFILE", OneFile::NAME);
    }
    let disk = OneFile { content: case.service_file.as_deref().unwrap_or_default().as_bytes() };
    let service = service_name(explicit, &environment)
        .map(|name| ServiceFile::load(name, &environment, &disk))
        .transpose()?;
    let mut ability = Ability::default();
    ability.gss = case.gss;
    Params::resolve(explicit, service.as_ref(), &environment, ability)
}

fn item(item: &HostItem) -> String {
    let text = |item: &Option<String>| item.clone().unwrap_or_default();
    format!("{}|{}|{}", text(&item.host), text(&item.hostaddr), text(&item.port))
}

fn equal<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?} and not {expected:?}")) }
}
