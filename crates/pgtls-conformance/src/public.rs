//! The scenarios that come with the kit, recorded of libpq 15 and 18.

use crate::scenario::{Scenario, Scenarios};

macro_rules! groups {
    ($($name:literal,)+) => {
        /// The groups, in the order in which they are told.
        pub const GROUPS: &[&str] = &[$($name,)+];
        const TEXTS: &[&str] = &[$(include_str!(concat!("../scenarios/", $name, ".txt")),)+];
    };
}

groups! {
    "negotiation", "cert", "name", "rootfile", "crl", "clientcert", "sslcertmode", "channel", "protocol", "sni", "multihost",
    "dns", "unix", "conninfo", "uri", "service", "env", "invalid", "gss",
}

/// All scenarios that come with the kit.
#[expect(clippy::missing_panics_doc, reason = "the texts are ours, and a test reads every one")]
pub fn scenarios() -> Vec<Scenario> {
    let read = |text: &&str| text.parse::<Scenarios>().expect("a test reads every file of scenarios").0;
    TEXTS.iter().flat_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_scenario_is_well_formed_and_in_its_group() {
        let mut ids = BTreeSet::new();
        for (group, text) in GROUPS.iter().zip(TEXTS) {
            let Scenarios(scenarios) = text.parse().unwrap_or_else(|error| panic!("{group}: {error}"));
            assert!(!scenarios.is_empty(), "{group}");
            for scenario in scenarios {
                assert_eq!(scenario.group(), *group);
                assert!(ids.insert(scenario.id.clone()), "{} is there twice", scenario.id);
            }
        }
        assert_eq!(ids.len(), 4530);
    }
}
