//! `pgtls verify`.

use crate::{arguments::VerifyArguments, exit::Exit};
use std::io::Write;

/// Runs the sub-command.
pub(crate) fn run(_arguments: &VerifyArguments, _out: &mut dyn Write) -> Exit {
    todo!()
}
