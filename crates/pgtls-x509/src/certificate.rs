//! A certificate taken apart without copying it: where its parts are, and the facts that path validation asks for.

pub(crate) mod algorithm;
mod cross_reference;
pub(crate) mod curve;
pub(crate) mod distribution_point;
pub(crate) mod extensions;
pub(crate) mod general_name;
pub(crate) mod name;
pub(crate) mod name_constraints;
pub(crate) mod public_key;
pub(crate) mod time;

use crate::{
    source::Source,
    tlv::{BitString, DerResult, Reader, Tlv, bit_string, integer, range_of, tag},
};
use algorithm::{SignatureAlgorithm, SignatureId};
use alloc::{borrow::Cow, vec::Vec};
use core::ops::Range;
use extensions::{AuthorityKeyIdentifier, Extensions};
use public_key::{PublicKey, ReadKey};
use time::Time;

/// A certificate of any version: its bytes, borrowed or owned, and what they say.
#[derive(Clone, Debug)]
pub(crate) struct Certificate<'a> {
    der: Cow<'a, [u8]>,
    signed_part: Range<usize>,
    serial: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    /// The public key in the form that crypto providers read.
    public_key_bits: Cow<'a, [u8]>,
    /// Work of reading the public key, in bytes of the budget.
    pub(crate) key_work: usize,
    /// `None` when the signature has unused bits.
    signature: Option<Range<usize>>,
    /// 1 for X.509 v1.
    pub(crate) version: u8,
    pub(crate) not_before: Time,
    pub(crate) not_after: Time,
    /// The algorithm named beside the signature.
    pub(crate) signature_algorithm: SignatureAlgorithm,
    /// The algorithm named inside the signed part, by which OpenSSL chooses issuers; `None` when OpenSSL does not have it.
    pub(crate) signature_id: Option<&'static SignatureId>,
    /// Both are the same, byte for byte.
    pub(crate) algorithms_agree: bool,
    pub(crate) public_key: PublicKey,
    pub(crate) issuer_canonical: Vec<u8>,
    pub(crate) subject_canonical: Vec<u8>,
    pub(crate) extensions: Extensions,
    /// Trust settings of a `TRUSTED CERTIFICATE`.
    pub(crate) trust: Option<TrustSettings>,
    pub(crate) source: Source,
    /// Subject and issuer are the same name.
    pub(crate) self_issued: bool,
    /// Self-signed for every release of OpenSSL, by names, key identifiers and algorithms; the signature is not checked.
    pub(crate) self_signed: bool,
}

/// Purposes for which a certificate of the root file is trusted or rejected (OpenSSL: `X509_CERT_AUX`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustSettings {
    pub(crate) trusted: Option<Vec<Vec<u8>>>,
    pub(crate) rejected: Vec<Vec<u8>>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate that fills `der` to the last byte.
    pub(crate) fn read(der: &'a [u8]) -> DerResult<Self> {
        let mut reader = Reader::new(der);
        let certificate = Self::read_from(&mut reader)?;
        reader.finish()?;
        Ok(certificate)
    }

    /// Reads the certificate at the beginning of a PEM block, whose other bytes OpenSSL ignores.
    pub(crate) fn read_block(der: &'a [u8]) -> DerResult<Self> {
        Self::read_from(&mut Reader::new(der))
    }

    /// Reads a certificate followed by its trust settings, as in a `TRUSTED CERTIFICATE` block.
    pub(crate) fn read_trusted_block(der: &'a [u8]) -> DerResult<Self> {
        let mut reader = Reader::new(der);
        let mut certificate = Self::read_from(&mut reader)?;
        if !reader.is_empty() {
            certificate.trust = Some(TrustSettings::read(&mut reader)?);
        }
        Ok(certificate)
    }

    fn read_from(reader: &mut Reader<'a>) -> DerResult<Self> {
        let outline = Outline::read_from(reader)?;
        let der = outline.whole;
        let signature_algorithm = SignatureAlgorithm::read(&outline.outer_algorithm)?;
        let signature_id = SignatureId::read(&outline.inner_algorithm)?;
        let issuer_canonical = name::canonical(&outline.issuer)?;
        let mut validity = outline.validity.inside();
        let not_before = Time::read_whole(&mut validity)?;
        let not_after = Time::read_whole(&mut validity)?;
        validity.finish()?;
        let subject_canonical = name::canonical(&outline.subject)?;
        let extensions = match &outline.extension_list {
            Some(list) => Extensions::read(der, list.inside())?,
            None => Extensions::default(),
        };
        let self_issued = subject_canonical == issuer_canonical;
        // It has an algorithm and a BIT STRING, whether or not they make a key.
        key_bits(&outline.public_key_info)?;
        let key = ReadKey::read(&outline.public_key_info);
        let mut certificate = Self {
            signed_part: range_of(der, outline.signed_part),
            serial: range_of(der, outline.serial),
            issuer: range_of(der, outline.issuer.whole),
            subject: range_of(der, outline.subject.whole),
            public_key_bits: key.bits,
            key_work: key.work,
            signature: outline.signature.whole_bytes().map(|bytes| range_of(der, bytes)),
            version: outline.version,
            not_before,
            not_after,
            signature_algorithm,
            signature_id,
            algorithms_agree: outline.outer_algorithm.whole == outline.inner_algorithm.whole,
            public_key: key.key,
            issuer_canonical,
            subject_canonical,
            extensions,
            trust: None,
            source: Source::Peer,
            self_issued,
            self_signed: false,
            der: outline.encoded(),
        };
        certificate.self_signed = self_issued
            && certificate.matches_key_identifier_of(certificate.authority_key_identifier())
            && certificate.key_fits_signature_of(&certificate);
        Ok(certificate)
    }

    /// The same certificate with bytes of its own.
    pub(crate) fn into_owned(self) -> Certificate<'static> {
        Certificate {
            der: Cow::Owned(self.der.into_owned()),
            public_key_bits: Cow::Owned(self.public_key_bits.into_owned()),
            ..self
        }
    }

    /// The certificate as OpenSSL encodes it again, which is what OpenSSL compares ([`Outline::encoded`]).
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// What the signature is over.
    pub(crate) fn signed_part(&self) -> &[u8] {
        self.part(&self.signed_part)
    }

    /// The signature; `None` when it has unused bits, with which OpenSSL accepts no signature.
    pub(crate) fn signature(&self) -> Option<&[u8]> {
        self.signature.as_ref().map(|range| self.part(range))
    }

    /// Content of the serial number's INTEGER.
    pub(crate) fn serial(&self) -> &[u8] {
        self.part(&self.serial)
    }

    /// The whole Name.
    pub(crate) fn issuer(&self) -> &[u8] {
        self.part(&self.issuer)
    }

    /// The whole Name.
    pub(crate) fn subject(&self) -> &[u8] {
        self.part(&self.subject)
    }

    /// The key inside the SubjectPublicKeyInfo in the form that crypto providers read ([`ReadKey::bits`]).
    pub(crate) fn public_key_bits(&self) -> &[u8] {
        &self.public_key_bits
    }

    /// A part that a range of this certificate's facts points to.
    pub(crate) fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }

    /// A reader of such a part that counts positions from the certificate's first byte.
    pub(crate) fn reader(&self, range: &Range<usize>) -> Reader<'_> {
        Reader::at(self.part(range), range.start)
    }

    /// The two sides of an authorityKeyIdentifier comparison: this certificate's, if it has one.
    pub(crate) fn authority_key_identifier(&self) -> Option<KeyIdentifier<'_>> {
        let identifier = self.extensions.authority_key_identifier.as_ref()?;
        Some(KeyIdentifier::of(identifier, &self.der))
    }

    /// Does this certificate's key identifier, issuer and serial number agree with what `identifier` says of its issuer?
    /// What either side leaves out is not compared (OpenSSL: `X509_check_akid`).
    pub(crate) fn matches_key_identifier_of(&self, identifier: Option<KeyIdentifier<'_>>) -> bool {
        let Some(identifier) = identifier else { return true };
        if let (Some(wanted), Some(own)) = (identifier.key, &self.extensions.subject_key_identifier)
            && wanted != self.part(own)
        {
            return false;
        }
        if identifier.serial.is_some_and(|serial| serial != self.serial()) {
            return false;
        }
        identifier.issuer.is_none_or(|issuer| issuer == self.issuer_canonical)
    }

    /// Bytes that [`matches_key_identifier_of`](Self::matches_key_identifier_of) compares at most. Texts of unequal lengths differ
    /// without a look at their bytes.
    pub(crate) fn bytes_compared_with(&self, identifier: Option<KeyIdentifier<'_>>) -> usize {
        let Some(identifier) = identifier else { return 0 };
        let own_key = self.extensions.subject_key_identifier.as_ref().map(|own| self.part(own));
        let pairs = [
            identifier.key.zip(own_key),
            identifier.serial.map(|serial| (serial, self.serial())),
            identifier.issuer.map(|issuer| (issuer, self.issuer_canonical.as_slice())),
        ];
        let equally_long = pairs.into_iter().flatten().filter(|(left, right)| left.len() == right.len());
        equally_long.map(|(left, _)| left.len()).sum()
    }

    /// Whether this certificate's key is of the kind that signed `subject` according to `subject`, in every release of OpenSSL
    /// (OpenSSL: `check_sig_alg_match`).
    pub(crate) fn key_fits_signature_of(&self, subject: &Certificate<'_>) -> bool {
        subject.signature_id.is_some_and(|id| id.is_in_every_release() && id.is_by(self.public_key))
    }

    /// Whether some release of OpenSSL regards the certificate as its own issuer. The releases differ by the signature algorithms
    /// that they have.
    pub(crate) fn is_self_signed_for_some_release(&self) -> bool {
        self.self_issued
            && self.extensions.invalid.is_none()
            && self.matches_key_identifier_of(self.authority_key_identifier())
            && self.signature_id.is_some_and(|id| id.is_by(self.public_key))
    }
}

/// The parts of an authorityKeyIdentifier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyIdentifier<'a> {
    key: Option<&'a [u8]>,
    serial: Option<&'a [u8]>,
    /// Canonical form of the first directory name.
    issuer: Option<&'a [u8]>,
}

impl<'a> KeyIdentifier<'a> {
    /// Of the extension whose ranges point into `der`.
    pub(crate) fn of(identifier: &'a AuthorityKeyIdentifier, der: &'a [u8]) -> Self {
        let part = |range: &Option<Range<usize>>| range.as_ref().and_then(|range| der.get(range.clone()));
        Self {
            key: part(&identifier.key_identifier),
            serial: part(&identifier.serial),
            issuer: identifier.issuer.as_deref(),
        }
    }
}

impl TrustSettings {
    /// `SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject [0] SEQUENCE OF OID OPTIONAL, ... }`; alias and the rest are skipped.
    fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let mut inside = reader.expect(tag::SEQUENCE, "trust settings are expected")?.inside();
        let trusted = match inside.optional(tag::SEQUENCE)? {
            Some(list) => Some(purposes(&list)?),
            None => None,
        };
        let rejected = match inside.optional(tag::constructed(0))? {
            Some(list) => purposes(&list)?,
            None => Vec::new(),
        };
        while !inside.is_empty() {
            inside.any()?;
        }
        Ok(Self { trusted, rejected })
    }
}

fn purposes(list: &Tlv<'_>) -> DerResult<Vec<Vec<u8>>> {
    let mut inside = list.inside();
    let mut purposes = Vec::new();
    while !inside.is_empty() {
        let purpose = inside.expect(tag::OID, "a purpose is expected")?;
        purposes.push(crate::tlv::oid(&purpose)?.to_vec());
    }
    Ok(purposes)
}

/// The parts of a certificate, found but not looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) whole: &'a [u8],
    signed_part: &'a [u8],
    version: u8,
    pub(crate) serial: &'a [u8],
    inner_algorithm: Tlv<'a>,
    pub(crate) issuer: Tlv<'a>,
    validity: Tlv<'a>,
    pub(crate) subject: Tlv<'a>,
    pub(crate) public_key_info: Tlv<'a>,
    pub(crate) extension_list: Option<Tlv<'a>>,
    pub(crate) outer_algorithm: Tlv<'a>,
    signature: BitString<'a>,
}

impl<'a> Outline<'a> {
    /// Of a certificate that fills `der` to the last byte.
    pub(crate) fn read(der: &'a [u8]) -> DerResult<Self> {
        let mut reader = Reader::new(der);
        let outline = Self::read_from(&mut reader)?;
        reader.finish()?;
        Ok(outline)
    }

    fn read_from(reader: &mut Reader<'a>) -> DerResult<Self> {
        let element = reader.expect(tag::SEQUENCE, "a certificate is expected")?;
        let mut outer = element.inside();
        let signed = outer.expect(tag::SEQUENCE, "the signed part of a certificate is expected")?;
        let outer_algorithm = outer.expect(tag::SEQUENCE, "an algorithm identifier is expected")?;
        let signature = bit_string(&outer.expect(tag::BIT_STRING, "a signature is expected")?)?;
        outer.finish()?;
        let mut inside = signed.inside();
        let outline = Self {
            whole: element.whole,
            signed_part: signed.whole,
            version: version(&mut inside)?,
            serial: integer(&inside.expect(tag::INTEGER, "a serial number is expected")?)?,
            inner_algorithm: inside.expect(tag::SEQUENCE, "an algorithm identifier is expected")?,
            issuer: inside.expect(tag::SEQUENCE, "the issuer's name is expected")?,
            validity: inside.expect(tag::SEQUENCE, "a validity period is expected")?,
            subject: inside.expect(tag::SEQUENCE, "the subject's name is expected")?,
            public_key_info: inside.expect(tag::SEQUENCE, "a public key is expected")?,
            extension_list: {
                for unique_identifier in [tag::primitive(1), tag::primitive(2)] {
                    if let Some(identifier) = inside.optional(unique_identifier)? {
                        bit_string(&identifier)?;
                    }
                }
                extension_list(&mut inside)?
            },
            outer_algorithm,
            signature,
        };
        inside.finish()?;
        Ok(outline)
    }

    /// The certificate as OpenSSL encodes it again: the unused bits of the signature are cleared, and the signed part is kept as it
    /// is (OpenSSL: `i2d_X509`, which `X509_cmp` and `X509_digest` use).
    pub(crate) fn encoded(&self) -> Cow<'a, [u8]> {
        with_last_byte(self.whole, self.signature.masked_last_byte())
    }

    /// The SubjectPublicKeyInfo with the key that OpenSSL reads from it: the unused bits of its BIT STRING are cleared, and count as
    /// used.
    pub(crate) fn masked_public_key_info(&self) -> DerResult<Cow<'a, [u8]>> {
        let bits = key_bits(&self.public_key_info)?;
        if bits.whole_bytes().is_some() {
            return Ok(Cow::Borrowed(self.public_key_info.whole));
        }
        let mut info = with_last_byte(self.public_key_info.whole, bits.masked_last_byte()).into_owned();
        // The BIT STRING comes last, and the number of its unused bits before the key.
        let key_bytes = bits.masked_bytes().len();
        if let Some(unused_bits) = info.iter_mut().rev().nth(key_bytes) {
            *unused_bits = 0;
        }
        Ok(Cow::Owned(info))
    }
}

/// The bytes with another last byte, if one is given.
fn with_last_byte(bytes: &[u8], last: Option<u8>) -> Cow<'_, [u8]> {
    match (last, bytes.split_last()) {
        (Some(last), Some((old, before))) if *old != last => Cow::Owned([before, &[last]].concat()),
        _ => Cow::Borrowed(bytes),
    }
}

/// `[0] EXPLICIT INTEGER DEFAULT v1`; a number that is no version counts as 3, for it is not 1.
fn version(inside: &mut Reader<'_>) -> DerResult<u8> {
    let Some(explicit) = inside.optional(tag::constructed(0))? else {
        return Ok(1);
    };
    let mut content = explicit.inside();
    let number = integer(&content.expect(tag::INTEGER, "a version is expected")?)?;
    content.finish()?;
    Ok(match number {
        [number @ 0..=2] => number.saturating_add(1),
        _ => 3,
    })
}

/// The key in a SubjectPublicKeyInfo.
fn key_bits<'a>(public_key_info: &Tlv<'a>) -> DerResult<BitString<'a>> {
    let mut inside = public_key_info.inside();
    algorithm::identifier(&mut inside)?;
    let bits = bit_string(&inside.expect(tag::BIT_STRING, "a public key is expected")?)?;
    inside.finish()?;
    Ok(bits)
}

/// `[3] EXPLICIT SEQUENCE OF Extension`, OPTIONAL.
fn extension_list<'a>(inside: &mut Reader<'a>) -> DerResult<Option<Tlv<'a>>> {
    let Some(explicit) = inside.optional(tag::constructed(3))? else {
        return Ok(None);
    };
    let mut content = explicit.inside();
    let list = content.expect(tag::SEQUENCE, "a list of extensions is expected")?;
    content.finish()?;
    Ok(Some(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn unused_bits_of_key_and_signature_are_cleared() {
        let key = KeyPair::generate().expect("the provider makes keys");
        let certificate = CertificateParams::default().self_signed(&key).expect("the parameters are good");
        let good: &[u8] = certificate.der();
        let outline = Outline::read(good).unwrap();
        let info = outline.public_key_info.whole;
        let masked = outline.masked_public_key_info().unwrap();
        assert!(matches!(&masked, Cow::Borrowed(der) if *der == info));
        assert!(matches!(outline.encoded(), Cow::Borrowed(der) if der == good));
        // A point of 65 bytes is behind the number of its unused bits.
        let key_end = range_of(good, info).end;
        let signature = range_of(good, outline.signature.whole_bytes().unwrap());
        let mut odd = good.to_vec();
        odd[key_end - 66] = 7;
        odd[key_end - 1] = 0x81;
        odd[signature.start - 1] = 4;
        odd[signature.end - 1] = 0xff;
        let outline = Outline::read(&odd).unwrap();
        let masked = outline.masked_public_key_info().unwrap();
        let place = info.len() - 66;
        assert_eq!((masked[place], masked[info.len() - 1]), (0, 0x80));
        assert_eq!(
            (&masked[..place], &masked[place + 1..info.len() - 1]),
            (&info[..place], &info[place + 1..info.len() - 1])
        );
        let encoded = outline.encoded();
        assert_eq!((encoded.last(), &encoded[..odd.len() - 1]), (Some(&0xf0), &odd[..odd.len() - 1]));
        let certificate = Certificate::read(&odd).unwrap();
        assert_eq!((certificate.signature(), certificate.der()), (None, &*encoded));
        assert_eq!(certificate.public_key_bits().last(), Some(&0x80));
        // The signed part stays as it is.
        assert_eq!(certificate.signed_part(), outline.signed_part);
    }
}
