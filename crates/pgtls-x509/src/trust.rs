//! What is trusted: the certificates of a root file, parsed once and indexed by subject.

use crate::{
    certificate::Certificate,
    crl::{Crl, CrlStore},
    error::{Object, X509Error},
    hash::{certificate_file_name, name_hash},
    key::check_stored_key,
    pem::{Block, Blocks, Kind},
    source::Source,
    tlv::DerError,
};
use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};

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
    /// What the store is called.
    name: Option<Arc<str>>,
}

impl TrustStore {
    /// Reads a PEM root file as libpq's OpenSSL does (`X509_STORE_load_locations`): an error when a block does not load or
    /// when there is neither a certificate nor a CRL in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        let contents = StoreFile::read(pem)?;
        if let Some(error) = contents.short_time {
            return Err(error);
        }
        let mut store = Self { crls: contents.crls, ..Self::default() };
        let source = store.source();
        for crl in &mut store.crls {
            crl.source = source.clone();
        }
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

    /// The same store, called by this name, as refusals tell it: the path of the root file, say.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(Arc::from(name));
        let source = self.source();
        for certificate in &mut self.certificates {
            certificate.source = source.clone();
        }
        for crl in &mut self.crls {
            crl.source = source.clone();
        }
        self
    }

    /// Adds the certificates and CRLs of another PEM root file; refusals call it `name`.
    ///
    /// # Errors
    /// Those of [`from_pem`](Self::from_pem). The store is unchanged then.
    pub fn add_pem(&mut self, name: &str, pem: &[u8]) -> Result<(), X509Error> {
        let added = Self::from_pem(pem)?.named(name);
        self.crls.extend(added.crls);
        for certificate in added.certificates {
            self.put(certificate);
        }
        Ok(())
    }

    /// Adds the files of a directory of trusted certificates, `(file name, content)`, in the order in which OpenSSL asks
    /// for them (OpenSSL: `get_cert_by_subject_ex` in `by_dir.c`). A certificate counts if its file is called
    /// `<hash of its subject>.<number>` and no other source has one of that subject; a file that does not load counts for
    /// nothing.
    pub fn add_directory<'a>(&mut self, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let source = self.source();
        self.join_directory(files, |_| source.clone());
    }

    /// The same for the certificates of a CRL directory, which OpenSSL looks up in the same store; refusals call it `name`.
    pub fn add_from_crl_directory<'a>(
        &mut self,
        name: &str,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) {
        let directory: Arc<str> = Arc::from(name);
        self.join_directory(files, |file| Source::CrlDirectory {
            directory: directory.clone(),
            file: String::from(file),
        });
    }

    fn join_directory<'a>(
        &mut self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        source: impl Fn(&str) -> Source,
    ) {
        let mut found = Self::default();
        for (name, content) in files {
            let Some((hash, _)) = certificate_file_name(name) else { continue };
            for mut certificate in StoreFile::read(content).unwrap_or_default().certificates {
                let subject = &certificate.subject_canonical;
                if name_hash(subject) == hash && !self.by_subject.contains_key(subject) {
                    certificate.source = source(name);
                    found.put(certificate);
                }
            }
        }
        for certificate in found.certificates {
            self.put(certificate);
        }
    }

    /// Certificates found in a CRL file join the store, as they do in libpq's.
    pub fn add_from_crl_file(&mut self, crls: &CrlStore) {
        for certificate in crls.certificates() {
            self.put(certificate.clone());
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

    /// The DER of the certificates, in file order and as OpenSSL encodes them again: unused bits of a signature are cleared.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(Certificate::der)
    }

    /// The certificates, in file order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Certificate<'static>> {
        self.certificates.iter()
    }

    /// What stands for the whole store.
    pub(crate) fn source(&self) -> Source {
        Source::Roots(self.name.clone())
    }

    pub(crate) fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The certificates of this canonical subject, in file order.
    pub(crate) fn by_subject(&self, canonical: &[u8]) -> impl Iterator<Item = &Certificate<'static>> {
        let places = self.by_subject.get(canonical).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|&place| self.certificates.get(place))
    }

    /// Adds a certificate of the store's own unless it is there.
    fn add(&mut self, mut certificate: Certificate<'static>) {
        certificate.source = self.source();
        self.put(certificate);
    }

    /// Adds a certificate unless it is there.
    fn put(&mut self, certificate: Certificate<'static>) {
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
    /// The error of later releases of OpenSSL at a CRL that 3.0 loads. A root file with one is refused, and a CRL file is used.
    short_time: Option<X509Error>,
}

impl StoreFile {
    pub(crate) fn read(pem: &[u8]) -> Result<Self, X509Error> {
        Self::of_blocks(Blocks::new(pem))
    }

    /// The same, with every block rewritten in DER first.
    pub(crate) fn read_as_ber(pem: &[u8]) -> Result<Self, X509Error> {
        Self::of_blocks(Blocks::new(pem).map(|block| block.map(Block::in_der)))
    }

    fn of_blocks(blocks: impl Iterator<Item = Result<Block, X509Error>>) -> Result<Self, X509Error> {
        let mut file = Self::default();
        for block in blocks {
            let block = block?.decrypted_in_store()?;
            match block.kind() {
                Kind::Certificate | Kind::TrustedCertificate => {
                    file.certificates.push(block.certificate()?.into_owned());
                }
                Kind::Crl => {
                    let crl = Crl::from_block(&block)?;
                    if crl.has_short_time {
                        let error = DerError { position: 0, problem: "one of its times is too short" };
                        let error = X509Error::malformed(Object::Crl, Some(block.position), error);
                        file.short_time.get_or_insert(error);
                    }
                    file.crls.push(crl);
                }
                // Keys are not needed here, but one that does not load stops OpenSSL.
                Kind::PrivateKey => check_stored_key(&block)?,
                Kind::Other => {}
            }
        }
        if file.certificates.is_empty() && file.crls.is_empty() {
            return Err(X509Error::NothingLoadable { wanted: Object::CertificateOrCrl });
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

    fn authority(name: &str) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the provider makes keys");
        params.self_signed(&key).expect("the parameters are good").pem()
    }

    fn hash_of(pem: &str) -> u32 {
        let store = TrustStore::from_pem(pem.as_bytes()).expect("it was just made");
        name_hash(&store.certificates.first().expect("there is one").subject_canonical)
    }

    #[test]
    fn a_directory_serves_what_its_file_names_promise_and_no_other_source_has() {
        let (a, b) = (authority("a"), authority("b"));
        let (name_a, name_b) = (format!("{:08x}.0", hash_of(&a)), format!("{:08x}.0", hash_of(&b)));
        let another_a = authority("a");

        let mut store = TrustStore::default();
        store.add_directory([(name_a.as_str(), a.as_bytes()), (name_b.as_str(), b.as_bytes())]);
        assert_eq!(store.len(), 2);

        let mut store = TrustStore::from_pem(another_a.as_bytes()).expect("it was just made");
        store.add_directory([(name_a.as_str(), a.as_bytes())]);
        assert_eq!(store.len(), 1, "the file comes first, and the directory is not asked");

        for (name, content) in
            [(name_b.as_str(), a.as_bytes()), ("ca.pem", a.as_bytes()), (&name_a, b"garbage")]
        {
            let mut store = TrustStore::default();
            store.add_directory([(name, content)]);
            assert!(store.is_empty(), "{name}");
        }
    }
}
