//! What the watch is told when it is made.

use crate::{
    hardening::Hardening,
    param::{AuthMethods, ChannelBinding, Params, ProtocolVersion, SslCertMode, TargetSessionAttrs},
};

/// What the TLS layer knows about the client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct ClientCertificate {
    /// The server asked for one.
    pub requested: bool,
    /// One was sent.
    pub sent: bool,
}

impl ClientCertificate {
    /// Neither asked for nor sent.
    pub const NONE: Self = Self { requested: false, sent: false };

    /// What `sslcertmode=require` is held against on this connection, after `earlier` ones of the same attempt.
    ///
    /// libpq never clears its two flags, so that a certificate that a refused TLS connection has asked for lets the
    /// plaintext connection after it pass. The hardening `certificate_flags_per_attempt` ends that.
    #[must_use]
    pub const fn after(self, earlier: Self, hardening: Hardening) -> Self {
        if hardening.certificate_flags_per_attempt {
            self
        } else {
            Self { requested: self.requested || earlier.requested, sent: self.sent || earlier.sent }
        }
    }
}

/// The parameters that the watch enforces.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WatchRules {
    /// `require_auth`.
    pub require_auth: AuthMethods,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// `sslcertmode`.
    pub sslcertmode: SslCertMode,
    /// `min_protocol_version`.
    pub min_protocol_version: ProtocolVersion,
    /// `max_protocol_version`; the version of the StartupMessage until the gate has read another one from it.
    pub max_protocol_version: ProtocolVersion,
    /// The role that the server must have. `prefer-standby` in the parameters is no demand on a single server; the walk
    /// over the hosts has one for each round
    /// ([`Candidates::target_session_attrs`](crate::candidates::Candidates::target_session_attrs)).
    pub target_session_attrs: TargetSessionAttrs,
    /// There is no password: a request for one is refused here. `false` leaves it to the driver.
    pub no_password: bool,
}

impl WatchRules {
    /// What libpq enforces when nothing is said.
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

impl From<&Params> for WatchRules {
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
