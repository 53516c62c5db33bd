//! What came of a run, for people and for programs.

mod html;
mod junit;
mod render;

pub use html::page;

use crate::{
    judge::{ClientClaim, Difference, Observed},
    runner::ScenarioResult,
    scenario::{Expected, Libpq, Outcome, Scenario},
    section::section_of,
    server::Channel,
};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The verdicts on one client; as JSON it is what `pgtls conformance --json` writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Version of the kit.
    pub kit: String,
    /// The client, as it wants to be called.
    pub client: String,
    /// The libpq that it is compared with.
    pub libpq: u32,
    /// One for each scenario, in their order.
    pub scenarios: Vec<Entry>,
}

/// The verdict on one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The scenario.
    pub id: String,
    /// How it went.
    pub verdict: Verdict,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What differs, when something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<Detail>>,
}

/// How a scenario went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The client does what libpq does.
    Agree,
    /// It does not.
    Differ,
    /// It was not judged.
    Skipped,
}

/// A difference with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detail {
    /// Words for the differences, the gravest first.
    pub differences: Vec<String>,
    /// The same as sentences.
    pub sentences: Vec<String>,
    /// Whether the gravest one is that the client discloses or trusts too much.
    pub lax: bool,
    /// Where the rules behind it are written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// What the client was handed, with placeholders.
    pub conninfo: String,
    /// What libpq did.
    pub expected: Trace,
    /// What the client did.
    pub observed: Trace,
}

/// What happened, seen from the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trace {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if a reason is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The servers' events.
    pub events: Vec<String>,
    /// The server name of each ClientHello.
    pub sni: Vec<Option<String>>,
    /// The protocols that each offers.
    pub alpn: Vec<Vec<String>>,
    /// Common names of the client certificates.
    pub certificates: Vec<String>,
    /// Whether a StartupMessage went out in clear.
    pub startup_in_clear: bool,
    /// Parameters of the last StartupMessage, where they are judged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub startup: BTreeMap<String, String>,
}

/// Numbers of scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// The client does what libpq does.
    pub agree: usize,
    /// It does not.
    pub differ: usize,
    /// Of these: it discloses or trusts too much.
    pub lax: usize,
    /// Not judged.
    pub skipped: usize,
}

impl Report {
    /// From verdicts in the order of their scenarios.
    pub fn new(client: &str, libpq: Libpq, scenarios: &[&Scenario], verdicts: &[ScenarioResult]) -> Self {
        let entries =
            scenarios.iter().zip(verdicts).map(|(scenario, verdict)| Entry::new(scenario, verdict, libpq));
        Self {
            kit: env!("CARGO_PKG_VERSION").to_owned(),
            client: client.to_owned(),
            libpq: libpq.number(),
            scenarios: entries.collect(),
        }
    }

    /// The reports of several shards as one. All must be about the same client and the same libpq.
    pub fn merge(reports: impl IntoIterator<Item = Self>) -> Result<Self, MergeError> {
        let mut reports = reports.into_iter();
        let mut merged = reports.next().ok_or(MergeError::Nothing)?;
        for report in reports {
            if report.client != merged.client || report.libpq != merged.libpq {
                return Err(MergeError::Different);
            }
            merged.scenarios.extend(report.scenarios);
        }
        let order = |id: &str| {
            let group = id.split('/').next().unwrap_or_default();
            crate::GROUPS.iter().position(|known| *known == group).unwrap_or(usize::MAX)
        };
        merged.scenarios.sort_by(|a, b| (order(&a.id), &a.id).cmp(&(order(&b.id), &b.id)));
        let mut neighbours = merged.scenarios.iter().zip(merged.scenarios.iter().skip(1));
        if let Some((twice, _)) = neighbours.find(|(entry, next)| entry.id == next.id) {
            return Err(MergeError::Twice(twice.id.clone()));
        }
        Ok(merged)
    }

    /// The numbers of each group, in the order in which they come.
    pub fn groups(&self) -> Vec<(&str, Count)> {
        let mut groups: Vec<(&str, Count)> = Vec::new();
        for entry in &self.scenarios {
            let group = entry.group();
            if groups.last().is_none_or(|(last, _)| *last != group) {
                groups.push((group, Count::default()));
            }
            if let Some((_, count)) = groups.last_mut() {
                count.add(entry);
            }
        }
        groups
    }

    /// The numbers of all.
    pub fn total(&self) -> Count {
        self.scenarios.iter().fold(Count::default(), |mut count, entry| {
            count.add(entry);
            count
        })
    }

    /// The scenarios that differ, the gravest first.
    pub fn differing(&self) -> Vec<(&Entry, &Detail)> {
        let mut found: Vec<_> =
            self.scenarios.iter().filter_map(|entry| Some((entry, entry.detail.as_deref()?))).collect();
        // What is equally grave stays in the order of the scenarios.
        found.sort_by_key(|(_, detail)| rank(detail));
        found
    }

    /// JUnit's XML, as continuous integration reads it.
    pub fn junit(&self) -> String {
        junit::xml(self)
    }

    /// A table of groups, and the first differences explained.
    pub fn text(&self, differences: usize) -> String {
        render::text(self, differences)
    }
}

/// Words from the gravest down.
const RANKS: &[&str] = &[
    "accepts-what-libpq-refuses",
    "weaker-session",
    "startup-in-clear",
    "false-claim",
    "more-certificates",
    "pipelined",
    "refuses-what-libpq-accepts",
];

fn rank(detail: &Detail) -> usize {
    let first = detail.differences.first();
    first.and_then(|first| RANKS.iter().position(|word| word == first)).unwrap_or(RANKS.len())
}

impl Count {
    fn add(&mut self, entry: &Entry) {
        match entry.verdict {
            Verdict::Agree => self.agree += 1,
            Verdict::Differ => self.differ += 1,
            Verdict::Skipped => self.skipped += 1,
        }
        self.lax += usize::from(entry.detail.as_ref().is_some_and(|detail| detail.lax));
    }
}

impl Entry {
    fn new(scenario: &Scenario, verdict: &ScenarioResult, libpq: Libpq) -> Self {
        let id = scenario.id.clone();
        match verdict {
            ScenarioResult::Skipped(reason) => {
                Self { id, verdict: Verdict::Skipped, skipped: Some(reason.clone()), detail: None }
            }
            ScenarioResult::Judged { observed, differences } => {
                let detail = Detail::of(scenario, libpq, observed, differences).map(Box::new);
                let verdict = if detail.is_none() { Verdict::Agree } else { Verdict::Differ };
                Self { id, verdict, skipped: None, detail }
            }
        }
    }

    /// The part of the id before the first slash.
    pub fn group(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

impl Detail {
    /// What is known of these differences; `None` when there are none.
    pub fn of(
        scenario: &Scenario,
        libpq: Libpq,
        observed: &Observed,
        differences: &[Difference],
    ) -> Option<Self> {
        let expected = scenario.expected(libpq);
        Some(Self {
            lax: differences.first()?.is_lax(),
            differences: differences.iter().map(|difference| difference.word().to_owned()).collect(),
            sentences: differences.iter().map(ToString::to_string).collect(),
            section: section_of(&scenario.id).map(|section| section.to_string()),
            conninfo: scenario.situation.conninfo.clone(),
            expected: Trace::expected(expected),
            observed: Trace::observed(observed, expected.startup.is_some()),
        })
    }
}

impl Trace {
    /// The same without what was in the StartupMessage.
    #[must_use]
    pub fn without_startup(&self) -> Self {
        Self { startup: BTreeMap::new(), ..self.clone() }
    }

    fn expected(expected: &Expected) -> Self {
        Self {
            outcome: expected.outcome,
            reason: expected.reason.clone(),
            events: expected.events.clone(),
            sni: expected.sni.clone(),
            alpn: expected.alpn.iter().map(|offer| offer.iter().cloned().collect()).collect(),
            certificates: expected.client_certificates.clone(),
            startup_in_clear: expected.startup_in_clear,
            startup: expected.startup.clone().flatten().unwrap_or_default(),
        }
    }

    fn observed(observed: &Observed, startup: bool) -> Self {
        let reason = match &observed.claim {
            ClientClaim::Failed(reason) => reason.clone(),
            ClientClaim::Lost(reason) | ClientClaim::Declined(reason) => Some(reason.clone()),
            ClientClaim::Cancelled => Some("given up".to_owned()),
            ClientClaim::Connected(_) => None,
        };
        Self {
            outcome: observed.outcome(),
            reason,
            events: observed.events.clone(),
            sni: observed.hellos().map(|hello| hello.sni.clone()).collect(),
            alpn: observed.hellos().map(|hello| hello.alpn.clone().unwrap_or_default()).collect(),
            certificates: observed.client_certificates().cloned().collect(),
            startup_in_clear: observed
                .connections
                .iter()
                .any(|seen| seen.startup_channel == Some(Channel::Plain)),
            startup: observed.startup().iter().filter(|_| startup).cloned().collect(),
        }
    }
}

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// There is none.
    Nothing,
    /// They are about different clients, or compare with different libpqs.
    Different,
    /// Two of them have this scenario.
    Twice(String),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("there is no report to merge"),
            Self::Different => {
                f.write_str("the reports are about different clients or different versions of libpq")
            }
            Self::Twice(id) => write!(f, "two reports have the scenario {id}"),
        }
    }
}

impl core::error::Error for MergeError {}

#[cfg(test)]
mod tests;
