//! Memory that held a secret is overwritten before it is given back.
//!
//! `forbid(unsafe_code)` leaves no volatile write, so the zeroes are written plainly and then shown to
//! [`core::hint::black_box`]: the compiler has to assume that somebody reads them, and keeps the writes. That is the
//! best safe Rust can do without a dependency, and it holds on every target that has a working `black_box`.

use alloc::{string::String, vec::Vec};

/// Overwrites bytes with zeroes in a way that the optimiser keeps.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    core::hint::black_box(&mut *bytes);
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

/// Empties a vector and overwrites all that its allocation holds, the spare capacity included.
pub fn wipe_vec(bytes: &mut Vec<u8>) {
    // Growing to the capacity never moves the allocation; it reaches bytes that an earlier truncation left behind.
    bytes.resize(bytes.capacity(), 0);
    wipe(bytes);
    bytes.clear();
}

/// Empties a string and overwrites all that its allocation holds.
pub fn wipe_string(text: &mut String) {
    wipe_vec(&mut core::mem::take(text).into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    #[test]
    fn wiped_memory_is_zero() {
        let mut bytes = *b"secret";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 6]);
    }

    #[test]
    fn a_wiped_vector_is_empty_and_keeps_its_allocation() {
        let mut bytes = b"a long secret".to_vec();
        bytes.truncate(1);
        let capacity = bytes.capacity();
        wipe_vec(&mut bytes);
        assert!(bytes.is_empty());
        assert_eq!(bytes.capacity(), capacity, "the allocation was wiped, not replaced");
    }

    #[test]
    fn a_wiped_string_is_empty() {
        let mut text = "secret".to_owned();
        wipe_string(&mut text);
        assert!(text.is_empty());
    }
}
