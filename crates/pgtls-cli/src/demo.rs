//! `pgtls demo`.

use crate::exit::Exit;
use clap::Args;
use std::io::Write;

/// Arguments of `pgtls demo`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {}

/// Runs the sub-command.
pub(crate) fn run(_arguments: &Arguments, _out: &mut dyn Write) -> Exit {
    todo!()
}
