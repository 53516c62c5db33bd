//! Clients to be judged: anything that connects when it is handed a connection string.

mod command;

pub use command::{CommandClient, CommandError};

use crate::{judge::ClientClaim, scenario::HostName};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

/// A client under test. Several threads use it at once.
pub trait ClientUnderTest: Sync {
    /// Connects, disconnects, and says what came of it.
    ///
    /// A client that hangs holds up its thread for ever: it must have an end of its own.
    fn connect(&self, attempt: &Attempt) -> ClientClaim;

    /// Why the client cannot be asked this at all, if so: a client in this process, for instance, has no environment of its
    /// own. The scenario is counted as skipped then.
    fn declines(&self, attempt: &Attempt) -> Option<String> {
        let _ = attempt;
        None
    }

    /// Whether it can do GSSAPI: some scenarios are about clients that have a ticket.
    fn has_gss(&self) -> bool {
        false
    }
}

impl<F: Fn(&Attempt) -> ClientClaim + Sync> ClientUnderTest for F {
    /// A panic of the client is a failed attempt, so that the other scenarios are judged as well.
    fn connect(&self, attempt: &Attempt) -> ClientClaim {
        catch_unwind(AssertUnwindSafe(|| self(attempt))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            ClientClaim::Failed(Some(format!("the client panicked: {text}")))
        })
    }
}

/// What a client is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The connection string or URI.
    pub conninfo: String,
    /// Its environment, whole but for what programs need to run at all (`PATH`).
    pub environment: Vec<(String, String)>,
    /// Host names that it must be able to look up. A program finds them by its environment, if it asks the C library.
    pub names: Vec<HostName>,
    /// Its home and working directory, which exists and may be written to.
    pub home: PathBuf,
    /// The user of the system that it runs as, when it is another than ours.
    pub run_as: Option<RunAs>,
    /// Give the attempt up after so many polls, if you can, and tell [`ClientClaim::Cancelled`].
    pub cancel: Option<u32>,
}

/// A user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunAs {
    /// The name.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The number of the user's group.
    pub gid: u32,
}

impl Attempt {
    /// The value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failed_attempt() {
        let attempt = Attempt {
            conninfo: "host=a".to_owned(),
            environment: Vec::new(),
            names: Vec::new(),
            home: PathBuf::new(),
            run_as: None,
            cancel: None,
        };
        let client = |attempt: &Attempt| -> ClientClaim { panic!("no host in {}", attempt.conninfo) };
        let expected = "the client panicked: no host in host=a".to_owned();
        assert_eq!(client.connect(&attempt), ClientClaim::Failed(Some(expected)));
    }
}
