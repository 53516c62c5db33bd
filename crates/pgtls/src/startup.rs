//! The arguments of a startup exchange, and its canceller.

use crate::{
    config::{Config, Prepared},
    error::Error,
};
use pgtls_adapter::{DetachedStartup, Startup};
use pgtls_core::{
    connect::{Note, Peer},
    message::CancelRequest,
    param::{Params, Passwords, Secret},
};
use std::sync::Arc;

/// The configuration of a connection and the passwords of its hosts.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) config: Config,
    passwords: Arc<Passwords>,
}

impl Credentials {
    /// Reads the password file (libpq: `passwordFromFile`), and what the configuration is made from. Blocks.
    pub(crate) fn load(prepared: Prepared) -> Result<Self, Error> {
        let config = prepared.finish()?;
        let passwords = Arc::new(pgtls_os::passwords(&config.params, &config.environment));
        Ok(Self { config, passwords })
    }

    /// The warning about a password file that is not used, for the report.
    pub(crate) fn warning(&self) -> Option<Note> {
        self.passwords.problem().cloned().map(Note::Warning)
    }
}

/// Parameters, server and password of a startup exchange. It borrows from no connection: a driver can take it into a task.
#[derive(Clone, Debug)]
pub struct StartupContext {
    pub(crate) credentials: Credentials,
    startup: DetachedStartup,
}

impl StartupContext {
    pub(crate) fn new(credentials: &Credentials, at: Startup<'_>) -> Self {
        Self { credentials: credentials.clone(), startup: at.detached() }
    }

    /// Server and role in the form of the adapters.
    pub fn startup(&self) -> Startup<'_> {
        self.startup.startup()
    }

    /// The parameters. [`Params::startup_pairs`] are the content of the StartupMessage.
    pub fn params(&self) -> &Params {
        &self.credentials.config.params
    }

    /// The server.
    pub fn peer(&self) -> &Peer {
        self.startup().peer
    }

    /// The password for this server: `password`, `PGPASSWORD`, or the line of the password file that fits its host.
    pub fn password(&self) -> Option<&Secret> {
        self.credentials.passwords.password(self.peer().host_index)
    }

    /// The query that establishes the server's role; see [`Startup::role_query`].
    pub fn role_query(&self) -> Option<&'static str> {
        self.startup().role_query()
    }

    /// The answer to [`role_query`](Self::role_query); see [`Startup::role_answer`].
    pub fn role_answer(&self, value: Option<&[u8]>) {
        self.startup().role_answer(value);
    }
}

/// The address and the key with which the query of a session is cancelled, over a connection that is encrypted and verified by
/// the rules of the session (libpq: `PGcancelConn`). `blocking::cancel` and its like of the other runtimes send the request.
#[derive(Clone, Debug)]
pub struct Canceller {
    pub(crate) config: Config,
    pub(crate) peer: Peer,
    pub(crate) key: CancelRequest,
}

impl Canceller {
    /// Cancels queries of the session whose BackendKeyData had this key. `peer` is the server of the session
    /// ([`Connected::peer`](crate::Connected::peer)).
    pub fn new(config: &Config, peer: &Peer, key: CancelRequest) -> Self {
        Self { config: config.clone(), peer: peer.clone(), key }
    }
}
