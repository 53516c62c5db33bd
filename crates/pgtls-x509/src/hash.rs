//! OpenSSL's hash of a name, by which files in a certificate or CRL directory are called.

use sha1::{Digest, Sha1};

/// The first four bytes, little-endian, of the SHA-1 of a name's canonical encoding (OpenSSL: `X509_NAME_hash_ex`).
pub(crate) fn name_hash(canonical: &[u8]) -> u32 {
    match *Sha1::digest(canonical).as_slice() {
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// The hash and the number in the name of a CRL file, `<8 hexadecimal digits>.r<number>`; `None` for other names, which OpenSSL never asks for.
pub(crate) fn crl_file_name(name: &str) -> Option<(u32, u32)> {
    hashed_name(name, ".r")
}

/// The hash and the number in the name of a certificate's file, `<8 hexadecimal digits>.<number>`.
pub(crate) fn certificate_file_name(name: &str) -> Option<(u32, u32)> {
    hashed_name(name, ".")
}

fn hashed_name(name: &str, infix: &str) -> Option<(u32, u32)> {
    let (hash, suffix) = name.split_once(infix)?;
    let is_hash = hash.len() == 8 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_number =
        suffix.bytes().all(|byte| byte.is_ascii_digit()) && (suffix == "0" || !suffix.starts_with('0'));
    if !is_hash || !is_number {
        return None;
    }
    Some((u32::from_str_radix(hash, 16).ok()?, suffix.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        assert_eq!(crl_file_name("0a1b2c3d.r0"), Some((0x0a1b_2c3d, 0)));
        assert_eq!(crl_file_name("ffffffff.r12"), Some((0xffff_ffff, 12)));
        for near_miss in [
            "0A1B2C3D.r0",
            "0a1b2c3d.0",
            "0a1b2c3d.r",
            "0a1b2c3d.r01",
            "a1b2c3d.r0",
            "0a1b2c3d.r-1",
            "0a1b2c3d.r0~",
        ] {
            assert_eq!(crl_file_name(near_miss), None, "{near_miss}");
        }
        assert_eq!(certificate_file_name("0a1b2c3d.0"), Some((0x0a1b_2c3d, 0)));
        for near_miss in ["0a1b2c3d.r0", "0a1b2c3d", "0a1b2c3d.", "0a1b2c3d.00", "0A1b2c3d.0"] {
            assert_eq!(certificate_file_name(near_miss), None, "{near_miss}");
        }
    }
}
