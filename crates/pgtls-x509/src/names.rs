//! The names a certificate presents, as libpq looks at them: borrowed, in certificate order, raw.

use crate::{
    certificate::{
        Outline,
        extensions::extensions,
        general_name::{GeneralName, general_names},
        name,
    },
    error::{Object, X509Error},
    oid,
    tlv::{DerError, DerResult, Reader, tag},
};
use alloc::vec::Vec;
use pgtls_core::name::{PeerName, PeerNames};

/// The names of a certificate, borrowed from its DER. [`peer_names`](Self::peer_names) is what
/// [`pgtls_core::name::match_host`] wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    let outline = Outline::read(certificate).map_err(malformed)?;
    let list = outline.extension_list.map_or(Reader::new(&[]), |list| list.inside());
    let mut found = extensions(list).filter(|extension| extension.oid == oid::extension::SUBJECT_ALT_NAME);
    let mut subject_alt_names = Vec::new();
    if let Some(extension) = found.next() {
        subject_alt_names = names_of(extension.value.inside()).map_err(malformed)?;
        if let Some(again) = found.next() {
            let problem = "there are two subjectAltName extensions";
            return Err(malformed(DerError { position: again.value.position, problem }));
        }
    }
    Ok(PresentedNames { subject_alt_names, common_name: name::first_common_name(outline.subject.whole) })
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
