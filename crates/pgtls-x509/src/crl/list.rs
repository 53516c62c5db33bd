//! One certificate revocation list (RFC 5280 section 5), read once and looked up by serial number.

use crate::{
    ber::to_der,
    certificate::{
        Certificate, KeyIdentifier,
        algorithm::SignatureAlgorithm,
        distribution_point::IssuingDistributionPoint,
        extensions::{AuthorityKeyIdentifier, Extension, extensions},
        general_name::{count_general_names, directory_names},
        name,
        time::Time,
    },
    error::{Object, X509Error},
    oid,
    path::Proved,
    pem::Block,
    source::Source,
    tlv::{DerResult, Reader, Tlv, bit_string, integer, range_of, tag},
};
use alloc::vec::Vec;
use core::ops::Range;

/// One CRL.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Crl {
    der: Vec<u8>,
    signed_part: Range<usize>,
    /// `None` when the signature has unused bits.
    signature: Option<Range<usize>>,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    /// The algorithms named beside the signature and in the signed part are the same, byte for byte.
    pub(crate) algorithms_agree: bool,
    pub(crate) issuer_canonical: Vec<u8>,
    pub(crate) last_update: Time,
    pub(crate) next_update: Option<Time>,
    /// There is a critical extension, of the CRL or of an entry, that is not understood.
    pub(crate) unhandled_critical: bool,
    /// The delta CRL indicator is there.
    pub(crate) is_delta: bool,
    /// An extension that bears on whom it covers is BER, which OpenSSL reads and we do not.
    pub(crate) is_beyond_us: bool,
    /// One of its times is too short: OpenSSL 3.0 loads the CRL, and later releases do not.
    pub(crate) has_short_time: bool,
    authority_key_identifier: Option<AuthorityKeyIdentifier>,
    /// The issuingDistributionPoint, if it is well-formed.
    pub(crate) issuing_distribution_point: Option<IssuingDistributionPoint>,
    /// Revoked certificates, by serial number; those of equal numbers in file order.
    entries: Vec<Entry>,
    /// Canonical directory names of the issuers of entries that name their own.
    entry_issuers: Vec<Vec<Vec<u8>>>,
    proved: Proved,
    pub(crate) source: Source,
}

/// One revoked certificate.
#[derive(Clone, Debug)]
struct Entry {
    serial: Range<usize>,
    /// Place in `entry_issuers`; `None` for the CRL's own issuer.
    issuer: Option<usize>,
    /// The reason is removeFromCRL.
    is_removal: bool,
}

/// What a CRL says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    NotListed,
    Revoked,
    /// Listed as no longer revoked.
    Removed,
}

impl Crl {
    pub(crate) fn from_block(block: &Block) -> Result<Self, X509Error> {
        block.without_headers()?;
        Self::read(&block.contents)
            .map_err(|error| X509Error::malformed(Object::Crl, Some(block.position), error))
    }

    /// Reads a CRL; bytes after it are ignored, as OpenSSL ignores them in PEM blocks.
    pub(crate) fn read(bytes: &[u8]) -> DerResult<Self> {
        let element = Reader::new(bytes).expect(tag::SEQUENCE, "a CRL is expected")?;
        let der = element.whole;
        let mut outer = element.inside();
        let signed = outer.expect(tag::SEQUENCE, "the signed part of a CRL is expected")?;
        let outer_algorithm = outer.any()?;
        let signature_algorithm = SignatureAlgorithm::read(&outer_algorithm)?;
        let signature = bit_string(&outer.expect(tag::BIT_STRING, "a signature is expected")?)?;
        outer.finish()?;

        let mut inside = signed.inside();
        if let Some(version) = inside.optional(tag::INTEGER)? {
            integer(&version)?;
        }
        let inner_algorithm = inside.any()?;
        SignatureAlgorithm::read(&inner_algorithm)?;
        let issuer_canonical =
            name::canonical(&inside.expect(tag::SEQUENCE, "the issuer's name is expected")?)?;
        let mut ahead = inside;
        let last_update = Time::read(&mut inside)?;
        let mut has_short_time = Time::skip(&mut ahead)?;
        let next_update = match inside.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => {
                has_short_time |= Time::skip(&mut ahead)?;
                Some(Time::read(&mut inside)?)
            }
            _ => None,
        };
        let revoked = inside.optional(tag::SEQUENCE)?;
        let list = match inside.optional(tag::constructed(0))? {
            Some(explicit) => {
                let mut content = explicit.inside();
                let list = content.expect(tag::SEQUENCE, "a list of extensions is expected")?;
                content.finish()?;
                Some(list.inside())
            }
            None => None,
        };
        inside.finish()?;

        let mut crl = Self {
            signed_part: range_of(der, signed.whole),
            signature: signature.whole_bytes().map(|bytes| range_of(der, bytes)),
            signature_algorithm,
            algorithms_agree: outer_algorithm.whole == inner_algorithm.whole,
            issuer_canonical,
            last_update,
            next_update,
            unhandled_critical: false,
            is_delta: false,
            is_beyond_us: false,
            has_short_time,
            authority_key_identifier: None,
            issuing_distribution_point: None,
            entries: Vec::new(),
            entry_issuers: Vec::new(),
            proved: Proved::default(),
            source: Source::Peer,
            der: Vec::new(),
        };
        if let Some(list) = list {
            crl.read_extensions(der, list)?;
        }
        if let Some(revoked) = revoked {
            crl.read_entries(der, revoked.inside())?;
        }
        crl.der = der.to_vec();
        Ok(crl)
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whose signature it is known to have.
    pub(crate) fn proved(&self) -> &Proved {
        &self.proved
    }

    pub(crate) fn signed_part(&self) -> &[u8] {
        self.part(&self.signed_part)
    }

    /// The signature; `None` when it has unused bits, with which OpenSSL accepts no signature.
    pub(crate) fn signature(&self) -> Option<&[u8]> {
        self.signature.as_ref().map(|range| self.part(range))
    }

    pub(crate) fn authority_key_identifier(&self) -> Option<KeyIdentifier<'_>> {
        self.authority_key_identifier.as_ref().map(|identifier| KeyIdentifier::of(identifier, &self.der))
    }

    /// Looks a certificate up by serial number and issuer (OpenSSL: `def_crl_lookup`).
    pub(crate) fn lookup(&self, certificate: &Certificate<'_>) -> Revocation {
        let serial = certificate.serial();
        let first = self.entries.partition_point(|entry| self.part(&entry.serial) < serial);
        self.entries
            .iter()
            .skip(first)
            .take_while(|entry| self.part(&entry.serial) == serial)
            .find(|entry| self.entry_is_by(entry, &certificate.issuer_canonical))
            .map_or(Revocation::NotListed, |entry| {
                if entry.is_removal { Revocation::Removed } else { Revocation::Revoked }
            })
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }

    fn entry_is_by(&self, entry: &Entry, issuer: &[u8]) -> bool {
        let Some(names) = entry.issuer.and_then(|place| self.entry_issuers.get(place)) else {
            return self.issuer_canonical == issuer;
        };
        names.iter().any(|name| name == issuer)
    }

    /// OpenSSL handles three critical extensions here, knows no malformed CRL among those that parse, and takes an extension
    /// that is malformed or there twice for none. What is malformed for us alone is not taken for none.
    fn read_extensions(&mut self, der: &[u8], mut list: Reader<'_>) -> DerResult<()> {
        use oid::extension as known;
        let (mut identifiers, mut points, mut deltas) = (0_u8, 0_u8, 0_u8);
        while !list.is_empty() {
            let extension = Extension::read(&mut list)?;
            let value = extension.value.inside().any();
            let handled = match extension.oid {
                known::AUTHORITY_KEY_IDENTIFIER => {
                    identifiers = identifiers.saturating_add(1);
                    self.authority_key_identifier =
                        value.and_then(|value| AuthorityKeyIdentifier::read(der, &value)).ok();
                    true
                }
                known::ISSUING_DISTRIBUTION_POINT => {
                    points = points.saturating_add(1);
                    let read = |value| IssuingDistributionPoint::read(&value, &self.issuer_canonical);
                    self.issuing_distribution_point = value.and_then(read).ok();
                    true
                }
                known::DELTA_CRL_INDICATOR => {
                    deltas = deltas.saturating_add(1);
                    self.is_delta = value.and_then(|value| integer_of(&value)).is_ok();
                    true
                }
                _ => false,
            };
            self.unhandled_critical |= extension.critical && !handled;
            self.is_beyond_us |= handled && is_ber(&extension);
        }
        if identifiers > 1 {
            self.authority_key_identifier = None;
        }
        if points > 1 {
            self.issuing_distribution_point = None;
        }
        self.is_delta &= deltas == 1;
        Ok(())
    }

    /// An extension of an entry that is malformed or there twice does not stop OpenSSL (`crl_set_issuers`), but it looks at no
    /// extension behind it, of this entry or a later one: those certificates are revoked, whatever the extensions say.
    fn read_entries(&mut self, der: &[u8], mut list: Reader<'_>) -> DerResult<()> {
        // An entry without an issuer of its own has that of the entry before it.
        let mut issuer = None;
        let mut looks_at_extensions = true;
        while !list.is_empty() {
            let element = list.expect(tag::SEQUENCE, "a revoked certificate is expected")?;
            let mut inside = element.inside();
            let serial = integer_of(&inside.any()?)?;
            self.has_short_time |= Time::skip(&mut inside)?;
            let own = inside.optional(tag::SEQUENCE)?;
            inside.finish()?;
            let mut entry = Entry { serial: range_of(der, serial), issuer: None, is_removal: false };
            if let Some(own) = &own {
                well_formed(own.inside())?;
            }
            if looks_at_extensions {
                looks_at_extensions =
                    self.read_entry_extensions(own.map(|own| own.inside()), &mut issuer, &mut entry).is_ok();
            }
            self.entries.push(entry);
        }
        let serial = |entry: &Entry| der.get(entry.serial.clone()).unwrap_or_default();
        self.entries.sort_by(|left, right| serial(left).cmp(serial(right)));
        Ok(())
    }

    /// Issuer, reason and critical extensions, in the order in which OpenSSL looks for them. The error is the first that cannot be
    /// read.
    fn read_entry_extensions(
        &mut self,
        list: Option<Reader<'_>>,
        issuer: &mut Option<usize>,
        entry: &mut Entry,
    ) -> DerResult<()> {
        let list = list.unwrap_or(Reader::new(&[]));
        if let Some(value) = only_value(list, oid::extension::CERTIFICATE_ISSUER)? {
            if value.tag != tag::SEQUENCE {
                return value.error("names are expected");
            }
            count_general_names(value.inside())?;
            *issuer = Some(self.entry_issuers.len());
            self.entry_issuers.push(directory_names(value.inside()).collect());
        }
        entry.issuer = *issuer;
        if let Some(value) = only_value(list, oid::extension::CRL_REASON)? {
            if value.tag != tag::ENUMERATED {
                return value.error("a reason is expected");
            }
            entry.is_removal = integer(&value)? == REMOVE_FROM_CRL;
        }
        self.unhandled_critical |= extensions(list)
            .any(|extension| extension.critical && extension.oid != oid::extension::CERTIFICATE_ISSUER);
        Ok(())
    }
}

/// Does the value stand in BER that is no DER?
fn is_ber(extension: &Extension<'_>) -> bool {
    let der = to_der(extension.value.value);
    !der.is_empty() && !extension.value.value.starts_with(&der)
}

/// The reason removeFromCRL.
const REMOVE_FROM_CRL: [u8; 1] = [8];

/// Is this a list of extensions, whatever is in them?
fn well_formed(mut list: Reader<'_>) -> DerResult<()> {
    while !list.is_empty() {
        Extension::read(&mut list)?;
    }
    Ok(())
}

/// The value of the extension of this type, `None` without one; two of them are an error.
fn only_value<'a>(list: Reader<'a>, oid: &[u8]) -> DerResult<Option<Tlv<'a>>> {
    let mut found = extensions(list).filter(|extension| extension.oid == oid);
    let Some(extension) = found.next() else { return Ok(None) };
    if let Some(again) = found.next() {
        return again.value.error("the extension is there twice");
    }
    extension.value.inside().any().map(Some)
}

fn integer_of<'a>(value: &Tlv<'a>) -> DerResult<&'a [u8]> {
    if value.tag == tag::INTEGER { integer(value) } else { value.error("an integer is expected") }
}
