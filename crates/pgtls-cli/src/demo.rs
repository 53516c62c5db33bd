//! `pgtls demo`: the six values of sslmode against honest, plain and hostile servers, all inside this program.
//!
//! The servers are those of `servers.toml`, which also says what libpq does with each of them; the client is the one of
//! `pgtls connect`. What came of each attempt is what the servers saw.

mod cell;
mod client;
mod matrix;
mod server;
mod text;

use crate::exit::Exit;
use clap::Args;
use matrix::{Attempt, RootFile, walk};
use pgtls_conformance::zoo::Zoo;
use serde::Serialize;
use server::DemoServer;
use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

/// Arguments of `pgtls demo`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of text for people
    #[arg(long)]
    json: bool,
}

/// Runs the sub-command: success when everything ends as with libpq.
pub(crate) fn run(arguments: &Arguments, out: &mut dyn Write) -> Exit {
    match show(arguments, out) {
        Ok(true) => Exit::Success,
        Ok(false) => Exit::Failure,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pgtls demo: {error}");
            Exit::Failure
        }
    }
}

/// Says whether everything ended as with libpq.
fn show(arguments: &Arguments, out: &mut dyn Write) -> Result<bool, Box<dyn Error>> {
    let servers = DemoServer::all()?;
    if !arguments.json {
        text::introduction(out, &servers)?;
        out.flush()?;
    }
    let zoo = Arc::new(Zoo::open());
    let files = tempfile::tempdir()?;
    write_files(&zoo, files.path())?;
    let home = files.path().join("nobody").display().to_string();
    let attempts = walk(&servers, &zoo, files.path(), |conninfo| client::attempt(conninfo, &home))?;
    let agrees = attempts.iter().all(Attempt::agrees);
    if arguments.json {
        serde_json::to_writer(&mut *out, &Json { agrees, attempts: &attempts })?;
        writeln!(out)?;
    } else {
        text::matrix(out, &attempts, RootFile::Missing)?;
        text::matrix(out, &attempts, RootFile::Present)?;
        text::conclusion(out, &attempts)?;
    }
    out.flush()?;
    Ok(agrees)
}

/// The files that the settings of the servers name; the whole zoo would take long.
fn write_files(zoo: &Zoo, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir(folder.join("ca"))?;
    fs::write(folder.join("ca/root.crt"), zoo.root_file("root")?)?;
    fs::create_dir(folder.join("crl"))?;
    fs::write(folder.join("crl/root+inter.crl"), zoo.crl_file("root+inter")?)?;
    Ok(())
}

/// The object that `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    agrees: bool,
    attempts: &'a [Attempt],
}

#[cfg(test)]
mod tests;
