//! Messages out of a byte stream, however it is split, within fixed bounds.

use alloc::vec::Vec;
use core::ops::RangeInclusive;
use pgtls_core::{message::PROTOCOL_3_0, startup::ProtocolViolation};
use zeroize::Zeroize as _;

/// The most bytes that are kept of a message, its type and length not counted (libpq: `MAX_ERRLEN`). The longest message that
/// matters in a startup exchange is an error.
pub const MAX_MESSAGE: usize = 30_000;

/// Lengths of Authentication and NegotiateProtocolVersion messages, the length word included (libpq: `PQconnectPoll`).
const AUTHENTICATION: RangeInclusive<u32> = 8..=2_000;
/// Lengths of an ErrorResponse before AuthenticationOk; anything else is the text of a server older than protocol 3 (libpq:
/// `PQconnectPoll`).
const ERROR: RangeInclusive<u32> = 8..=30_000;
/// Lengths of most messages after AuthenticationOk (libpq: `pqParseInput3`).
const SHORT: RangeInclusive<u32> = 4..=30_000;
/// Lengths of those that carry data or free text (libpq: `VALID_LONG_MESSAGE_TYPE`); the word is signed.
const LONG: RangeInclusive<u32> = 4..=0x7FFF_FFFF;
/// Length of BackendKeyData in protocol 3.0.
const KEY_DATA_3_0: RangeInclusive<u32> = 12..=12;
/// Length of BackendKeyData since protocol 3.2: keys of 4 to 256 bytes (libpq: `getBackendKeyData`).
const KEY_DATA_3_2: RangeInclusive<u32> = 12..=264;

/// Bytes of a message's type and length.
const HEADER: usize = 5;

/// Kinds of messages that the server may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before AuthenticationOk.
    Authentication,
    /// From there to ReadyForQuery.
    Reports,
    /// The answer to the query for the role.
    Role,
}

/// Bytes of the server that have not been read as messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// The part of `bytes` that has been read.
    read: usize,
    /// Bytes to come that belong to a message of which enough has been kept.
    skip: usize,
}

/// A message: its type, and the body as far as it is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) tag: u8,
    pub(crate) body: Vec<u8>,
    /// The body was longer.
    pub(crate) cut: bool,
}

impl Frames {
    /// Adds bytes of the server.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len());
        self.skip = self.skip.saturating_sub(skipped);
        self.bytes.drain(..self.read.min(self.bytes.len()));
        self.read = 0;
        self.bytes.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
    }

    /// The next message. Of one that is not read in this phase the body is left out.
    pub(crate) fn next(&mut self, phase: Phase, version: u32) -> Result<Option<Frame>, ProtocolViolation> {
        let unread = self.bytes.get(self.read..).unwrap_or_default();
        let Some((&tag, rest)) = unread.split_first() else { return Ok(None) };
        if phase == Phase::Authentication && !matches!(tag, b'R' | b'E' | b'v') {
            return Err(ProtocolViolation::Unexpected(tag));
        }
        let Some((length, body)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if !lengths(phase, tag, version).contains(&length) {
            return Err(match (phase, tag) {
                (Phase::Authentication, b'E') => ProtocolViolation::OldError,
                _ => ProtocolViolation::Malformed(tag),
            });
        }
        // The length counts itself.
        let length = usize::try_from(length.saturating_sub(4)).unwrap_or(usize::MAX);
        let kept = if is_read(phase, tag) { length.min(MAX_MESSAGE) } else { 0 };
        let Some(body) = body.get(..kept) else { return Ok(None) };
        let frame = Frame { tag, body: body.to_vec(), cut: kept < length };
        let left = length.saturating_sub(kept);
        let after = self.read.saturating_add(HEADER).saturating_add(kept);
        let here = self.bytes.len().saturating_sub(after).min(left);
        self.read = after.saturating_add(here);
        self.skip = left.saturating_sub(here);
        Ok(Some(frame))
    }

    /// The bytes after the last message.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.bytes.get(self.read..).unwrap_or_default().to_vec();
        self.bytes.zeroize();
        self.read = 0;
        unread
    }
}

/// The allowed lengths of a message.
fn lengths(phase: Phase, tag: u8, version: u32) -> RangeInclusive<u32> {
    match (phase, tag) {
        (Phase::Authentication, b'E') => ERROR,
        (Phase::Authentication, _) => AUTHENTICATION,
        (_, b'E' | b'N' | b'A' | b'D' | b'd' | b'V' | b'T') => LONG,
        (_, b'K') if version == PROTOCOL_3_0 => KEY_DATA_3_0,
        (_, b'K') => KEY_DATA_3_2,
        (_, b'Z') => 5..=5,
        _ => SHORT,
    }
}

/// Whether the content of a message matters.
fn is_read(phase: Phase, tag: u8) -> bool {
    match phase {
        Phase::Authentication => true,
        Phase::Reports => matches!(tag, b'E' | b'S' | b'K'),
        Phase::Role => matches!(tag, b'S' | b'D'),
    }
}
