//! The names a certificate presents, as libpq looks at them: borrowed, in certificate order, raw.

use crate::{
    certificate::{
        Certificate,
        extensions::extensions,
        general_name::{GeneralName, general_names},
        name,
    },
    error::{Object, X509Error},
    oid,
    tlv::{DerError, DerResult, Reader, range_of, tag},
};
use alloc::vec::Vec;
use pgtls_core::name::{PeerName, PeerNames};

/// The names of a certificate, borrowed from its DER. [`peer_names`](Self::peer_names) is what
/// [`pgtls_core::name::match_host`] wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedNames<'a> {
    /// subjectAltName entries, in certificate order.
    pub subject_alt_names: Vec<PeerName<'a>>,
    /// First commonName of the subject in encoding order: raw bytes of its value.
    pub common_name: Option<&'a [u8]>,
}

impl PresentedNames<'_> {
    /// The same, borrowed.
    pub fn peer_names(&self) -> PeerNames<'_> {
        PeerNames { subject_alt_names: &self.subject_alt_names, common_name: self.common_name }
    }
}

/// Reads the names of a certificate of any version (libpq: `pgtls_verify_peer_name_matches_certificate_guts`).
/// A subjectAltName that is malformed, or there twice, is an error and never "no subjectAltName".
pub fn presented_names(certificate: &[u8]) -> Result<PresentedNames<'_>, X509Error> {
    let malformed = |error| X509Error::malformed(Object::Certificate, None, error);
    let read = Certificate::read(certificate).map_err(malformed)?;
    // Cut from the input again, for the names live as long as it does.
    let part = |part| certificate.get(range_of(certificate, part)).unwrap_or_default();
    let list = part(read.extension_list());
    let position = range_of(certificate, list).start;
    let mut subject_alt_names = Vec::new();
    let mut found = extensions(Reader::at(list, position))
        .filter(|extension| extension.oid == oid::extension::SUBJECT_ALT_NAME);
    if let Some(extension) = found.next() {
        subject_alt_names = names_of(extension.value.inside()).map_err(malformed)?;
        if let Some(again) = found.next() {
            let error = DerError {
                position: again.value.position,
                problem: "there are two subjectAltName extensions",
            };
            return Err(malformed(error));
        }
    }
    Ok(PresentedNames { subject_alt_names, common_name: name::first_common_name(part(read.subject())) })
}

fn names_of(mut value: Reader<'_>) -> DerResult<Vec<PeerName<'_>>> {
    let names = value.expect(tag::SEQUENCE, "a list of names is expected")?;
    general_names(names.inside())
        .map(|name| {
            Ok(match name? {
                GeneralName::Dns(bytes) => PeerName::Dns(bytes),
                GeneralName::Ip(octets) => PeerName::Ip(octets),
                _ => PeerName::Other,
            })
        })
        .collect()
}
