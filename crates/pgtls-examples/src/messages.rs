//! Messages of the protocol: the part that every driver has already.

use pgtls_startup::ServerError;
use std::fmt;

/// The longest message that is accepted, its length word included. None of the startup exchange comes near.
pub const MAX_MESSAGE: usize = 1 << 16;

/// Cuts messages out of what a server sends, in any split.
#[derive(Debug, Default)]
pub struct Messages {
    buffer: Vec<u8>,
}

/// A message of a server: its type and what follows the length word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type.
    pub kind: u8,
    /// The rest.
    pub body: Vec<u8>,
}

/// A length that no message has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLength(pub u32);

impl Messages {
    /// These bytes came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is complete.
    ///
    /// # Errors
    /// Its length makes no sense, or is more than [`MAX_MESSAGE`].
    pub fn take(&mut self) -> Result<Option<Message>, WrongLength> {
        let Some((&[kind, ref length @ ..], rest)) = self.buffer.split_first_chunk::<5>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length);
        let body = usize::try_from(length).ok().filter(|length| *length <= MAX_MESSAGE);
        let body = body.and_then(|length| length.checked_sub(4)).ok_or(WrongLength(length))?;
        let Some(body) = rest.get(..body).map(<[u8]>::to_vec) else { return Ok(None) };
        self.buffer.drain(..body.len() + 5);
        Ok(Some(Message { kind, body }))
    }

    /// What is left when messages are no longer looked at.
    pub fn into_rest(self) -> Vec<u8> {
        self.buffer
    }
}

impl Message {
    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len().saturating_add(4)).unwrap_or(u32::MAX);
        [&[self.kind], &length.to_be_bytes()[..], &self.body].concat()
    }

    /// The error of the server, if this message is one.
    pub fn refusal(&self) -> Option<String> {
        (self.kind == b'E').then(|| match ServerError::parse(&self.body) {
            Some(error) => error.to_string(),
            None => "an error without a text".to_owned(),
        })
    }

    /// The first column of a DataRow, as text.
    pub fn first_column(&self) -> Option<String> {
        let body = (self.kind == b'D').then_some(self.body.as_slice())?;
        let (length, value) = body.get(2..)?.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        Some(String::from_utf8_lossy(value.get(..length)?).into_owned())
    }
}

/// A simple query.
pub fn query(sql: &str) -> Vec<u8> {
    Message { kind: b'Q', body: [sql.as_bytes(), b"\0"].concat() }.encode()
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server sent a message of {} bytes", self.0)
    }
}

impl std::error::Error for WrongLength {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_any_split() {
        let row = Message { kind: b'D', body: b"\0\x01\0\0\0\x01x".to_vec() };
        let ready = Message { kind: b'Z', body: b"I".to_vec() };
        let bytes = [row.encode(), ready.encode()].concat();
        for split in 1..=bytes.len() {
            let mut messages = Messages::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(split) {
                messages.push(piece);
                while let Some(message) = messages.take().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, [row.clone(), ready.clone()]);
            assert!(messages.into_rest().is_empty());
        }
        assert_eq!(row.first_column().as_deref(), Some("x"));
        assert_eq!(ready.first_column(), None);
    }

    #[test]
    fn lengths_are_bounded() {
        for (length, good) in
            [(3, false), (4, true), (1 << 16, true), ((1 << 16) + 1, false), (u32::MAX, false)]
        {
            let mut messages = Messages::default();
            messages.push(b"S");
            messages.push(&u32::to_be_bytes(length));
            assert_eq!(messages.take().is_ok(), good, "{length}");
        }
    }

    #[test]
    fn refusals() {
        let message = |kind, body: &[u8]| Message { kind, body: body.to_vec() };
        assert_eq!(message(b'E', b"SFATAL\0C28000\0Mno\0\0").refusal().as_deref(), Some("FATAL:  no"));
        assert!(message(b'E', b"SFATAL").refusal().is_some());
        assert_eq!(message(b'S', b"a\0b\0").refusal(), None);
    }
}
