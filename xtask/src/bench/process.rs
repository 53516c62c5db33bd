//! A program at work: a contender, or the server that they connect to.

use super::machine::{cannot, printed};
use crate::workspace::Error;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The values of one line of a program's output, by name.
pub(super) type Answer = BTreeMap<String, f64>;

/// Where a process runs.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Where the kernel puts it.
    Anywhere,
    /// On this processor.
    On(usize),
}

impl Place {
    /// Whether processes can be kept on these processors here.
    pub(super) fn can_be(processors: [usize; 2]) -> bool {
        processors.iter().all(|&it| printed(&mut Self::On(it).command("true")).is_some())
    }

    /// This program, there.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Anywhere => Command::new(program),
            Self::On(processor) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &processor.to_string()]).arg(program);
                command
            }
        }
    }
}

/// A program that writes one line of output for each line of input. It ends at the end of its input, when this value is dropped.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    /// `None` after the input was closed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(super) fn start(name: &'static str, mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| cannot(name, error))?;
        let input = child.stdin.take();
        let output = child.stdout.take().expect("standard output was piped above");
        Ok(Self { name, child, input, output: BufReader::new(output) })
    }

    /// The next line of output.
    pub(super) fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| cannot(self.name, error))?;
        if line.is_empty() {
            return Err(self.failure());
        }
        Ok(line.trim().to_owned())
    }

    /// The next line of output as names and values.
    pub(super) fn answer(&mut self) -> Result<Answer, Error> {
        let line = self.line()?;
        parse(&line).ok_or_else(|| cannot(self.name, format!("\"{line}\" is no answer")))
    }

    /// Repeats the task.
    pub(super) fn again(&mut self) -> Result<Answer, Error> {
        // If the process has ended, reading the answer fails.
        self.input.as_mut().and_then(|input| input.write_all(b"\n").ok());
        self.answer()
    }

    /// The reason for the end of the output.
    fn failure(&mut self) -> Error {
        drop(self.input.take());
        let mut why = String::new();
        if let Some(errors) = &mut self.child.stderr {
            errors.read_to_string(&mut why).ok();
        }
        Error(format!("{} cannot do it: {}", self.name, why.trim()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().ok();
    }
}

/// `wall 7 cpu 5`.
fn parse(line: &str) -> Option<Answer> {
    let words: Vec<_> = line.split_whitespace().collect();
    words
        .chunks(2)
        .map(|pair| match pair {
            [what, value] => Some(((*what).to_owned(), value.parse().ok()?)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_names_with_numbers() {
        let answer = Answer::from([("wall".to_owned(), 7.0), ("cpu".to_owned(), 5.5)]);
        assert_eq!(parse("wall 7 cpu 5.5"), Some(answer));
        assert_eq!(parse("wall 7 cpu"), None);
        assert_eq!(parse("wall long"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_answers_until_it_ends_and_its_last_words_are_heard() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo count 1; read line; echo count 2; echo enough >&2"]);
        let mut process = Process::start("sh", command).ok().unwrap();
        let count = |answer: Result<Answer, Error>| answer.map(|it| it["count"]).map_err(|error| error.0);
        assert_eq!(count(process.answer()), Ok(1.0));
        assert_eq!(count(process.again()), Ok(2.0));
        assert_eq!(count(process.again()), Err("sh cannot do it: enough".to_owned()));
    }
}
