//! Clients to be judged: anything that connects when it is handed a connection string.

use crate::judge::{Outcome, Told};
use serde::Deserialize;
use std::{
    ffi::OsString,
    io::{self, Read},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// A client under test.
pub trait ClientUnderTest {
    /// Connects, disconnects, and says what came of it.
    fn connect(&mut self, conninfo: &str) -> Told;
}

impl<F: FnMut(&str) -> Told> ClientUnderTest for F {
    fn connect(&mut self, conninfo: &str) -> Told {
        self(conninfo)
    }
}

/// A program that is run once for each connection.
///
/// It is successful when its exit code is 0. If its last line of output is a JSON object with `outcome` (plain, ssl, gss or
/// fail) and perhaps `error`, as that of `pgtls connect --json`, its word is taken for what it claims; otherwise the servers
/// alone say what kind of session it had.
#[derive(Clone, Debug)]
pub struct CommandClient {
    program: OsString,
    arguments: Vec<String>,
    environment: Vec<(String, OsString)>,
    limit: Duration,
}

/// What stands for the connection string among the arguments.
const PLACE: &str = "{conninfo}";
/// Variables that a program may need to run at all.
const INHERITED: &[&str] = &["PATH", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH"];
/// Output that is kept of a client, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;

impl CommandClient {
    /// A program and its arguments, in which `{conninfo}` stands for the connection string. Of this process's environment
    /// it gets what programs need to run, and no variable of PostgreSQL's.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let inherited =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: inherited.collect(),
            limit: Duration::from_secs(30),
        }
    }

    /// With a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Ends it when it takes longer than this.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    fn run(&self, conninfo: &str) -> Result<Told, String> {
        let arguments = self.arguments.iter().map(|argument| argument.replace(PLACE, conninfo));
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("could not run {}: {error}", self.program.display()))?;
        let output = read(child.stdout.take());
        let errors = read(child.stderr.take());
        // A program's output ends when it does, and not before.
        let (Ok(output), Ok(errors)) = (output.recv_timeout(self.limit), errors.recv_timeout(self.limit))
        else {
            end(&mut child);
            return Err(format!("did not end within {} seconds", self.limit.as_secs()));
        };
        let status = child.wait().map_err(|error| error.to_string())?;
        Ok(told(status.success(), &output, &errors))
    }
}

impl ClientUnderTest for CommandClient {
    fn connect(&mut self, conninfo: &str) -> Told {
        self.run(conninfo).unwrap_or_else(Told::Lost)
    }
}

/// The last line of a client that speaks JSON.
#[derive(Deserialize)]
struct Json {
    outcome: Outcome,
    error: Option<String>,
}

fn told(success: bool, output: &str, errors: &str) -> Told {
    let line = output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let json: Option<Json> = serde_json::from_str(line).ok();
    let claimed = json.as_ref().map(|json| json.outcome).filter(|outcome| *outcome != Outcome::Fail);
    if success && json.as_ref().is_none_or(|_| claimed.is_some()) {
        return Told::Connected(claimed);
    }
    let errors = Some(errors.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    Told::Failed(json.and_then(|json| json.error).or(errors))
}

/// Reads in a thread of its own, so that a client can fill neither pipe and wait for ever.
fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is kept; what is beyond the bound is read and forgotten.
            let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

fn end(child: &mut Child) {
    // It may have ended in this moment.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_client() {
        let failed = |reason: &str| Told::Failed(Some(reason.to_owned()));
        for (success, output, errors, expected) in [
            (true, "", "", Told::Connected(None)),
            (true, "hello\n", "a warning", Told::Connected(None)),
            (true, "x\n{\"outcome\": \"ssl\", \"error\": null}\n\n", "", Told::Connected(Some(Outcome::Ssl))),
            (true, "{\"outcome\": \"fail\", \"error\": \"no\"}", "", failed("no")),
            (false, "{\"outcome\": \"ssl\"}", "crashed", failed("crashed")),
            (false, "", " no \n", failed("no")),
            (false, "", "", Told::Failed(None)),
            (true, "{\"outcome\": \"maybe\"}", "", Told::Connected(None)),
        ] {
            assert_eq!(told(success, output, errors), expected, "{output:?} {errors:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn programs_are_run_with_their_conninfo_and_ended_when_they_hang() {
        let mut echo = CommandClient::new("sh", ["-c", "echo \"$1\" >&2; exit 2", "sh", "a={conninfo}"]);
        assert_eq!(echo.connect("host=x y"), Told::Failed(Some("a=host=x y".to_owned())));

        let mut environment =
            CommandClient::new("sh", ["-c", "test \"$X$HOME$PGHOST\" = y"]).variable("X", "y");
        assert_eq!(environment.connect(""), Told::Connected(None));

        let mut hangs = CommandClient::new("sh", ["-c", "exec sleep 1000"]).limit(Duration::from_millis(50));
        assert!(matches!(hangs.connect(""), Told::Lost(reason) if reason.contains("did not end")));

        let mut missing = CommandClient::new("/nonexistent/client", ["{conninfo}"]);
        assert!(matches!(missing.connect(""), Told::Lost(reason) if reason.contains("could not run")));
    }
}
