//! What the server does at each point, as words: the vocabulary of scripts.
//!
//! Every word can be parsed and printed, so that a script is plain text. An unknown word is answered with all that are known.

mod argument;

pub use self::argument::{Byte, SqlState};

use core::fmt;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

macro_rules! words {
    // After a bar: a last variant that takes an argument after a colon, such as `error:57P03`.
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }
        $(| $(#[$ometa:meta])* $open:ident($type:ty) = $prefix:literal)?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            $($(#[$ometa])* $open($type),)?
        }

        impl $name {
            /// The words, in the order of their documentation; one that takes an argument ends in a colon.
            pub const WORDS: &'static [&'static str] = &[$($word,)+ $(concat!($prefix, ":"),)?];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($word),)+
                    $(Self::$open(value) => write!(f, concat!($prefix, ":{}"), value),)?
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownKeyword;
            fn from_str(word: &str) -> Result<Self, UnknownKeyword> {
                $(if let Some(argument) = word.strip_prefix(concat!($prefix, ":")) {
                    return argument.parse().map(Self::$open);
                })?
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownKeyword { what: $what, word: word.to_owned(), known: Self::WORDS }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownKeyword;
            fn try_from(word: String) -> Result<Self, UnknownKeyword> { word.parse() }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self { value.to_string() }
        }
    };
}

words! {
    /// What happens as soon as a client has connected, before it has said anything.
    Greeting, "a greeting" {
        /// Nothing: the client speaks first, as the protocol has it.
        Wait = "wait",
        /// The connection is closed.
        Close = "close",
        /// The connection is reset.
        Reset = "reset",
        /// A mail server's greeting: this is another service.
        Banner = "banner",
        /// A web server's complaint, and the end.
        Http = "http",
    }
}

words! {
    /// The answer to SSLRequest.
    SslAnswer, "an answer to SSLRequest" {
        /// `S`, and a TLS handshake.
        Accept = "accept",
        /// `S` some time later than a client expects, and a TLS handshake.
        AcceptLate = "accept-late",
        /// `S` and an AuthenticationOk in clear in the same segment, then a TLS handshake: what CVE-2021-23222 is about.
        AcceptExtra = "accept+extra",
        /// `S`, and after the ClientHello some text that is not TLS.
        AcceptGarbage = "accept-garbage",
        /// `S`, and the connection is closed.
        AcceptClose = "accept-close",
        /// `S`, and after the ClientHello the connection is reset.
        AcceptReset = "accept-reset",
        /// `N`, and the client may go on.
        Reject = "reject",
        /// `N` and an AuthenticationOk in the same segment.
        RejectExtra = "reject+extra",
        /// `N`, and the connection is closed.
        RejectClose = "reject-close",
        /// An ErrorResponse, and the connection is closed.
        ErrorV3 = "error-v3",
        /// The first nine bytes of an ErrorResponse, and the connection is closed.
        ErrorV3Partial = "error-v3-partial",
        /// An error as protocol 2 has it: `E`, text, NUL.
        ErrorV2 = "error-v2",
        /// The same with a text of nine thousand bytes.
        ErrorV2Long = "error-v2-long",
        /// The connection is closed without an answer.
        Close = "close",
        /// The connection is reset without an answer.
        Reset = "reset",
        /// No answer ever.
        Hang = "hang",
    }
    | /// Any one byte, and the connection is closed: `byte:X` or `byte:0x00`.
    Byte(Byte) = "byte"
}

words! {
    /// The answer to GSSENCRequest.
    GssAnswer, "an answer to GSSENCRequest" {
        /// `N`, and the client may go on.
        Reject = "reject",
        /// `G`; the first token is read, and the connection is closed.
        Accept = "accept",
        /// `G`, and the connection is closed.
        AcceptClose = "accept-close",
        /// An ErrorResponse, and the connection is closed: servers before PostgreSQL 12.
        ErrorV3 = "error-v3",
        /// The connection is closed without an answer.
        Close = "close",
    }
    | /// Any one byte, and the connection is closed.
    Byte(Byte) = "byte"
}

words! {
    /// The answer to a ClientHello as the first bytes (`sslnegotiation=direct`).
    DirectAnswer, "an answer to a direct ClientHello" {
        /// A TLS handshake.
        Accept = "accept",
        /// A TLS handshake that selects no protocol by ALPN.
        NoAlpn = "no-alpn",
        /// A TLS handshake that selects `http/1.1` by ALPN, whatever was offered.
        WrongAlpn = "wrong-alpn",
        /// The connection is closed: servers without TLS.
        Close = "close",
        /// The connection is reset.
        Reset = "reset",
        /// A fatal alert `handshake_failure`.
        Alert = "alert",
        /// An ErrorResponse in clear: servers before PostgreSQL 17.
        PlainError = "plain-error",
        /// No answer ever.
        Hang = "hang",
    }
}

words! {
    /// The answer to a startup packet.
    StartupAnswer, "an answer to a startup packet" {
        /// AuthenticationOk at once.
        Trust = "trust",
        /// A password in clear is asked for.
        Cleartext = "cleartext",
        /// A password hashed with MD5 is asked for.
        Md5 = "md5",
        /// SASL with SCRAM-SHA-256.
        Scram = "scram",
        /// SASL with SCRAM-SHA-256-PLUS and SCRAM-SHA-256; in clear the latter alone.
        ScramPlus = "scram-plus",
        /// SASL with SCRAM-SHA-256-PLUS alone, in clear as well.
        ScramPlusOnly = "scram-plus-only",
        /// SASL with SCRAM-SHA-512, which no client has.
        ScramUnknown = "scram-unknown",
        /// AuthenticationOk if the client has sent a certificate, else an error (28000).
        Certificate = "cert",
        /// An authentication request with a number that does not exist.
        Unknown = "unknown",
        /// An error as when no line of pg_hba.conf fits (28000).
        AuthFail = "authfail",
        /// AuthenticationOk, and an error (3D000) before ReadyForQuery.
        FailAfterOk = "fail-after-ok",
        /// The connection is closed.
        Close = "close",
        /// The connection is reset.
        Reset = "reset",
        /// No answer ever.
        Hang = "hang",
    }
    | /// An error with this SQLSTATE: `error:57P03`.
    Error(SqlState) = "error"
}

words! {
    /// Whether a certificate is asked of the client.
    ClientCertificate, "a way to ask for a client certificate" {
        /// It is not asked for.
        None = "none",
        /// It is asked for, any will do, and none too.
        Optional = "optional",
        /// It is asked for, any will do, but there must be one.
        Required = "required",
        /// It is asked for, and one that is sent must come from the PKI's client CA: PostgreSQL with `ssl_ca_file`.
        Verify = "verify",
    }
}

words! {
    /// Which authorities a server names when it asks for a certificate.
    Hints, "a way to name authorities" {
        /// Those that it would take a certificate from.
        Own = "own",
        /// None.
        None = "none",
        /// One that has nothing to do with the PKI's clients.
        Unrelated = "unrelated",
    }
}

words! {
    /// Which protocol the server selects by ALPN.
    Alpn, "an ALPN selection" {
        /// `postgresql` if it is offered; the alert `no_application_protocol` if something else is; none if nothing is.
        Postgresql = "postgresql",
        /// None, whatever is offered.
        None = "none",
        /// `http/1.1`, whatever is offered; none if nothing is.
        Wrong = "wrong",
        /// `h2` in the same way.
        H2 = "h2",
        /// `Postgresql`: protocols are compared octet by octet.
        UpperCase = "Postgresql",
        /// `postgresql2`.
        Longer = "postgresql2",
    }
}

words! {
    /// How the server's part of the handshake is sent.
    Flight, "a way to send the handshake" {
        /// As TLS has it.
        Whole = "whole",
        /// In segments of eleven bytes.
        Slow = "slow",
        /// A fatal alert `handshake_failure` instead.
        Alert = "alert",
        /// A fatal alert `protocol_version` instead: what the offer of newer versions gets from a server that knows
        /// TLS 1.0 or 1.1 only. That those versions are not spoken is no loss to clients that would not speak them.
        OldVersion = "old-version",
        /// Its first forty bytes, then garbage.
        Garbage = "garbage",
        /// Nothing: the connection is closed.
        Close = "close",
    }
}

words! {
    /// Which cipher suites a server has under TLS 1.2.
    Suites, "a list of cipher suites" {
        /// All that rustls has.
        All = "all",
        /// ECDHE with AES in GCM.
        Aes = "aes-gcm",
        /// The same with keys of 128 bits, and for certificates with ECDSA alone.
        Aes128 = "ecdsa-aes128-gcm",
    }
}

words! {
    /// What happens when the handshake is over.
    AfterTls, "what follows the handshake" {
        /// The session goes on.
        Continue = "continue",
        /// The startup packet is read, and the TLS session is closed.
        Close = "close",
        /// The startup packet is read, and the connection is reset.
        Reset = "reset",
    }
}

impl Alpn {
    /// The protocol that is selected without being offered.
    pub(super) fn imposed(self) -> Option<&'static [u8]> {
        match self {
            Self::Postgresql | Self::None => None,
            Self::Wrong => Some(b"http/1.1"),
            Self::H2 => Some(b"h2"),
            Self::UpperCase => Some(b"Postgresql"),
            Self::Longer => Some(b"postgresql2"),
        }
    }
}

impl SslAnswer {
    /// Whether the client may not go on in clear: the request counts as granted, whatever is answered.
    pub(super) fn grants(self) -> bool {
        !matches!(self, Self::Reject | Self::RejectExtra)
    }
}

impl GssAnswer {
    /// As for [`SslAnswer`].
    pub(super) fn grants(self) -> bool {
        self != Self::Reject
    }
}

/// A word that scripts do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKeyword {
    what: &'static str,
    word: String,
    known: &'static [&'static str],
}

impl UnknownKeyword {
    pub(super) fn new(what: &'static str, word: &str, known: &'static [&'static str]) -> Self {
        Self { what, word: word.to_owned(), known }
    }
}

impl fmt::Display for UnknownKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not {}; known are {}", self.word, self.what, self.known.join(", "))
    }
}

impl core::error::Error for UnknownKeyword {}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: FromStr<Err = UnknownKeyword> + fmt::Display>(words: &[&str], argument: &str) {
        for word in words {
            let word = if word.ends_with(':') { format!("{word}{argument}") } else { (*word).to_owned() };
            let value: T = word.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(value.to_string(), word);
        }
    }

    #[test]
    fn every_word_is_read_and_written() {
        round_trip::<Greeting>(Greeting::WORDS, "");
        round_trip::<SslAnswer>(SslAnswer::WORDS, "X");
        round_trip::<SslAnswer>(SslAnswer::WORDS, "0x00");
        round_trip::<GssAnswer>(GssAnswer::WORDS, "0xff");
        round_trip::<DirectAnswer>(DirectAnswer::WORDS, "");
        round_trip::<StartupAnswer>(StartupAnswer::WORDS, "57P03");
        round_trip::<ClientCertificate>(ClientCertificate::WORDS, "");
        round_trip::<Hints>(Hints::WORDS, "");
        round_trip::<Alpn>(Alpn::WORDS, "");
        round_trip::<Suites>(Suites::WORDS, "");
        round_trip::<Flight>(Flight::WORDS, "");
        round_trip::<AfterTls>(AfterTls::WORDS, "");
    }

    #[test]
    fn unknown_words_are_answered_with_the_known_ones() {
        let error = "acept".parse::<Alpn>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"acept\" is not an ALPN selection; known are postgresql, none, wrong, h2, Postgresql, postgresql2"
        );
        for wrong in ["byte:", "byte:XY", "byte:0x", "byte:0x100"] {
            assert!(wrong.parse::<SslAnswer>().is_err(), "{wrong}");
        }
        for wrong in ["error:", "error:57p03", "error:57P0", "error:57P033"] {
            assert!(wrong.parse::<StartupAnswer>().is_err(), "{wrong}");
        }
    }
}
