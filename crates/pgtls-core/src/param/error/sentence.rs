//! The sentences: libpq's words, and what to write instead. A value that is or may be a secret is never in them.

use super::{EncodingFault, ParamErrorKind, ServiceHint};
use crate::param::{scram_key::SCRAM_KEY_LENGTH, suggest};
use core::fmt;

/// One sentence for each kind of error.
#[expect(clippy::too_many_lines, reason = "the sentences are easier to compare when they stand together")]
pub(super) fn write(kind: &ParamErrorKind, in_uri: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ParamErrorKind as Kind;
    match kind {
        Kind::UnknownOption { name, suggestion } => {
            f.write_str(if in_uri { "invalid URI query parameter" } else { "invalid connection option" })?;
            word(name.as_deref(), f)?;
            meant(*suggestion, f)
        }
        Kind::MissingEquals { name } => {
            f.write_str("missing \"=\" after")?;
            word(name.as_deref(), f)?;
            f.write_str(" in the connection string; put a value that holds spaces in single quotes")
        }
        Kind::UnterminatedQuote => f.write_str("unterminated quoted value in the connection string"),
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
        Kind::ServiceNotFound { name } => write!(f, "definition of service {name:?} not found"),
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
            write!(f, "could not match {hosts} host names to {hostaddrs} hostaddr values")
        }
        Kind::PortCount { ports, hosts } => {
            write!(
                f,
                "could not match {ports} port numbers to {hosts} hosts; give one port, or one for each host"
            )
        }
        Kind::CommaInHost { host } => write!(f, "invalid host name {host:?}: a comma separates hosts"),
        Kind::HostAddr { value } => write!(f, "could not parse network address {value:?}"),
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
        Kind::GssWithoutCredentials => {
            f.write_str("GSSAPI encryption required by gssencmode, but there is no credential cache")
        }
        Kind::GssOnUnixSocket => {
            f.write_str("GSSAPI encryption required by gssencmode, but a Unix-domain socket cannot have it")
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
