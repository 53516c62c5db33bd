//! The certificates, one row each. The host of every certificate that is not about names is `db.test`.

use super::{
    KeyKind,
    row::{
        AltName, Attribute, Authority, CrlExtra, CrlRow, EntryExtra, Extra, Identifiers, KeyUsage, Purpose,
        Revoked, Row, Subtree, Text, Window, authority, client, crl, self_signed, server,
    },
    sign::Digest,
};

/// Certificate authorities, an issuer before what it issues.
pub(super) fn authorities() -> Vec<Row> {
    [roots(), intermediates(), constrained(), deep()].concat()
}

fn roots() -> Vec<Row> {
    vec![
        authority("root", "Pki Root CA"),
        authority("root2", "Pki Unrelated Root CA"),
        // The root's name, another key.
        authority("sameroot", "Pki Root CA"),
        // The root's name and key, vouched for by another.
        authority("cross", "Pki Root CA").key_of("root").issuer("root2"),
        authority("rootexp", "Pki Expired Root CA").window(Window::PAST),
        authority("v1root", "Pki Version 1 Root CA").version_1(),
        authority("rsaroot", "Pki RSA Root CA").key(KeyKind::Rsa2048),
        authority("weakroot", "Pki RSA-1024 Root CA").key(KeyKind::Rsa1024),
        authority("rootnoku", "Pki Root CA without keyUsage").key_usage(&[]),
        authority("rootnosign", "Pki Root CA without keyCertSign").key_usage(&[KeyUsage::DigitalSignature]),
        authority("rootnobc", "Pki Root CA without basicConstraints")
            .ca(None)
            .key_usage(&[KeyUsage::KeyCertSign, KeyUsage::CrlSign]),
        authority("rootnocrl", "Pki Root CA without cRLSign").key_usage(&[KeyUsage::KeyCertSign]),
        authority("plen0root", "Pki Root CA of path length 0").ca(Some(Authority::PathLength(0))),
    ]
}

fn intermediates() -> Vec<Row> {
    vec![
        authority("inter", "Pki Intermediate CA").issuer("root"),
        authority("inter2", "Pki Revoked Intermediate CA").issuer("root"),
        authority("clientca", "Pki Client CA").issuer("root"),
        authority("root2inter", "Pki Unrelated Intermediate CA").issuer("root2"),
        authority("interexp", "Pki Expired Intermediate CA").issuer("root").window(Window::PAST),
        authority("v1inter", "Pki Version 1 Intermediate CA").issuer("root").version_1(),
        authority("intereku-client", "Pki Intermediate CA for clients")
            .issuer("root")
            .purposes(&[Purpose::ClientAuth]),
        authority("intereku-server", "Pki Intermediate CA for servers")
            .issuer("root")
            .purposes(&[Purpose::ServerAuth]),
        authority("intercrit", "Pki Intermediate CA with an unknown extension")
            .issuer("root")
            .extras(&[Extra::Unknown { critical: true }]),
        authority("pathlen0", "Pki Intermediate CA of path length 0")
            .issuer("root")
            .ca(Some(Authority::PathLength(0))),
        authority("underpathlen0", "Pki CA under path length 0").issuer("pathlen0"),
        authority("underplen0root", "Pki CA under a root of path length 0").issuer("plen0root"),
        // Issuers that should not be.
        authority("notca", "Pki Not A CA")
            .issuer("inter")
            .ca(Some(Authority::No))
            .key_usage(&[KeyUsage::DigitalSignature])
            .purposes(&[Purpose::ServerAuth]),
        authority("nobasic", "Pki CA without basicConstraints").issuer("root").ca(None),
        authority("nocertsign", "Pki CA without keyCertSign")
            .issuer("root")
            .key_usage(&[KeyUsage::DigitalSignature]),
    ]
}

/// Authorities whose name constraints speak of the servers' names or do not.
fn constrained() -> Vec<Row> {
    const TEST: &[Subtree] = &[Subtree::Dns("test")];
    const OTHER: &[Subtree] = &[Subtree::Dns("other.example")];
    const LOOPBACK: &[Subtree] = &[Subtree::Ip([127, 0, 0, 0, 255, 0, 0, 0])];
    let row = |name, common_name, extras| authority(name, common_name).issuer("root").extras(extras);
    vec![
        row("nc-permit", "Pki nc-permit CA", &[Extra::NameConstraints { permitted: TEST, excluded: &[] }]),
        row(
            "nc-permit-other",
            "Pki nc-permit-other CA",
            &[Extra::NameConstraints { permitted: OTHER, excluded: &[] }],
        ),
        row(
            "nc-exclude",
            "Pki nc-exclude CA",
            &[Extra::NameConstraints { permitted: &[], excluded: &[Subtree::Dns("db.test")] }],
        ),
        row(
            "nc-exclude-other",
            "Pki nc-exclude-other CA",
            &[Extra::NameConstraints { permitted: &[], excluded: OTHER }],
        ),
        row(
            "nc-permit-ip",
            "Pki nc-permit-ip CA",
            &[Extra::NameConstraints { permitted: LOOPBACK, excluded: &[] }],
        ),
        row(
            "nc-exclude-ip",
            "Pki nc-exclude-ip CA",
            &[Extra::NameConstraints { permitted: &[], excluded: LOOPBACK }],
        ),
    ]
}

/// Six intermediates, one below the other.
fn deep() -> Vec<Row> {
    vec![
        authority("deep0", "Pki Deep CA 0").issuer("root"),
        authority("deep1", "Pki Deep CA 1").issuer("deep0"),
        authority("deep2", "Pki Deep CA 2").issuer("deep1"),
        authority("deep3", "Pki Deep CA 3").issuer("deep2"),
        authority("deep4", "Pki Deep CA 4").issuer("deep3"),
        authority("deep5", "Pki Deep CA 5").issuer("deep4"),
    ]
}

/// Server certificates.
pub(super) fn servers() -> Vec<Row> {
    [names(), self_signed_servers(), forms(), chains()].concat()
}

/// What a certificate may say about whose it is.
fn names() -> Vec<Row> {
    vec![
        server("good").cn("db.test").dns("db.test"),
        server("wrong-host").cn("other.test").dns("other.test"),
        server("cn-only").cn("db.test"),
        server("cn-other-san").cn("db.test").dns("other.test"),
        server("san-only").subject([Attribute::Organization("pgtls zoo")]).dns("db.test"),
        server("san-only-critical").dns("db.test").alt_names_critical(),
        server("multi-san")
            .cn("common-name.test")
            .dns("dns1.alt-name.test")
            .dns("dns2.alt-name.test")
            .dns("*.wildcard.test")
            .dns("db.test"),
        server("san-upper").cn("unused.test").dns("DB.Test"),
        server("san-trailing-dot").cn("unused.test").dns("db.test."),
        server("san-empty-dns").cn("unused.test").dns("").dns("db.test"),
        server("san-utf8").cn("unused.test").dns("dätenbank.test"),
        server("san-empty-subject").dns("db.test"),
        server("san-leading-dot").cn("unused.test").dns(".test"),
        server("san-underscore").cn("unused.test").dns("my_db.test"),
        server("san-space").cn("unused.test").dns(" db.test"),
        server("san-idn").cn("unused.test").dns("xn--dtenbank-9za.test"),
        server("san-single-label").cn("unused.test").dns("db"),
        (0..300).map(AltName::Numbered).fold(server("san-bignum").cn("unused.test"), Row::alt).dns("db.test"),
        server("cn-localhost").cn("localhost"),
        server("san-localhost").cn("localhost").dns("localhost"),
        server("wild-san").cn("unused.test").dns("*.wild.test"),
        server("wild-cn").cn("*.wild.test"),
        server("wild-partial").cn("unused.test").dns("db*.wild.test"),
        server("wild-mid").cn("unused.test").dns("a.*.wild.test"),
        server("wild-star").cn("unused.test").dns("*"),
        server("wild-multi").cn("unused.test").dns("*.a.wild.test").dns("*.wild.test"),
        server("wild-suffix").cn("unused.test").dns("*db.wild.test"),
        server("wild-stardot").cn("unused.test").dns("*."),
        server("wild-tld").cn("unused.test").dns("*.test"),
        server("wild-double").cn("unused.test").dns("*.*.test"),
        server("wild-upper").cn("unused.test").dns("*.WILD.Test"),
        server("wild-ip").cn("unused.test").dns("*.0.0.1"),
        server("ip4-san").cn("db.test").ip(&LOOPBACK_4),
        server("ip6-san").cn("db.test").ip(&LOOPBACK_6),
        server("ip4-other").cn("unused.test").ip(&[127, 0, 0, 9]),
        server("ip4-mapped").cn("unused.test").ip(&MAPPED),
        server("ip-multi")
            .cn("db.test")
            .ip(&LOOPBACK_4)
            .ip(&LOOPBACK_6)
            .ip(&[127, 0, 0, 2])
            .ip(&DOCUMENTATION_6),
        server("ip6-cn").cn("::1"),
        server("ip6-dnsname").cn("unused.test").dns("::1"),
        server("ip-cn-ip").cn("127.0.0.1").ip(&[127, 0, 0, 2]),
        server("cn-and-ip-other").cn("db.test").ip(&[127, 0, 0, 9]),
        server("ip-then-dns").cn("unused.test").ip(&LOOPBACK_4).dns("db.test"),
        server("ip-badlen").cn("unused.test").ip(&[127, 0, 0, 1, 0]),
        server("ip-badlen-then-dns").cn("unused.test").ip(&[127, 0, 0]).dns("db.test"),
        server("ip-dnsname").cn("unused.test").dns("127.0.0.1"),
        server("ip-cn").cn("127.0.0.1"),
        server("ip-cn-dns").cn("127.0.0.1").dns("db.test"),
        server("cn-and-ip").cn("db.test").ip(&LOOPBACK_4),
        server("dns-and-ip").cn("unused.test").dns("db.test").ip(&LOOPBACK_4).ip(&LOOPBACK_6),
        server("cn-and-email").cn("db.test").alt(AltName::Email("dba@db.test")),
        server("cn-and-uri").cn("db.test").alt(AltName::Uri("postgresql://other.test")),
        server("cn-and-dirname").cn("db.test").alt(AltName::Directory("other.test")),
        server("cn-and-other").cn("db.test").alt(AltName::Other("x@db.test")),
        server("no-names-at-all"),
        server("empty-cn").cn(""),
        server("nul-cn-good-san").subject([common_name(b"db.test\0.evil.test")]).dns("db.test"),
        server("cn-long").cn(LONG),
        server("no-names").subject([Attribute::Organization("pgtls zoo")]),
        server("empty-san").cn("db.test").no_alt_names(),
        server("nul-cn").subject([common_name(b"db.test\0.evil.test")]),
        server("nul-san").cn("unused.test").alt(AltName::Dns(b"db.test\0.evil.test".as_slice().into())),
        server("nul-san-then-good")
            .cn("unused.test")
            .alt(AltName::Dns(b"x\0y".as_slice().into()))
            .dns("db.test"),
        server("good-then-nul-san")
            .cn("unused.test")
            .dns("db.test")
            .alt(AltName::Dns(b"x\0y".as_slice().into())),
        server("multi-cn-first").subject([common_name(b"db.test"), common_name(b"last.test")]),
        server("multi-cn-last").subject([common_name(b"first.test"), common_name(b"db.test")]),
        server("cn-printable").subject([Attribute::CommonName(Text::Printable("db.test"))]),
        server("cn-t61").subject([Attribute::CommonName(Text::T61("db.test"))]),
        server("cn-ia5").subject([Attribute::CommonName(Text::Ia5("db.test"))]),
        server("cn-bmp").subject([Attribute::CommonName(Text::Bmp("db.test"))]),
    ]
}

/// What people make who have no authority.
fn self_signed_servers() -> Vec<Row> {
    vec![
        self_signed("selfsigned-ca").cn("db.test").dns("db.test"),
        self_signed("selfsigned-ca-cn").cn("db.test"),
        self_signed("selfsigned-noca")
            .cn("db.test")
            .dns("db.test")
            .ca(None)
            .key_usage(&[KeyUsage::DigitalSignature])
            .purposes(&[Purpose::ServerAuth]),
        self_signed("selfsigned-cafalse").cn("db.test").dns("db.test").ca(Some(Authority::No)),
        self_signed("selfsigned-v1").cn("db.test").version_1(),
        // Ed25519 names no hash, so that nothing can be bound to this one.
        self_signed("selfsigned-ed25519").cn("db.test").dns("db.test").key(KeyKind::Ed25519),
        self_signed("selfsigned-expired").cn("db.test").dns("db.test").window(Window::PAST),
    ]
}

/// Versions, times, usages, keys.
fn forms() -> Vec<Row> {
    vec![
        server("v1-leaf").cn("db.test").version_1(),
        server("v1-root-leaf").cn("db.test").dns("db.test").issuer("v1root"),
        server("expired").cn("db.test").dns("db.test").window(Window::PAST),
        server("notyet").cn("db.test").dns("db.test").window(Window::FUTURE),
        server("expired-root").cn("db.test").dns("db.test").issuer("rootexp"),
        server("expired-inter").cn("db.test").dns("db.test").issuer("interexp"),
        server("eku-client").cn("db.test").dns("db.test").purposes(&[Purpose::ClientAuth]),
        server("eku-code").cn("db.test").dns("db.test").purposes(&[Purpose::CodeSigning]),
        server("eku-any").cn("db.test").dns("db.test").purposes(&[Purpose::Any]),
        server("eku-none").cn("db.test").dns("db.test").purposes(&[]),
        server("eku-both").cn("db.test").dns("db.test").purposes(&[Purpose::ServerAuth, Purpose::ClientAuth]),
        server("eku-sgc").cn("db.test").dns("db.test").purposes(&[Purpose::ServerGated]),
        server("eku-critical").cn("db.test").dns("db.test").purposes_critical(),
        server("far-future").cn("db.test").dns("db.test").window(Window::FOREVER),
        server("ku-encipher").cn("db.test").dns("db.test").key_usage(&[KeyUsage::KeyEncipherment]),
        server("ku-none").cn("db.test").dns("db.test").key_usage(&[]),
        server("bare").cn("db.test").key_usage(&[]).purposes(&[]).identifiers(Identifiers::None),
        server("leaf-cafalse").cn("db.test").dns("db.test").ca(Some(Authority::No)),
        server("crit-ext").cn("db.test").dns("db.test").extras(&[Extra::Unknown { critical: true }]),
        server("noncrit-ext").cn("db.test").dns("db.test").extras(&[Extra::Unknown { critical: false }]),
        server("wrong-aki").cn("db.test").dns("db.test").identifiers(Identifiers::WrongIssuer),
        server("ku-certsign").cn("db.test").dns("db.test").key_usage(&[KeyUsage::KeyCertSign]),
        server("leaf-is-ca").cn("db.test").dns("db.test").ca(Some(Authority::Yes)).key_usage(&[
            KeyUsage::DigitalSignature,
            KeyUsage::KeyCertSign,
            KeyUsage::CrlSign,
        ]),
        server("key-p384").cn("db.test").dns("db.test").key(KeyKind::P384),
        server("key-p521").cn("db.test").dns("db.test").key(KeyKind::P521),
        server("key-ed25519").cn("db.test").dns("db.test").key(KeyKind::Ed25519),
        server("key-rsa-1024").cn("db.test").dns("db.test").key(KeyKind::Rsa1024),
        server("key-rsapss").cn("db.test").dns("db.test").key(KeyKind::RsaPss),
        server("key-rsa-2048").cn("db.test").dns("db.test").key(KeyKind::Rsa2048),
        server("key-rsa-3072").cn("db.test").dns("db.test").key(KeyKind::Rsa3072),
        server("key-rsa-4096").cn("db.test").dns("db.test").key(KeyKind::Rsa4096),
        server("rsa-root-leaf").cn("db.test").dns("db.test").issuer("rsaroot").key(KeyKind::Rsa2048),
        server("rsa-root-pss-sig")
            .cn("db.test")
            .dns("db.test")
            .issuer("rsaroot")
            .key(KeyKind::Rsa2048)
            .digest(Digest::Pss),
        server("rsa-root-sha512").cn("db.test").dns("db.test").issuer("rsaroot").digest(Digest::Sha512),
        server("ec-sha512").cn("db.test").dns("db.test").digest(Digest::Sha512),
        server("sha1-sig").cn("db.test").dns("db.test").issuer("rsaroot").digest(Digest::Sha1),
        server("sha1-sig-ec").cn("db.test").dns("db.test").digest(Digest::Sha1),
        server("weak-root-leaf").cn("db.test").dns("db.test").issuer("weakroot"),
    ]
}

/// Issuers and what is sent of them.
fn chains() -> Vec<Row> {
    vec![
        server("root-issued").cn("db.test").dns("db.test").issuer("root"),
        server("other-root").cn("db.test").dns("db.test").issuer("root2inter"),
        server("same-name-root").cn("db.test").dns("db.test").issuer("sameroot"),
        server("missing-inter").same_as("good").sends(&[]),
        server("with-root").same_as("good").sends(&["inter", "root"]),
        server("wrong-order").same_as("good").sends(&["root", "inter"]),
        server("superfluous").same_as("good").sends(&["root2", "inter2", "inter", "root"]),
        server("dup-certs").same_as("good").sends(&["self", "inter", "inter"]),
        server("cross-chain").same_as("good").sends(&["inter", "cross"]),
        server("only-unrelated-extra").same_as("good").sends(&["root2"]),
        server("deep-chain").cn("db.test").dns("db.test").issuer("deep5"),
        server("rootnoku-leaf").cn("db.test").dns("db.test").issuer("rootnoku"),
        server("rootnosign-leaf").cn("db.test").dns("db.test").issuer("rootnosign"),
        server("rootnobc-leaf").cn("db.test").dns("db.test").issuer("rootnobc"),
        server("rootnocrl-leaf").cn("db.test").dns("db.test").issuer("rootnocrl"),
        server("root-pathlen-bad").cn("db.test").dns("db.test").issuer("underplen0root"),
        server("inter-eku-client").cn("db.test").dns("db.test").issuer("intereku-client"),
        server("inter-eku-server").cn("db.test").dns("db.test").issuer("intereku-server"),
        server("inter-crit-ext").cn("db.test").dns("db.test").issuer("intercrit"),
        server("nc-permit").cn("db.test").dns("db.test").issuer("nc-permit"),
        server("nc-permit-cn").cn("db.test").issuer("nc-permit"),
        server("nc-permit-other").cn("db.test").dns("db.test").issuer("nc-permit-other"),
        server("nc-permit-other-cn").cn("db.test").issuer("nc-permit-other"),
        server("nc-exclude").cn("db.test").dns("db.test").issuer("nc-exclude"),
        server("nc-exclude-cn").cn("db.test").issuer("nc-exclude"),
        server("nc-exclude-other").cn("db.test").dns("db.test").issuer("nc-exclude-other"),
        server("nc-exclude-other-cn").cn("db.test").issuer("nc-exclude-other"),
        server("nc-permit-ip").cn("db.test").dns("db.test").ip(&LOOPBACK_4).issuer("nc-permit-ip"),
        server("nc-exclude-ip").cn("db.test").dns("db.test").ip(&LOOPBACK_4).issuer("nc-exclude-ip"),
        server("pathlen-ok").cn("db.test").dns("db.test").issuer("pathlen0"),
        server("pathlen-bad").cn("db.test").dns("db.test").issuer("underpathlen0"),
        server("issued-by-leaf").cn("db.test").dns("db.test").issuer("notca"),
        server("issuer-no-bc").cn("db.test").dns("db.test").issuer("nobasic"),
        server("issuer-no-certsign").cn("db.test").dns("db.test").issuer("nocertsign"),
        server("issuer-v1").cn("db.test").dns("db.test").issuer("v1inter"),
        server("bad-sig").cn("db.test").dns("db.test").spoiled(),
        server("revoked").cn("db.test").dns("db.test"),
        server("revoked-root-issued").cn("db.test").dns("db.test").issuer("root"),
        server("revoked-inter").cn("db.test").dns("db.test").issuer("inter2"),
    ]
}

/// Client certificates; the user of all of them is `pki`.
pub(super) fn clients() -> Vec<Row> {
    vec![
        client("good"),
        client("leaf-only").same_as("good").sends(&[]),
        client("with-root").same_as("good").sends(&["clientca", "root"]),
        client("wrong-order").same_as("good").sends(&["root", "clientca"]),
        client("rsa").key(KeyKind::Rsa2048),
        client("p384").key(KeyKind::P384),
        client("p521").key(KeyKind::P521),
        client("rsa-1024").key(KeyKind::Rsa1024),
        client("rsa-4096").key(KeyKind::Rsa4096),
        client("rsapss").key(KeyKind::RsaPss),
        client("sha1").digest(Digest::Sha1),
        client("ed25519").key(KeyKind::Ed25519),
        client("expired").window(Window::PAST),
        client("unrelated").issuer("root2"),
        client("eku-server").purposes(&[Purpose::ServerAuth]),
        client("v1").version_1(),
        client("revoked"),
    ]
}

/// CRLs.
pub(super) const CRLS: &[CrlRow] = &[
    crl("root", "root", OF_ROOT),
    crl("root-empty", "root", &[]),
    CrlRow { window: STALE, ..crl("root-expired", "root", INTER2) },
    CrlRow { version_1: true, ..crl("root-v1", "root", INTER2) },
    crl("inter", "inter", REVOKED),
    crl("inter-empty", "inter", &[]),
    CrlRow { window: STALE, ..crl("inter-expired", "inter", &[]) },
    CrlRow { window: STALE, ..crl("inter-expired-revoking", "inter", REVOKED) },
    CrlRow { window: Window { from: 5, until: 3650 }, ..crl("inter-future", "inter", &[]) },
    CrlRow { version_1: true, ..crl("inter-v1", "inter", REVOKED) },
    CrlRow { next: false, ..crl("inter-nonext", "inter", REVOKED) },
    CrlRow { extra: Some(CrlExtra::Delta), ..crl("inter-delta", "inter", REVOKED) },
    CrlRow { extra: Some(CrlExtra::Unknown), ..crl("inter-critext", "inter", REVOKED) },
    CrlRow { extra: Some(CrlExtra::OnlyUsers), ..crl("inter-idp-user", "inter", REVOKED) },
    CrlRow { extra: Some(CrlExtra::OnlyAuthorities), ..crl("inter-idp-ca", "inter", REVOKED) },
    CrlRow { entry: Some(EntryExtra::Unknown), ..crl("inter-critentry", "inter", REVOKED) },
    CrlRow { entry: Some(EntryExtra::Hold), ..crl("inter-hold", "inter", REVOKED) },
    CrlRow { entry: Some(EntryExtra::Remove), ..crl("inter-removefromcrl", "inter", REVOKED) },
    CrlRow { key_identifier: false, ..crl("inter-noaki", "inter", REVOKED) },
    CrlRow { spoiled: true, ..crl("inter-badsig", "inter", REVOKED) },
    crl("inter2", "inter2", &[]),
    crl("clientca", "clientca", &[Revoked::Client("revoked")]),
    crl("unrelated", "root2", REVOKED),
    crl("sameroot", "sameroot", &[Revoked::Authority("inter")]),
    crl("rootnocrl", "rootnocrl", &[]),
];

const INTER2: &[Revoked] = &[Revoked::Authority("inter2")];
const OF_ROOT: &[Revoked] = &[Revoked::Authority("inter2"), Revoked::Server("revoked-root-issued")];
const REVOKED: &[Revoked] = &[Revoked::Server("revoked")];

/// Files of several CRLs, by the CRLs in them.
pub(super) const CRL_FILES: &[(&str, &[&str])] = &[
    ("root+inter", &["root", "inter"]),
    ("inter+root", &["inter", "root"]),
    ("root+inter+inter2", &["root", "inter", "inter2"]),
    ("root+inter-empty", &["root", "inter-empty"]),
    ("root+inter-expired", &["root", "inter-expired"]),
    ("root+inter-expired-revoking", &["root", "inter-expired-revoking"]),
    ("root+inter-future", &["root", "inter-future"]),
    ("root+inter-v1", &["root", "inter-v1"]),
    ("root+inter-nonext", &["root", "inter-nonext"]),
    ("root+inter-delta", &["root", "inter-delta"]),
    ("root+inter-critext", &["root", "inter-critext"]),
    ("root+inter-critentry", &["root", "inter-critentry"]),
    ("root+inter-idp-user", &["root", "inter-idp-user"]),
    ("root+inter-idp-ca", &["root", "inter-idp-ca"]),
    ("root+inter-noaki", &["root", "inter-noaki"]),
    ("root+inter-hold", &["root", "inter-hold"]),
    ("root+inter-removefromcrl", &["root", "inter-removefromcrl"]),
    ("root+inter-badsig", &["root", "inter-badsig"]),
    ("rootexpired+inter", &["root-expired", "inter"]),
    ("root-v1+inter", &["root-v1", "inter"]),
    ("inter-then-delta", &["root", "inter-empty", "inter-delta"]),
    ("empty-then-revoking", &["root", "inter-empty", "inter"]),
    ("expired-then-current", &["root", "inter-expired", "inter"]),
    ("unrelated-then-good", &["unrelated", "root", "inter"]),
];

/// Files of several authorities, by the authorities in them.
pub(super) const ROOT_FILES: &[(&str, &[&str])] = &[
    ("root+inter", &["root", "inter"]),
    ("inter+root", &["inter", "root"]),
    ("bundle", &["root2", "root"]),
    ("sameroot+root", &["sameroot", "root"]),
    ("clientcas", &["root", "clientca"]),
];

const LOOPBACK_4: [u8; 4] = [127, 0, 0, 1];
const LOOPBACK_6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

const MAPPED: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1];
const DOCUMENTATION_6: [u8; 16] = [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Longer than a common name may be (64 characters, RFC 5280, appendix A.1).
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test";

const STALE: Window = Window { from: -20, until: -2 };

fn common_name(bytes: &'static [u8]) -> Attribute {
    Attribute::CommonName(Text::Utf8(bytes.into()))
}
