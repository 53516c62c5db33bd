//! The text of the server's error in a startup exchange, for the report.

/// Longest ErrorResponse whose text is kept (libpq: `MAX_ERRLEN`).
const MAX_BODY: usize = 30_000;

/// Collects the first ErrorResponse from the bytes of a startup exchange, whatever their split.
#[derive(Debug, Default)]
pub(crate) struct ServerError {
    head: Vec<u8>,
    /// Bytes of the present message that are still to come, once its head is complete.
    left: Option<usize>,
    body: Vec<u8>,
    is_complete: bool,
}

/// Length of a type byte and a length word.
const HEAD: usize = 5;

impl ServerError {
    pub(crate) fn received(&mut self, mut bytes: &[u8]) {
        while !self.is_complete && !bytes.is_empty() {
            let Some(left) = self.left else {
                let missing = HEAD.saturating_sub(self.head.len());
                bytes = take(&mut self.head, bytes, missing);
                self.left = length(&self.head);
                self.end_of_message();
                continue;
            };
            if self.is_error() {
                let rest = take(&mut self.body, bytes, left);
                self.left = Some(left.saturating_sub(bytes.len().saturating_sub(rest.len())));
                bytes = rest;
            } else {
                let (taken, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
                self.left = Some(left.saturating_sub(taken.len()));
                bytes = rest;
            }
            self.end_of_message();
        }
    }

    fn end_of_message(&mut self) {
        if self.left != Some(0) {
            return;
        }
        self.left = None;
        self.is_complete = self.is_error();
        self.head.clear();
    }

    /// Whether the present message is an ErrorResponse that is not too long.
    fn is_error(&self) -> bool {
        self.head.first() == Some(&b'E') && length(&self.head).is_some_and(|length| length <= MAX_BODY)
    }

    /// The error as libpq prints it (libpq: `pqBuildErrorMessage3`, default verbosity), control characters replaced. `None` if
    /// no ErrorResponse is complete.
    pub(crate) fn text(&self) -> Option<String> {
        if !self.is_complete {
            return None;
        }
        let field = |kind: u8| {
            let fields = self.body.split(|byte| *byte == 0);
            let value = fields.filter_map(|field| field.split_first()).find(|(first, _)| **first == kind)?.1;
            let text = String::from_utf8_lossy(value);
            Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
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

/// Moves at most `count` bytes; returns the rest.
fn take<'a>(to: &mut Vec<u8>, bytes: &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
    to.extend_from_slice(taken);
    rest
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
            let mut error = ServerError::default();
            for piece in bytes.chunks(split) {
                error.received(piece);
            }
            assert_eq!(error.text().as_deref(), expected, "split {split}");
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
        check(&message(b'E', &vec![b'M'; MAX_BODY + 1]), None);
        check(b"E\0\0\0\0", None);
    }
}
