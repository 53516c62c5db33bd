//! Files and chains, beside what webpki needs for the same.

use crate::{measure, measure_again};
use pgtls_bench::{
    material::Material,
    work::certificates::{Ours, REVOKED, Webpki, load_bundle, load_crl, webpki_load_bundle, webpki_load_crl},
};

pub(crate) fn measure_all() {
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
