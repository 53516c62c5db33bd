//! What a certificate says, as one row of a table.

use super::{KeyKind, sign::Digest};
use std::borrow::Cow;

/// A certificate to be made. Everything has a sensible value from the start; a row names what is different.
#[expect(clippy::struct_excessive_bools, reason = "each says of one part of the certificate how it is")]
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Unique within its table.
    pub(super) name: &'static str,
    /// Name of the authority that signs it; `None` signs itself.
    pub(super) issuer: Option<&'static str>,
    /// Another row of the table whose certificate and key it has; only the chain is its own.
    pub(super) same_as: Option<&'static str>,
    /// Another row of the table whose key it has.
    pub(super) key_of: Option<&'static str>,
    pub(super) subject: Vec<Attribute>,
    /// subjectAltName; `None` leaves the extension out, an empty list leaves it empty.
    pub(super) alt_names: Option<Vec<AltName>>,
    pub(super) alt_names_critical: bool,
    pub(super) key: KeyKind,
    /// X.509 version 1 has no extensions at all.
    pub(super) version_1: bool,
    pub(super) window: Window,
    /// basicConstraints; `None` leaves the extension out.
    pub(super) ca: Option<Authority>,
    /// keyUsage; an empty list leaves the extension out.
    pub(super) key_usage: &'static [KeyUsage],
    /// extKeyUsage; an empty list leaves the extension out.
    pub(super) purposes: &'static [Purpose],
    pub(super) purposes_critical: bool,
    /// Extensions more.
    pub(super) extras: &'static [Extra],
    /// How its issuer signs it.
    pub(super) digest: Digest,
    /// Which keys it names.
    pub(super) identifiers: Identifiers,
    /// What is sent after the leaf.
    pub(super) chain: Chain,
    /// The last bit of the signature is turned over.
    pub(super) spoiled: bool,
}

/// One attribute of a distinguished name.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Organization(&'static str),
    CommonName(Text),
}

/// A string in the encoding asked for, unchecked.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Utf8(Cow<'static, [u8]>),
    Printable(&'static str),
    T61(&'static str),
    Ia5(&'static str),
    Bmp(&'static str),
}

/// One entry of subjectAltName, unchecked.
#[derive(Clone, Debug)]
pub(super) enum AltName {
    Dns(Cow<'static, [u8]>),
    /// Octets in network order; any number of them.
    Ip(Cow<'static, [u8]>),
    Email(&'static str),
    Uri(&'static str),
    /// A directoryName with this common name.
    Directory(&'static str),
    /// An otherName, Microsoft's user principal name.
    Other(&'static str),
    /// The dNSName `hN.big.test`.
    Numbered(u16),
}

/// When a certificate or a CRL is valid, in days from the birth of the PKI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: i32,
    pub(super) until: i32,
}

impl Window {
    pub(super) const CURRENT: Self = Self { from: -10, until: 3650 };
    pub(super) const PAST: Self = Self { from: -100, until: -2 };
    pub(super) const FUTURE: Self = Self { from: 30, until: 3650 };
    /// To the last second that a certificate can name.
    pub(super) const FOREVER: Self = Self { from: -10, until: i32::MAX };
}

/// basicConstraints.
#[derive(Clone, Copy, Debug)]
pub(super) enum Authority {
    Yes,
    /// With this pathLenConstraint.
    PathLength(u8),
    No,
}

/// Bits of keyUsage, by their number (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyUsage {
    DigitalSignature = 0,
    KeyEncipherment = 2,
    KeyCertSign = 5,
    CrlSign = 6,
}

/// extKeyUsage (RFC 5280, section 4.2.1.12).
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    ServerAuth,
    ClientAuth,
    CodeSigning,
    Any,
    /// Netscape's "server gated cryptography".
    ServerGated,
}

/// An extension more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extra {
    /// One that nobody knows.
    Unknown {
        critical: bool,
    },
    NameConstraints {
        permitted: &'static [Subtree],
        excluded: &'static [Subtree],
    },
}

/// Names that a constraint speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subtree {
    Dns(&'static str),
    /// Address and mask.
    Ip([u8; 8]),
}

/// The keys that a certificate names by their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identifiers {
    /// Its own and its issuer's.
    Right,
    /// Its own, and an issuer's that nobody has.
    WrongIssuer,
    None,
}

/// The certificates that follow the leaf.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chain {
    /// Every issuer below the root, nearest first: as a server should be set up.
    Intermediates,
    /// These authorities, in this order; `self` is the certificate itself.
    Exactly(&'static [&'static str]),
}

/// A certificate authority.
pub(super) fn authority(name: &'static str, common_name: &'static str) -> Row {
    Row {
        ca: Some(Authority::Yes),
        key_usage: &[KeyUsage::DigitalSignature, KeyUsage::KeyCertSign, KeyUsage::CrlSign],
        ..plain(name).cn(common_name)
    }
}

/// A server's certificate, from the intermediate.
pub(super) fn server(name: &'static str) -> Row {
    Row {
        key_usage: &[KeyUsage::DigitalSignature],
        purposes: &[Purpose::ServerAuth],
        ..plain(name).issuer("inter")
    }
}

/// A server's certificate that signs itself, as `openssl req -x509` makes it: CA:TRUE and no usages.
pub(super) fn self_signed(name: &'static str) -> Row {
    Row { ca: Some(Authority::Yes), ..plain(name) }
}

/// A client's certificate, from the clients' authority.
pub(super) fn client(name: &'static str) -> Row {
    Row {
        key_usage: &[KeyUsage::DigitalSignature],
        purposes: &[Purpose::ClientAuth],
        ..plain(name).issuer("clientca").cn("zoo")
    }
}

fn plain(name: &'static str) -> Row {
    Row {
        name,
        issuer: None,
        same_as: None,
        key_of: None,
        subject: Vec::new(),
        alt_names: None,
        alt_names_critical: false,
        key: KeyKind::P256,
        version_1: false,
        window: Window::CURRENT,
        ca: None,
        key_usage: &[],
        purposes: &[],
        purposes_critical: false,
        extras: &[],
        digest: Digest::Usual,
        identifiers: Identifiers::Right,
        chain: Chain::Intermediates,
        spoiled: false,
    }
}

impl Row {
    pub(super) fn issuer(self, issuer: &'static str) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Organization and common name.
    pub(super) fn cn(self, common_name: &'static str) -> Self {
        self.subject([
            Attribute::Organization("pgtls zoo"),
            Attribute::CommonName(Text::Utf8(common_name.as_bytes().into())),
        ])
    }

    /// Exactly these attributes.
    pub(super) fn subject(self, attributes: impl Into<Vec<Attribute>>) -> Self {
        Self { subject: attributes.into(), ..self }
    }

    /// A dNSName more.
    pub(super) fn dns(self, name: &'static str) -> Self {
        self.alt(AltName::Dns(name.as_bytes().into()))
    }

    /// An iPAddress more, by its octets.
    pub(super) fn ip(self, octets: &'static [u8]) -> Self {
        self.alt(AltName::Ip(octets.into()))
    }

    /// A subjectAltName more.
    pub(super) fn alt(mut self, name: AltName) -> Self {
        self.alt_names.get_or_insert_with(Vec::new).push(name);
        self
    }

    pub(super) fn no_alt_names(self) -> Self {
        Self { alt_names: Some(Vec::new()), ..self }
    }

    pub(super) fn alt_names_critical(self) -> Self {
        Self { alt_names_critical: true, ..self }
    }

    pub(super) fn key(self, key: KeyKind) -> Self {
        Self { key, ..self }
    }

    pub(super) fn version_1(self) -> Self {
        Self { version_1: true, ..self }
    }

    pub(super) fn window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    pub(super) fn ca(self, ca: Option<Authority>) -> Self {
        Self { ca, ..self }
    }

    pub(super) fn key_usage(self, key_usage: &'static [KeyUsage]) -> Self {
        Self { key_usage, ..self }
    }

    pub(super) fn purposes(self, purposes: &'static [Purpose]) -> Self {
        Self { purposes, ..self }
    }

    pub(super) fn purposes_critical(self) -> Self {
        Self { purposes_critical: true, ..self }
    }

    pub(super) fn extras(self, extras: &'static [Extra]) -> Self {
        Self { extras, ..self }
    }

    pub(super) fn digest(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    pub(super) fn identifiers(self, identifiers: Identifiers) -> Self {
        Self { identifiers, ..self }
    }

    pub(super) fn same_as(self, other: &'static str) -> Self {
        Self { same_as: Some(other), ..self }
    }

    pub(super) fn key_of(self, other: &'static str) -> Self {
        Self { key_of: Some(other), ..self }
    }

    pub(super) fn sends(self, authorities: &'static [&'static str]) -> Self {
        Self { chain: Chain::Exactly(authorities), ..self }
    }

    pub(super) fn spoiled(self) -> Self {
        Self { spoiled: true, ..self }
    }
}

/// A CRL to be made.
#[expect(clippy::struct_excessive_bools, reason = "each says of one part of the CRL whether it is there")]
#[derive(Clone, Copy, Debug)]
pub(super) struct CrlRow {
    /// Unique among the CRLs.
    pub(super) name: &'static str,
    /// The authority that signs it.
    pub(super) issuer: &'static str,
    /// The certificates it revokes.
    pub(super) revoked: &'static [Revoked],
    pub(super) window: Window,
    /// Whether it says when the next one is due.
    pub(super) next: bool,
    /// Version 1 has no extensions.
    pub(super) version_1: bool,
    /// Whether it names its issuer's key.
    pub(super) key_identifier: bool,
    pub(super) extra: Option<CrlExtra>,
    /// An extension of every entry.
    pub(super) entry: Option<EntryExtra>,
    /// The last bit of the signature is turned over.
    pub(super) spoiled: bool,
}

/// An extension of a CRL (RFC 5280, section 5.2); all of these are critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CrlExtra {
    Unknown,
    /// deltaCRLIndicator.
    Delta,
    /// issuingDistributionPoint that contains only user certificates.
    OnlyUsers,
    /// The same for authorities.
    OnlyAuthorities,
}

/// An extension of an entry (RFC 5280, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryExtra {
    /// Critical, and known to nobody.
    Unknown,
    /// reasonCode certificateHold.
    Hold,
    /// reasonCode removeFromCRL.
    Remove,
}

/// An ordinary CRL.
pub(super) const fn crl(name: &'static str, issuer: &'static str, revoked: &'static [Revoked]) -> CrlRow {
    CrlRow {
        name,
        issuer,
        revoked,
        window: Window { from: -1, until: 3650 },
        next: true,
        version_1: false,
        key_identifier: true,
        extra: None,
        entry: None,
        spoiled: false,
    }
}

/// A certificate on a CRL.
#[derive(Clone, Copy, Debug)]
pub(super) enum Revoked {
    Authority(&'static str),
    Server(&'static str),
    Client(&'static str),
}
