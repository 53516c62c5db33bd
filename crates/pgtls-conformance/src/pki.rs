//! The test PKI: server and client certificates, authorities and CRLs of every kind that a PostgreSQL client meets.
//!
//! It has the same certificates every time and new keys every time. Each certificate is one row of a table. It is made when it is
//! first needed, so that an unused PKI costs nothing.
//!
//! ```
//! use pgtls_conformance::pki::Pki;
//!
//! let pki = Pki::open();
//! let server = pki.server("good")?;
//! assert_eq!(server.chain().len(), 2, "the certificate and the intermediate that signed it");
//! let roots: String = pki.root_file("root")?;
//! assert!(roots.starts_with("-----BEGIN CERTIFICATE-----"));
//! # Ok::<(), pgtls_conformance::pki::PkiError>(())
//! ```

mod der;
mod encode;
mod encrypt;
mod file_variants;
mod files;
mod folders;
mod key;
mod named;
mod row;
mod sign;
mod table;

pub use files::WriteError;
pub use key::{Key, KeyKind};
pub use named::NAMED;

use core::fmt;
use encode::Issuer;
use key::pem;
use row::{Chain, Revoked, Row};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use sign::SignError;
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

/// All the entries. Cheap to make; share it behind a reference or an `Arc`.
#[derive(Debug)]
pub struct Pki {
    /// Time of birth, from which validity is counted.
    born: Duration,
    authorities: Table,
    servers: Table,
    clients: Table,
}

/// A certificate with its chain and its key.
#[derive(Debug)]
pub struct Identity {
    leaf: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<Key>,
    server_end_point: Option<Vec<u8>>,
}

/// The table of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Certificate authorities.
    Authority,
    /// Server certificates.
    Server,
    /// Client certificates.
    Client,
    /// Files of trusted certificates.
    RootFile,
    /// CRL files.
    Crl,
}

/// A certificate that does not exist or could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PkiError {
    /// The table has no such row.
    Unknown {
        /// The table.
        kind: Kind,
        /// The name asked for.
        name: String,
    },
    /// The key could not be made or could not sign.
    Key {
        /// The row.
        name: &'static str,
        /// The library's words.
        reason: String,
    },
}

impl Pki {
    /// A PKI born now.
    pub fn open() -> Self {
        let born = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut serials = FIRST_SERIAL..;
        let mut table = |rows: Vec<Row>| Table {
            entries: rows
                .into_iter()
                .zip(&mut serials)
                .map(|(row, serial)| Entry { row, serial, made: OnceLock::new() })
                .collect(),
        };
        Self {
            born,
            authorities: table(table::authorities()),
            servers: table(table::servers()),
            clients: table(table::clients()),
        }
    }

    /// A server's certificate by name.
    pub fn server(&self, name: &str) -> Result<&Identity, PkiError> {
        self.identity(Kind::Server, name)
    }

    /// A client's certificate by name.
    pub fn client(&self, name: &str) -> Result<&Identity, PkiError> {
        self.identity(Kind::Client, name)
    }

    /// An authority's certificate by name.
    pub fn authority(&self, name: &str) -> Result<&Identity, PkiError> {
        self.identity(Kind::Authority, name)
    }

    /// A PEM file to trust, by name: an authority, a bundle of several, or a server's certificate that signs itself.
    pub fn root_file(&self, name: &str) -> Result<String, PkiError> {
        if let Some((_, parts)) = table::ROOT_FILES.iter().find(|(file, _)| *file == name) {
            return parts.iter().map(|part| Ok(self.authority(part)?.certificate_pem())).collect();
        }
        if self.servers.find(name).is_some_and(|entry| entry.row.issuer.is_none()) {
            return Ok(self.server(name)?.certificate_pem());
        }
        match self.authority(name) {
            Ok(authority) => Ok(authority.certificate_pem()),
            Err(PkiError::Unknown { name, .. }) => Err(PkiError::Unknown { kind: Kind::RootFile, name }),
            Err(other) => Err(other),
        }
    }

    /// A PEM file of one or several CRLs by name.
    pub fn crl_file(&self, name: &str) -> Result<String, PkiError> {
        let one = [name];
        let parts =
            table::CRL_FILES.iter().find(|(file, _)| *file == name).map_or(&one[..], |(_, parts)| *parts);
        parts.iter().map(|part| Ok(pem("X509 CRL", &self.crl(part)?))).collect()
    }

    /// One CRL by name.
    pub fn crl(&self, name: &str) -> Result<CertificateRevocationListDer<'static>, PkiError> {
        let (number, row) = (1_u64..)
            .zip(table::CRLS)
            .find(|(_, row)| row.name == name)
            .ok_or_else(|| PkiError::unknown(Kind::Crl, name))?;
        let serials: Vec<u64> = row
            .revoked
            .iter()
            .map(|revoked| {
                let (kind, name) = match revoked {
                    Revoked::Authority(name) => (Kind::Authority, name),
                    Revoked::Server(name) => (Kind::Server, name),
                    Revoked::Client(name) => (Kind::Client, name),
                };
                Ok(self.entry(kind, name)?.serial)
            })
            .collect::<Result<_, PkiError>>()?;
        let issuer = self.issuer(row.issuer)?;
        encode::crl(row, issuer, &serials, number, self.born)
            .map(CertificateRevocationListDer::from)
            .map_err(|error| PkiError::key(row.name, &error))
    }

    /// The names of a table, in its order.
    pub fn names(&self, kind: Kind) -> Vec<&'static str> {
        let table = |table: &Table| table.entries.iter().map(|entry| entry.row.name).collect::<Vec<_>>();
        match kind {
            Kind::Authority => table(&self.authorities),
            Kind::Server => table(&self.servers),
            Kind::Client => table(&self.clients),
            Kind::RootFile => {
                let self_signed = self.servers.entries.iter().filter(|entry| entry.row.issuer.is_none());
                let bundles = table::ROOT_FILES.iter().map(|(name, _)| *name);
                table(&self.authorities)
                    .into_iter()
                    .chain(self_signed.map(|a| a.row.name))
                    .chain(bundles)
                    .collect()
            }
            Kind::Crl => {
                let files = table::CRL_FILES.iter().map(|(name, _)| *name);
                table::CRLS.iter().map(|row| row.name).chain(files).collect()
            }
        }
    }

    fn identity(&self, kind: Kind, name: &str) -> Result<&Identity, PkiError> {
        let entry = self.entry(kind, name)?;
        entry.made.get_or_init(|| self.make(kind, entry)).as_ref().map_err(Clone::clone)
    }

    fn entry(&self, kind: Kind, name: &str) -> Result<&Entry, PkiError> {
        let table = match kind {
            Kind::Authority => Some(&self.authorities),
            Kind::Server => Some(&self.servers),
            Kind::Client => Some(&self.clients),
            Kind::RootFile | Kind::Crl => None,
        };
        table.and_then(|table| table.find(name)).ok_or_else(|| PkiError::unknown(kind, name))
    }

    /// Rows name authorities that stand before them, so this ends.
    fn make(&self, kind: Kind, entry: &Entry) -> Result<Identity, PkiError> {
        let row = &entry.row;
        let failed = |error: SignError| PkiError::key(row.name, &error);
        let (leaf, key, server_end_point) = if let Some(other) = row.same_as {
            let other = self.identity(kind, other)?;
            (other.leaf.clone(), Arc::clone(&other.key), other.server_end_point.clone())
        } else {
            let key = match row.key_of {
                Some(other) => Arc::clone(&self.identity(kind, other)?.key),
                None => Arc::new(Key::generate(row.key).map_err(failed)?),
            };
            let issuer = match row.issuer {
                Some(name) => self.issuer(name)?,
                None => Issuer { key: &key, subject: &row.subject },
            };
            let leaf = encode::certificate(row, &key, issuer, entry.serial, self.born).map_err(failed)?;
            let leaf = CertificateDer::from(leaf);
            let server_end_point = issuer.key.signature_hash(row.digest, &leaf);
            (leaf, key, server_end_point)
        };
        let mut chain = vec![leaf.clone()];
        match row.chain {
            Chain::Intermediates => chain.extend(self.intermediates(row)?),
            Chain::Exactly(names) => {
                for name in names {
                    chain.push(if *name == ITSELF {
                        leaf.clone()
                    } else {
                        self.authority(name)?.leaf().clone()
                    });
                }
            }
        }
        Ok(Identity { leaf, chain, key, server_end_point })
    }

    fn issuer(&self, name: &str) -> Result<Issuer<'_>, PkiError> {
        let subject = &self.entry(Kind::Authority, name)?.row.subject;
        Ok(Issuer { key: &self.authority(name)?.key, subject })
    }

    fn intermediates(&self, row: &Row) -> Result<Vec<CertificateDer<'static>>, PkiError> {
        let mut found = Vec::new();
        let mut next = row.issuer;
        while let Some(name) = next {
            let entry = self.entry(Kind::Authority, name)?;
            if entry.row.issuer.is_some() {
                found.push(self.authority(name)?.leaf().clone());
            }
            next = entry.row.issuer;
        }
        Ok(found)
    }
}

impl Identity {
    /// The certificate and those that are sent after it.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The certificate itself.
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.leaf
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The channel binding `tls-server-end-point`: the digest of the certificate with the hash of its own signature
    /// (RFC 5929, section 4.1). `None` when the signature names no hash.
    pub fn server_end_point(&self) -> Option<&[u8]> {
        self.server_end_point.as_deref()
    }

    /// The certificate alone as PEM.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", self.leaf())
    }

    /// The whole chain as PEM, the certificate first.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    /// The private key as PEM.
    pub fn key_pem(&self) -> String {
        self.key.pem()
    }
}

impl PkiError {
    fn unknown(kind: Kind, name: &str) -> Self {
        Self::Unknown { kind, name: name.to_owned() }
    }

    fn key(name: &'static str, error: &SignError) -> Self {
        Self::Key { name, reason: error.to_string() }
    }
}

impl fmt::Display for PkiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { kind, name } => write!(f, "the test PKI has no {kind} named \"{name}\""),
            Self::Key { name, reason } => {
                write!(f, "could not make the key or signature of \"{name}\": {reason}")
            }
        }
    }
}

impl core::error::Error for PkiError {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => "certificate authority",
            Self::Server => "server certificate",
            Self::Client => "client certificate",
            Self::RootFile => "root file",
            Self::Crl => "CRL",
        })
    }
}

/// The certificate itself, among those that are sent after it.
const ITSELF: &str = "self";

/// Serial numbers count from here through the tables, so that a certificate has the same one in every PKI.
const FIRST_SERIAL: u64 = 1001;

#[derive(Debug)]
struct Table {
    entries: Vec<Entry>,
}

impl Table {
    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.row.name == name)
    }
}

#[derive(Debug)]
struct Entry {
    row: Row,
    serial: u64,
    made: OnceLock<Result<Identity, PkiError>>,
}

#[cfg(test)]
mod tests;
