//! Why there is no session: the sentence, the class, the advice, for each error that the adapter hands over.
//!
//! A server's own words are shown only when somebody vouches for it.

use super::sqlstate;
use crate::error_class;
use pgtls_core::{
    negotiation::Failure,
    policy::Verification,
    startup::{ClientCertificate, Refusal},
};
use pgtls_rustls::{ActionError, AttemptError, Cause, TlsError};
use pgtls_startup::{ExchangeError, ServerError};
use std::{error::Error, fmt};

/// A failed startup exchange, with what is known of the session that it failed on.
#[derive(Clone, Debug)]
pub(super) struct StartupFailure {
    /// The error of the exchange.
    pub(super) error: ExchangeError,
    /// What was verified about the server.
    pub(super) verified: Verification,
    /// What became of the client certificate.
    pub(super) certificate: ClientCertificate,
}

impl StartupFailure {
    /// Whether somebody vouches for the server, so that its words can be shown.
    fn server_is_authenticated(&self) -> bool {
        self.verified >= Verification::Ca
    }

    /// The server refused the login for want of a client certificate, which it had asked for and did not get. A line of
    /// pg_hba.conf that rejects has the same SQLSTATE, and a server with `ssl_ca_file` asks everybody: so the message
    /// decides, in the words of PostgreSQL's `ClientAuthentication`. They only select a word of ours, as a SQLSTATE does.
    fn misses_certificate(&self) -> bool {
        let wanted = matches!(&self.error, ExchangeError::Server { error, .. }
            if &error.sqlstate == b"28000" && error.message == "connection requires a valid client certificate");
        wanted && self.certificate.requested && !self.certificate.sent
    }
}

impl fmt::Display for StartupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            ExchangeError::Server { error, .. } if self.server_is_authenticated() => words(f, error),
            ExchangeError::Server { error, .. } => {
                f.write_str(sqlstate::sentence(error.sqlstate))?;
                if self.misses_certificate() {
                    f.write_str(
                        ", for want of the client certificate that the server had asked for, as it says",
                    )?;
                }
                write!(
                    f,
                    " (SQLSTATE {}; the server's own words are withheld, as nothing vouches for the server)",
                    error.code()
                )
            }
            other => other.fmt(f),
        }
    }
}

impl Error for StartupFailure {}

/// The server's message, severity first as libpq prints it.
fn words(f: &mut fmt::Formatter<'_>, error: &ServerError) -> fmt::Result {
    write!(f, "{}:  {}", error.severity, error.message)?;
    for (name, text) in [("DETAIL", &error.detail), ("HINT", &error.hint)] {
        if let Some(text) = text {
            write!(f, "; {name}: {text}")?;
        }
    }
    write!(f, " (SQLSTATE {})", error.code())
}

/// The error with its address before it, as libpq prints it.
pub(super) fn line(failed: &AttemptError) -> String {
    format!("{}{}", failed.prefix, sentence(failed))
}

/// The error alone.
pub(super) fn sentence(failed: &AttemptError) -> String {
    match (failed.failure, &failed.cause) {
        // The cause repeats it, unless the exchange failed by itself.
        (Some(failure @ Failure::LocalRefusal(refusal)), Some(Cause::Embedder(ActionError::Startup(_))))
            if refusal != Refusal::Exchange =>
        {
            failure.to_string()
        }
        (
            Some(failure @ (Failure::StartupBroken(_) | Failure::TimedOut)),
            Some(Cause::Embedder(ActionError::Startup(_))),
        ) => failure.to_string(),
        _ => failed.to_string().split_off(failed.prefix.len()),
    }
}

/// The class of an error.
pub(super) fn class(failed: &AttemptError) -> &'static str {
    match (failed.failure, &failed.cause) {
        (Some(Failure::TimedOut), _) => "timeout",
        (_, Some(Cause::Lookup { .. })) => "could-not-resolve",
        (_, Some(Cause::Embedder(ActionError::Tls(error)))) => error_class::of_tls(error),
        (_, Some(Cause::Param(error))) => error_class::of_param(error),
        (_, Some(Cause::Plan(_))) => "server-no-gss",
        (Some(Failure::Connect) | None, Some(Cause::Embedder(ActionError::Io(error)))) => {
            error_class::of_io(error)
        }
        (Some(Failure::ServerError { .. }), Some(Cause::Embedder(ActionError::Startup(error))))
            if error.downcast_ref::<StartupFailure>().is_some_and(StartupFailure::misses_certificate) =>
        {
            "client-cert-missing"
        }
        (Some(failure), _) => error_class::of_failure(failure),
        (None, _) => "other",
    }
}

/// The advice of the verdict on a chain that was refused.
pub(super) fn chain_advice(failed: &AttemptError) -> Option<&'static str> {
    match failed.embedder() {
        Some(ActionError::Tls(TlsError::Chain(error))) => error.path().map(|path| path.verdict.advice()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_refused_for_want_of_a_certificate() {
        const WANTED: &str = "connection requires a valid client certificate";
        const REJECTED: &str =
            "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"u\", database \"d\"";
        for (sqlstate, message, requested, sent, expected) in [
            (*b"28000", WANTED, true, false, true),
            (*b"28000", WANTED, true, true, false),
            (*b"28000", WANTED, false, false, false),
            (*b"28000", REJECTED, true, false, false),
            (*b"28P01", WANTED, true, false, false),
        ] {
            let body = [b"C", &sqlstate[..], b"\0M", message.as_bytes(), b"\0\0"].concat();
            let error = ServerError::parse(&body).expect("it is well-formed");
            let failure = StartupFailure {
                error: ExchangeError::Server { error, after_authentication: false },
                verified: Verification::None,
                certificate: ClientCertificate { requested, sent },
            };
            assert_eq!(failure.misses_certificate(), expected, "{failure:?}");
        }
    }
}
