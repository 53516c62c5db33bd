//! On what, with what, and when.

use super::programs::Programs;
use crate::workspace::{Error, Workspace};
use std::{collections::BTreeMap, fs, process::Command, thread};

/// Versions that matter to the numbers, as Cargo.lock has them.
const PACKAGES: &[&str] = &[
    "rustls",
    "aws-lc-rs",
    "ring",
    "tokio",
    "async-io",
    "tokio-postgres",
    "tokio-postgres-rustls",
    "postgres-openssl",
];

/// Facts of the machine.
pub(super) fn facts(workspace: &Workspace, programs: &Programs) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut add = |what: &str, value: Option<String>| {
        facts.extend(value.map(|value| (what.to_owned(), value)));
    };
    let processor = fs::read_to_string("/proc/cpuinfo").ok();
    let processor = processor.as_deref().and_then(|text| {
        Some(text.lines().find(|line| line.starts_with("model name"))?.split_once(": ")?.1.trim().to_owned())
    });
    add("processor", processor);
    add("processors", thread::available_parallelism().ok().map(|count| count.to_string()));
    add("kernel", printed(Command::new("uname").arg("-sr")));
    add("compiler", printed(Command::new("rustc").arg("--version")));
    // What else the machine is doing.
    let load = fs::read_to_string("/proc/loadavg").ok();
    add("load average before", load.and_then(|text| Some(text.split_whitespace().next()?.to_owned())));
    add("date", printed(Command::new("date").args(["-u", "+%Y-%m-%d"])));
    add("libpq", programs.libpq_version().map(str::to_owned));
    add(
        "processes can be kept on a processor",
        Some(if programs.can_be_pinned() { "yes" } else { "no" }.to_owned()),
    );
    let lock = workspace.file("Cargo.lock").map_or("", |file| file.text.as_str());
    for package in PACKAGES {
        add(package, version(lock, package).map(str::to_owned));
    }
    facts
}

fn version<'l>(lock: &'l str, package: &str) -> Option<&'l str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0)
}

/// The output of a program, if it can be run.
pub(super) fn printed(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// A sentence for a person.
pub(super) fn cannot(what: &str, why: impl std::fmt::Display) -> Error {
    Error(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_version_is_found_in_the_lock_file() {
        let lock = "[[package]]\nname = \"rustls-pki\"\nversion = \"1\"\n\n[[package]]\nname = \"rustls\"\nversion = \"2.3\"\n";
        assert_eq!(super::version(lock, "rustls"), Some("2.3"));
        assert_eq!(super::version(lock, "ring"), None);
    }
}
