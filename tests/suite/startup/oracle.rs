//! The watch against a reader that has the whole text before it, and any portions against one.

use super::{table::message, word};
use pgtls_core::{
    negotiation::Encryption,
    startup::{ClientCertificate, StartupWatch, WatchRules},
};
use proptest::prelude::*;

const _: () = assert!(size_of::<StartupWatch>() <= 256, "a driver keeps one per connection");

fn watched(encryption: Encryption, portions: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut watch = StartupWatch::with_rules(WatchRules::NONE, encryption, ClientCertificate::NONE);
    word(portions.into_iter().find_map(|bytes| watch.received(bytes.as_ref())))
}

/// What libpq makes of these bytes when no rule is set, said in the plainest way.
fn plainly(encryption: Encryption, text: &[u8]) -> String {
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

/// Messages of a server, most of them sound.
fn server_message() -> impl Strategy<Value = Vec<u8>> {
    let auth = prop_oneof![
        4 => Just(0_u32),
        8 => prop::sample::select(vec![3, 5, 7, 8, 9, 10, 10, 11, 12]),
        1 => any::<u32>(),
    ];
    let names = prop::sample::select(vec![
        "SCRAM-SHA-256\0\0",
        "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
        "SCRAM-SHA-256-PLUS\0\0",
        "OAUTHBEARER\0\0",
        "X\0\0",
        "\0",
        "\0\0",
        "SCRAM-SHA-256\0",
        "SCRAM-SHA-256-PLUS-LONGER-THAN-ANY\0SCRAM-SHA-256\0\0",
        "salt",
        "",
    ]);
    let auth = (auth, names)
        .prop_map(|(code, data)| message(b'R', &[code.to_be_bytes().as_slice(), data.as_bytes()].concat()));
    let ok = Just(message(b'R', &[0; 4]));
    let bodies = prop::sample::select(vec![
        "SFATAL\0C28000\0Mno\0\0",
        "C28000\0C57P03\0\0",
        "Sx\0\0\0",
        "Mno\0",
        "C57p\0\0",
        "C\0\0",
        "a\0b\0",
        "a\0b",
        "a\0b\0c\0",
        "1234channel\0payload\0",
        "1234abcd",
        "I",
        "",
        "\0",
    ]);
    let kinds = prop::sample::select(b"ESNAKZKZTCDv".to_vec());
    let other = (kinds, bodies).prop_map(|(kind, body)| message(kind, body.as_bytes()));
    let noise = prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![4 => ok, 4 => auth, 8 => other, 1 => noise]
}

/// A few messages in a row, now and then with one byte changed.
fn server_bytes() -> impl Strategy<Value = Vec<u8>> {
    let change = prop::option::weighted(0.4, (any::<prop::sample::Index>(), any::<u8>()));
    (prop::collection::vec(server_message(), 0..6), change).prop_map(|(messages, change)| {
        let mut bytes = messages.concat();
        if let (Some((index, byte)), false) = (change, bytes.is_empty()) {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes
    })
}

fn encryption() -> impl Strategy<Value = Encryption> {
    prop::sample::select(vec![Encryption::Plain, Encryption::Ssl, Encryption::Gss])
}

proptest! {
    #[test]
    fn agrees_with_a_plain_reader(encryption in encryption(), bytes in server_bytes()) {
        prop_assert_eq!(watched(encryption, [bytes.as_slice()]), plainly(encryption, &bytes));
    }

    #[test]
    fn portions_do_not_matter(
        encryption in encryption(),
        bytes in server_bytes(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let portions = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(watched(encryption, portions), watched(encryption, [bytes.as_slice()]));
    }

    /// Nothing that a server can send makes it panic, and the same is said of what a client sends.
    #[test]
    fn any_bytes(received in prop::collection::vec(any::<u8>(), 0..64), sent in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut watch = StartupWatch::with_rules(WatchRules::NONE, Encryption::Ssl, ClientCertificate::NONE);
        watch.sent(&sent);
        let _ = watch.received(&received);
        watch.sent(&sent);
        let _ = watch.closed();
    }
}

/// A body as long as a length word can say is read away, however long it takes: nothing is kept, and nothing is believed.
#[test]
fn two_gibibytes_announced() {
    let mut watch = StartupWatch::with_rules(WatchRules::NONE, Encryption::Plain, ClientCertificate::NONE);
    assert_eq!(watch.received(&message(b'R', &[0; 4])), None);
    assert_eq!(watch.received(b"N\x7f\xff\xff\xff"), None);
    let portion = [b'x'; 4096];
    for _ in 0..256 {
        assert_eq!(watch.received(&portion), None);
    }
    assert_eq!(word(watch.closed()), "broken: closed");
}
