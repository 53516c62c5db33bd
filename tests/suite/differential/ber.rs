//! CRL files that are no DER: what OpenSSL loads of them, we load or know for BER.

use super::{
    der::{implicit, pem, sequence, tlv},
    grammar::CrlChange,
    make,
    oracle::{Answer, openssl},
    plain, verify,
};
use openssl::x509::X509Crl;
use pgtls_x509::CrlStore;

/// A CRL that lists somebody.
fn crl() -> Vec<u8> {
    let files = make::make(&plain(2, Vec::new(), Some(vec![(0, CrlChange::ListsOthers)])));
    X509Crl::from_pem(files.crls.unwrap().as_bytes()).unwrap().to_der().unwrap()
}

/// Splits the first element off: what is in it, and what is behind it.
fn split(der: &[u8]) -> (&[u8], &[u8]) {
    let header = if der[1] < 0x80 { 2 } else { 2 + usize::from(der[1] & 0x7f) };
    let length = match der[1] {
        short @ ..0x80 => short.into(),
        _ => der[2..header].iter().fold(0, |length, &digit| length << 8 | usize::from(digit)),
    };
    der[header..].split_at(length)
}

/// A SEQUENCE whose length stands in four bytes.
fn long(content: &[u8]) -> Vec<u8> {
    [&[0x30, 0x84], &u32::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

/// An element without a length.
fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// What OpenSSL loads, and what we load or know for BER.
fn loads(der: &[u8]) -> (bool, bool, bool) {
    let file = pem("X509 CRL", der);
    let is_der = CrlStore::from_pem(file.as_bytes()).is_ok();
    (X509Crl::from_pem(file.as_bytes()).is_ok(), is_der, CrlStore::loads_as_ber(file.as_bytes()))
}

#[test]
fn a_crl_in_ber_is_told_from_garbage() {
    let crl = crl();
    let (content, _) = split(&crl);
    let (signed, behind) = split(content);
    let signed_whole = &content[..content.len() - behind.len()];
    let (algorithm, bits) = split(behind);
    let (signature, _) = split(bits);
    let algorithm = sequence(&[algorithm.to_vec()]);
    let pieces = [tlv(3, &signature[..8]), tlv(3, &signature[8..])].concat();
    for (what, der) in [
        ("no length", indefinite(0x30, content)),
        ("a long length", long(content)),
        ("no length inside", sequence(&[indefinite(0x30, signed), behind.to_vec()])),
        ("a long length inside", sequence(&[long(signed), behind.to_vec()])),
        (
            "a signature in pieces",
            sequence(&[signed_whole.to_vec(), algorithm.clone(), indefinite(0x23, &pieces)]),
        ),
        (
            "a signature in pieces of a length",
            sequence(&[signed_whole.to_vec(), algorithm, tlv(0x23, &pieces)]),
        ),
    ] {
        assert_eq!(loads(&der), (true, false, true), "{what}");
    }
    let cut = indefinite(0x30, content);
    for (what, der) in [
        ("no length and no end", cut[..cut.len() - 2].to_vec()),
        ("cut off", crl[..crl.len() - 1].to_vec()),
        ("no length, cut off", cut[..cut.len() / 2].to_vec()),
        ("something else", sequence(&[sequence(&[])])),
    ] {
        assert_eq!(loads(&der), (false, false, false), "{what}");
    }
    assert_eq!(loads(&crl), (true, true, true));
}

/// What OpenSSL loads and what we do when a tag lacks the bit that says that it holds elements: only lists may lack it.
#[test]
fn a_list_is_known_without_its_bit_and_a_structure_is_not() {
    let crl = crl();
    let mut loaded = 0;
    for place in (0..crl.len()).filter(|&place| matches!(crl[place], 0x30 | 0x31)) {
        let mut der = crl.clone();
        der[place] &= !0x20;
        let (openssl, is_der, is_ber) = loads(&der);
        assert_eq!((openssl, openssl), (is_ber || is_der, is_ber), "byte {place} of {crl:02x?}");
        loaded += u32::from(openssl);
    }
    assert!(loaded > 3, "the name, its parts, the entries and the extensions");
}

/// A CRL that says in BER which certificates it is for is not taken for one that says nothing.
#[test]
fn an_extension_in_ber_is_not_taken_for_none() {
    let only_authorities = implicit(2, &[0xff]);
    for (what, value) in [
        ("DER", sequence(std::slice::from_ref(&only_authorities))),
        ("a long length", long(&only_authorities)),
        ("no length", indefinite(0x30, &only_authorities)),
    ] {
        let files = make::make(&plain(2, Vec::new(), Some(vec![(0, CrlChange::Point(value))])));
        let theirs = openssl(&files, false, 2);
        assert_eq!(theirs, Answer::Refused { number: 44, depth: 0 }, "{what}");
        let ours = verify(&files, false, 2);
        assert!(ours.is_err(), "{what}");
    }
}

/// Any one byte of the file may be another.
#[test]
fn a_crl_that_openssl_loads_is_not_taken_for_garbage() {
    let crl = crl();
    let mut ignored = Vec::new();
    for place in 0..crl.len() {
        let was = crl[place];
        for byte in [0, 1, 2, 0x24, 0x30, 0x80, 0x81, 0x82, 0xff, was ^ 0x20, was ^ 1, was.wrapping_add(1)] {
            let mut der = crl.clone();
            der[place] = byte;
            let (openssl, is_der, is_ber) = loads(&der);
            if openssl && !is_der && !is_ber {
                ignored.push((place, was, byte));
            }
        }
    }
    assert!(ignored.is_empty(), "{ignored:02x?} of {crl:02x?}");
}
