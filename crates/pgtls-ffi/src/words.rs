//! Words that are numbers in C.

use crate::status::pgtls_status::{self, PGTLS_ARGUMENT};
use pgtls_core::{
    negotiation::{Alpn, Encryption, Then, TlsFailure},
    policy::{Payload, RootPresence, Transport, Verification},
};
use pgtls_x509::Purpose;

/// How numbers of C become ours. They may be any.
macro_rules! taken {
    ($name:ident is $ours:ty { $($word:ident is $value:path,)+ }) => {
        impl $name {
            pub(crate) fn read(number: u32) -> Result<$ours, pgtls_status> {
                match number {
                    $(number if number == Self::$word as u32 => Ok($value),)+
                    _ => Err(PGTLS_ARGUMENT),
                }
            }
        }
    };
}

/// How ours become those of C.
macro_rules! given {
    ($ours:ty as $name:ident { $($value:path as $word:ident,)+ }) => {
        impl From<$ours> for $name {
            fn from(value: $ours) -> Self {
                match value {
                    $($value => Self::$word,)+
                }
            }
        }
    };
}

/// How the packets get to the server.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_transport {
    /// TCP.
    PGTLS_TCP = 0,
    /// A unix socket, on which `sslmode` means nothing.
    PGTLS_UNIX = 1,
}

taken!(pgtls_transport is Transport {
    PGTLS_TCP is Transport::Tcp,
    PGTLS_UNIX is Transport::Unix,
});

/// What is sent once the connection is protected.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_payload {
    /// A StartupMessage.
    PGTLS_PAYLOAD_STARTUP = 0,
    /// A CancelRequest.
    PGTLS_PAYLOAD_CANCEL = 1,
}

taken!(pgtls_payload is Payload {
    PGTLS_PAYLOAD_STARTUP is Payload::Startup,
    PGTLS_PAYLOAD_CANCEL is Payload::Cancel,
});

/// How a session is protected.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_encryption {
    /// Not at all.
    PGTLS_ENCRYPTION_PLAIN = 0,
    /// TLS.
    PGTLS_ENCRYPTION_SSL = 1,
    /// GSSAPI, which is never asked for here.
    PGTLS_ENCRYPTION_GSS = 2,
}

given!(Encryption as pgtls_encryption {
    Encryption::Plain as PGTLS_ENCRYPTION_PLAIN,
    Encryption::Ssl as PGTLS_ENCRYPTION_SSL,
    Encryption::Gss as PGTLS_ENCRYPTION_GSS,
});

/// What comes after a failed address.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_then {
    /// The next address of the host.
    PGTLS_THEN_NEXT_ADDRESS = 0,
    /// The next host.
    PGTLS_THEN_NEXT_HOST = 1,
    /// Nothing.
    PGTLS_THEN_STOP = 2,
}

given!(Then as pgtls_then {
    Then::NextAddress as PGTLS_THEN_NEXT_ADDRESS,
    Then::NextHost as PGTLS_THEN_NEXT_HOST,
    Then::Stop as PGTLS_THEN_STOP,
});

/// Whether there are trusted roots; decides what is verified.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_root {
    /// The root file exists.
    PGTLS_ROOT_FOUND = 0,
    /// It does not.
    PGTLS_ROOT_MISSING = 1,
    /// The operating system's.
    PGTLS_ROOT_SYSTEM = 2,
}

given!(RootPresence as pgtls_root {
    RootPresence::Found as PGTLS_ROOT_FOUND,
    RootPresence::Missing as PGTLS_ROOT_MISSING,
    RootPresence::System as PGTLS_ROOT_SYSTEM,
});

/// What has to be proved about a server.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_verification {
    /// Nothing.
    PGTLS_VERIFY_NONE = 0,
    /// The chain.
    PGTLS_VERIFY_CA = 1,
    /// The chain and the host name.
    PGTLS_VERIFY_FULL = 2,
}

given!(Verification as pgtls_verification {
    Verification::None as PGTLS_VERIFY_NONE,
    Verification::Ca as PGTLS_VERIFY_CA,
    Verification::Full as PGTLS_VERIFY_FULL,
});

/// What ALPN ended with.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_alpn {
    /// The server has selected nothing.
    PGTLS_ALPN_ABSENT = 0,
    /// `postgresql`.
    PGTLS_ALPN_POSTGRESQL = 1,
    /// Anything else.
    PGTLS_ALPN_OTHER = 2,
}

taken!(pgtls_alpn is Alpn {
    PGTLS_ALPN_ABSENT is Alpn::Absent,
    PGTLS_ALPN_POSTGRESQL is Alpn::Postgresql,
    PGTLS_ALPN_OTHER is Alpn::Other,
});

/// How TLS has failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_tls_failure {
    /// Before anything was sent: a file or a key of ours.
    PGTLS_TLS_SETUP = 0,
    /// The server has closed the connection.
    PGTLS_TLS_CLOSED = 1,
    /// Anything else: an alert, garbage, the verification.
    PGTLS_TLS_HANDSHAKE = 2,
}

taken!(pgtls_tls_failure is TlsFailure {
    PGTLS_TLS_SETUP is TlsFailure::Setup,
    PGTLS_TLS_CLOSED is TlsFailure::Closed,
    PGTLS_TLS_HANDSHAKE is TlsFailure::Handshake,
});

/// What a certificate is to be used for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_purpose {
    /// TLS server.
    PGTLS_PURPOSE_SERVER = 0,
    /// TLS client.
    PGTLS_PURPOSE_CLIENT = 1,
}

taken!(pgtls_purpose is Purpose {
    PGTLS_PURPOSE_SERVER is Purpose::Server,
    PGTLS_PURPOSE_CLIENT is Purpose::Client,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked() {
        for (number, expected) in [(0, Transport::Tcp), (1, Transport::Unix)] {
            assert_eq!(pgtls_transport::read(number), Ok(expected));
        }
        for unknown in [2, 3, u32::MAX] {
            assert_eq!(pgtls_transport::read(unknown), Err(PGTLS_ARGUMENT));
        }
    }
}
