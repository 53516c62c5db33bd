//! Chains made to cost much, and bytes made of anything: they end, within the budgets, in a verdict.

use super::{
    der::{bits, explicit, implicit, integer, octets, oid, sequence, set, tlv},
    keys::{KeyKind, Signature, key},
    make::NOW,
    options,
};
use pgtls_core::name::PeerName;
use pgtls_x509::{
    Budget, CrlStore, Description, HandshakeKey, MAX_PRESENTED, MAX_PRESENTED_BYTES, Purpose, SecurityLevel,
    TrustStore, Verdict, VerifyOptions, X509Error, certificates_from_pem, presented_names, private_key,
    tls_server_end_point, verify_chain, verify_chain_strict,
};
use proptest::prelude::*;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, UnixTime};
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A certificate with a bare name, signed by entity 0.
fn certificate(subject: &[u8], issuer: &[u8], serial: u8, extensions: &[Vec<u8>]) -> Vec<u8> {
    let signer = key(KeyKind::P256, 0);
    let mut parts = vec![
        explicit(0, &[integer(&[2])]),
        integer(&[serial & 0x7f]),
        signer.algorithm(Signature::Natural),
        issuer.to_vec(),
        sequence(&[tlv(23, b"200101000000Z"), tlv(23, b"400101000000Z")]),
        subject.to_vec(),
        signer.public_key_info.clone(),
    ];
    if !extensions.is_empty() {
        parts.push(explicit(3, &[sequence(extensions)]));
    }
    let body = sequence(&parts);
    let signature = signer.sign(Signature::Natural, &body);
    sequence(&[body, signer.algorithm(Signature::Natural), bits(0, &signature)])
}

fn name(text: &[u8]) -> Vec<u8> {
    sequence(&[set(&[sequence(&[oid("2.5.4.3"), tlv(12, text)])])])
}

fn extension(dotted: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(dotted), octets(value)])
}

fn ca() -> Vec<u8> {
    extension("2.5.29.19", &sequence(&[tlv(1, &[0xff])]))
}

/// Counts how often signatures are checked.
#[derive(Debug)]
struct Counting(&'static dyn SignatureVerificationAlgorithm, &'static AtomicUsize);

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

/// The verdict, and how many signatures were checked for it.
fn verify(leaf: &[u8], presented: &[Vec<u8>], roots: &[Vec<u8>]) -> (Result<usize, X509Error>, usize) {
    let count: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    let all = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let counting: Vec<Counting> = all.iter().map(|algorithm| Counting(*algorithm, count)).collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        counting.iter().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm).collect();
    let options = VerifyOptions::new(
        UnixTime::since_unix_epoch(Duration::from_secs(NOW)),
        Purpose::Server,
        SecurityLevel::DEFAULT,
        &algorithms,
    );
    let trust = TrustStore::from_der(roots.iter().map(Vec::as_slice));
    let presented: Vec<&[u8]> = presented.iter().map(Vec::as_slice).collect();
    let result = verify_chain(leaf, &presented, &trust, None, &options);
    (result.map(|path| path.certificates.len()), count.load(Ordering::Relaxed))
}

#[track_caller]
fn verdict(result: Result<usize, X509Error>) -> Verdict {
    match result {
        Err(X509Error::Path(error)) => error.verdict,
        other => panic!("{other:?}"),
    }
}

/// A hundred CAs of one name, each of which could have issued each.
#[test]
fn a_mesh_of_cross_signed_cas_ends() {
    let mesh = name(b"mesh");
    let cas: Vec<Vec<u8>> = (0..100).map(|serial| certificate(&mesh, &mesh, serial, &[ca()])).collect();
    let leaf = certificate(&name(b"db"), &mesh, 1, &[]);
    // Each of them is self-issued and, for OpenSSL, self-signed: the first ends the chain.
    let (result, signatures) = verify(&leaf, &cas, &[]);
    assert_eq!((verdict(result), signatures), (Verdict::SelfSignedCertInChain, 0));
    // Two names that issue each other: from the root file the same certificates may come again and again, up to the limit;
    // what the peer sent is used once. There is no second try.
    let other = name(b"other");
    let pairs: Vec<Vec<u8>> = (0..50)
        .flat_map(|serial| {
            [certificate(&mesh, &other, serial, &[ca()]), certificate(&other, &mesh, serial, &[ca()])]
        })
        .collect();
    let (result, signatures) = verify(&leaf, &[], &pairs);
    assert_eq!((verdict(result), signatures), (Verdict::CertChainTooLong, 0));
    let (result, signatures) = verify(&leaf, &pairs, &[]);
    assert_eq!((verdict(result), signatures), (Verdict::UnableToGetIssuerCertLocally, 0));
}

/// The longest chain that is allowed, and one more.
#[test]
fn a_chain_may_have_a_hundred_intermediates() {
    let link = |number: usize| name(format!("link {number}").as_bytes());
    for (intermediates, expected) in [(100, Ok(102)), (101, Err(Verdict::CertChainTooLong))] {
        let leaf = certificate(&name(b"db"), &link(0), 1, &[]);
        let chain: Vec<Vec<u8>> = (0..intermediates)
            .map(|number| certificate(&link(number), &link(number + 1), 1, &[ca()]))
            .collect();
        let root = certificate(&link(intermediates), &link(intermediates), 1, &[ca()]);
        let (result, signatures) = verify(&leaf, &chain, &[root]);
        match expected {
            Ok(length) => assert_eq!((result.unwrap(), signatures), (length, length - 1)),
            Err(expected) => assert_eq!((verdict(result), signatures), (expected, 0)),
        }
    }
}

#[test]
fn more_certificates_than_are_looked_at() {
    let one = certificate(&name(b"a"), &name(b"b"), 1, &[ca()]);
    let leaf = certificate(&name(b"db"), &name(b"a"), 1, &[]);
    let (result, _) = verify(&leaf, &vec![one; MAX_PRESENTED + 1], &[]);
    assert_eq!(verdict(result), Verdict::BudgetExceeded(Budget::Presented));
}

/// Four thousand names under a thousand constraints: OpenSSL compares a million times and then gives up, and so do we. Below more
/// CAs it goes on, and we do not.
#[test]
fn many_names_under_many_constraints_end() {
    let names: Vec<Vec<u8>> =
        (0..4_000).map(|number| implicit(2, format!("h{number}.test").as_bytes())).collect();
    let alt_names = extension("2.5.29.17", &sequence(&names));
    let issuer = name(b"ca");
    let leaf = certificate(&name(b"db"), &issuer, 1, &[alt_names]);
    for (cas, constraints, expected) in [
        (1, 1, Ok(2)),
        (1, 260, Ok(2)),
        (2, 260, Err(Verdict::BudgetExceeded(Budget::NameComparisons))),
        (1, 1_000, Err(Verdict::Unspecified)),
    ] {
        let subtrees: Vec<Vec<u8>> = (0..constraints)
            .map(|number| sequence(&[implicit(2, format!("n{number}.test").as_bytes())]))
            .collect();
        let excluded = extension("2.5.29.30", &sequence(&[explicit(1, &subtrees)]));
        // Constraints of every CA count, so that more CAs mean more comparisons.
        let link = |number: usize| {
            if number == 0 { issuer.clone() } else { name(format!("ca {number}").as_bytes()) }
        };
        let chain: Vec<Vec<u8>> = (0..cas - 1)
            .map(|number| certificate(&link(number), &link(number + 1), 1, &[ca(), excluded.clone()]))
            .collect();
        let root = certificate(&link(cas - 1), &link(cas - 1), 1, &[ca(), excluded]);
        let (result, _) = verify(&leaf, &chain, &[root]);
        match expected {
            Ok(length) => assert_eq!(result.unwrap(), length),
            Err(expected) => assert_eq!(verdict(result), expected, "{constraints} constraints"),
        }
    }
}

#[test]
fn a_name_of_a_megabyte_does_not_load() {
    let long = name(&vec![b'a'; 1024 * 1024]);
    match Description::of(&certificate(&long, &long, 1, &[])) {
        Err(X509Error::Malformed { problem, .. }) => assert_eq!(problem, "the name is longer than 1 MiB"),
        other => panic!("{other:?}"),
    }
    // Just below it loads, and is shown in a line.
    let leaf = certificate(&name(&vec![b'a'; 1024 * 1023]), &name(b"ca"), 1, &[]);
    let shown = Description::of(&leaf).unwrap().to_string();
    assert!(shown.len() < 2_000, "{} characters", shown.len());
    // It is no certificate of a handshake.
    let error = verify(&leaf, &[], &[]).0.unwrap_err().to_string();
    assert!(error.len() < 2_000, "{} characters", error.len());
}

/// As many bytes as libpq's OpenSSL takes in a handshake are read, in either profile, and one more is not.
#[test]
fn more_bytes_than_a_handshake_carries() {
    let leaf = certificate(&name(b"db"), &name(b"a"), 1, &[]);
    let padding = vec![0; MAX_PRESENTED_BYTES];
    let trust = TrustStore::default();
    let options = options(Purpose::Server, SecurityLevel::DEFAULT);
    for verify in [verify_chain, verify_chain_strict] {
        let too_many = |bytes: usize| {
            let presented = &padding[..bytes - leaf.len()];
            match verify(&leaf, &[presented], &trust, None, &options) {
                Err(X509Error::Path(error)) => {
                    error.verdict == Verdict::BudgetExceeded(Budget::PresentedBytes)
                }
                // Zeros are no certificate; webpki reads them when it needs them.
                Err(X509Error::Malformed { .. }) => false,
                other => panic!("{other:?}"),
            }
        };
        assert!(!too_many(MAX_PRESENTED_BYTES));
        assert!(too_many(MAX_PRESENTED_BYTES + 1));
    }
}

/// webpki tries every path through certificates that issue each other before it looks at a signature.
#[test]
fn the_strict_profile_reads_few_certificates() {
    let link = |level: usize| name(format!("level {level}").as_bytes());
    let presented = |count: usize| -> Vec<Vec<u8>> {
        let certificate = |number: usize| {
            let level = number % 5;
            certificate(&link(level), &link(level + 1), u8::try_from(number).unwrap(), &[ca()])
        };
        (0..count).map(certificate).collect()
    };
    let leaf = certificate(&name(b"db"), &link(0), 1, &[]);
    let options = options(Purpose::Server, SecurityLevel::DEFAULT);
    let untrusted = Verdict::UnableToGetIssuerCertLocally;
    for (count, expected) in [(16, untrusted), (17, Verdict::BudgetExceeded(Budget::Presented))] {
        let presented = presented(count);
        let presented: Vec<&[u8]> = presented.iter().map(Vec::as_slice).collect();
        match verify_chain_strict(&leaf, &presented, &TrustStore::default(), None, &options) {
            Err(X509Error::Path(error)) => assert_eq!(error.verdict, expected, "{count} certificates"),
            other => panic!("{other:?}"),
        }
    }
}

/// Elements in elements in elements: nothing here recurses.
#[test]
fn deep_der_does_not_reach_the_end_of_the_stack() {
    let mut deep = Vec::new();
    for _ in 0..20_000 {
        // The length grows on the way out, so the header is put on the left of what there is.
        let mut around = tlv(0x30, &[]);
        let length = deep.len();
        if length >= 0x80 {
            around = vec![0x30, 0x83];
            around.extend(&length.to_be_bytes()[5..]);
        } else {
            around[1] = length.to_be_bytes()[7];
        }
        around.append(&mut deep);
        deep = around;
    }
    let other = explicit(0, &[oid("1.2.3"), explicit(0, &[deep.clone()])]);
    let leaf = certificate(
        &name(b"db"),
        &name(b"ca"),
        1,
        &[extension("2.5.29.17", &sequence(&[other])), extension("1.2.3.4", &deep)],
    );
    assert!(verify(&leaf, &[], &[]).0.is_err());
    assert_eq!(presented_names(&leaf).unwrap().subject_alt_names, [PeerName::Other]);
}

/// Everything that reads bytes.
fn read_all(bytes: &[u8]) {
    let _ = certificates_from_pem(bytes);
    let _ = private_key(bytes, None);
    let _ = private_key(bytes, Some(b"passphrase"));
    let _ = HandshakeKey::read(bytes).map(|key| key.may_sign_key_exchange());
    let _ = presented_names(bytes);
    let _ = tls_server_end_point(bytes);
    let _ = TrustStore::from_pem(bytes);
    let trust = TrustStore::from_der([bytes]);
    let _ = CrlStore::from_pem(bytes);
    let mut crls = CrlStore::empty();
    crls.add_directory("d", [("00000000.r0", bytes)]);
    let options = options(Purpose::Server, SecurityLevel(0));
    for crls in [None, Some(&crls)] {
        let _ = verify_chain(bytes, &[bytes], &trust, crls, &options);
        let _ = verify_chain_strict(bytes, &[bytes], &trust, crls, &options);
    }
}

/// A certificate with something of everything, to be bent.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let names = [
        implicit(2, b"db.test"),
        implicit(7, &[127, 0, 0, 1]),
        explicit(4, &[name(b"directory")]),
        explicit(0, &[oid("1.3.6.1.5.5.7.8.9"), explicit(0, &[tlv(12, b"a@b")])]),
    ];
    let point = sequence(&[explicit(0, &[explicit(0, &[implicit(6, b"http://a/")])])]);
    certificate(
        &name(b"db"),
        &name(b"db"),
        1,
        &[
            ca(),
            extension("2.5.29.15", &bits(1, &[0x86])),
            extension("2.5.29.37", &sequence(&[oid("1.3.6.1.5.5.7.3.1")])),
            extension("2.5.29.14", &octets(b"key")),
            extension(
                "2.5.29.35",
                &sequence(&[
                    implicit(0, b"key"),
                    explicit(1, &[explicit(4, &[name(b"db")])]),
                    implicit(2, &[1]),
                ]),
            ),
            extension("2.5.29.17", &sequence(&names)),
            extension("2.5.29.30", &sequence(&[explicit(0, &[sequence(&[implicit(2, b"test")])])])),
            extension("2.5.29.31", &sequence(&[point])),
        ],
    )
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    /// Bytes that begin like DER get further.
    #[test]
    fn bent_certificates_never_panic(bends in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let mut bytes = SAMPLE.clone();
        for (place, byte) in bends {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_all(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        read_all(&bytes);
        let pem = super::der::pem("CERTIFICATE", &bytes) + &super::der::pem("X509 CRL", &bytes);
        read_all(pem.as_bytes());
    }
}
