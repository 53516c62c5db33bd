//! Differences that were found: `tests/data/chains.toml`, tried first on every run.
//!
//! A row holds the files of a scenario as they were made, OpenSSL's answer, and what pgtls had said instead before its rule
//! was mended. A run that finds a difference appends its row; whoever mends the rule keeps it.

use super::{
    compare, der, label,
    make::Files,
    oracle::{Answer, openssl, release},
    reproduction, verify,
};
use crate::support::{data, divergences::Divergences};
use pgtls_x509::X509Error;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write, fs};

/// The table.
const TABLE: &str = "chains.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    chain: Vec<Row>,
}

/// One difference.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What is odd about it.
    what: String,
    /// The certificate is to be a client's.
    client: bool,
    /// Security level.
    level: u8,
    /// OpenSSL's answer.
    openssl: Theirs,
    /// What pgtls had said.
    pgtls_said: String,
    /// Time of the verification in seconds since 1970, where it is not that of the random chains.
    time: Option<u64>,
    /// The certificates that were sent, the peer's own first.
    sent: String,
    #[serde(default)]
    roots: String,
    /// A root file that is no text, in hexadecimal digits.
    roots_hex: Option<String>,
    crls: Option<String>,
    /// Files of each CRL directory.
    #[serde(default)]
    directory: Vec<BTreeMap<String, String>>,
}

/// OpenSSL's answer, of all releases or by release.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
enum Theirs {
    Always(String),
    ByRelease(Vec<ByRelease>),
}

/// An answer, and the releases that give it: the first and the last of each range.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct ByRelease {
    answer: String,
    releases: Vec<[String; 2]>,
}

impl ByRelease {
    fn is_of(&self, release: [u8; 3]) -> bool {
        self.releases.iter().any(|[first, last]| (numbers(first)..=numbers(last)).contains(&release))
    }
}

/// The numbers of a release such as `3.0.19`.
fn numbers(release: &str) -> [u8; 3] {
    let numbers: Vec<u8> = release.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

impl Theirs {
    /// The answers that a release may give: that of its range, or any where no range names it.
    fn of(&self, release: [u8; 3]) -> Vec<&str> {
        match self {
            Self::Always(answer) => vec![answer],
            Self::ByRelease(answers) => {
                let known = answers.iter().find(|it| it.is_of(release));
                known.map_or_else(
                    || answers.iter().map(|it| it.answer.as_str()).collect(),
                    |it| vec![it.answer.as_str()],
                )
            }
        }
    }

    /// The refusal of those releases that refuse, where others accept: pgtls accepts only what all of them do.
    fn strictest(&self) -> Option<Answer> {
        match self {
            Self::Always(_) => None,
            Self::ByRelease(answers) => answers.iter().find_map(|it| Answer::of_label(&it.answer)),
        }
    }
}

impl Row {
    fn of(what: &str, files: &Files, (client, level): (bool, u8), said: [&str; 2]) -> Self {
        let sent = [&files.leaf].into_iter().chain(&files.presented);
        let [openssl, pgtls_said] = said.map(str::to_owned);
        let openssl = Theirs::Always(openssl);
        Self {
            what: what.to_owned(),
            client,
            level,
            openssl,
            pgtls_said,
            time: files.time,
            sent: sent.map(|der| der::pem("CERTIFICATE", der)).collect(),
            roots: str::from_utf8(&files.roots).unwrap_or_default().to_owned(),
            roots_hex: str::from_utf8(&files.roots).is_err().then(|| hex(&files.roots)),
            crls: files.crls.clone(),
            directory: files.crl_directories.clone(),
        }
    }

    fn files(&self) -> Files {
        let mut sent = der::unpem(&self.sent);
        Files {
            leaf: sent.remove(0),
            presented: sent,
            roots: match &self.roots_hex {
                None => self.roots.clone().into_bytes(),
                Some(digits) => {
                    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                    (0..digits.len()).step_by(2).map(byte).collect()
                }
            },
            crls: self.crls.clone(),
            crl_directories: self.directory.clone(),
            time: self.time,
        }
    }

    fn to_toml(&self) -> String {
        let text = |text: &str| toml::Value::from(text).to_string();
        let Theirs::Always(openssl) = &self.openssl else {
            unreachable!("a difference is found with one release");
        };
        let mut out = String::from("\n[[chain]]\n");
        for (key, value) in [
            ("what", text(&self.what)),
            ("client", self.client.to_string()),
            ("level", self.level.to_string()),
            ("openssl", text(openssl)),
            ("pgtls_said", text(&self.pgtls_said)),
        ] {
            writeln!(out, "{key} = {value}").unwrap();
        }
        if let Some(digits) = &self.roots_hex {
            writeln!(out, "roots_hex = \"{digits}\"").unwrap();
        }
        let roots = self.roots_hex.is_none().then_some(("roots", &self.roots));
        let sent = [("sent", &self.sent)].into_iter().chain(roots);
        for (key, pem) in sent.chain(self.crls.as_ref().map(|crls| ("crls", crls))) {
            write!(out, "{key} = '''\n{pem}'''\n").unwrap();
        }
        for files in &self.directory {
            out.push_str("[[chain.directory]]\n");
            for (name, pem) in files {
                write!(out, "\"{name}\" = '''\n{pem}'''\n").unwrap();
            }
        }
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Appends a difference, and says where. Those of a mutant are not kept, by `PGTLS_DIFFERENTIAL_KEEP=no`: they would judge the next.
pub(super) fn append(what: &str, files: &Files, purpose: (bool, u8), said: [&str; 2]) -> String {
    if std::env::var_os("PGTLS_DIFFERENTIAL_KEEP").is_some_and(|keep| keep == "no") {
        return String::new();
    }
    let row = Row::of(what, files, purpose, said).to_toml();
    let mut table = fs::read_to_string(data(TABLE)).unwrap();
    if !table.contains(&row) {
        table.push_str(&row);
        fs::write(data(TABLE), table).unwrap();
    }
    format!("it is the last row of tests/data/{TABLE} now")
}

/// All differences that were ever found are mended.
pub(super) fn replay() {
    let table = fs::read_to_string(data(TABLE)).unwrap();
    let Table { chain: rows } = toml::from_str(&table).unwrap();
    assert!(!rows.is_empty(), "{TABLE} is empty");
    let mut divergences = Divergences::of("chains");
    let wrong: Vec<String> = rows.iter().filter_map(|row| check(row, &mut divergences).err()).collect();
    divergences.finish();
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn check(row: &Row, divergences: &mut Divergences) -> Result<(), String> {
    let files = row.files();
    let theirs = openssl(&files, row.client, row.level);
    let ours = verify(&files, row.client, row.level);
    let failed = |why: String| format!("{}: {why}\n{}", row.what, reproduction(&files));
    let known = row.openssl.of(release());
    if !known.contains(&label(&theirs).as_str()) {
        return Err(failed(format!("OpenSSL: {}, once it was {}", label(&theirs), known.join(" or "))));
    }
    if matches!(theirs, Answer::Accepted(_))
        && ours.is_err()
        && divergences.explains(&row.what, "accepts", "refuses")
    {
        return Ok(());
    }
    compare(row.openssl.strictest().as_ref().unwrap_or(&theirs), &ours, |_: &X509Error| false).map_err(failed)
}

#[test]
fn a_row_is_read_as_it_was_written() {
    let crls = [Some("c\n".to_owned()), None];
    for (crls, directory) in
        crls.into_iter().zip([vec![], vec![[("0.r0".to_owned(), "d\n".to_owned())].into(), BTreeMap::new()]])
    {
        let files = Files {
            leaf: vec![1; 100],
            presented: vec![vec![2], vec![]],
            roots: if crls.is_some() { b"r\n".to_vec() } else { vec![0xff, 0x00] },
            crls,
            crl_directories: directory,
            time: None,
        };
        let row = Row::of("a \"quoted\" name", &files, (true, 3), ["accepted", "it's\nrefused"]);
        let Table { chain: read } = toml::from_str(&row.to_toml()).unwrap();
        assert_eq!(read, [row]);
        let again = read[0].files();
        assert_eq!((again.leaf, again.presented), (files.leaf, files.presented));
        assert_eq!(again.roots, files.roots);
        assert_eq!((again.crls, again.crl_directories), (files.crls, files.crl_directories));
    }
}

#[test]
fn a_release_gives_the_answer_of_its_range() {
    let row = r#"
        what = "a"
        client = false
        level = 2
        pgtls_said = "c"
        sent = ""
        roots = ""
        openssl = [
            { answer = "accepted", releases = [["3.0.0", "3.0.20"], ["3.1.0", "3.3.255"]] },
            { answer = "refused with 8 at depth 1", releases = [["3.0.22", "3.0.255"]] },
        ]
    "#;
    let theirs = toml::from_str::<Row>(row).unwrap().openssl;
    for (release, answers) in [
        ([3, 0, 20], vec!["accepted"]),
        ([3, 0, 21], vec!["accepted", "refused with 8 at depth 1"]),
        ([3, 0, 22], vec!["refused with 8 at depth 1"]),
        ([3, 2, 0], vec!["accepted"]),
    ] {
        assert_eq!(theirs.of(release), answers, "{release:?}");
    }
    assert_eq!(theirs.strictest(), Some(Answer::Refused { number: 8, depth: 1 }));
}
