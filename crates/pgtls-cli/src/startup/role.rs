//! The answer to a question about the server's role, out of its messages.

use super::{Fault, frames::Frame};
use fallible_iterator::FallibleIterator;
use pgtls_core::{role::RoleCheck, startup::Broken};
use postgres_protocol::message::backend::Message;

/// A row of the answer: one column.
pub(super) fn row(role: &mut RoleCheck, frame: Frame) -> Result<(), Fault> {
    let malformed = || Fault::Broken(Broken::Malformed(b'D'));
    let Message::DataRow(row) = frame.parse()? else { return Err(malformed()) };
    let range = row.ranges().next().map_err(|_| malformed())?.flatten().ok_or_else(malformed)?;
    role.row(row.buffer().get(range).ok_or_else(malformed)?);
    Ok(())
}
