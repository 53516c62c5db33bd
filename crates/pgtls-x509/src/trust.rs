//! What is trusted: the certificates of a root file, parsed once and indexed by subject.

use crate::{
    certificate::Certificate,
    crl::{Crl, CrlStore},
    error::{Object, X509Error},
    key::private_key_block,
    pem::{Blocks, Kind},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// The certificates of a root file, and the CRLs that stand among them.
///
/// Which of them are anchors is for path validation to say: the self-signed ones, unless trust settings of a
/// `TRUSTED CERTIFICATE` say otherwise; the others serve as intermediates. Share one store between connections.
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    certificates: Vec<Certificate<'static>>,
    /// Places in `certificates` by canonical subject, in file order: OpenSSL takes the first that fits.
    by_subject: BTreeMap<Vec<u8>, Vec<usize>>,
    /// CRLs of the root file count as soon as something else turns checking on.
    crls: Vec<Crl>,
    skipped: usize,
}

impl TrustStore {
    /// Reads a PEM root file as libpq's OpenSSL does (`X509_STORE_load_locations`): an error when a block does not load or
    /// when there is neither a certificate nor a CRL in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        let contents = StoreFile::read(pem)?;
        let mut store = Self { crls: contents.crls, ..Self::default() };
        for certificate in contents.certificates {
            store.add(certificate);
        }
        Ok(store)
    }

    /// Takes DER certificates, for example the system's; those that do not parse are left out and [counted](Self::skipped).
    #[expect(single_use_lifetimes, reason = "an argument's impl cannot leave its lifetime out")]
    pub fn from_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut store = Self::default();
        for der in certificates {
            match Certificate::read(der) {
                Ok(certificate) => store.add(certificate.into_owned()),
                Err(_) => store.skipped = store.skipped.saturating_add(1),
            }
        }
        store
    }

    /// Certificates found in a CRL file join the store, as they do in libpq's.
    pub fn add_from_crl_file(&mut self, crls: &CrlStore) {
        for certificate in crls.certificates() {
            self.add(certificate.clone());
        }
    }

    /// How many certificates there are, duplicates not counted.
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// There is none: nothing can be verified.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Certificates that [`from_der`](Self::from_der) left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The DER of the certificates, in file order.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(Certificate::der)
    }

    pub(crate) fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The certificates of this canonical subject, in file order.
    pub(crate) fn by_subject(&self, canonical: &[u8]) -> impl Iterator<Item = &Certificate<'static>> {
        let places = self.by_subject.get(canonical).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|&place| self.certificates.get(place))
    }

    /// Adds a certificate unless it is there.
    fn add(&mut self, certificate: Certificate<'static>) {
        if self.by_subject(&certificate.subject_canonical).any(|known| known.der() == certificate.der()) {
            return;
        }
        let place = self.certificates.len();
        self.by_subject.entry(certificate.subject_canonical.clone()).or_default().push(place);
        self.certificates.push(certificate);
    }
}

/// What OpenSSL loads from a PEM file into a store: certificates and CRLs (`X509_load_cert_crl_file`).
#[derive(Debug, Default)]
pub(crate) struct StoreFile {
    pub(crate) certificates: Vec<Certificate<'static>>,
    pub(crate) crls: Vec<Crl>,
}

impl StoreFile {
    pub(crate) fn read(pem: &[u8]) -> Result<Self, X509Error> {
        let mut file = Self::default();
        for block in Blocks::new(pem) {
            let block = block?;
            match block.kind() {
                Kind::Certificate | Kind::TrustedCertificate => {
                    file.certificates.push(block.certificate()?.into_owned());
                }
                Kind::Crl => file.crls.push(Crl::from_block(&block)?),
                // Nobody needs a key here, but one that is no key stops OpenSSL. An encrypted one is not looked into.
                Kind::PrivateKey if block.headers.is_empty() && block.label != "ENCRYPTED PRIVATE KEY" => {
                    private_key_block(&block)?;
                }
                Kind::PrivateKey | Kind::Other => {}
            }
        }
        if file.certificates.is_empty() && file.crls.is_empty() {
            return Err(X509Error::NothingLoadable { wanted: Object::CertificateOrCrl });
        }
        Ok(file)
    }
}
