//! A program as a client under test.

use super::{Attempt, ClientUnderTest};
use crate::{judge::ClientClaim, scenario::Outcome};
use core::fmt;
use serde::Deserialize;
use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A program that is run once for each connection.
///
/// It is successful when its exit code is 0; with 77 it declines the scenario. If its last line of output is a JSON object with `outcome` (plain, ssl, gss or
/// fail) and perhaps `error`, as that of `pgtls connect --json`, its word is taken for what it claims; otherwise the servers
/// alone say what kind of session it had.
#[derive(Clone, Debug)]
pub struct CommandClient {
    program: OsString,
    arguments: Vec<String>,
    environment: Vec<(String, OsString)>,
    limit: Duration,
    gss: bool,
}

/// The exit code of a program that cannot be asked what it was asked; what it writes to standard error is the reason.
const DECLINED: i32 = 77;
/// What stands for the connection string among the arguments.
const PLACE: &str = "{conninfo}";
/// Variables that a program may need to run at all.
const INHERITED: &[&str] = &["PATH", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH"];
/// Output that is kept of a client, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;
/// How long a client may take that is not told otherwise.
const LIMIT: Duration = Duration::from_secs(20);
/// How often a program is looked at while it runs.
const INTERVAL: Duration = Duration::from_millis(2);

impl CommandClient {
    /// A program and its arguments, in which `{conninfo}` stands for the connection string. Of this process's environment
    /// it gets what programs need to run, and no variable of PostgreSQL's.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let inherited =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
        Self {
            program: absolute(program.into()),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: inherited.collect(),
            limit: LIMIT,
            gss: false,
        }
    }

    /// With a variable of its environment; one that a scenario sets wins.
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

    /// It can do GSSAPI.
    #[must_use]
    pub fn gss(self, gss: bool) -> Self {
        Self { gss, ..self }
    }

    /// The program.
    pub fn program(&self) -> &std::ffi::OsStr {
        &self.program
    }

    /// Whether there is such a program.
    pub fn exists(&self) -> bool {
        let program = Path::new(&self.program);
        if program.components().count() > 1 {
            return program.exists();
        }
        std::env::var_os("PATH").is_some_and(|path| {
            // Some systems end the names of programs in .exe.
            std::env::split_paths(&path).any(|folder| {
                let file = folder.join(program);
                file.exists() || file.with_extension(std::env::consts::EXE_EXTENSION).exists()
            })
        })
    }

    fn run(&self, attempt: &Attempt) -> Result<ClientClaim, String> {
        let arguments = self.arguments.iter().map(|argument| argument.replace(PLACE, &attempt.conninfo));
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&attempt.home)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(attempt.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        group(&mut command);
        run_as(&mut command, attempt);
        let mut child =
            command.spawn().map_err(|error| format!("could not run {}: {error}", self.program.display()))?;
        let output = read(child.stdout.take());
        let errors = read(child.stderr.take());
        let deadline = Instant::now().checked_add(self.limit);
        let status = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    end(&mut child);
                    return Err(format!("did not end within {} seconds", self.limit.as_secs()));
                }
                None => thread::sleep(INTERVAL),
            }
        };
        // The program is gone; a child of its own that still holds the pipes is not waited for.
        let text = |pipe: mpsc::Receiver<String>| pipe.recv_timeout(AFTERWARDS).unwrap_or_default();
        let (output, errors) = (text(output), text(errors));
        Ok(match status.code() {
            Some(DECLINED) => ClientClaim::Declined(reason(&errors).unwrap_or("no reason given").to_owned()),
            _ => told(status.success(), &output, &errors),
        })
    }
}

/// How long output is waited for when the program has ended.
const AFTERWARDS: Duration = Duration::from_secs(2);

impl ClientUnderTest for CommandClient {
    fn connect(&self, attempt: &Attempt) -> ClientClaim {
        self.run(attempt).unwrap_or_else(ClientClaim::Lost)
    }

    fn has_gss(&self) -> bool {
        self.gss
    }

    #[cfg(unix)]
    fn declines(&self, attempt: &Attempt) -> Option<String> {
        let user = attempt.run_as.as_ref()?;
        let program = Path::new(&self.program);
        // Interpreters and loaders are handed the files that they are to read.
        let files = self.arguments.iter().map(Path::new).filter(|path| path.is_absolute() && path.exists());
        if !open_to_all(program, EXECUTE) {
            return Some(format!("{} cannot run {}", user.name, program.display()));
        }
        let closed = files.into_iter().find(|file| !open_to_all(file, READ))?;
        Some(format!("{} cannot read {}", user.name, closed.display()))
    }
}

/// A command line, cut into arguments as a shell cuts them, but without a shell's variables, patterns and redirections.
impl FromStr for CommandClient {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let words = shlex::split(text).ok_or(CommandError::Quotes)?;
        let Some((program, arguments)) = words.split_first() else { return Err(CommandError::Empty) };
        if !arguments.iter().any(|argument| argument.contains(PLACE)) {
            return Err(CommandError::NoPlace);
        }
        Ok(Self::new(program, arguments))
    }
}

/// Why a text is no command line of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// A quote or a backslash at its end has no partner.
    Quotes,
    /// There is no program.
    Empty,
    /// No argument holds `{conninfo}`.
    NoPlace,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quotes => "a quote is not closed, or nothing follows the last backslash",
            Self::Empty => "name a program and its arguments",
            Self::NoPlace => "no argument holds {conninfo}, which stands for the connection string",
        })
    }
}

impl core::error::Error for CommandError {}

/// A program in a file, as seen from the directory where it will run.
fn absolute(program: OsString) -> OsString {
    let path = Path::new(&program);
    // A name without a slash is looked up in PATH.
    if path.components().count() < 2 {
        return program;
    }
    std::path::absolute(path).map_or(program, Into::into)
}

#[cfg(unix)]
fn run_as(command: &mut Command, attempt: &Attempt) {
    use std::os::unix::process::CommandExt as _;
    if let Some(user) = &attempt.run_as {
        command.uid(user.uid).gid(user.gid);
    }
}

#[cfg(not(unix))]
fn run_as(_: &mut Command, _: &Attempt) {}

/// The bits of a file's mode that let everybody run it and read it.
#[cfg(unix)]
const EXECUTE: u32 = 0o001;
#[cfg(unix)]
const READ: u32 = 0o004;

/// Whether every user may do this with a file, and get at it; names to be looked up in PATH are taken for such.
#[cfg(unix)]
fn open_to_all(file: &Path, what: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let may = |path: &Path, what: u32| path.metadata().is_ok_and(|metadata| metadata.mode() & what != 0);
    let mut folders = file.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty());
    !file.is_absolute() || (may(file, what) && folders.all(|folder| may(folder, EXECUTE)))
}

/// The last line of a client that speaks JSON.
#[derive(Deserialize)]
struct Json {
    outcome: Outcome,
    error: Option<String>,
}

fn told(success: bool, output: &str, errors: &str) -> ClientClaim {
    let line = output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let json: Option<Json> = serde_json::from_str(line).ok();
    let claimed = json.as_ref().map(|json| json.outcome).filter(|outcome| *outcome != Outcome::Fail);
    if success && json.as_ref().is_none_or(|_| claimed.is_some()) {
        return ClientClaim::Connected(claimed);
    }
    let errors = || reason(errors).map(str::to_owned);
    ClientClaim::Failed(json.and_then(|json| json.error).or_else(errors))
}

fn reason(errors: &str) -> Option<&str> {
    Some(errors.trim()).filter(|text| !text.is_empty())
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

/// A group of its own, so that the programs that it starts can be ended with it.
#[cfg(unix)]
fn group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn group(_: &mut Command) {}

fn end(child: &mut Child) {
    // It may have ended in this moment.
    #[cfg(unix)]
    let _ = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_client() {
        let failed = |reason: &str| ClientClaim::Failed(Some(reason.to_owned()));
        for (success, output, errors, expected) in [
            (true, "", "", ClientClaim::Connected(None)),
            (true, "hello\n", "a warning", ClientClaim::Connected(None)),
            (
                true,
                "x\n{\"outcome\": \"ssl\", \"error\": null}\n\n",
                "",
                ClientClaim::Connected(Some(Outcome::Ssl)),
            ),
            (true, "{\"outcome\": \"fail\", \"error\": \"no\"}", "", failed("no")),
            (false, "{\"outcome\": \"ssl\"}", "crashed", failed("crashed")),
            (false, "", " no \n", failed("no")),
            (false, "", "", ClientClaim::Failed(None)),
            (true, "{\"outcome\": \"connected\"}", "", ClientClaim::Connected(None)),
        ] {
            assert_eq!(told(success, output, errors), expected, "{output:?} {errors:?}");
        }
    }

    #[test]
    fn command_lines_are_cut_without_a_shell() {
        let client: CommandClient = r#"psql -c '' "{conninfo} gssencmode=disable" $HOME"#.parse().unwrap();
        assert_eq!(client.program, "psql");
        assert_eq!(client.arguments, ["-c", "", "{conninfo} gssencmode=disable", "$HOME"]);
        let error = |text: &str| text.parse::<CommandClient>().unwrap_err();
        assert_eq!(error("psql '{conninfo}"), CommandError::Quotes);
        assert_eq!(error(" "), CommandError::Empty);
        assert_eq!(error("psql"), CommandError::NoPlace);
    }

    #[cfg(unix)]
    #[test]
    fn programs_are_run_with_their_conninfo_and_ended_when_they_hang() {
        let attempt = |conninfo: &str| Attempt {
            conninfo: conninfo.to_owned(),
            environment: vec![("Y".to_owned(), "z".to_owned())],
            home: std::env::temp_dir(),
            run_as: None,
            names: Vec::new(),
            cancel: None,
        };
        let declines = CommandClient::new("sh", ["-c", "echo no such setting >&2; exit 77"]);
        assert_eq!(declines.connect(&attempt("")), ClientClaim::Declined("no such setting".to_owned()));
        let echo = CommandClient::new("sh", ["-c", "echo \"$1\" >&2; exit 2", "sh", "a={conninfo}"]);
        assert_eq!(echo.connect(&attempt("host=x y")), ClientClaim::Failed(Some("a=host=x y".to_owned())));

        let environment = CommandClient::new("sh", ["-c", "test \"$X$Y$HOME$PGHOST\" = yz"])
            .variable("X", "y")
            .variable("Y", "x");
        assert_eq!(environment.connect(&attempt("")), ClientClaim::Connected(None));

        let file = tempfile::NamedTempFile::new().unwrap();
        let script = CommandClient::new("sh", [file.path().display().to_string()]);
        let nobody = Some(super::super::RunAs { name: "nobody".to_owned(), uid: 65_534, gid: 65_534 });
        let as_nobody = Attempt { run_as: nobody, ..attempt("") };
        assert_eq!(script.declines(&attempt("")), None);
        assert!(script.declines(&as_nobody).is_some_and(|reason| reason.starts_with("nobody cannot read ")));

        let hangs = CommandClient::new("sh", ["-c", "exec sleep 1000"]).limit(Duration::from_millis(50));
        assert!(
            matches!(hangs.connect(&attempt("")), ClientClaim::Lost(reason) if reason.contains("did not end"))
        );

        let missing = CommandClient::new("/nonexistent/client", ["{conninfo}"]);
        assert!(
            matches!(missing.connect(&attempt("")), ClientClaim::Lost(reason) if reason.contains("could not run"))
        );
    }
}
