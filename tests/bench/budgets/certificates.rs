//! Files and chains, beside what webpki needs for the same, and the most expensive chains that are known.

use crate::{measure, measure_again};
use pem_rfc7468::{LineEnding, encode_string};
use pgtls_bench::{
    hostile::{self, Chain, Kind, Signer, WORST},
    material::Material,
    setup::Provider,
    work::certificates::{Ours, REVOKED, Webpki, load_bundle, load_crl, webpki_load_bundle, webpki_load_crl},
};
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, VerifyOptions, check_readable, presented_names,
    verify_chain,
};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use rustls::pki_types::UnixTime;
use std::{hint::black_box, time::Duration};

/// When the chains are verified.
const NOW: Duration = Duration::from_secs(1_750_000_000);

pub(crate) fn measure_all() {
    for (kind, knobs) in WORST {
        measure_hostile(kind, &hostile_chain(kind, knobs));
    }
    let material = Material::new();
    let bundle = material.bundle();
    for (case, roots) in [("one-root", &material.root), ("bundle", &bundle)] {
        let (ours, webpki) = (Ours::new(roots, None), Webpki::new(roots, None));
        measure_again(&format!("verify-{case}"), || ours.verify(&material));
        measure_again(&format!("webpki-verify-{case}"), || webpki.verify(&material));
    }
    measure("load-bundle", || load_bundle(&bundle));
    measure("webpki-load-bundle", || webpki_load_bundle(&bundle));

    // A list is parsed once, and its signature is checked by the first who needs it.
    let (few, many) = (material.crl(100), material.crl(REVOKED));
    let few = Ours::new(&material.root, Some(load_crl(&few)));
    measure_again("verify-crl-100", || few.verify(&material));
    let webpki = measure("webpki-load-crl", || webpki_load_crl(&many));
    let ours = measure("load-crl", || load_crl(&many));
    let ours = Ours::new(&material.root, Some(ours));
    measure_again("verify-crl-100000", || ours.verify(&material));
    let webpki = Webpki::new(&material.root, Some(webpki));
    measure_again("webpki-verify-crl-100000", || webpki.verify(&material));
}

fn hostile_chain(kind: Kind, knobs: hostile::Knobs) -> Chain {
    let key = KeyPair::generate().unwrap();
    let sign = |message: &[u8]| key.sign(message).unwrap();
    hostile::chain(kind, knobs, &Signer { public_key_info: &key.subject_public_key_info(), sign: &sign })
}

/// Reads and verifies a chain as a handshake does. What is no chain is only read.
fn measure_hostile(kind: Kind, chain: &Chain) {
    let trust = TrustStore::from_der(chain.roots.iter().map(Vec::as_slice));
    let crls: String =
        chain.crls.iter().map(|crl| encode_string("X509 CRL", LineEnding::LF, crl).unwrap()).collect();
    let crls = (!crls.is_empty()).then(|| CrlStore::from_pem(crls.as_bytes()).unwrap());
    let presented: Vec<&[u8]> = chain.presented.iter().map(Vec::as_slice).collect();
    let algorithms = Provider::AwsLcRs.make().signature_verification_algorithms.all;
    let time = UnixTime::since_unix_epoch(NOW);
    let options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, algorithms);
    measure_again(&format!("hostile-{}", kind.name()), || {
        let leaf = black_box(chain.leaf.as_slice());
        if kind == Kind::Nested {
            assert!(check_readable(leaf).is_err());
        } else {
            let _ = (verify_chain(leaf, &presented, &trust, crls.as_ref(), &options), presented_names(leaf));
        }
    });
}
