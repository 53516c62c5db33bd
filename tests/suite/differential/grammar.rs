//! The grammar of odd chains: a good chain, and a few things done to it.

use super::keys::{KeyKind, Signature};

/// A chain and everything around it. Certificates 0 to `length - 1` are the plain chain, leaf first, root last; the
/// others are `extras`.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) length: usize,
    pub(super) kind: KeyKind,
    pub(super) client: bool,
    pub(super) level: u8,
    pub(super) extras: Vec<Extra>,
    pub(super) changes: Vec<(usize, Change)>,
    /// CRLs of every CA of the plain chain, with what was done to them; `None` for no checking.
    pub(super) crls: Option<Vec<(usize, CrlChange)>>,
    pub(super) order: u8,
}

/// Another certificate for an entity: same name, same key.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    pub(super) entity: usize,
    pub(super) issuer: usize,
}

/// One thing that is odd about a certificate.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Version(Option<u8>),
    Serial(Vec<u8>),
    Subject(NameForm),
    Issuer(NameForm),
    IssuedBy(usize),
    SignedBy(usize),
    Key(KeyKind),
    /// The key is another entity's, whatever the key identifiers say.
    Rekeyed(usize),
    Signature(Signature),
    /// What the signed part says of the signature.
    InnerSignature(Signature),
    BreakSignature,
    /// Unused bits of the signature's BIT STRING, with the signature as it is.
    UnusedSignatureBits(u8),
    /// Unused bits of the key's BIT STRING, with the key as it is.
    UnusedKeyBits(UnusedBits),
    /// The identifier that both places name as the signature algorithm, without parameters; the signature fits the key.
    Identifier(&'static str),
    /// The identifier in the signed part alone.
    InnerIdentifier(&'static str),
    /// Another byte in the signed part, before it is signed: place and byte.
    Scramble(u16, u8),
    NotBefore(Moment),
    NotAfter(Moment),
    /// No extension at all.
    Bare,
    /// An empty list of extensions.
    EmptyList,
    Drop(ExtensionKind),
    Set(Extension, bool),
    Twice(ExtensionKind),
    Malformed(ExtensionKind),
    Trailing(ExtensionKind),
    /// Unique identifiers, with so many unused bits.
    UniqueIdentifiers(u8),
    InRootFile,
    NotInRootFile,
    Presented,
    NotPresented,
    Trusted(TrustSetting),
}

/// Unused bits of a BIT STRING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnusedBits {
    /// So many.
    Number(u8),
    /// As many as are zero, so that the value stays the same.
    Zeros,
    /// One more than are zero, at most seven.
    ZerosAndOne,
}

/// How a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameForm {
    Plain,
    UpperCase,
    Spaced,
    Bmp,
    Universal,
    T61,
    /// The attributes of one RDN in either order.
    OneRdn,
    OneRdnReversed,
    TwoRdns,
    Numeric,
    Empty,
    EmptySet,
    WithEmail,
    WithEmailInUtf8,
    HostName,
    OtherHostName,
    NulInHostName,
    BitString,
    Visible,
    BadUtf8,
}

/// A time and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    LongAgo,
    Past,
    Now,
    Future,
    FarFuture,
    Generalized,
    WithoutSeconds,
    WithOffset,
    NoDate,
    Fraction,
    WrongType,
    GeneralizedWithOffset,
    LeapSecond,
    Hour24,
    YearZero,
    EndOfTime,
}

/// Extensions by their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExtensionKind {
    BasicConstraints,
    KeyUsage,
    ExtendedKeyUsage,
    SubjectKeyIdentifier,
    AuthorityKeyIdentifier,
    SubjectAltName,
    IssuerAltName,
    NameConstraints,
    NetscapeType,
    CrlDistributionPoints,
    Policies,
    PolicyConstraints,
    Proxy,
    FreshestCrl,
    OcspNoCheck,
    PolicyMappings,
    InhibitAnyPolicy,
    IpAddressBlocks,
    AutonomousSystems,
    Unknown,
}

/// An extension with its content.
#[derive(Clone, Debug)]
pub(super) enum Extension {
    BasicConstraints {
        ca: Option<bool>,
        path_length: Option<Vec<u8>>,
    },
    /// Unused bits and bytes.
    KeyUsage(u8, Vec<u8>),
    ExtendedKeyUsage(Vec<&'static str>),
    SubjectKeyIdentifier(KeyIdentifier),
    AuthorityKeyIdentifier {
        key: Option<KeyIdentifier>,
        issuer: Option<bool>,
        serial: Option<bool>,
    },
    SubjectAltName(Vec<Name>),
    NameConstraints {
        permitted: Vec<Subtree>,
        excluded: Vec<Subtree>,
    },
    /// Unused bits and byte.
    NetscapeType(u8, u8),
    CrlDistributionPoints(Vec<Point>),
    Other(ExtensionKind),
}

/// Whose key an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyIdentifier {
    Right,
    Wrong,
    Empty,
}

/// A GeneralName.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Dns(&'static str),
    Email(&'static str),
    Uri(&'static str),
    Ip(&'static [u8]),
    /// The common name of a directory name; `None` for the certificate's own subject.
    Directory(Option<&'static str>),
    Other(&'static str),
    SmtpUtf8(&'static str),
    RegisteredId,
    X400,
    EdiParty,
}

/// A subtree of name constraints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subtree {
    pub(super) base: Name,
    pub(super) minimum: Option<u8>,
    pub(super) maximum: Option<u8>,
}

/// A distribution point, of a certificate or of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) name: Option<PointName>,
    /// Unused bits and byte.
    pub(super) reasons: Option<(u8, u8)>,
    /// The right issuer's name, or another; certificates only.
    pub(super) issuer: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PointName {
    Uri(&'static str),
    /// A relative name.
    Relative(&'static str),
    /// The directory name that the relative name `a` completes to.
    Completed,
}

/// Trust settings of a `TRUSTED CERTIFICATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustSetting {
    Server,
    Client,
    Any,
    RejectServer,
    RejectAny,
    Nothing,
}

/// One thing that is odd about a CRL.
#[derive(Clone, Debug)]
pub(super) enum CrlChange {
    Missing,
    /// The certificate below is on it, with an entry extension.
    Lists(EntryExtension),
    /// Other certificates are on it.
    ListsOthers,
    Issuer(NameForm),
    SignedBy(usize),
    Signature(Signature),
    BreakSignature,
    /// The algorithm in the signed part.
    InnerSignature(Signature),
    /// Unused bits of the signature's BIT STRING, with the signature as it is.
    UnusedSignatureBits(u8),
    /// Another byte in the signed part, before it is signed: place and byte.
    Scramble(u16, u8),
    ThisUpdate(Moment),
    NextUpdate(Option<Moment>),
    Version(Option<u8>),
    AuthorityKeyIdentifier(KeyIdentifier),
    DistributionPoint {
        point: Option<PointName>,
        user: bool,
        ca: bool,
        attribute: bool,
        indirect: bool,
        reasons: bool,
    },
    MalformedDistributionPoint,
    /// One with this value.
    Point(Vec<u8>),
    /// One that says that it is not for users' certificates alone, which need not be said.
    SpelledOutPoint,
    Delta,
    CriticalNumber,
    Unknown(bool),
    InRootFile,
    /// Number of the file, and whether it is in the second of two directories.
    InDirectory(u8, bool),
    /// A second CRL of the same issuer, newer, empty.
    Newer,
}

/// An extension of a CRL's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryExtension {
    None,
    Reason(u8),
    /// Two reasons, of which the second is removeFromCRL.
    TwoReasons,
    /// A reason of another type.
    MalformedReason,
    /// removeFromCRL, behind another certificate's entry with a malformed reason.
    BehindMalformedReason,
    RightIssuer,
    WrongIssuer,
    /// Another issuer, twice.
    TwoIssuers,
    MalformedIssuer,
    Critical,
}
