//! Cipher lists: `DEFAULT:!AES128:@SECLEVEL=2` (openssl-ciphers(1), OpenSSL: `ssl_create_cipher_list`).
//!
//! A list is evaluated over the suites of TLS 1.2 that a modern library has at all: ephemeral key exchange with
//! authenticated encryption. What a keyword says about other suites makes no difference to them.

use super::suite::{CIPHER_SUITES, CipherSuite};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// Keywords that hold for every suite of [`CIPHER_SUITES`].
const EVERY: &[&str] = &["ALL", "HIGH", "TLSv1.2", "kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH"];

/// Keywords that OpenSSL knows and that hold for none of them: other key exchange, authentication, cipher or digest.
/// `RSA` is among them, because it means key exchange with RSA too, and so are `SHA256` and `SHA384`, which mean digests
/// of their own: authenticated encryption has none.
const NONE: &[&str] = &[
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "MEDIUM",
    "LOW",
    "eNULL",
    "NULL",
    "aNULL",
    "RSA",
    "kRSA",
    "kDHE",
    "kEDH",
    "DHE",
    "EDH",
    "DH",
    "ADH",
    "AECDH",
    "aDSS",
    "DSS",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "AESCCM",
    "AESCCM8",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CBC",
    "3DES",
    "RC4",
    "RC2",
    "IDEA",
    "SEED",
    "MD5",
    "SHA1",
    "SHA",
    "SHA256",
    "SHA384",
    "aGOST",
    "aGOST01",
    "kGOST",
    "GOST89MAC",
    "GOST94",
    "PSK",
    "kPSK",
    "kECDHEPSK",
    "kDHEPSK",
    "kRSAPSK",
    "aPSK",
    "SRP",
    "kSRP",
    "aSRP",
];

/// The outcome of a cipher list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuiteList {
    /// The suites that are on, in order of preference. Empty when the list leaves none that we have.
    pub suites: Vec<&'static CipherSuite>,
    /// Words that we do not know, and most likely OpenSSL neither; they are passed over.
    pub unknown: Vec<String>,
}

/// A list as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluated {
    /// `@SECLEVEL=n`, which counts even where the list does not.
    pub(super) security_level: Option<u8>,
    /// The suites; `None` when OpenSSL would not take the list.
    pub(super) list: Option<SuiteList>,
}

/// Evaluates a cipher list.
pub(super) fn evaluate(text: &str) -> Evaluated {
    let mut order = Order::new();
    let mut unknown = Vec::new();
    let mut security_level = None;
    // As a keyword of its own it is known at the very beginning alone.
    let mut rest = match text.strip_prefix("DEFAULT") {
        Some(rest) => {
            order.add(&|_| true);
            rest
        }
        None => text,
    };
    while let Some(first) = rest.chars().next() {
        if is_separator(first) {
            rest = after(rest, 1);
            continue;
        }
        let (rule, after_sign) = match first {
            '!' | '-' | '+' | '@' => (first, after(rest, 1)),
            _ => (' ', rest),
        };
        if rule == '@' {
            let (word, after_word) = word(after_sign);
            match command(word) {
                Some(Command::Strength) => order.sort_by_strength(),
                Some(Command::SecurityLevel(level)) => security_level = Some(level),
                None => return Evaluated { security_level, list: None },
            }
            rest = to_separator(after_word);
            continue;
        }
        match selector(after_sign) {
            Selector::Faulty => return Evaluated { security_level, list: None },
            Selector::Unknown(word) => {
                rest = to_separator(after_sign);
                unknown.push(word.to_owned());
            }
            Selector::Words(words, remainder) => {
                // Two values of one field of OpenSSL's, which no suite has at once.
                let contradiction = words.contains(&"FIPS") && words.contains(&"HIGH");
                let selected =
                    |suite: &CipherSuite| !contradiction && words.iter().all(|word| has(suite, word));
                match rule {
                    '!' => order.kill(&selected),
                    '-' => order.remove(&selected),
                    '+' => order.move_to_end(&selected),
                    _ => order.add(&selected),
                }
                rest = remainder;
            }
        }
    }
    Evaluated { security_level, list: Some(SuiteList { suites: order.on(), unknown }) }
}

enum Command {
    Strength,
    SecurityLevel(u8),
}

fn command(word: &str) -> Option<Command> {
    match word.split_once('=') {
        None if word == "STRENGTH" => Some(Command::Strength),
        // One digit.
        Some(("SECLEVEL", "0" | "1" | "2" | "3" | "4" | "5")) => word
            .chars()
            .last()?
            .to_digit(10)
            .and_then(|level| u8::try_from(level).ok())
            .map(Command::SecurityLevel),
        _ => None,
    }
}

/// What suites an item of the list is about.
enum Selector<'a> {
    /// Words joined by `+`, which all have to hold, and what follows them.
    Words(Vec<&'a str>, &'a str),
    /// A word that is not known; OpenSSL looks no further and passes over the item.
    Unknown(&'a str),
    /// A character that has no meaning where a word has to be.
    Faulty,
}

fn selector(text: &str) -> Selector<'_> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        let (word, remainder) = word(rest);
        if word.is_empty() {
            return Selector::Faulty;
        }
        if !is_known(word) {
            return Selector::Unknown(word);
        }
        words.push(word);
        match remainder.strip_prefix('+') {
            Some(next) => rest = next,
            None => return Selector::Words(words, remainder),
        }
    }
}

fn word(text: &str) -> (&str, &str) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_separator(character: char) -> bool {
    matches!(character, ':' | ',' | ' ' | ';')
}

fn to_separator(text: &str) -> &str {
    text.find(is_separator).map_or("", |at| after(text, at))
}

fn after(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

fn is_known(keyword: &str) -> bool {
    NONE.contains(&keyword) || CIPHER_SUITES.iter().any(|suite| has(suite, keyword))
}

fn has(suite: &CipherSuite, keyword: &str) -> bool {
    EVERY.contains(&keyword)
        || suite.keywords.contains(&keyword)
        || suite.name == keyword
        || suite.standard_name == keyword
}

/// All suites in an order, each on or off. Where a suite goes when it is switched decides where it comes back.
struct Order(Vec<(&'static CipherSuite, bool)>);

type Selected<'a> = dyn Fn(&CipherSuite) -> bool + 'a;

impl Order {
    fn new() -> Self {
        Self(CIPHER_SUITES.iter().map(|suite| (suite, false)).collect())
    }

    fn add(&mut self, selected: &Selected<'_>) {
        let moved = self.take(|(suite, on)| !on && selected(suite));
        self.0.extend(moved.into_iter().map(|(suite, _)| (suite, true)));
    }

    fn move_to_end(&mut self, selected: &Selected<'_>) {
        let moved = self.take(|(suite, on)| on && selected(suite));
        self.0.extend(moved);
    }

    /// Those that were switched off last are the first to come back.
    fn remove(&mut self, selected: &Selected<'_>) {
        let mut moved = self.take(|(suite, on)| on && selected(suite));
        for (_, on) in &mut moved {
            *on = false;
        }
        moved.append(&mut self.0);
        self.0 = moved;
    }

    /// They never come back.
    fn kill(&mut self, selected: &Selected<'_>) {
        self.take(|(suite, _)| selected(suite));
    }

    fn sort_by_strength(&mut self) {
        let mut moved = self.take(|(_, on)| on);
        moved.sort_by_key(|(suite, _)| core::cmp::Reverse(suite.bits));
        self.0.extend(moved);
    }

    fn on(self) -> Vec<&'static CipherSuite> {
        self.0.into_iter().filter(|(_, on)| *on).map(|(suite, _)| suite).collect()
    }

    fn take(
        &mut self,
        wanted: impl Fn((&'static CipherSuite, bool)) -> bool,
    ) -> Vec<(&'static CipherSuite, bool)> {
        let (taken, kept) = core::mem::take(&mut self.0).into_iter().partition(|entry| wanted(*entry));
        self.0 = kept;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &str) {
        let names: Vec<_> = evaluate(list).list.unwrap().suites.iter().map(|suite| suite.name).collect();
        assert_eq!(names.join(":"), expected, "{list}");
    }

    const ALL: &str = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:\
                       ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

    #[test]
    fn lists() {
        check("DEFAULT", ALL);
        check("DEFAULT:@SECLEVEL=2", ALL);
        check("DEFAULT@SECLEVEL=2", ALL);
        check("HIGH:!aNULL:!MD5", ALL);
        check("HIGH!aNULL", ALL);
        check("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256");
        check("AES128+aRSA AES256+aRSA", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384");
        check("ALL:!ECDSA:-CHACHA20", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256");
        check("aRSA:+AES256:!CHACHA20", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384");
        check("AES128+aRSA:AES256+aRSA:@STRENGTH", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256");
        check("!CHACHA20:CHACHA20", "");
        check("-CHACHA20:CHACHA20:!aRSA", "ECDHE-ECDSA-CHACHA20-POLY1305");
        check(
            "aRSA:!CHACHA20:-AES128:AES128+aRSA",
            "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
        );
        check("AESCCM:kRSA:CBC:RSA:SHA256:FIPS+HIGH", "");
        check("aRSA:DEFAULT:!CHACHA20:!AES128", "ECDHE-RSA-AES256-GCM-SHA384");
        check("", "");
    }

    #[test]
    fn levels() {
        for (list, level) in [
            ("ALL:@SECLEVEL=0", Some(0)),
            ("@SECLEVEL=5", Some(5)),
            ("@SECLEVEL=1:@SECLEVEL=3", Some(3)),
            ("ALL", None),
            // The level was set before the fault is found.
            ("@SECLEVEL=3:@NEW", Some(3)),
        ] {
            assert_eq!(evaluate(list).security_level, level, "{list}");
        }
    }

    #[test]
    fn words_and_signs_without_a_meaning() {
        assert_eq!(evaluate("ALL:NEW:!OLD+AES").list.unwrap().unknown, ["NEW", "OLD"]);
        for refused in
            ["ALL:@SECLEVEL=6", "@SECLEVEL=22", "@SECLEVEL=", "@", "@NEW", "ALL:!", "ALL:/", "AES+"]
        {
            assert_eq!(evaluate(refused).list, None, "{refused}");
        }
    }
}
