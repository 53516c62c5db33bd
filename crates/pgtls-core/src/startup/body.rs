//! Bodies of messages, read in any split and never kept.

use super::{NO_SQLSTATE, ProtocolViolation, auth::AuthRequest};
use crate::{
    mechanism::{Mechanism, Offer},
    role::Reported,
};

/// The body of the message under way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    Auth(AuthBody),
    Error(Fields),
    Notice(Fields),
    NegotiateProtocolVersion(VersionBody),
    ParameterStatus(Status),
    Notification(Strings),
    BackendKeyData,
    ReadyForQuery,
    /// A type that does not belong here; libpq reads it to its end before it complains, and so do we.
    Unexpected(u8),
}

impl Body {
    /// The next bytes of the body.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self {
            Self::Auth(body) => bytes.iter().for_each(|byte| body.byte(*byte)),
            Self::Error(fields) | Self::Notice(fields) => bytes.iter().for_each(|byte| fields.byte(*byte)),
            Self::NegotiateProtocolVersion(body) => bytes.iter().for_each(|byte| body.byte(*byte)),
            Self::ParameterStatus(status) => status.bytes(bytes),
            Self::Notification(strings) => bytes.iter().for_each(|byte| strings.byte(*byte)),
            Self::BackendKeyData | Self::ReadyForQuery | Self::Unexpected(_) => {}
        }
    }
}

/// A big-endian word of four bytes, filled byte by byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    value: u32,
    have: u8,
}

impl Word {
    /// Takes the byte if the word still needs it.
    pub(super) fn takes(&mut self, byte: u8) -> bool {
        let wanted = self.have < 4;
        if wanted {
            self.value = self.value << 8 | u32::from(byte);
            self.have += 1;
        }
        wanted
    }

    /// The value, once all four bytes are there.
    pub(super) fn value(self) -> Option<u32> {
        (self.have == 4).then_some(self.value)
    }
}

/// The longest mechanism name that is looked for, and one byte to see that a name is longer.
const NAME_ROOM: usize = Mechanism::ScramSha256Plus.as_str().len() + 1;

/// Authentication*: a number, and for SASL a list of names that ends with an empty one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AuthBody {
    code: Word,
    name: [u8; NAME_ROOM],
    name_length: usize,
    offer: Offer,
    list: List,
    after_code: u32,
}

/// How far a list of names was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum List {
    #[default]
    Open,
    Ended,
    TrailingBytes,
}

impl AuthBody {
    fn byte(&mut self, byte: u8) {
        if self.code.takes(byte) {
            return;
        }
        self.after_code = self.after_code.saturating_add(1);
        match (self.list, byte) {
            (List::Open, 0) if self.name_length == 0 => self.list = List::Ended,
            (List::Open, 0) => {
                self.offer.add(self.name.get(..self.name_length).unwrap_or_default());
                self.name_length = 0;
            }
            (List::Open, _) => {
                // A name that fills the room is longer than any that is looked for; its tail need not be kept.
                if let Some(slot) = self.name.get_mut(self.name_length) {
                    *slot = byte;
                    self.name_length += 1;
                }
            }
            (List::Ended | List::TrailingBytes, _) => self.list = List::TrailingBytes,
        }
    }

    pub(super) fn finish(&self) -> Result<(AuthRequest, Offer), ProtocolViolation> {
        let malformed = Err(ProtocolViolation::Malformed(b'R'));
        let Some(code) = self.code.value() else { return malformed };
        let request = AuthRequest::from_code(code);
        let sound = match request {
            AuthRequest::Ok | AuthRequest::CleartextPassword => self.after_code == 0,
            AuthRequest::Md5Password => self.after_code == 4,
            AuthRequest::Sasl => self.list == List::Ended,
            AuthRequest::Gss
            | AuthRequest::GssContinue
            | AuthRequest::Sspi
            | AuthRequest::SaslContinue
            | AuthRequest::SaslFinal
            | AuthRequest::Other(_) => true,
        };
        if sound { Ok((request, self.offer)) } else { malformed }
    }
}

/// ErrorResponse and NoticeResponse: fields of a code and a string, and a zero at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    at: Field,
    sqlstate: [u8; 5],
    trailing: bool,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Code,
    Value { sqlstate: bool, read: usize },
    Ended,
}

impl Fields {
    pub(super) const START: Self = Self { at: Field::Code, sqlstate: NO_SQLSTATE, trailing: false };

    fn byte(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (Field::Code, 0) => Field::Ended,
            (Field::Code, code) => {
                let sqlstate = code == b'C';
                if sqlstate {
                    self.sqlstate = NO_SQLSTATE;
                }
                Field::Value { sqlstate, read: 0 }
            }
            (Field::Value { .. }, 0) => Field::Code,
            (Field::Value { sqlstate, read }, byte) => {
                if let (true, Some(slot)) = (sqlstate, self.sqlstate.get_mut(read)) {
                    // Nothing of the server's free text gets out by this way.
                    *slot = if byte.is_ascii_digit() || byte.is_ascii_uppercase() { byte } else { b'?' };
                }
                Field::Value { sqlstate, read: read.saturating_add(1) }
            }
            (Field::Ended, _) => {
                self.trailing = true;
                Field::Ended
            }
        };
    }

    /// The SQLSTATE, if the fields came to their end; what follows the end is left to the caller's taste.
    pub(super) fn finish(&self) -> Option<[u8; 5]> {
        match self.at {
            Field::Ended => Some(self.sqlstate),
            Field::Code | Field::Value { .. } => None,
        }
    }

    /// The end of the fields was the end of the message.
    pub(super) fn exact(&self) -> bool {
        self.finish().is_some() && !self.trailing
    }
}

/// NegotiateProtocolVersion: the newest version that the server speaks, and the options it does not know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VersionBody {
    version: Word,
    options: Word,
    trailing: bool,
}

impl VersionBody {
    fn byte(&mut self, byte: u8) {
        if !self.version.takes(byte) && !self.options.takes(byte) {
            self.trailing = true;
        }
    }

    /// The version. We ask for no protocol options, so a server that refuses some makes no sense.
    pub(super) fn finish(&self) -> Option<u32> {
        match (self.version.value(), self.options.value(), self.trailing) {
            (Some(version), Some(0), false) => Some(version),
            (_, _, true | false) => None,
        }
    }
}

/// Some bytes, and then strings that fill the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strings {
    before: u8,
    missing: u8,
    trailing: bool,
}

impl Strings {
    /// NotificationResponse: a process id, channel and payload.
    pub(super) const NOTIFICATION: Self = Self { before: 4, missing: 2, trailing: false };

    fn byte(&mut self, byte: u8) {
        match (self.before, self.missing, byte) {
            (1.., _, _) => self.before -= 1,
            (0, 0, _) => self.trailing = true,
            (0, 1.., 0) => self.missing -= 1,
            (0, 1.., 1..) => {}
        }
    }

    pub(super) fn exact(self) -> bool {
        self.missing == 0 && !self.trailing
    }
}

/// ParameterStatus: name and value. Compared with the parameters of the server's role while it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    part: Part,
    /// Bytes of the current string so far.
    position: usize,
    in_hot_standby: bool,
    default_read_only: bool,
    on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Name,
    Value,
    Ended,
    TrailingBytes,
}

impl Status {
    pub(super) const START: Self =
        Self { part: Part::Name, position: 0, in_hot_standby: true, default_read_only: true, on: true };

    fn bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == 0);
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.piece(piece, end.is_some());
            bytes = rest.get(1..).unwrap_or_default();
        }
    }

    /// A part of a string, up to its end or to the end of the bytes that are there.
    fn piece(&mut self, piece: &[u8], is_last: bool) {
        // A longer or shorter text does not match.
        let position = self.position;
        let matches = |text: &str| {
            text.as_bytes()
                .get(position..)
                .is_some_and(|expected| if is_last { expected == piece } else { expected.starts_with(piece) })
        };
        let next = match self.part {
            Part::Name => {
                self.in_hot_standby &= matches(Reported::InHotStandby.name());
                self.default_read_only &= matches(Reported::DefaultReadOnly.name());
                Part::Value
            }
            Part::Value => {
                self.on &= matches("on");
                Part::Ended
            }
            Part::Ended | Part::TrailingBytes => Part::TrailingBytes,
        };
        if is_last || next == Part::TrailingBytes {
            self.part = next;
            self.position = 0;
        } else {
            self.position = self.position.saturating_add(piece.len());
        }
    }

    pub(super) fn exact(self) -> bool {
        self.part == Part::Ended
    }

    /// The role that is reported, and whether the value is `on` (libpq: `pqSaveParameterStatus`).
    pub(super) fn reported(self) -> Option<(Reported, bool)> {
        match (self.in_hot_standby, self.default_read_only) {
            (true, _) => Some((Reported::InHotStandby, self.on)),
            (_, true) => Some((Reported::DefaultReadOnly, self.on)),
            _ => None,
        }
    }
}
