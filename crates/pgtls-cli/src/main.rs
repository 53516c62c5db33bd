//! `pgtls`: see, try and explain what a PostgreSQL client does about TLS.
//!
//! The binary holds no rule of its own: it captures the environment, hands everything to the crates that decide, and
//! tells a person (or, with `--json`, a program) what they decided and why.

mod advice;
mod arguments;
mod certificate;
mod conformance;
mod connect;
mod context;
mod demo;
mod error_class;
mod exit;
mod explain;
mod generate;
mod labels;
mod output;
mod report;
mod serve;
mod style;
mod verify;

use arguments::{Arguments, Command};
use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};
use exit::Exit;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run(arguments.command).into(),
        Err(error) => usage(&error).into(),
    }
}

fn run(command: Command) -> Exit {
    let mut out = output::stdout();
    match command {
        Command::Connect(arguments) => connect::run(&arguments, &mut out),
        Command::Explain(arguments) => explain::run(&arguments, &mut out),
        Command::Verify(arguments) => verify::run(&arguments, &mut out),
        Command::Demo(arguments) => demo::run(&arguments, &mut out),
        Command::Serve(arguments) => serve::run(&arguments, &mut out),
        Command::Conformance(arguments) => conformance::run(&arguments, &mut out),
        Command::Completions { shell } => generate::completions(shell, &mut out),
        Command::Man => generate::man(&mut out),
    }
}

/// Help and version are answers, anything else that clap has to say is a usage error.
fn usage(error: &clap::Error) -> Exit {
    // Nothing is left to be done when even the usage text cannot be written.
    let _ = error.print();
    if is_cut_string(error) {
        let _ = writeln!(
            io::stderr(),
            "\nPut the connection string in quotes, so that the shell hands it over as one word."
        );
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Success }
}

/// Whether the argument that was one too many is a setting: the shell has cut a connection string.
fn is_cut_string(error: &clap::Error) -> bool {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return false };
    error.kind() == ErrorKind::UnknownArgument && !argument.starts_with('-') && argument.contains('=')
}
