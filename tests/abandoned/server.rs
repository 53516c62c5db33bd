//! An honest server, behind a relay that lets half of its clients come to a good end.

use crate::{
    client::Task,
    random_abort::{Fate, chance},
};
use fastrand::Rng;
use futures_lite::future::or;
use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use socket2::SockRef;
use std::{
    fs, io,
    iter::repeat_with,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional, sink, split},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    runtime::{Builder, Runtime},
    time::timeout,
};

/// How long a connection lasts that its client does not close.
const LIFE: Duration = Duration::from_secs(10);

/// The servers; they end when this is dropped.
pub(crate) struct Servers {
    _runtime: Runtime,
    _honest: Server,
    folder: TempDir,
    port: u16,
}

impl Servers {
    pub(crate) fn start(seed: u64) -> Self {
        let pki = Arc::new(Pki::open());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.crt"), pki.root_file("root").unwrap()).unwrap();
        let honest = Server::builder(Script::always(Behaviour::default()), pki).start().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let relay = Relay { seed, port: honest.port(), accepted: Arc::default() };
        let port = runtime.block_on(async {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = tcp.local_addr().unwrap().port();
            let unix = UnixListener::bind(folder.path().join(format!(".s.PGSQL.{port}"))).unwrap();
            let over_unix = relay.clone();
            tokio::spawn(async move {
                loop {
                    relay.serve(tcp.accept().await.unwrap().0);
                }
            });
            tokio::spawn(async move {
                loop {
                    over_unix.serve(unix.accept().await.unwrap().0);
                }
            });
            port
        });
        Self { _runtime: runtime, _honest: honest, folder, port }
    }

    /// What a client is to do with them.
    pub(crate) fn task(&self, connections: usize, seed: u64) -> Task {
        Task { port: self.port, connections, seed, folder: self.folder.path().to_str().unwrap().to_owned() }
    }
}

/// Stands between clients and the honest server.
#[derive(Clone)]
struct Relay {
    seed: u64,
    port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Relay {
    fn serve(&self, client: impl Client) {
        let mut chance = chance(self.seed, self.accepted.fetch_add(1, Ordering::Relaxed));
        let port = self.port;
        tokio::spawn(async move {
            // A client that goes away is nobody's fault.
            let _ = timeout(LIFE, relay(client, port, &mut chance)).await;
        });
    }
}

async fn relay(mut client: impl Client, port: u16, chance: &mut Rng) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let fate = Fate::toss(chance);
    let Some(limit) = fate.limit() else {
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    };
    let (mut from_client, mut to_client) = split(&mut client);
    let (from_server, mut to_server) = server.split();
    let mut said = from_server.take(limit);
    or(copy(&mut from_client, &mut to_server), copy(&mut said, &mut to_client)).await?;
    match fate {
        Fate::Honest | Fate::Close(_) => {}
        Fate::Reset(_) => client.reset(),
        Fate::Hang(_) => drop(copy(&mut client, &mut sink()).await?),
        Fate::Garbage(_) => {
            let length = chance.usize(1..1_000);
            let garbage: Vec<u8> = repeat_with(|| chance.u8(..)).take(length).collect();
            client.write_all(&garbage).await?;
            copy(&mut client, &mut sink()).await?;
        }
    }
    Ok(())
}

/// A connection from a client.
trait Client: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Has it end with a reset.
    fn reset(&self);
}

impl Client for TcpStream {
    fn reset(&self) {
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Client for UnixStream {
    /// Here every end is the same.
    fn reset(&self) {}
}
