//! A command that connects as a libpq with GSSAPI does: what it prints and returns is what `pgtls connect --json` does.
//!
//! ```sh
//! pgtls-embedder [--default-gssencmode WORD] CONNINFO
//! ```
//!
//! The credential cache is the one that `KRB5CCNAME` names. Distributions build libpq with a default of their own for
//! `gssencmode`; the option says which.

use pgtls_core::{environment::Environment, param::Settings};
use pgtls_embedder::{Forged, Outcome, ability, connect};
use serde_json::json;
use std::{env, error::Error, process::ExitCode};

/// The default for `gssencmode` is what counts when nothing else does, and so is this variable.
const VARIABLE: &str = "PGGSSENCMODE";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (default, conninfo) = match arguments.as_slice() {
        [conninfo] => (None, conninfo),
        [option, default, conninfo] if option == "--default-gssencmode" => (Some(default), conninfo),
        _ => {
            eprintln!("usage: pgtls-embedder [--default-gssencmode WORD] CONNINFO");
            return ExitCode::from(64);
        }
    };
    let outcome = attempt(conninfo, default.map(String::as_str))
        .unwrap_or_else(|error| Outcome { session: Err(vec![error.to_string()]), events: Vec::new() });
    let (word, error) = match &outcome.session {
        Ok(encryption) => (encryption.as_str(), None),
        Err(errors) => ("fail", Some(errors.join("\n"))),
    };
    let events: Vec<_> = outcome.events.iter().map(ToString::to_string).collect();
    println!("{}", json!({ "outcome": word, "events": events, "error": error }));
    if outcome.session.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn attempt(conninfo: &str, default: Option<&str>) -> Result<Outcome, Box<dyn Error>> {
    let environment = with_default(pgtls_os::environment()?, default);
    let params = pgtls_os::params(&Settings::parse(conninfo)?, &environment, ability())?;
    let gss = Forged::new(env::var("KRB5CCNAME").ok().as_deref());
    Ok(connect(&params, &environment, &gss)?)
}

fn with_default(environment: Environment, default: Option<&str>) -> Environment {
    match default {
        Some(word) if environment.variable(VARIABLE).is_none() => environment.with_variable(VARIABLE, word),
        _ => environment,
    }
}
