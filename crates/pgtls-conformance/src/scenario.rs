//! Scenarios: servers, a client's settings, and what libpq makes of them, as rows of a file.
//!
//! ```toml
//! [[scenario]]
//! id = "negotiation/plain-only/prefer"
//! server = [{ connection = [{ base = "plain-only" }] }]  # one script for each host, see `server::Script`
//! settings = "sslmode=prefer"
//! outcome = "plain"                                      # plain, ssl, gss or fail
//! events = "connect sslreject authok"                    # what the servers saw, in order
//! ```
//!
//! The client is handed `host=db.test`, an address and a port for each server, `user=zoo dbname=zoo`, and then `settings`,
//! which may overrule all of it. `{zoo}` stands for the folder of the zoo's files.
//!
//! | key | judged when it is there |
//! | --- | --- |
//! | `outcome` | always: how the session is protected, or that there is none |
//! | `events` | the servers' events; with several servers each has its index before it: `h1:sslaccept` |
//! | `startup_in_clear` | whether a StartupMessage goes out in clear |
//! | `sni`, `alpn` | of each ClientHello, in order; an empty list or `""` is none |
//! | `client_certificates` | common names of the certificates that were sent, in order |
//! | `startup` | parameters of the last StartupMessage that must be there |

use crate::{
    judge::{Expected, Outcome},
    server::Script,
};
use core::fmt;
use serde::Deserialize;
use std::{collections::BTreeMap, str::FromStr};

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Unique; the part before the last slash is its group.
    pub id: String,
    /// A script for each host, in the order in which the client is told of them.
    pub servers: Vec<Script>,
    /// The rest of the connection string.
    pub settings: String,
    /// What libpq makes of it.
    pub expected: Expected,
}

/// The scenarios of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenarios(pub Vec<Scenario>);

impl FromStr for Scenarios {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let Text { scenario } =
            toml::from_str(text).map_err(|error| ScenarioError::Syntax(error.to_string()))?;
        let mut found: Vec<Scenario> = Vec::new();
        for row in scenario {
            if row.server.is_empty() {
                return Err(ScenarioError::NoServer(row.id));
            }
            if found.iter().any(|other| other.id == row.id) {
                return Err(ScenarioError::Repeated(row.id));
            }
            found.push(row.into());
        }
        Ok(Self(found))
    }
}

/// What is wrong with a file of scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioError {
    /// Not TOML, an unknown key, or a value that a key does not take; with line and column.
    Syntax(String),
    /// Two scenarios have this id.
    Repeated(String),
    /// This scenario has no server.
    NoServer(String),
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => f.write_str(text.trim_end()),
            Self::Repeated(id) => write!(f, "two scenarios have the id \"{id}\""),
            Self::NoServer(id) => write!(f, "scenario \"{id}\" has no server"),
        }
    }
}

impl core::error::Error for ScenarioError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    scenario: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    server: Vec<ServerRow>,
    #[serde(default)]
    settings: String,
    outcome: Outcome,
    events: Option<String>,
    startup_in_clear: Option<bool>,
    sni: Option<Vec<String>>,
    alpn: Option<Vec<Vec<String>>>,
    client_certificates: Option<Vec<String>>,
    #[serde(default)]
    startup: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerRow {
    connection: Script,
}

impl From<Row> for Scenario {
    fn from(row: Row) -> Self {
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
        Self {
            id: row.id,
            servers: row.server.into_iter().map(|server| server.connection).collect(),
            settings: row.settings,
            expected: Expected {
                outcome: row.outcome,
                events: row.events.map(words),
                startup_in_clear: row.startup_in_clear,
                sni: row.sni.map(|names| {
                    names.into_iter().map(|name| Some(name).filter(|name| !name.is_empty())).collect()
                }),
                alpn: row.alpn,
                client_certificates: row.client_certificates,
                startup: row.startup.into_iter().collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_everything() {
        let Scenarios(scenarios) = "
            [[scenario]]
            id = 'a/b'
            server = [{ connection = [{ base = 'plain-only' }, {}] }, { connection = [{}] }]
            settings = 'sslmode=prefer'
            outcome = 'ssl'
            events = 'h0:connect h0:sslreject'
            sni = ['db.test', '']
            alpn = [['postgresql'], []]
            client_certificates = ['zoo']
            startup = { user = 'zoo' }
        "
        .parse()
        .unwrap();
        let [scenario] = &scenarios[..] else { panic!("{scenarios:?}") };
        assert_eq!(scenario.servers.len(), 2);
        assert_eq!(scenario.expected.outcome, Outcome::Ssl);
        assert_eq!(scenario.expected.sni, Some(vec![Some("db.test".to_owned()), None]));
        assert_eq!(
            scenario.expected.events.as_deref(),
            Some(&["h0:connect".to_owned(), "h0:sslreject".to_owned()][..])
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let row = |id: &str, server: &str| {
            format!("[[scenario]]\nid = '{id}'\nserver = {server}\noutcome = 'ssl'\n")
        };
        let honest = "[{ connection = [{}] }]";
        for (text, expected) in [
            (row("x", "[]"), "scenario \"x\" has no server"),
            (row("x", honest) + &row("x", honest), "two scenarios have the id \"x\""),
            (row("x", "[{ connection = [] }]"), "the script has no [[connection]]"),
            (row("x", "[{ connection = [{ base = 'unicorn' }] }]"), "line 3"),
            (row("x", honest) + "colour = 'red'\n", "unknown field `colour`"),
            (row("x", honest).replace("'ssl'", "'tls'"), "unknown variant `tls`"),
        ] {
            let error = text.parse::<Scenarios>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
