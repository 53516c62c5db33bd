//! `pgtls connect`.

use crate::{arguments::ConnectArguments, exit::Exit};
use std::io::Write;

/// Runs the sub-command.
pub(crate) fn run(_arguments: &ConnectArguments, _out: &mut dyn Write) -> Exit {
    todo!()
}
