//! Which block is the key, and what may stand under which label. What is encrypted by OpenSSL itself is tested in `tests/`.

use super::{derive, private_key, to_pkcs8};
use crate::error::{KeyProblem, Object, PemProblem, X509Error};
use alloc::{format, string::String, vec::Vec};
use proptest::prelude::*;
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;

/// An EC key as PKCS#8 and as the SEC1 inside it, which names its curve by itself.
fn ec() -> (Vec<u8>, Vec<u8>) {
    let pkcs8 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_der();
    let at = pkcs8.windows(5).position(|window| matches!(window, [0x30, _, 0x02, 0x01, 0x01])).unwrap();
    let inside = &pkcs8[at + 2..at + 2 + usize::from(pkcs8[at + 1])];
    let curve = der(0xa0, &der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]));
    let (number, public) = inside.split_at(37);
    let sec1 = der(0x30, &[number, &curve, public].concat());
    (pkcs8, sec1)
}

/// An RSA key of nine small numbers, as PKCS#1 and in PKCS#8. It would sign nothing.
fn rsa() -> (Vec<u8>, Vec<u8>) {
    let pkcs1 = der(0x30, &[2, 1, 0].into_iter().chain([2, 1, 3].repeat(8)).collect::<Vec<u8>>());
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let pkcs8 = der(0x30, &[&[2, 1, 0], &algorithm[..], &der(4, &pkcs1)].concat());
    (pkcs8, pkcs1)
}

fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
}

fn pem(label: &str, headers: &str, contents: &[u8]) -> String {
    let encoded = pem_rfc7468::encode_string("X", pem_rfc7468::LineEnding::LF, contents).unwrap();
    let base64 =
        encoded.strip_prefix("-----BEGIN X-----\n").unwrap().strip_suffix("-----END X-----\n").unwrap();
    format!("-----BEGIN {label}-----\n{headers}{base64}-----END {label}-----\n")
}

#[track_caller]
fn loads(file: impl AsRef<[u8]>, key: &[u8]) {
    assert_eq!(private_key(file.as_ref(), None).map(|found| found.secret_der().to_vec()), Ok(key.to_vec()));
}

#[track_caller]
fn refused(file: impl AsRef<[u8]>, expected: &X509Error) {
    assert_eq!(private_key(file.as_ref(), Some(b"secret")).as_ref().err(), Some(expected));
}

#[track_caller]
fn malformed(file: impl AsRef<[u8]>) {
    let error = private_key(file.as_ref(), Some(b"secret")).err();
    assert!(matches!(error, Some(X509Error::Malformed { object: Object::PrivateKey, .. })), "{error:?}");
}

const NOTHING: X509Error = X509Error::NothingLoadable { wanted: Object::PrivateKey };

#[test]
fn each_label_and_what_may_stand_under_it() {
    let (pkcs8, sec1) = ec();
    let (rsa_pkcs8, pkcs1) = rsa();
    loads(pem("PRIVATE KEY", "", &pkcs8), &pkcs8);
    loads(pem("PRIVATE KEY", "", &rsa_pkcs8), &rsa_pkcs8);
    malformed(pem("PRIVATE KEY", "", &sec1));
    malformed(pem("PRIVATE KEY", "", &pkcs1));

    loads(pem("EC PRIVATE KEY", "", &sec1), &sec1);
    loads(pem("EC PRIVATE KEY", "", &pkcs8), &pkcs8);
    malformed(pem("EC PRIVATE KEY", "", &pkcs1));
    malformed(pem("EC PRIVATE KEY", "", &rsa_pkcs8));

    loads(pem("RSA PRIVATE KEY", "", &pkcs1), &pkcs1);
    loads(pem("RSA PRIVATE KEY", "", &rsa_pkcs8), &rsa_pkcs8);
    malformed(pem("RSA PRIVATE KEY", "", &sec1));
    malformed(pem("RSA PRIVATE KEY", "", &pkcs8));

    loads(pem("ENCRYPTED PRIVATE KEY", "", &pkcs8), &pkcs8);
    malformed(pem("ENCRYPTED PRIVATE KEY", "", &sec1));

    refused(pem("DSA PRIVATE KEY", "", &pkcs1), &X509Error::Key(KeyProblem::UnsupportedAlgorithm));
    for label in
        ["private key", "ANY PRIVATE KEY", "OPENSSH PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE", "PRIVATE KEY "]
    {
        refused(pem(label, "", &pkcs8), &NOTHING);
    }
}

/// The key within is the file's; an EC key keeps its own curve beside that of the algorithm.
#[test]
fn every_form_becomes_pkcs8() {
    let (pkcs8, sec1) = ec();
    let (rsa_pkcs8, pkcs1) = rsa();
    let converted = |file: &[u8]| to_pkcs8(&private_key(file, None).unwrap()).unwrap();
    assert_eq!(converted(&pkcs8), pkcs8);
    assert_eq!(converted(&rsa_pkcs8), rsa_pkcs8);
    assert_eq!(converted(&pkcs1), rsa_pkcs8);
    let from_sec1 = converted(&sec1);
    assert!(from_sec1.ends_with(&sec1));
    assert_eq!(from_sec1[3..27], pkcs8[3..27], "version and algorithm");
    loads(pem("PRIVATE KEY", "", &from_sec1), &from_sec1);
}

/// OpenSSL clears the unused bits of the public key in an EC key, and loads no key whose point is not on its curve.
#[test]
fn the_public_key_of_an_ec_key_is_on_its_curve_without_its_unused_bits() {
    let ends_with_bits = |(pkcs8, _): &(Vec<u8>, Vec<u8>)| pkcs8[pkcs8.len() - 1] & 0x7f != 0;
    let (pkcs8, sec1) = core::iter::repeat_with(ec).find(ends_with_bits).unwrap();
    // A point of 65 bytes stands behind the number of its unused bits.
    let with_unused_bits = |key: &[u8], unused_bits| {
        let mut key = key.to_vec();
        let place = key.len() - 66;
        key[place] = unused_bits;
        key
    };
    let zeros = u8::try_from(pkcs8[pkcs8.len() - 1].trailing_zeros()).unwrap();
    loads(pem("PRIVATE KEY", "", &with_unused_bits(&pkcs8, zeros)), &with_unused_bits(&pkcs8, zeros));
    for unused_bits in [7, 8] {
        malformed(pem("PRIVATE KEY", "", &with_unused_bits(&pkcs8, unused_bits)));
        malformed(pem("EC PRIVATE KEY", "", &with_unused_bits(&sec1, unused_bits)));
    }
}

#[test]
fn the_first_block_that_loads_is_the_key() {
    let (pkcs8, sec1) = ec();
    let good = pem("PRIVATE KEY", "", &pkcs8);
    let other = pem("EC PRIVATE KEY", "", &sec1);
    loads(good.clone() + &other, &pkcs8);
    loads(other.clone() + &good, &sec1);
    for before in [
        "a remark: with a colon\n",
        &pem("CERTIFICATE", "", b"no certificate"),
        &pem("EC PARAMETERS", "", b"\x06\x08"),
        &pem("OPENSSH PRIVATE KEY", "", b"openssh-key-v1\0"),
        &pem("PRIVATE KEY", "", &pkcs8[..pkcs8.len() - 1]),
        &pem("EC PRIVATE KEY", "", &sec1[..sec1.len() - 1]),
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END X-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    ] {
        loads(format!("{before}{good}"), &pkcs8);
        loads(format!("{good}{before}"), &pkcs8);
    }
    loads(good.clone() + "-----BEGIN PRIVATE KEY-----\nAA", &pkcs8);
    loads(good.replace('\n', "\r\n"), &pkcs8);
}

#[test]
fn the_first_reason_is_given() {
    let (pkcs8, sec1) = ec();
    let good = pem("PRIVATE KEY", "", &pkcs8);
    refused("", &NOTHING);
    refused("no key here", &NOTHING);
    refused(
        format!(
            "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n{}",
            pem("PRIVATE KEY", "", b"")
        ),
        &X509Error::Pem { position: 0, problem: PemProblem::BadBase64 },
    );
    refused(
        good.split("-----END").next().unwrap(),
        &X509Error::Pem { position: 0, problem: PemProblem::MissingEnd },
    );
    let Err(X509Error::Malformed { block, position, .. }) =
        private_key(format!("remark\n{}", pem("EC PRIVATE KEY", "", &sec1[..9])).as_bytes(), None)
    else {
        panic!("a key that is cut off")
    };
    assert_eq!((block, position), (Some("remark\n".len()), 0));
}

#[test]
fn headers_are_those_of_an_encrypted_key_or_an_error() {
    let (pkcs8, sec1) = ec();
    let good = pem("PRIVATE KEY", "", &pkcs8);
    let iv = "00112233445566778899AABBCCDDEEFF";
    for headers in [
        "Comment: hello\n\n",
        "Proc-Type: 5,ENCRYPTED\nDEK-Info: AES-128-CBC,{iv}\n\n",
        "Proc-Type: 4 ,ENCRYPTED\nDEK-Info: AES-128-CBC,{iv}\n\n",
        "Proc-Type: 4,MIC-ONLY\nDEK-Info: AES-128-CBC,{iv}\n\n",
        "Proc-Type: 4,ENCRYPTEDX\nDEK-Info: AES-128-CBC,{iv}\n\n",
        "Proc-Type: 4,ENCRYPTED\n\n",
        "Proc-Type: 4,ENCRYPTED\nX: y\n\n",
        "DEK-Info: AES-128-CBC,{iv}\nProc-Type: 4,ENCRYPTED\n\n",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC\n\n",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC, {iv}\n\n",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0x{iv}\n\n",
    ] {
        let headers = headers.replace("{iv}", iv);
        let bad = pem("EC PRIVATE KEY", &headers, &sec1);
        refused(&bad, &X509Error::Key(KeyProblem::BadHeaders));
        refused(bad + &good, &X509Error::Key(KeyProblem::BadHeaders));
    }
    loads(pem("EC PRIVATE KEY", "A: b\n\n", &sec1), &sec1);
    let unknown = pem("EC PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: RC2-40-CBC,00\n\n", &sec1);
    let scheme = String::from("RC2-40-CBC");
    refused(unknown, &X509Error::Key(KeyProblem::UnsupportedEncryption { scheme }));

    let headers = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{iv}\n\n");
    let needed = private_key(pem("EC PRIVATE KEY", &headers, &[0; 32]).as_bytes(), None);
    assert_eq!(needed.err(), Some(X509Error::Key(KeyProblem::PassphraseNeeded)));
    refused(pem("EC PRIVATE KEY", &headers, &[0; 33]), &X509Error::Key(KeyProblem::TruncatedCiphertext));
    refused(pem("EC PRIVATE KEY", &headers, &[0; 32]), &X509Error::Key(KeyProblem::WrongPassphrase));
}

/// OpenSSL reads the numbers of an RSA key as unsigned, with any number of zeros before them.
#[test]
fn rsa_keys_are_put_into_der() {
    let (_, pkcs1) = rsa();
    let ber = |first: &[u8]| der(0x30, &[&[2, 1, 0][..], &der(2, first), &[2, 1, 3].repeat(7)].concat());
    for (number, expected) in [
        (&[0, 3][..], &[3][..]),
        (&[0, 0, 0x83], &[0, 0x83]),
        (&[0x83], &[0, 0x83]),
        (&[], &[0]),
        (&[3], &[3]),
    ] {
        loads(ber(number), &ber(expected));
        let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        let pkcs8 = |key: &[u8]| der(0x30, &[&[2, 1, 0], &algorithm[..], &der(4, key)].concat());
        loads(pem("PRIVATE KEY", "", &pkcs8(&ber(number))), &pkcs8(&ber(expected)));
    }
    assert_eq!(ber(&[3]), pkcs1);
}

#[test]
fn an_ec_key_names_its_curve() {
    let (_, sec1) = ec();
    // The curve has twelve bytes, and is the third element.
    let without = der(0x30, &[&sec1[2..39], &sec1[51..]].concat());
    malformed(&without);
    malformed(pem("EC PRIVATE KEY", "", &without));
    let implicit = der(0x30, &[&sec1[2..39], &[0xa0, 2, 5, 0], &sec1[51..]].concat());
    malformed(&implicit);
}

#[test]
fn der_is_read_by_its_shape() {
    let (pkcs8, sec1) = ec();
    let (rsa_pkcs8, pkcs1) = rsa();
    for key in [&pkcs8, &sec1, &rsa_pkcs8, &pkcs1] {
        loads(key, key);
        loads([key, &b"trailing"[..]].concat(), key);
        for cut in 1..key.len() {
            malformed(&key[..cut]);
        }
        refused([b"\n", &key[..]].concat(), &NOTHING);
    }
    assert!(matches!(private_key(&pkcs8, None), Ok(PrivateKeyDer::Pkcs8(_))));
    assert!(matches!(private_key(&pkcs1, None), Ok(PrivateKeyDer::Pkcs1(_))));
    assert!(matches!(private_key(&sec1, None), Ok(PrivateKeyDer::Sec1(_))));
}

/// What a file may ask for is bounded: a minute of arithmetic or a gigabyte is an error, not a wait.
#[test]
fn derivations_are_affordable() {
    use derive::Prf::Sha256;
    assert_eq!(derive::pbkdf2(b"", b"", 0, Sha256, 16).err(), Some(KeyProblem::BadEncryptionParameters));
    assert_eq!(
        derive::pbkdf2(b"", b"", derive::MAX_ITERATIONS + 1, Sha256, 16).err(),
        Some(KeyProblem::TooExpensive)
    );
    for costs in [[0, 8, 1], [1, 8, 1], [3, 8, 1], [16, 0, 1], [16, 8, 0]] {
        assert_eq!(
            derive::scrypt(b"", b"", costs, 16).err(),
            Some(KeyProblem::BadEncryptionParameters),
            "{costs:?}"
        );
    }
    for costs in
        [[1 << 20, 8, 1], [16, 1 << 20, 1], [16, 8, 1 << 20], [1 << 31, 1 << 31, 1 << 31], [1 << 14, 8, 64]]
    {
        assert_eq!(derive::scrypt(b"", b"", costs, 16).err(), Some(KeyProblem::TooExpensive), "{costs:?}");
    }
    assert!(derive::scrypt(b"", b"", [16, 1, 1], 16).is_ok());
}

/// Test vectors from RFC 6070 and RFC 7914.
#[test]
fn derivations_are_right() {
    let pbkdf2 = derive::pbkdf2(b"password", b"salt", 2, derive::Prf::Sha1, 20).unwrap();
    assert_eq!(crate::display::hex(&pbkdf2, 20), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    let scrypt = derive::scrypt(b"", b"", [16, 1, 1], 16).unwrap();
    assert_eq!(crate::display::hex(&scrypt, 16), "77d6576238657b203b19ca42c18a0497");
}

proptest! {
    /// Whatever is in a file: an answer.
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), passphrase in any::<Option<[u8; 3]>>()) {
        let _ = private_key(&bytes, passphrase.as_ref().map(|text| &text[..]));
        for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
            let _ = private_key(pem(label, "", &bytes).as_bytes(), Some(b"secret"));
        }
    }

    /// A key with a byte changed loads as another key or not at all, and never as more than it is.
    #[test]
    fn a_changed_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (mut key, _) = rsa();
        let length = key.len();
        key[at.index(length)] = byte;
        if let Ok(found) = private_key(&key, None) {
            // Numbers in BER are put into DER.
            let again = private_key(found.secret_der(), None);
            prop_assert!(key.starts_with(found.secret_der()) || again == Ok(found));
        }
    }
}
