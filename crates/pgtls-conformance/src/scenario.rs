//! Scenarios: servers, what a client is told, and what libpq makes of it, as blocks of text.
//!
//! ```text
//! # An honest server; the modes that verify find no root file.
//! negotiation/ok/require
//!   server ok
//!   conninfo ~ sslmode=require
//!   libpq ssl: connect sslaccept authok; sni db.test
//! ```
//!
//! A block begins with the scenario's id, whose first part is its group, and ends with an empty line. A word that is empty
//! or has blanks, quotes or semicolons in it is written as a JSON string. `#` begins a comment at the beginning of a line.
//!
//! | line | meaning |
//! | --- | --- |
//! | `server [@PLACE] BEHAVIOUR [SETTING=WORD] … [then BEHAVIOUR …]` | one for each host: where it listens (`127.0.0.1`; `@::1`, `@127.0.0.2/shared` on the port of the first, `@unix`, `@abstract`, `@closed`), and what it does on each connection, the last for ever; see [`script`](crate::server::Script) for the settings |
//! | `conninfo TEXT` | the connection string or URI; `~` at its beginning stands for `host=db.test hostaddr=127.0.0.1 port={port} user=zoo dbname=zoodb` |
//! | `resolve NAME ADDRESS …` | the addresses of a host name; needs nss_wrapper |
//! | `env NAME VALUE` | a variable of the client's environment |
//! | `file PATH FROM [mode=OCTAL] [uid=NUMBER]` | a file in the client's home directory, copied from the PKI |
//! | `text PATH TEXT [mode=OCTAL] [uid=NUMBER]` | the same with this content |
//! | `link PATH TARGET` | a symbolic link in the home directory |
//! | `ticket PATH [mode=OCTAL]` | a Kerberos ticket that opens no door: the client must be able to do GSSAPI |
//! | `as USER` | the client runs as this user of the system; the kit must run as root |
//! | `cancel POLLS` | the attempt is given up after so many polls, by clients that can |
//! | `libpq OUTCOME [(REASON)]: EVENT …; sni NAME …; alpn NAME …; cert NAME …; in clear` | what libpq 18 did |
//! | `startup JSON` | parameters of libpq's last StartupMessage; `none` when it sends none; not judged when the line is missing |
//! | `libpq15 …`, `startup15 …` | the same of libpq 15; when they are missing it did the same, but for ALPN, which it does not offer |
//!
//! `sni` has the server name of each ClientHello, `-` for none, and is left out when there is no ClientHello. `alpn` has the
//! protocol that each offers; when it is left out libpq 18 offers `postgresql`. `cert` has the common names of the client
//! certificates that are sent. `in clear` says that a StartupMessage went out in clear, which `plain` says by itself.
//!
//! In texts `{port}`, `{port1}`, … stand for the servers' ports, `{pki}` for the folder of the pki's files, `{home}` for the
//! client's home, which is also its working directory, `{sock}` and `{sock_pct}` for the directory of unix sockets, the latter
//! percent-encoded, and `{user}` for the name of the user that runs the kit, whose the servers are.

mod expect;
mod home;
mod situation;
mod tokenize;

pub use expect::{Expected, Outcome};
pub use home::{HomeFile, Source};
pub use situation::{HostName, Place, ServerRow, Situation};

pub(crate) use tokenize::quoted;

use crate::server::{Script, ScriptError};
use core::fmt;
use pgtls_core::param::Settings;
use std::{collections::BTreeSet, str::FromStr};

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// Unique; the part before the first slash is its group.
    pub id: String,
    /// Where the client finds itself.
    pub situation: Situation,
    /// What libpq 18 makes of it.
    pub libpq18: Expected,
    /// What libpq 15 makes of it.
    pub libpq15: Expected,
}

/// Whose behaviour a client is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Libpq {
    /// libpq 15.
    V15,
    /// libpq 18.
    #[default]
    V18,
}

impl Libpq {
    /// The number of its version.
    pub fn number(self) -> u32 {
        match self {
            Self::V15 => 15,
            Self::V18 => 18,
        }
    }
}

impl FromStr for Libpq {
    type Err = UnknownLibpq;

    fn from_str(text: &str) -> Result<Self, UnknownLibpq> {
        match text {
            "15" => Ok(Self::V15),
            "18" => Ok(Self::V18),
            other => Err(UnknownLibpq(other.to_owned())),
        }
    }
}

/// A libpq that was not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLibpq(String);

impl fmt::Display for UnknownLibpq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "libpq {} was not recorded: name 15 or 18", self.0)
    }
}

impl core::error::Error for UnknownLibpq {}

impl Scenario {
    /// The part of the id before the first slash.
    pub fn group(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// What libpq did.
    pub fn expected(&self, libpq: Libpq) -> &Expected {
        match libpq {
            Libpq::V15 => &self.libpq15,
            Libpq::V18 => &self.libpq18,
        }
    }
}

/// The scenarios of one file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scenarios(pub Vec<Scenario>);

impl FromStr for Scenarios {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let mut found = Self::default();
        let mut ids = BTreeSet::new();
        let mut block: Option<Block> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let at = |fault| ScenarioError { line: number, fault };
            if line.starts_with('#') {
                continue;
            }
            match (line.strip_prefix("  "), &mut block) {
                (Some(entry), Some(block)) => block.entry(entry).map_err(at)?,
                (Some(_), None) => return Err(at(Fault::NoId)),
                (None, _) if line.is_empty() => {
                    found.0.extend(block.take().map(Block::finish).transpose()?);
                }
                (None, None) => {
                    if !ids.insert(line.to_owned()) {
                        return Err(at(Fault::Repeated(line.to_owned())));
                    }
                    block = Some(Block::new(line, number));
                }
                (None, Some(_)) => return Err(at(Fault::NotIndented)),
            }
        }
        found.0.extend(block.map(Block::finish).transpose()?);
        Ok(found)
    }
}

/// What is wrong with a file of scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    line: usize,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NoId,
    NotIndented,
    Repeated(String),
    Missing(&'static str),
    Twice(&'static str),
    Key(String),
    Quote,
    Place(String),
    Setting(String),
    Script(ScriptError),
    Value(&'static str, String),
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.fault {
            Fault::NoId => f.write_str("this line belongs to no scenario; write its id before"),
            Fault::NotIndented => {
                f.write_str("lines of a scenario are indented by two blanks, and an empty line ends it")
            }
            Fault::Repeated(id) => write!(f, "two scenarios have the id \"{id}\""),
            Fault::Missing(key) => write!(f, "the scenario that begins here has no line \"{key}\""),
            Fault::Twice(key) => write!(f, "a second line \"{key}\""),
            Fault::Key(key) => {
                write!(f, "\"{key}\" begins no line of a scenario; known are {}", KEYS.join(", "))
            }
            Fault::Quote => f.write_str("a quoted word is no JSON string"),
            Fault::Place(word) => write!(
                f,
                "\"{word}\" is no place to listen; known are @127.0.0.1, @::1 and other loopback addresses, @127.0.0.2/shared, @unix, @abstract, @closed"
            ),
            Fault::Setting(word) => write!(f, "\"{word}\" is no SETTING=WORD"),
            Fault::Script(error) => error.fmt(f),
            Fault::Value(what, text) => write!(f, "\"{text}\" is no {what}"),
        }
    }
}

impl core::error::Error for ScenarioError {}

const KEYS: &[&str] = &[
    "server",
    "conninfo",
    "resolve",
    "env",
    "file",
    "text",
    "link",
    "ticket",
    "as",
    "cancel",
    "libpq",
    "libpq15",
    "startup",
    "startup15",
];

/// What `~` at the beginning of a connection string stands for.
pub const USUAL: &str = "host=db.test hostaddr=127.0.0.1 port={port} user=zoo dbname=zoodb";

/// A scenario of which lines are being read.
struct Block {
    line: usize,
    id: String,
    situation: Situation,
    conninfo: Option<String>,
    libpq18: Option<Expected>,
    libpq15: Option<Expected>,
    startup18: Option<expect::Startup>,
    startup15: Option<expect::Startup>,
}

impl Block {
    fn new(id: &str, line: usize) -> Self {
        Self {
            line,
            id: id.to_owned(),
            situation: Situation::default(),
            conninfo: None,
            libpq18: None,
            libpq15: None,
            startup18: None,
            startup15: None,
        }
    }

    fn entry(&mut self, entry: &str) -> Result<(), Fault> {
        let (key, rest) = entry.split_once(' ').unwrap_or((entry, ""));
        match key {
            "server" => self.situation.servers.push(server(rest)?),
            "conninfo" => once(&mut self.conninfo, "conninfo", conninfo(rest)?)?,
            "env" => {
                let [name, value]: [String; 2] = tokenize::split(rest)?
                    .try_into()
                    .map_err(|_| Fault::Value("NAME VALUE", rest.to_owned()))?;
                self.situation.environment.push((name, value));
            }
            "resolve" => self.situation.names.push(host_name(rest)?),
            "file" | "text" | "link" | "ticket" => self.situation.files.push(home::parse(key, rest)?),
            "as" => once(&mut self.situation.run_as, "as", rest.to_owned())?,
            "cancel" => {
                let polls = rest.parse().map_err(|_| Fault::Value("number of polls", rest.to_owned()))?;
                once(&mut self.situation.cancel, "cancel", polls)?;
            }
            "libpq" => once(&mut self.libpq18, "libpq", expect::parse(rest, "postgresql")?)?,
            "libpq15" => once(&mut self.libpq15, "libpq15", expect::parse(rest, expect::NONE)?)?,
            "startup" => once(&mut self.startup18, "startup", expect::startup(rest)?)?,
            "startup15" => once(&mut self.startup15, "startup15", expect::startup(rest)?)?,
            other => return Err(Fault::Key(other.to_owned())),
        }
        Ok(())
    }

    fn finish(self) -> Result<Scenario, ScenarioError> {
        let missing = |key| ScenarioError { line: self.line, fault: Fault::Missing(key) };
        if self.situation.servers.is_empty() {
            return Err(missing("server"));
        }
        let conninfo = self.conninfo.ok_or(missing("conninfo"))?;
        let libpq18 = self.libpq18.ok_or(missing("libpq"))?;
        let libpq15 = self.libpq15.unwrap_or_else(|| libpq18.clone().without_alpn());
        let startup15 = self.startup15.or_else(|| self.startup18.clone());
        let own_name = fallback_name(&conninfo);
        let own_name = |startup: &Option<expect::Startup>| {
            let sent = startup.as_ref().and_then(|startup| startup.as_ref()?.get("application_name"));
            own_name.is_some() && own_name.as_ref() == sent
        };
        Ok(Scenario {
            id: self.id,
            situation: Situation { conninfo, ..self.situation },
            libpq18: Expected { own_name: own_name(&self.startup18), startup: self.startup18, ..libpq18 },
            libpq15: Expected { own_name: own_name(&startup15), startup: startup15, ..libpq15 },
        })
    }
}

/// What a connection string says of `fallback_application_name`.
fn fallback_name(conninfo: &str) -> Option<String> {
    let settings = Settings::parse(conninfo).ok()?;
    Some(settings.value("fallback_application_name")?.value.clone())
}

fn once<T>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), Fault> {
    if place.replace(value).is_some() { Err(Fault::Twice(key)) } else { Ok(()) }
}

/// Unlike other values it is one text to the end of the line, so that connection strings need not be quoted twice.
fn conninfo(text: &str) -> Result<String, Fault> {
    if text.starts_with('"') {
        return serde_json::from_str(text).map_err(|_| Fault::Quote);
    }
    Ok(text.strip_prefix('~').map_or_else(|| text.to_owned(), |rest| format!("{USUAL}{rest}")))
}

/// The same backwards.
fn conninfo_line(conninfo: &str) -> String {
    let awkward = conninfo.is_empty()
        || conninfo.trim() != conninfo
        || conninfo.starts_with(['"', '~'])
        || conninfo.contains(char::is_control);
    match conninfo.strip_prefix(USUAL) {
        _ if awkward => tokenize::json(conninfo),
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => format!("~{rest}"),
        _ => conninfo.to_owned(),
    }
}

fn server(text: &str) -> Result<ServerRow, Fault> {
    let words = tokenize::split(text)?;
    let (place, words) = match words.split_first() {
        Some((first, rest)) if first.starts_with('@') => (place(first)?, rest),
        _ => (Place::default(), words.as_slice()),
    };
    let connections = words.split(|word| word == "then").map(|words| {
        let Some((base, settings)) = words.split_first() else {
            return Err(Fault::Script(ScriptError::Empty));
        };
        let settings =
            settings.iter().map(|word| word.split_once('=').ok_or_else(|| Fault::Setting(word.clone())));
        Ok((base.as_str(), settings.collect::<Result<Vec<_>, _>>()?))
    });
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    Ok(ServerRow::new(place, Script::from_words(&connections).map_err(Fault::Script)?))
}

fn place(word: &str) -> Result<Place, Fault> {
    let place = word.strip_prefix('@').and_then(|place| place.parse().ok());
    place.ok_or_else(|| Fault::Place(word.to_owned()))
}

fn host_name(text: &str) -> Result<HostName, Fault> {
    let wrong = || Fault::Value("NAME ADDRESS …", text.to_owned());
    let words = tokenize::split(text)?;
    let (name, addresses) = words.split_first().filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
    let addresses = addresses.iter().map(|word| word.parse().map_err(|_| wrong()));
    Ok(HostName::new(name, addresses.collect::<Result<Vec<_>, _>>()?))
}

#[cfg(test)]
mod tests;
