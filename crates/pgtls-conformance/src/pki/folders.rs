//! Folders in which OpenSSL finds certificates and CRLs by the hash of a name (`X509_LOOKUP_hash_dir`).

use super::{
    Pki, PkiError, der,
    key::pem,
    row::{Attribute, Text},
};
use ::der::asn1::ObjectIdentifier;
use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;

/// A folder and its files.
pub(super) struct Hashed {
    /// Path below the PKI's folder.
    pub(super) folder: String,
    /// Name and content of each file.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// Folders of CRLs, by the CRLs in them.
const CRL_FOLDERS: &[(&str, &[&str])] = &[
    ("both", &["root", "inter"]),
    ("root", &["root"]),
    ("inter", &["inter"]),
    ("root-inter-inter2", &["root", "inter", "inter2"]),
    ("unrelated", &["unrelated"]),
    ("expired", &["root", "inter-expired"]),
    ("clean", &["root-empty", "inter-empty"]),
    // Two CRLs of one issuer: `.r0` and `.r1`.
    ("r0r1", &["root", "inter-empty", "inter"]),
];

/// The same for authorities.
const CA_FOLDERS: &[(&str, &[&str])] = &[("root", &["root"]), ("root2", &["root2"]), ("empty", &[])];

/// All of them.
pub(super) fn all(pki: &Pki) -> Result<Vec<Hashed>, PkiError> {
    let mut found = Vec::new();
    for (folder, names) in CRL_FOLDERS {
        let crls = names.iter().map(|name| {
            let issuer = super::table::CRLS.iter().find(|row| row.name == *name).map_or("", |row| row.issuer);
            Ok((*name, pki.subject_hash(issuer)?, pem("X509 CRL", &pki.crl(name)?).into_bytes()))
        });
        let crls = crls.collect::<Result<Vec<_>, PkiError>>()?;
        found.push(Hashed { folder: format!("crldir/{folder}"), files: hashed(crls, "crl", ".r") });
    }
    for (folder, names) in CA_FOLDERS {
        let authorities = names.iter().map(|name| {
            Ok((*name, pki.subject_hash(name)?, pki.authority(name)?.certificate_pem().into_bytes()))
        });
        let authorities = authorities.collect::<Result<Vec<_>, PkiError>>()?;
        found.push(Hashed { folder: format!("cadir/{folder}"), files: hashed(authorities, "pem", ".") });
    }
    // Nothing is found by its hash here.
    let unhashed = ["root", "inter"]
        .into_iter()
        .map(|name| Ok((format!("{name}.crl"), pki.crl_file(name)?.into_bytes())));
    found.push(Hashed {
        folder: "crldir/unhashed".to_owned(),
        files: unhashed.collect::<Result<_, PkiError>>()?,
    });
    found.push(Hashed { folder: "crldir/emptydir".to_owned(), files: Vec::new() });
    Ok(found)
}

/// Each content under its own name and under its hash; what shares a hash is numbered.
fn hashed(contents: Vec<(&str, u32, Vec<u8>)>, extension: &str, infix: &str) -> Vec<(String, Vec<u8>)> {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    let mut files = Vec::new();
    for (name, hash, content) in contents {
        let number = numbers.entry(hash).or_default();
        files.push((format!("{hash:08x}{infix}{number}"), content.clone()));
        *number = number.saturating_add(1);
        files.push((format!("{name}.{extension}"), content));
    }
    files
}

impl Pki {
    /// The number by which OpenSSL finds an authority and its CRLs in a folder, in hexadecimal digits (`X509_NAME_hash`): the beginning of SHA-1 over the name in its canonical form, as a little-endian number. In that form
    /// the outer SEQUENCE has no header, and strings are UTF-8, in lower case, with single blanks.
    pub fn subject_hash(&self, authority: &str) -> Result<u32, PkiError> {
        let subject = &self.entry(super::Kind::Authority, authority)?.row.subject;
        let canonical: Vec<u8> = subject
            .iter()
            .flat_map(|attribute| {
                let (oid, text) = match attribute {
                    Attribute::Organization(text) => ("2.5.4.10", (*text).to_owned()),
                    Attribute::CommonName(Text::Utf8(text)) => {
                        ("2.5.4.3", String::from_utf8_lossy(text).into_owned())
                    }
                    // No authority of the PKI has a name in another encoding.
                    Attribute::CommonName(_) => ("2.5.4.3", String::new()),
                };
                let words: Vec<_> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
                let value = der::tlv(der::tag::UTF8_STRING, [words.join(" ")]);
                let oid = der::oid(ObjectIdentifier::new_unwrap(oid));
                der::tlv(der::tag::SET, [der::sequence([oid, value])])
            })
            .collect();
        let digest = Sha1::digest(canonical);
        let first = digest.first_chunk::<4>().copied().unwrap_or_default();
        Ok(u32::from_le_bytes(first))
    }
}
