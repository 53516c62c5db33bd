//! From the file to what it means for a PostgreSQL client (OpenSSL: `ssl_do_config`, `SSL_CONF_cmd`).

use super::{cipher_list::SuiteList, file::ConfFile};
use crate::param::TlsVersion;
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

/// A bound on the TLS version as the file sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `None`: whatever the library can do.
    Open,
    /// This version.
    At(TlsVersion),
}

/// What the section `system_default` asks for. Everything is optional: what is not said is the library's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemDefault {
    /// `MinProtocol`. libpq's own `ssl_min_protocol_version`, which has a default, goes before it.
    pub min_protocol: Option<Bound>,
    /// `MaxProtocol`. `ssl_max_protocol_version`, when given, goes before it.
    pub max_protocol: Option<Bound>,
    /// `@SECLEVEL=n` in `CipherString`: least key sizes and digests in certificates.
    pub security_level: Option<u8>,
    /// `CipherString`: the suites of TLS 1.2 in order of preference.
    pub cipher_list: Option<SuiteList>,
    /// `Ciphersuites`: the suites of TLS 1.3 in order of preference, by name.
    pub ciphersuites: Option<Vec<String>>,
    /// `Groups` or `Curves`: the key-exchange groups in order of preference, in OpenSSL's names and in lower case.
    pub groups: Option<Vec<String>>,
    /// What has no counterpart here and was not applied.
    pub unmapped: Vec<Unmapped>,
}

/// A setting that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// The command as written.
    pub command: String,
    /// Its value, or the part of it that has no counterpart.
    pub value: String,
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.command, self.value)
    }
}

impl SystemDefault {
    /// Follows `openssl_conf → ssl_conf → system_default`. A link that leads nowhere means that nothing is set, as in
    /// OpenSSL; so does a value that it does not know, which is listed in [`SystemDefault::unmapped`].
    pub fn of(conf: &ConfFile) -> Self {
        let mut found = Self::default();
        let commands = conf
            .default_value("openssl_conf")
            .and_then(|modules| conf.value(modules, "ssl_conf"))
            .and_then(|names| conf.value(names, "system_default"))
            .and_then(|name| conf.section(name));
        for (command, value) in commands.into_iter().flatten() {
            found.apply(command, value);
        }
        found
    }

    fn apply(&mut self, command: &str, value: &str) {
        // Text up to a dot only makes names distinct, so that a command can be given twice.
        let name = command.split_once('.').map_or(command, |(_, name)| name).to_ascii_lowercase();
        let understood = match name.as_str() {
            "minprotocol" => bound(value).map(|bound| self.min_protocol = Some(bound)),
            "maxprotocol" => bound(value).map(|bound| self.max_protocol = Some(bound)),
            "cipherstring" => {
                let list = SuiteList::parse(value);
                self.security_level = list.security_level.or(self.security_level);
                self.unmapped.extend(
                    list.unknown
                        .iter()
                        .map(|word| Unmapped { command: command.to_owned(), value: word.clone() }),
                );
                self.cipher_list = Some(list);
                Some(())
            }
            "ciphersuites" => {
                self.ciphersuites = Some(names(value).map(ToOwned::to_owned).collect());
                Some(())
            }
            "groups" | "curves" => {
                // A `?` says that the group may be unknown; alone it names none.
                let groups = names(value).map(|name| name.trim_start_matches('?'));
                let groups = groups.filter(|name| !name.is_empty());
                self.groups = Some(groups.map(str::to_ascii_lowercase).collect());
                Some(())
            }
            _ => None,
        };
        if understood.is_none() {
            self.unmapped.push(Unmapped { command: command.to_owned(), value: value.to_owned() });
        }
    }
}

/// The exact words of `SSL_CONF_cmd`. Versions before TLS 1.0 lie below everything and so bound nothing.
fn bound(word: &str) -> Option<Bound> {
    match word {
        "None" | "SSLv3" => Some(Bound::Open),
        _ => TlsVersion::from_word(word).map(Bound::At),
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' ']).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Metadata, NativeRoots, ReadError, ReadFile};
    use alloc::{format, string::ToString, vec};

    struct NoDisk;

    impl ReadFile for NoDisk {
        fn metadata(&self, _: &str) -> Result<Metadata, ReadError> {
            Err(ReadError::NotFound)
        }
        fn read(&self, _: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
            Err(ReadError::NotFound)
        }
        fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
            Err(ReadError::NotFound)
        }
        fn native_roots(&self) -> NativeRoots {
            NativeRoots::default()
        }
    }

    fn of(commands: &str) -> SystemDefault {
        let text = format!(
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\n{commands}\n[other]\nMinProtocol = TLSv1\n"
        );
        SystemDefault::of(&ConfFile::parse("a.cnf", text.as_bytes(), &NoDisk, &|_| None).unwrap())
    }

    #[test]
    fn commands() {
        let found = of("MinProtocol = TLSv1.3\nMaxProtocol = None\nCipherString = DEFAULT:@SECLEVEL=3");
        assert_eq!(found.min_protocol, Some(Bound::At(TlsVersion::Tls1_3)));
        assert_eq!(found.max_protocol, Some(Bound::Open));
        assert_eq!(found.security_level, Some(3));
        assert_eq!(found.unmapped, vec![]);
        let found = of("Groups = X25519:?P-256:?\nCiphersuites = TLS_AES_128_GCM_SHA256");
        assert_eq!(found.groups.unwrap(), ["x25519", "p-256"]);
        assert_eq!(found.ciphersuites.unwrap(), ["TLS_AES_128_GCM_SHA256"]);
    }

    #[test]
    fn names_are_made_distinct_and_fold() {
        let found = of("1.minprotocol = TLSv1.2\n2.MINPROTOCOL = TLSv1.3");
        assert_eq!(found.min_protocol, Some(Bound::At(TlsVersion::Tls1_3)));
    }

    #[test]
    fn what_has_no_counterpart_is_kept() {
        let found = of("MinProtocol = tlsv1.3\nOptions = Bugs\nCipherString = NEW-SUITE");
        assert_eq!(found.min_protocol, None);
        let unmapped: Vec<_> = found.unmapped.iter().map(ToString::to_string).collect();
        assert_eq!(unmapped, ["MinProtocol = tlsv1.3", "Options = Bugs", "CipherString = NEW-SUITE"]);
    }

    #[test]
    fn a_broken_link_sets_nothing() {
        for text in [
            "",
            "openssl_conf = m",
            "openssl_conf = m\n[m]\nssl_conf = n\n[n]\nother = s\n[s]\nMinProtocol = TLSv1.3",
        ] {
            let conf = ConfFile::parse("a.cnf", text.as_bytes(), &NoDisk, &|_| None).unwrap();
            assert_eq!(SystemDefault::of(&conf), SystemDefault::default(), "{text}");
        }
    }
}
