//! `data/negotiation.txt`: client machine and server machine in one process, without sockets.
//!
//! # The format
//!
//! A line beginning with `#` is a comment. A line beginning with `server` describes the server for the lines after it, as
//! `key=value` words:
//!
//! | key | value |
//! |---|---|
//! | `ssl`, `gss` | `on` or `off`: what the server can do; with `gss=on` the client holds credentials |
//! | `transport` | `unix`; TCP when absent |
//! | `first` | `error` or `old-error`: what the server answers to whatever comes first |
//! | `reply-ssl`, `reply-gss` | in place of the honest reply: `error`, `old-error`, `close`, or the bytes as they are |
//! | `handshake-ssl` | `close`, `garbage`, `alert`, `setup`, `unverified`, `unproven`, `no-alpn`, `other-alpn` |
//! | `handshake-gss` | `fail` |
//! | `startup-plain`, `startup-ssl`, `startup-gss` | in place of the honest answer: `close`, `alert`, `garbage`, `old-error`, a SQLSTATE, or `ok+SQLSTATE` |
//! | `payload` | `cancel`: a CancelRequest takes the place of the StartupMessage |
//! | `hardening` | names, separated by commas |
//!
//! Every other line is a case, in the manner of PostgreSQL's `005_negotiate_encryption.pl`:
//!
//! ```text
//! user gssencmode sslmode sslnegotiation events -> outcome
//! ```
//!
//! The user says on which transports the server takes it: `any`, `ssl-only`, `nossl-only`, `gss-only`, `nogss-only`. `.` repeats
//! the column of the case before. `a|b` means one case for each; `*` all values that PostgreSQL's test has (for
//! `sslmode` these are disable, allow, prefer and require). Events are the words of the trace, `-` when no connection is opened.
//! The outcome is `plain`, `ssl`, `gss` or `fail`.
//!
//! A case with `require` is run with `verify-ca` and `verify-full` too: they negotiate alike.

use super::model::{Server, User, negotiate};
use crate::support::data;
use pgtls_core::{
    param::{GssEncMode, SslMode, SslNegotiation},
    policy::PolicyInput,
};
use std::fs;

/// One case, written out.
struct Case {
    line: usize,
    server: Server,
    user: User,
    input: PolicyInput,
    expected: String,
}

#[test]
fn every_row() {
    let text = fs::read_to_string(data("negotiation.txt")).unwrap();
    let cases = parse(&text);
    for case in &cases {
        check(case, case.input);
        if case.input.sslmode == SslMode::Require {
            for sslmode in [SslMode::VerifyCa, SslMode::VerifyFull] {
                check(case, PolicyInput { sslmode, ..case.input });
            }
        }
    }
    let honest = |case: &&Case| case.server.is_honest();
    let of_postgresql = cases.iter().take_while(honest).count();
    assert_eq!(of_postgresql, 240, "PostgreSQL's own test has 240 rows");
    println!("{} rows, {of_postgresql} of them PostgreSQL's own", cases.len());
}

#[track_caller]
fn check(case: &Case, input: PolicyInput) {
    let seen = negotiate(&case.server, case.user, input).to_string();
    assert_eq!(
        seen, case.expected,
        "line {}: {:?} gssencmode={} sslmode={} sslnegotiation={} with {:?}",
        case.line, case.user, input.gssencmode, input.sslmode, input.sslnegotiation, case.server
    );
}

fn parse(text: &str) -> Vec<Case> {
    let mut server = None;
    let mut before: Option<[String; 4]> = None;
    let mut cases = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(words) = text.strip_prefix("server ") {
            server = Some(Server::parse(words).unwrap_or_else(|error| panic!("line {line}: {error}")));
            before = None;
            continue;
        }
        let server = server.as_ref().unwrap_or_else(|| panic!("line {line}: no server yet"));
        let columns = columns(text, before.as_ref()).unwrap_or_else(|error| panic!("line {line}: {error}"));
        let expected = expected(text).unwrap_or_else(|| panic!("line {line}: there is no `->`"));
        cases.extend(expand(&columns).map(|[user, gssencmode, sslmode, sslnegotiation]| {
            Case {
                line,
                server: server.clone(),
                user: User::from_word(&user).unwrap_or_else(|| panic!("line {line}: user {user}")),
                input: PolicyInput {
                    sslmode: SslMode::from_word(&sslmode).unwrap_or_else(|| panic!("line {line}: {sslmode}")),
                    sslnegotiation: SslNegotiation::from_word(&sslnegotiation)
                        .unwrap_or_else(|| panic!("line {line}: {sslnegotiation}")),
                    gssencmode: GssEncMode::from_word(&gssencmode)
                        .unwrap_or_else(|| panic!("line {line}: {gssencmode}")),
                    hardening: server.hardening(),
                    ..PolicyInput::new(SslMode::Prefer)
                },
                expected: expected.clone(),
            }
        }));
        before = Some(columns);
    }
    cases
}

fn columns(text: &str, before: Option<&[String; 4]>) -> Result<[String; 4], String> {
    let mut words = text.split_whitespace();
    let mut columns = [const { String::new() }; 4];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = match (words.next(), before) {
            (None, _) => return Err("a case has four columns before its events".to_owned()),
            (Some("."), None) => return Err("there is no case before this one to repeat".to_owned()),
            (Some("."), Some(before)) => before[index].clone(),
            (Some(word), _) => word.to_owned(),
        };
    }
    Ok(columns)
}

fn expected(text: &str) -> Option<String> {
    let (left, outcome) = text.split_once("->")?;
    let events: Vec<_> = left.split_whitespace().skip(4).collect();
    Some(format!("{} -> {}", events.join(" "), outcome.trim()))
}

/// Every combination of the alternatives.
fn expand(columns: &[String; 4]) -> impl Iterator<Item = [String; 4]> {
    const ALL: [&str; 4] =
        ["any", "disable|prefer|require", "disable|allow|prefer|require", "postgres|direct"];
    let mut expanded = vec![[const { String::new() }; 4]];
    for (index, column) in columns.iter().enumerate() {
        let alternatives = if column == "*" { ALL[index] } else { column };
        expanded = expanded
            .iter()
            .flat_map(|row| {
                alternatives.split('|').map(move |word| {
                    let mut row = row.clone();
                    word.clone_into(&mut row[index]);
                    row
                })
            })
            .collect();
    }
    expanded.into_iter()
}

#[test]
fn the_format() {
    let rows = |text: &str| {
        parse(text).iter().map(|case| format!("{} {}", case.input.sslmode, case.expected)).collect::<Vec<_>>()
    };
    let text = "# comment\nserver ssl=on gss=off\nany disable allow|prefer postgres connect, authok -> plain\n. . require . - -> fail\n";
    assert_eq!(
        rows(text),
        ["allow connect, authok -> plain", "prefer connect, authok -> plain", "require - -> fail"]
    );
    assert_eq!(parse("server ssl=on gss=off\nany * * * - -> fail").len(), 24);
}
