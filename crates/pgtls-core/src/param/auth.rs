//! `require_auth`: which ways to authenticate the server may ask for.

use super::{AuthMethod, ParamErrorKind};
use alloc::borrow::ToOwned;

/// `require_auth` as a set. The default allows everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct AuthMethods {
    refused: u8,
}

impl AuthMethods {
    /// Everything is allowed.
    pub const ANY: Self = Self { refused: 0 };

    /// Whether the server may ask for this; [`AuthMethod::None`] means that it lets us in without asking.
    pub const fn allows(self, method: AuthMethod) -> bool {
        self.refused & bit(method) == 0
    }

    /// A list of methods that are allowed, or, with `!` before each of them, of methods that are not; no blanks
    /// (libpq: `pqConnectOptions2`).
    pub(super) fn parse(list: &str) -> Result<Self, ParamErrorKind> {
        // Given but empty: libpq then allows no method by name, and lets a server in that asks for nothing.
        if list.is_empty() {
            return Ok(Self { refused: ALL & !bit(AuthMethod::None) });
        }
        let negated = list.starts_with('!');
        let mut listed = 0;
        for item in list.split(',') {
            if item.starts_with('!') != negated {
                return Err(ParamErrorKind::AuthMethodMixed { method: item.to_owned() });
            }
            let word = item.strip_prefix('!').unwrap_or(item);
            let method = AuthMethod::from_word(word).ok_or_else(|| ParamErrorKind::InvalidValue {
                keyword: "require_auth",
                value: word.to_owned(),
                allowed: AuthMethod::WORDS,
            })?;
            if listed & bit(method) != 0 {
                return Err(ParamErrorKind::AuthMethodRepeated { method: item.to_owned() });
            }
            listed |= bit(method);
        }
        Ok(Self { refused: if negated { listed } else { !listed & ALL } })
    }
}

const fn bit(method: AuthMethod) -> u8 {
    1 << method as u8
}

/// The bits of all methods.
const ALL: u8 = (bit(AuthMethod::None) << 1) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec::Vec};

    fn allowed(list: &str) -> Vec<&'static str> {
        let methods = AuthMethods::parse(list).unwrap();
        AuthMethod::ALL.iter().filter(|m| methods.allows(**m)).map(|m| m.as_str()).collect()
    }

    #[test]
    fn lists() {
        assert_eq!(allowed(""), ["none"]);
        assert!(AuthMethod::ALL.iter().all(|method| AuthMethods::default().allows(*method)));
        assert_eq!(allowed("scram-sha-256"), ["scram-sha-256"]);
        assert_eq!(allowed("none,md5"), ["md5", "none"]);
        assert_eq!(allowed("!password,!md5"), ["gss", "sspi", "scram-sha-256", "oauth", "none"]);
        assert_eq!(allowed("!none"), ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth"]);
    }

    #[test]
    fn refusals() {
        let mixed = |m: &str| ParamErrorKind::AuthMethodMixed { method: m.to_owned() };
        let repeated = |m: &str| ParamErrorKind::AuthMethodRepeated { method: m.to_owned() };
        let invalid = |value: &str| ParamErrorKind::InvalidValue {
            keyword: "require_auth",
            value: String::from(value),
            allowed: AuthMethod::WORDS,
        };
        for (list, error) in [
            ("md5,!password", mixed("!password")),
            ("!password,md5", mixed("md5")),
            ("none,!none", mixed("!none")),
            ("md5,md5", repeated("md5")),
            ("!none,!none", repeated("!none")),
            (",", invalid("")),
            ("md5,", invalid("")),
            ("!", invalid("")),
            ("!!md5", invalid("!md5")),
            (" md5", invalid(" md5")),
            ("MD5", invalid("MD5")),
        ] {
            assert_eq!(AuthMethods::parse(list), Err(error), "{list:?}");
        }
    }
}
