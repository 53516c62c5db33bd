//! Where a value comes from when several origins have one (libpq: `conninfo_add_defaults`).

use super::{Ability, KEYWORDS, Setting, Settings, Source};
use crate::environment::Environment;
use alloc::borrow::ToOwned;

/// The value of every parameter that has one, in libpq's order: from the program, else the service section, else the
/// environment, else the default.
pub(super) fn merge(
    explicit: &Settings,
    service: Option<&Settings>,
    environment: &Environment,
    ability: Ability,
) -> Settings {
    let mut merged = Settings::default();
    for keyword in KEYWORDS {
        let written =
            explicit.value(keyword.name).or_else(|| service.and_then(|service| service.value(keyword.name)));
        let from = |value: &str, source| Setting { keyword: keyword.name, value: value.to_owned(), source };
        let setting = written
            .cloned()
            .or_else(|| {
                keyword
                    .variable
                    .and_then(|name| Some(from(environment.variable(name)?, Source::Variable(name))))
            })
            .or_else(|| match keyword.name {
                "sslmode" if requiressl(environment) => {
                    Some(from("require", Source::Variable("PGREQUIRESSL")))
                }
                "gssencmode" if ability.gss => Some(from("prefer", Source::Default)),
                _ => keyword.default.map(|default| from(default, Source::Default)),
            });
        // Without a user the operating system names one, and without a database it is called like the user; an empty
        // text is without.
        let setting = match (keyword.name, setting) {
            (_, Some(setting)) if !setting.value.is_empty() => Some(setting),
            ("user", setting) => {
                environment.user.as_ref().map(|user| from(user, Source::OperatingSystem)).or(setting)
            }
            ("dbname", _) => merged.value("user").map(|user| from(&user.value, Source::Default)),
            (_, setting) => setting,
        };
        if let Some(setting) = setting {
            merged.put(setting);
        }
    }
    adjust_for_system(&mut merged);
    merged
}

/// The old variable asks for TLS if it begins with `1`, and says nothing otherwise.
fn requiressl(environment: &Environment) -> bool {
    environment.variable("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'))
}

/// The system's roots vouch for every name in the world, so that without the host name's check they prove nothing.
fn adjust_for_system(settings: &mut Settings) {
    let by_default = settings.value("sslmode").is_some_and(|mode| mode.source == Source::Default);
    if by_default && settings.value("sslrootcert").is_some_and(|file| file.value == "system") {
        let value = "verify-full".to_owned();
        settings.put(Setting { keyword: "sslmode", value, source: Source::AdjustedForSystem });
    }
}
