//! The certificates, keys and lists of the tables, in one folder under the names that the connection strings use.

use crate::support::{cluster::Cluster, table::Row, table::rows};
use openssl::{pkey::PKey, symm::Cipher, x509::X509};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName,
    DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, date_time_ymd,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What was made, and where it is.
struct Pki {
    folder: PathBuf,
    made: BTreeMap<String, Made>,
    issuers_of_lists: BTreeMap<String, String>,
}

/// Every certificate could issue others; only authorities do.
struct Made {
    certificate: CertifiedIssuer<'static, KeyPair>,
    serial: u64,
}

/// Makes everything, in a folder of the cluster; the keys of the server are given to its account.
pub(super) fn write(cluster: &Cluster) -> PathBuf {
    let folder = cluster.path("ssl");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let mut pki = Pki { folder, made: BTreeMap::new(), issuers_of_lists: BTreeMap::new() };
    for (serial, row) in (1..).zip(rows("ssltests/certificates.tsv")) {
        pki.issue(&row, serial);
        if row.field("form") == "server" {
            cluster.give(&pki.path(&format!("{}.key", row.field("name"))));
        }
    }
    for row in rows("ssltests/files.tsv") {
        pki.write_file(&row);
        if row.field("file").starts_with("server-") {
            cluster.give(&pki.path(row.field("file")));
        }
    }
    pki.folder
}

impl Pki {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    #[track_caller]
    fn made(&self, name: &str) -> &Made {
        self.made.get(name).unwrap_or_else(|| panic!("no row makes the certificate {name}"))
    }

    fn issue(&mut self, row: &Row, serial: u64) {
        let name = row.field("name");
        let params = params(row, serial);
        let key = KeyPair::generate().unwrap();
        let certificate = match row.field("issuer") {
            "self" => CertifiedIssuer::self_signed(params, key),
            issuer => CertifiedIssuer::signed_by(params, key, &self.made(issuer).certificate),
        }
        .unwrap();
        write_public(&self.path(&format!("{name}.crt")), certificate.pem());
        write_secret(&self.path(&format!("{name}.key")), certificate.key().serialize_pem());
        self.made.insert(name.to_owned(), Made { certificate, serial });
    }

    fn write_file(&mut self, row: &Row) {
        let path = self.path(row.field("file"));
        let parts: Vec<&str> = row.field("of").split(' ').collect();
        match (row.field("holds"), parts.as_slice()) {
            ("certificates", names) => {
                let text: String = names.iter().map(|name| self.made(name).certificate.pem()).collect();
                write_public(&path, text);
            }
            ("crl", [issuer, revoked @ ..]) => {
                write_public(&path, self.list(issuer, revoked));
                self.issuers_of_lists.insert(row.field("file").to_owned(), (*issuer).to_owned());
            }
            ("lists", files) => {
                let texts = files.iter().map(|file| fs::read_to_string(self.path(file)).unwrap());
                write_public(&path, texts.collect::<String>());
            }
            ("directory", files) => self.write_directory(&path, files),
            ("key", [of, form]) => write_key(&path, self.made(of).certificate.key(), form),
            (holds, parts) => panic!("line {}: {holds} of {parts:?}", row.line),
        }
    }

    /// The list of an authority, with these certificates on it.
    fn list(&self, issuer: &str, revoked: &[&str]) -> String {
        let revoked_certs = revoked.iter().map(|name| RevokedCertParams {
            serial_number: self.made(name).serial.into(),
            revocation_time: date_time_ymd(2023, 6, 29),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2023, 6, 29),
            next_update: date_time_ymd(2050, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.made(issuer).certificate).unwrap().pem().unwrap()
    }

    /// What `openssl rehash` would make: each list under the hash of its issuer's name.
    fn write_directory(&self, path: &Path, files: &[&str]) {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for file in files {
            let issuer = &self.made(&self.issuers_of_lists[*file]).certificate;
            let hash = X509::from_der(issuer.as_ref().der()).unwrap().subject_name_hash();
            write_public(&path.join(format!("{hash:08x}.r0")), fs::read(self.path(file)).unwrap());
        }
    }
}

fn params(row: &Row, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial.into());
    (params.not_before, params.not_after) = (date_time_ymd(2023, 6, 29), date_time_ymd(2050, 1, 1));
    params.distinguished_name = subject(row.field("subject"));
    params.subject_alt_names = match row.field("names") {
        "-" => Vec::new(),
        names => names.split('|').map(alt_name).collect(),
    };
    match row.field("form") {
        "ca" => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        }
        "server" | "client" => {}
        form => panic!("line {}: no certificate has the form {form}", row.line),
    }
    params
}

/// rcgen keeps one attribute of each type; a second OU goes by its number.
fn subject(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for attribute in text.split('/') {
        let (kind, value) = attribute.split_once('=').unwrap();
        let kind = match kind {
            "CN" => DnType::CommonName,
            "O" => DnType::OrganizationName,
            "OU" if name.get(&DnType::OrganizationalUnitName).is_some() => {
                DnType::CustomDnType(vec![2, 5, 4, 11])
            }
            "OU" => DnType::OrganizationalUnitName,
            other => panic!("{text}: no attribute is called {other}"),
        };
        name.push(kind, value);
    }
    name
}

fn alt_name(text: &str) -> SanType {
    match text.split_once(':') {
        Some(("DNS", name)) => SanType::DnsName(name.try_into().unwrap()),
        Some(("IP", address)) => SanType::IpAddress(address.parse().unwrap()),
        _ => panic!("{text} is no name"),
    }
}

fn write_key(path: &Path, key: &KeyPair, form: &str) {
    let encrypted = |cipher, passphrase: &str| {
        let key = PKey::private_key_from_der(key.serialized_der()).unwrap();
        key.private_key_to_pem_pkcs8_passphrase(cipher, passphrase.as_bytes()).unwrap()
    };
    match form.split_once('=') {
        None if form == "der" => write_secret(path, key.serialized_der()),
        None if form == "mode-0644" => write_public(path, key.serialize_pem()),
        Some(("aes128", passphrase)) => write_secret(path, encrypted(Cipher::aes_128_cbc(), passphrase)),
        Some(("aes256", passphrase)) => write_secret(path, encrypted(Cipher::aes_256_cbc(), passphrase)),
        _ => panic!("no key has the form {form}"),
    }
}

fn write_public(path: &Path, content: impl AsRef<[u8]>) {
    write_with_mode(path, content, 0o644);
}

/// As both sides demand it of a key.
fn write_secret(path: &Path, content: impl AsRef<[u8]>) {
    write_with_mode(path, content, 0o600);
}

fn write_with_mode(path: &Path, content: impl AsRef<[u8]>, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
