//! `pgtls serve --control`: a test in any language says what the servers are to do, runs its client, and asks what they saw.
//!
//! One JSON object per line on standard input is a command, one per line on standard output its answer. Whoever started
//! the program ends it by closing its standard input.

use pgtls_conformance::{
    judge::{ClientClaim, judge},
    pki::WriteError,
    report::{Detail, Verdict},
    runner::{Fixture, Runner, RunnerError},
    scenario::{Expected, Libpq, Outcome, Scenario, Situation},
    scenarios,
    server::{Behaviour, ConnectionRecord, Script},
};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read as _, Write},
};

/// The longest command, in bytes.
const LONGEST: u64 = 1 << 20;

/// What can be asked.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    /// The ids of the scenarios.
    List {
        #[serde(default, rename = "match")]
        matching: String,
    },
    /// A server that behaves like this on every connection.
    Behave {
        behaviour: String,
        #[serde(default)]
        settings: BTreeMap<String, String>,
    },
    /// A server that does what the text of a script says.
    Script { script: String },
    /// The servers and files of a scenario.
    Scenario {
        id: String,
        #[serde(default = "newest")]
        libpq: u32,
    },
    /// What the servers have seen so far.
    Trace {},
    /// How the client compares with libpq in the scenario, now that it has gone.
    Verdict {
        connected: bool,
        #[serde(default)]
        outcome: Option<Outcome>,
        #[serde(default)]
        error: Option<String>,
    },
}

fn newest() -> u32 {
    Libpq::default().number()
}

/// What is answered.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    List {
        scenarios: Vec<String>,
    },
    Staged(Box<Staged>),
    Trace {
        events: Vec<String>,
        connections: Vec<ConnectionRecord>,
    },
    Verdict {
        verdict: Verdict,
        #[serde(flatten)]
        detail: Option<Box<Detail>>,
    },
    Skipped {
        skipped: String,
    },
    Error {
        error: String,
    },
}

/// What a client is to be handed.
#[derive(Serialize)]
struct Staged {
    conninfo: String,
    environment: BTreeMap<String, String>,
    home: String,
    pki: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// Answers commands until there are no more.
pub(super) fn run(input: impl BufRead, out: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
    let mut control = Control::new()?;
    let mut input = input;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !line.ends_with(b"\n") && line.len() as u64 == LONGEST {
            return Err(io::Error::other(format!("a command is longer than {LONGEST} bytes")).into());
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(command) => control.answer(command),
            Err(error) => Err(error.to_string()),
        };
        super::line(out, &answer.unwrap_or_else(|error| Answer::Error { error }))?;
    }
}

struct Control {
    bench: Runner,
    scenarios: Vec<Scenario>,
    now: Option<Now>,
}

/// What is on the stage.
struct Now {
    stage: Fixture,
    /// The scenario and whose behaviour is compared, unless a behaviour was chosen by hand.
    scenario: Option<(Scenario, Libpq)>,
}

impl Control {
    fn new() -> Result<Self, WriteError> {
        Ok(Self { bench: Runner::new()?, scenarios: scenarios(), now: None })
    }

    fn answer(&mut self, command: Command) -> Result<Answer, String> {
        match command {
            Command::List { matching } => {
                let regex = Regex::new(&matching).map_err(|error| error.to_string())?;
                let ids = self.scenarios.iter().map(|scenario| &scenario.id).filter(|id| regex.is_match(id));
                Ok(Answer::List { scenarios: ids.cloned().collect() })
            }
            Command::Behave { behaviour, settings } => {
                let settings = settings.iter().map(|(name, word)| (name.as_str(), word.as_str())).collect();
                Behaviour::named(&behaviour).map_err(|error| error.to_string())?;
                let script = Script::from_words(&[(&behaviour, settings)]);
                self.by_hand(script.map_err(|error| error.to_string())?)
            }
            Command::Script { script } => {
                let script = script.parse::<Script>().map_err(|error| error.to_string())?;
                self.by_hand(script)
            }
            Command::Scenario { id, libpq } => {
                let libpq = libpq.to_string().parse::<Libpq>().map_err(|error| error.to_string())?;
                let found = self.scenarios.iter().find(|scenario| scenario.id == id);
                let found = found.cloned().ok_or_else(|| format!("there is no scenario \"{id}\""))?;
                self.set(&id, &found.situation.clone(), Some((found, libpq)))
            }
            Command::Trace {} => {
                let log = self.now()?.stage.log();
                Ok(Answer::Trace { events: log.words(), connections: log.connections() })
            }
            Command::Verdict { connected, outcome, error } => {
                let told =
                    if connected { ClientClaim::Connected(outcome) } else { ClientClaim::Failed(error) };
                self.verdict(told)
            }
        }
    }

    fn by_hand(&mut self, script: Script) -> Result<Answer, String> {
        self.set("the server", &Situation::new(script), None)
    }

    fn set(
        &mut self,
        name: &str,
        situation: &Situation,
        scenario: Option<(Scenario, Libpq)>,
    ) -> Result<Answer, String> {
        // What was there before goes first, with its ports.
        self.now = None;
        if situation.run_as.is_some() {
            return Ok(Answer::Skipped { skipped: "it takes a client that another user runs".to_owned() });
        }
        let stage =
            match self.bench.fixture(name, situation).map_err(|error: RunnerError| error.to_string())? {
                Ok(stage) => stage,
                Err(skipped) => return Ok(Answer::Skipped { skipped }),
            };
        let attempt = stage.attempt();
        let expected = scenario.as_ref().map(|(scenario, libpq)| stage.expected(scenario.expected(*libpq)));
        let staged = Staged {
            conninfo: attempt.conninfo.clone(),
            environment: attempt.environment.iter().cloned().collect(),
            home: attempt.home.display().to_string(),
            pki: self.bench.files().display().to_string(),
            expected,
        };
        self.now = Some(Now { stage, scenario });
        Ok(Answer::Staged(Box::new(staged)))
    }

    fn now(&self) -> Result<&Now, String> {
        self.now
            .as_ref()
            .ok_or_else(|| "no server is there: choose a behaviour, a script or a scenario".to_owned())
    }

    fn verdict(&mut self, told: ClientClaim) -> Result<Answer, String> {
        let Now { stage, scenario } = self.now()?;
        let (scenario, libpq) = scenario.as_ref().ok_or("only what is done in a scenario can be compared")?;
        let observed = stage.observed(told);
        let differences = judge(&stage.expected(scenario.expected(*libpq)), &observed);
        let detail = Detail::of(scenario, *libpq, &observed, &differences);
        Ok(match detail {
            None => Answer::Verdict { verdict: Verdict::Agree, detail: None },
            Some(detail) => Answer::Verdict { verdict: Verdict::Differ, detail: Some(Box::new(detail)) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answers(commands: &[&str]) -> Vec<Value> {
        let mut out = Vec::new();
        run(commands.join("\n").as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_client_that_does_nothing_refuses_what_libpq_accepts() {
        let [staged, trace, verdict] = &answers(&[
            r#"{"do": "scenario", "id": "negotiation/ok/require"}"#,
            r#"{"do": "trace"}"#,
            r#"{"do": "verdict", "connected": false, "error": "I would rather not"}"#,
        ])[..] else {
            panic!()
        };
        assert_eq!(staged["expected"]["events"], json!(["connect", "sslaccept", "authok"]));
        assert!(staged["conninfo"].as_str().unwrap().starts_with("host=db.test hostaddr=127.0.0.1 port="));
        assert_eq!(trace, &json!({"events": [], "connections": []}));
        assert_eq!(verdict["verdict"], "differ");
        assert_eq!(verdict["differences"][0], "refuses-what-libpq-accepts");
        assert_eq!(verdict["sentences"][0], "does not connect where libpq does: I would rather not");
    }

    #[test]
    fn mistakes_are_answered_and_the_next_command_is_read() {
        let wrong = [
            ("nonsense", "expected"),
            (r#"{"do": "fly"}"#, "unknown variant `fly`"),
            (r#"{"do": "trace", "of": 1}"#, "unknown field `of`"),
            (r#"{"do": "trace"}"#, "no server is there"),
            (r#"{"do": "verdict", "connected": true}"#, "no server is there"),
            (r#"{"do": "scenario", "id": "negotiation/x"}"#, "there is no scenario \"negotiation/x\""),
            (r#"{"do": "scenario", "id": "negotiation/ok/require", "libpq": 9}"#, "was not recorded"),
            (r#"{"do": "behave", "behaviour": "unicorn"}"#, "\"unicorn\" is not a named behaviour"),
            (
                r#"{"do": "behave", "behaviour": "ok", "settings": {"alpn": "h9"}}"#,
                "is not an ALPN selection",
            ),
            (r#"{"do": "script", "script": "x"}"#, "expected"),
            (r#"{"do": "list", "match": "("}"#, "unclosed group"),
        ];
        let given: Vec<_> = wrong
            .iter()
            .map(|(command, _)| *command)
            .chain([r#"{"do": "list", "match": "^sni/"}"#])
            .collect();
        let answers = answers(&given);
        for ((command, expected), answer) in wrong.iter().zip(&answers) {
            let error = answer["error"].as_str().unwrap_or_else(|| panic!("{command}: {answer}"));
            assert!(error.contains(expected), "{command}: {error}");
        }
        let ids = answers.last().unwrap()["scenarios"].as_array().unwrap();
        assert!(!ids.is_empty() && ids.iter().all(|id| id.as_str().unwrap().starts_with("sni/")));
    }
}
