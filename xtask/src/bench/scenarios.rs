//! The scenarios of the benchmarks.

use super::process::Answer;
use crate::workspace::Error;
use clap::builder::PossibleValuesParser;

/// Something that every contender does.
pub(crate) struct Scenario {
    /// As it is called in the data and on the command line.
    pub(crate) name: &'static str,
    /// A sentence for the page.
    pub(crate) about: &'static str,
    /// Roots and revocation lists, in the folder that the server has filled.
    pub(super) files: (&'static str, Option<&'static str>),
    /// Whether TLS begins without an SSLRequest.
    pub(super) direct: bool,
    /// The crypto provider of the contenders with rustls; with a provider named here the others do not take part.
    pub(super) provider: Option<&'static str>,
    task: Task,
}

/// The task of a contender. The words are those of its program.
enum Task {
    Sessions { lanes: usize },
    Transfer { direction: &'static str },
    Idle,
}

/// How long is measured.
pub(super) struct Effort {
    pub(super) rounds: usize,
    milliseconds: u64,
    bytes: u64,
    idle: usize,
}

pub(super) const FULL: Effort = Effort { rounds: 11, milliseconds: 60, bytes: 8 << 20, idle: 200 };
pub(super) const QUICK: Effort = Effort { rounds: 3, milliseconds: 30, bytes: 4 << 20, idle: 100 };

/// The number of turns of a contender in a round. The state of the processors before a turn, the load beside it and the kernel's
/// placement of the process can differ more than the contenders do: each gets many short turns, as often before another as after.
pub(crate) struct Turns {
    /// Number of starts of each contender.
    pub(crate) starts: usize,
    /// Number of runs after each start.
    pub(crate) each: usize,
}

/// Turns of the scenarios that move bytes, and of those with sessions one after the other. The page names them.
pub(crate) const TRANSFERS: Turns = Turns { starts: 12, each: 8 };
pub(crate) const SESSIONS: Turns = Turns { starts: 6, each: 1 };
const ONCE: Turns = Turns { starts: 1, each: 1 };

const ROOT: (&str, Option<&str>) = ("root.pem", None);

const fn scenario(name: &'static str, about: &'static str, task: Task) -> Scenario {
    Scenario { name, about, files: ROOT, direct: false, provider: None, task }
}

/// Sessions one after the other.
const ONE: Task = Task::Sessions { lanes: 1 };

/// All of them, in the order of the page.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("one-root", "`verify-full` with one root in the file", ONE),
    Scenario {
        files: ("bundle.pem", None),
        ..scenario("bundle", "`verify-full` with the system's roots and one more in the file", ONE)
    },
    Scenario {
        files: ("root.pem", Some("crl.pem")),
        ..scenario("crl", "one root, and a revocation list of 1,000 entries", ONE)
    },
    Scenario { direct: true, ..scenario("direct", "one root, `sslnegotiation=direct`", ONE) },
    Scenario {
        provider: Some("ring"),
        ..scenario("ring", "one root, with the crypto provider of ring", ONE)
    },
    scenario("lanes-8", "one root, 8 sessions at a time", Task::Sessions { lanes: 8 }),
    scenario("lanes-64", "one root, 64 sessions at a time", Task::Sessions { lanes: 64 }),
    scenario("receive", "the server sends, in records of 16 KiB", Task::Transfer { direction: "source" }),
    scenario("send", "the client sends, in records of 16 KiB", Task::Transfer { direction: "sink" }),
    scenario("idle", "sessions that stay open and do nothing", Task::Idle),
];

/// For the command line.
pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name))
}

impl Scenario {
    /// How it is done in a round.
    pub(super) fn turns(&self) -> Turns {
        match self.task {
            Task::Transfer { .. } => TRANSFERS,
            Task::Sessions { lanes: 1 } => SESSIONS,
            Task::Sessions { .. } | Task::Idle => ONCE,
        }
    }

    /// Whether the client and the server each stay on a processor of their own.
    pub(super) fn is_pinned(&self) -> bool {
        matches!(self.task, Task::Transfer { .. })
    }

    /// The arguments of the program.
    pub(super) fn task(&self, effort: &Effort) -> Vec<String> {
        let words = match self.task {
            Task::Sessions { lanes } => {
                ["sessions".into(), lanes.to_string(), effort.milliseconds.to_string()]
            }
            Task::Transfer { direction } => ["transfer".into(), direction.into(), effort.bytes.to_string()],
            Task::Idle => ["idle".into(), effort.idle.to_string(), String::new()],
        };
        words.into_iter().filter(|word| !word.is_empty()).collect()
    }

    /// The answer in the units of the page: microseconds, sessions per second, MiB per second, KiB.
    pub(super) fn quantities(&self, answer: &Answer) -> Result<Vec<(&'static str, f64)>, Error> {
        let number = |what: &str| {
            answer.get(what).copied().ok_or_else(|| Error(format!("a contender did not say its {what}")))
        };
        let micro = |what: &str| number(what).map(|nanoseconds| nanoseconds / 1e3);
        let second = |what: &str| number(what).map(|nanoseconds| nanoseconds / 1e9);
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        Ok(match self.task {
            Task::Sessions { lanes: 1 } => vec![
                ("cpu", micro("cpu")? / number("count")?),
                ("wall", micro("wall")? / number("count")?),
                ("first-cpu", micro("first_cpu")?),
                ("first-wall", micro("first_wall")?),
                ("rate", number("count")? / second("wall")?),
            ],
            Task::Sessions { .. } => {
                vec![("rate", number("count")? / second("wall")?), ("cpu", micro("cpu")? / number("count")?)]
            }
            Task::Transfer { .. } => vec![
                ("throughput", mebibytes(number("bytes")?) / second("wall")?),
                ("cpu-per-mib", micro("cpu")? / mebibytes(number("bytes")?)),
            ],
            Task::Idle => vec![("memory", number("resident")? / 1024.0 / number("count")?)],
        })
    }
}
