//! The client's answers: whether there was one, and with which SASL mechanism.

use crate::mechanism::Mechanism;

/// PasswordMessage, SASLInitialResponse, SASLResponse and GSSResponse share this type.
const ANSWER: u8 = b'p';

/// The longest name that is looked for, and one byte to see that a name is longer.
const NAME_ROOM: usize = Mechanism::ScramSha256Plus.as_str().len() + 1;

/// Reads the client's messages after the startup packet, in any split.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    at: At,
    answered: bool,
    mechanism: Option<Mechanism>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Kind,
    Length {
        kind: u8,
        have: u8,
        value: u32,
    },
    Body {
        left: u32,
        name: Option<Name>,
    },
    /// The client speaks something else; nothing more is understood.
    Lost,
}

/// The beginning of a SASLInitialResponse.
#[derive(Clone, Copy, Debug)]
struct Name {
    bytes: [u8; NAME_ROOM],
    length: usize,
}

impl At {
    const fn body(left: u32, name: Option<Name>) -> Self {
        if left == 0 { Self::Kind } else { Self::Body { left, name } }
    }
}

impl Sent {
    pub(super) const START: Self = Self { at: At::Kind, answered: false, mechanism: None };

    /// Some answer was sent.
    pub(super) const fn answered(&self) -> bool {
        self.answered
    }

    /// The SCRAM mechanism of the first answer, if that was one.
    pub(super) const fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match self.at {
                // Nothing in the rest of this body matters.
                At::Body { left, name: None } => {
                    let room = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    rest = rest.get(room..).unwrap_or_default();
                    self.at = At::body(left.saturating_sub(u32::try_from(room).unwrap_or(left)), None);
                }
                At::Lost => return,
                at => {
                    self.at = self.byte(at, *first);
                    rest = after;
                }
            }
        }
    }

    fn byte(&mut self, at: At, byte: u8) -> At {
        match at {
            At::Kind => At::Length { kind: byte, have: 0, value: 0 },
            At::Length { kind, have, value } => {
                let value = value << 8 | u32::from(byte);
                match (have, value.checked_sub(4)) {
                    (0..3, _) => At::Length { kind, have: have + 1, value },
                    (_, None) => At::Lost,
                    (_, Some(left)) => self.body(kind, left),
                }
            }
            At::Body { left, name } => {
                let name = name.and_then(|name| self.named(name, byte));
                At::body(left.saturating_sub(1), name)
            }
            At::Lost => At::Lost,
        }
    }

    fn body(&mut self, kind: u8, left: u32) -> At {
        let first = kind == ANSWER && !self.answered;
        self.answered |= kind == ANSWER;
        let name = first.then_some(Name { bytes: [0; NAME_ROOM], length: 0 });
        At::body(left, name)
    }

    /// One more byte of the name; `None` when there is nothing more to learn.
    fn named(&mut self, mut name: Name, byte: u8) -> Option<Name> {
        if byte == 0 {
            let text = name.bytes.get(..name.length)?;
            self.mechanism = [Mechanism::ScramSha256, Mechanism::ScramSha256Plus]
                .into_iter()
                .find(|mechanism| mechanism.as_str().as_bytes() == text);
            return None;
        }
        *name.bytes.get_mut(name.length)? = byte;
        name.length += 1;
        Some(name)
    }
}
