//! The few protocol messages that belong to negotiation.
//!
//! PostgreSQL documentation, "Message Formats": SSLRequest, GSSENCRequest, StartupMessage, CancelRequest. All of them begin with a
//! length word that counts itself, and have no type byte.

use crate::secret::wipe_vec;
use alloc::{string::String, vec::Vec};

/// SSLRequest.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
/// GSSENCRequest.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x30];
/// The ALPN protocol name, offered by the client since PostgreSQL 17.
pub const ALPN_POSTGRESQL: &[u8] = b"postgresql";

/// Protocol 3.0, spoken since PostgreSQL 7.4.
pub const PROTOCOL_3_0: u32 = 0x0003_0000;
/// Protocol 3.2, spoken since PostgreSQL 18. There is no 3.1.
pub const PROTOCOL_3_2: u32 = 0x0003_0002;

/// The code of CancelRequest: 1234.5678.
pub(crate) const CANCEL_CODE: u32 = 0x04D2_162E;
/// The code of SSLRequest: 1234.5679.
pub(crate) const SSL_CODE: u32 = 0x04D2_162F;
/// The code of GSSENCRequest: 1234.5680.
pub(crate) const GSSENC_CODE: u32 = 0x04D2_1630;

/// The first byte of a TLS record that holds a handshake message (RFC 8446, 5.1); no startup packet begins with it.
pub const TLS_HANDSHAKE: u8 = 0x16;

/// The longest startup packet that a server reads, its length word not counted (PostgreSQL: `MAX_STARTUP_PACKET_LENGTH`).
pub const MAX_STARTUP_LENGTH: usize = 10_000;

/// The length of every cancel key up to protocol 3.0, and the shortest of 3.2.
const SHORT_KEY: usize = 4;
/// The longest cancel key (protocol 3.2).
pub const MAX_CANCEL_KEY_LENGTH: usize = 256;

/// What a client asks for in a StartupMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartupMessage {
    /// Major version in the upper 16 bits, minor in the lower.
    pub version: u32,
    /// Names and values in the order sent: `user`, `database`, and settings.
    pub pairs: Vec<(String, String)>,
}

impl StartupMessage {
    /// The value of a name; the last one counts, as in PostgreSQL.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads what follows the length word.
    pub fn parse(packet: &[u8]) -> Result<Self, MessageError> {
        let (version, mut rest) = word(packet).ok_or(MessageError::Length)?;
        let mut pairs = Vec::new();
        loop {
            let (name, after) = string(rest)?;
            if name.is_empty() {
                // PostgreSQL: "expected terminator as last byte".
                return if after.is_empty() {
                    Ok(Self { version, pairs })
                } else {
                    Err(MessageError::Layout)
                };
            }
            let (value, after) = string(after)?;
            pairs.push((
                String::from_utf8_lossy(name).into_owned(),
                String::from_utf8_lossy(value).into_owned(),
            ));
            rest = after;
        }
    }
}

/// Writes a StartupMessage, length word included.
pub fn startup_message<'a>(
    version: u32,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<u8>, MessageError> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in pairs {
        if name.is_empty() || name.contains('\0') || value.contains('\0') {
            return Err(MessageError::Layout);
        }
        for text in [name, value] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    packet(&body)
}

/// What a CancelRequest names: a backend and the key that it handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelRequest {
    process_id: u32,
    key: Vec<u8>,
}

impl CancelRequest {
    /// To cancel what this backend is doing. The key has 4 bytes in protocol 3.0, and up to 256 since 3.2.
    ///
    /// # Errors
    /// A key of no bytes, or of more.
    pub fn new(process_id: u32, key: &[u8]) -> Result<Self, MessageError> {
        if key.is_empty() || key.len() > MAX_CANCEL_KEY_LENGTH {
            return Err(MessageError::Length);
        }
        Ok(Self { process_id, key: key.to_vec() })
    }

    /// From the body of BackendKeyData, which the server sends while a session starts up. `version` is that of the protocol
    /// that was agreed on (libpq: `getBackendKeyData`).
    ///
    /// # Errors
    /// A key that is too short or too long for this version.
    pub fn from_key_data(version: u32, body: &[u8]) -> Result<Self, MessageError> {
        let (process_id, key) = word(body).ok_or(MessageError::Length)?;
        let fits = if version < PROTOCOL_3_2 { key.len() == SHORT_KEY } else { key.len() >= SHORT_KEY };
        if fits { Self::new(process_id, key) } else { Err(MessageError::Length) }
    }

    /// The process id of the backend.
    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Reads what follows the length word.
    pub fn parse(packet: &[u8]) -> Result<Self, MessageError> {
        let (CANCEL_CODE, rest) = word(packet).ok_or(MessageError::Length)? else {
            return Err(MessageError::Layout);
        };
        let (process_id, key) = word(rest).ok_or(MessageError::Length)?;
        Self::new(process_id, key)
    }

    /// Writes the message, length word included.
    pub fn encode(&self) -> Vec<u8> {
        let length = 12_usize.saturating_add(self.key.len());
        let mut packet = Vec::with_capacity(length);
        packet.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        packet.extend_from_slice(&CANCEL_CODE.to_be_bytes());
        packet.extend_from_slice(&self.process_id.to_be_bytes());
        packet.extend_from_slice(&self.key);
        packet
    }
}

impl core::fmt::Debug for CancelRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Whoever has the key can cancel somebody's queries.
        f.debug_struct("CancelRequest").field("process_id", &self.process_id).finish_non_exhaustive()
    }
}

impl Drop for CancelRequest {
    fn drop(&mut self) {
        wipe_vec(&mut self.key);
    }
}

/// A message that cannot be written or makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageError {
    /// Too short or too long.
    Length,
    /// A missing terminator, bytes after the last one, or an empty or split name.
    Layout,
}

impl core::fmt::Display for MessageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Length => "invalid length of startup packet",
            Self::Layout => "invalid startup packet layout",
        })
    }
}

impl core::error::Error for MessageError {}

/// Puts the length word in front.
fn packet(body: &[u8]) -> Result<Vec<u8>, MessageError> {
    if body.len() > MAX_STARTUP_LENGTH {
        return Err(MessageError::Length);
    }
    let length = u32::try_from(body.len() + 4).map_err(|_| MessageError::Length)?;
    let mut packet = Vec::with_capacity(body.len() + 4);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(body);
    Ok(packet)
}

/// The big-endian word in front, and what follows it.
pub(crate) fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(word, rest)| (u32::from_be_bytes(*word), rest))
}

/// The bytes up to a zero, and what follows it.
fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), MessageError> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(MessageError::Layout)?;
    let (text, rest) = bytes.split_at_checked(end).ok_or(MessageError::Layout)?;
    Ok((text, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, vec};

    #[test]
    fn codes_are_what_the_requests_carry() {
        assert_eq!(word(&SSL_REQUEST), Some((8, SSL_CODE.to_be_bytes().as_slice())));
        assert_eq!(word(&GSSENC_REQUEST), Some((8, GSSENC_CODE.to_be_bytes().as_slice())));
        assert_eq!((CANCEL_CODE, SSL_CODE, GSSENC_CODE), (80_877_102, 80_877_103, 80_877_104));
    }

    #[test]
    fn startup_messages_come_back() {
        for version in [PROTOCOL_3_0, PROTOCOL_3_2] {
            let pairs = [("user", "me"), ("database", ""), ("options", "-c a=b")];
            let bytes = startup_message(version, pairs).unwrap();
            let (length, rest) = word(&bytes).unwrap();
            assert_eq!(usize::try_from(length), Ok(bytes.len()));
            let message = StartupMessage::parse(rest).unwrap();
            assert_eq!(message.version, version);
            assert_eq!(message.pairs.len(), 3);
            assert_eq!(message.value("options"), Some("-c a=b"));
            assert_eq!(message.value("database"), Some(""));
            assert_eq!(message.value("none"), None);
        }
    }

    #[test]
    fn startup_layout() {
        let body = |rest: &[u8]| [&PROTOCOL_3_0.to_be_bytes(), rest].concat();
        let parse = |rest: &[u8]| StartupMessage::parse(&body(rest)).map(|message| message.pairs.len());
        assert_eq!(parse(b"\0"), Ok(0));
        assert_eq!(parse(b"user\0me\0\0"), Ok(1));
        assert_eq!(parse(b"user\0\0\0"), Ok(1));
        assert_eq!(parse(b"user\0me\0"), Err(MessageError::Layout));
        assert_eq!(parse(b"user\0me\0\0x"), Err(MessageError::Layout));
        assert_eq!(parse(b"user\0me"), Err(MessageError::Layout));
        assert_eq!(parse(b""), Err(MessageError::Layout));
        assert_eq!(StartupMessage::parse(&[0, 3, 0]), Err(MessageError::Length));
        assert_eq!(startup_message(PROTOCOL_3_0, [("", "x")]), Err(MessageError::Layout));
        assert_eq!(startup_message(PROTOCOL_3_0, [("user", "a\0b")]), Err(MessageError::Layout));
        let long = "x".repeat(MAX_STARTUP_LENGTH);
        assert_eq!(startup_message(PROTOCOL_3_0, [("user", long.as_str())]), Err(MessageError::Length));
        let fits = "x".repeat(MAX_STARTUP_LENGTH - 4 - "user\0".len() - 1 - 1);
        assert_eq!(startup_message(PROTOCOL_3_0, [("user", fits.as_str())]).map(|b| b.len()), Ok(10_004));
    }

    #[test]
    fn cancel_keys() {
        for (length, fits) in [(0, false), (1, true), (4, true), (32, true), (256, true), (257, false)] {
            match CancelRequest::new(7, &vec![9; length]) {
                Ok(request) => {
                    assert!(fits);
                    let bytes = request.encode();
                    let (counted, rest) = word(&bytes).unwrap();
                    assert_eq!(usize::try_from(counted), Ok(bytes.len()));
                    assert_eq!(CancelRequest::parse(rest), Ok(request));
                }
                Err(error) => assert!(!fits && error == MessageError::Length),
            }
        }
        assert_eq!(CancelRequest::parse(&CANCEL_CODE.to_be_bytes()), Err(MessageError::Length));
        assert_eq!(CancelRequest::parse(&[0, 3, 0, 0, 0, 0, 0, 1, 1]), Err(MessageError::Layout));
        let shown = format!("{:?}", CancelRequest::new(7, &[0xAB; 4]).unwrap());
        assert_eq!(shown, "CancelRequest { process_id: 7, .. }");
    }

    #[test]
    fn key_data_by_version() {
        let made = |version, length: usize| {
            let body = [&7_u32.to_be_bytes(), vec![9; length].as_slice()].concat();
            CancelRequest::from_key_data(version, &body)
                .map(|request| (request.process_id(), request.key().len()))
        };
        for (version, length, fits) in [
            (PROTOCOL_3_0, 3, false),
            (PROTOCOL_3_0, 4, true),
            (PROTOCOL_3_0, 5, false),
            (PROTOCOL_3_2, 3, false),
            (PROTOCOL_3_2, 4, true),
            (PROTOCOL_3_2, 256, true),
            (PROTOCOL_3_2, 257, false),
        ] {
            let expected = if fits { Ok((7, length)) } else { Err(MessageError::Length) };
            assert_eq!(made(version, length), expected, "{version:x} {length}");
        }
        assert_eq!(CancelRequest::from_key_data(PROTOCOL_3_0, &[0; 3]), Err(MessageError::Length));
    }
}
