//! What libpq made of a scenario.

use super::{Fault, tokenize};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A session in clear.
    Plain,
    /// A session inside TLS.
    Ssl,
    /// A session inside GSSAPI.
    Gss,
    /// No session.
    Fail,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Ssl => "ssl",
            Self::Gss => "gss",
            Self::Fail => "fail",
        })
    }
}

/// Parameters of a StartupMessage; `None` when there is no StartupMessage.
pub(super) type Startup = Option<BTreeMap<String, String>>;

/// What libpq did, as a client and as the servers saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Expected {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, as a word; never judged.
    pub reason: Option<String>,
    /// The servers' events.
    pub events: Vec<String>,
    /// Whether a StartupMessage went out in clear.
    pub startup_in_clear: bool,
    /// The server name of each ClientHello.
    pub sni: Vec<Option<String>>,
    /// The protocol that each ClientHello offers by ALPN.
    pub alpn: Vec<Option<String>>,
    /// Common names of the client certificates that were sent.
    pub client_certificates: Vec<String>,
    /// Parameters of the last StartupMessage, `Some(None)` when there must be none. Not judged when it is `None`.
    pub startup: Option<Option<BTreeMap<String, String>>>,
    /// Its `application_name` is what `fallback_application_name` says, in whose place a program puts its own.
    pub own_name: bool,
}

/// A name or protocol that is not there.
pub(super) const NONE: &str = "-";

impl Expected {
    /// Before version 17 libpq did not offer any protocol.
    pub(super) fn without_alpn(mut self) -> Self {
        self.alpn.fill(None);
        self
    }

    /// Whether a server let the client in, at whatever end.
    pub fn let_in(&self) -> bool {
        self.events.iter().any(|event| event.ends_with("authok"))
    }
}

/// The value of a line `libpq`; `alpn` is what each ClientHello offers unless it says otherwise.
pub(super) fn parse(text: &str, alpn: &str) -> Result<Expected, Fault> {
    let wrong = || Fault::Value("OUTCOME [(REASON)]: EVENT …", text.to_owned());
    let (head, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (outcome, reason) = match head.split_once(" (") {
        Some((outcome, reason)) => (outcome, Some(reason.strip_suffix(')').ok_or_else(wrong)?.to_owned())),
        None => (head, None),
    };
    let outcome = match outcome {
        "plain" => Outcome::Plain,
        "ssl" => Outcome::Ssl,
        "gss" => Outcome::Gss,
        "fail" => Outcome::Fail,
        other => return Err(Fault::Value("outcome", other.to_owned())),
    };
    let mut clauses = tokenize::clauses(rest).into_iter();
    let mut expected = Expected {
        outcome,
        reason,
        events: clauses.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        startup_in_clear: outcome == Outcome::Plain,
        sni: Vec::new(),
        alpn: Vec::new(),
        client_certificates: Vec::new(),
        startup: None,
        own_name: false,
    };
    let mut offered = None;
    for clause in clauses {
        let (key, value) = clause.split_once(' ').unwrap_or((clause, ""));
        match key {
            "sni" => expected.sni = tokenize::split(value)?.into_iter().map(present).collect(),
            "alpn" => offered = Some(tokenize::split(value)?.into_iter().map(present).collect()),
            "cert" => expected.client_certificates = tokenize::split(value)?,
            "in" if value == "clear" => expected.startup_in_clear = true,
            _ => return Err(Fault::Value("clause", clause.to_owned())),
        }
    }
    expected.alpn = offered.unwrap_or_else(|| vec![present(alpn.to_owned()); expected.sni.len()]);
    Ok(expected)
}

fn present(word: String) -> Option<String> {
    Some(word).filter(|word| word != NONE)
}

/// The value of a line `startup`.
pub(super) fn startup(text: &str) -> Result<Startup, Fault> {
    if text == "none" {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|_| Fault::Value("JSON object of strings", text.to_owned()))
}
