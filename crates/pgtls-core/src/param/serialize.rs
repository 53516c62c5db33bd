//! Settings in configuration files, by way of serde (feature `serde`).
//!
//! Settings are a table from parameters to values, or a connection string; integers and booleans stand for their texts.
//! Secrets are read, and never written.

use super::{
    AuthMethod, ChannelBinding, GssEncMode, LoadBalanceHosts, ProtocolVersion, Settings, SettingsBuilder,
    SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs, TlsVersion,
};
use alloc::{borrow::ToOwned, format, string::String};
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.iter().filter(|setting| !setting.is_secret());
        serializer.collect_map(shown.map(|setting| (setting.keyword, &setting.value)))
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of libpq's parameters, or a connection string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Settings, E> {
        Settings::parse(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
        let mut settings = Settings::default();
        while let Some((name, Text(value))) = map.next_entry::<String, Text>()? {
            settings.put_named(&name, value).map_err(A::Error::custom)?;
        }
        Ok(settings)
    }
}

/// A value as text: `5432` is `"5432"`, `true` is `"1"`.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, an integer or a boolean")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
        Ok(Text(text))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Text, E> {
        Ok(Text(if flag { "1" } else { "0" }.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(format!("{number}")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(format!("{number}")))
    }
}

impl Serialize for SettingsBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.settings().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SettingsBuilder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Settings::deserialize(deserializer).map(Self::from)
    }
}

/// Words are written as libpq spells them.
macro_rules! words {
    ($($name:ident)+) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let word = String::deserialize(deserializer)?;
                    Self::from_word(&word).ok_or_else(|| D::Error::unknown_variant(&word, Self::WORDS))
                }
            }
        )+
    };
}

words! {
    AuthMethod ChannelBinding GssEncMode LoadBalanceHosts ProtocolVersion SslCertMode SslMode SslNegotiation
    TargetSessionAttrs TlsVersion
}
