//! The sentences: libpq's words, and what to write instead. A value that is or may be a secret is never in them.

use super::{EncodingFault, ParamErrorKind, ServiceHint};
use crate::param::{scram_key::SCRAM_KEY_LENGTH, suggest};
use core::fmt;

/// Why a word may stand alone.
const QUOTE: &str = "; put a value that holds spaces in single quotes";
/// The same for a word that is not shown.
const QUOTE_OR_SCHEME: &str =
    "; put a value that holds spaces in single quotes, and begin a URI with postgresql:// or postgres://";

/// One sentence for each kind of error.
#[expect(clippy::too_many_lines, reason = "the sentences are easier to compare when they stand together")]
pub(super) fn write(kind: &ParamErrorKind, in_uri: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ParamErrorKind as Kind;
    match kind {
        Kind::UnknownOption { name, suggestion } => {
            f.write_str(if in_uri { "invalid URI query parameter" } else { "invalid connection option" })?;
            word(name.as_deref(), f)?;
            if name.is_none() && !in_uri {
                f.write_str(QUOTE_OR_SCHEME)?;
            }
            meant(*suggestion, f)
        }
        Kind::MissingEquals { name } => {
            f.write_str("missing \"=\" after")?;
            word(name.as_deref(), f)?;
            f.write_str(" in the connection string")?;
            f.write_str(if name.is_none() { QUOTE_OR_SCHEME } else { QUOTE })
        }
        Kind::UnterminatedQuote => f.write_str(
            "unterminated quoted value in the connection string; write \\' for a single quote in a value",
        ),
        Kind::NulByte { at } => write!(f, "NUL byte at byte {at}, which no parameter can hold"),
        Kind::UriMissingEquals { name } => {
            f.write_str("missing key/value separator \"=\" in URI query parameter")?;
            word(name.as_deref(), f)
        }
        Kind::UriExtraEquals { name } => {
            f.write_str("extra key/value separator \"=\" in URI query parameter")?;
            word(name.as_deref(), f)?;
            f.write_str("; write %3D for an \"=\" in a value")
        }
        Kind::Encoding { fault, part } => {
            f.write_str(match fault {
                EncodingFault::Percent => "invalid percent-encoded token",
                EncodingFault::Nul => "forbidden value %00 in percent-encoded token",
                EncodingFault::Space => "unexpected spaces found in",
                EncodingFault::Utf8 => "percent-encoded bytes that are not UTF-8 in",
            })?;
            word(part.as_deref(), f)?;
            f.write_str(match fault {
                EncodingFault::Percent => "; write %25 for a \"%\"",
                EncodingFault::Space => "; write %20 for a space",
                EncodingFault::Nul | EncodingFault::Utf8 => "",
            })
        }
        Kind::UnterminatedBracket => {
            f.write_str("end of string reached before the \"]\" of an IPv6 host address in URI")
        }
        Kind::EmptyBracket => f.write_str("IPv6 host address may not be empty in URI"),
        Kind::UnexpectedAfterBracket { found } => {
            write!(
                f,
                "unexpected character {found:?} after \"]\" in URI, where \":\", \"/\", \"?\" or \",\" may stand"
            )
        }
        Kind::ServiceSyntax { hint } => service_syntax(hint, f),
        Kind::ServiceLineTooLong => f.write_str("line too long in service file"),
        Kind::NestedService => {
            f.write_str("nested service specifications are not supported in a service file")
        }
        Kind::ServiceNotFound { name, files } => {
            write!(f, "definition of service {name:?} not found")?;
            match files.as_slice() {
                [] => f.write_str("; name the file that holds it with PGSERVICEFILE"),
                [file] => write!(f, "; write [{name}] and its settings into {file:?}"),
                [first, second, ..] => write!(f, "; write [{name}] and its settings into {first:?} or {second:?}"),
            }
        }
        Kind::ServiceFileUnreadable { path } => write!(f, "service file {path:?} not found or not readable"),
        Kind::InvalidValue { keyword, value, allowed } => {
            write!(f, "invalid {keyword} value: {value:?}, allowed: {}", Words(allowed))?;
            meant(suggest::word(value, allowed), f)
        }
        // A "/" that is not encoded makes a port of the beginning of a password: not shown.
        Kind::InvalidInteger { keyword: "port", .. } if in_uri => f.write_str(
            "invalid integer value for connection option \"port\"; write %2F for a \"/\" in a user name or password",
        ),
        Kind::InvalidInteger { keyword, value } => {
            write!(f, "invalid integer value {value:?} for connection option \"{keyword}\"")
        }
        Kind::PortOutOfRange { value } => write!(f, "invalid port number: {value:?}, allowed: 1 to 65535"),
        Kind::HostCount { hosts, hostaddrs } => {
            write!(
                f,
                "could not match {hosts} host names to {hostaddrs} hostaddr values; give one for each host, or an empty one for a host that is to be looked up"
            )
        }
        Kind::PortCount { ports, hosts } => {
            write!(
                f,
                "could not match {ports} port numbers to {hosts} hosts; give one port, or one for each host"
            )
        }
        Kind::CommaInHost { host } => write!(f, "invalid host name {host:?}: a comma separates hosts"),
        Kind::HostAddr { value } => {
            write!(f, "could not parse network address {value:?}; a name belongs into \"host\"")
        }
        Kind::SocketPathTooLong { path, maximum } => {
            write!(f, "Unix-domain socket path {path:?} is too long (maximum {maximum} bytes)")
        }
        Kind::NoUser => {
            f.write_str("no user name: the operating system has none for this process, so give \"user\"")
        }
        Kind::AuthMethodRepeated { method } => {
            write!(f, "require_auth method {method:?} is specified more than once")
        }
        Kind::AuthMethodMixed { method } if method.starts_with('!') => {
            write!(f, "negative require_auth method {method:?} cannot be mixed with non-negative methods")
        }
        Kind::AuthMethodMixed { method } => {
            write!(f, "require_auth method {method:?} cannot be mixed with negative methods")
        }
        Kind::WeakModeForDirect { sslmode } => write!(
            f,
            "weak sslmode \"{sslmode}\" may not be used with sslnegotiation=direct; use require, verify-ca or verify-full"
        ),
        Kind::WeakModeForSystem { sslmode } => {
            write!(f, "weak sslmode \"{sslmode}\" may not be used with sslrootcert=system; use verify-full")
        }
        Kind::TlsVersionRange => f.write_str(
            "invalid SSL protocol version range: ssl_min_protocol_version is above ssl_max_protocol_version",
        ),
        Kind::ProtocolVersionRange => f.write_str(
            "invalid protocol version range: min_protocol_version is greater than max_protocol_version",
        ),
        Kind::ScramKey { keyword, length: None } => write!(f, "invalid SCRAM key: {keyword} is not base64"),
        Kind::ScramKey { keyword, length: Some(length) } => {
            write!(f, "invalid SCRAM key length: {keyword} holds {length} bytes, not {SCRAM_KEY_LENGTH}")
        }
        Kind::GssNotSupported => {
            f.write_str("gssencmode \"require\" cannot be met: this program has no GSSAPI support")
        }
    }
}

fn service_syntax(hint: &ServiceHint, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("syntax error in service file: ")?;
    match hint {
        ServiceHint::MissingEquals => f.write_str("a line without \"=\""),
        ServiceHint::UnknownName { name, suggestion } => {
            write!(f, "invalid connection option {name:?}")?;
            meant(*suggestion, f)
        }
        ServiceHint::Blank { keyword } => write!(f, "a blank beside the \"=\" after \"{keyword}\""),
        ServiceHint::Ldap => f.write_str("LDAP lookup is not supported"),
        ServiceHint::NotText => f.write_str("a line that is not UTF-8 text"),
    }
}

/// A word in quotes, or why it is not shown.
fn word(word: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match word {
        Some(word) => write!(f, " {word:?}"),
        None => f.write_str(" (not shown: it may be a part of a secret)"),
    }
}

fn meant(suggestion: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match suggestion {
        Some(word) => write!(f, "; did you mean \"{word}\"?"),
        None => Ok(()),
    }
}

/// Words separated by commas.
struct Words<'a>(&'a [&'a str]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::{ParamError, Source, SslMode};
    use alloc::{string::ToString, vec};

    #[test]
    #[expect(clippy::too_many_lines, reason = "every sentence stands here once")]
    fn sentences() {
        use ParamErrorKind as Kind;
        let syntax = |hint| Kind::ServiceSyntax { hint };
        let pinned = [
            (
                Kind::UnknownOption { name: Some("sslmod".into()), suggestion: Some("sslmode") },
                r#"invalid connection option "sslmod"; did you mean "sslmode"?"#,
            ),
            (
                Kind::UnknownOption { name: None, suggestion: None },
                "invalid connection option (not shown: it may be a part of a secret); put a value that holds spaces in single quotes, and begin a URI with postgresql:// or postgres://",
            ),
            (
                Kind::MissingEquals { name: Some("b".into()) },
                r#"missing "=" after "b" in the connection string; put a value that holds spaces in single quotes"#,
            ),
            (
                Kind::MissingEquals { name: None },
                r#"missing "=" after (not shown: it may be a part of a secret) in the connection string; put a value that holds spaces in single quotes, and begin a URI with postgresql:// or postgres://"#,
            ),
            (
                Kind::UnterminatedQuote,
                r"unterminated quoted value in the connection string; write \' for a single quote in a value",
            ),
            (Kind::NulByte { at: 3 }, "NUL byte at byte 3, which no parameter can hold"),
            (
                Kind::UriMissingEquals { name: Some("a".into()) },
                r#"missing key/value separator "=" in URI query parameter "a""#,
            ),
            (
                Kind::UriExtraEquals { name: Some("a".into()) },
                r#"extra key/value separator "=" in URI query parameter "a"; write %3D for an "=" in a value"#,
            ),
            (
                Kind::Encoding { fault: EncodingFault::Percent, part: Some("%x".into()) },
                r#"invalid percent-encoded token "%x"; write %25 for a "%""#,
            ),
            (
                Kind::Encoding { fault: EncodingFault::Nul, part: Some("%00".into()) },
                r#"forbidden value %00 in percent-encoded token "%00""#,
            ),
            (
                Kind::Encoding { fault: EncodingFault::Space, part: Some("a b".into()) },
                r#"unexpected spaces found in "a b"; write %20 for a space"#,
            ),
            (
                Kind::Encoding { fault: EncodingFault::Utf8, part: None },
                "percent-encoded bytes that are not UTF-8 in (not shown: it may be a part of a secret)",
            ),
            (
                Kind::UnterminatedBracket,
                r#"end of string reached before the "]" of an IPv6 host address in URI"#,
            ),
            (Kind::EmptyBracket, "IPv6 host address may not be empty in URI"),
            (
                Kind::UnexpectedAfterBracket { found: 'x' },
                r#"unexpected character 'x' after "]" in URI, where ":", "/", "?" or "," may stand"#,
            ),
            (syntax(ServiceHint::MissingEquals), r#"syntax error in service file: a line without "=""#),
            (
                syntax(ServiceHint::UnknownName { name: "a".into(), suggestion: None }),
                r#"syntax error in service file: invalid connection option "a""#,
            ),
            (
                syntax(ServiceHint::Blank { keyword: "host" }),
                r#"syntax error in service file: a blank beside the "=" after "host""#,
            ),
            (syntax(ServiceHint::Ldap), "syntax error in service file: LDAP lookup is not supported"),
            (syntax(ServiceHint::NotText), "syntax error in service file: a line that is not UTF-8 text"),
            (Kind::ServiceLineTooLong, "line too long in service file"),
            (Kind::NestedService, "nested service specifications are not supported in a service file"),
            (
                Kind::ServiceNotFound { name: "s".into(), files: vec![] },
                r#"definition of service "s" not found; name the file that holds it with PGSERVICEFILE"#,
            ),
            (
                Kind::ServiceNotFound { name: "s".into(), files: vec!["/a".into()] },
                r#"definition of service "s" not found; write [s] and its settings into "/a""#,
            ),
            (
                Kind::ServiceNotFound { name: "s".into(), files: vec!["/a".into(), "/b".into()] },
                r#"definition of service "s" not found; write [s] and its settings into "/a" or "/b""#,
            ),
            (
                Kind::ServiceFileUnreadable { path: "/s".into() },
                r#"service file "/s" not found or not readable"#,
            ),
            (
                Kind::InvalidValue {
                    keyword: "sslcertmode",
                    value: "Allow".into(),
                    allowed: &["disable", "allow", "require"],
                },
                r#"invalid sslcertmode value: "Allow", allowed: disable, allow, require; did you mean "allow"?"#,
            ),
            (
                Kind::InvalidInteger { keyword: "port", value: "x".into() },
                r#"invalid integer value "x" for connection option "port""#,
            ),
            (Kind::PortOutOfRange { value: "0".into() }, r#"invalid port number: "0", allowed: 1 to 65535"#),
            (
                Kind::HostCount { hosts: 2, hostaddrs: 1 },
                "could not match 2 host names to 1 hostaddr values; give one for each host, or an empty one for a host that is to be looked up",
            ),
            (
                Kind::PortCount { ports: 3, hosts: 2 },
                "could not match 3 port numbers to 2 hosts; give one port, or one for each host",
            ),
            (Kind::CommaInHost { host: "a,b".into() }, r#"invalid host name "a,b": a comma separates hosts"#),
            (
                Kind::HostAddr { value: "x".into() },
                r#"could not parse network address "x"; a name belongs into "host""#,
            ),
            (
                Kind::SocketPathTooLong { path: "/x".into(), maximum: 107 },
                r#"Unix-domain socket path "/x" is too long (maximum 107 bytes)"#,
            ),
            (Kind::NoUser, r#"no user name: the operating system has none for this process, so give "user""#),
            (
                Kind::AuthMethodRepeated { method: "md5".into() },
                r#"require_auth method "md5" is specified more than once"#,
            ),
            (
                Kind::AuthMethodMixed { method: "!md5".into() },
                r#"negative require_auth method "!md5" cannot be mixed with non-negative methods"#,
            ),
            (
                Kind::AuthMethodMixed { method: "md5".into() },
                r#"require_auth method "md5" cannot be mixed with negative methods"#,
            ),
            (
                Kind::WeakModeForDirect { sslmode: SslMode::Prefer },
                r#"weak sslmode "prefer" may not be used with sslnegotiation=direct; use require, verify-ca or verify-full"#,
            ),
            (
                Kind::WeakModeForSystem { sslmode: SslMode::Require },
                r#"weak sslmode "require" may not be used with sslrootcert=system; use verify-full"#,
            ),
            (
                Kind::TlsVersionRange,
                "invalid SSL protocol version range: ssl_min_protocol_version is above ssl_max_protocol_version",
            ),
            (
                Kind::ProtocolVersionRange,
                "invalid protocol version range: min_protocol_version is greater than max_protocol_version",
            ),
            (
                Kind::ScramKey { keyword: "scram_client_key", length: None },
                "invalid SCRAM key: scram_client_key is not base64",
            ),
            (
                Kind::ScramKey { keyword: "scram_client_key", length: Some(3) },
                "invalid SCRAM key length: scram_client_key holds 3 bytes, not 32",
            ),
            (
                Kind::GssNotSupported,
                r#"gssencmode "require" cannot be met: this program has no GSSAPI support"#,
            ),
        ];
        for (kind, sentence) in pinned {
            let error = ParamError::from(kind.clone());
            assert_eq!(error.to_string(), sentence, "{kind:?}");
            assert!(!sentence.ends_with('.'));
        }
    }

    #[test]
    fn places() {
        let places = [
            (Source::Conninfo { at: 3 }, "connection string, byte 3"),
            (Source::Uri { at: 3 }, "URI, byte 3"),
            (Source::Program, "the program"),
            (Source::Service { file: "/s".into(), line: 3 }, r#"service file "/s", line 3"#),
            (Source::Variable("PGUSER"), "environment variable PGUSER"),
            (Source::OperatingSystem, "the operating system"),
            (Source::Default, "default"),
            (Source::AdjustedForSystem, "raised because of sslrootcert=system"),
        ];
        for (source, place) in places {
            assert_eq!(source.to_string(), place);
            let error = ParamErrorKind::EmptyBracket.from(source);
            assert_eq!(
                error.to_string(),
                alloc::format!("IPv6 host address may not be empty in URI ({place})")
            );
        }
    }

    #[test]
    fn a_uri_has_words_of_its_own() {
        let at = Source::Uri { at: 0 };
        let unknown = ParamErrorKind::UnknownOption { name: Some("a".into()), suggestion: None };
        assert_eq!(unknown.from(at.clone()).to_string(), r#"invalid URI query parameter "a" (URI, byte 0)"#);
        let port = ParamErrorKind::InvalidInteger { keyword: "port", value: "secret".into() };
        assert!(!port.from(at).to_string().contains("secret"));
    }
}
