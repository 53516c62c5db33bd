//! Directories whose files are named by a hash, as `openssl rehash` makes them: `<hash>.<n>` for a certificate with that
//! hash of its subject, `<hash>.r<n>` for a revocation list with that hash of its issuer (OpenSSL: `X509_LOOKUP_hash_dir`).

use super::{LoadedFile, ReadFile};
use alloc::{string::String, vec::Vec};

/// Reads the files of one directory that OpenSSL can come to ask for, in its order. `room` is what may still be read;
/// what does not fit is left out.
pub(super) fn read(
    directory: &str,
    infix: &str,
    names: &[String],
    disk: &dyn ReadFile,
    room: &mut usize,
    files: &mut Vec<LoadedFile>,
) {
    let mut hashed: Vec<(u32, u32, &str)> = names
        .iter()
        .filter_map(|name| hashed_name(name, infix).map(|(hash, n)| (hash, n, name.as_str())))
        .collect();
    hashed.sort_unstable();

    // OpenSSL counts up from 0 and stops at the first that it cannot have.
    let mut next: Option<(u32, u32)> = None;
    for (hash, n, name) in hashed {
        let expected = next.filter(|(of, _)| *of == hash).map_or(0, |(_, n)| n);
        if n != expected {
            continue;
        }
        let path = [directory, "/", name].concat();
        if let Ok((bytes, metadata)) = disk.read(&path)
            && let Some(rest) = room.checked_sub(bytes.len())
        {
            *room = rest;
            files.push(LoadedFile { path, bytes, identity: metadata.identity });
            next = Some((hash, n.saturating_add(1)));
        }
    }
}

/// The hash and the number in a name of eight lower-case hexadecimal digits, the infix, and a decimal number, as OpenSSL
/// writes them.
fn hashed_name(name: &str, infix: &str) -> Option<(u32, u32)> {
    let (hash, n) = name.split_once(infix)?;
    let canonical = |digits: &str| digits == "0" || !digits.starts_with(['0', '+']);
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hash.len() != 8 || !hash.bytes().all(lower_hex) || !canonical(n) {
        return None;
    }
    Some((u32::from_str_radix(hash, 16).ok()?, n.parse().ok()?))
}
