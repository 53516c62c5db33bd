//! `pgtls demo`: the six values of sslmode against honest, plain and hostile servers, all inside this program.
//!
//! The servers are those of `servers.toml`, which also says what libpq does with each of them; the client is the one of
//! `pgtls connect`. What came of each attempt is what the servers saw.

mod cell;
mod client;
mod matrix;
mod render;
mod server;

use crate::exit::Exit;
use clap::Args;
use matrix::{Attempt, RootFile, walk};
use pgtls_conformance::pki::Pki;
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
        render::introduction(out, &servers)?;
        out.flush()?;
    }
    let pki = Arc::new(Pki::open());
    let files = tempfile::tempdir()?;
    write_files(&pki, files.path())?;
    let home = files.path().join("nobody").display().to_string();
    let attempts = walk(&servers, &pki, files.path(), |conninfo| client::attempt(conninfo, &home))?;
    let agrees = attempts.iter().all(Attempt::agrees);
    if arguments.json {
        serde_json::to_writer(&mut *out, &Json { agrees, attempts: &attempts })?;
        writeln!(out)?;
    } else {
        render::matrix(out, &attempts, RootFile::Missing)?;
        render::matrix(out, &attempts, RootFile::Present)?;
        render::conclusion(out, &attempts)?;
    }
    out.flush()?;
    Ok(agrees)
}

/// The files that the settings of the servers name; the whole PKI would take long.
fn write_files(pki: &Pki, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir(folder.join("ca"))?;
    fs::write(folder.join("ca/root.crt"), pki.root_file("root")?)?;
    fs::create_dir(folder.join("crl"))?;
    fs::write(folder.join("crl/root+inter.crl"), pki.crl_file("root+inter")?)?;
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
