//! Settings made by a program.

use super::{
    AuthMethod, ChannelBinding, GssEncMode, LoadBalanceHosts, ParamError, ParamErrorKind, ProtocolVersion,
    Secret, Setting, Settings, Source, SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs, TlsVersion,
    settings::refuse_nul,
};
use alloc::{borrow::ToOwned, format, string::String};
use core::{fmt, net::IpAddr, time::Duration};

/// Settings for programs that have no connection string.
///
/// Values are typed where libpq knows only some words; every parameter can also be set by its name, with
/// [`set`](Self::set). [`Params::resolve`](super::Params::resolve) then checks them as it checks those of a string.
/// `Display` is a keyword/value string without the secrets.
///
/// ```
/// use pgtls_core::param::{SettingsBuilder, SslMode};
///
/// let builder = SettingsBuilder::new().host("db.example.com", 5432).user("me").sslmode(SslMode::VerifyFull);
/// assert_eq!(builder.to_string(), "host=db.example.com port=5432 user=me sslmode=verify-full");
/// let settings = builder.finish()?;
/// # Ok::<(), pgtls_core::param::ParamError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsBuilder {
    settings: Settings,
    /// The first value that no connection string can hold.
    problem: Option<ParamError>,
}

/// Setters for one parameter each, named like it.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident: $type:ty => $value:expr;)+) => {
        impl SettingsBuilder {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $name(self, $name: $type) -> Self {
                    let value: String = $value;
                    self.put(stringify!($name), value)
                }
            )+
        }
    };
}

setters! {
    /// The user to connect as.
    user: &str => user.to_owned();
    /// The password, for password and SCRAM authentication.
    password: &Secret => password.expose().to_owned();
    /// The password file, in the place of `~/.pgpass`.
    passfile: &str => passfile.to_owned();
    /// The database.
    dbname: &str => dbname.to_owned();
    /// The section of a service file from which other settings are taken.
    service: &str => service.to_owned();
    /// What the server shows as the name of this program.
    application_name: &str => application_name.to_owned();
    /// Command-line options for the server process.
    options: &str => options.to_owned();
    /// Name of the encoding of texts, or `auto`.
    client_encoding: &str => client_encoding.to_owned();
    /// The time for each address, rounded up to whole seconds; zero is no limit.
    connect_timeout: Duration => whole_seconds(connect_timeout);
    /// Whether TLS is used and what it proves.
    sslmode: SslMode => word(sslmode.as_str());
    /// Whether TLS is asked for or begun at once.
    sslnegotiation: SslNegotiation => word(sslnegotiation.as_str());
    /// File of the client's certificate and the intermediate ones, PEM.
    sslcert: &str => sslcert.to_owned();
    /// File of the client's key.
    sslkey: &str => sslkey.to_owned();
    /// Passphrase of the client's key.
    sslpassword: &Secret => sslpassword.expose().to_owned();
    /// Whether the client's certificate is sent.
    sslcertmode: SslCertMode => word(sslcertmode.as_str());
    /// File of the trusted roots, PEM, or the word `system`.
    sslrootcert: &str => sslrootcert.to_owned();
    /// File of revoked certificates.
    sslcrl: &str => sslcrl.to_owned();
    /// Directory of files of revoked certificates.
    sslcrldir: &str => sslcrldir.to_owned();
    /// Whether the host name is sent in clear as server name indication.
    sslsni: bool => word(if sslsni { "1" } else { "0" });
    /// The oldest version of TLS.
    ssl_min_protocol_version: TlsVersion => word(ssl_min_protocol_version.as_str());
    /// The newest version of TLS.
    ssl_max_protocol_version: TlsVersion => word(ssl_max_protocol_version.as_str());
    /// The user that has to own the other end of a unix socket.
    requirepeer: &str => requirepeer.to_owned();
    /// Whether authentication is bound to the TLS session.
    channel_binding: ChannelBinding => word(channel_binding.as_str());
    /// Whether GSSAPI encryption is tried.
    gssencmode: GssEncMode => word(gssencmode.as_str());
    /// What a server has to be.
    target_session_attrs: TargetSessionAttrs => word(target_session_attrs.as_str());
    /// Whether hosts and addresses are tried in random order.
    load_balance_hosts: LoadBalanceHosts => word(load_balance_hosts.as_str());
    /// The oldest version of the PostgreSQL protocol.
    min_protocol_version: ProtocolVersion => word(min_protocol_version.as_str());
    /// The newest version of the PostgreSQL protocol.
    max_protocol_version: ProtocolVersion => word(max_protocol_version.as_str());
}

impl SettingsBuilder {
    /// Nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host: a name, the text of an address, or the directory of a unix socket. Hosts are tried in this order.
    ///
    /// A comma cannot stand in it: libpq would take it for two.
    #[must_use]
    pub fn host(self, host: &str, port: u16) -> Self {
        let comma = host.contains(',').then(|| ParamErrorKind::CommaInHost { host: host.to_owned() });
        self.remember(comma.map(|kind| kind.from(Source::Program)))
            .append("host", host)
            .append("port", &format!("{port}"))
    }

    /// Adds a host whose address is known and not looked up; the name is for verification.
    ///
    /// To be used for all hosts or for none.
    #[must_use]
    pub fn host_at(self, host: &str, address: IpAddr, port: u16) -> Self {
        self.append("hostaddr", &format!("{address}")).host(host, port)
    }

    /// The only ways to authenticate that the server may ask for.
    #[must_use]
    pub fn require_auth(self, methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        let methods = methods.into_iter();
        methods.fold(self.without("require_auth"), |builder, method| {
            builder.append("require_auth", method.as_str())
        })
    }

    /// Sets any parameter by its name.
    ///
    /// # Errors
    /// The name is not known, or the value holds a NUL byte.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, ParamError> {
        self.settings.put_named(name, value.to_owned())?;
        Ok(self)
    }

    /// The settings, for [`Params::resolve`](super::Params::resolve).
    ///
    /// # Errors
    /// A value that no connection string can hold: a NUL byte, or a comma in a host.
    pub fn finish(self) -> Result<Settings, ParamError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self.settings),
        }
    }

    /// What has been set so far.
    #[cfg(feature = "serde")]
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn put(mut self, keyword: &'static str, value: String) -> Self {
        let problem = refuse_nul(&value).err();
        self.settings.put(Setting { keyword, value, source: Source::Program });
        self.remember(problem)
    }

    fn remember(mut self, problem: Option<ParamError>) -> Self {
        self.problem = self.problem.or(problem);
        self
    }

    fn without(mut self, keyword: &'static str) -> Self {
        self.settings.remove(keyword);
        self
    }

    /// Adds an item to a list.
    fn append(self, keyword: &'static str, item: &str) -> Self {
        let list = match self.settings.value(keyword) {
            Some(list) => format!("{},{item}", list.value),
            None => item.to_owned(),
        };
        self.put(keyword, list)
    }
}

impl From<Settings> for SettingsBuilder {
    /// What a string says, to be changed.
    fn from(settings: Settings) -> Self {
        Self { settings, problem: None }
    }
}

impl fmt::Display for SettingsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// Not down: what is left of half a second would be no limit at all.
fn whole_seconds(time: Duration) -> String {
    let rounded_up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    format!("{}", rounded_up.min(u64::from(i32::MAX.unsigned_abs())))
}

fn word(word: &str) -> String {
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        environment::{Environment, Platform},
        param::{Ability, Params},
    };
    use alloc::string::ToString;

    #[test]
    fn says_what_a_string_says() {
        let builder = SettingsBuilder::new()
            .host("a.example", 5432)
            .host("b.example", 5433)
            .user("it's me")
            .password(&Secret::new("hunter2".to_owned()))
            .connect_timeout(Duration::from_millis(1500))
            .sslmode(SslMode::VerifyFull)
            .sslsni(false)
            .require_auth([AuthMethod::Md5])
            .require_auth([AuthMethod::ScramSha256, AuthMethod::None])
            .set("keepalives", "0")
            .unwrap();
        let text = "host=a.example,b.example port=5432,5433 user='it\\'s me' connect_timeout=2 \
                    sslmode=verify-full sslsni=0 require_auth=scram-sha-256,none keepalives=0";
        assert_eq!(builder.to_string(), text);
        assert!(!format!("{builder:?}").contains("hunter2"));

        let environment = Environment::empty(Platform::Unix);
        let params =
            Params::resolve(&builder.finish().unwrap(), None, &environment, Ability::default()).unwrap();
        assert_eq!(params.hosts().len(), 2);
        assert_eq!(params.password().map(Secret::expose), Some("hunter2"));
        assert_eq!(params.source("sslmode"), Some(&Source::Program));
    }

    #[test]
    fn addresses_stand_beside_their_names() {
        let builder = SettingsBuilder::new()
            .host_at("a.example", IpAddr::from([192, 0, 2, 1]), 5432)
            .host_at("b.example", IpAddr::from([192, 0, 2, 2]), 5432);
        assert_eq!(
            builder.to_string(),
            "hostaddr=192.0.2.1,192.0.2.2 host=a.example,b.example port=5432,5432"
        );
    }

    #[test]
    fn what_no_string_can_hold_is_refused() {
        let error = SettingsBuilder::new().host("a,b", 1).user("\0").finish().unwrap_err();
        assert!(matches!(*error.kind, ParamErrorKind::CommaInHost { .. }));
        let error = SettingsBuilder::new().user("a\0").finish().unwrap_err();
        assert!(matches!(*error.kind, ParamErrorKind::NulByte { at: 1 }));
        let error = SettingsBuilder::new().set("sslmod", "x").unwrap_err();
        assert!(matches!(*error.kind, ParamErrorKind::UnknownOption { suggestion: Some("sslmode"), .. }));
    }
}
