//! Observations as events of `tracing`, in one span for each connection.

use super::{Observation, Observer};
use pgtls_core::{
    connect::{Action, Address, Cause, Peer, Purpose},
    message,
};
use pgtls_rustls::{ActionError, AttemptError, SessionFacts};
use std::{
    fmt::{self, Write as _},
    sync::Arc,
};
use tracing::{Span, field::display, level_filters::LevelFilter};

/// An observer for a connection, unless `tracing` is off.
pub(super) fn observer(purpose: Purpose) -> Option<Arc<dyn Observer>> {
    if LevelFilter::current() == LevelFilter::OFF {
        return None;
    }
    let purpose = match purpose {
        Purpose::Session => "session",
        Purpose::Cancel => "cancel",
        Purpose::Tls => "tls",
    };
    Some(Arc::new(Tracing(tracing::info_span!(target: "pgtls", "connection", purpose))))
}

struct Tracing(Span);

/// An event with the place of a server.
macro_rules! event {
    ($level:ident, $peer:expr, $($field:tt)*) => {{
        let Place { host, addr, port } = Place::of($peer);
        tracing::$level!(target: "pgtls", host, addr = addr.as_deref(), port, $($field)*)
    }};
}

impl Observer for Tracing {
    fn observe(&self, peer: Option<&Peer>, observation: Observation<'_>) {
        self.0.in_scope(|| match observation {
            Observation::Action(action) => on_action(peer, action),
            Observation::Event(event) => event!(debug, peer, event = event.as_str(), "event"),
            Observation::Tls(facts) => on_tls(peer, facts),
            Observation::Failure(error) => {
                event!(info, peer, failure = display(Printable(Failure(error))), "attempt failed");
            }
            Observation::File(file) => {
                let (role, path, state) =
                    (file.role.rule().parameter, file.path.as_deref(), display(Printable(&file.state)));
                event!(debug, peer, role, path, state, "file");
            }
            Observation::Warning(warning) => {
                event!(warn, peer, warning = warning.name(), "{}", Printable(warning));
            }
        });
    }
}

fn on_action(peer: Option<&Peer>, action: &Action) {
    match action {
        Action::Resolve { name, port } => {
            tracing::debug!(target: "pgtls", host = without_password(name), port, "resolve");
        }
        Action::Open => event!(debug, peer, "open"),
        Action::CheckPeer => event!(debug, peer, "check peer"),
        Action::Send(bytes) => event!(debug, peer, request = request(bytes), "send"),
        Action::Receive { .. } => event!(trace, peer, "receive"),
        Action::StartTls { direct, server_name } => {
            let sni = server_name.as_ref().ok().and_then(Option::as_deref);
            event!(debug, peer, direct, sni, "start TLS");
        }
        Action::StartGss => event!(debug, peer, "start GSS"),
        Action::Startup => event!(debug, peer, "startup"),
        Action::Done(encryption) => event!(info, peer, method = encryption.as_str(), "done"),
        Action::Established(encryption) => event!(info, peer, method = encryption.as_str(), "established"),
        Action::Failed => event!(info, peer, "failed"),
        _ => {}
    }
}

fn on_tls(peer: Option<&Peer>, facts: &SessionFacts) {
    let SessionFacts { protocol, cipher, sni, verified, matched_name, client_certificate, .. } = facts;
    event!(
        debug,
        peer,
        protocol,
        cipher = cipher.name,
        sni = sni.as_deref(),
        verified = verified.as_str(),
        matched_name = matched_name.as_deref(),
        client_certificate_requested = client_certificate.requested,
        client_certificate_sent = client_certificate.sent,
        "TLS established"
    );
}

/// The name of a request. Other bytes are the alert of a failed handshake.
fn request(bytes: &[u8]) -> &'static str {
    if bytes == message::SSL_REQUEST {
        "SSLRequest"
    } else if bytes == message::GSSENC_REQUEST {
        "GSSENCRequest"
    } else {
        "alert"
    }
}

/// Host, address and port of a server as fields.
#[derive(Default)]
struct Place<'a> {
    host: Option<&'a str>,
    addr: Option<String>,
    port: Option<u16>,
}

impl<'a> Place<'a> {
    fn of(peer: Option<&'a Peer>) -> Self {
        let Some(peer) = peer else { return Self::default() };
        let (addr, port) = match &peer.address {
            None => (None, None),
            Some(Address::Tcp(address)) => (Some(address.ip().to_string()), Some(address.port())),
            Some(Address::Unix(path)) => (Some(path.clone()), None),
        };
        Self { host: peer.host.as_deref().map(without_password), addr, port }
    }
}

/// Text before an `@` in a host is the end of a password that was not encoded. An abstract unix socket begins with `@`.
fn without_password(host: &str) -> &str {
    host.rfind('@').and_then(|at| host.get(at..)).unwrap_or(host)
}

/// A failed attempt without the text of the driver's error, which may be the server's.
struct Failure<'a>(&'a AttemptError);

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        match (&error.cause, error.failure) {
            (Some(Cause::Embedder(ActionError::Startup(_))), Some(failure)) => {
                write!(f, "{}{failure}", error.prefix)
            }
            (Some(Cause::Embedder(ActionError::Startup(_))), None) => {
                write!(f, "{}the startup exchange failed", error.prefix)
            }
            _ => error.fmt(f),
        }
    }
}

/// Text without control characters.
struct Printable<T>(T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escape<'a, 'f>(&'a mut fmt::Formatter<'f>);

        impl fmt::Write for Escape<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars().try_for_each(|character| {
                    if character.is_control() {
                        write!(self.0, "{}", character.escape_default())
                    } else {
                        self.0.write_char(character)
                    }
                })
            }
        }

        write!(Escape(f), "{}", self.0)
    }
}
