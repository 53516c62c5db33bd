//! Words that are numbers in C.

use crate::status::pgtls_status::{self, PGTLS_ARGUMENT};
use pgtls_core::{
    connect,
    negotiation::{AfterFailure, Encryption, TlsFailure},
    policy::{RootPresence, Transport, Verification},
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

/// Kind of socket.
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

given!(Transport as pgtls_transport {
    Transport::Tcp as PGTLS_TCP,
    Transport::Unix as PGTLS_UNIX,
});

/// Aim of a connection that the program opens itself.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_aim {
    /// A session: the machine ends in `PGTLS_DONE`.
    PGTLS_AIM_SESSION = 0,
    /// A cancel request: the machine ends in `PGTLS_DONE` when the server has closed the connection in order.
    PGTLS_AIM_CANCEL = 1,
    /// A connection on which another driver runs the startup exchange: the machine ends in `PGTLS_ESTABLISHED`.
    PGTLS_AIM_TLS = 2,
}

taken!(pgtls_aim is connect::Purpose {
    PGTLS_AIM_SESSION is connect::Purpose::Session,
    PGTLS_AIM_CANCEL is connect::Purpose::Cancel,
    PGTLS_AIM_TLS is connect::Purpose::Tls,
});

/// Protection of a session.
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

/// Consequence of a failed attempt.
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

given!(AfterFailure as pgtls_then {
    AfterFailure::NextAddress as PGTLS_THEN_NEXT_ADDRESS,
    AfterFailure::NextHost as PGTLS_THEN_NEXT_HOST,
    AfterFailure::Stop as PGTLS_THEN_STOP,
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

/// Required proof of a server's identity.
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

/// Kind of failure of TLS.
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
