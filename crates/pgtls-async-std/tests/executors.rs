//! Every executor serves: those of async-std, of smol, and one that knows nothing but to wait.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use pgtls_async_std::{
    Config, ConnectError, Connected, Connecting, Negotiating, Startup, StartupError, Stream, connect,
    negotiate,
};
use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use pgtls_core::{
    environment::{Environment, Platform},
    negotiation::Encryption,
    param::{Ability, Params, Settings},
};
use std::{io, sync::Arc, time::Duration};

/// No working machine takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn server() -> Server {
    Server::builder(Script::always(Behaviour::default()), Arc::new(Pki::open())).start().unwrap()
}

fn config(server: &Server) -> Config {
    let conninfo = format!(
        "host=db.test {} sslmode=require connect_timeout={}",
        server.listen().conninfo(),
        PATIENCE.as_secs()
    );
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let params =
        Params::resolve(&Settings::parse(&conninfo).unwrap(), None, &environment, Ability::default())
            .unwrap();
    Config::new(params, environment, pgtls_rustls::aws_lc_rs())
}

/// Asks for nothing but the traits of `futures-io`.
async fn start_up(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> Result<(), StartupError> {
    stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
    stream.flush().await?;
    let mut last = [0; 6];
    while last != *b"Z\0\0\0\x05I" {
        last.rotate_left(1);
        stream.read_exact(&mut last[5..]).await?;
    }
    Ok(())
}

async fn is_encrypted(config: Config) {
    let connected =
        connect(&config, async |stream: &mut Stream, _: Startup<'_>| start_up(stream).await).await;
    assert_eq!(connected.unwrap().stream.encryption(), Encryption::Ssl);
}

/// What a program holds can be kept anywhere and used on any thread.
#[test]
fn whatever_is_held_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<Config>();
    check::<Stream>();
    check::<Stream<async_std::net::TcpStream>>();
    check::<Connected<Stream, ()>>();
    check::<Connecting<'_>>();
    check::<Negotiating<'_, async_std::net::TcpStream, fn()>>();
    check::<ConnectError>();
}

#[test]
fn under_smol() {
    let server = server();
    let tasks: Vec<_> = (0..8).map(|_| smol::spawn(is_encrypted(config(&server)))).collect();
    tasks.into_iter().for_each(smol::block_on);
}

#[test]
fn under_async_std() {
    let server = server();
    let tasks: Vec<_> = (0..8).map(|_| async_std::task::spawn(is_encrypted(config(&server)))).collect();
    tasks.into_iter().for_each(async_std::task::block_on);
}

#[test]
fn under_an_executor_that_only_waits() {
    futures_lite::future::block_on(is_encrypted(config(&server())));
}

/// A socket of async-std's own, which this crate has never heard of.
#[test]
fn on_a_connection_of_the_programs_own() {
    async_std::task::block_on(async {
        let server = server();
        let dial = async || async_std::net::TcpStream::connect(("127.0.0.1", server.port())).await;
        let first: io::Result<_> = dial().await;
        let started = async |stream: &mut Stream<_>, _: Startup<'_>| start_up(stream).await;
        let connected = negotiate(&config(&server), "db.test", first.unwrap(), dial, started).await.unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Ssl);
    });
}
