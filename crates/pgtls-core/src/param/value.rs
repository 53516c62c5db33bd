//! The closed sets of words that parameters take.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in libpq's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
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
    /// `sslmode`: how much TLS is wanted (spec 2).
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
    /// `sslnegotiation`: SSLRequest first, or TLS at once (spec 3.7).
    SslNegotiation {
        /// Ask with SSLRequest.
        Postgres = "postgres",
        /// Start with the ClientHello.
        Direct = "direct",
    }
}
words! {
    /// `sslcertmode`: whether a client certificate is sent (spec 7.5).
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
    /// `gssencmode`: whether GSSAPI encryption is tried (spec 3.10).
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
    /// `channel_binding`: whether SCRAM is bound to the TLS session (spec 10).
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
    /// A TLS version as libpq spells it (spec 9).
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
    ProtocolVersion {
        /// 3.0.
        V3_0 = "3.0",
        /// 3.2.
        V3_2 = "3.2",
    }
}
words! {
    /// `load_balance_hosts`.
    LoadBalanceHosts {
        /// In the order given.
        Disable = "disable",
        /// Shuffled.
        Random = "random",
    }
}
words! {
    /// `target_session_attrs`.
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

/// `require_auth` as a set: which authentication methods the server may ask for (spec 10.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AuthMethods {
    // to be filled by the parameters work: bit set of methods + whether the list was negated
}
