//! Plaintext connections against a scripted peer.

mod peer;

use peer::{Peer, config, startup};
use pgtls_core::negotiation::Encryption;

#[test]
fn a_server_without_tls() {
    let peer = Peer::start(|mut connection| {
        connection.expect(&peer::SSL_REQUEST);
        connection.send(b"N");
        connection.start_up();
    });
    let config = config(&format!("host=db.test hostaddr=127.0.0.1 port={} user=u sslmode=prefer", peer.port));
    let connected = pgtls_std::connect(&config, startup).unwrap();
    assert_eq!(connected.stream.encryption(), Encryption::Plain);
    let events: Vec<_> = connected.report.events().map(|event| event.as_str()).collect();
    assert_eq!(events, ["connect", "sslreject", "authok"]);
}
