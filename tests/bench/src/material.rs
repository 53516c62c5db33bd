//! Certificates and revocation lists, made on the spot.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer},
};
use std::{fs, io, path::Path, sync::Arc};

/// The host whose certificate the server has.
pub const HOST: &str = "db.test";

/// How many certificates of public authorities an operating system has.
pub const BUNDLE: usize = 145;

/// How many certificates the authority has revoked in the list that is written to a file.
pub const REVOKED: u64 = 1000;

/// The authority alone, in the folder of [`Material::write`].
pub const ROOT_FILE: &str = "root.pem";

/// As many roots as a system has: the system's own, where it has a bundle.
pub const BUNDLE_FILE: &str = "bundle.pem";

/// The revocation list.
pub const CRL_FILE: &str = "crl.pem";

/// Where systems have their bundle.
const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An authority, and a server's certificate that it has signed.
#[derive(Debug)]
pub struct Material {
    authority: Issuer<'static, KeyPair>,
    /// The authority's certificate, PEM.
    pub root: String,
    /// The server's certificate.
    pub leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Material {
    /// Keys on P-256.
    pub fn new() -> Self {
        let (authority, root) = authority("pgtls bench");
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, HOST);
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &authority).unwrap();
        Self { authority, root, leaf: leaf.der().clone(), key: key.serialize_der() }
    }

    /// As many roots as a system has, ours in the middle, PEM.
    pub fn bundle(&self) -> String {
        let mut roots: Vec<_> = (1..BUNDLE).map(|n| authority(&format!("authority {n}")).1).collect();
        roots.insert(BUNDLE / 2, self.root.clone());
        roots.concat()
    }

    /// A revocation list of the authority with so many entries, none of them the server's certificate, PEM.
    pub fn crl(&self, entries: u64) -> String {
        let revoked = |number: u64| RevokedCertParams {
            // Serial numbers are random, and so in no order.
            serial_number: SerialNumber::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2124, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: (1..=entries).map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.authority).unwrap().pem().unwrap()
    }

    /// Writes the files that a client is configured with.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let bundle = match fs::read_to_string(SYSTEM_BUNDLE) {
            Ok(system) => system + &self.root,
            Err(_) => self.bundle(),
        };
        fs::write(folder.join(ROOT_FILE), &self.root)?;
        fs::write(folder.join(BUNDLE_FILE), bundle)?;
        fs::write(folder.join(CRL_FILE), self.crl(REVOKED))
    }

    /// What the server is configured with. It speaks TLS 1.3 with one suite and one group, so that all who are compared use
    /// the same.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let provider = CryptoProvider {
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            ..aws_lc_rs::default_provider()
        };
        let mut config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Arc::new(config)
    }
}

impl Default for Material {
    fn default() -> Self {
        Self::new()
    }
}

/// An authority and its certificate.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), certificate)
}
