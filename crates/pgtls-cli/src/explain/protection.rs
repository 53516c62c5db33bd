//! What a mode protects against, as PostgreSQL's documentation says it ("SSL Support", table "SSL Mode Descriptions").

use pgtls_core::{param::SslMode, policy::Verification};
use serde::Serialize;

/// What an attacker on the way can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Protection {
    /// Whether reading along is prevented.
    pub(crate) eavesdropping: Against,
    /// Whether standing in for the server (man in the middle) is prevented.
    pub(crate) interception: Against,
}

/// Whether an attack is prevented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Against {
    /// It is not.
    No,
    /// Only if the server happens to insist on TLS.
    Maybe,
    /// As far as nobody else gets a certificate from the same authority.
    DependsOnAuthority,
    /// It is.
    Yes,
    /// The connection does not leave the machine.
    Local,
}

impl Against {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "only if the server insists on TLS and nobody interferes",
            Self::DependsOnAuthority => {
                "as far as the certificate authority gives no certificate to an attacker (a private authority: yes, a public one: no)"
            }
            Self::Yes => "yes",
            Self::Local => "a unix socket does not leave this machine",
        }
    }
}

/// What TCP connections of this mode are protected against.
pub(crate) fn protection(sslmode: SslMode, verified: Option<Verification>) -> Protection {
    let (eavesdropping, interception) = match (sslmode, verified) {
        (SslMode::Disable, _) => (Against::No, Against::No),
        (SslMode::Allow | SslMode::Prefer, _) => (Against::Maybe, Against::No),
        (_, Some(Verification::None)) => (Against::Yes, Against::No),
        (_, Some(Verification::Ca)) => (Against::Yes, Against::DependsOnAuthority),
        // Without a root file nothing is ever sent.
        (_, Some(Verification::Full) | None) => (Against::Yes, Against::Yes),
    };
    Protection { eavesdropping, interception }
}

/// Of connections over a unix socket.
pub(crate) const LOCAL: Protection =
    Protection { eavesdropping: Against::Local, interception: Against::Local };

/// What is verified, in a sentence.
pub(crate) fn sentence(sslmode: SslMode, verified: Option<Verification>, tcp: bool) -> String {
    if !tcp {
        return "nothing: a unix socket is never encrypted, and sslmode has no effect on it".to_owned();
    }
    if sslmode == SslMode::Disable {
        return "nothing: TLS is not used".to_owned();
    }
    let what = match verified {
        None => return format!("sslmode={sslmode} needs a root file: without it TLS cannot be set up"),
        Some(Verification::None) => "nothing: any certificate is accepted",
        Some(Verification::Ca) => "the chain of the server's certificate, up to a root in the root file",
        Some(Verification::Full) => "the chain of the server's certificate, and that it is for the host",
    };
    let when = if sslmode < SslMode::Require { " (when TLS is used at all)" } else { "" };
    format!("sslmode={sslmode} verifies {what}{when}")
}
