//! After the startup packet: the server's bytes up to ReadyForQuery (spec 3.4, 7.5, 10).

use crate::{
    negotiation::{Encryption, Input},
    param::Params,
};

/// How the exchange after the startup packet broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Broken {
    /// The server closed the connection (EOF, close_notify or an alert).
    Closed,
    /// A message of a type that does not belong here, by its first byte.
    Unexpected(u8),
    /// A message whose length or content makes no sense.
    Malformed(u8),
}

/// Why we refused to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The server wants a password and there is none.
    NoPassword,
    /// `require_auth` does not allow what the server asks for.
    AuthNotAllowed,
    /// `channel_binding=require` and the server asked for, or accepted, something unbound.
    ChannelBindingRequired,
    /// PLUS offered without TLS (spec 10.2).
    PlusWithoutTls,
    /// `sslcertmode=require` and the server did not ask for a certificate.
    CertificateNotRequested,
    /// `sslcertmode=require` and none was sent.
    CertificateNotSent,
    /// The authentication exchange itself failed on our side (SCRAM nonce, signature, unknown method).
    Exchange,
}

/// What the TLS layer knows about the client certificate (spec 7.5, 7.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct ClientCertificate {
    /// The server asked for one.
    pub requested: bool,
    /// One was sent.
    pub sent: bool,
}

/// Watches the server's bytes after the startup packet. Fixed size, no allocation.
#[derive(Clone, Debug)]
pub struct StartupWatch {
    // private
}

#[allow(clippy::unused_self)]
impl StartupWatch {
    /// For one connection on which the startup packet was sent.
    pub fn new(_params: &Params, _encryption: Encryption, _certificate: ClientCertificate) -> Self {
        todo!()
    }
    /// Hands in bytes that the server sent, in any split. The first decisive fact is returned, once, as the input for the machine.
    pub fn received(&mut self, _bytes: &[u8]) -> Option<Input<'static>> {
        todo!()
    }
    /// The connection ended (EOF, alert, reset).
    pub fn closed(&mut self) -> Option<Input<'static>> {
        todo!()
    }
    /// Hands in bytes that the client sent after the startup packet: tells which SASL mechanism was chosen.
    pub fn sent(&mut self, _bytes: &[u8]) {
        todo!()
    }
}
