//! Random sentences of the grammar: what is done to a chain, and how often.

use super::{
    grammar::{
        Change, CrlChange, EntryExtension, Extension, ExtensionKind, Extra, KeyIdentifier, Moment, Name,
        NameForm, Point, PointName, Scenario, Subtree, TrustSetting, UnusedBits,
    },
    identifiers::identifiers,
    keys::{KINDS, KeyKind, OWNERS, SIGNATURES},
};
use proptest::{prelude::*, sample::select};

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let kind = prop_oneof![
        12 => Just(KeyKind::P256),
        2 => Just(KeyKind::Rsa2048),
        1 => select(KINDS),
    ];
    let level = prop_oneof![8 => Just(2_u8), 1 => 0_u8..6];
    let extras = proptest::collection::vec(
        (0..OWNERS, 0..OWNERS).prop_map(|(entity, issuer)| Extra { entity, issuer }),
        0..4,
    );
    let changes = proptest::collection::vec((0_usize..7, change()), 0..5);
    let crls = proptest::option::weighted(0.4, proptest::collection::vec((0_usize..5, crl_change()), 0..4));
    (1_usize..6, kind, proptest::bool::weighted(0.2), level, extras, changes, crls, any::<u8>()).prop_map(
        |(length, kind, client, level, extras, changes, crls, order)| Scenario {
            length,
            kind,
            client,
            level,
            extras,
            changes,
            crls,
            order,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let version = prop_oneof![
        4 => Just(None),
        1 => (0_u8..6).prop_map(Some),
    ];
    let serial = prop_oneof![
        Just(vec![0]),
        Just(vec![0xff]),
        Just(vec![1]),
        Just(vec![0x7f; 30]),
        Just(vec![0, 1]),
        Just(vec![]),
    ];
    let settings = select(
        &[
            TrustSetting::Server,
            TrustSetting::Client,
            TrustSetting::Any,
            TrustSetting::RejectServer,
            TrustSetting::RejectAny,
            TrustSetting::Nothing,
        ][..],
    );
    prop_oneof![
        2 => version.prop_map(Change::Version),
        1 => serial.prop_map(Change::Serial),
        2 => select(NAME_FORMS).prop_map(Change::Subject),
        1 => select(NAME_FORMS).prop_map(Change::Issuer),
        1 => (0..OWNERS).prop_map(Change::IssuedBy),
        1 => (0..OWNERS).prop_map(Change::SignedBy),
        2 => select(KINDS).prop_map(Change::Key),
        2 => (0..OWNERS).prop_map(Change::Rekeyed),
        2 => select(SIGNATURES).prop_map(Change::Signature),
        1 => select(SIGNATURES).prop_map(Change::InnerSignature),
        1 => prop_oneof![Just(Change::BreakSignature), (1_u8..9).prop_map(Change::UnusedSignatureBits)],
        1 => prop_oneof![
            (1_u8..9).prop_map(UnusedBits::Number),
            Just(UnusedBits::Zeros),
            Just(UnusedBits::ZerosAndOne)
        ]
        .prop_map(Change::UnusedKeyBits),
        1 => select(identifiers()).prop_map(Change::Identifier),
        1 => select(identifiers()).prop_map(Change::InnerIdentifier),
        2 => (any::<u16>(), any::<u8>()).prop_map(|(place, byte)| Change::Scramble(place, byte)),
        1 => select(MOMENTS).prop_map(Change::NotBefore),
        2 => select(MOMENTS).prop_map(Change::NotAfter),
        2 => prop_oneof![Just(Change::Bare), Just(Change::EmptyList), (0_u8..9).prop_map(Change::UniqueIdentifiers)],
        3 => select(EXTENSION_KINDS).prop_map(Change::Drop),
        10 => (extension(), any::<bool>()).prop_map(|(extension, critical)| Change::Set(extension, critical)),
        1 => select(EXTENSION_KINDS).prop_map(Change::Twice),
        1 => select(EXTENSION_KINDS).prop_map(Change::Malformed),
        1 => select(EXTENSION_KINDS).prop_map(Change::Trailing),
        4 => prop_oneof![
            Just(Change::InRootFile),
            Just(Change::NotInRootFile),
            Just(Change::Presented),
            Just(Change::NotPresented)
        ],
        1 => settings.prop_map(Change::Trusted),
    ]
}

fn extension() -> impl Strategy<Value = Extension> {
    const PURPOSES: &[&str] = &[
        "1.3.6.1.5.5.7.3.1",
        "1.3.6.1.5.5.7.3.2",
        "1.3.6.1.5.5.7.3.4",
        "2.5.29.37.0",
        "1.3.6.1.4.1.311.10.3.3",
        "2.16.840.1.113730.4.1",
        "1.3.6.1.4.1.99999.2",
    ];
    let path_length = prop_oneof![
        Just(None),
        (0_u8..4).prop_map(|length| Some(vec![length])),
        Just(Some(vec![0xff])),
        Just(Some(vec![1; 9])),
    ];
    let key_identifier = || select(&[KeyIdentifier::Right, KeyIdentifier::Wrong, KeyIdentifier::Empty][..]);
    let subtree = || {
        (name(true), weighted_distance(0), weighted_distance(1))
            .prop_map(|(base, minimum, maximum)| Subtree { base, minimum, maximum })
    };
    prop_oneof![
        2 => (proptest::option::of(any::<bool>()), path_length)
            .prop_map(|(ca, path_length)| Extension::BasicConstraints { ca, path_length }),
        2 => (0_u8..8, prop_oneof![
                Just(vec![0x04_u8]), Just(vec![0x06]), Just(vec![0x80]), Just(vec![0x20]), Just(vec![0x08]), Just(vec![0x40]),
                Just(vec![0]), Just(vec![]), Just(vec![0x00, 0x80]), Just(vec![0x86, 0x80]), any::<u8>().prop_map(|byte| vec![byte]),
            ]).prop_map(|(unused, bytes)| Extension::KeyUsage(unused, bytes)),
        2 => proptest::collection::vec(select(PURPOSES), 0..3).prop_map(Extension::ExtendedKeyUsage),
        1 => key_identifier().prop_map(Extension::SubjectKeyIdentifier),
        2 => (
                proptest::option::of(key_identifier()),
                proptest::option::weighted(0.3, any::<bool>()),
                proptest::option::weighted(0.3, any::<bool>()),
            ).prop_map(|(key, issuer, serial)| Extension::AuthorityKeyIdentifier { key, issuer, serial }),
        2 => proptest::collection::vec(name(false), 0..4).prop_map(Extension::SubjectAltName),
        6 => (proptest::collection::vec(subtree(), 0..3), proptest::collection::vec(subtree(), 0..2))
            .prop_map(|(permitted, excluded)| Extension::NameConstraints { permitted, excluded }),
        1 => (0_u8..9, select(&[0x80_u8, 0x40, 0x04, 0x02, 0xff, 0][..]))
            .prop_map(|(unused, kind)| Extension::NetscapeType(unused, kind)),
        2 => proptest::collection::vec(point(true), 0..3).prop_map(Extension::CrlDistributionPoints),
        1 => select(EXTENSION_KINDS).prop_map(Extension::Other),
    ]
}

fn weighted_distance(common: u8) -> impl Strategy<Value = Option<u8>> {
    prop_oneof![20 => Just(None), 1 => Just(Some(common)), 1 => (0_u8..3).prop_map(Some)]
}

fn name(is_subtree: bool) -> impl Strategy<Value = Name> {
    const DNS: &[&str] = &[
        "db.example.com",
        "example.com",
        ".example.com",
        "com",
        "",
        "other.test",
        "DB.Example.COM",
        "*.example.com",
        "ple.com",
    ];
    const EMAIL: &[&str] = &[
        "a@example.com",
        "example.com",
        ".example.com",
        "A@example.com",
        "@example.com",
        "a@EXAMPLE.com",
        "",
        "b@x.example.com",
    ];
    const URI: &[&str] = &[
        "https://db.example.com/x",
        "https://db.example.com:80/",
        "db.example.com",
        ".example.com",
        "urn:x",
        "https://",
        "",
        "x://DB.example.com",
    ];
    const ADDRESSES: &[&[u8]] = &[&[192, 0, 2, 1], &[10, 0, 0, 1], &[0; 16], &[1, 2, 3]];
    const NETWORKS: &[&[u8]] = &[&[192, 0, 2, 0, 255, 255, 255, 0], &[0; 8], &[0; 32], &[192, 0, 2, 1], &[]];
    const DIRECTORIES: &[Option<&str>] =
        &[None, Some("Entity 0"), Some("entity 0"), Some("Somebody"), Some("")];
    prop_oneof![
        6 => select(DNS).prop_map(Name::Dns),
        2 => select(EMAIL).prop_map(Name::Email),
        2 => select(URI).prop_map(Name::Uri),
        2 => select(if is_subtree { NETWORKS } else { ADDRESSES }).prop_map(Name::Ip),
        3 => select(DIRECTORIES).prop_map(Name::Directory),
        1 => select(&["x", "y"][..]).prop_map(Name::Other),
        1 => select(&["a@example.com", "x"][..]).prop_map(Name::SmtpUtf8),
        1 => prop_oneof![Just(Name::RegisteredId), Just(Name::X400), Just(Name::EdiParty)],
    ]
}

fn point_name() -> impl Strategy<Value = PointName> {
    prop_oneof![
        select(&["http://a/", "http://b/"][..]).prop_map(PointName::Uri),
        select(&["a", "b"][..]).prop_map(PointName::Relative),
        Just(PointName::Completed),
    ]
}

fn point(of_certificate: bool) -> impl Strategy<Value = Point> {
    (
        proptest::option::weighted(0.8, point_name()),
        proptest::option::weighted(0.2, (0_u8..9, select(&[0x40_u8, 0x80, 0xff, 0][..]))),
        proptest::option::weighted(if of_certificate { 0.2 } else { 0.0 }, any::<bool>()),
    )
        .prop_map(|(name, reasons, issuer)| Point { name, reasons, issuer })
}

fn crl_change() -> impl Strategy<Value = CrlChange> {
    let entry = prop_oneof![
        3 => Just(EntryExtension::None),
        2 => (0_u8..11).prop_map(EntryExtension::Reason),
        1 => Just(EntryExtension::RightIssuer),
        1 => Just(EntryExtension::WrongIssuer),
        1 => select(&[
            EntryExtension::TwoReasons,
            EntryExtension::MalformedReason,
            EntryExtension::BehindMalformedReason,
            EntryExtension::TwoIssuers,
            EntryExtension::MalformedIssuer,
        ][..]),
        1 => Just(EntryExtension::Critical),
    ];
    let flag = || proptest::bool::weighted(0.2);
    prop_oneof![
        1 => Just(CrlChange::Missing),
        3 => entry.prop_map(CrlChange::Lists),
        1 => Just(CrlChange::ListsOthers),
        1 => select(NAME_FORMS).prop_map(CrlChange::Issuer),
        1 => (0..OWNERS).prop_map(CrlChange::SignedBy),
        1 => select(SIGNATURES).prop_map(CrlChange::Signature),
        1 => prop_oneof![Just(CrlChange::BreakSignature), (1_u8..9).prop_map(CrlChange::UnusedSignatureBits)],
        1 => select(SIGNATURES).prop_map(CrlChange::InnerSignature),
        2 => (any::<u16>(), any::<u8>()).prop_map(|(place, byte)| CrlChange::Scramble(place, byte)),
        1 => select(MOMENTS).prop_map(CrlChange::ThisUpdate),
        2 => proptest::option::of(select(MOMENTS)).prop_map(CrlChange::NextUpdate),
        1 => proptest::option::of(0_u8..3).prop_map(CrlChange::Version),
        1 => select(&[KeyIdentifier::Right, KeyIdentifier::Wrong, KeyIdentifier::Empty][..])
            .prop_map(CrlChange::AuthorityKeyIdentifier),
        3 => (proptest::option::of(point_name()), flag(), flag(), flag(), flag(), flag()).prop_map(
            |(point, user, ca, attribute, indirect, reasons)| CrlChange::DistributionPoint {
                point, user, ca, attribute, indirect, reasons
            }),
        1 => Just(CrlChange::MalformedDistributionPoint),
        1 => Just(CrlChange::SpelledOutPoint),
        1 => prop_oneof![Just(CrlChange::Delta), Just(CrlChange::CriticalNumber)],
        1 => any::<bool>().prop_map(CrlChange::Unknown),
        1 => Just(CrlChange::InRootFile),
        4 => (0_u8..3, any::<bool>()).prop_map(|(number, second)| CrlChange::InDirectory(number, second)),
        1 => Just(CrlChange::Newer),
    ]
}

const NAME_FORMS: &[NameForm] = &[
    NameForm::Plain,
    NameForm::UpperCase,
    NameForm::Spaced,
    NameForm::Bmp,
    NameForm::Universal,
    NameForm::T61,
    NameForm::OneRdn,
    NameForm::OneRdnReversed,
    NameForm::TwoRdns,
    NameForm::Numeric,
    NameForm::Empty,
    NameForm::EmptySet,
    NameForm::WithEmail,
    NameForm::WithEmailInUtf8,
    NameForm::HostName,
    NameForm::OtherHostName,
    NameForm::NulInHostName,
    NameForm::BitString,
    NameForm::Visible,
    NameForm::BadUtf8,
];

const MOMENTS: &[Moment] = &[
    Moment::LongAgo,
    Moment::Past,
    Moment::Now,
    Moment::Future,
    Moment::FarFuture,
    Moment::Generalized,
    Moment::WithoutSeconds,
    Moment::WithOffset,
    Moment::NoDate,
    Moment::Fraction,
    Moment::WrongType,
    Moment::GeneralizedWithOffset,
    Moment::LeapSecond,
    Moment::Hour24,
    Moment::YearZero,
    Moment::EndOfTime,
];

const EXTENSION_KINDS: &[ExtensionKind] = &[
    ExtensionKind::BasicConstraints,
    ExtensionKind::KeyUsage,
    ExtensionKind::ExtendedKeyUsage,
    ExtensionKind::SubjectKeyIdentifier,
    ExtensionKind::AuthorityKeyIdentifier,
    ExtensionKind::SubjectAltName,
    ExtensionKind::IssuerAltName,
    ExtensionKind::NameConstraints,
    ExtensionKind::NetscapeType,
    ExtensionKind::CrlDistributionPoints,
    ExtensionKind::Policies,
    ExtensionKind::PolicyConstraints,
    ExtensionKind::Proxy,
    ExtensionKind::FreshestCrl,
    ExtensionKind::OcspNoCheck,
    ExtensionKind::PolicyMappings,
    ExtensionKind::InhibitAnyPolicy,
    ExtensionKind::IpAddressBlocks,
    ExtensionKind::AutonomousSystems,
    ExtensionKind::Unknown,
];
