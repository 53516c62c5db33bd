//! Signature schemes, by the names that OpenSSL gives them (`SSL_CTX_set1_sigalgs_list`(3)).

use alloc::vec::Vec;

/// A signature scheme of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheme {
    /// Its name in the registry of TLS.
    pub name: &'static str,
    /// The number in the ClientHello.
    pub id: u16,
    /// Algorithm and digest, as in `ECDSA+SHA256`; empty for schemes that go by their name alone.
    algorithm: &'static str,
    digest: &'static str,
}

/// The schemes that OpenSSL has. Of several with one algorithm and digest the first is meant.
pub const SCHEMES: &[Scheme] = &[
    scheme("ecdsa_secp256r1_sha256", 0x0403, "ECDSA", "SHA256"),
    scheme("ecdsa_secp384r1_sha384", 0x0503, "ECDSA", "SHA384"),
    scheme("ecdsa_secp521r1_sha512", 0x0603, "ECDSA", "SHA512"),
    scheme("ed25519", 0x0807, "", ""),
    scheme("ed448", 0x0808, "", ""),
    scheme("ecdsa_sha224", 0x0303, "ECDSA", "SHA224"),
    scheme("ecdsa_sha1", 0x0203, "ECDSA", "SHA1"),
    scheme("ecdsa_brainpoolP256r1tls13_sha256", 0x081a, "", ""),
    scheme("ecdsa_brainpoolP384r1tls13_sha384", 0x081b, "", ""),
    scheme("ecdsa_brainpoolP512r1tls13_sha512", 0x081c, "", ""),
    scheme("rsa_pss_rsae_sha256", 0x0804, "RSA-PSS", "SHA256"),
    scheme("rsa_pss_rsae_sha384", 0x0805, "RSA-PSS", "SHA384"),
    scheme("rsa_pss_rsae_sha512", 0x0806, "RSA-PSS", "SHA512"),
    scheme("rsa_pss_pss_sha256", 0x0809, "", ""),
    scheme("rsa_pss_pss_sha384", 0x080a, "", ""),
    scheme("rsa_pss_pss_sha512", 0x080b, "", ""),
    scheme("rsa_pkcs1_sha256", 0x0401, "RSA", "SHA256"),
    scheme("rsa_pkcs1_sha384", 0x0501, "RSA", "SHA384"),
    scheme("rsa_pkcs1_sha512", 0x0601, "RSA", "SHA512"),
    scheme("rsa_pkcs1_sha224", 0x0301, "RSA", "SHA224"),
    scheme("rsa_pkcs1_sha1", 0x0201, "RSA", "SHA1"),
    scheme("dsa_sha256", 0x0402, "DSA", "SHA256"),
    scheme("dsa_sha384", 0x0502, "DSA", "SHA384"),
    scheme("dsa_sha512", 0x0602, "DSA", "SHA512"),
    scheme("dsa_sha224", 0x0302, "DSA", "SHA224"),
    scheme("dsa_sha1", 0x0202, "DSA", "SHA1"),
    scheme("mldsa44", 0x0904, "", ""),
    scheme("mldsa65", 0x0905, "", ""),
    scheme("mldsa87", 0x0906, "", ""),
];

const fn scheme(name: &'static str, id: u16, algorithm: &'static str, digest: &'static str) -> Scheme {
    Scheme { name, id, algorithm, digest }
}

impl Scheme {
    /// The scheme of this name: the registered one, or algorithm and digest with `+` between them.
    fn named(name: &str) -> Option<&'static Self> {
        let Some((algorithm, digest)) = name.split_once('+') else {
            return SCHEMES.iter().find(|scheme| scheme.name == name);
        };
        let algorithm = if algorithm == "PSS" { "RSA-PSS" } else { algorithm };
        // OpenSSL knows digests by two names, in upper and in lower case.
        let is_digest = |known: &str| known == digest || known.to_ascii_lowercase() == digest;
        SCHEMES.iter().find(|scheme| {
            !scheme.algorithm.is_empty() && scheme.algorithm == algorithm && is_digest(scheme.digest)
        })
    }
}

/// A list of schemes in order of preference. A name that is not known spoils the list, unless it is marked with `?`.
pub(super) fn schemes(list: &str) -> Option<Vec<&'static Scheme>> {
    let mut schemes = Vec::new();
    for item in list.split(':').map(str::trim) {
        let name = item.strip_prefix('?').unwrap_or(item);
        match Scheme::named(name) {
            Some(scheme) if schemes.contains(&scheme) => {}
            Some(scheme) => schemes.push(scheme),
            None if item != name => {}
            None => return None,
        }
    }
    (!schemes.is_empty()).then_some(schemes)
}

#[cfg(test)]
mod tests {
    use super::schemes;
    use alloc::vec::Vec;

    #[track_caller]
    fn check(list: &str, expected: Option<&[u16]>) {
        let found = schemes(list).map(|schemes| schemes.iter().map(|scheme| scheme.id).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{list}");
    }

    #[test]
    fn lists() {
        check("ECDSA+SHA256:RSA-PSS+SHA384:RSA+SHA512", Some(&[0x0403, 0x0805, 0x0601]));
        check(" rsa_pss_pss_sha256 : ed25519", Some(&[0x0809, 0x0807]));
        check("PSS+sha256:rsa_pss_rsae_sha256", Some(&[0x0804]));
        check("?new:ed25519", Some(&[0x0807]));
        check("new:ed25519", None);
        check("ecdsa+SHA256", None);
        check("ECDSA+Sha256", None);
        check("ED25519", None);
        check("ECDSA", None);
        check("ECDSA+", None);
        check("+SHA256", None);
        check("ed25519:", None);
        check("", None);
        check("?new", None);
    }
}
