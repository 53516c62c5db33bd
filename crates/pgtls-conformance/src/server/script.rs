//! Scripts: what the server does on each connection, as values and as text.
//!
//! # The text
//!
//! A script is TOML. Each `[[connection]]` describes one connection, in the order in which clients come; the last one
//! repeats for ever. What is left out is done as an honest server with TLS does it.
//!
//! ```toml
//! [[connection]]
//! base = "ssl-only"            # start from a named behaviour (see behaviours.toml); optional
//! greeting = "wait"            # before the client has said anything
//! sslrequest = "accept"        # answer to SSLRequest
//! gssencrequest = "reject"     # answer to GSSENCRequest
//! clienthello = "accept"       # answer to a ClientHello as the first bytes
//! plain = "authfail"           # answer to a startup packet in clear
//! encrypted = "scram"          # answer to a startup packet inside TLS
//! password = "secret"          # what the client must prove to know
//! after_tls = "continue"       # what follows the handshake
//! certificate = "good"         # a server certificate of the PKI, or names for one: "named:db.test,dns=*.test,ip=::1"
//! client_certificate = "none"  # whether a certificate is asked of the client
//! hints = "own"                # the authorities that are named then
//! min_version = "TLSv1.2"
//! max_version = "TLSv1.3"
//! alpn = "postgresql"          # which protocol is selected
//! suites = "all"               # cipher suites under TLS 1.2
//! flight = "whole"             # how the handshake is sent
//! chunks = "whole"             # how everything is cut that is sent: "1,300" for one byte, 300, one, ...
//! ```
//!
//! The words of each setting are listed in [`answer`](super::answer).

use super::{
    answer::{
        AfterTls, Alpn, ClientCertificate, DirectAnswer, Flight, Greeting, GssAnswer, Hints, SslAnswer,
        StartupAnswer, Suites,
    },
    behaviour::{Behaviour, TlsBehaviour, TlsVersion},
    chunks::Chunks,
};
use core::fmt;
use serde::Deserialize;
use std::{collections::BTreeMap, str::FromStr, sync::LazyLock};

/// What the server does on each connection. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Overlay>")]
pub struct Script {
    first: Vec<Behaviour>,
    rest: Behaviour,
}

impl Script {
    /// The same on every connection.
    pub fn always(behaviour: Behaviour) -> Self {
        Self { first: Vec::new(), rest: behaviour }
    }

    /// These on the first connections, in order, then `rest` on all others.
    pub fn sequence(first: Vec<Behaviour>, rest: Behaviour) -> Self {
        Self { first, rest }
    }

    /// What is done on a connection, counted from 0.
    pub fn behaviour(&self, connection: usize) -> &Behaviour {
        self.first.get(connection).unwrap_or(&self.rest)
    }

    /// From words: for each connection the name of a behaviour to start from, and settings as a script has them.
    pub fn from_words(connections: &[(&str, Vec<(&str, &str)>)]) -> Result<Self, ScriptError> {
        let overlay = |(base, settings): &(&str, Vec<(&str, &str)>)| {
            let text = |word: &str| toml::Value::String(word.to_owned());
            let mut table: toml::Table =
                settings.iter().map(|(name, word)| ((*name).to_owned(), text(word))).collect();
            table.insert("base".to_owned(), text(base));
            Overlay::deserialize(toml::Value::Table(table))
                .map_err(|error| ScriptError::Syntax(error.to_string()))
        };
        connections.iter().map(overlay).collect::<Result<Vec<_>, _>>()?.try_into()
    }

    /// The words that [`from_words`](Self::from_words) reads: for each connection the name of a behaviour, then the settings
    /// in which it differs from an honest server.
    pub fn words(&self) -> Vec<Vec<String>> {
        self.behaviours().map(Behaviour::words).collect()
    }

    /// Every behaviour in it.
    pub fn behaviours(&self) -> impl Iterator<Item = &Behaviour> {
        self.first.iter().chain([&self.rest])
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let Text { connection } =
            toml::from_str(text).map_err(|error| ScriptError::Syntax(error.to_string()))?;
        connection.try_into()
    }
}

/// The value of `connection`, for scripts that are part of another file.
impl TryFrom<Vec<Overlay>> for Script {
    type Error = ScriptError;

    fn try_from(connection: Vec<Overlay>) -> Result<Self, ScriptError> {
        let mut behaviours = Vec::new();
        for overlay in connection {
            let mut behaviour =
                overlay.base.as_deref().map_or_else(|| Ok(Behaviour::default()), Behaviour::named)?;
            overlay.lay_over(&mut behaviour);
            let TlsBehaviour { min_version, max_version, .. } = behaviour.tls;
            if min_version > max_version {
                return Err(ScriptError::VersionRange { min_version, max_version });
            }
            behaviours.push(behaviour);
        }
        let rest = behaviours.pop().ok_or(ScriptError::Empty)?;
        Ok(Self::sequence(behaviours, rest))
    }
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptError {
    /// Not TOML, an unknown setting, or a word that a setting does not take; with line and column.
    Syntax(String),
    /// `base` names a behaviour that is not known.
    UnknownBehaviour(String),
    /// No `[[connection]]` at all.
    Empty,
    /// The lowest version is above the highest.
    VersionRange {
        /// Lowest.
        min_version: TlsVersion,
        /// Highest.
        max_version: TlsVersion,
    },
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => f.write_str(text.trim_end()),
            Self::UnknownBehaviour(name) => {
                let known: Vec<_> = Behaviour::names().collect();
                write!(f, "\"{name}\" is not a named behaviour; known are {}", known.join(", "))
            }
            Self::Empty => f.write_str("the script has no [[connection]]; write at least one"),
            Self::VersionRange { min_version, max_version } => {
                write!(f, "min_version {min_version} is above max_version {max_version}")
            }
        }
    }
}

impl core::error::Error for ScriptError {}

/// A script as text has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    connection: Vec<Overlay>,
}

/// What a text says about one connection; the rest stays as it was.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overlay {
    base: Option<String>,
    greeting: Option<Greeting>,
    sslrequest: Option<SslAnswer>,
    gssencrequest: Option<GssAnswer>,
    clienthello: Option<DirectAnswer>,
    plain: Option<StartupAnswer>,
    encrypted: Option<StartupAnswer>,
    password: Option<String>,
    after_tls: Option<AfterTls>,
    certificate: Option<String>,
    client_certificate: Option<ClientCertificate>,
    hints: Option<Hints>,
    min_version: Option<TlsVersion>,
    max_version: Option<TlsVersion>,
    alpn: Option<Alpn>,
    suites: Option<Suites>,
    flight: Option<Flight>,
    chunks: Option<Chunks>,
}

impl Overlay {
    fn lay_over(self, behaviour: &mut Behaviour) {
        fn lay<T>(over: Option<T>, under: &mut T) {
            if let Some(value) = over {
                *under = value;
            }
        }
        lay(self.greeting, &mut behaviour.greeting);
        lay(self.sslrequest, &mut behaviour.sslrequest);
        lay(self.gssencrequest, &mut behaviour.gssencrequest);
        lay(self.clienthello, &mut behaviour.clienthello);
        lay(self.plain, &mut behaviour.plain);
        lay(self.encrypted, &mut behaviour.encrypted);
        lay(self.password, &mut behaviour.password);
        lay(self.after_tls, &mut behaviour.tls.after);
        lay(self.certificate, &mut behaviour.tls.certificate);
        lay(self.client_certificate, &mut behaviour.tls.client_certificate);
        lay(self.hints, &mut behaviour.tls.hints);
        lay(self.min_version, &mut behaviour.tls.min_version);
        lay(self.max_version, &mut behaviour.tls.max_version);
        lay(self.alpn, &mut behaviour.tls.alpn);
        lay(self.suites, &mut behaviour.tls.suites);
        lay(self.flight, &mut behaviour.tls.flight);
        lay(self.chunks, &mut behaviour.chunks);
    }
}

impl Behaviour {
    /// One of the behaviours that have a name of their own.
    pub fn named(name: &str) -> Result<Self, ScriptError> {
        let named = NAMED.get(name).ok_or_else(|| ScriptError::UnknownBehaviour(name.to_owned()))?;
        let mut behaviour = Self::default();
        named.clone().lay_over(&mut behaviour);
        Ok(behaviour)
    }

    /// The names that [`named`](Self::named) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.keys().map(String::as_str)
    }

    /// The name of the behaviour if it has one, else the settings in which it differs from an honest server's.
    fn words(&self) -> Vec<String> {
        let named = Self::names().find(|name| Self::named(name).as_ref() == Ok(self));
        if let Some(name) = named {
            return vec![name.to_owned()];
        }
        let honest = Self::default();
        let settings = self.settings().into_iter().zip(honest.settings());
        let differing = settings.filter(|((_, word), (_, usual))| word != usual);
        let differing = differing.map(|((name, word), _)| format!("{name}={word}"));
        std::iter::once("ok".to_owned()).chain(differing).collect()
    }

    /// Every setting by its name.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let tls = &self.tls;
        vec![
            ("greeting", self.greeting.to_string()),
            ("sslrequest", self.sslrequest.to_string()),
            ("gssencrequest", self.gssencrequest.to_string()),
            ("clienthello", self.clienthello.to_string()),
            ("plain", self.plain.to_string()),
            ("encrypted", self.encrypted.to_string()),
            ("password", self.password.clone()),
            ("chunks", self.chunks.to_string()),
            ("certificate", tls.certificate.clone()),
            ("client_certificate", tls.client_certificate.to_string()),
            ("hints", tls.hints.to_string()),
            ("min_version", tls.min_version.to_string()),
            ("max_version", tls.max_version.to_string()),
            ("alpn", tls.alpn.to_string()),
            ("suites", tls.suites.to_string()),
            ("flight", tls.flight.to_string()),
            ("after_tls", tls.after.to_string()),
        ]
    }
}

static NAMED: LazyLock<BTreeMap<String, Overlay>> = LazyLock::new(|| {
    toml::from_str(include_str!("behaviours.toml")).expect("the table of named behaviours is read by a test")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_behaviours_are_well_formed() {
        let honest = Behaviour::default();
        for name in Behaviour::names() {
            let behaviour = Behaviour::named(name).unwrap();
            assert_eq!(behaviour == honest, name == "ok", "{name} differs from an honest server");
        }
    }

    #[test]
    fn connections_are_answered_in_order_and_the_last_repeats() {
        let script: Script = "
            [[connection]]
            base = 'plain-only'
            [[connection]]
            encrypted = 'error:57P03'
            certificate = 'expired'
            max_version = 'TLSv1.2'
        "
        .parse()
        .unwrap();
        assert_eq!(script.behaviour(0), &Behaviour::named("plain-only").unwrap());
        for connection in [1, 2, 1000] {
            let behaviour = script.behaviour(connection);
            assert_eq!(behaviour.encrypted.to_string(), "error:57P03");
            assert_eq!(behaviour.tls.certificate, "expired");
            assert_eq!(behaviour.tls.max_version, TlsVersion::Tls1_2);
        }
    }

    #[test]
    fn scripts_are_written_as_words_and_read_again() {
        for words in [
            vec![vec!["ok"]],
            vec![vec!["plain-only"], vec!["ok", "certificate=expired", "chunks=1,300"]],
            vec![vec![
                "ok",
                "encrypted=error:57P03",
                "password=a b",
                "suites=aes-gcm",
                "max_version=TLSv1.2",
            ]],
        ] {
            let parsed: Vec<(&str, Vec<(&str, &str)>)> = words
                .iter()
                .map(|words| {
                    (words[0], words[1..].iter().map(|word| word.split_once('=').unwrap()).collect())
                })
                .collect();
            let mut written = Script::from_words(&parsed).unwrap().words();
            let mut expected = words.clone();
            for words in &mut written {
                words[1..].sort();
            }
            for words in &mut expected {
                words[1..].sort_unstable();
            }
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("", "the script has no [[connection]]"),
            ("[[connection]]\nbase = 'plane'", "\"plane\" is not a named behaviour"),
            ("[[connection]]\nalpn = 'h3'", "line 2, column 8"),
            ("[[connection]]\nalpn = 'h3'", "known are postgresql, none, wrong"),
            ("[[connection]]\ncolour = 'red'", "unknown field `colour`"),
            (
                "[[connection]]\nmin_version = 'TLSv1.3'\nmax_version = 'TLSv1.2'",
                "min_version TLSv1.3 is above",
            ),
            ("[[connection]]\nmin_version = 'TLSv1'", "TLSv1.2"),
        ] {
            let error = text.parse::<Script>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
