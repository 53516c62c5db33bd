//! The startup exchange of `pgtls-startup` on the adapters: passwords, many iterations, deadlines, and futures that are dropped.

use super::{
    adapter::{Adapter, Std, Wire},
    peer::{PATIENCE, Peer, Scripted, WELCOME, error_response, failure},
    through_each_adapter,
};
use crate::support::divergences::Divergences;
use openssl::{
    base64, hash::MessageDigest, memcmp, pkcs5::pbkdf2_hmac, pkey::PKey, sha::sha256, sign::Signer,
};
use pgtls_adapter::{ConnectError, Startup};
use pgtls_core::{negotiation::Failure, startup::Refusal};
use pgtls_startup::{AuthenticationMethod, ServerSession};
use std::{
    future::poll_fn,
    io::Read as _,
    sync::mpsc::{self, Receiver, TryRecvError},
    task::Poll,
};

/// The most iterations that fit into the `int` of libpq: hours of work.
const ENDLESS: &str = "2147483647";
/// Slices of an endless derivation that a test waits for before it drops the future.
const SLICES: usize = 20;
const PASSWORD: &str = "correct horse";
const SALT: &[u8] = b"sixteen salt bytes";

/// A server with SCRAM-SHA-256 for one password, computed by OpenSSL.
struct Scram {
    iterations: &'static str,
    stored_key: [u8; 32],
    server_key: Vec<u8>,
}

impl Scram {
    fn new(iterations: usize) -> Self {
        let mut salted = [0; 32];
        pbkdf2_hmac(PASSWORD.as_bytes(), SALT, iterations, MessageDigest::sha256(), &mut salted).unwrap();
        Self {
            iterations: iterations.to_string().leak(),
            stored_key: sha256(&hmac(&salted, b"Client Key")),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// Requests SCRAM and reads the client's first message. Returns it with the server's first message, which is not sent yet.
    fn first(&self, connection: &mut Scripted) -> (String, String) {
        connection.asked_to_start();
        connection.send(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0");
        let response = message(connection);
        let response =
            String::from_utf8_lossy(response.strip_prefix(b"SCRAM-SHA-256\0").unwrap()).into_owned();
        let (_, bare) = response.split_once("n,,").unwrap();
        let nonce = bare.strip_prefix("n=,r=").unwrap();
        let first = format!("r={nonce}more,s={},i={}", base64::encode_block(SALT), self.iterations);
        (bare.to_owned(), first)
    }

    /// A whole exchange. Returns whether the client has the password.
    fn authenticate(&self, connection: &mut Scripted) -> bool {
        let (bare, first) = self.first(connection);
        connection.send(&authentication(11, &first));
        let last = String::from_utf8(message(connection)).unwrap();
        let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
        let auth_message = format!("{bare},{first},{without_proof}");
        let signature = hmac(&self.stored_key, auth_message.as_bytes());
        let proof = base64::decode_block(proof).unwrap();
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        if !memcmp::eq(&sha256(&client_key), &self.stored_key) {
            return false;
        }
        let signature = hmac(&self.server_key, auth_message.as_bytes());
        connection.send(&authentication(12, &format!("v={}", base64::encode_block(&signature))));
        true
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).unwrap();
    Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(text).unwrap()
}

fn authentication(code: u32, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 8).unwrap();
    [b"R", &length.to_be_bytes()[..], &code.to_be_bytes(), text.as_bytes()].concat()
}

/// The body of a message of the client.
fn message(connection: &mut Scripted) -> Vec<u8> {
    let mut head = [0; 5];
    connection.stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes(head[1..].try_into().unwrap());
    let mut body = vec![0; length as usize - 4];
    connection.stream.read_exact(&mut body).unwrap();
    body
}

/// A server that lets a client with the password in.
fn scram_server(iterations: usize) -> Peer {
    let scram = Scram::new(iterations);
    Peer::start(move |mut connection| {
        if scram.authenticate(&mut connection) {
            connection.send(WELCOME);
        } else {
            connection.send(&error_response("28P01"));
        }
        connection.rest();
    })
}

/// A server that never gets a proof, and reports what it got instead.
fn endless_server() -> (Peer, Receiver<()>, Receiver<Vec<u8>>) {
    let ((ask, asked), (tell, told)) = (mpsc::channel(), mpsc::channel());
    let mut scram = Scram::new(1);
    scram.iterations = ENDLESS;
    let peer = Peer::start(move |mut connection| {
        let (_, first) = scram.first(&mut connection);
        connection.send(&authentication(11, &first));
        ask.send(()).unwrap();
        tell.send(connection.rest()).unwrap();
    });
    (peer, asked, told)
}

fn log_in<A: Adapter>(peer: &Peer, parameters: &str) -> Result<ServerSession, ConnectError> {
    let config = peer.config(&format!("sslmode=disable {parameters}"));
    let connected = A::connect(&config, async |stream: &mut A::Stream, at: Startup<'_>| {
        stream.log_in(at, &config.params).await
    });
    connected.map(|connected| connected.value)
}

/// `postgres-protocol` stops at 100,000.
fn six_hundred_thousand_iterations<A: Adapter>() {
    let peer = scram_server(600_000);
    let session = log_in::<A>(&peer, &format!("password='{PASSWORD}'")).unwrap();
    assert_eq!(session.authentication, AuthenticationMethod::ScramSha256);
    let refused = log_in::<A>(&peer, "password=wrong").map(drop);
    assert!(matches!(failure(&refused), Failure::ServerError { sqlstate: [b'2', b'8', b'P', ..], .. }));
    // As psql prints it.
    assert!(refused.unwrap_err().to_string().ends_with("FATAL:  no"));
    let none = log_in::<A>(&peer, "").map(drop);
    assert_eq!(failure(&none), Failure::LocalRefusal(Refusal::NoPassword));
}

fn an_endless_derivation_ends_at_the_deadline<A: Adapter>() {
    let (peer, _asked, told) = endless_server();
    let outcome = log_in::<A>(&peer, "password=any connect_timeout=2").map(drop);
    assert_eq!(failure(&outcome), Failure::TimedOut);
    assert!(outcome.unwrap_err().to_string().ends_with("timeout expired"));
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), b"", "no proof was sent");
}

/// The query for the role of a server that does not report it.
fn an_older_server_is_asked_for_its_role<A: Adapter>() {
    for (value, expected) in [("t", None), ("f", Some("server is not in hot standby mode"))] {
        let peer = Peer::start(move |mut connection| {
            connection.asked_to_start();
            connection.send(WELCOME);
            assert_eq!(message(&mut connection), b"SELECT pg_catalog.pg_is_in_recovery()\0");
            let row = [b"D\0\0\0\x0b\0\x01\0\0\0\x01", value.as_bytes(), b"C\0\0\0\x0dSELECT 1\0"].concat();
            connection.send(&[&row[..], b"Z\0\0\0\x05I"].concat());
            connection.rest();
        });
        let outcome = log_in::<A>(&peer, "target_session_attrs=standby");
        match expected {
            None => assert_eq!(outcome.unwrap().role_answer.as_deref(), Some(value.as_bytes())),
            Some(sentence) => assert!(outcome.unwrap_err().to_string().ends_with(sentence)),
        }
    }
}

through_each_adapter!(
    six_hundred_thousand_iterations,
    an_endless_derivation_ends_at_the_deadline,
    an_older_server_is_asked_for_its_role,
);

/// The rows of `divergences.toml`: each server is accepted by libpq.
#[test]
fn servers_that_libpq_accepts() {
    let key = base64::encode_block(&[7; 32]);
    let with_key = format!("scram_client_key={key}");
    let servers: [(&str, &str, Peer); 4] = [
        (
            "AuthenticationOk in the middle of SCRAM",
            "password=any",
            Peer::start(|mut connection| {
                Scram::new(1).first(&mut connection);
                connection.send(WELCOME);
                connection.rest();
            }),
        ),
        (
            "SCRAM iterations beyond 2^31-1",
            "password='correct horse'",
            Peer::start(|mut connection| {
                let mut scram = Scram::new(1);
                scram.iterations = "4294967297";
                if scram.authenticate(&mut connection) {
                    connection.send(WELCOME);
                }
                connection.rest();
            }),
        ),
        (
            "more than 1 MiB of parameters",
            "",
            Peer::start(|mut connection| {
                connection.asked_to_start();
                connection.send(&WELCOME[..9]);
                for number in 1000..1100 {
                    let text = format!("p{number}\0{}\0", "x".repeat(20_000));
                    let length = u32::try_from(text.len() + 4).unwrap().to_be_bytes();
                    connection.send(&[b"S", &length[..], text.as_bytes()].concat());
                }
                connection.send(&WELCOME[9..]);
                connection.rest();
            }),
        ),
        (
            "scram_client_key without scram_server_key",
            &with_key,
            Peer::start(|mut connection| {
                let mut scram = Scram::new(1);
                scram.stored_key = sha256(&[7; 32]);
                scram.server_key = hmac(&[0; 32], b"Server Key");
                if scram.authenticate(&mut connection) {
                    connection.send(WELCOME);
                }
                connection.rest();
            }),
        ),
    ];
    let mut divergences = Divergences::of("startup exchange");
    for (case, parameters, peer) in servers {
        let ours = if log_in::<Std>(&peer, parameters).is_ok() { "accept" } else { "refuse" };
        assert!(divergences.explains(case, "accept", ours), "{case}: {ours}");
    }
    divergences.finish();
}

/// Ready a few slices after the server has sent the number of iterations. Were the derivation one piece, this would never be
/// polled.
async fn some_slices_later(asked: Receiver<()>) {
    let mut left = SLICES;
    poll_fn(|cx| {
        match asked.try_recv() {
            Err(TryRecvError::Empty) if left == SLICES => {}
            _ => left -= 1,
        }
        if left == 0 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Without a `connect_timeout` a derivation ends when its future is dropped.
macro_rules! dropped_futures {
    ($($test:ident, $krate:ident, $adapter:ident;)+) => { $(
        #[test]
        fn $test() {
            super::within_patience(|| {
                let (peer, asked, told) = endless_server();
                let config = peer.config("sslmode=disable password=any connect_timeout=0");
                let ended = super::adapter::$adapter::wait(futures_lite::future::or(
                    async {
                        let startup = async |stream: &mut $krate::Stream, at: Startup<'_>| {
                            let password = async { config.params.password().cloned() };
                            $krate::log_in(stream, at, &config.params, password).await
                        };
                        Some($krate::connect(&config, startup).await.map(drop))
                    },
                    async {
                        some_slices_later(asked).await;
                        None
                    },
                ));
                assert!(ended.is_none(), "{ended:?}");
                assert_eq!(told.recv_timeout(PATIENCE).unwrap(), b"", "no proof was sent");
            });
        }
    )+ };
}

dropped_futures! {
    a_dropped_future_on_tokio, pgtls_tokio, Tokio;
    a_dropped_future_on_async_std, pgtls_async_std, AsyncStd;
    a_dropped_future_on_smol, pgtls_async_std, Smol;
}

/// A spawned task can log in.
#[test]
fn the_exchange_can_be_spawned() {
    async fn log_in(config: pgtls_tokio::Config) -> ServerSession {
        let mut connecting = pgtls_tokio::connecting(&config);
        loop {
            let mut stream = connecting.advance().await.unwrap();
            let at = connecting.startup().unwrap();
            let session = pgtls_tokio::log_in(&mut stream, at, &config.params, async { None }).await;
            let session = session.map(|session| (stream, session));
            if let Some(connected) = connecting.finish_startup(session) {
                return connected.value;
            }
        }
    }
    let peer = Peer::start(|mut connection| connection.serve());
    let config = peer.config("sslmode=disable");
    let session = super::adapter::Tokio::wait(async { ::tokio::spawn(log_in(config)).await.unwrap() });
    assert_eq!(session.authentication, AuthenticationMethod::Trust);
}
