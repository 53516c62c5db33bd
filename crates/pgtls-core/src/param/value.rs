//! The closed sets of words that parameters take.

use crate::message::{PROTOCOL_3_0, PROTOCOL_3_2};

/// An enum of words, exact in spelling and case as libpq compares them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in libpq's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// Every word, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];
            /// The word as libpq spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            /// The value for a word; exact match, as libpq does.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

words! {
    /// `sslmode`: how much TLS is wanted.
    SslMode {
        /// Never TLS.
        Disable = "disable",
        /// TLS only after the server has refused plaintext.
        Allow = "allow",
        /// TLS if the server has it, plaintext otherwise.
        Prefer = "prefer",
        /// TLS or nothing; the chain is verified only if a root file exists.
        Require = "require",
        /// TLS with a verified chain.
        VerifyCa = "verify-ca",
        /// TLS with a verified chain and host name.
        VerifyFull = "verify-full",
    }
}
words! {
    /// `sslnegotiation`: SSLRequest first, or TLS at once.
    SslNegotiation {
        /// Ask with SSLRequest.
        Postgres = "postgres",
        /// Start with the ClientHello.
        Direct = "direct",
    }
}
words! {
    /// `sslcertmode`: whether a client certificate is sent.
    #[non_exhaustive]
    SslCertMode {
        /// Never sent.
        Disable = "disable",
        /// Sent when asked for and available.
        Allow = "allow",
        /// As `allow`, and its absence fails the attempt at authentication.
        Require = "require",
    }
}
words! {
    /// `gssencmode`: whether GSSAPI encryption is tried.
    GssEncMode {
        /// Never.
        Disable = "disable",
        /// First, when credentials are held.
        Prefer = "prefer",
        /// Or nothing.
        Require = "require",
    }
}
words! {
    /// `channel_binding`: whether SCRAM is bound to the TLS session.
    ChannelBinding {
        /// Never.
        Disable = "disable",
        /// When the server offers it.
        Prefer = "prefer",
        /// Or nothing.
        Require = "require",
    }
}
words! {
    /// A TLS version as libpq spells it; only here case does not count.
    #[non_exhaustive]
    TlsVersion {
        /// TLS 1.0.
        Tls1_0 = "TLSv1",
        /// TLS 1.1.
        Tls1_1 = "TLSv1.1",
        /// TLS 1.2.
        Tls1_2 = "TLSv1.2",
        /// TLS 1.3.
        Tls1_3 = "TLSv1.3",
    }
}
words! {
    /// A version of the PostgreSQL protocol.
    #[non_exhaustive]
    ProtocolVersion {
        /// 3.0.
        V3_0 = "3.0",
        /// 3.2.
        V3_2 = "3.2",
    }
}

impl ProtocolVersion {
    /// As it stands in a StartupMessage.
    pub const fn number(self) -> u32 {
        match self {
            Self::V3_0 => PROTOCOL_3_0,
            Self::V3_2 => PROTOCOL_3_2,
        }
    }
    /// What the word `latest` stands for.
    pub const LATEST: Self = Self::V3_2;
    /// The words of the parameters.
    pub(super) const PARAMETER_WORDS: &'static [&'static str] = &["3.0", "3.2", "latest"];
}
words! {
    /// `load_balance_hosts`.
    #[non_exhaustive]
    LoadBalanceHosts {
        /// In the order given.
        Disable = "disable",
        /// Shuffled.
        Random = "random",
    }
}
words! {
    /// `target_session_attrs`.
    #[non_exhaustive]
    TargetSessionAttrs {
        /// Any server.
        Any = "any",
        /// A server that accepts writes.
        ReadWrite = "read-write",
        /// A server that does not.
        ReadOnly = "read-only",
        /// A primary.
        Primary = "primary",
        /// A standby.
        Standby = "standby",
        /// A standby if there is one.
        PreferStandby = "prefer-standby",
    }
}
words! {
    /// A way to authenticate that `require_auth` can name.
    #[non_exhaustive]
    AuthMethod {
        /// The password in clear.
        Password = "password",
        /// The password, hashed with MD5.
        Md5 = "md5",
        /// Kerberos through GSSAPI.
        Gss = "gss",
        /// Windows' SSPI.
        Sspi = "sspi",
        /// SCRAM-SHA-256, with or without channel binding.
        ScramSha256 = "scram-sha-256",
        /// OAuth bearer tokens.
        Oauth = "oauth",
        /// The server asks for nothing (trust, or a client certificate).
        None = "none",
    }
}
