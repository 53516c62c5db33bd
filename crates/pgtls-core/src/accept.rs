//! The server's side of the negotiation: first bytes in, what the client wants out.
//!
//! [`Acceptor`] follows PostgreSQL 18 (`ProcessSSLStartup`, `ProcessStartupPacket` in backend_startup.c). It answers each
//! request once, reads at most one startup packet of bounded length, and refuses bytes in clear where only ciphertext may be.
//!
//! ```
//! use pgtls_core::accept::{Accepted, Acceptor, ServerAbility};
//! use pgtls_core::message::{PROTOCOL_3_0, SSL_REQUEST, startup_message};
//! use pgtls_core::negotiation::Request;
//!
//! let mut acceptor = Acceptor::new(ServerAbility { tls: false, gss: false });
//! // A client that asks for TLS; the server has none.
//! assert_eq!(acceptor.received(&SSL_REQUEST), Some(Accepted::Refuse(Request::Ssl, b'N')));
//! // The client goes on in plaintext, in two segments.
//! let packet = startup_message(PROTOCOL_3_0, [("user", "me")])?;
//! assert_eq!(acceptor.received(&packet[..5]), None);
//! match acceptor.received(&packet[5..]) {
//!     Some(Accepted::Startup(message)) => assert_eq!(message.value("user"), Some("me")),
//!     other => unreachable!("{other:?}"),
//! }
//! # Ok::<(), pgtls_core::message::MessageError>(())
//! ```

use crate::{
    message::{
        CANCEL_CODE, CancelRequest, GSSENC_CODE, MAX_STARTUP_LENGTH, MessageError, SSL_CODE, StartupMessage,
        TLS_HANDSHAKE, word,
    },
    negotiation::{Alpn, Encryption, Request},
};
use alloc::vec::Vec;

/// What the server can do on this connection. On a unix socket it can do neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct ServerAbility {
    /// TLS is configured.
    pub tls: bool,
    /// GSSAPI encryption is configured.
    pub gss: bool,
}

/// What the client wants, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// Answer with this byte, run the TLS handshake on what the socket brings next, then call [`Acceptor::encrypted`].
    Ssl(u8),
    /// Answer with this byte, run the GSSAPI handshake, then call [`Acceptor::encrypted`].
    Gss(u8),
    /// This was asked for. Answer with this byte; the client may go on in another way. Call [`Acceptor::poll`] for what it has sent already.
    Refuse(Request, u8),
    /// A ClientHello came first: hand [`Acceptor::take_rest`] and what follows to the TLS engine, then call [`Acceptor::encrypted`].
    DirectTls,
    /// A StartupMessage. What came after it is in [`Acceptor::take_rest`].
    Startup(StartupMessage),
    /// A CancelRequest: act on it or not, and close the connection without an answer.
    Cancel(CancelRequest),
    /// Close the connection.
    Reject(Rejection),
}

/// Why a client is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// Bytes in clear behind a request that was granted (CVE-2021-23214).
    UnencryptedData(Request),
    /// A startup packet that is too short, too long or makes no sense.
    Packet(MessageError),
    /// A second request of the same kind, a GSSENCRequest inside TLS (CVE-2026-14681), an SSLRequest inside GSSAPI, or a protocol that is not 3.
    UnsupportedProtocol {
        /// Upper 16 bits of the code.
        major: u16,
        /// Lower 16 bits of the code.
        minor: u16,
    },
    /// A ClientHello, and the server has no TLS.
    TlsNotConfigured,
    /// Direct TLS whose ALPN is not `postgresql`.
    DirectWithoutAlpn,
}

impl Rejection {
    /// What PostgreSQL tells the client before it closes: SQLSTATE of the error, or nothing.
    pub const fn sqlstate(self) -> Option<&'static str> {
        match self {
            Self::UnencryptedData(_) | Self::Packet(MessageError::Layout) => Some("08P01"),
            Self::UnsupportedProtocol { .. } => Some("0A000"),
            Self::Packet(MessageError::Length) | Self::TlsNotConfigured | Self::DirectWithoutAlpn => None,
        }
    }
}

impl core::fmt::Display for Rejection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnencryptedData(Request::Ssl) => f.write_str("received unencrypted data after SSL request"),
            Self::UnencryptedData(Request::Gss) => {
                f.write_str("received unencrypted data after GSSAPI encryption request")
            }
            Self::Packet(error) => error.fmt(f),
            Self::UnsupportedProtocol { major, minor } => {
                write!(f, "unsupported frontend protocol {major}.{minor}")
            }
            Self::TlsNotConfigured => {
                f.write_str("received a direct SSL connection, but SSL is not configured")
            }
            Self::DirectWithoutAlpn => {
                f.write_str("received direct SSL connection without ALPN protocol \"postgresql\"")
            }
        }
    }
}

impl core::error::Error for Rejection {}

/// The server's side of one connection, up to its startup packet.
#[derive(Clone, Debug)]
pub struct Acceptor {
    ability: ServerAbility,
    stage: Stage,
    encryption: Encryption,
    /// An SSLRequest would be a mistake now (PostgreSQL: `ssl_done`).
    ssl_done: bool,
    /// A GSSENCRequest would be a mistake now (PostgreSQL: `gss_done`).
    gss_done: bool,
    buffer: Vec<u8>,
}

/// Who is to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No byte was seen yet, so that a ClientHello may be the first thing.
    Fresh,
    /// A packet is expected.
    Reading,
    /// A handshake is under way.
    Handshake { direct: bool },
    /// Nothing more is read here.
    Over,
}

impl Acceptor {
    /// For a connection that was just accepted.
    pub const fn new(ability: ServerAbility) -> Self {
        Self {
            ability,
            stage: Stage::Fresh,
            encryption: Encryption::Plain,
            ssl_done: false,
            gss_done: false,
            buffer: Vec::new(),
        }
    }

    /// Hands in what one read brought, in any split. Never holds more than one packet and one read.
    pub fn received(&mut self, bytes: &[u8]) -> Option<Accepted> {
        self.buffer.extend_from_slice(bytes);
        self.poll()
    }

    /// Looks at what is left, after an answer was sent.
    pub fn poll(&mut self) -> Option<Accepted> {
        let accepted = match self.stage {
            Stage::Handshake { .. } | Stage::Over => None,
            Stage::Fresh => self.first(),
            Stage::Reading => self.packet(),
        }?;
        self.stage = match accepted {
            Accepted::Refuse(..) => Stage::Reading,
            Accepted::Ssl(_) | Accepted::Gss(_) => Stage::Handshake { direct: false },
            Accepted::DirectTls => Stage::Handshake { direct: true },
            Accepted::Startup(_) | Accepted::Cancel(_) | Accepted::Reject(_) => Stage::Over,
        };
        Some(accepted)
    }

    /// The handshake that was asked for is complete; what it decrypts goes to [`received`](Self::received) from here on.
    pub fn encrypted(&mut self, encryption: Encryption, alpn: Alpn) -> Result<(), Rejection> {
        if self.stage == (Stage::Handshake { direct: true }) && alpn != Alpn::Postgresql {
            self.stage = Stage::Over;
            return Err(Rejection::DirectWithoutAlpn);
        }
        self.encryption = encryption;
        self.stage = Stage::Reading;
        Ok(())
    }

    /// How the connection is protected now.
    pub const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Whether bytes were read beyond the last packet.
    pub const fn has_rest(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// What was read beyond the last packet.
    pub fn take_rest(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.buffer)
    }

    /// A ClientHello or a packet.
    fn first(&mut self) -> Option<Accepted> {
        match (self.buffer.first()?, self.ability.tls) {
            (&TLS_HANDSHAKE, true) => Some(Accepted::DirectTls),
            (&TLS_HANDSHAKE, false) => Some(Accepted::Reject(Rejection::TlsNotConfigured)),
            _ => {
                self.stage = Stage::Reading;
                self.packet()
            }
        }
    }

    fn packet(&mut self) -> Option<Accepted> {
        let (length, rest) = word(&self.buffer)?;
        let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let Some(length) = length.filter(|length| (4..=MAX_STARTUP_LENGTH).contains(length)) else {
            return Some(Accepted::Reject(Rejection::Packet(MessageError::Length)));
        };
        let packet = rest.get(..length)?.to_vec();
        self.buffer.drain(..length + 4);
        Some(self.wanted(&packet).unwrap_or_else(Accepted::Reject))
    }

    /// A complete packet, its length word taken off.
    fn wanted(&mut self, packet: &[u8]) -> Result<Accepted, Rejection> {
        let (code, _) = word(packet).ok_or(Rejection::Packet(MessageError::Length))?;
        match code {
            SSL_CODE if !self.ssl_done => {
                self.ssl_done = true;
                let granted = self.ability.tls && self.encryption == Encryption::Plain;
                // A GSSENCRequest may follow a refusal only.
                self.gss_done |= granted;
                self.answer(Request::Ssl, granted)
            }
            GSSENC_CODE if !self.gss_done => {
                self.gss_done = true;
                let granted = self.ability.gss && self.encryption == Encryption::Plain;
                self.ssl_done |= granted;
                self.answer(Request::Gss, granted)
            }
            CANCEL_CODE => CancelRequest::parse(packet).map(Accepted::Cancel).map_err(Rejection::Packet),
            _ => {
                let [high, low] =
                    [code >> 16, code & 0xFFFF].map(|half| u16::try_from(half).unwrap_or(u16::MAX));
                if high == 3 {
                    StartupMessage::parse(packet).map(Accepted::Startup).map_err(Rejection::Packet)
                } else {
                    Err(Rejection::UnsupportedProtocol { major: high, minor: low })
                }
            }
        }
    }

    fn answer(&self, request: Request, granted: bool) -> Result<Accepted, Rejection> {
        match (request, granted) {
            (Request::Ssl | Request::Gss, false) => Ok(Accepted::Refuse(request, b'N')),
            (Request::Ssl | Request::Gss, true) if !self.buffer.is_empty() => {
                Err(Rejection::UnencryptedData(request))
            }
            (Request::Ssl, true) => Ok(Accepted::Ssl(b'S')),
            (Request::Gss, true) => Ok(Accepted::Gss(b'G')),
        }
    }
}
