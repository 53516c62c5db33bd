//! A search for the most expensive chain: within the bytes that a handshake carries, none costs more than the known ones.
//!
//! Work is counted, not timed: the bytes that the verifier charges. Loops that charge nothing are found by
//! `cargo xtask test budgets`, which counts the instructions of the worst known chain of each kind.
//! `PGTLS_WORST_ROUNDS=1000` makes a long search.

#[expect(unreachable_pub, reason = "the bench crate has the file as a public module")]
#[path = "../../bench/src/hostile.rs"]
mod chains;

use super::{
    der::pem,
    keys::{KeyKind, Signature, key},
    options,
};
use chains::{Kind, Knobs, Signer, WORST};
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, Verdict, X509Error, check_readable, verify_chain,
};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Chains of each kind that are tried.
const ROUNDS: usize = 30;

/// The most that a chain of the kind may cost, in charged bytes. To parse 102,400 bytes once costs 3,276,800. The searches found at most
/// nine tenths of each number.
fn most(kind: Kind) -> usize {
    match kind {
        // A hundred steps, at each of which 256 candidates are looked at, two turns for each.
        Kind::Loop => 12_500_000,
        // Whatever OpenSSL compares, up to the whole budget, below CAs whose signatures are good. The last turn exceeds it.
        // Points have our own CRLs: 40 of one issuer, and up to nine rounds for nine reasons.
        Kind::Constraints | Kind::Points => (1 << 26) + (1 << 16),
        Kind::Crls => 46_500_000,
        // Not a chain: nothing is charged.
        Kind::Nested => 0,
        _ => 3_850_000,
    }
}

#[test]
fn a_search_finds_no_chain_that_costs_more_than_is_known() {
    let rounds =
        std::env::var("PGTLS_WORST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let mut random = fastrand::Rng::with_seed(14);
    for (kind, known) in WORST {
        let mut worst = (charged(kind, known), known);
        for round in 0..rounds {
            // Other chains first, then ones that are like the worst.
            let knobs =
                if round < rounds / 2 { random_knobs(&mut random) } else { turned(&mut random, worst.1) };
            worst = worst.max((charged(kind, knobs), knobs));
        }
        let (cost, knobs) = worst;
        assert!(cost <= most(kind), "{kind:?} {knobs:?} costs {cost}, more than {}", most(kind));
        println!("{}: {cost} of {} {knobs:?}", kind.name(), most(kind));
    }
}

fn random_knobs(random: &mut fastrand::Rng) -> Knobs {
    std::array::from_fn(|_| random.u16(..))
}

/// Another value for one knob, near to the one it has or not.
fn turned(random: &mut fastrand::Rng, mut knobs: Knobs) -> Knobs {
    let knob = &mut knobs[random.usize(..6)];
    *knob = if random.bool() { random.u16(..) } else { knob.wrapping_add(random.u16(..9)).wrapping_sub(4) };
    knobs
}

/// Bytes that the verifier charges for a chain. Where the peer alone decides, that is within the budget.
fn charged(kind: Kind, knobs: Knobs) -> usize {
    let key = key(KeyKind::P256, 0);
    let sign = |message: &[u8]| key.sign(Signature::Natural, message);
    let chain = chains::chain(kind, knobs, &Signer { public_key_info: &key.public_key_info, sign: &sign });
    if kind == Kind::Nested {
        assert!(check_readable(&chain.leaf).is_err());
        return 0;
    }
    let trust = TrustStore::from_der(chain.roots.iter().map(Vec::as_slice));
    let crls: String = chain.crls.iter().map(|crl| pem("X509 CRL", crl)).collect();
    let crls = (!crls.is_empty()).then(|| CrlStore::from_pem(crls.as_bytes()).unwrap());
    let presented: Vec<&[u8]> = chain.presented.iter().map(Vec::as_slice).collect();
    let meter = AtomicUsize::new(0);
    let mut options = options(Purpose::Server, SecurityLevel::DEFAULT);
    options.meter = Some(&meter);
    let result = verify_chain(&chain.leaf, &presented, &trust, crls.as_ref(), &options);
    // Signatures are good below constraints alone, so that nothing else is accepted.
    match (kind, &result) {
        (Kind::Constraints | Kind::Points, _) => {}
        (_, Err(X509Error::Path(error))) if !matches!(error.verdict, Verdict::BudgetExceeded(_)) => {}
        _ => panic!("{kind:?} {knobs:?}: {result:?}"),
    }
    meter.load(Ordering::Relaxed)
}
