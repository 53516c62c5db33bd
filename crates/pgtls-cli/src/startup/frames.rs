//! Messages out of a byte stream, however it is split, within a fixed bound.

use super::{Fault, ServerMessage};
use bytes::{Buf, Bytes, BytesMut};
use pgtls_core::startup::Broken;
use postgres_protocol::message::backend::Message;

/// The longest message accepted, its type and length included. libpq takes no more than this from a server that it
/// does not know yet (`MAX_ERRLEN` in `PQconnectPoll`).
pub(super) const MAX_MESSAGE: usize = 30_000;

/// The longest authentication request accepted, as in libpq's `PQconnectPoll`.
const MAX_AUTHENTICATION_REQUEST: usize = 2000;

/// Bytes of a message's type and length.
const HEADER: usize = 5;

/// Collects bytes until a message is complete.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: BytesMut,
}

/// One complete message, header included.
#[derive(Debug)]
pub(super) struct Frame {
    tag: u8,
    bytes: BytesMut,
}

impl Frames {
    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete message.
    pub(super) fn next(&mut self, before_authentication: bool) -> Result<Option<Frame>, Fault> {
        let Some((&[tag, a, b, c, d], _)) = self.bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
        let malformed = Fault::Broken(Broken::Malformed(tag));
        let Ok(length) = usize::try_from(u32::from_be_bytes([a, b, c, d])) else { return Err(malformed) };
        let limit = if before_authentication && matches!(tag, b'R' | b'v') {
            MAX_AUTHENTICATION_REQUEST
        } else {
            MAX_MESSAGE
        };
        // The length counts itself but not the type.
        if length < HEADER - 1 || length > limit {
            return Err(malformed);
        }
        if self.bytes.len() <= length {
            return Ok(None);
        }
        Ok(Some(Frame { tag, bytes: self.bytes.split_to(length.saturating_add(1)) }))
    }
}

impl Frame {
    /// The type.
    pub(super) fn tag(&self) -> u8 {
        self.tag
    }

    /// What follows the header.
    pub(super) fn body(mut self) -> Bytes {
        self.bytes.advance(HEADER.min(self.bytes.len()));
        self.bytes.freeze()
    }

    /// The four bytes that name an authentication request.
    pub(super) fn authentication_code(&self) -> Option<u32> {
        let (code, _) = self.bytes.get(HEADER..)?.split_first_chunk::<4>()?;
        Some(u32::from_be_bytes(*code))
    }

    /// The message as `postgres-protocol` reads it.
    pub(super) fn parse(mut self) -> Result<Message, Fault> {
        match Message::parse(&mut self.bytes) {
            Ok(Some(message)) => Ok(message),
            _ => Err(Fault::Broken(Broken::Malformed(self.tag))),
        }
    }

    /// An ErrorResponse.
    pub(super) fn server_message(self) -> Result<ServerMessage, Fault> {
        let tag = self.tag;
        match self.parse()? {
            Message::ErrorResponse(error) => {
                ServerMessage::new(error.fields()).ok_or(Fault::Broken(Broken::Malformed(tag)))
            }
            _ => Err(Fault::Broken(Broken::Malformed(tag))),
        }
    }
}
