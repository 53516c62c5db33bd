//! The monitor against a reader that has the whole text before it, and any portions against one.

use super::table::message;
use crate::fuzz::targets::startup::{decision, plainly};
use pgtls_core::{
    negotiation::Encryption,
    startup::{ClientCertificate, StartupMonitor, StartupRules},
};
use proptest::prelude::*;

const _: () = assert!(size_of::<StartupMonitor>() <= 256, "a driver keeps one per connection");

fn monitor(encryption: Encryption) -> StartupMonitor {
    StartupMonitor::new(StartupRules::NONE, encryption, ClientCertificate::NONE, None)
}

fn monitored(encryption: Encryption, portions: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut monitor = monitor(encryption);
    for bytes in portions {
        let _ = monitor.read(bytes.as_ref());
    }
    decision(&mut monitor).unwrap_or_else(|| "nothing".to_owned())
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
        prop_assert_eq!(monitored(encryption, [bytes.as_slice()]), plainly(encryption, &bytes));
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
        prop_assert_eq!(monitored(encryption, portions), monitored(encryption, [bytes.as_slice()]));
    }

    /// Nothing that a server can send makes it panic, and the same is said of what a client sends.
    #[test]
    fn any_bytes(received in prop::collection::vec(any::<u8>(), 0..64), sent in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut monitor = monitor(Encryption::Ssl);
        monitor.wrote(&sent);
        let _ = monitor.read(&received);
        monitor.wrote(&sent);
        monitor.closed();
        prop_assert!(decision(&mut monitor).is_some());
    }
}

/// A body as long as a length word can say is read away, however long it takes: nothing is kept, and nothing is believed.
#[test]
fn two_gibibytes_announced() {
    let mut monitor = monitor(Encryption::Plain);
    monitor.read(&message(b'R', &[0; 4])).unwrap();
    monitor.read(b"N\x7f\xff\xff\xff").unwrap();
    let portion = [b'x'; 4096];
    for _ in 0..256 {
        monitor.read(&portion).unwrap();
        assert_eq!(decision(&mut monitor), None);
    }
    monitor.closed();
    assert_eq!(decision(&mut monitor).as_deref(), Some("broken: closed"));
}
