//! `pgtls serve`: the scripted server alone, to try any client against.
//!
//! Standard output is one JSON object per line: first where the server listens, then each connection when it has ended; or
//! the answers to commands ([`control`]).

mod control;

use crate::exit::Exit;
use clap::Args;
use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, ConnectionRecord, Listen, Script, Server},
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Arguments of `pgtls serve`.
#[derive(Args, Debug)]
#[command(after_help = after_help())]
pub(crate) struct Arguments {
    /// File that says what to do on each connection
    #[arg(long, value_name = "FILE", conflicts_with = "behaviour")]
    script: Option<PathBuf>,
    /// Take commands from standard input and answer on standard output, one JSON object per line each
    #[arg(long, conflicts_with_all = ["script", "behaviour", "listen", "pki", "connections"])]
    control: bool,
    /// A behaviour with a name, the same on every connection [default: ok]
    #[arg(long, value_name = "NAME", value_parser = behaviour)]
    behaviour: Option<String>,
    /// Address and port of this machine, or a unix socket such as /tmp/.s.PGSQL.5433
    #[arg(long, value_name = "PLACE", default_value_t)]
    listen: Listen,
    /// Write certificates, keys and CRLs to this folder, for the client to use; it is made if need be
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// End after this many connections [default: never]
    #[arg(long, value_name = "COUNT")]
    connections: Option<usize>,
}

/// Runs the sub-command.
pub(crate) fn run(arguments: &Arguments, out: &mut dyn Write) -> Exit {
    let served =
        if arguments.control { control::run(io::stdin().lock(), out) } else { serve(arguments, out) };
    match served {
        Ok(()) => Exit::Success,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pgtls serve: {error}");
            Exit::Failure
        }
    }
}

/// The name of a behaviour.
fn behaviour(name: &str) -> Result<String, String> {
    Behaviour::named(name).map(|_| name.to_owned()).map_err(|error| error.to_string())
}

/// How long the log is waited for before it is looked at again. Nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(60);

fn serve(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let pki = Arc::new(Pki::open());
    if let Some(folder) = &arguments.pki {
        fs::create_dir_all(folder)
            .map_err(|error| format!("could not make \"{}\": {error}", folder.display()))?;
        pki.write_to(folder)?;
    }
    let server = Server::builder(script(arguments)?, pki).listen(arguments.listen.clone()).start()?;
    line(out, &Listening { listening: server.listen().to_string(), conninfo: server.listen().conninfo() })?;

    let enough = |count: usize| arguments.connections.is_some_and(|limit| count >= limit);
    let mut told = BTreeSet::new();
    while !enough(told.len()) {
        let untold = |(number, seen): &(usize, &ConnectionRecord)| seen.ended && !told.contains(number);
        server
            .log()
            .wait_until(PATIENCE, |connections| connections.iter().enumerate().any(|entry| untold(&entry)));
        let connections = server.log().connections();
        let news: Vec<usize> =
            connections.iter().enumerate().filter(untold).map(|(number, _)| number).collect();
        for number in news {
            if let Some(seen) = connections.get(number).filter(|_| !enough(told.len())) {
                line(out, seen)?;
                told.insert(number);
            }
        }
    }
    Ok(())
}

/// The first line.
#[derive(Serialize)]
struct Listening {
    listening: String,
    /// Part of a connection string that leads here.
    conninfo: String,
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> Result<(), Box<dyn Error>> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

fn script(arguments: &Arguments) -> Result<Script, Box<dyn Error>> {
    match &arguments.script {
        Some(file) => read(file),
        None => Ok(Script::always(Behaviour::named(arguments.behaviour.as_deref().unwrap_or("ok"))?)),
    }
}

fn read(file: &Path) -> Result<Script, Box<dyn Error>> {
    let name = file.display();
    let text =
        fs::read_to_string(file).map_err(|error| format!("could not read script \"{name}\": {error}"))?;
    text.parse().map_err(|error| format!("script \"{name}\": {error}").into())
}

/// The format of scripts and the names of behaviours, from where they are defined.
fn after_help() -> String {
    let names: Vec<_> = Behaviour::names().collect();
    format!("{FIRST_HELP}\n\n{SCRIPT_HELP}\n\nBehaviours with a name: {}.", names.join(", "))
}

const FIRST_HELP: &str = r#"The servers' certificates are for the host db.test, from the authority ca/root.crt of the folder --pki:
  pgtls serve --listen 127.0.0.1:5433 --pki pki
  pgtls connect "host=db.test hostaddr=127.0.0.1 port=5433 sslmode=verify-full sslrootcert=pki/ca/root.crt"

Standard output is one JSON object per line: where the server listens, then what it saw of each connection that has ended. No more than 64 are served at a time. Exit codes: 0 when the connections of --connections have ended, 2 when it cannot serve, 64 wrong usage."#;

const SCRIPT_HELP: &str = r#"A script is TOML. Each [[connection]] describes one connection, in order; the last one repeats. What is left out is done as an honest server does it. These are the defaults, and some of the other words; a word that is not known is answered with all that are.

  [[connection]]
  base = "ok"                  # a behaviour with a name, to start from
  greeting = "wait"            # close, reset, banner, http
  sslrequest = "accept"        # reject, accept+extra, error-v3, close, hang, byte:X
  gssencrequest = "reject"     # accept, accept-close, error-v3, close, byte:X
  clienthello = "accept"       # as the first bytes: no-alpn, wrong-alpn, close, alert
  plain = "trust"              # startup packet in clear: md5, scram, authfail, close
  encrypted = "trust"          # startup packet inside TLS: scram-plus, error:57P03
  password = "secret"
  certificate = "good"         # expired, wrong-host, selfsigned-ca, v1-leaf
  client_certificate = "none"  # optional, required, verify
  hints = "own"                # authorities that are named then: none, unrelated
  min_version = "TLSv1.2"
  max_version = "TLSv1.3"
  alpn = "postgresql"          # none, wrong, h2
  suites = "all"               # under TLS 1.2: aes-gcm, ecdsa-aes128-gcm
  flight = "whole"             # the handshake: slow, alert, old-version, garbage, close
  chunks = "whole"             # how everything is cut that is sent: "1,300" for one byte, 300, one, ...
  after_tls = "continue"       # close, reset

With --control, a test in any language chooses what is served:
  {"do": "list", "match": "^name/"}                        the ids of scenarios
  {"do": "scenario", "id": "negotiation/ok/require"}       its servers: conninfo, environment, home, what is expected
  {"do": "behave", "behaviour": "ok", "settings": {"certificate": "expired"}}   a server of one's own
  {"do": "trace"}                                          what the servers have seen
  {"do": "verdict", "connected": true, "outcome": "ssl"}   how the client compares with libpq"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_shows_a_script_that_works() {
        let lines: Vec<_> = SCRIPT_HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| !line.starts_with('{'))
            .collect();
        let script: Script = lines.join("\n").parse().unwrap();
        assert_eq!(script, Script::always(Behaviour::default()), "it shows the defaults");
    }

    #[test]
    fn errors_name_the_file() {
        let missing = read(Path::new("/nonexistent/script.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("could not read script \"/nonexistent/script.toml\": "), "{missing}");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "[[connection]]\nbase = 'unicorn'").unwrap();
        let wrong = read(file.path()).unwrap_err().to_string();
        assert!(wrong.contains(&file.path().display().to_string()) && wrong.contains("unicorn"), "{wrong}");
    }

    #[cfg(unix)]
    #[test]
    fn every_connection_is_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join(".s.PGSQL.1").display().to_string();
        let arguments = Arguments {
            script: None,
            control: false,
            behaviour: Some("plain-only".to_owned()),
            listen: place.parse().unwrap(),
            pki: None,
            connections: Some(2),
        };
        let client = std::thread::spawn(move || {
            for _ in 0..2 {
                while std::os::unix::net::UnixStream::connect(&place).is_err() {
                    std::thread::yield_now();
                }
            }
        });
        let mut out = Vec::new();
        serve(&arguments, &mut out).unwrap();
        client.join().unwrap();
        let lines: Vec<serde_json::Value> = out
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["conninfo"], format!("host='{}' port=1", dir.path().display()));
        // They end in any order.
        let mut events: Vec<_> = lines[1..].iter().map(|line| line["events"][0].as_str().unwrap()).collect();
        events.sort_unstable();
        assert_eq!(events, ["connect", "reconnect"]);
    }
}
