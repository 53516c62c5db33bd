//! What tokio adds: futures that can be sent, and both of its schedulers.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use pgtls_core::{
    environment::{Environment, Platform},
    message::CancelRequest,
    negotiation::Encryption,
    param::{Ability, Params, Settings},
};
use pgtls_tokio::{
    Config, ConnectError, Connected, Connecting, Negotiating, Startup, StartupError, Stream, cancel, connect,
    negotiate,
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A deadline that no working machine reaches.
const PATIENCE: Duration = Duration::from_secs(60);

fn server() -> Server {
    Server::builder(Script::always(Behaviour::default()), Arc::new(Pki::open())).start().unwrap()
}

fn config(server: &Server) -> Config {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let conninfo = format!("host=db.test {} sslmode=require", server.listen().conninfo());
    let settings = Settings::parse(&conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    Config::new(params, environment, pgtls_rustls::aws_lc_rs())
}

async fn start_up<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut Stream<S>) -> Result<(), StartupError> {
    stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
    stream.flush().await?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"Z\0\0\0\x05I") {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(())
}

/// What a program holds can be kept anywhere and used on any thread.
#[test]
fn whatever_is_held_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<Config>();
    check::<Stream>();
    check::<Stream<TcpStream>>();
    check::<Connected<Stream, ()>>();
    check::<Connecting<'_>>();
    check::<Negotiating<'_, TcpStream, fn()>>();
    check::<ConnectError>();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_on_several_threads() {
    let server = server();
    let config = Arc::new(config(&server));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let config = config.clone();
            tokio::spawn(async move {
                connect(&config, async |stream: &mut Stream, _: Startup<'_>| start_up(stream).await).await
            })
        })
        .collect();
    for task in tasks {
        let connected = timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Ssl);
    }
}

#[tokio::test]
async fn a_connection_of_the_programs_own_on_one_thread() {
    let server = server();
    let config = config(&server);
    let address = ("127.0.0.1", server.port());
    let dial = async || TcpStream::connect(address).await;
    let first = dial().await.unwrap();
    let started = async |stream: &mut Stream<TcpStream>, _: Startup<'_>| start_up(stream).await;
    let connected =
        timeout(PATIENCE, negotiate(&config, "db.test", first, dial, started)).await.unwrap().unwrap();
    assert_eq!(connected.stream.encryption(), Encryption::Ssl);
}

#[tokio::test]
async fn a_driver_that_takes_the_stream_away() {
    let server = server();
    let config = config(&server);
    let mut connecting = pgtls_tokio::connecting(&config);
    let mut stream = timeout(PATIENCE, connecting.advance()).await.unwrap().unwrap();
    let started = start_up(&mut stream).await;
    let connected = connecting.finish_startup(started.map(|()| (stream, "value"))).unwrap();
    assert_eq!(connected.value, "value");
    assert!(connected.stream.facts().is_some());
    // Nothing is left to be done.
    assert!(connecting.advance().await.is_err());
}

/// As `pgtls-std` does, whose tests have all the cases.
#[tokio::test]
async fn a_session_is_cancelled() {
    let server = server();
    let config = config(&server);
    let connecting = connect(&config, async |stream: &mut Stream, _: Startup<'_>| start_up(stream).await);
    let session = timeout(PATIENCE, connecting).await.unwrap().unwrap();
    let key: Vec<u8> = (0..32).collect();
    let request = CancelRequest::new(77, &key).unwrap();
    let cancelling = cancel(&config, session.peer().unwrap(), &request);
    let cancelled = timeout(PATIENCE, cancelling).await.unwrap().unwrap();
    assert_eq!(cancelled.encryption, Encryption::Ssl);
    let seen = server.log().connections().pop().unwrap().cancel.unwrap();
    assert_eq!((seen.process_id, seen.key), (77, key));
}
