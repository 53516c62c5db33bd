//! Connections to a server in another process, beside those of bare rustls on the same runtime.

use crate::measure;
use pgtls_bench::{
    contenders::{self, Contender},
    exchange::Then,
    material::{BUNDLE_FILE, ROOT_FILE},
    server::{Process, RECORD},
    setup::{Provider, Setup},
};
use std::io::ErrorKind;

/// Who is compared with whom.
const PAIRS: [[&str; 2]; 3] =
    [["rustls", "pgtls-std"], ["tokio-rustls", "pgtls-tokio"], ["futures-rustls", "pgtls-async-std"]];

/// Handshakes have random numbers in them, whose lengths differ by a byte or two, and threads do not always meet.
const ROUNDS: usize = 7;

/// So many that it does not matter how the kernel cuts them up.
const RECORDS: u64 = 64;

pub(crate) fn measure_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path()).unwrap();
    for (case, roots) in [("one-root", ROOT_FILE), ("bundle", BUNDLE_FILE)] {
        let setup = Setup {
            address: server.address,
            roots: folder.path().join(roots),
            crl: None,
            direct: false,
            provider: Provider::AwsLcRs,
        };
        for pair in PAIRS {
            let pair = pair.map(|name| (name, contenders::make(name, &setup).unwrap()));
            // The files are read by the first.
            for (_, contender) in &pair {
                contender.connect().unwrap();
            }
            for (name, contender) in pair.iter().cycle().take(ROUNDS * pair.len()) {
                measure(&format!("connect-{name}-{case}"), || contender.connect().unwrap());
                if case == "one-root" {
                    records(name, &**contender);
                }
            }
        }
    }
}

/// What is counted is the transfer alone, which knows when it begins.
fn records(name: &str, contender: &dyn Contender) {
    for (then, case) in [(Then::Source, "received"), (Then::Sink, "sent")] {
        contender.transfer(then, RECORDS * RECORD as u64, &mut |_| false).unwrap();
        println!("{case}-{name}");
    }
    match contender.read_into_uninitialised(RECORDS * RECORD as u64, &mut |_| false) {
        Ok(()) => println!("read-buf-{name}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}"),
    }
}
