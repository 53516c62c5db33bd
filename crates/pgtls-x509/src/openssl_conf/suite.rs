//! Cipher suites, by the names that OpenSSL gives them.

/// A suite of TLS 1.2 with what the keywords of a cipher list ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CipherSuite {
    /// OpenSSL's name.
    pub name: &'static str,
    /// The name in RFC 5288, 5289 and 7905.
    pub standard_name: &'static str,
    /// The number in the ClientHello.
    pub id: u16,
    /// The length of its key.
    pub bits: u16,
    pub(super) keywords: &'static [&'static str],
}

/// The suites of TLS 1.2 in OpenSSL's order of preference.
pub const CIPHER_SUITES: &[CipherSuite] = &[
    CipherSuite {
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        standard_name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        id: 0xc02c,
        bits: 256,
        keywords: &["ECDSA", "aECDSA", "AES256", "AES", "AESGCM", "FIPS"],
    },
    CipherSuite {
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        standard_name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        id: 0xc030,
        bits: 256,
        keywords: &["aRSA", "AES256", "AES", "AESGCM", "FIPS"],
    },
    CipherSuite {
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        standard_name: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        id: 0xcca9,
        bits: 256,
        keywords: &["ECDSA", "aECDSA", "CHACHA20"],
    },
    CipherSuite {
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        standard_name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        id: 0xcca8,
        bits: 256,
        keywords: &["aRSA", "CHACHA20"],
    },
    CipherSuite {
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        standard_name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        id: 0xc02b,
        bits: 128,
        keywords: &["ECDSA", "aECDSA", "AES128", "AES", "AESGCM", "FIPS"],
    },
    CipherSuite {
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        standard_name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        id: 0xc02f,
        bits: 128,
        keywords: &["aRSA", "AES128", "AES", "AESGCM", "FIPS"],
    },
];

/// A suite of TLS 1.3 (RFC 8446, section B.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls13Suite {
    /// Its name, which is the same everywhere.
    pub name: &'static str,
    /// The number in the ClientHello.
    pub id: u16,
    /// The length of its key.
    pub bits: u16,
}

/// The suites of TLS 1.3.
pub const TLS13_SUITES: &[Tls13Suite] = &[
    Tls13Suite { name: "TLS_AES_256_GCM_SHA384", id: 0x1302, bits: 256 },
    Tls13Suite { name: "TLS_CHACHA20_POLY1305_SHA256", id: 0x1303, bits: 256 },
    Tls13Suite { name: "TLS_AES_128_GCM_SHA256", id: 0x1301, bits: 128 },
    Tls13Suite { name: "TLS_AES_128_CCM_SHA256", id: 0x1304, bits: 128 },
    Tls13Suite { name: "TLS_AES_128_CCM_8_SHA256", id: 0x1305, bits: 64 },
];

/// A list of TLS 1.3 suites; names that are not known are passed over. `None` when that leaves nothing of a list that is
/// not empty, which OpenSSL does not take (OpenSSL: `set_ciphersuites`).
pub(super) fn tls13_suites(list: &str) -> Option<alloc::vec::Vec<&'static Tls13Suite>> {
    let mut suites = alloc::vec::Vec::new();
    for name in list.split(':').map(str::trim) {
        if let Some(suite) = TLS13_SUITES.iter().find(|suite| suite.name == name)
            && !suites.contains(&suite)
        {
            suites.push(suite);
        }
    }
    (list.is_empty() || !suites.is_empty()).then_some(suites)
}

#[cfg(test)]
mod tests {
    use super::tls13_suites;

    #[track_caller]
    fn check(list: &str, expected: Option<&[u16]>) {
        let found = tls13_suites(list)
            .map(|suites| suites.iter().map(|suite| suite.id).collect::<alloc::vec::Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{list}");
    }

    #[test]
    fn lists_of_tls_13() {
        check("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", Some(&[0x1301, 0x1302]));
        check(" TLS_AES_128_GCM_SHA256 : NEW", Some(&[0x1301]));
        check("TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", None);
        check("tls_aes_128_gcm_sha256", None);
        check("", Some(&[]));
    }
}
