//! `data/startup.txt`.
//!
//! # The format
//!
//! ```text
//! session rules | exchange -> result
//! ```
//!
//! The session is `plain`, `ssl` or `gss`. Rules are parameters of a connection string, and `no-password`, `certificate-requested`,
//! `certificate-sent`, `cancel`. The exchange is what is sent, in order: messages of the server by name, `>answer` or
//! `>MECHANISM` of the client, `close` and `abort` for the end of the connection. `auth:CODE:DATA` and `body:TYPE:DATA` spell a message out,
//! `~` for a zero; `raw:` is bytes in hexadecimal. The result comes with the last message, not before.

use crate::{fuzz::targets::startup::decision, support::data};
use pgtls_core::{
    environment::{Environment, Platform},
    message::{CancelRequest, startup_message},
    negotiation::Encryption,
    param::{Ability, Params, Settings},
    startup::{ClientCertificate, StartupMonitor, StartupRules},
};
use std::fs;

/// One thing that happens.
enum Happens {
    Server(Vec<u8>),
    Client(Vec<u8>),
    Closed,
    Aborted,
}

#[test]
fn every_row() {
    let text = fs::read_to_string(data("startup.txt")).unwrap();
    let mut rows = 0;
    for (line, text) in (1..).zip(text.lines()) {
        if !text.trim().is_empty() && !text.starts_with('#') {
            check(line, text);
            rows += 1;
        }
    }
    println!("{rows} rows");
}

fn check(line: usize, text: &str) {
    let (left, expected) = text.split_once(" -> ").unwrap_or_else(|| panic!("line {line}: no result"));
    let (rules, exchange) = left.split_once('|').unwrap_or_else(|| panic!("line {line}: no exchange"));
    let exchange = exchange_of(exchange).unwrap_or_else(|error| panic!("line {line}: {error}"));
    let monitored = Monitored::parse(rules).unwrap_or_else(|error| panic!("line {line}: {error}"));
    let in_portions = |size| run(&monitored, &exchange, size);
    let whole = in_portions(usize::MAX);
    assert_eq!(whole, format!("{expected}, at the end"), "line {line}: {text}");
    for size in [1, 2, 3, 5, 7] {
        assert_eq!(in_portions(size), whole, "line {line}, in portions of {size}: {text}");
    }
}

/// The decision of the monitor, and whether nothing was left then.
fn run(monitored: &Monitored, exchange: &[Happens], portion: usize) -> String {
    let mut monitor = monitored.start();
    for (at, happens) in exchange.iter().enumerate() {
        match happens {
            Happens::Server(bytes) => {
                for bytes in bytes.chunks(portion) {
                    let _ = monitor.read(bytes);
                }
            }
            Happens::Client(bytes) => bytes.chunks(portion).for_each(|bytes| monitor.wrote(bytes)),
            Happens::Closed => monitor.closed(),
            Happens::Aborted => monitor.aborted(),
        }
        if let Some(first) = decision(&mut monitor) {
            let _ = monitor.read(b"Z\0\0\0\x05I");
            monitor.closed();
            monitor.aborted();
            monitor.timed_out();
            assert_eq!(decision(&mut monitor).as_ref(), Some(&first), "the first decision is final");
            let left = exchange.len() - 1 - at;
            let end = if left == 0 { "at the end".to_owned() } else { format!("{left} before the end") };
            return format!("{first}, {end}");
        }
    }
    "nothing".to_owned()
}

/// A connection on which the first packet was sent.
enum Monitored {
    Session { rules: StartupRules, encryption: Encryption, certificate: ClientCertificate },
    Cancel(Encryption),
}

impl Monitored {
    fn parse(rules: &str) -> Result<Self, String> {
        let mut words = rules.split_whitespace();
        let encryption = match words.next() {
            Some("plain") => Encryption::Plain,
            Some("ssl") => Encryption::Ssl,
            Some("gss") => Encryption::Gss,
            other => return Err(format!("{other:?} is no session")),
        };
        let mut certificate = ClientCertificate::NONE;
        let mut no_password = false;
        let mut pairs = vec![("host", "h"), ("user", "me")];
        for word in words {
            match (word, word.split_once('=')) {
                ("cancel", _) => return Ok(Self::Cancel(encryption)),
                ("no-password", _) => no_password = true,
                ("certificate-requested", _) => certificate.requested = true,
                ("certificate-sent", _) => certificate.sent = true,
                (_, Some(pair)) => pairs.push(pair),
                (_, None) => return Err(format!("{word} is no rule")),
            }
        }
        let conninfo: Vec<_> = pairs.iter().map(|(keyword, value)| format!("{keyword}='{value}'")).collect();
        let settings = Settings::parse(&conninfo.join(" ")).map_err(|error| error.to_string())?;
        let environment = Environment::empty(Platform::Unix);
        let params = Params::resolve(&settings, None, &environment, Ability::default())
            .map_err(|error| error.to_string())?;
        let mut rules = StartupRules::from(&params);
        rules.no_password = no_password;
        Ok(Self::Session { rules, encryption, certificate })
    }

    fn start(&self) -> StartupMonitor {
        match *self {
            Self::Session { rules, encryption, certificate } => {
                let mut monitor = StartupMonitor::new(rules, encryption, certificate, None);
                let version = rules.max_protocol_version.number();
                monitor.wrote(&startup_message(version, [("user", "me")]).unwrap());
                monitor
            }
            Self::Cancel(encryption) => {
                let mut monitor = StartupMonitor::cancel(encryption, None);
                monitor.wrote(&CancelRequest::new(7, &[9; 4]).unwrap().encode());
                monitor
            }
        }
    }
}

fn exchange_of(text: &str) -> Result<Vec<Happens>, String> {
    let message = |word: &str| happens(word).ok_or_else(|| format!("{word} is no message"));
    text.split_whitespace().map(message).collect()
}

fn happens(word: &str) -> Option<Happens> {
    if let Some(answer) = word.strip_prefix('>') {
        let body = if answer == "answer" {
            b"secret\0".to_vec()
        } else {
            [answer.as_bytes(), b"\0\0\0\0\x01n"].concat()
        };
        return Some(Happens::Client(message(b'p', &body)));
    }
    let (name, value) = word.split_once(':').unwrap_or((word, ""));
    let auth = |code: u32, body: &[u8]| message(b'R', &[code.to_be_bytes().as_slice(), body].concat());
    Some(Happens::Server(match name {
        "close" => return Some(Happens::Closed),
        "abort" => return Some(Happens::Aborted),
        "ok" => auth(0, b""),
        "cleartext" => auth(3, b""),
        "md5" => auth(5, b"salt"),
        "gss" => auth(7, b""),
        "gss-continue" => auth(8, b"token"),
        "sspi" => auth(9, b""),
        "sasl" => {
            let names = value.split_terminator(',').flat_map(|name| [name, "\0"]);
            auth(10, names.chain(["\0"]).collect::<String>().as_bytes())
        }
        "sasl-continue" => auth(11, b"r=,s=,i=4096"),
        "sasl-final" => auth(12, b"v="),
        "auth" => {
            let (code, data) = value.split_once(':').unwrap_or((value, ""));
            auth(code.parse().ok()?, &zeros(data))
        }
        "body" => {
            let (kind, data) = value.split_once(':')?;
            message(*kind.as_bytes().first()?, &zeros(data))
        }
        "error" if value.is_empty() => message(b'E', b"SFATAL\0Mno\0\0"),
        "error" => message(b'E', format!("SFATAL\0C{value}\0Mno\0\0").as_bytes()),
        "notice" => message(b'N', b"SWARNING\0C01000\0Mtake care\0\0"),
        "notify" => message(b'A', b"\0\0\0\x01channel\0payload\0"),
        "status" if value.is_empty() => message(b'S', b"server_version\x0018.1\0"),
        "status" => {
            let (name, value) = value.split_once('=')?;
            message(b'S', &zeros(&format!("{name}~{value}~")))
        }
        "key" => {
            let length = if value.is_empty() { 4 } else { value.parse().ok()? };
            message(b'K', &[b"\0\0\0\x07".as_slice(), &vec![9; length]].concat())
        }
        "ready" => message(b'Z', b"I"),
        "version" => {
            let (major, minor) = value.split_once('.')?;
            let version = major.parse::<u32>().ok()? << 16 | minor.parse::<u32>().ok()?;
            message(b'v', &[version.to_be_bytes(), [0; 4]].concat())
        }
        "type" => message(*value.as_bytes().first()?, b""),
        "old-error" => [vec![b'E'; value.parse::<usize>().ok()? + 1], vec![0]].concat(),
        "raw" => hex(value)?,
        _ => return None,
    }))
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn zeros(text: &str) -> Vec<u8> {
    text.replace('~', "\0").into_bytes()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .filter(|digit| *digit != '_')
        .map(|digit| digit.to_digit(16))
        .collect::<Option<Vec<_>>>()?;
    let byte = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair.get(1)?).ok();
    digits.chunks(2).map(byte).collect()
}
