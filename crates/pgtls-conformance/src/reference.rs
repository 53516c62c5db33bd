//! libpq's behaviour where nobody has recorded it: pgtls itself, connected to the same servers.
//!
//! It does what libpq 18 does, as far as the scenarios that were recorded of it tell; a test of this crate runs them. Not quite
//! everything: some server names rustls cannot send.
//!
//! It logs in with `pgtls-startup`, as the program `pgtls` does.

use crate::{
    client::{Attempt, ClientUnderTest},
    judge::ClientClaim,
    runner::own_user,
    scenario::Outcome,
};
use pgtls_core::{
    environment::{Environment, Platform},
    negotiation::Encryption,
    param::{Ability, Settings},
};
use pgtls_startup::TERMINATE;
use pgtls_std::{Config, LibraryInit, Startup, log_in};
use rustls::crypto::aws_lc_rs;
use std::{io::Write as _, sync::Arc};

/// pgtls as a client under test. Cancellation is not for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl ClientUnderTest for Reference {
    fn connect(&self, attempt: &Attempt) -> ClientClaim {
        match session(attempt) {
            Ok(Encryption::Ssl) => ClientClaim::Connected(Some(Outcome::Ssl)),
            Ok(Encryption::Gss) => ClientClaim::Connected(Some(Outcome::Gss)),
            Ok(Encryption::Plain) => ClientClaim::Connected(Some(Outcome::Plain)),
            Err(reason) => ClientClaim::Failed(Some(reason)),
        }
    }

    fn declines(&self, attempt: &Attempt) -> Option<String> {
        (attempt.run_as.is_some() || !attempt.names.is_empty())
            .then(|| "pgtls is no program of its own here".to_owned())
    }
}

/// Connects and says goodbye.
fn session(attempt: &Attempt) -> Result<Encryption, String> {
    let mut environment = attempt
        .environment
        .iter()
        .fold(Environment::empty(Platform::Unix), |all, (name, value)| all.with_variable(name, value));
    environment.user = own_user();
    let machine = pgtls_os::environment().map_err(|error| error.to_string())?;
    environment.socket_directory.clone_from(&machine.socket_directory);
    let settings = Settings::parse(&attempt.conninfo).map_err(|error| error.to_string())?;
    let params =
        pgtls_os::params(&settings, &environment, Ability::default()).map_err(|error| error.to_string())?;
    let passwords = pgtls_os::passwords(&params, &environment);
    // What this machine asks of OpenSSL is no part of libpq's behaviour.
    let init = LibraryInit { ssl: false, crypto: true };
    let provider = || Arc::new(aws_lc_rs::default_provider());
    let config =
        Config::initialised(params, environment, init, provider).map_err(|error| error.to_string())?;
    let connected = pgtls_std::connect(&config, |stream, at: Startup<'_>| {
        log_in(stream, at, &config.params, || passwords.password(at.peer.host_index).cloned())
    });
    let mut stream = connected.map_err(|error| error.to_string())?.stream;
    // The session was there; that it ends is no news.
    let _ = stream.write_all(&TERMINATE).and_then(|()| stream.flush()).and_then(|()| stream.shutdown());
    Ok(stream.encryption())
}
