//! The handshake of a connection, honest or not, and what there was to see of the client in it.

use super::Connection;
use crate::server::{
    answer::{Alpn, Flight},
    client_hello_rewrite::ClientHelloRewrite,
    hello::{self, Progress},
    record::HelloRecord,
    wire::Gone,
};
use der::Decode as _;
use rustls::{ProtocolVersion, ServerConnection};

/// A fatal alert handshake_failure in a record of its own (RFC 8446, section 6).
pub(super) const ALERT: &[u8] = &[0x15, 3, 3, 0, 2, 2, 40];
/// The same of protocol_version.
const ALERT_VERSION: &[u8] = &[0x15, 3, 3, 0, 2, 2, 70];

impl Connection<'_> {
    pub(super) fn handshake(&mut self, alpn: Alpn) -> Result<(), Gone> {
        let hello = self.read_hello()?;
        let flight = self.behaviour.tls.flight;
        match flight {
            Flight::Alert => {
                self.wire.send_raw(ALERT)?;
                return Err(self.wire.linger());
            }
            Flight::OldVersion => {
                self.wire.send_raw(ALERT_VERSION)?;
                return Err(self.wire.linger());
            }
            Flight::Close => return Err(self.wire.linger()),
            Flight::Whole | Flight::Slow | Flight::Garbage => {}
        }
        let disguise = hello.as_ref().and_then(|hello| ClientHelloRewrite::needed(hello, alpn));
        let failed = |error: rustls::Error| Gone::Tls(error.to_string());
        let config = self.prepared.config(alpn, disguise.is_some()).map_err(failed)?;
        let tls = ServerConnection::new(config).map_err(failed)?;
        let came = self.wire.take(usize::MAX);
        let shown = match (disguise, hello) {
            (Some(disguise), Some(hello)) => {
                let records = disguise.records();
                disguise.activate();
                [&records, came.get(hello.record_bytes..).unwrap_or_default()].concat()
            }
            _ => came,
        };
        self.wire.handshake(tls, &shown, flight)?;
        self.note_session();
        Ok(())
    }

    /// Waits for a whole ClientHello, which stays where it is. `None` when the bytes are something else.
    pub(super) fn read_hello(&mut self) -> Result<Option<hello::ClientHello>, Gone> {
        loop {
            match hello::assemble(self.wire.waiting()) {
                Progress::Incomplete => self.wire.receive()?,
                Progress::Nonsense => {
                    // An alert for instance: the client tried, and has no ClientHello to send.
                    self.recorder.note(|seen| seen.hello = Some(HelloRecord::default()));
                    return Ok(None);
                }
                Progress::Complete(hello) => {
                    self.recorder.note(|seen| seen.hello = Some(hello.seen()));
                    return Ok(Some(hello));
                }
            }
        }
    }

    fn note_session(&self) {
        let Some(tls) = self.wire.tls() else { return };
        let version = match tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "unknown",
        };
        let subject = tls.peer_certificates().and_then(<[_]>::first).map(|certificate| {
            x509_cert::Certificate::from_der(certificate)
                .ok()
                .and_then(|certificate| certificate.tbs_certificate().subject().common_name().ok().flatten())
                .map(|name| name.value().into_owned())
                .unwrap_or_default()
        });
        self.recorder.note(|seen| {
            seen.tls_version = Some(version.to_owned());
            seen.client_certificate = subject;
        });
    }
}
