//! The animals, one row each. The host of every certificate that is not about names is `db.test`.

use super::{
    KeyKind,
    row::{
        AltName, Attribute, Authority, CrlRow, KeyUsage, Purpose, Revoked, Row, Text, Window, authority,
        client, self_signed, server,
    },
};

/// Certificate authorities, an issuer before what it issues.
pub(super) fn authorities() -> Vec<Row> {
    vec![
        authority("root", "Zoo Root CA"),
        authority("root2", "Zoo Unrelated Root CA"),
        authority("inter", "Zoo Intermediate CA").issuer("root"),
        authority("inter2", "Zoo Revoked Intermediate CA").issuer("root"),
        authority("clientca", "Zoo Client CA").issuer("root"),
        authority("root2inter", "Zoo Unrelated Intermediate CA").issuer("root2"),
        // The root's name, another key.
        authority("sameroot", "Zoo Root CA"),
        authority("rootexp", "Zoo Expired Root CA").window(Window::PAST),
        authority("interexp", "Zoo Expired Intermediate CA").issuer("root").window(Window::PAST),
        authority("v1root", "Zoo Version 1 Root CA").version_1(),
        authority("v1inter", "Zoo Version 1 Intermediate CA").issuer("root").version_1(),
        authority("rsaroot", "Zoo RSA Root CA").key(KeyKind::Rsa2048),
        authority("pathlen0", "Zoo Intermediate CA of path length 0")
            .issuer("root")
            .ca(Some(Authority::PathLength(0))),
        authority("underpathlen0", "Zoo CA under path length 0").issuer("pathlen0"),
        // Issuers that should not be.
        authority("notca", "Zoo Not A CA")
            .issuer("root")
            .ca(Some(Authority::No))
            .key_usage(&[KeyUsage::DigitalSignature]),
        authority("nobasic", "Zoo CA without basicConstraints").issuer("root").ca(None),
        authority("nocertsign", "Zoo CA without keyCertSign")
            .issuer("root")
            .key_usage(&[KeyUsage::DigitalSignature]),
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
        server("san-localhost").cn("localhost").dns("localhost"),
        server("wild-san").cn("unused.test").dns("*.wild.test"),
        server("wild-cn").cn("*.wild.test"),
        server("wild-partial").cn("unused.test").dns("db*.wild.test"),
        server("wild-mid").cn("unused.test").dns("a.*.wild.test"),
        server("wild-star").cn("unused.test").dns("*"),
        server("wild-ip").cn("unused.test").dns("*.0.0.1"),
        server("ip4-san").cn("db.test").ip(&LOOPBACK_4),
        server("ip6-san").cn("db.test").ip(&LOOPBACK_6),
        server("ip4-other").cn("unused.test").ip(&[127, 0, 0, 9]),
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
        server("no-names").subject([Attribute::Organization("pgtls zoo")]),
        server("empty-san").cn("db.test").no_alt_names(),
        server("nul-cn").subject([common_name(b"db.test\0.evil.test")]),
        server("nul-san").cn("unused.test").alt(AltName::Dns(b"db.test\0.evil.test")),
        server("nul-san-then-good").cn("unused.test").alt(AltName::Dns(b"x\0y")).dns("db.test"),
        server("good-then-nul-san").cn("unused.test").dns("db.test").alt(AltName::Dns(b"x\0y")),
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
        server("ku-certsign").cn("db.test").dns("db.test").key_usage(&[KeyUsage::KeyCertSign]),
        server("leaf-is-ca").cn("db.test").dns("db.test").ca(Some(Authority::Yes)),
        server("key-p384").cn("db.test").dns("db.test").key(KeyKind::P384),
        server("key-p521").cn("db.test").dns("db.test").key(KeyKind::P521),
        server("key-ed25519").cn("db.test").dns("db.test").key(KeyKind::Ed25519),
        server("key-rsa-2048").cn("db.test").dns("db.test").key(KeyKind::Rsa2048),
        server("key-rsa-3072").cn("db.test").dns("db.test").key(KeyKind::Rsa3072),
        server("key-rsa-4096").cn("db.test").dns("db.test").key(KeyKind::Rsa4096),
        server("rsa-root-leaf").cn("db.test").dns("db.test").issuer("rsaroot").key(KeyKind::Rsa2048),
    ]
}

/// Issuers and what is sent of them.
fn chains() -> Vec<Row> {
    vec![
        server("root-issued").cn("db.test").dns("db.test").issuer("root"),
        server("other-root").cn("db.test").dns("db.test").issuer("root2inter"),
        server("same-name-root").cn("db.test").dns("db.test").issuer("sameroot"),
        server("missing-inter").cn("db.test").dns("db.test").sends(&[]),
        server("with-root").cn("db.test").dns("db.test").sends(&["inter", "root"]),
        server("wrong-order").cn("db.test").dns("db.test").sends(&["root", "inter"]),
        server("superfluous").cn("db.test").dns("db.test").sends(&["root2", "inter2", "inter", "root"]),
        server("pathlen-ok").cn("db.test").dns("db.test").issuer("pathlen0"),
        server("pathlen-bad").cn("db.test").dns("db.test").issuer("underpathlen0"),
        server("issued-by-leaf").cn("db.test").dns("db.test").issuer("notca"),
        server("issuer-no-bc").cn("db.test").dns("db.test").issuer("nobasic"),
        server("issuer-no-certsign").cn("db.test").dns("db.test").issuer("nocertsign"),
        server("issuer-v1").cn("db.test").dns("db.test").issuer("v1inter"),
        server("bad-sig").cn("db.test").dns("db.test").spoiled(),
        server("revoked").cn("db.test").dns("db.test"),
        server("revoked-inter").cn("db.test").dns("db.test").issuer("inter2"),
    ]
}

/// Client certificates; the user of all of them is `zoo`.
pub(super) fn clients() -> Vec<Row> {
    vec![
        client("good"),
        client("leaf-only").sends(&[]),
        client("with-root").sends(&["clientca", "root"]),
        client("rsa").key(KeyKind::Rsa2048),
        client("p384").key(KeyKind::P384),
        client("p521").key(KeyKind::P521),
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
    CrlRow { name: "root", issuer: "root", revoked: &[Revoked::Authority("inter2")], window: RECENT },
    CrlRow { name: "root-empty", issuer: "root", revoked: &[], window: RECENT },
    CrlRow { name: "root-expired", issuer: "root", revoked: &[Revoked::Authority("inter2")], window: STALE },
    CrlRow { name: "inter", issuer: "inter", revoked: &[Revoked::Server("revoked")], window: RECENT },
    CrlRow { name: "inter-empty", issuer: "inter", revoked: &[], window: RECENT },
    CrlRow { name: "inter-expired", issuer: "inter", revoked: &[], window: STALE },
    CrlRow { name: "inter-future", issuer: "inter", revoked: &[], window: Window::FUTURE },
    CrlRow { name: "inter2", issuer: "inter2", revoked: &[], window: RECENT },
    CrlRow { name: "clientca", issuer: "clientca", revoked: &[Revoked::Client("revoked")], window: RECENT },
    CrlRow { name: "unrelated", issuer: "root2", revoked: &[Revoked::Server("revoked")], window: RECENT },
];

/// Files of several CRLs, by the CRLs in them.
pub(super) const CRL_FILES: &[(&str, &[&str])] = &[
    ("root+inter", &["root", "inter"]),
    ("root+inter+inter2", &["root", "inter", "inter2"]),
    ("root+inter-empty", &["root-empty", "inter-empty"]),
    ("root+inter-expired", &["root", "inter-expired"]),
    ("root+inter-future", &["root", "inter-future"]),
    ("root-expired+inter", &["root-expired", "inter"]),
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

const RECENT: Window = Window { from: -1, until: 3650 };
const STALE: Window = Window { from: -20, until: -2 };

fn common_name(bytes: &'static [u8]) -> Attribute {
    Attribute::CommonName(Text::Utf8(bytes))
}
