//! `target_session_attrs`: is this the kind of server that was asked for? (libpq: `PQconnectPoll`,
//! `CONNECTION_CHECK_TARGET` and the states after it)

use super::{Fault, frames::Frame};
use fallible_iterator::FallibleIterator;
use pgtls_core::{param::TargetSessionAttrs, startup::Broken};
use postgres_protocol::message::backend::Message;
use std::fmt;

/// Asks a server that does not report whether it is writable.
const SHOW_READ_ONLY: &str = "SHOW transaction_read_only";
/// Asks a server that does not report whether it is a standby.
const IS_IN_RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";

/// Not the kind of server that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongRole {
    /// Read-only, but a writable session was asked for.
    ReadOnly,
    /// Writable, but a read-only session was asked for.
    NotReadOnly,
    /// A standby, but a primary was asked for.
    Standby,
    /// A primary, but a standby was asked for.
    NotStandby,
    /// The server did not answer the question.
    Unknown,
}

impl fmt::Display for WrongRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "session is read-only",
            Self::NotReadOnly => "session is not read-only",
            Self::Standby => "server is in hot standby mode",
            Self::NotStandby => "server is not in hot standby mode",
            Self::Unknown => "the server does not tell whether it is read-only or a standby",
        })
    }
}

/// What is wanted, and what is known of the server.
#[derive(Debug)]
pub(super) struct RoleCheck {
    wanted: Wanted,
    in_hot_standby: Option<bool>,
    default_read_only: Option<bool>,
    session_read_only: Option<bool>,
    asked: Option<&'static str>,
    answered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    ReadOnly(bool),
    Standby(bool),
}

impl RoleCheck {
    /// `prefer-standby` is two rounds over the hosts, `standby` and then `any`; taken as it is, it means the first.
    pub(super) fn new(wanted: TargetSessionAttrs) -> Self {
        let wanted = match wanted {
            TargetSessionAttrs::Any => Wanted::Any,
            TargetSessionAttrs::ReadWrite => Wanted::ReadOnly(false),
            TargetSessionAttrs::ReadOnly => Wanted::ReadOnly(true),
            TargetSessionAttrs::Primary => Wanted::Standby(false),
            TargetSessionAttrs::Standby | TargetSessionAttrs::PreferStandby => Wanted::Standby(true),
        };
        Self {
            wanted,
            in_hot_standby: None,
            default_read_only: None,
            session_read_only: None,
            asked: None,
            answered: false,
        }
    }

    /// A ParameterStatus came. Servers from version 14 on report both facts.
    pub(super) fn status(&mut self, name: &str, value: &str) {
        match name {
            "in_hot_standby" => self.in_hot_standby = Some(value == "on"),
            "default_transaction_read_only" => self.default_read_only = Some(value == "on"),
            _ => {}
        }
    }

    /// The query to ask, or nothing when the server is the right one.
    pub(super) fn verdict(&mut self) -> Result<Option<&'static str>, Fault> {
        match self.wanted {
            Wanted::Any => Ok(None),
            Wanted::ReadOnly(wanted) => {
                let reported = match (self.default_read_only, self.in_hot_standby) {
                    (Some(read_only), Some(standby)) => Some(read_only || standby),
                    _ => self.session_read_only,
                };
                let problem = if wanted { WrongRole::NotReadOnly } else { WrongRole::ReadOnly };
                self.compare(reported, wanted, SHOW_READ_ONLY, problem)
            }
            Wanted::Standby(wanted) => {
                let problem = if wanted { WrongRole::NotStandby } else { WrongRole::Standby };
                self.compare(self.in_hot_standby, wanted, IS_IN_RECOVERY, problem)
            }
        }
    }

    /// A row of the answer: one column, `on`/`off` or `t`/`f`.
    pub(super) fn row(&mut self, frame: Frame) -> Result<(), Fault> {
        let malformed = || Fault::Broken(Broken::Malformed(b'D'));
        let Message::DataRow(row) = frame.parse()? else { return Err(malformed()) };
        let range = row.ranges().next().map_err(|_| malformed())?.flatten().ok_or_else(malformed)?;
        let value = row.buffer().get(range).ok_or_else(malformed)?;
        let is = value.starts_with(b"on") || value.starts_with(b"t");
        match self.asked {
            Some(SHOW_READ_ONLY) => self.session_read_only = Some(is),
            _ => self.in_hot_standby = Some(is),
        }
        self.answered = true;
        Ok(())
    }

    /// The answer is complete; one without a row tells nothing.
    pub(super) fn query_complete(&self) -> Result<(), Fault> {
        if self.answered { Ok(()) } else { Err(Fault::WrongRole(WrongRole::Unknown)) }
    }

    fn compare(
        &mut self,
        fact: Option<bool>,
        wanted: bool,
        query: &'static str,
        problem: WrongRole,
    ) -> Result<Option<&'static str>, Fault> {
        match fact {
            Some(is) if is == wanted => Ok(None),
            Some(_) => Err(Fault::WrongRole(problem)),
            None if self.asked.is_some() => Err(Fault::WrongRole(WrongRole::Unknown)),
            None => {
                self.asked = Some(query);
                Ok(Some(query))
            }
        }
    }
}
