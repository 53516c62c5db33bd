//! Base64 as PostgreSQL reads and writes it (PostgreSQL: `pg_b64_encode`, `pg_b64_decode`).

use alloc::{string::String, vec::Vec};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let word = group.iter().chain(&[0; 2]).take(3).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = usize::try_from(word >> shift & 0x3F).ok().and_then(|index| ALPHABET.get(index));
            text.push(match digit {
                Some(digit) if place <= group.len() => char::from(*digit),
                _ => '=',
            });
        }
    }
    text
}

/// Decodes. Unlike others this decoder goes on after padding, and every later group is then as short as the padded one.
pub(crate) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut word, mut place, mut group_bytes) = (0_u32, 0_u8, None);
    for c in text {
        let digit = match c {
            b'=' => {
                if group_bytes.is_none() {
                    group_bytes = Some(match place {
                        2 => 1,
                        3 => 2,
                        _ => return None,
                    });
                }
                0
            }
            b'A'..=b'Z' => c.wrapping_sub(b'A'),
            b'a'..=b'z' => c.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => c.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = word << 6 | u32::from(digit);
        place = place.wrapping_add(1);
        if place == 4 {
            let [_, group @ ..] = word.to_be_bytes();
            bytes.extend(group.iter().take(group_bytes.unwrap_or(3)));
            (word, place) = (0, 0);
        }
    }
    (place == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_bytes() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"\xFB\xFF\xFE", "+//+"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text.as_bytes()).map(|bytes| bytes.to_vec()).as_deref(), Some(bytes));
        }
        // PostgreSQL decodes these.
        for (text, bytes) in [("AAA=AAAA", 4), ("AA=A", 1), ("Zh==", 1)] {
            assert_eq!(decode(text.as_bytes()).map(|bytes| bytes.len()), Some(bytes), "{text}");
        }
        for text in ["A===", "====", "x", "AA", "AAAA AAAA", "AAAA\n", "AA-_", "AAAA===="] {
            assert!(decode(text.as_bytes()).is_none(), "{text}");
        }
    }
}
