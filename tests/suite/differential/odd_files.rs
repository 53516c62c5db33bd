//! Root files with other things in them, and root files with something changed: loaded by OpenSSL and by us alike.

use super::{
    der::pem,
    keys::{KeyKind, key},
    make, plain,
};
use crate::support::divergences::Divergences;
use openssl::{
    dsa::Dsa,
    ec::{Asn1Flag, EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslContext, SslMethod},
    symm::Cipher,
};
use pgtls_x509::{TrustStore, X509Error};
use std::fs;

/// Root files of a run that asks for no other number.
const CASES: usize = 1_500;

fn openssl_loads(file: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.crt");
    fs::write(&path, file).unwrap();
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    let loads = context.set_ca_file(&path).is_ok();
    drop(openssl::error::ErrorStack::get());
    loads
}

/// Blocks that may stand in a root file.
fn blocks() -> Vec<String> {
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    let files = make::make(&plain(2, Vec::new(), Some(Vec::new())));
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let mut explicit = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    explicit.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let rsa = Rsa::generate(1024).unwrap();
    let dsa = Dsa::generate(1024).unwrap();
    let keys: Vec<PKey<Private>> = vec![
        PKey::from_rsa(rsa.clone()).unwrap(),
        PKey::from_dsa(dsa).unwrap(),
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(),
        PKey::from_ec_key(EcKey::generate(&explicit).unwrap()).unwrap(),
        PKey::generate_ed25519().unwrap(),
        PKey::generate_x25519().unwrap(),
    ];
    let mut blocks = vec![String::from_utf8(files.roots).unwrap()];
    blocks.extend(files.crls);
    let mut contents = vec![rsa.private_key_to_der().unwrap(), vec![0x30, 0], b"no key".to_vec()];
    for key in &keys {
        contents.push(key.private_key_to_pkcs8().unwrap());
        if let Ok(key) = key.ec_key() {
            contents.push(key.private_key_to_der().unwrap());
        }
        if let Ok(key) = key.dsa() {
            contents.push(key.private_key_to_der().unwrap());
        }
        let aes = Cipher::aes_256_cbc();
        blocks.push(text(key.private_key_to_pem_pkcs8_passphrase(aes, b"secret").unwrap()));
    }
    // An EC key without its curve.
    contents.push(key(KeyKind::P256, 0).public_key_info.clone());
    let labels = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "DH PRIVATE KEY",
        "ED25519 PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PRIVATE KEYS",
        "XPRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "rsa PRIVATE KEY",
        "X25519 PRIVATE KEY",
        "RSA-PSS PRIVATE KEY",
        "EC PARAMETERS",
        "PUBLIC KEY",
    ];
    for label in labels {
        blocks.extend(contents.iter().map(|content| pem(label, content)));
    }
    let iv = "000102030405060708090a0b0c0d0e0f";
    for header in [
        format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{iv}\n\n"),
        format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,{iv}\n\n"),
        format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: CAMELLIA-256-CBC,{iv}\n\n"),
        format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: NONE-CBC,{iv}\n\n"),
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n".to_owned(),
        "A: b\n\n".to_owned(),
        "Friendly-Name: key\n\n".to_owned(),
    ] {
        for label in ["RSA PRIVATE KEY", "CERTIFICATE", "EC PARAMETERS"] {
            let block = pem(label, &contents[0]);
            let (first, rest) = block.split_once('\n').unwrap();
            blocks.push(format!("{first}\n{header}{rest}"));
        }
    }
    blocks
}

/// Our refusals that OpenSSL does not share, all for the sake of keys that are of no use in a root file.
fn is_our_own(error: &X509Error) -> bool {
    matches!(error, X509Error::Malformed { .. } | X509Error::Key(_))
}

#[test]
fn root_files_with_other_blocks_load_as_in_openssl() {
    let blocks = blocks();
    let root = &blocks[0];
    let mut wrong = Vec::new();
    let mut divergences = Divergences::of("root file");
    for block in &blocks {
        for file in [format!("{root}{block}"), format!("{block}{root}"), block.clone()] {
            let ours = TrustStore::from_pem(file.as_bytes());
            let theirs = openssl_loads(file.as_bytes());
            let is_written_out = ours.as_ref().is_err_and(|error| error.to_string().contains("written out"));
            let mut is_known =
                || divergences.explains("a private key on a curve that is written out", "loads", "fails");
            if theirs != ours.is_ok() && !(theirs && is_written_out && is_known()) {
                wrong.push(format!("we: {:?}\n{block}", ours.err()));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), blocks.len(), wrong.join("\n"));
    divergences.finish();
}

/// A file that loads here loads in OpenSSL; one that OpenSSL alone loads has a block in BER or a key that is changed.
#[test]
fn changed_root_files_load_as_in_openssl() {
    let mut random = fastrand::Rng::with_seed(18);
    let blocks = blocks();
    let cases =
        std::env::var("PGTLS_DIFFERENTIAL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut stricter = 0;
    for _ in 0..cases {
        let mut file = blocks[0].clone().into_bytes();
        for _ in 0..random.usize(0..3) {
            file.extend(blocks[random.usize(..blocks.len())].as_bytes());
        }
        for _ in 0..random.usize(1..3) {
            let at = random.usize(..file.len());
            match random.u8(0..6) {
                0 => file[at] = random.u8(..),
                1 => file.insert(at, b"\n \t\r-=:A\0"[random.usize(..9)]),
                2 => drop(file.remove(at)),
                3 => file.truncate(at.max(1)),
                4 => {
                    let line: Vec<u8> =
                        file[at..].iter().copied().take_while(|&byte| byte != b'\n').collect();
                    let _ = file.splice(at..at, line);
                }
                _ => {
                    file[at] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                        [random.usize(..64)];
                }
            }
        }
        let ours = TrustStore::from_pem(&file);
        let theirs = openssl_loads(&file);
        let shown = || String::from_utf8_lossy(&file).into_owned();
        assert!(theirs || ours.is_err(), "we load it, and OpenSSL does not:\n{}", shown());
        if let (true, Err(error)) = (theirs, &ours) {
            assert!(is_our_own(error), "{error}\n{}", shown());
            stricter += 1;
        }
    }
    assert!(stricter <= cases / 20, "{stricter} of {cases} are refused here alone");
}
