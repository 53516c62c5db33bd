//! Cipher lists: `DEFAULT:!AES128:@SECLEVEL=2` (openssl-ciphers(1), OpenSSL: `ssl_create_cipher_list`).
//!
//! A list is evaluated over the suites of TLS 1.2 that a modern library has at all: ephemeral key exchange with
//! authenticated encryption. What a keyword says about other suites makes no difference to them.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// A suite of TLS 1.2 with what the keywords of a cipher list ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// OpenSSL's name.
    pub name: &'static str,
    /// The name in RFC 5288, 5289 and 7905.
    pub standard_name: &'static str,
    keywords: &'static [&'static str],
    strength: u16,
}

/// The suites in OpenSSL's order of preference.
pub const CIPHER_SUITES: &[CipherSuite] = &[
    suite(
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        &["ECDSA", "aECDSA", "AES256", "AES", "AESGCM", "SHA384"],
        256,
    ),
    suite(
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        &["RSA", "aRSA", "AES256", "AES", "AESGCM", "SHA384"],
        256,
    ),
    suite(
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        &["ECDSA", "aECDSA", "CHACHA20"],
        256,
    ),
    suite(
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        &["RSA", "aRSA", "CHACHA20"],
        256,
    ),
    suite(
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        &["ECDSA", "aECDSA", "AES128", "AES", "AESGCM", "SHA256"],
        128,
    ),
    suite(
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        &["RSA", "aRSA", "AES128", "AES", "AESGCM", "SHA256"],
        128,
    ),
];

/// Keywords that hold for every suite of [`CIPHER_SUITES`].
const EVERY: &[&str] =
    &["ALL", "DEFAULT", "HIGH", "TLSv1.2", "FIPS", "kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH"];

/// Keywords that OpenSSL knows and that hold for none of them: other key exchange, authentication, cipher or digest.
const NONE: &[&str] = &[
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "MEDIUM",
    "LOW",
    "EXP",
    "EXPORT",
    "eNULL",
    "NULL",
    "aNULL",
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
    "AESCBC",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CBC",
    "3DES",
    "DES",
    "RC4",
    "RC2",
    "IDEA",
    "SEED",
    "MD5",
    "SHA1",
    "SHA",
    "GOST",
    "aGOST",
    "kGOST",
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

const fn suite(
    name: &'static str,
    standard_name: &'static str,
    keywords: &'static [&'static str],
    strength: u16,
) -> CipherSuite {
    CipherSuite { name, standard_name, keywords, strength }
}

impl CipherSuite {
    fn has(&self, keyword: &str) -> bool {
        EVERY.contains(&keyword)
            || self.keywords.contains(&keyword)
            || self.name == keyword
            || self.standard_name == keyword
    }
}

/// The outcome of a cipher list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuiteList {
    /// The suites that are on, in order of preference. Empty when the list leaves none that we have.
    pub suites: Vec<&'static CipherSuite>,
    /// `@SECLEVEL=n`.
    pub security_level: Option<u8>,
    /// Words that neither OpenSSL's manual nor we know; OpenSSL passes over them too.
    pub unknown: Vec<String>,
}

impl SuiteList {
    /// Evaluates a cipher list. Never fails: words that are not known are kept in [`SuiteList::unknown`].
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        // Suites that `!` removed never come back.
        let mut killed: Vec<&'static CipherSuite> = Vec::new();
        for word in text.split([':', ',', ' ', ';']).filter(|word| !word.is_empty()) {
            if let Some(command) = word.strip_prefix('@') {
                list.command(command, word);
                continue;
            }
            let (operator, selector) = match word.chars().next() {
                Some(sign @ ('!' | '-' | '+')) => (sign, word.get(1..).unwrap_or_default()),
                _ => (' ', word),
            };
            if selector.split('+').any(|keyword| !is_known(keyword)) {
                list.unknown.push(word.to_owned());
                continue;
            }
            let selected = |suite: &CipherSuite| selector.split('+').all(|keyword| suite.has(keyword));
            match operator {
                '!' => {
                    killed.extend(CIPHER_SUITES.iter().filter(|suite| selected(suite)));
                    list.suites.retain(|suite| !selected(suite));
                }
                '-' => list.suites.retain(|suite| !selected(suite)),
                // Moves what is already on to the end.
                '+' => {
                    let (moved, mut kept): (Vec<_>, Vec<_>) =
                        list.suites.iter().copied().partition(|suite| selected(suite));
                    kept.extend(moved);
                    list.suites = kept;
                }
                _ => {
                    for suite in CIPHER_SUITES.iter().filter(|suite| selected(suite)) {
                        if !list.suites.contains(&suite) && !killed.contains(&suite) {
                            list.suites.push(suite);
                        }
                    }
                }
            }
        }
        list
    }

    fn command(&mut self, command: &str, word: &str) {
        match command.split_once('=') {
            Some(("SECLEVEL", level)) => match level.parse::<u8>() {
                Ok(level @ 0..=5) => self.security_level = Some(level),
                _ => self.unknown.push(word.to_owned()),
            },
            None if command == "STRENGTH" => {
                self.suites.sort_by_key(|suite| core::cmp::Reverse(suite.strength));
            }
            _ => self.unknown.push(word.to_owned()),
        }
    }
}

fn is_known(keyword: &str) -> bool {
    NONE.contains(&keyword) || CIPHER_SUITES.iter().any(|suite| suite.has(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &str) {
        let names: Vec<_> = SuiteList::parse(list).suites.iter().map(|suite| suite.name).collect();
        assert_eq!(names.join(":"), expected, "{list}");
    }

    const ALL: &str = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:\
                       ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

    #[test]
    fn lists() {
        check("DEFAULT", ALL);
        check("DEFAULT:@SECLEVEL=2", ALL);
        check("HIGH:!aNULL:!MD5", ALL);
        check("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256");
        check("AES128+aRSA AES256+aRSA", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384");
        check("ALL:!ECDSA:-CHACHA20", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256");
        check("aRSA:+AES256:!CHACHA20", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384");
        check("AES128+aRSA:AES256+aRSA:@STRENGTH", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256");
        check("!CHACHA20:CHACHA20", "");
        check("-CHACHA20:CHACHA20:!aRSA", "ECDHE-ECDSA-CHACHA20-POLY1305");
        check("AESCCM:kRSA:CBC", "");
    }

    #[test]
    fn levels_and_unknown_words() {
        assert_eq!(SuiteList::parse("ALL:@SECLEVEL=0").security_level, Some(0));
        assert_eq!(SuiteList::parse("ALL:@SECLEVEL=6").unknown, ["@SECLEVEL=6"]);
        assert_eq!(SuiteList::parse("ALL:NEW:!OLD+AES").unknown, ["NEW", "!OLD+AES"]);
    }
}
