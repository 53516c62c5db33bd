//! The role of the server that `target_session_attrs` demands (libpq: `PQconnectPoll`, `CONNECTION_CHECK_TARGET` and the
//! states after it).
//!
//! The [`StartupMonitor`](crate::startup::StartupMonitor) of a startup exchange has one: it reads the role that the server
//! reports, and there is no session before the role is established. A server before release 14 does not report it; the
//! monitor has the query that establishes it.
//!
//! ```
//! use pgtls_core::{param::TargetSessionAttrs, role::RoleCheck};
//!
//! let mut role = RoleCheck::new(TargetSessionAttrs::Standby);
//! // What the server sends as ParameterStatus while it starts the session up.
//! role.status("in_hot_standby", "on");
//! assert_eq!(role.verdict(), Ok(None), "nothing has to be asked");
//! ```

use crate::param::TargetSessionAttrs;
use core::fmt;

/// Asks a server that does not report whether it is writable.
const SHOW_READ_ONLY: &str = "SHOW transaction_read_only";
/// Asks a server that does not report whether it is a standby.
const IS_IN_RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";

/// Not the kind of server that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongRole {
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
#[derive(Clone, Debug)]
pub struct RoleCheck {
    wanted: Wanted,
    in_hot_standby: Option<bool>,
    default_read_only: Option<bool>,
    session_read_only: Option<bool>,
    asked: Option<&'static str>,
    answered: bool,
}

/// A parameter in which a server reports its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    InHotStandby,
    DefaultReadOnly,
}

impl Reported {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::InHotStandby => "in_hot_standby",
            Self::DefaultReadOnly => "default_transaction_read_only",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    ReadOnly(bool),
    Standby(bool),
}

impl core::error::Error for WrongRole {}

impl RoleCheck {
    /// `prefer-standby` is two rounds over the hosts, `standby` and then `any`; taken as it is, it means the first.
    pub const fn new(wanted: TargetSessionAttrs) -> Self {
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
    pub fn status(&mut self, name: &str, value: &str) {
        let reported = [Reported::InHotStandby, Reported::DefaultReadOnly];
        if let Some(reported) = reported.into_iter().find(|reported| reported.name() == name) {
            self.reported(reported, value == "on");
        }
    }

    pub(crate) fn reported(&mut self, reported: Reported, is_on: bool) {
        match reported {
            Reported::InHotStandby => self.in_hot_standby = Some(is_on),
            Reported::DefaultReadOnly => self.default_read_only = Some(is_on),
        }
    }

    /// The query to ask, or nothing when the server is the right one. It is the same query until it is answered.
    pub fn verdict(&mut self) -> Result<Option<&'static str>, WrongRole> {
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

    /// The one column of a row of the answer, as text: `on`/`off` or `t`/`f`.
    pub fn row(&mut self, value: &[u8]) {
        let is = value.starts_with(b"on") || value.starts_with(b"t");
        match self.asked {
            Some(SHOW_READ_ONLY) => self.session_read_only = Some(is),
            _ => self.in_hot_standby = Some(is),
        }
        self.answered = true;
    }

    /// The answer is complete; one without a row tells nothing. Ask for the verdict again.
    pub fn query_complete(&self) -> Result<(), WrongRole> {
        if self.answered { Ok(()) } else { Err(WrongRole::Unknown) }
    }

    fn compare(
        &mut self,
        fact: Option<bool>,
        wanted: bool,
        query: &'static str,
        problem: WrongRole,
    ) -> Result<Option<&'static str>, WrongRole> {
        match fact {
            Some(is) if is == wanted => Ok(None),
            Some(_) => Err(problem),
            None => {
                self.asked = Some(query);
                Ok(Some(query))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};

    /// The verdict of a server that reports this, and answers so to a query.
    fn verdict(
        wanted: TargetSessionAttrs,
        reports: &[(&str, &str)],
        answer: Option<&[u8]>,
    ) -> Result<bool, WrongRole> {
        let mut role = RoleCheck::new(wanted);
        for (name, value) in reports {
            role.status(name, value);
        }
        if role.verdict()?.is_none() {
            return Ok(false);
        }
        if let Some(value) = answer {
            role.row(value);
        }
        role.query_complete()?;
        role.verdict().map(|again| {
            assert_eq!(again, None, "it asks once");
            true
        })
    }

    #[test]
    fn servers_that_report_are_not_asked() {
        let reports =
            |read_only, standby| [("default_transaction_read_only", read_only), ("in_hot_standby", standby)];
        for (wanted, read_only, standby, expected) in [
            (Any, "on", "on", Ok(false)),
            (ReadWrite, "off", "off", Ok(false)),
            (ReadWrite, "on", "off", Err(WrongRole::ReadOnly)),
            (ReadWrite, "off", "on", Err(WrongRole::ReadOnly)),
            (ReadOnly, "on", "off", Ok(false)),
            (ReadOnly, "off", "on", Ok(false)),
            (ReadOnly, "off", "off", Err(WrongRole::NotReadOnly)),
            (Primary, "on", "off", Ok(false)),
            (Primary, "off", "on", Err(WrongRole::Standby)),
            (Standby, "off", "on", Ok(false)),
            (Standby, "on", "off", Err(WrongRole::NotStandby)),
            (PreferStandby, "off", "off", Err(WrongRole::NotStandby)),
        ] {
            assert_eq!(
                verdict(wanted, &reports(read_only, standby), None),
                expected,
                "{wanted:?} {read_only} {standby}"
            );
        }
    }

    #[test]
    fn older_servers_are_asked_once() {
        for (wanted, answer, expected) in [
            (Any, None, Ok(false)),
            (ReadWrite, Some(b"off".as_slice()), Ok(true)),
            (ReadWrite, Some(b"on"), Err(WrongRole::ReadOnly)),
            (ReadOnly, Some(b"on"), Ok(true)),
            (Primary, Some(b"f"), Ok(true)),
            (Primary, Some(b"t"), Err(WrongRole::Standby)),
            (Standby, Some(b"t"), Ok(true)),
            (Standby, Some(b"f"), Err(WrongRole::NotStandby)),
            (Standby, None, Err(WrongRole::Unknown)),
        ] {
            assert_eq!(verdict(wanted, &[], answer), expected, "{wanted:?} {answer:?}");
        }
    }
}
