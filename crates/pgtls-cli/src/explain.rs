//! `pgtls explain`.

use crate::{arguments::ExplainArguments, exit::Exit};
use std::io::Write;

/// Runs the sub-command.
pub(crate) fn run(_arguments: &ExplainArguments, _out: &mut dyn Write) -> Exit {
    todo!()
}
