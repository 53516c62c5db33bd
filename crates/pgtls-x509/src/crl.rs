//! Certificate revocation lists in force: those of a file, and those of directories.

mod list;

pub(crate) use self::list::{Crl, Revocation};
use crate::{
    certificate::Certificate,
    error::X509Error,
    hash::crl_file_name,
    pem::{Blocks, Kind},
    source::Source,
    trust::StoreFile,
};
use alloc::{collections::BTreeMap, format, sync::Arc, vec::Vec};

/// CRLs in force. As soon as there is a store, even an empty one, every certificate of a path needs a current CRL of its
/// issuer, the anchor included (OpenSSL: `X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL`, which libpq sets).
#[derive(Clone, Debug)]
pub struct CrlStore {
    /// There is a file, and what it is called.
    file_source: Option<Source>,
    file: Vec<Crl>,
    certificates: Vec<Certificate<'static>>,
    directories: Vec<Directory>,
}

/// A CRL directory.
#[derive(Clone, Debug)]
struct Directory {
    name: Arc<str>,
    /// CRLs by the hash in their file's name, files in the order of their numbers.
    crls: BTreeMap<u32, Vec<Crl>>,
}

impl CrlStore {
    /// Reads a CRL file. It is an error, which libpq ignores, when a block does not load or when there is neither a CRL
    /// nor a certificate in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, X509Error> {
        let StoreFile { crls, certificates, .. } = StoreFile::read(pem)?;
        let mut store = Self { file: crls, certificates, ..Self::empty() };
        store.set_file_source(Source::CrlFile(None));
        Ok(store)
    }

    /// The same store, its file called by this name, as refusals tell it: its path, say.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.set_file_source(Source::CrlFile(Some(Arc::from(name))));
        self
    }

    fn set_file_source(&mut self, source: Source) {
        for crl in &mut self.file {
            crl.source = source.clone();
        }
        for certificate in &mut self.certificates {
            certificate.source = source.clone();
        }
        self.file_source = Some(source);
    }

    /// Whether OpenSSL loads a file that [`from_pem`](Self::from_pem) does not: something in it is BER where DER is wanted,
    /// such as a length that is not in its shortest form. To ignore that one would be to check less than libpq does.
    pub fn loads_as_ber(pem: &[u8]) -> bool {
        StoreFile::read_as_ber(pem).is_ok()
    }

    /// No CRL yet, checking on: what `sslcrldir` alone starts from.
    pub fn empty() -> Self {
        Self { file_source: None, file: Vec::new(), certificates: Vec::new(), directories: Vec::new() }
    }

    /// Adds the files of a directory, which refusals call `name`: `(file name, content)` in any order. Of those called
    /// `<hash>.r<number>` OpenSSL opens number 0, 1, ... and stops at the first that is missing or does not load. A further
    /// directory is asked for an issuer's CRLs only if those before it, and the files, have none (OpenSSL: `by_dir.c`).
    pub fn add_directory<'a>(&mut self, name: &str, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let mut directory = Directory { name: Arc::from(name), crls: BTreeMap::new() };
        let mut numbered: BTreeMap<(u32, u32), &[u8]> = BTreeMap::new();
        for (name, content) in files {
            if let Some(place) = crl_file_name(name) {
                numbered.insert(place, content);
            }
        }
        let mut expected = (0_u32, Some(0_u32));
        for ((hash, number), content) in numbered {
            if expected.0 != hash {
                expected = (hash, Some(0));
            }
            if expected.1 != Some(number) {
                continue;
            }
            let (mut crls, complete) = crls_of_file(content);
            let source = directory.source(hash, number);
            for crl in &mut crls {
                crl.source = source.clone();
                // One release uses it, and another looks for a CRL elsewhere.
                crl.is_beyond_us |= crl.has_short_time;
            }
            directory.crls.entry(hash).or_default().extend(crls);
            expected.1 = if complete { number.checked_add(1) } else { None };
        }
        self.directories.push(directory);
    }

    /// How many CRLs there are.
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// There is none, so that every chain is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn certificates(&self) -> &[Certificate<'static>] {
        &self.certificates
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Crl> {
        self.file
            .iter()
            .chain(self.directories.iter().flat_map(|directory| directory.crls.values()).flatten())
    }

    /// CRLs of the file.
    pub(crate) fn file(&self) -> &[Crl] {
        &self.file
    }

    /// How many directories there are.
    pub(crate) fn directories(&self) -> usize {
        self.directories.len()
    }

    /// CRLs of a directory's files that are called by this hash.
    pub(crate) fn in_directory(&self, place: usize, hash: u32) -> &[Crl] {
        let crls = self.directories.get(place).and_then(|directory| directory.crls.get(&hash));
        crls.map(Vec::as_slice).unwrap_or_default()
    }

    /// Where CRLs of an issuer with this hash could be.
    pub(crate) fn places(&self, hash: u32) -> Vec<Source> {
        let directories = self.directories.iter().map(|directory| directory.source(hash, 0));
        self.file_source.iter().cloned().chain(directories).collect()
    }
}

impl Directory {
    fn source(&self, hash: u32, number: u32) -> Source {
        Source::CrlDirectory { directory: self.name.clone(), file: format!("{hash:08x}.r{number}") }
    }
}

/// The CRLs of a file of the directory, and whether it loaded to its end.
fn crls_of_file(pem: &[u8]) -> (Vec<Crl>, bool) {
    let mut crls = Vec::new();
    for block in Blocks::new(pem) {
        match block {
            Ok(block) if block.kind() == Kind::Crl => match Crl::from_block(&block) {
                Ok(crl) => crls.push(crl),
                Err(_) => return (crls, false),
            },
            Ok(_) => {}
            Err(_) => return (crls, false),
        }
    }
    let complete = !crls.is_empty();
    (crls, complete)
}
