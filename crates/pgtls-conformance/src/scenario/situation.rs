//! Where a client finds itself: servers, and what it is told.

use super::{HomeFile, tokenize};
use crate::server::Script;
use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Servers, and all that a client is handed. As text it is the lines of a scenario that come before those of libpq.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Situation {
    /// The servers, in the order in which the client is told of them.
    pub servers: Vec<ServerRow>,
    /// The connection string, with its placeholders.
    pub conninfo: String,
    /// Addresses of host names, for connection strings without `hostaddr`.
    pub names: Vec<HostName>,
    /// Variables of the client's environment, with placeholders.
    pub environment: Vec<(String, String)>,
    /// Files in the client's home directory.
    pub files: Vec<HomeFile>,
    /// The user of the system that runs the client, when it is another than ours.
    pub run_as: Option<String>,
    /// The attempt is given up after so many polls, by clients that can.
    pub cancel: Option<u32>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerRow {
    /// Where it listens.
    pub place: Place,
    /// What it does.
    pub script: Script,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A port of this loopback address: one that is free, or that of the first server when it is shared.
    Tcp {
        /// The address.
        address: IpAddr,
        /// Whether the port is that of the first server.
        shared: bool,
    },
    /// A socket in the directory `{sock}`.
    Unix,
    /// A socket in the abstract namespace, whose directory is `{sock}` too.
    Abstract,
    /// A port of 127.0.0.1 where nobody listens.
    Closed,
}

/// A host name and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostName {
    /// The name, in lower case.
    pub name: String,
    /// Its addresses, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
}

impl Place {
    /// A port of 127.0.0.1.
    pub const IP4: Self = Self::Tcp { address: IpAddr::V4(Ipv4Addr::LOCALHOST), shared: false };
    /// A port of `::1`.
    pub const IP6: Self = Self::Tcp { address: IpAddr::V6(Ipv6Addr::LOCALHOST), shared: false };
}

impl Default for Place {
    fn default() -> Self {
        Self::IP4
    }
}

impl Situation {
    /// One server with this script, at a port of 127.0.0.1, and the usual connection string ([`USUAL`](super::USUAL)).
    pub fn new(script: Script) -> Self {
        Self {
            servers: vec![ServerRow::new(Place::default(), script)],
            conninfo: super::USUAL.to_owned(),
            ..Self::default()
        }
    }

    /// Whether it can be staged by root alone: another user runs the client, or owns its files.
    pub fn needs_root(&self) -> bool {
        self.run_as.is_some() || self.files.iter().any(|file| file.uid.is_some())
    }

    /// Whether it is about clients that can do GSSAPI: they are given a ticket.
    pub fn needs_gss(&self) -> bool {
        self.files.iter().any(|file| file.source == super::Source::Ticket)
    }
}

impl ServerRow {
    /// A server that listens here and does this.
    pub fn new(place: Place, script: Script) -> Self {
        Self { place, script }
    }
}

impl HostName {
    /// A name, in lower case, and its addresses in the order in which they are tried.
    pub fn new(name: impl Into<String>, addresses: impl Into<Vec<IpAddr>>) -> Self {
        Self { name: name.into(), addresses: addresses.into() }
    }
}

impl fmt::Display for Place {
    /// As a scenario has it, without the `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address, shared } => write!(f, "{address}{}", if *shared { "/shared" } else { "" }),
            Self::Unix => f.write_str("unix"),
            Self::Abstract => f.write_str("abstract"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

impl core::str::FromStr for Place {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "unix" => Self::Unix,
            "abstract" => Self::Abstract,
            "closed" => Self::Closed,
            other => {
                let (address, shared) = match other.strip_suffix("/shared") {
                    Some(address) => (address, true),
                    None => (other, false),
                };
                let address: IpAddr = address.parse().map_err(drop)?;
                if !address.is_loopback() {
                    return Err(());
                }
                Self::Tcp { address, shared }
            }
        })
    }
}

/// The same lines: what a property test finds is shown by this.
impl fmt::Debug for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Situation:\n{self}")
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ServerRow { place, script } in &self.servers {
            let place = if *place == Place::IP4 { String::new() } else { format!("@{place} ") };
            let words = |words: Vec<String>| {
                words.iter().map(|word| tokenize::quoted(word)).collect::<Vec<_>>().join(" ")
            };
            let connections: Vec<_> = script.words().into_iter().map(words).collect();
            writeln!(f, "  server {place}{}", connections.join(" then "))?;
        }
        writeln!(f, "  conninfo {}", super::conninfo_line(&self.conninfo))?;
        for HostName { name, addresses } in &self.names {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            writeln!(f, "  resolve {} {}", tokenize::quoted(name), addresses.join(" "))?;
        }
        for (name, value) in &self.environment {
            writeln!(f, "  env {} {}", tokenize::quoted(name), tokenize::quoted(value))?;
        }
        for file in &self.files {
            writeln!(f, "  {file}")?;
        }
        if let Some(user) = &self.run_as {
            writeln!(f, "  as {user}")?;
        }
        if let Some(polls) = self.cancel {
            writeln!(f, "  cancel {polls}")?;
        }
        Ok(())
    }
}
