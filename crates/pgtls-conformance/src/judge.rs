//! The judge: compares a client's behaviour with libpq's.
//!
//! The claim of a client is not enough: whether it has a session, and of which kind, follows from the servers' records.

use crate::{
    scenario::{Expected, Outcome},
    server::{Channel, ConnectionRecord, HelloRecord, Log},
};
use core::fmt;
use std::collections::BTreeMap;

/// The result that a client reports for its attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientClaim {
    /// It has a session, of this kind if it can tell.
    Connected(Option<Outcome>),
    /// It has none, for this reason if it says one.
    Failed(Option<String>),
    /// It did not end in time, or could not be run.
    Lost(String),
    /// It cannot be asked this, for this reason, and has opened no connection.
    Declined(String),
    /// It gave up where it was told to ([`Attempt::cancel`](crate::client::Attempt::cancel)).
    Cancelled,
}

/// The claim of a client, and the records of the servers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observed {
    /// The client's claim.
    pub claim: ClientClaim,
    /// The servers' events; with several servers each has its index before it.
    pub events: Vec<String>,
    /// The servers' records.
    pub connections: Vec<ConnectionRecord>,
}

impl Observed {
    /// From the log of `servers` servers.
    pub fn new(claim: ClientClaim, log: &Log, servers: usize) -> Self {
        let word = |(server, event): (usize, _)| {
            if servers > 1 { format!("h{server}:{event}") } else { format!("{event}") }
        };
        Self { claim, events: log.events().into_iter().map(word).collect(), connections: log.connections() }
    }

    /// The kind of session that a server had with the client.
    pub fn session(&self) -> Option<Outcome> {
        self.connections.iter().find_map(|seen| seen.session).map(|channel| match channel {
            Channel::Plain => Outcome::Plain,
            Channel::Ssl => Outcome::Ssl,
        })
    }

    /// The ClientHellos, in order.
    pub fn hellos(&self) -> impl Iterator<Item = &HelloRecord> {
        self.connections.iter().filter_map(|seen| seen.hello.as_ref())
    }

    /// Common names of the client certificates that were sent, in order.
    pub fn client_certificates(&self) -> impl Iterator<Item = &String> {
        self.connections.iter().filter_map(|seen| seen.client_certificate.as_ref())
    }

    /// Whether a StartupMessage went out in clear.
    pub fn startup_in_clear(&self) -> bool {
        self.connections.iter().any(|seen| seen.startup_channel == Some(Channel::Plain))
    }

    /// Parameters of the last StartupMessage; empty when there is none.
    pub fn startup(&self) -> &[(String, String)] {
        let startups = self.connections.iter().map(|seen| seen.startup.as_slice());
        startups.rev().find(|startup| !startup.is_empty()).unwrap_or_default()
    }

    /// How it ended: the client says whether, the servers say on which channel.
    pub fn outcome(&self) -> Outcome {
        match &self.claim {
            ClientClaim::Connected(claimed) => self.session().or(*claimed).unwrap_or(Outcome::Fail),
            ClientClaim::Failed(_)
            | ClientClaim::Lost(_)
            | ClientClaim::Declined(_)
            | ClientClaim::Cancelled => Outcome::Fail,
        }
    }
}

/// One thing that a client does otherwise than libpq, the gravest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Difference {
    /// It has a session where libpq refuses.
    AcceptsWhatLibpqRefuses,
    /// It has a session in clear where libpq's is encrypted.
    WeakerSession,
    /// User and database went out in clear where libpq sends nothing in clear.
    StartupInClear,
    /// It claims another kind of session than the server had with it.
    FalseClaim,
    /// It sent a client certificate that libpq does not send.
    MoreCertificates,
    /// It sent bytes before the answer to its request was there.
    Pipelined,
    /// It has no session where libpq has one.
    RefusesWhatLibpqAccepts(Option<String>),
    /// It has another kind of session.
    OtherSession,
    /// It opened more or fewer connections.
    Connections,
    /// The servers saw other events.
    Events,
    /// It sent other server names.
    Sni,
    /// It offered other protocols.
    Alpn,
    /// It did not send the client certificate that libpq sends.
    FewerCertificates,
    /// This parameter of the StartupMessage is missing or another.
    Startup(String),
    /// It could not be run, or did not end.
    Lost(String),
}

impl Difference {
    /// A word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AcceptsWhatLibpqRefuses => "accepts-what-libpq-refuses",
            Self::WeakerSession => "weaker-session",
            Self::StartupInClear => "startup-in-clear",
            Self::FalseClaim => "false-claim",
            Self::MoreCertificates => "more-certificates",
            Self::Pipelined => "pipelined",
            Self::RefusesWhatLibpqAccepts(_) => "refuses-what-libpq-accepts",
            Self::OtherSession => "other-session",
            Self::Connections => "connections",
            Self::Events => "events",
            Self::Sni => "sni",
            Self::Alpn => "alpn",
            Self::FewerCertificates => "fewer-certificates",
            Self::Startup(_) => "startup",
            Self::Lost(_) => "lost",
        }
    }

    /// Whether the client discloses or trusts more than libpq does.
    pub fn is_lax(&self) -> bool {
        *self <= Self::Pipelined
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcceptsWhatLibpqRefuses => "connects where libpq refuses",
            Self::WeakerSession => "connects in clear where libpq's session is encrypted",
            Self::StartupInClear => "sends its startup packet in clear where libpq does not",
            Self::FalseClaim => "claims another kind of session than the server had",
            Self::MoreCertificates => "sends a client certificate that libpq does not send",
            Self::Pipelined => "sends bytes before the answer to its request is there",
            Self::RefusesWhatLibpqAccepts(None) => "does not connect where libpq does",
            Self::RefusesWhatLibpqAccepts(Some(reason)) => {
                return write!(f, "does not connect where libpq does: {reason}");
            }
            Self::OtherSession => "connects with another kind of session",
            Self::Connections => "opens another number of connections",
            Self::Events => "goes another way",
            Self::Sni => "sends another server name",
            Self::Alpn => "offers other protocols",
            Self::FewerCertificates => "does not send the client certificate that libpq sends",
            Self::Startup(name) => return write!(f, "sends another startup parameter \"{name}\""),
            Self::Lost(reason) => return write!(f, "could not be judged: {reason}"),
        })
    }
}

/// What differs, the gravest first; nothing when the client does as libpq does.
pub fn judge(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    if observed.claim == ClientClaim::Cancelled {
        return cut_short(expected, observed);
    }
    let mut differences: Vec<_> = [
        outcome(expected, observed),
        claim(observed),
        way(expected, observed),
        hellos(expected, observed),
        certificates(expected, observed),
        startup(expected, observed),
    ]
    .concat();
    if let ClientClaim::Lost(reason) = &observed.claim {
        differences.push(Difference::Lost(reason.clone()));
    }
    differences.sort();
    differences
}

/// A client that gave up half-way has gone libpq's way as far as it got, and has told nobody more than libpq tells.
fn cut_short(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let sent: Vec<_> = observed.client_certificates().collect();
    let as_far = expected.events.starts_with(&observed.events);
    let more = !expected.client_certificates.iter().zip(&sent).all(|(libpq, client)| libpq == *client)
        || sent.len() > expected.client_certificates.len();
    let session = observed.session().is_some_and(|_| expected.outcome == Outcome::Fail && !expected.let_in());
    [
        session.then_some(Difference::AcceptsWhatLibpqRefuses),
        (observed.startup_in_clear() && !expected.startup_in_clear).then_some(Difference::StartupInClear),
        more.then_some(Difference::MoreCertificates),
        observed.connections.iter().any(|seen| seen.pipelined).then_some(Difference::Pipelined),
        (!as_far).then_some(Difference::Events),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn outcome(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    use Outcome::{Fail, Plain};
    // A session that a server had counts, whatever the client says: what matters was sent. Unless libpq goes so far too.
    let session = observed.session().filter(|_| observed.outcome() != Fail || !expected.let_in());
    let outcome = session.unwrap_or_else(|| observed.outcome());
    match (expected.outcome, outcome) {
        (Fail, Fail) => None,
        (Fail, _) => Some(Difference::AcceptsWhatLibpqRefuses),
        (_, _) if observed.outcome() == Fail => {
            let reason =
                if let ClientClaim::Failed(reason) = &observed.claim { reason.clone() } else { None };
            Some(Difference::RefusesWhatLibpqAccepts(reason))
        }
        (expected, outcome) if expected == outcome => None,
        (_, Plain) => Some(Difference::WeakerSession),
        (_, _) => Some(Difference::OtherSession),
    }
    .into_iter()
    .collect()
}

fn claim(observed: &Observed) -> Vec<Difference> {
    let ClientClaim::Connected(claimed) = observed.claim else { return Vec::new() };
    let same =
        claimed.is_none_or(|claimed| observed.session() == Some(claimed)) && observed.session().is_some();
    // The servers speak no GSSAPI, so nobody can have such a session.
    if same { Vec::new() } else { vec![Difference::FalseClaim] }
}

fn way(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let connections = &observed.connections;
    let opened = expected.events.iter().filter(|event| event.ends_with("connect")).count();
    [
        (observed.startup_in_clear() && !expected.startup_in_clear).then_some(Difference::StartupInClear),
        connections.iter().any(|seen| seen.pipelined).then_some(Difference::Pipelined),
        (opened != connections.len()).then_some(Difference::Connections),
        (expected.events != observed.events).then_some(Difference::Events),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn hellos(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let sni = !expected.sni.iter().eq(observed.hellos().map(|hello| &hello.sni));
    let offered = observed.hellos().map(|hello| hello.alpn.as_deref().unwrap_or_default());
    let alpn = !expected.alpn.iter().map(Option::as_slice).eq(offered);
    [sni.then_some(Difference::Sni), alpn.then_some(Difference::Alpn)].into_iter().flatten().collect()
}

/// On a failure a client may well stop before its certificate is due, for instance at the host's name; it never may send more.
fn certificates(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let certificates = &expected.client_certificates;
    let sent: Vec<_> = observed.client_certificates().collect();
    if sent.iter().copied().eq(certificates) {
        return Vec::new();
    }
    if expected.outcome == Outcome::Fail && sent.len() <= certificates.len() {
        return Vec::new();
    }
    vec![if sent.len() < certificates.len() {
        Difference::FewerCertificates
    } else {
        Difference::MoreCertificates
    }]
}

/// The parameters that say who wants in, and what is to be done at once.
const JUDGED: &[&str] = &["user", "database", "application_name", "options", "replication"];

fn startup(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let Expected { startup: Some(expected), own_name, .. } = expected else { return Vec::new() };
    let nothing = BTreeMap::new();
    let expected = expected.as_ref().unwrap_or(&nothing);
    let sent = observed.startup();
    let sent = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    // Programs give themselves a name where the user gives none; that is what `fallback_application_name` is for.
    let free = |name: &str| {
        name == "application_name" && (!expected.contains_key(name) || (*own_name && sent(name).is_some()))
    };
    let other = JUDGED.iter().filter(|name| !free(name) && sent(name) != expected.get(**name));
    other.map(|name| Difference::Startup((*name).to_owned())).collect()
}

#[cfg(test)]
mod tests;
