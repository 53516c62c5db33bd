//! How often the signature of a CRL is checked, and what is charged for it.

extern crate std;

use crate::{CrlStore, Purpose, SecurityLevel, TrustStore, Verdict, VerifyOptions, X509Error, verify_chain};
use core::sync::atomic::{AtomicUsize, Ordering};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CustomExtension, IsCa,
    Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, UnixTime, alg_id,
};

/// Counts how often it is asked.
#[derive(Debug)]
struct Counting(&'static dyn SignatureVerificationAlgorithm, AtomicUsize);

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.verify_signature(key, message, signature)
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

/// An authority, its certificate and one that it signed. All of them have one name and say that they have one key.
fn authority() -> (Issuer<'static, KeyPair>, Certificate, Certificate) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_identifier_method = KeyIdMethod::PreSpecified(std::vec![1]);
    let root = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(["db.test".into()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "db.test");
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    (issuer, root, leaf)
}

/// A CRL of the issuer that lists so many certificates.
fn store(issuer: &Issuer<'_, KeyPair>, length: u64) -> CrlStore {
    let revoked = |serial| RevokedCertParams {
        serial_number: SerialNumber::from(1000 + serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let crl = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2124, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: (0..length).map(revoked).collect(),
        key_identifier_method: KeyIdMethod::PreSpecified(std::vec![1]),
    };
    CrlStore::from_pem(crl.signed_by(issuer).unwrap().pem().unwrap().as_bytes()).unwrap()
}

#[test]
fn a_list_is_checked_once_for_each_key() {
    let (issuer, root, leaf) = authority();
    let (_, other_root, other_leaf) = authority();
    let crls = store(&issuer, 0);

    let all = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let ecdsa = all.iter().find(|algorithm| {
        algorithm.public_key_alg_id() == alg_id::ECDSA_P256
            && algorithm.signature_alg_id() == alg_id::ECDSA_SHA256
    });
    let counting = Counting(*ecdsa.unwrap(), AtomicUsize::new(0));
    let verify = |root: &Certificate, leaf: &Certificate| {
        let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_750_000_000));
        let algorithms: [&dyn SignatureVerificationAlgorithm; 1] = [&counting];
        let options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, &algorithms);
        let trust = TrustStore::from_der([&root.der()[..]]);
        let verdict = match verify_chain(leaf.der(), &[], &trust, Some(&crls), &options) {
            Ok(_) => None,
            Err(X509Error::Path(error)) => Some(error.verdict),
            Err(other) => unreachable!("{other:?}"),
        };
        (verdict, counting.1.swap(0, Ordering::Relaxed))
    };
    assert_eq!(verify(&root, &leaf), (None, 2), "the certificate's and the list's");
    assert_eq!(verify(&root, &leaf), (None, 1), "the certificate's");
    let refused = (Some(Verdict::CrlSignatureFailure), 1);
    assert_eq!(verify(&other_root, &other_leaf), refused, "somebody else of that name");
    assert_eq!(verify(&other_root, &other_leaf), refused);
    assert_eq!(verify(&root, &leaf), (None, 1));
}

/// Every signature is good, as if the keys were made to fit.
#[derive(Debug)]
struct Accepting;

impl SignatureVerificationAlgorithm for Accepting {
    fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// Parameters of a certificate that names its issuer by serial number.
fn params(serial: u64, issuer: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from(serial));
    let identifier = [0x30, 3, 0x82, 1, issuer].to_vec();
    params.custom_extensions = [CustomExtension::from_oid_content(&[2, 5, 29, 35], identifier)].into();
    params
}

/// A CA's parameters. All CAs have one name and say that they have one key.
fn ca(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_identifier_method = KeyIdMethod::PreSpecified(std::vec![1]);
    params
}

#[test]
fn a_list_that_is_hashed_again_is_charged() {
    let (root_key, other_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let root_params = ca(params(1, 1));
    let root = root_params.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(root_params, root_key);
    let other_params = ca(params(2, 1));
    let other = other_params.signed_by(&other_key, &root_issuer).unwrap();
    let other_issuer = Issuer::new(other_params, other_key);
    let leaf = |issuer_serial, issuer: &Issuer<'_, KeyPair>| {
        let mut params = params(3, issuer_serial);
        params.distinguished_name.push(rcgen::DnType::CommonName, "db.test");
        params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap()
    };
    let (honest, made) = (leaf(1, &root_issuer), leaf(2, &other_issuer));

    let (short, long) = (store(&root_issuer, 1), store(&root_issuer, 1000));
    let length = |store: &CrlStore| store.file().iter().map(|crl| crl.signed_part().len()).sum::<usize>();
    let longer = length(&long) - length(&short);
    assert!(longer > 10_000);

    // How much more the longer list costs, and how many signatures are checked.
    let verify = |leaf: &Certificate, presented: &[&[u8]]| {
        let counting = Counting(&Accepting, AtomicUsize::new(0));
        let work = |crls: &CrlStore| {
            let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_750_000_000));
            let (algorithms, meter) =
                ([&counting as &dyn SignatureVerificationAlgorithm], AtomicUsize::new(0));
            let mut options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, &algorithms);
            options.meter = Some(&meter);
            let trust = TrustStore::from_der([&root.der()[..]]);
            let path = verify_chain(leaf.der(), presented, &trust, Some(crls), &options).unwrap();
            assert_eq!(path.certificates.len(), presented.len() + 2);
            meter.into_inner()
        };
        let more = work(&long) - work(&short);
        (more, counting.1.into_inner() / 2)
    };
    // By the other key, by the root's, and not again for the root itself.
    assert_eq!(verify(&made, &[other.der()]), (longer, 2 + 2));
    // The other key is kept: by the root's, once.
    assert_eq!(verify(&made, &[other.der()]), (0, 2 + 1));
    assert_eq!(verify(&honest, &[]), (0, 1 + 1));
}
