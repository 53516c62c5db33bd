//! The TLS side of one connection: what rustls is given, and what is known afterwards.

use crate::{
    error::{SigningError, TlsError},
    facts::{self, SessionFacts},
    handshake_log::HandshakeLog,
    sni::Indication,
    versions::VersionRange,
};
use pgtls_core::{
    message::ALPN_POSTGRESQL,
    negotiation::{Alpn, TlsFacts},
    policy::{RootPresence, Verification},
    startup::ClientCertificate,
};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, InvalidMessage, KeyLog, OtherError, PeerIncompatible,
    pki_types::ServerName,
};
use std::{io, sync::Arc};

/// The TLS side of one connection.
///
/// Whoever runs the handshake makes a [`ClientConnection`] (or an asynchronous stream) of [`config`](Self::config) and
/// [`server_name`](Self::server_name), runs it to its end, and comes back for [`facts`](Self::facts) or
/// [`failure`](Self::failure).
#[derive(Debug)]
pub struct Session {
    config: Arc<ClientConfig>,
    indication: Indication,
    root: RootPresence,
    verification: Verification,
    versions: VersionRange,
    lacking: Arc<[&'static str]>,
    record: Arc<HandshakeLog>,
}

impl Session {
    pub(crate) fn new(
        config: Arc<ClientConfig>,
        indication: Indication,
        root: RootPresence,
        verification: Verification,
        versions: VersionRange,
        lacking: Arc<[&'static str]>,
        record: Arc<HandshakeLog>,
    ) -> Self {
        Self { config, indication, root, verification, versions, lacking, record }
    }

    /// With the secrets of this one connection logged here, and not where the connector's options say.
    #[must_use]
    pub fn with_key_log(mut self, key_log: Arc<dyn KeyLog>) -> Self {
        Arc::make_mut(&mut self.config).key_log = key_log;
        self
    }

    /// The configuration of this one connection. It cannot be used for another: its verifier writes down what it sees.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// The name to give to rustls. What is verified is the host that the connector was given, whatever this says.
    pub fn server_name(&self) -> ServerName<'static> {
        self.indication.server_name.clone()
    }

    /// Facts for the negotiation machine; `None` before the handshake is complete, when nothing is proved yet.
    pub fn facts(&self, connection: &ClientConnection) -> Option<TlsFacts> {
        if connection.is_handshaking() {
            return None;
        }
        let seen = self.record.seen();
        Some(TlsFacts {
            alpn: match connection.alpn_protocol() {
                None => Alpn::Absent,
                Some(ALPN_POSTGRESQL) => Alpn::Postgresql,
                Some(_) => Alpn::Other,
            },
            root: self.root,
            chain: seen.chain.as_ref().map(|(proof, _)| *proof),
            name: seen.name.as_ref().map(|(proof, _)| *proof),
        })
    }

    /// After a failed handshake: why. `error` is what the stream returned, with rustls' error inside if it was rustls
    /// that failed.
    pub fn failure(&self, error: io::Error) -> TlsError {
        match error.downcast::<rustls::Error>() {
            Ok(error) => self.refusal(error),
            Err(error) => TlsError::Connection(error),
        }
    }

    /// The same for callers who have rustls' error itself.
    pub fn refusal(&self, error: rustls::Error) -> TlsError {
        if let Some(refused) = self.record.seen().refused.take() {
            return refused;
        }
        if let rustls::Error::Other(OtherError(cause)) = &error
            && let Some(error) = cause.downcast_ref::<SigningError>()
        {
            return TlsError::Signing(error.clone());
        }
        match error {
            rustls::Error::NoCertificatesPresented => TlsError::NoCertificate,
            error if speaks_of_versions(&error) => TlsError::ProtocolVersion { error, range: self.versions },
            rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) if !self.lacking.is_empty() => {
                TlsError::NothingInCommon { lacking: self.lacking.clone() }
            }
            error => TlsError::Handshake(error),
        }
    }

    /// What the server asked for and was sent, so far, as `sslcertmode=require` looks at it.
    pub fn client_certificate(&self) -> ClientCertificate {
        self.record.seen().client_certificate()
    }

    /// What is verified in this session, if it succeeds.
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// The server name indication that is sent, if any.
    pub fn sni(&self) -> Option<&str> {
        self.indication.sent.as_deref()
    }

    /// Facts for people and drivers; `None` before the handshake is complete.
    pub fn session_facts(&self, connection: &ClientConnection) -> Option<SessionFacts> {
        if connection.is_handshaking() {
            return None;
        }
        let seen = self.record.seen();
        Some(SessionFacts {
            protocol: facts::protocol(connection),
            cipher: facts::cipher(connection),
            alpn: connection.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            sni: self.indication.sent.clone(),
            verified: self.verification,
            matched_name: seen.name.as_ref().map(|(_, name)| name.clone()),
            path: seen.chain.as_ref().map(|(_, path)| path.certificates.clone()).unwrap_or_default(),
            peer_certificate: connection.peer_certificates().and_then(<[_]>::first).cloned(),
            client_certificate: seen.client_certificate(),
        })
    }
}

/// Whether a handshake failed in a way that lets libpq add a hint about the range of versions (libpq:
/// `open_client_SSL`).
fn speaks_of_versions(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        // Bytes that are no TLS record: OpenSSL sees a wrong version number in them.
        | rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => true,
        rustls::Error::PeerIncompatible(reason) => matches!(
            reason,
            PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        ),
        _ => false,
    }
}
