//! What the client answered, as far as it matters: whether it did, and with which SASL mechanism.

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
        for byte in bytes {
            self.at = self.byte(*byte);
        }
    }

    fn byte(&mut self, byte: u8) -> At {
        match self.at {
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
                match left.saturating_sub(1) {
                    0 => At::Kind,
                    left => At::Body { left, name },
                }
            }
            At::Lost => At::Lost,
        }
    }

    fn body(&mut self, kind: u8, left: u32) -> At {
        let first = kind == ANSWER && !self.answered;
        self.answered |= kind == ANSWER;
        let name = first.then_some(Name { bytes: [0; NAME_ROOM], length: 0 });
        if left == 0 { At::Kind } else { At::Body { left, name } }
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
