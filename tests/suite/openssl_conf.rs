//! OpenSSL's configuration file: what psql, through OpenSSL, makes of it, we must make of it.
//!
//! The cases are in `tests/data/openssl_conf.toml`, whose head explains them.

mod hello;
#[cfg(unix)]
mod live;

use openssl::ssl::{Ssl, SslContext, SslMethod, SslVersion};
use pgtls_os::Disk;
use pgtls_x509::openssl_conf::{CIPHER_SUITES, ConfFile, SystemDefault};
use proptest::{collection::vec, prelude::*, sample::select};
use std::io::{self, Read, Write};

/// Random cipher lists, evaluated by OpenSSL and by us.
const LISTS: u32 = 3_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: LISTS, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn cipher_lists_are_read_as_openssl_reads_them(list in cipher_list()) {
        prop_assert_eq!(ours(&list), theirs(&list), "{}", list);
    }
}

/// Words, signs and separators, near to what is correct. Names of the standards are not among them: OpenSSL knows them
/// since 3.2.
fn cipher_list() -> impl Strategy<Value = String> {
    let word = select(vec![
        "ALL",
        "DEFAULT",
        "HIGH",
        "MEDIUM",
        "AES",
        "AES128",
        "AES256",
        "AESGCM",
        "CHACHA20",
        "aRSA",
        "RSA",
        "kRSA",
        "ECDSA",
        "aECDSA",
        "ECDHE",
        "kECDHE",
        "EECDH",
        "ECDH",
        "DHE",
        "SHA256",
        "SHA384",
        "SHA1",
        "FIPS",
        "TLSv1.2",
        "TLSv1",
        "SSLv3",
        "aNULL",
        "eNULL",
        "PSK",
        "NEW",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "CBC",
        "ARIA",
        "CAMELLIA",
        "aes128",
        "@STRENGTH",
        "@SECLEVEL=1",
        "@SECLEVEL=9",
        "@NEW",
        "/",
        "",
    ]);
    let sign = select(vec!["", "", "", "!", "-", "+"]);
    let joint = select(vec![":", ":", ":", ",", " ", ";", "+", ""]);
    let list = vec((sign, word, joint), 0..6).prop_map(|items| {
        let list: String = items.into_iter().flat_map(|(sign, word, joint)| [sign, word, joint]).collect();
        // A value is trimmed before it gets here.
        list.trim().to_owned()
    });
    list.prop_filter("more than words in an item of several", |list| {
        list.split([':', ',', ' ', ';']).all(is_plain)
    })
}

/// An item of one word, or of several words and nothing else. Of several OpenSSL reads as many as can hold at once, which
/// depends on suites that we do not have, and passes over the rest of the item, whatever stands there.
fn is_plain(item: &str) -> bool {
    let words = item.strip_prefix(['!', '-', '+']).unwrap_or(item);
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=".contains(c))
    };
    !words.contains('+') || words.split('+').all(is_word)
}

/// The suites that OpenSSL leaves on, of those that we have; `None` when it does not take the list.
fn theirs(list: &str) -> Option<Vec<String>> {
    const OTHER: u16 = 0x35;
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    context.set_cipher_list("AES256-SHA").unwrap();
    // A list that leaves nothing on is an error too; only a faulty one leaves the list before it.
    let taken = context.set_cipher_list(list);
    let mut sent = Recorder(Vec::new());
    // There is nobody who would answer.
    assert!(Ssl::new(&context.build()).unwrap().connect(&mut sent).is_err());
    // With nothing to offer it sends an alert.
    let handshake = sent.0.strip_prefix(&[22]).and_then(|record| record.get(4..));
    let suites = handshake.map(|message| hello::parse(message).suites).unwrap_or_default();
    if taken.is_err() && suites.contains(&OTHER) {
        return None;
    }
    let name =
        |id: &u16| CIPHER_SUITES.iter().find(|suite| suite.id == *id).map(|suite| suite.name.to_owned());
    Some(suites.iter().filter_map(name).collect())
}

/// Takes everything and has nothing to say.
#[derive(Debug)]
struct Recorder(Vec<u8>);

impl Read for Recorder {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ours(list: &str) -> Option<Vec<String>> {
    let commands = format!("CipherString = {list}");
    let text = format!("openssl_conf = m\n[m]\nssl_conf = n\n[n]\nsystem_default = s\n[s]\n{commands}\n");
    let conf = ConfFile::parse("o.cnf", text.as_bytes(), &Disk, &|_| None).unwrap();
    let list = SystemDefault::of(&conf).cipher_list?;
    Some(list.suites.iter().map(|suite| suite.name.to_owned()).collect())
}
