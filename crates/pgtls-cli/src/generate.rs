//! Shell completions and the manual page, made from the definition of the command line.

use crate::{arguments::Arguments, exit::Exit};
use clap::CommandFactory;
use std::io::Write;

/// Writes the completion script of a shell.
pub(crate) fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "pgtls", &mut script);
    write(&script, out)
}

/// Writes the manual page, in roff.
pub(crate) fn man(out: &mut dyn Write) -> Exit {
    let mut page = Vec::new();
    match clap_mangen::Man::new(Arguments::command()).render(&mut page) {
        Ok(()) => write(&page, out),
        Err(_) => Exit::Failure,
    }
}

fn write(text: &[u8], out: &mut dyn Write) -> Exit {
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Failure,
    }
}
