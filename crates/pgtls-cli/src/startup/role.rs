//! The answer to a question about the server's role, out of its messages.

use super::{Fault, frames::Frame};
use fallible_iterator::FallibleIterator;
use pgtls_core::startup::Broken;
use postgres_protocol::message::backend::Message;

/// The one column of a row of the answer.
pub(super) fn value(frame: Frame) -> Result<Vec<u8>, Fault> {
    let malformed = || Fault::Broken(Broken::Malformed(b'D'));
    let Message::DataRow(row) = frame.parse()? else { return Err(malformed()) };
    let range = row.ranges().next().map_err(|_| malformed())?.flatten().ok_or_else(malformed)?;
    row.buffer().get(range).map(<[u8]>::to_vec).ok_or_else(malformed)
}
