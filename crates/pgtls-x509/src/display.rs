//! Text taken from certificates, made fit to be shown: printable ASCII only, bounded, everything else escaped.

use alloc::string::String;
use core::fmt::Write;

/// Characters of a name that are shown; the rest is counted, not shown.
pub(crate) const MAX_SHOWN: usize = 256;

/// Appends `text`, escaping what is not printable ASCII; false when `limit` characters were reached and the rest was left out.
pub(crate) fn push_escaped(out: &mut String, text: &str, limit: usize) -> bool {
    for character in text.chars() {
        if out.len() >= limit {
            out.push_str("...");
            return false;
        }
        match character {
            ' '..='~' if character != '\\' => out.push(character),
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    true
}

/// Bytes as lower-case hexadecimal digits, at most `limit` bytes.
pub(crate) fn hex(bytes: &[u8], limit: usize) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(limit) {
        let _ = write!(out, "{byte:02x}");
    }
    if bytes.len() > limit {
        out.push_str("...");
    }
    out
}
