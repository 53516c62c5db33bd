//! Chains: the input is certificates one after the other, the first is the peer's, every other one is trusted.
#![no_main]

use pgtls_x509::{Purpose, SecurityLevel, TrustStore, VerifyOptions, verify_chain};

libfuzzer_sys::fuzz_target!(|chain: &[u8]| {
    let certificates: Vec<&[u8]> = split(chain);
    let trust = TrustStore::from_der(certificates.iter().copied().step_by(2));
    let options = VerifyOptions {
        time: rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_750_000_000)),
        purpose: Purpose::Server,
        security_level: SecurityLevel(0),
        algorithms: rustls::crypto::ring::default_provider().signature_verification_algorithms.all,
    };
    if let [leaf, presented @ ..] = certificates.as_slice() {
        let _ = verify_chain(leaf, presented, &trust, None, &options);
    }
});

/// Cuts before each `30 82`, the beginning of most certificates.
fn split(chain: &[u8]) -> Vec<&[u8]> {
    let starts = chain.windows(2).enumerate().filter(|(_, pair)| *pair == [0x30, 0x82]).map(|(at, _)| at);
    let starts: Vec<usize> = starts.chain([chain.len()]).collect();
    starts.windows(2).map(|bounds| &chain[bounds[0]..bounds[1]]).collect()
}
