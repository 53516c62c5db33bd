//! What writing means to every adapter.

use std::{
    io::{self, ErrorKind, IoSlice},
    task::Poll,
};

/// The first of these slices that has bytes.
pub fn first<'s>(slices: &'s [IoSlice<'_>]) -> &'s [u8] {
    slices.iter().find(|slice| !slice.is_empty()).map_or(&[], |slice| slice)
}

/// What came of writing these bytes. A connection that takes none of them will take none the next time either, and whoever
/// writes all of something would try for ever.
pub fn taken(bytes: &[u8], written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    match written {
        Poll::Ready(Ok(0)) if !bytes.is_empty() => Poll::Ready(Err(ErrorKind::WriteZero.into())),
        written => written,
    }
}
