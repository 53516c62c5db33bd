//! Messages of the server in a startup exchange, as far as programs in C need them.

/// Longest message that is kept (libpq: `MAX_ERRLEN`).
const MAX_BODY: usize = 30_000;
/// Length of a type byte and a length word.
const HEAD: usize = 5;

/// Reads the authentication requests and the first ErrorResponse from the bytes of a startup exchange, whatever their split.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    head: Vec<u8>,
    /// Number of bytes of the present message that are still to come, once its head is complete.
    left: Option<usize>,
    body: Vec<u8>,
    authentication: u32,
    has_error: bool,
}

impl Messages {
    pub(crate) fn received(&mut self, mut bytes: &[u8]) {
        while !self.has_error && !bytes.is_empty() {
            let Some(left) = self.left else {
                let missing = HEAD.saturating_sub(self.head.len());
                let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
                self.head.extend_from_slice(taken);
                bytes = rest;
                self.left = length(&self.head);
                self.end_message();
                continue;
            };
            let (taken, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
            if matches!(self.head.first(), Some(b'E' | b'R')) {
                let room = MAX_BODY.saturating_sub(self.body.len());
                self.body.extend(taken.iter().take(room));
            }
            self.left = Some(left.saturating_sub(taken.len()));
            bytes = rest;
            self.end_message();
        }
    }

    fn end_message(&mut self) {
        if self.left != Some(0) {
            return;
        }
        match self.head.first() {
            Some(b'E') => {
                self.has_error = true;
                return;
            }
            Some(b'R') => {
                let code = self.body.first_chunk().map(|code| u32::from_be_bytes(*code));
                self.authentication = code.unwrap_or_default();
            }
            _ => {}
        }
        self.left = None;
        self.head.clear();
        self.body.clear();
    }

    /// The code of the last authentication request: 0 before the first, and after AuthenticationOk.
    pub(crate) fn authentication(&self) -> u32 {
        self.authentication
    }

    /// The error as libpq prints it (libpq: `pqBuildErrorMessage3`, default verbosity), control characters replaced. `None` if
    /// no ErrorResponse is complete.
    pub(crate) fn error(&self) -> Option<String> {
        if !self.has_error {
            return None;
        }
        let field = |kind: u8| {
            let fields = self.body.split(|byte| *byte == 0);
            let value = fields.filter_map(|field| field.split_first()).find(|(first, _)| **first == kind)?.1;
            let text = String::from_utf8_lossy(value);
            Some(text.chars().map(pgtls_core::startup::printable_character).collect::<String>())
        };
        let message = field(b'M')?;
        let mut text = field(b'S').map_or_else(String::new, |severity| format!("{severity}:  ")) + &message;
        for (kind, title) in [(b'D', "\nDETAIL:  "), (b'H', "\nHINT:  ")] {
            if let Some(more) = field(kind) {
                text = text + title + &more;
            }
        }
        Some(text)
    }
}

/// Length of the body after a complete head. The length word counts itself.
fn length(head: &[u8]) -> Option<usize> {
    let (_, word) = head.split_first()?;
    let word = u32::from_be_bytes(word.try_into().ok()?);
    Some(usize::try_from(word).unwrap_or(usize::MAX).saturating_sub(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        for split in [1, 2, 3, 7, bytes.len()] {
            let mut messages = Messages::default();
            for piece in bytes.chunks(split) {
                messages.received(piece);
            }
            assert_eq!(messages.error().as_deref(), expected, "split {split}");
        }
    }

    #[test]
    fn an_error_is_printed_as_libpq_prints_it() {
        let fields = b"SFATAL\0VFATAL\0C28000\0Mno \"x\"\nentry\0Dmore\0Htry\0Fauth.c\0\0";
        let printed = "FATAL:  no \"x\" entry\nDETAIL:  more\nHINT:  try";
        check(&message(b'E', fields), Some(printed));
        let status = message(b'S', b"a\0b\0");
        let other = message(b'E', b"SERROR\0Mlater\0\0");
        check(
            &[message(b'R', &[0; 4]), message(b'Z', b""), status, message(b'E', fields), other].concat(),
            Some(printed),
        );
        check(&message(b'E', b"Mbare\0\0"), Some("bare"));
    }

    #[test]
    fn incomplete_and_oversized_errors_have_no_text() {
        let whole = message(b'E', b"SFATAL\0Mno\0\0");
        check(&whole[..whole.len() - 1], None);
        check(&message(b'E', b"SFATAL\0\0"), None);
        check(&message(b'N', b"SNOTICE\0Mno\0\0"), None);
        check(b"E\0\0\0\0", None);
        let long = message(b'E', &vec![b'M'; MAX_BODY * 3]);
        let mut messages = Messages::default();
        long.chunks(1000).for_each(|piece| messages.received(piece));
        assert!(messages.body.len() <= MAX_BODY);
    }

    #[test]
    fn the_last_authentication_request_counts() {
        for split in [1, 4, 100] {
            let mut messages = Messages::default();
            for (code, expected) in [(3, 3), (10, 10), (0, 0)] {
                let bytes = [message(b'S', b"a\0b\0"), message(b'R', &u32::to_be_bytes(code))].concat();
                bytes.chunks(split).for_each(|piece| messages.received(piece));
                assert_eq!(messages.authentication(), expected);
            }
        }
    }
}
