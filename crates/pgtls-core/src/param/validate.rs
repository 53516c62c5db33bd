//! The checks that come before any connection, in libpq's order (`pqConnectOptions2`).

use super::{
    Ability, AuthMethods, ChannelBinding, GssEncMode, HostItem, Keyword, LoadBalanceHosts, ParamError,
    ParamErrorKind, ProtocolVersion, Settings, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs,
    TlsVersion, host, scram_key,
};
use crate::policy::row;
use alloc::{borrow::ToOwned, vec::Vec};

/// What the checks make of the settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    pub(super) hosts: Vec<HostItem>,
    pub(super) require_auth: AuthMethods,
    pub(super) channel_binding: ChannelBinding,
    pub(super) sslmode: SslMode,
    pub(super) sslnegotiation: SslNegotiation,
    pub(super) ssl_min_protocol_version: Option<TlsVersion>,
    pub(super) ssl_max_protocol_version: Option<TlsVersion>,
    pub(super) sslcertmode: SslCertMode,
    pub(super) gssencmode: GssEncMode,
    pub(super) target_session_attrs: TargetSessionAttrs,
    pub(super) load_balance_hosts: LoadBalanceHosts,
    pub(super) min_protocol_version: ProtocolVersion,
    pub(super) max_protocol_version: ProtocolVersion,
}

/// The first failure is reported alone.
pub(super) fn check(settings: &Settings, ability: Ability) -> Result<Checked, ParamError> {
    let at = |keyword: &'static str| At { settings, keyword };

    let hosts = at("host").blame(host::list(settings))?;
    at("user").blame(match at("user").text() {
        "" => Err(ParamErrorKind::NoUser),
        _ => Ok(()),
    })?;
    let require_auth = match settings.value("require_auth") {
        Some(list) => at("require_auth").blame(AuthMethods::parse(&list.value))?,
        None => AuthMethods::default(),
    };
    let channel_binding = at("channel_binding").word(ChannelBinding::from_word)?;
    let sslmode = at("sslmode").word(SslMode::from_word)?;
    let sslnegotiation = at("sslnegotiation").word(SslNegotiation::from_word)?;
    at("sslmode").refuse_if(
        sslnegotiation == SslNegotiation::Direct && !row(sslmode).direct,
        ParamErrorKind::WeakModeForDirect { sslmode },
    )?;
    at("sslmode").refuse_if(
        at("sslrootcert").text() == "system" && !row(sslmode).system_roots,
        ParamErrorKind::WeakModeForSystem { sslmode },
    )?;
    let ssl_min_protocol_version = at("ssl_min_protocol_version").tls_version()?;
    let ssl_max_protocol_version = at("ssl_max_protocol_version").tls_version()?;
    at("ssl_max_protocol_version").refuse_if(
        ssl_min_protocol_version.zip(ssl_max_protocol_version).is_some_and(|(min, max)| min > max),
        ParamErrorKind::TlsVersionRange,
    )?;
    let sslcertmode = at("sslcertmode").word(SslCertMode::from_word)?;
    let gssencmode = at("gssencmode").word(GssEncMode::from_word)?;
    at("gssencmode")
        .refuse_if(gssencmode == GssEncMode::Require && !ability.gss, ParamErrorKind::GssNotSupported)?;
    let target_session_attrs = at("target_session_attrs").word(TargetSessionAttrs::from_word)?;
    for keyword in ["scram_client_key", "scram_server_key"] {
        if let Some(key) = settings.value(keyword) {
            at(keyword).blame(scram_key::check(keyword, &key.value))?;
        }
    }
    let load_balance_hosts = at("load_balance_hosts").word(LoadBalanceHosts::from_word)?;
    let min_protocol_version =
        at("min_protocol_version").protocol_version()?.unwrap_or(ProtocolVersion::V3_0);
    // The newest version only for those who rule the oldest one out: servers and poolers that cannot negotiate the
    // version are still about.
    let max_protocol_version = at("max_protocol_version").protocol_version()?.unwrap_or(
        if min_protocol_version > ProtocolVersion::V3_0 {
            ProtocolVersion::LATEST
        } else {
            ProtocolVersion::V3_0
        },
    );
    at("min_protocol_version")
        .refuse_if(min_protocol_version > max_protocol_version, ParamErrorKind::ProtocolVersionRange)?;

    Ok(Checked {
        hosts,
        require_auth,
        channel_binding,
        sslmode,
        sslnegotiation,
        ssl_min_protocol_version,
        ssl_max_protocol_version,
        sslcertmode,
        gssencmode,
        target_session_attrs,
        load_balance_hosts,
        min_protocol_version,
        max_protocol_version,
    })
}

/// A parameter among its settings: what is wrong with it is wrong where it was written.
#[derive(Clone, Copy)]
struct At<'a> {
    settings: &'a Settings,
    keyword: &'static str,
}

impl<'a> At<'a> {
    /// The text; a parameter that is not set is empty here.
    fn text(self) -> &'a str {
        self.settings.value(self.keyword).map_or("", |setting| &setting.value)
    }

    fn blame<T>(self, result: Result<T, ParamErrorKind>) -> Result<T, ParamError> {
        result.map_err(|kind| match self.settings.value(self.keyword) {
            Some(setting) => kind.from(setting.source.clone()),
            None => kind.into(),
        })
    }

    fn refuse_if(self, wrong: bool, kind: ParamErrorKind) -> Result<(), ParamError> {
        self.blame(if wrong { Err(kind) } else { Ok(()) })
    }

    fn invalid(self) -> ParamErrorKind {
        let allowed = Keyword::find(self.keyword).map_or(&[][..], |keyword| keyword.words);
        ParamErrorKind::InvalidValue { keyword: self.keyword, value: self.text().to_owned(), allowed }
    }

    /// One of the words, exactly as libpq spells it.
    fn word<T>(self, from_word: fn(&str) -> Option<T>) -> Result<T, ParamError> {
        self.blame(from_word(self.text()).ok_or_else(|| self.invalid()))
    }

    /// The one kind of word whose case does not count; empty means no bound.
    fn tls_version(self) -> Result<Option<TlsVersion>, ParamError> {
        let text = self.text();
        let known = TlsVersion::ALL.iter().find(|version| version.as_str().eq_ignore_ascii_case(text));
        match known {
            None if !text.is_empty() => self.blame(Err(self.invalid())),
            known => Ok(known.copied()),
        }
    }

    /// `None` when it is not set; empty is an error.
    fn protocol_version(self) -> Result<Option<ProtocolVersion>, ParamError> {
        match self.settings.value(self.keyword) {
            None => Ok(None),
            Some(setting) if setting.value == "latest" => Ok(Some(ProtocolVersion::LATEST)),
            Some(_) => self.word(ProtocolVersion::from_word).map(Some),
        }
    }
}
