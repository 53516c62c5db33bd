//! Our `inet_aton` and `inet_pton` against those of the GNU C library, which libpq calls.

use super::{cases, inet_aton, inet_pton_ipv6};
use crate::support::skip;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, Ipv6Addr},
    process::{Command, Stdio},
};

/// Texts that are generated, beside the hosts of the table.
const GENERATED: usize = 10_000;

/// Reads texts in hexadecimal, a line each, and answers with the octets of both functions. Python's `socket` hands the text
/// on to the C library.
const PYTHON: &str = "
import binascii, platform, socket, sys
print(*platform.libc_ver(), flush=True)
for line in sys.stdin:
    text = bytes.fromhex(line.strip()).decode()
    answers = []
    for read in (socket.inet_aton, lambda text: socket.inet_pton(socket.AF_INET6, text)):
        try:
            answers.append(read(text).hex())
        except OSError:
            answers.append('-')
    print(*answers)
";

#[test]
fn addresses_are_read_as_the_gnu_c_library_reads_them() {
    let mut python = match Command::new("python3")
        .args(["-c", PYTHON])
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(python) => python,
        Err(error) => return skip("inet_aton of the C library", &format!("python3: {error}")),
    };
    let mut answers = BufReader::new(python.stdout.take().unwrap()).lines().map(Result::unwrap);
    let library = answers.next().unwrap_or_default();
    let mut questions = python.stdin.take().unwrap();
    let Some(version) = library.strip_prefix("glibc ") else {
        drop(questions);
        python.wait().unwrap();
        return skip(
            "inet_aton of the C library",
            &format!("this one is {library:?}, not the GNU C library"),
        );
    };

    let texts = texts();
    let lines: Vec<String> = texts.iter().map(|text| hexadecimal(text)).collect();
    let writer = std::thread::spawn(move || questions.write_all((lines.join("\n") + "\n").as_bytes()));
    let mut wrong = Vec::new();
    let mut addresses = 0;
    for text in &texts {
        let answer = answers.next().expect("an answer for each question");
        let ours = [
            inet_aton(text).map(|address: Ipv4Addr| address.octets().to_vec()),
            inet_pton_ipv6(text).map(|address: Ipv6Addr| address.octets().to_vec()),
        ];
        addresses += usize::from(ours != [None, None]);
        let ours =
            ours.map(|octets| octets.map_or("-".to_owned(), |octets| hexadecimal_bytes(&octets))).join(" ");
        if ours != answer {
            wrong.push(format!("{text:?}: the C library {answer}, we {ours}"));
        }
    }
    writer.join().unwrap().unwrap();
    assert!(python.wait().unwrap().success());
    assert!(wrong.is_empty(), "glibc {version} differs:\n{}", wrong.join("\n"));
    assert!(addresses > texts.len() / 10, "only {addresses} of {} texts are addresses", texts.len());
}

/// Texts without NUL bytes, where C ends, and without binary numbers (`0b1`), which the GNU C library began to read in 2.38
/// and of which no manual speaks.
fn texts() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let strategy = prop_oneof![ipv4_like(), ipv6_like(), "[0-9a-fxX.: ]{0,12}"];
    let generated = (0..GENERATED).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let hosts = cases().into_iter().filter_map(|case| case.host);
    hosts
        .chain(generated)
        .filter(|text| !text.contains('\0') && !text.to_lowercase().contains("0b"))
        .collect()
}

fn ipv4_like() -> impl Strategy<Value = String> {
    let number = prop_oneof![0..300_u64, any::<u32>().prop_map(u64::from), any::<u64>()];
    let part = (number, 0..6_u8).prop_map(|(number, form)| match form {
        0 => format!("0{number:o}"),
        1 => format!("0x{number:X}"),
        2 => format!("0{number}"),
        3 => format!("{}", number % 256),
        _ => format!("{number}"),
    });
    let part = prop_oneof![15 => part, 1 => "[-+ x0-9a]{0,3}"];
    (prop::collection::vec(part, 1..6), "([ \t\r\n\u{b}\u{c}./:x].{0,2})?")
        .prop_map(|(parts, rest)| parts.join(".") + &rest)
}

fn ipv6_like() -> impl Strategy<Value = String> {
    let group = prop_oneof![8 => "[0-9a-fA-F]{1,4}", 3 => Just(String::new()), 1 => "[0-9a-g%]{5}"];
    let tail = prop_oneof![
        3 => group.clone(),
        1 => any::<u32>().prop_map(|octets| Ipv4Addr::from(octets).to_string()),
        1 => "[0-9]{1,3}(\\.[0-9]{1,3}){2,4}",
    ];
    (prop::collection::vec(group, 0..9), tail).prop_map(|(mut groups, tail)| {
        groups.push(tail);
        groups.join(":")
    })
}

fn hexadecimal(text: &str) -> String {
    hexadecimal_bytes(text.as_bytes())
}

fn hexadecimal_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
