//! SCRAM keys handed through by a proxy: `scram_client_key`, `scram_server_key`.

use super::ParamErrorKind;

/// Bytes of a SCRAM-SHA-256 key.
pub(super) const SCRAM_KEY_LENGTH: usize = 32;

/// Checks that a key is base64 of the right length (libpq: `pqConnectOptions2` and `pg_b64_decode`).
pub(super) fn check(keyword: &'static str, text: &str) -> Result<(), ParamErrorKind> {
    match decoded_length(text) {
        Some(SCRAM_KEY_LENGTH) => Ok(()),
        length => Err(ParamErrorKind::ScramKey { keyword, length }),
    }
}

/// How many bytes PostgreSQL's base64 decoder makes of a text; `None` when it refuses it.
///
/// Unlike others this decoder goes on after padding, and every later group is then as short as the padded one.
fn decoded_length(text: &str) -> Option<usize> {
    let mut length = 0_usize;
    let mut in_group = 0;
    let mut group_bytes = None;
    for c in text.bytes() {
        match c {
            b'=' if group_bytes.is_none() => {
                group_bytes = match in_group {
                    2 => Some(1),
                    3 => Some(2),
                    _ => return None,
                };
            }
            b'=' | b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {}
            _ => return None,
        }
        in_group += 1;
        if in_group == 4 {
            in_group = 0;
            length = length.saturating_add(group_bytes.unwrap_or(3));
        }
    }
    (in_group == 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_postgresqls() {
        for (text, length) in [
            ("", Some(0)),
            ("YWJj", Some(3)),
            ("AB==", Some(1)),
            ("AAA=", Some(2)),
            ("AAA=AAAA", Some(4)),
            ("AA=A", Some(1)),
            ("AAAA====", None),
            ("A===", None),
            ("====", None),
            ("x", None),
            ("AA", None),
            ("AAAA AAAA", None),
            ("AAAA\n", None),
            ("AAÄA", None),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Some(32)),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAAA", Some(34)),
        ] {
            assert_eq!(decoded_length(text), length, "{text:?}");
        }
    }
}
