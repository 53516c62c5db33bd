//! Cancel requests to a real PostgreSQL, over the policy of the session.

use crate::support::{
    driver::Session,
    postgres::{Postgres, Tls},
};
use pgtls_core::negotiation::Encryption;
use std::{sync::mpsc, thread, time::Duration};

/// Longer than any of this takes; the query ends by itself then, and the test fails.
const SLEEP: &str = "SELECT pg_sleep(60)";
/// A request that comes before the query has begun cancels nothing, so it is sent again.
const AGAIN: Duration = Duration::from_millis(50);

#[test]
fn a_query_is_cancelled() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = server.folder().display();
    let tcp =
        format!("host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser", server.port());
    let unix = format!("host={folder}/socket port={} dbname=postgres user=anyuser", server.port());
    for (conninfo, encryption) in [
        (format!("{tcp} sslmode=verify-full sslrootcert={folder}/root.crt"), Encryption::Ssl),
        (
            format!("{tcp} sslmode=require sslcert={folder}/client.crt sslkey={folder}/client.key"),
            Encryption::Ssl,
        ),
        (format!("{tcp} sslmode=prefer"), Encryption::Ssl),
        (format!("{tcp} sslmode=disable"), Encryption::Plain),
        (unix, Encryption::Plain),
    ] {
        let mut session = Session::open(&conninfo, home.path());
        let canceller = session.canceller();
        let (tell, told) = mpsc::channel();
        let query = thread::spawn(move || {
            let outcome = session.query(SLEEP);
            tell.send(()).unwrap();
            (session, outcome)
        });
        while told.recv_timeout(AGAIN).is_err() {
            let cancelled = canceller.cancel().unwrap_or_else(|error| panic!("{conninfo}: {error}"));
            assert_eq!(cancelled.encryption, encryption, "{conninfo}");
        }
        let (mut session, outcome) = query.join().unwrap();
        let error = outcome.expect_err("it was cancelled").to_string();
        assert!(error.contains("57014"), "{conninfo}: {error}");
        // A late request may have hit this query.
        let alive = (0..2).find_map(|_| session.query("SELECT 1").ok());
        assert_eq!(alive, Some(vec![Some("1".to_owned())]), "{conninfo}");
    }
}
