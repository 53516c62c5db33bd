//! `pgtls connect`: connects as psql would, and says how each decision was reached.

mod adapter;
mod attempt;
mod events;
mod failure;
mod passphrase;
mod render;
mod report;
mod sqlstate;
mod timeline;

pub(crate) use adapter::Adapter;
pub(crate) use attempt::attempt;
pub(crate) use report::Report;

use crate::{
    arguments::ConnectArguments,
    context::{ConnectionContext, ContextError, load_context},
    error_class,
    exit::Exit,
};
use std::{
    io::{self, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Runs the sub-command.
pub(crate) fn run(arguments: &ConnectArguments, out: &mut dyn Write) -> Exit {
    let report = report(arguments);
    let written = if arguments.json { write_json(out, &report) } else { render::write(out, &report) };
    match (written, report.outcome) {
        (Err(_), _) | (Ok(()), "fail") => Exit::Failure,
        (Ok(()), _) => Exit::Success,
    }
}

/// The object as one line; keys and values are plain data, so that nothing but the writing can fail.
fn write_json(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    writeln!(out)?;
    out.flush()
}

fn report(arguments: &ConnectArguments) -> Report {
    let gathered = match load_context(&arguments.conninfo, arguments.hardened) {
        Ok(gathered) => gathered,
        Err(ContextError::Param(error)) => {
            return Report::refused(error_class::of_param(&error), error.to_string());
        }
        Err(error @ ContextError::Environment(_)) => {
            return Report::refused("invalid-parameter", error.to_string());
        }
    };
    match arguments.timeout {
        None => attempt(gathered, arguments.adapter),
        Some(limit) => within(limit, gathered, arguments.adapter),
    }
}

/// Connects in another thread, so that nothing can hold up the answer: looking a name up knows no time limit.
fn within(limit: Duration, gathered: ConnectionContext, adapter: Adapter) -> Report {
    let (sender, receiver) = mpsc::channel();
    // Left alone when the time is over: the process ends with the answer.
    thread::spawn(move || {
        // Nobody listens any more then.
        let _ = sender.send(Box::new(attempt(gathered, adapter)));
    });
    if let Ok(report) = receiver.recv_timeout(limit) {
        *report
    } else {
        let error = format!("timeout expired: no connection within {} seconds", limit.as_secs_f64());
        Report::refused("timeout", error)
    }
}
