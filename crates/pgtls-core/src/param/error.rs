//! What is wrong with a parameter.

mod display;

use super::{EncodingFault, Source, SslMode, suggest};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::fmt;

/// A parameter, string, URI or service file that libpq would refuse.
///
/// `Display` is one sentence with the words that libpq uses, the place where the value was written, and what to write
/// instead. Secrets are never in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamError {
    /// What is wrong.
    pub kind: Box<ParamErrorKind>,
    /// Where it was written, when known.
    pub source: Option<Source>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamErrorKind {
    /// A name that libpq does not know; `None` when it follows a secret and may be a part of it, and when it looks like a
    /// URI.
    UnknownOption {
        /// The name.
        name: Option<String>,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// A word without `=` in a keyword/value string; `None` when it follows a secret and may be a part of it, and when it
    /// looks like a URI.
    MissingEquals {
        /// The word.
        name: Option<String>,
    },
    /// The closing quote of a value is missing.
    UnterminatedQuote,
    /// A NUL byte, at which libpq would cut the text.
    NulByte {
        /// Byte offset.
        at: usize,
    },
    /// A query parameter without `=`; `None` when it follows a secret and may be a part of it.
    UriMissingEquals {
        /// The parameter.
        name: Option<String>,
    },
    /// A query parameter with a second `=`; `None` when it follows a secret and may be a part of it.
    UriExtraEquals {
        /// The parameter.
        name: Option<String>,
    },
    /// A part of a URI that is not well encoded.
    Encoding {
        /// What is wrong with it.
        fault: EncodingFault,
        /// The part as written; `None` when it is a secret.
        part: Option<String>,
    },
    /// `[` without `]`.
    UnterminatedBracket,
    /// `[]`.
    EmptyBracket,
    /// Something other than a port, a path or a query after `]`.
    UnexpectedAfterBracket {
        /// What was found.
        found: char,
    },
    /// A line of a service file that is not `name=value` with a name that may stand there.
    ServiceSyntax {
        /// What may have been meant.
        hint: ServiceHint,
    },
    /// A line of a service file longer than libpq reads.
    ServiceLineTooLong,
    /// `service` inside a service section.
    NestedService,
    /// No service file has the section.
    ServiceNotFound {
        /// Name of the service.
        name: String,
        /// The files in which it may stand, whether they exist or not.
        files: Vec<String>,
    },
    /// A service file that was named, or found, cannot be read.
    ServiceFileUnreadable {
        /// Path.
        path: String,
    },
    /// A value that is not one of the words allowed.
    InvalidValue {
        /// Parameter.
        keyword: &'static str,
        /// Value.
        value: String,
        /// What is allowed.
        allowed: &'static [&'static str],
    },
    /// A value that is not an integer of 32 bits.
    InvalidInteger {
        /// Parameter.
        keyword: &'static str,
        /// Value; for a list, its item.
        value: String,
    },
    /// A port below 1 or above 65535.
    PortOutOfRange {
        /// Item of the port list.
        value: String,
    },
    /// Lists of different lengths.
    HostCount {
        /// Items of `host`.
        hosts: usize,
        /// Items of `hostaddr`.
        hostaddrs: usize,
    },
    /// Lists of different lengths.
    PortCount {
        /// Items of `port`.
        ports: usize,
        /// Number of hosts.
        hosts: usize,
    },
    /// A comma in a host given by a program, which would make it two.
    CommaInHost {
        /// The host.
        host: String,
    },
    /// An item of `hostaddr` that is not a numeric address.
    HostAddr {
        /// The item.
        value: String,
    },
    /// The path of a unix socket is longer than the operating system allows.
    SocketPathTooLong {
        /// The path.
        path: String,
        /// The longest that is allowed.
        maximum: usize,
    },
    /// No `user` was given and the operating system does not name one.
    NoUser,
    /// A method of `require_auth` that is there twice.
    AuthMethodRepeated {
        /// The method as written.
        method: String,
    },
    /// A method of `require_auth` without `!` after one with it, or the other way round.
    AuthMethodMixed {
        /// The method as written.
        method: String,
    },
    /// `sslnegotiation=direct` with an `sslmode` that allows plaintext.
    WeakModeForDirect {
        /// The mode.
        sslmode: SslMode,
    },
    /// `sslrootcert=system` with an `sslmode` that does not verify the host name.
    WeakModeForSystem {
        /// The mode.
        sslmode: SslMode,
    },
    /// `ssl_min_protocol_version` is above `ssl_max_protocol_version`.
    TlsVersionRange,
    /// `min_protocol_version` is above `max_protocol_version`.
    ProtocolVersionRange,
    /// `scram_client_key` or `scram_server_key` is not base64, or of the wrong length.
    ScramKey {
        /// Which.
        keyword: &'static str,
        /// Length of what was decoded; `None` when nothing could be.
        length: Option<usize>,
    },
    /// `gssencmode=require` in a program that cannot do GSSAPI encryption.
    GssNotSupported,
}

/// What may be wrong with a line of a service file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceHint {
    /// There is no `=`.
    MissingEquals,
    /// The name is not known.
    UnknownName {
        /// The name.
        name: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// There is a blank beside the `=`.
    Blank {
        /// The name without it.
        keyword: &'static str,
    },
    /// The line asks for an LDAP lookup.
    Ldap,
    /// The line holds bytes that are not UTF-8, or a NUL byte.
    NotText,
}

impl ParamErrorKind {
    /// The error of this kind, with the place where it was written.
    pub(crate) fn from(self, source: Source) -> ParamError {
        ParamError { kind: Box::new(self), source: Some(source) }
    }

    /// An unknown name, which is not shown when it may be a part of a secret.
    pub(super) fn unknown_option(name: Option<&str>) -> Self {
        Self::UnknownOption { name: name.map(ToOwned::to_owned), suggestion: name.and_then(suggest::keyword) }
    }
}

impl From<ParamErrorKind> for ParamError {
    /// The error of this kind, written in no particular place.
    fn from(kind: ParamErrorKind) -> Self {
        Self { kind: Box::new(kind), source: None }
    }
}

impl core::error::Error for ParamError {}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_uri = matches!(self.source, Some(Source::Uri { .. }));
        display::write(&self.kind, in_uri, f)?;
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}
