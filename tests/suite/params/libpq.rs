//! The installed libpq as an oracle, through a small program in C that is compiled here.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str,
};
use tempfile::TempDir;

/// The program, and what it says of its libpq.
pub(super) struct Libpq {
    directory: TempDir,
    /// As in `PG_VERSION_NUM`: 180000 and more is PostgreSQL 18.
    pub(super) version: u32,
    /// What it knows.
    pub(super) keywords: Vec<String>,
}

/// What libpq makes of a connection string: values, or its message.
pub(super) type Parsed = Result<BTreeMap<String, Vec<u8>>, String>;

impl Libpq {
    /// Compiles the program; the error says what is missing.
    pub(super) fn compile() -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("suite/params/libpq.c");
        let compiler = Command::new("cc")
            .args(pg_config("--includedir").map(|path| format!("-I{path}")))
            .args(pg_config("--libdir").map(|path| format!("-L{path}")))
            .arg("-o")
            .arg(directory.path().join("libpq"))
            .arg(source)
            .arg("-lpq")
            .output()
            .map_err(|error| format!("there is no C compiler: {error}"))?;
        if !compiler.status.success() {
            let reason = String::from_utf8_lossy(&compiler.stderr).lines().next().map(str::to_owned);
            return Err(format!("libpq cannot be compiled with: {}", reason.unwrap_or_default()));
        }
        let mut libpq = Self { directory, version: 0, keywords: Vec::new() };
        let (head, _) = libpq.run(&[])?;
        let mut words = head.split(' ');
        libpq.version =
            words.next().and_then(|version| version.parse().ok()).ok_or("libpq has no version")?;
        libpq.keywords = words.map(str::to_owned).collect();
        Ok(libpq)
    }

    /// `PQconninfoParse` for each text.
    pub(super) fn parse(&self, texts: &[String]) -> Vec<Parsed> {
        let orders: Vec<_> = texts.iter().map(|text| order('p', text)).collect();
        self.run(&orders).unwrap().1.iter().map(|answer| parsed(answer)).collect()
    }

    /// The message of `PQconnectdb` for each text.
    pub(super) fn connect(&self, texts: &[String]) -> Vec<String> {
        let orders: Vec<_> = texts.iter().map(|text| order('c', text)).collect();
        let answers = self.run(&orders).unwrap().1;
        answers.iter().map(|answer| parsed(answer).expect_err("nobody listens there")).collect()
    }

    fn run(&self, orders: &[String]) -> Result<(String, Vec<String>), String> {
        let input = self.directory.path().join("orders");
        fs::write(&input, orders.join("\n") + "\n").unwrap();
        let output = Command::new(self.directory.path().join("libpq"))
            .env_clear()
            // Whoever has another libpq can have it asked.
            .envs(env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path)))
            .env("HOME", self.directory.path())
            .env("LC_ALL", "C")
            .current_dir(self.directory.path())
            .stdin(Stdio::from(File::open(&input).unwrap()))
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("libpq cannot be run: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().map(str::to_owned);
        let head = lines.next().unwrap_or_default();
        let answers: Vec<_> = lines.collect();
        assert_eq!(answers.len(), orders.len(), "libpq answers everything");
        Ok((head, answers))
    }

    /// Where no socket is.
    pub(super) fn nowhere(&self) -> &Path {
        self.directory.path()
    }
}

fn pg_config(what: &str) -> Option<String> {
    let output = Command::new("pg_config").arg(what).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn parsed(answer: &str) -> Parsed {
    if let Some(message) = answer.strip_prefix("no ") {
        return Err(String::from_utf8_lossy(&unhex(message)).trim_end().to_owned());
    }
    let pairs = answer.split(' ').skip(1).map(|pair| pair.split_once('=').unwrap());
    Ok(pairs.map(|(keyword, value)| (keyword.to_owned(), unhex(value))).collect())
}

/// A letter and the text in hexadecimal digits.
fn order(letter: char, text: &str) -> String {
    text.bytes().fold(String::from(letter), |mut order, byte| {
        write!(order, "{byte:02x}").unwrap();
        order
    })
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
