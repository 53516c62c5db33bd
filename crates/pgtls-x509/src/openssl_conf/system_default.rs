//! From the file to what it means for a PostgreSQL client (OpenSSL: `CONF_modules_load`, `ssl_do_config`,
//! `SSL_CONF_cmd`).

use super::{
    cipher_list::{SuiteList, evaluate},
    file::ConfFile,
    flags::{VersionsOff, protocol, verify_mode},
    group::{Group, groups},
    signature::{Scheme, schemes},
    suite::{Tls13Suite, tls13_suites},
};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;
use pgtls_core::param::TlsVersion;

/// A bound on the TLS version as the file sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `None`: whatever the library can do.
    Open,
    /// This version.
    At(TlsVersion),
}

impl Bound {
    /// The version, where there is one.
    pub fn version(self) -> Option<TlsVersion> {
        match self {
            Self::Open => None,
            Self::At(version) => Some(version),
        }
    }
}

/// What the section `system_default` asks for. Everything is optional: what is not said is the library's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemDefault {
    /// `MinProtocol`. libpq's own `ssl_min_protocol_version`, which has a default, goes before it.
    pub min_protocol: Option<Bound>,
    /// `MaxProtocol`. `ssl_max_protocol_version`, when given, goes before it.
    pub max_protocol: Option<Bound>,
    /// `Protocol`: the versions that are off, which no parameter switches on again.
    pub versions_off: VersionsOff,
    /// `@SECLEVEL=n` in `CipherString`: the least strength of keys, digests, ciphers and groups.
    pub security_level: Option<u8>,
    /// `CipherString`: the suites of TLS 1.2 in order of preference.
    pub cipher_list: Option<SuiteList>,
    /// `Ciphersuites`: the suites of TLS 1.3 in order of preference.
    pub ciphersuites: Option<Vec<&'static Tls13Suite>>,
    /// `Groups`, `Curves` or `ECDHParameters`: the key-exchange groups in order of preference.
    pub groups: Option<Vec<&'static Group>>,
    /// `SignatureAlgorithms`: what the server may sign with, and we as well, in order of preference.
    pub signature_algorithms: Option<Vec<&'static Scheme>>,
    /// `ClientSignatureAlgorithms`: what we may sign with, whatever the other list says.
    pub client_signature_algorithms: Option<Vec<&'static Scheme>>,
    /// `VerifyMode` with `Peer`: chains are verified even where libpq asks for no roots, which no chain can pass then.
    pub verify_peer: bool,
    /// What has no counterpart here, or is not known at all, and was not applied.
    pub unmapped: Vec<Unmapped>,
}

/// A setting that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmapped {
    /// The command as written.
    pub command: String,
    /// Its value, or the part of it that has no counterpart.
    pub value: String,
}

impl Unmapped {
    /// This part of this command.
    pub fn new(command: impl Into<String>, value: impl Into<String>) -> Self {
        Self { command: command.into(), value: value.into() }
    }
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.command, self.value)
    }
}

/// Modules of OpenSSL that have nothing to do with TLS settings. Whether one of them fails, which would keep those after
/// it from being looked at, is not known here.
const OTHER_MODULES: [&str; 6] =
    ["oid_section", "stbl_section", "alg_section", "engines", "providers", "random"];

impl SystemDefault {
    /// Follows `openssl_conf → ssl_conf → system_default`. A link that leads nowhere means that nothing is set, as in
    /// OpenSSL; a value that it does not know is passed over and listed in [`SystemDefault::unmapped`].
    pub fn of(conf: &ConfFile) -> Self {
        let mut found = Self::default();
        let Some(names) = found.names(conf) else { return found };
        let section = conf.section(names).into_iter().flatten().find(|(name, _)| *name == "system_default");
        let commands = section.and_then(|(_, section)| conf.section(section));
        for (command, value) in commands.into_iter().flatten() {
            found.apply(command, value);
        }
        found
    }

    /// The section of named configurations. One that is empty spoils all of them, and a module that is not known keeps
    /// OpenSSL from going on to the next one.
    fn names<'c>(&mut self, conf: &'c ConfFile) -> Option<&'c str> {
        let is_empty =
            |section: &str| conf.section(section).is_none_or(|mut section| section.next().is_none());
        let mut names = None;
        for (module, value) in conf.section(conf.default_value("openssl_conf")?)? {
            // Text from the last dot on only makes names distinct.
            match module.rsplit_once('.').map_or(module, |(module, _)| module) {
                "ssl_conf" => {
                    let spoilt = is_empty(value)
                        || conf.section(value).into_iter().flatten().any(|(_, section)| is_empty(section));
                    if spoilt {
                        self.unmapped.push(Unmapped::new(module, value));
                        return None;
                    }
                    names = Some(value);
                }
                other if OTHER_MODULES.contains(&other) => {}
                _ => {
                    self.unmapped.push(Unmapped::new(module, value));
                    break;
                }
            }
        }
        names
    }

    fn apply(&mut self, command: &str, value: &str) {
        // Text up to a dot only makes names distinct, so that a command can be given twice.
        let name = command.split_once('.').map_or(command, |(_, name)| name).to_ascii_lowercase();
        let understood = match name.as_str() {
            // Known, and no concern of TLS.
            "minprotocol" | "maxprotocol" if matches!(value, "DTLSv1" | "DTLSv1.2") => Some(()),
            "minprotocol" => bound(value, Bound::Open).map(|bound| self.min_protocol = Some(bound)),
            // Nobody speaks SSLv3, nor TLS 1.0: a maximum of either leaves nothing.
            "maxprotocol" => {
                bound(value, Bound::At(TlsVersion::Tls1_0)).map(|bound| self.max_protocol = Some(bound))
            }
            "cipherstring" => {
                let evaluated = evaluate(value);
                self.security_level = evaluated.security_level.or(self.security_level);
                evaluated.list.map(|list| {
                    let unknown = list.unknown.iter().map(|word| Unmapped::new(command, word));
                    self.unmapped.extend(unknown);
                    self.cipher_list = Some(list);
                })
            }
            "ciphersuites" => tls13_suites(value).map(|suites| self.ciphersuites = Some(suites)),
            "groups" | "curves" => groups(value).map(|groups| self.groups = Some(groups)),
            // A single group; the words for a choice by OpenSSL mean nothing any more.
            "ecdhparameters" if value.contains(':') => None,
            "ecdhparameters"
                if ["automatic", "+automatic"].iter().any(|word| word.eq_ignore_ascii_case(value)) =>
            {
                Some(())
            }
            "ecdhparameters" => groups(value).map(|groups| self.groups = Some(groups)),
            "protocol" => protocol(&mut self.versions_off, value),
            "signaturealgorithms" => schemes(value).map(|schemes| self.signature_algorithms = Some(schemes)),
            "clientsignaturealgorithms" => {
                schemes(value).map(|schemes| self.client_signature_algorithms = Some(schemes))
            }
            "verifymode" => verify_mode(&mut self.verify_peer, value),
            _ => None,
        };
        if understood.is_none() {
            self.unmapped.push(Unmapped { command: command.to_owned(), value: value.to_owned() });
        }
    }
}

/// The exact words of `SSL_CONF_cmd`.
fn bound(word: &str, sslv3: Bound) -> Option<Bound> {
    match word {
        "None" => Some(Bound::Open),
        "SSLv3" => Some(sslv3),
        _ => TlsVersion::from_word(word).map(Bound::At),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssl_conf::texts::Texts;
    use alloc::{format, string::ToString, vec};

    fn parse(text: &str) -> SystemDefault {
        SystemDefault::of(&ConfFile::parse("a.cnf", text.as_bytes(), &Texts::default(), &|_| None).unwrap())
    }

    fn of(commands: &str) -> SystemDefault {
        parse(&format!(
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\n{commands}\n[other]\nMinProtocol = TLSv1\n"
        ))
    }

    #[track_caller]
    fn unmapped(found: &SystemDefault, expected: &[&str]) {
        let unmapped: Vec<_> = found.unmapped.iter().map(ToString::to_string).collect();
        assert_eq!(unmapped, expected);
    }

    #[test]
    fn commands() {
        let found = of("MinProtocol = TLSv1.3\nMaxProtocol = None\nCipherString = DEFAULT:@SECLEVEL=3");
        assert_eq!(found.min_protocol, Some(Bound::At(TlsVersion::Tls1_3)));
        assert_eq!(found.max_protocol, Some(Bound::Open));
        assert_eq!(found.security_level, Some(3));
        assert_eq!(found.unmapped, vec![]);
        let found = of("Groups = X25519:?P-256\nCiphersuites = TLS_AES_128_GCM_SHA256");
        let ids: Vec<_> = found.groups.unwrap().iter().map(|group| group.id).collect();
        assert_eq!(ids, [29, 23]);
        assert_eq!(found.ciphersuites.unwrap()[0].name, "TLS_AES_128_GCM_SHA256");
        let found = of(
            "1.Protocol = -TLSv1.3\n2.Protocol = -TLSv1.1\nSignatureAlgorithms = ed25519\nVerifyMode = Peer",
        );
        let off: Vec<_> =
            TlsVersion::ALL.iter().copied().filter(|version| found.versions_off.contains(*version)).collect();
        assert_eq!(off, [TlsVersion::Tls1_1, TlsVersion::Tls1_3]);
        assert_eq!(found.signature_algorithms.unwrap()[0].id, 0x0807);
        assert_eq!((found.client_signature_algorithms, found.verify_peer), (None, true));
        let found = of(
            "Groups = x448\n1.ECDHParameters = P-384\n2.ECDHParameters = automatic\n3.ECDHParameters = x25519:x448",
        );
        assert_eq!(found.groups.as_ref().unwrap()[0].id, 24);
        unmapped(&found, &["3.ECDHParameters = x25519:x448"]);
    }

    #[test]
    fn versions_that_are_no_tls() {
        let found = of("MinProtocol = SSLv3\nMaxProtocol = SSLv3");
        assert_eq!(found.min_protocol, Some(Bound::Open));
        assert_eq!(found.max_protocol, Some(Bound::At(TlsVersion::Tls1_0)), "which nobody speaks");
        let found = of("MinProtocol = DTLSv1.2\n1.MaxProtocol = TLSv1.2\n2.MaxProtocol = DTLSv1");
        assert_eq!((found.min_protocol, found.max_protocol), (None, Some(Bound::At(TlsVersion::Tls1_2))));
        unmapped(&found, &[]);
    }

    #[test]
    fn names_are_made_distinct_and_fold() {
        let found = of("1.minprotocol = TLSv1.2\n2.MINPROTOCOL = TLSv1.3");
        assert_eq!(found.min_protocol, Some(Bound::At(TlsVersion::Tls1_3)));
        let found = of("1.CipherString = AES128@SECLEVEL=3\n2.CipherString = AES256");
        assert_eq!(found.cipher_list.unwrap().suites.len(), 2);
        assert_eq!(found.security_level, Some(3));
    }

    #[test]
    fn what_has_no_counterpart_is_kept_and_the_rest_applied() {
        let found = of(
            "MinProtocol = tlsv1.3\nOptions = Bugs\nCipherString = NEW-SUITE:AES128\nMaxProtocol = TLSv1.2\n\
             Groups = NEW:X25519\nCiphersuites = NEW",
        );
        assert_eq!(
            (found.min_protocol, found.groups.is_none(), found.ciphersuites.is_none()),
            (None, true, true)
        );
        assert_eq!(found.max_protocol, Some(Bound::At(TlsVersion::Tls1_2)));
        assert_eq!(found.cipher_list.as_ref().unwrap().suites.len(), 2);
        unmapped(
            &found,
            &[
                "MinProtocol = tlsv1.3",
                "Options = Bugs",
                "CipherString = NEW-SUITE",
                "Groups = NEW:X25519",
                "Ciphersuites = NEW",
            ],
        );
        let found = of("CipherString = AES128:@SECLEVEL=4:@NEW");
        assert_eq!((found.security_level, found.cipher_list.is_none()), (Some(4), true));
        unmapped(&found, &["CipherString = AES128:@SECLEVEL=4:@NEW"]);
    }

    #[test]
    fn a_broken_link_sets_nothing() {
        for text in [
            "",
            "openssl_conf = m",
            "openssl_conf = m\n[m]",
            "openssl_conf = m\nssl_conf = n\n[m]\n[n]\nsystem_default = s\n[s]\nMinProtocol = TLSv1.3",
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nother = s\n[s]\nMinProtocol = TLSv1.3",
        ] {
            assert_eq!(parse(text), SystemDefault::default(), "{text}");
        }
    }

    #[test]
    fn one_empty_section_spoils_all() {
        for text in [
            "openssl_conf = m\n[m]\nssl_conf = n",
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n",
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\nother = t\n[s]\nMinProtocol = TLSv1.3\n[t]\n",
        ] {
            let found = parse(text);
            assert_eq!(found.min_protocol, None, "{text}");
            unmapped(&found, &["ssl_conf = n"]);
        }
    }

    #[test]
    fn modules_are_loaded_in_order() {
        let rest = "[n]\nsystem_default = s\n[s]\nMinProtocol = TLSv1.3\n";
        let minimum =
            |modules: &str| parse(&format!("openssl_conf = m\n[m]\n{modules}\n{rest}")).min_protocol;
        let set = Some(Bound::At(TlsVersion::Tls1_3));
        assert_eq!(minimum("ssl_conf.1 = n"), set);
        assert_eq!(minimum("providers = p\nssl_conf = n"), set);
        assert_eq!(minimum("ssl_conf = n\nnew = x"), set);
        assert_eq!(minimum("new = x\nssl_conf = n"), None);
        unmapped(&parse(&format!("openssl_conf = m\n[m]\nnew = x\nssl_conf = n\n{rest}")), &["new = x"]);
    }
}
