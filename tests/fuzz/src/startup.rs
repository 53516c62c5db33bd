//! The bytes after the startup packet. The first bytes of the input choose the protection of the session, its rules and the state of
//! the client's certificate; portions of both ends follow.

use super::script::{Said, Script, said};
use pgtls_core::{
    environment::{Environment, Platform},
    message::startup_message,
    negotiation::{Encryption, Failure},
    param::{Ability, Params, Settings},
    startup::{ClientCertificate, ProtocolViolation, StartupMonitor, StartupOutcome, StartupRules},
};

/// Parameters that the monitor enforces, beginning with none.
const RULES: &[&str] = &[
    "",
    "sslcertmode=require",
    "channel_binding=require",
    "require_auth=scram-sha-256",
    "require_auth=!password,!md5",
    "max_protocol_version=3.2",
    "min_protocol_version=3.2 max_protocol_version=3.2",
];

/// Portions do not matter; without rules the monitor decides as a plain reader does; and with rules the session is not up
/// before they were obeyed.
pub fn startup(bytes: &[u8]) {
    let mut script = Script(bytes);
    let encryption = script.choose(&[Encryption::Plain, Encryption::Ssl, Encryption::Gss]);
    let rules = script.choose(RULES);
    let certificate = ClientCertificate { requested: script.flag(), sent: script.flag() };
    let monitor = || {
        let rules = parse(rules);
        let mut monitor = StartupMonitor::new(rules, encryption, certificate, None);
        let version = rules.max_protocol_version.number();
        monitor.wrote(&startup_message(version, [("user", "u")]).unwrap());
        monitor
    };
    let exchange: Vec<Said> = std::iter::from_fn(|| said(&mut script)).collect();

    let verdict = monitored(monitor(), &exchange, usize::MAX);
    assert_eq!(monitored(monitor(), &exchange, 1), verdict);
    let of = |wanted: fn(&Said) -> Option<&Vec<u8>>| exchange.iter().filter_map(wanted).flatten().copied();
    let server: Vec<u8> = of(Said::by_server).collect();
    let client: Vec<u8> = of(Said::by_client).collect();
    if rules.is_empty() {
        assert_eq!(verdict, plainly(encryption, &server));
    }
    if verdict == "ready" {
        let said = |words: &[u8], text: &[u8]| text.windows(words.len()).any(|window| window == words);
        assert!(match rules {
            "sslcertmode=require" => certificate.requested && certificate.sent,
            "channel_binding=require" =>
                encryption == Encryption::Ssl && said(b"SCRAM-SHA-256-PLUS\0", &client),
            "require_auth=scram-sha-256" => said(&[0, 0, 0, 10], &server) && said(&[0, 0, 0, 12], &server),
            _ => true,
        });
    }
}

fn parse(rules: &str) -> StartupRules {
    let settings = Settings::parse(&format!("host=h user=u {rules}")).unwrap();
    let environment = Environment::empty(Platform::Unix);
    StartupRules::from(&Params::resolve(&settings, None, &environment, Ability::default()).unwrap())
}

/// The decision of the monitor, when it gets so many bytes at a time.
fn monitored(mut monitor: StartupMonitor, exchange: &[Said], portion: usize) -> String {
    for said in exchange {
        match said {
            Said::Server(bytes) => {
                for bytes in bytes.chunks(portion) {
                    let _ = monitor.read(bytes);
                }
            }
            Said::Client(bytes) => bytes.chunks(portion).for_each(|bytes| monitor.wrote(bytes)),
        }
        if let Some(first) = decision(&mut monitor) {
            let _ = monitor.read(b"Z\0\0\0\x05I");
            monitor.closed();
            assert_eq!(decision(&mut monitor).as_ref(), Some(&first), "the first decision is final");
            return first;
        }
    }
    "nothing".to_owned()
}

/// The decision of a monitor, in the words of the table.
pub fn decision(monitor: &mut StartupMonitor) -> Option<String> {
    if monitor.is_ready() {
        return Some("ready".to_owned());
    }
    if monitor.before_write().is_ok() {
        return None;
    }
    Some(match monitor.finish(StartupOutcome::Failed).failure().unwrap() {
        Failure::ServerError { sqlstate, after_auth_ok } => {
            let after = if after_auth_ok { " after authentication" } else { "" };
            format!("error {}{after}", sqlstate.escape_ascii())
        }
        Failure::LocalRefusal(refusal) => format!("refusal: {refusal}"),
        Failure::StartupBroken(broken) => match broken {
            ProtocolViolation::Closed => "broken: closed".to_owned(),
            ProtocolViolation::OldError => "broken: old error".to_owned(),
            ProtocolViolation::Unexpected(kind) => format!("broken: unexpected '{}'", kind.escape_ascii()),
            ProtocolViolation::Malformed(kind) => format!("broken: malformed '{}'", kind.escape_ascii()),
            other => panic!("a new way to break: {other:?}"),
        },
        Failure::WrongRole => "wrong role".to_owned(),
        other => panic!("the monitor does not decide {other:?}"),
    })
}

/// What libpq makes of these bytes when no rule is set, said in the plainest way.
pub fn plainly(encryption: Encryption, text: &[u8]) -> String {
    let mut authenticated = false;
    let mut sasl = 0;
    let mut rest = text;
    loop {
        let Some(kind) = rest.first().copied() else { return "nothing".to_owned() };
        let letter = kind.escape_ascii();
        if !authenticated && !b"REv".contains(&kind) {
            return format!("broken: unexpected '{letter}'");
        }
        let Some(header) = rest.get(1..5) else { return "nothing".to_owned() };
        let length = i32::from_be_bytes(header.try_into().unwrap());
        let malformed = format!("broken: malformed '{letter}'");
        let range = match (authenticated, kind) {
            (false, b'E') if !(8..=30_000).contains(&length) => {
                let text = &rest[1..];
                return match text.iter().take(30_001).position(|byte| *byte == 0) {
                    Some(_) => "broken: old error".to_owned(),
                    None if text.len() > 30_000 => malformed,
                    None => "nothing".to_owned(),
                };
            }
            (false, b'E') => 8..=30_000,
            (false, _) => 8..=2_000,
            (true, b'K') => 12..=12,
            (true, b'Z') => 5..=5,
            (true, b'E' | b'N' | b'A' | b'D' | b'd' | b'V' | b'T') => 4..=i32::MAX,
            (true, _) => 4..=30_000,
        };
        if !range.contains(&length) {
            return malformed;
        }
        let end = usize::try_from(length).unwrap() + 1;
        let Some(body) = rest.get(5..end) else { return "nothing".to_owned() };
        rest = &rest[end..];
        match kind {
            b'R' if !authenticated => match auth(encryption, body, &mut sasl) {
                Ok(ok) => authenticated = ok,
                Err(Some(refusal)) => return format!("refusal: {refusal}"),
                Err(None) => return malformed,
            },
            b'v' if !authenticated => return malformed,
            b'E' => {
                let Some((fields, _)) = fields(body) else { return malformed };
                let sqlstate = fields.iter().rev().find(|field| field[0] == b'C');
                let text: String = sqlstate.map_or_else(
                    || "00000".to_owned(),
                    |field| {
                        let shown = |byte: &u8| match byte {
                            b'0'..=b'9' | b'A'..=b'Z' => char::from(*byte),
                            _ => '?',
                        };
                        format!("{:0<5}", field[1..].iter().take(5).map(shown).collect::<String>())
                    },
                );
                return format!("error {text}{}", if authenticated { " after authentication" } else { "" });
            }
            b'N' => match fields(body) {
                Some((_, b"")) => {}
                _ => return malformed,
            },
            b'S' if !strings(body) => return malformed,
            b'A' if !body.get(4..).is_some_and(strings) => return malformed,
            b'S' | b'A' | b'K' => {}
            b'Z' => return "ready".to_owned(),
            _ => return format!("broken: unexpected '{letter}'"),
        }
    }
}

/// Whether it was AuthenticationOk; `Err(None)` for one that makes no sense.
fn auth(encryption: Encryption, body: &[u8], sasl: &mut i32) -> Result<bool, Option<String>> {
    let (code, data) = body.split_at(4);
    let code = u32::from_be_bytes(code.try_into().unwrap());
    let sense = |sense: bool| if sense { Ok(false) } else { Err(None) };
    match code {
        0 => sense(data.is_empty()).map(|_| true),
        3 => sense(data.is_empty()),
        5 => sense(data.len() == 4),
        7..=9 => Ok(false),
        10 => {
            let text = String::from_utf8_lossy(data);
            let names: Vec<_> = text.split('\0').collect();
            // Every name ends with a zero and so does the list, so that two empty pieces are left.
            let [names @ .., "", ""] = names.as_slice() else { return Err(None) };
            if names.contains(&"") || *sasl > 0 {
                return Err(None);
            }
            let plus = names.contains(&"SCRAM-SHA-256-PLUS");
            let known = names.contains(&"SCRAM-SHA-256") || names.contains(&"OAUTHBEARER");
            *sasl = 1;
            match (encryption, plus, known) {
                (Encryption::Ssl, true, _) | (_, false, true) => Ok(false),
                (_, true, _) => Err(Some(
                    "server offered SCRAM-SHA-256-PLUS authentication over a connection that is not SSL"
                        .to_owned(),
                )),
                (_, false, false) => {
                    Err(Some("none of the server's SASL authentication mechanisms are supported".to_owned()))
                }
            }
        }
        11 => sense(*sasl == 1),
        12 if *sasl == 1 => {
            *sasl = 2;
            Ok(false)
        }
        12 => Err(None),
        other => Err(Some(format!("authentication method {other} is not supported"))),
    }
}

/// The fields up to the zero that ends them, and what stands behind it.
fn fields(mut body: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut fields = Vec::new();
    loop {
        match body {
            [] => return None,
            [0, rest @ ..] => return Some((fields, rest)),
            // The code is never the end of the value.
            [_, value @ ..] => {
                let end = value.iter().position(|byte| *byte == 0)?;
                fields.push(&body[..=end]);
                body = &value[end + 1..];
            }
        }
    }
}

/// Two strings and nothing else.
fn strings(body: &[u8]) -> bool {
    body.split(|byte| *byte == 0).count() == 3 && body.ends_with(&[0])
}
