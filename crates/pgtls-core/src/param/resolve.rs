//! From settings of several origins to one validated value (spec 1.2, 1.7 - 1.9).

use super::{
    AuthMethods, ChannelBinding, GssEncMode, LoadBalanceHosts, ParamError, ProtocolVersion, Secret, Settings,
    Source, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs, TlsVersion,
};
use crate::{environment::Environment, hardening::Hardening};
use alloc::{string::String, vec::Vec};
use core::time::Duration;

/// What the program that embeds us can do; decides defaults and which values are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ability {
    /// It can do GSSAPI encryption. Without: `gssencmode` defaults to `disable` and `require` is an error.
    pub gss: bool,
}

/// One item of the host list (spec 1.8); empty texts are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostItem {
    /// `host`: name for lookup, verification and SNI, or a socket directory.
    pub host: Option<String>,
    /// `hostaddr`: numeric address, parsed when tried.
    pub hostaddr: Option<String>,
    /// `port`: text, parsed when tried.
    pub port: Option<String>,
}

/// Validated parameters of a connection.
#[derive(Clone, Debug)]
pub struct Params {
    // private
}

#[allow(clippy::unused_self)]
impl Params {
    /// Merges explicit settings, the service section and the environment, in that order of precedence, and validates in libpq's order.
    pub fn resolve(
        _explicit: &Settings,
        _service: Option<&Settings>,
        _environment: &Environment,
        _ability: Ability,
    ) -> Result<Self, ParamError> {
        todo!()
    }
    /// With these hardenings on.
    #[must_use]
    pub fn with_hardening(self, _hardening: Hardening) -> Self {
        todo!()
    }
    /// The hardenings that are on; none by default.
    pub fn hardening(&self) -> Hardening {
        todo!()
    }
    /// `sslmode`.
    pub fn sslmode(&self) -> SslMode {
        todo!()
    }
    /// `sslnegotiation`.
    pub fn sslnegotiation(&self) -> SslNegotiation {
        todo!()
    }
    /// `sslcertmode`.
    pub fn sslcertmode(&self) -> SslCertMode {
        todo!()
    }
    /// `gssencmode`.
    pub fn gssencmode(&self) -> GssEncMode {
        todo!()
    }
    /// `channel_binding`.
    pub fn channel_binding(&self) -> ChannelBinding {
        todo!()
    }
    /// `require_auth`.
    pub fn require_auth(&self) -> AuthMethods {
        todo!()
    }
    /// `ssl_min_protocol_version`; `None` when empty.
    pub fn ssl_min_protocol_version(&self) -> Option<TlsVersion> {
        todo!()
    }
    /// `ssl_max_protocol_version`; `None` when empty or not given.
    pub fn ssl_max_protocol_version(&self) -> Option<TlsVersion> {
        todo!()
    }
    /// `sslsni`: whether SNI is sent.
    pub fn sslsni(&self) -> bool {
        todo!()
    }
    /// `target_session_attrs`.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        todo!()
    }
    /// `load_balance_hosts`.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        todo!()
    }
    /// `min_protocol_version`.
    pub fn min_protocol_version(&self) -> ProtocolVersion {
        todo!()
    }
    /// `max_protocol_version`.
    pub fn max_protocol_version(&self) -> ProtocolVersion {
        todo!()
    }
    /// `password`.
    pub fn password(&self) -> Option<&Secret> {
        todo!()
    }
    /// `sslpassword`; empty is `None`.
    pub fn sslpassword(&self) -> Option<&Secret> {
        todo!()
    }
    /// The user to connect as: `user`, else the operating system's name.
    pub fn user(&self) -> &str {
        todo!()
    }
    /// The database: `dbname`, else the user.
    pub fn dbname(&self) -> &str {
        todo!()
    }
    /// The host list, at least one item.
    pub fn hosts(&self) -> &[HostItem] {
        todo!()
    }
    /// `connect_timeout`, parsed as libpq does when waiting starts (spec 3.9).
    pub fn connect_timeout(&self) -> Result<Option<Duration>, ParamError> {
        todo!()
    }
    /// Pairs of the StartupMessage in libpq's order: user, database, replication, options, application_name, client_encoding ...
    pub fn startup_pairs(&self) -> Vec<(&str, &str)> {
        todo!()
    }
    /// Raw value of any parameter that is not a secret (after defaults); `None` when not set. Use for sslcert, sslkey, sslrootcert, sslcrl, sslcrldir, requirepeer, sslkeylogfile, ...; an empty value is `Some("")`.
    pub fn value(&self, _keyword: &str) -> Option<&str> {
        todo!()
    }
    /// Where the value of a parameter came from.
    pub fn source(&self, _keyword: &str) -> Option<&Source> {
        todo!()
    }
}
