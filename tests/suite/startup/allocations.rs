//! What monitoring the startup exchange costs in allocations: nothing, byte by byte.

use super::table::message;
use crate::fuzz::targets::startup::decision;
use pgtls_core::{
    negotiation::Encryption,
    startup::{ClientCertificate, StartupMonitor, StartupRules},
};

#[test]
fn no_byte_allocates() {
    let long = vec![b'x'; 1 << 16];
    let exchanges: [&[Vec<u8>]; 3] = [
        &[
            message(b'R', b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
            message(b'R', b"\0\0\0\x0br=nonce,s=salt,i=4096"),
            message(b'R', b"\0\0\0\x0cv=signature"),
            message(b'R', &[0; 4]),
            message(b'S', b"server_version\x0018.0\0"),
            message(b'K', &[7; 8]),
            message(b'Z', b"I"),
        ],
        &[message(b'E', b"SFATAL\0C28000\0Mno\0\0")],
        &[message(b'N', &long), message(b'E', &long)],
    ];
    for exchange in exchanges {
        let bytes = exchange.concat();
        let encryption = Encryption::Ssl;
        let mut monitor = StartupMonitor::new(StartupRules::NONE, encryption, ClientCertificate::NONE, None);
        let cost = allocation_counter::measure(|| {
            for byte in bytes.chunks(1) {
                let _ = monitor.read(byte);
            }
        });
        assert_eq!(cost.count_total, 0, "{:?}", exchange.len());
        assert!(decision(&mut monitor).is_some(), "the exchange comes to nothing");
    }
}
