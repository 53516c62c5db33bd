//! `pgtls-ffi` as C and Python see it: their examples against a real PostgreSQL, and under valgrind.

use crate::{
    examples::{LIMIT, ROWS, conninfo},
    support::{
        patience::output,
        postgres::{Postgres, Tls},
        skip,
    },
};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

#[test]
fn a_program_in_c() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path()) else { return };
    let run = |conninfo: &str| output(clean(&program).arg(conninfo), LIMIT);
    every_row("connect.c", &server, run);
    let mistaken = run("host=localhost sslmode=sometimes");
    assert!(said(&mistaken).1.contains("sslmode"), "{mistaken:?}");

    if !has("valgrind") {
        return skip("C under valgrind", "it is not installed");
    }
    for (user, parameters) in LEAKS {
        let mut command = clean("valgrind".as_ref());
        command.args([
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect,possible",
        ]);
        command.arg("--quiet").arg(&program);
        let ended = output(command.arg(conninfo(&server, user, parameters)), LIMIT);
        assert!(matches!(ended.status.code(), Some(0 | 2)), "{user} {parameters}: {:?}", said(&ended));
    }
}

#[test]
fn a_script_in_python() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    if !has("python3") {
        return skip("ctypes", "python3 is not installed");
    }
    let arguments = [library("so"), sources().join("examples/connect.py")];
    let [library, script] = arguments.each_ref().map(|path| path.to_str().unwrap());
    every_row("connect.py", &server, |conninfo| {
        output(clean("python3".as_ref()).args(["-B", script, library, conninfo]), LIMIT)
    });

    if !has("valgrind") {
        return skip("ctypes under valgrind", "it is not installed");
    }
    // The interpreter itself is not free of leaks; nothing of ours may be among them.
    let interpreter = "import sys; print(sys.executable)";
    let interpreter = output(clean("python3".as_ref()).args(["-c", interpreter]), LIMIT);
    let interpreter = said(&interpreter).0.trim().to_owned();
    for (user, parameters) in LEAKS.iter().take(2) {
        let mut command = clean("valgrind".as_ref());
        command.env("PYTHONMALLOC", "malloc").args(["--leak-check=full", "--num-callers=40"]);
        command.args([&interpreter, "-B", script, library, &conninfo(&server, user, parameters)]);
        let ended = output(&mut command, LIMIT);
        let heard = said(&ended).1;
        assert!(heard.contains("HEAP SUMMARY"), "valgrind has not done its work: {heard}");
        let ours: Vec<_> = records(&heard).filter(|record| record.contains("pgtls")).collect();
        assert!(ours.is_empty(), "{user} {parameters}: {}", ours.join("\n"));
    }
}

/// Ways through the library that differ in what they allocate: success, fallback, refusals at every stage.
const LEAKS: &[(&str, &str)] = &[
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt"),
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/other.crt"),
    ("nossluser", "sslmode=prefer"),
    ("anyuser", "sslmode=verify-full sslrootcert={folder}/root.crt host=127.0.0.1"),
    ("anyuser", "sslmode=verify-ca sslrootcert={folder}/missing.crt"),
    ("passworduser", "sslmode=require"),
];

fn every_row(name: &str, server: &Postgres, run: impl Fn(&str) -> Output) {
    for (parameters, user, expected) in ROWS {
        let conninfo = conninfo(server, user, parameters);
        let (ended, seen) = server.watch(|| run(&conninfo));
        let (told, heard) = said(&ended);
        let outcome = told.trim_end().strip_suffix(": SELECT 1 is 1").unwrap_or("fail");
        assert_eq!(outcome, *expected, "{name} \"{conninfo}\": {told}{heard}");
        let accepted = seen.iter().filter(|seen| seen.accepted).count();
        assert_eq!(accepted, usize::from(*expected != "fail"), "{name} \"{conninfo}\": {seen:?}");
    }
}

/// The C example, linked with the static library: valgrind then sees all of it.
fn compile(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("connect");
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]);
    command.arg(format!("-I{}", sources().join("include").display()));
    command.arg(sources().join("examples/connect.c")).arg(library("a"));
    command.args(["-lssl", "-lcrypto", "-lpthread", "-ldl", "-lm"]).arg("-o").arg(&program);
    if !has("cc") {
        skip("C", "there is no compiler");
        return None;
    }
    let ended = output(&mut command, LIMIT);
    assert!(ended.status.success(), "{:?}", said(&ended));
    Some(program)
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pgtls-ffi")
}

/// The library, built from the code as it is now.
fn library(extension: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = ["build", "--quiet", "--package", "pgtls-ffi"];
        assert!(Command::new(cargo).args(build).status().unwrap().success(), "pgtls-ffi does not build");
        // This test is target/<profile>/deps/suite-<hash>.
        env::current_exe().unwrap().ancestors().nth(3).unwrap().join("debug")
    });
    folder.join("libpgtls_ffi").with_extension(extension)
}

/// Nothing of the person who runs the tests gets in.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    let path = env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
    command
}

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// What valgrind complains of, one after the other: lines that begin with `==`, up to an empty one.
fn records(text: &str) -> impl Iterator<Item = String> {
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("==")?.split_once("== ").map(|(_, line)| line));
    let text: String = lines.map(|line| line.to_owned() + "\n").collect();
    text.split("\n\n")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|record| record.contains("at 0x"))
}

#[test]
fn complaints_of_valgrind_are_told_apart() {
    let text = "==1== Command: pgtls\n==1== \n==1== Invalid read\n==1==    at 0x1: a\n==1==    by 0x2: pgtls_b\n\
                ==1== \n==1== 5 bytes are lost\n==1==    at 0x1: malloc\nnot of valgrind\n==1==    by 0x2: c\n";
    let found: Vec<_> = records(text).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("pgtls_b") && !found[1].contains("pgtls"), "{found:?}");
}
