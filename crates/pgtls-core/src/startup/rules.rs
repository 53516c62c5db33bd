//! Parameters and facts that a startup exchange is checked against.

use crate::{
    hardening::Hardening,
    param::{AuthMethods, ChannelBinding, Params, ProtocolVersion, SslCertMode, TargetSessionAttrs},
};

/// The state of the client certificate in the TLS layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct ClientCertificate {
    /// The server requested one.
    pub requested: bool,
    /// One was sent.
    pub sent: bool,
}

impl ClientCertificate {
    /// Neither requested nor sent.
    pub const NONE: Self = Self { requested: false, sent: false };

    /// The flags that `sslcertmode=require` is checked against on this connection, after `earlier` ones of the same connection
    /// attempt.
    ///
    /// libpq never clears its two flags: a certificate that a failed TLS connection has requested satisfies
    /// `sslcertmode=require` on the plaintext connection after it. The hardening `certificate_flags_per_attempt` ends that.
    #[must_use]
    pub const fn after(self, earlier: Self, hardening: Hardening) -> Self {
        if hardening.certificate_flags_per_attempt {
            self
        } else {
            Self { requested: self.requested || earlier.requested, sent: self.sent || earlier.sent }
        }
    }
}

/// The parameters that [`StartupMonitor`](super::StartupMonitor) enforces.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StartupRules {
    /// `require_auth`.
    pub require_auth: AuthMethods,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// `sslcertmode`.
    pub sslcertmode: SslCertMode,
    /// `min_protocol_version`.
    pub min_protocol_version: ProtocolVersion,
    /// `max_protocol_version`; no StartupMessage may request a newer version.
    pub max_protocol_version: ProtocolVersion,
    /// The role that the server must have. `prefer-standby` in the parameters demands nothing of a single server; a
    /// [`Connection`](crate::connect::Connection) has a role for each round over the hosts
    /// ([`Peer::target_session_attrs`](crate::connect::Peer::target_session_attrs)).
    pub target_session_attrs: TargetSessionAttrs,
    /// There is no password: a request for one ends the exchange. `false` leaves that to the driver.
    pub no_password: bool,
}

impl StartupRules {
    /// The defaults of libpq.
    pub const NONE: Self = Self {
        require_auth: AuthMethods::ANY,
        channel_binding: ChannelBinding::Prefer,
        sslcertmode: SslCertMode::Allow,
        min_protocol_version: ProtocolVersion::V3_0,
        max_protocol_version: ProtocolVersion::V3_0,
        target_session_attrs: TargetSessionAttrs::Any,
        no_password: false,
    };
}

impl From<&Params> for StartupRules {
    fn from(params: &Params) -> Self {
        Self {
            require_auth: params.require_auth(),
            channel_binding: params.channel_binding(),
            sslcertmode: params.sslcertmode(),
            min_protocol_version: params.min_protocol_version(),
            max_protocol_version: params.max_protocol_version(),
            target_session_attrs: match params.target_session_attrs() {
                TargetSessionAttrs::PreferStandby => TargetSessionAttrs::Any,
                role => role,
            },
            no_password: false,
        }
    }
}
