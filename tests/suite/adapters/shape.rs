//! The shape of the interface: futures that other threads can poll, behind a trait, and dialers with state. It compiles.

use super::adapter;
use pgtls_adapter::{
    BlockingResult, BlockingTask, Config, ConnectError, Connected, Dialer, Hosts, Resolver, Runtime, Startup,
    StartupError,
};
use pgtls_conformance::runtime::{Adapter, config};
use pgtls_core::connect::Peer;
use std::{
    future::{Future, pending},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    time::Instant,
};

fn sent<T: Send + 'static>(value: T) -> T {
    value
}

fn both<T: Send + Sync + 'static>() {}

/// An asynchronous adapter: its crate and its bounds.
macro_rules! shape {
    ($module:ident, $krate:ident, $adapter:ident, $flush:path, $own:ident) => {
        mod $module {
            use super::*;
            use $krate::Stream;

            async fn start_up(stream: &mut Stream, _: &Config) -> Result<(), StartupError> {
                use $flush as _;
                stream.flush().await?;
                Err("there is no driver".into())
            }

            /// A connector behind a trait, as pools and middleware have it.
            trait Connect: Send + Sync {
                fn connect(&self) -> Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send + '_>>;
            }

            struct Connector(Arc<Config>);

            impl Connect for Connector {
                fn connect(&self) -> Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send + '_>> {
                    Box::pin(async move {
                        let mut connecting = $krate::connecting(&self.0);
                        loop {
                            let mut stream = connecting.advance().await?;
                            let started = start_up(&mut stream, &self.0).await.map(|()| (stream, ()));
                            if let Some(connected) = connecting.finish_startup(started) {
                                return Ok(connected.stream);
                            }
                        }
                    })
                }
            }

            /// As the crate's documentation shows it.
            async fn owned(config: Arc<Config>) -> Result<Stream, ConnectError> {
                let shared = config.clone();
                let startup =
                    async move |stream: &mut Stream, _: Startup<'_>| start_up(stream, &shared).await;
                Ok($krate::connect(&config, startup).await?.stream)
            }

            #[test]
            fn futures_and_values_can_be_sent() {
                both::<Stream>();
                both::<Config>();
                both::<ConnectError>();
                both::<Connected<Stream, ()>>();
                both::<$krate::Connecting<'static, Tunnel<$krate::$own>>>();
                let config = Arc::new(config("hostaddr=127.0.0.1 port=1"));
                let connector: Arc<dyn Connect> = Arc::new(Connector(config.clone()));
                let behind_a_trait = sent(async move { connector.connect().await.map(drop) });
                assert!(adapter::$adapter::wait(behind_a_trait).is_err());
                assert!(adapter::$adapter::wait(sent(owned(config))).is_err());
            }

            #[test]
            fn a_dialer_has_state() {
                let config = Arc::new(config("host=behind.tunnel port=1"));
                let error = sent(async move {
                    let tunnel = Tunnel { session: "session 7".to_owned(), inner: $krate::$own };
                    $krate::connecting_with(&config, tunnel).advance().await.map(drop)
                });
                let error = adapter::$adapter::wait(error).unwrap_err().to_string();
                assert!(error.contains("session 7"), "{error}");
            }
        }
    };
}

/// A dialer with state over another one: a resolver and connections of its own.
struct Tunnel<D> {
    session: String,
    inner: D,
}

impl<D: Sync> Resolver for Tunnel<D> {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![([127, 0, 0, 1], port).into()])
    }
}

impl<D: Dialer> Dialer for Tunnel<D> {
    type Connection = D::Connection;

    async fn dial(&self, _: &Peer) -> io::Result<Self::Connection> {
        Err(io::Error::other(format!("{} is closed", self.session)))
    }

    async fn peer_user(&self, connection: &Self::Connection) -> io::Result<String> {
        self.inner.peer_user(connection).await
    }
}

shape!(tokio_shape, pgtls_tokio, Tokio, tokio::io::AsyncWriteExt, Tokio);
shape!(smol_shape, pgtls_async_std, Smol, futures_lite::AsyncWriteExt, AsyncIo);

/// A runtime with state of its own.
struct Threads {
    name: String,
}

impl Runtime for Threads {
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult> {
        std::thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || task.run())?
            .join()
            .map_err(|_| io::Error::other("the thread has panicked"))
    }

    async fn sleep_until(&self, _: Instant) {
        pending::<()>().await;
    }
}

#[test]
fn a_runtime_has_state() {
    fn check<R: Runtime + Send + Sync + 'static>(_: R) {}
    check(Threads { name: "files".to_owned() });
    both::<pgtls_adapter::Connecting<'static, Threads, Hosts<Tunnel<()>>>>();
}

/// A dialer with state under blocking sockets.
#[test]
fn a_blocking_dialer_has_state() {
    struct Session(String);

    impl pgtls_std::Dialer for Session {
        type Connection = pgtls_std::Socket;

        fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![([127, 0, 0, 1], port).into()])
        }

        fn dial(&self, _: &Peer, _: pgtls_std::Deadline) -> io::Result<Self::Connection> {
            Err(io::Error::other(format!("{} is closed", self.0)))
        }
    }

    let config = config("host=behind.tunnel port=1");
    let mut connecting = pgtls_std::connecting_with(&config, Session("session 7".to_owned()));
    assert!(connecting.advance().map(drop).unwrap_err().to_string().contains("session 7"));
    both::<pgtls_std::Stream>();
    both::<pgtls_std::Connecting<'static, Hosts<pgtls_std::SocketDialer>>>();
}
