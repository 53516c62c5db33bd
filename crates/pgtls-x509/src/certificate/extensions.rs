//! What a certificate's extensions say, read once and as OpenSSL reads them (`ossl_x509v3_cache_extensions`).
//!
//! Three rules of OpenSSL's shape this file. An extension that is malformed, or there twice, does not make the certificate
//! unreadable: it makes it *invalid*, and an invalid certificate neither issues nor is issued. Bytes after the value inside
//! the extension are ignored. Extensions count in certificates of every version.

use super::{
    distribution_point,
    general_name::{GeneralName, count_general_names, general_names},
};
use crate::{
    oid,
    tlv::{
        DerError, DerResult, Reader, Tlv, bit_string, boolean, integer, oid as oid_content, range_of, tag,
    },
};
use alloc::vec::Vec;
use core::ops::Range;

/// Bits of a key usage, as [`crate::tlv::BitString::first_two_bytes`] gives them.
pub(crate) mod key_usage {
    pub(crate) const DIGITAL_SIGNATURE: u16 = 0x0080;
    pub(crate) const KEY_ENCIPHERMENT: u16 = 0x0020;
    pub(crate) const KEY_AGREEMENT: u16 = 0x0008;
    pub(crate) const KEY_CERT_SIGN: u16 = 0x0004;
    pub(crate) const CRL_SIGN: u16 = 0x0002;
}

/// Bits of a Netscape certificate type.
pub(crate) mod netscape {
    pub(crate) const SSL_CLIENT: u8 = 0x80;
    pub(crate) const SSL_SERVER: u8 = 0x40;
    pub(crate) const SSL_CA: u8 = 0x04;
    pub(crate) const ANY_CA: u8 = 0x07;
}

/// Purposes of an extended key usage that bear on TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of purposes")]
pub(crate) struct ExtendedKeyUsage {
    pub(crate) server: bool,
    pub(crate) client: bool,
    /// Server gated crypto, of Microsoft or Netscape: OpenSSL takes it for a server.
    pub(crate) gated_crypto: bool,
    pub(crate) any: bool,
}

/// An authorityKeyIdentifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthorityKeyIdentifier {
    pub(crate) key_identifier: Option<Range<usize>>,
    /// Canonical form of the first directory name; OpenSSL ignores the other names.
    pub(crate) issuer: Option<Vec<u8>>,
    pub(crate) serial: Option<Range<usize>>,
}

/// Why an extension makes its certificate invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidExtension {
    pub(crate) name: &'static str,
    pub(crate) error: DerError,
}

/// Everything path validation asks of extensions. Ranges point into the certificate.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Extensions {
    /// The first extension that makes the certificate invalid.
    pub(crate) invalid: Option<InvalidExtension>,
    /// Object identifier of the first critical extension that is not understood.
    pub(crate) unhandled_critical: Option<Range<usize>>,
    pub(crate) has_basic_constraints: bool,
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u64>,
    pub(crate) is_proxy: bool,
    pub(crate) key_usage: Option<u16>,
    pub(crate) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(crate) netscape_type: Option<u8>,
    pub(crate) subject_key_identifier: Option<Range<usize>>,
    pub(crate) authority_key_identifier: Option<AuthorityKeyIdentifier>,
    /// Content of the GeneralNames.
    pub(crate) subject_alt_name: Option<Range<usize>>,
    pub(crate) subject_alt_name_count: usize,
    /// The whole NameConstraints.
    pub(crate) name_constraints: Option<Range<usize>>,
    /// Content of the CRLDistributionPoints.
    pub(crate) crl_distribution_points: Option<Range<usize>>,
    /// There are address blocks or AS numbers (RFC 3779).
    pub(crate) has_internet_resources: bool,
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    /// The OCTET STRING around the value.
    pub(crate) value: Tlv<'a>,
}

impl<'a> Extension<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> DerResult<Self> {
        let element = reader.expect(tag::SEQUENCE, "an extension is expected")?;
        let mut inside = element.inside();
        let oid = oid_content(&inside.expect(tag::OID, "the type of an extension is expected")?)?;
        let critical = match inside.optional(tag::BOOLEAN)? {
            Some(critical) => boolean(&critical)?,
            None => false,
        };
        let value = inside.expect(tag::OCTET_STRING, "the value of an extension is expected")?;
        inside.finish()?;
        Ok(Self { oid, critical, value })
    }
}

/// The extensions of a list; ends at the first error.
pub(crate) fn extensions(mut list: Reader<'_>) -> impl Iterator<Item = Extension<'_>> {
    core::iter::from_fn(move || if list.is_empty() { None } else { Extension::read(&mut list).ok() })
}

/// Takes the value of one extension over into the facts.
type Slot = fn(&mut Extensions, &[u8], &Tlv<'_>) -> DerResult<()>;

impl Extensions {
    /// Reads the content of a certificate's extension list. An error is a list that is no list.
    pub(crate) fn read(der: &[u8], list: Reader<'_>) -> DerResult<Self> {
        let mut facts = Self::default();
        let mut seen = Seen::default();
        let mut rest = list;
        while !rest.is_empty() {
            let extension = Extension::read(&mut rest)?;
            if let Err(invalid) = facts.take(der, &extension, &mut seen) {
                facts.invalid.get_or_insert(invalid);
            }
            if extension.critical && !is_handled(extension.oid) {
                facts.unhandled_critical.get_or_insert_with(|| range_of(der, extension.oid));
            }
        }
        // A proxy is neither a CA nor may it have names of its own.
        if let Some(position) = seen.proxy
            && (facts.is_ca || facts.subject_alt_name.is_some() || seen.issuer_alt_name)
        {
            let error = DerError { position, problem: "a proxy certificate is a CA or has other names" };
            facts.invalid.get_or_insert(InvalidExtension { name: "proxyCertInfo", error });
        }
        Ok(facts)
    }

    fn take(
        &mut self,
        der: &[u8],
        extension: &Extension<'_>,
        seen: &mut Seen,
    ) -> Result<(), InvalidExtension> {
        use oid::extension as known;
        let (bit, name, slot): (u16, _, Slot) = match extension.oid {
            known::BASIC_CONSTRAINTS => (1, "basicConstraints", Self::take_basic_constraints),
            known::PROXY_CERT_INFO => {
                seen.proxy.get_or_insert(extension.value.position);
                (1 << 1, "proxyCertInfo", Self::take_proxy)
            }
            known::KEY_USAGE => (1 << 2, "keyUsage", Self::take_key_usage),
            known::EXTENDED_KEY_USAGE => (1 << 3, "extendedKeyUsage", Self::take_extended_key_usage),
            known::NETSCAPE_CERT_TYPE => (1 << 4, "nsCertType", Self::take_netscape_type),
            known::SUBJECT_KEY_IDENTIFIER => {
                (1 << 5, "subjectKeyIdentifier", Self::take_subject_key_identifier)
            }
            known::AUTHORITY_KEY_IDENTIFIER => {
                (1 << 6, "authorityKeyIdentifier", Self::take_authority_key_identifier)
            }
            known::SUBJECT_ALT_NAME => (1 << 7, "subjectAltName", Self::take_subject_alt_name),
            known::NAME_CONSTRAINTS => (1 << 8, "nameConstraints", Self::take_name_constraints),
            known::CRL_DISTRIBUTION_POINTS => {
                (1 << 9, "cRLDistributionPoints", Self::take_crl_distribution_points)
            }
            known::IP_ADDRESS_BLOCKS => (1 << 10, "ipAddrBlocks", Self::take_internet_resources),
            known::AUTONOMOUS_SYSTEMS => (1 << 11, "autonomousSysIds", Self::take_internet_resources),
            known::ISSUER_ALT_NAME => {
                seen.issuer_alt_name = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let invalid = |error| InvalidExtension { name, error };
        if seen.known & bit != 0 {
            let error =
                DerError { position: extension.value.position, problem: "the extension is there twice" };
            return Err(invalid(error));
        }
        seen.known |= bit;
        let value = extension.value.inside().any().map_err(invalid)?;
        slot(self, der, &value).map_err(invalid)
    }

    fn take_basic_constraints(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        let mut inside = sequence(value)?;
        if let Some(ca) = inside.optional(tag::BOOLEAN)? {
            self.is_ca = boolean(&ca)?;
        }
        if let Some(length) = inside.optional(tag::INTEGER)? {
            let content = integer(&length)?;
            if content.first().is_some_and(|byte| byte & 0x80 != 0) {
                return length.error("the path length is negative");
            }
            // More than an i64 holds is no bound, as in OpenSSL.
            self.path_length = unsigned(content);
        }
        inside.finish()?;
        self.has_basic_constraints = true;
        Ok(())
    }

    fn take_proxy(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        sequence(value)?;
        self.is_proxy = true;
        Ok(())
    }

    fn take_key_usage(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        if value.tag != tag::BIT_STRING {
            return value.error("a bit string is expected");
        }
        let bits = bit_string(value)?.first_two_bytes();
        self.key_usage = Some(bits);
        if bits == 0 { value.error("the key may be used for nothing") } else { Ok(()) }
    }

    fn take_extended_key_usage(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        let mut usage = ExtendedKeyUsage::default();
        let mut inside = sequence(value)?;
        while !inside.is_empty() {
            match oid_content(&inside.expect(tag::OID, "a purpose is expected")?)? {
                oid::purpose::SERVER_AUTH => usage.server = true,
                oid::purpose::CLIENT_AUTH => usage.client = true,
                oid::purpose::MICROSOFT_SGC | oid::purpose::NETSCAPE_SGC => usage.gated_crypto = true,
                oid::purpose::ANY => usage.any = true,
                _ => {}
            }
        }
        self.extended_key_usage = Some(usage);
        Ok(())
    }

    fn take_netscape_type(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        if value.tag != tag::BIT_STRING {
            return value.error("a bit string is expected");
        }
        let [first, _] = bit_string(value)?.first_two_bytes().to_le_bytes();
        self.netscape_type = Some(first);
        Ok(())
    }

    fn take_subject_key_identifier(&mut self, der: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        if value.tag != tag::OCTET_STRING {
            return value.error("an octet string is expected");
        }
        self.subject_key_identifier = Some(range_of(der, value.value));
        Ok(())
    }

    fn take_authority_key_identifier(&mut self, der: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        self.authority_key_identifier = Some(AuthorityKeyIdentifier::read(der, value)?);
        Ok(())
    }

    fn take_subject_alt_name(&mut self, der: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        self.subject_alt_name_count = count_general_names(sequence(value)?)?;
        self.subject_alt_name = Some(range_of(der, value.value));
        Ok(())
    }

    fn take_name_constraints(&mut self, der: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        super::name_constraints::NameConstraints::check(value)?;
        self.name_constraints = Some(range_of(der, value.whole));
        Ok(())
    }

    fn take_crl_distribution_points(&mut self, der: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        let mut points = sequence(value)?;
        while !points.is_empty() {
            distribution_point::DistributionPoint::read(&mut points)?;
        }
        self.crl_distribution_points = Some(range_of(der, value.value));
        Ok(())
    }

    fn take_internet_resources(&mut self, _: &[u8], value: &Tlv<'_>) -> DerResult<()> {
        self.has_internet_resources = true;
        sequence(value).map(|_| ())
    }
}

impl AuthorityKeyIdentifier {
    pub(crate) fn read(der: &[u8], value: &Tlv<'_>) -> DerResult<Self> {
        let mut inside = sequence(value)?;
        let mut read = Self::default();
        if let Some(key) = inside.optional(tag::primitive(0))? {
            read.key_identifier = Some(range_of(der, key.value));
        }
        if let Some(issuer) = inside.optional(tag::constructed(1))? {
            for name in general_names(issuer.inside()) {
                if let GeneralName::Directory { canonical, .. } = name? {
                    read.issuer.get_or_insert(canonical);
                }
            }
        }
        if let Some(serial) = inside.optional(tag::primitive(2))? {
            read.serial = Some(range_of(der, integer(&serial)?));
        }
        inside.finish()?;
        Ok(read)
    }
}

/// Extensions that were read.
#[derive(Default)]
struct Seen {
    /// A bit for each known extension.
    known: u16,
    issuer_alt_name: bool,
    /// Position of the first proxyCertInfo.
    proxy: Option<usize>,
}

/// Critical extensions that do not stop OpenSSL (`X509_supported_extension`). Key identifiers are not among them.
fn is_handled(oid: &[u8]) -> bool {
    use oid::extension as known;
    [
        known::NETSCAPE_CERT_TYPE,
        known::KEY_USAGE,
        known::SUBJECT_ALT_NAME,
        known::BASIC_CONSTRAINTS,
        known::CERTIFICATE_POLICIES,
        known::CRL_DISTRIBUTION_POINTS,
        known::EXTENDED_KEY_USAGE,
        known::IP_ADDRESS_BLOCKS,
        known::AUTONOMOUS_SYSTEMS,
        known::OCSP_NO_CHECK,
        known::POLICY_CONSTRAINTS,
        known::PROXY_CERT_INFO,
        known::NAME_CONSTRAINTS,
        known::POLICY_MAPPINGS,
        known::INHIBIT_ANY_POLICY,
    ]
    .contains(&oid)
}

/// The inside of an element that must be a SEQUENCE.
fn sequence<'a>(value: &Tlv<'a>) -> DerResult<Reader<'a>> {
    if value.tag == tag::SEQUENCE { Ok(value.inside()) } else { value.error("a sequence is expected") }
}

/// A non-negative INTEGER, `None` when it does not fit an `i64`.
fn unsigned(content: &[u8]) -> Option<u64> {
    let number =
        content.iter().try_fold(0_u64, |number, &byte| Some(number.checked_mul(256)? | u64::from(byte)))?;
    i64::try_from(number).is_ok().then_some(number)
}
