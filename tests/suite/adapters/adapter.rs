//! The adapters as the tests see them: one trait, whether they block or wait.
//!
//! A test is written once, as if every stream were asynchronous; the blocking one is always ready.

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use pgtls_adapter::{Cancelled, Config, ConnectError, Connected, Startup, StartupError};
use pgtls_core::{connect::Peer, message::CancelRequest, negotiation::Encryption, param::Params};
use pgtls_rustls::SessionFacts;
use pgtls_startup::ServerSession;
use socket2::SockRef;
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::LazyLock,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A session's bytes.
pub(super) trait Wire {
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Says goodbye.
    async fn goodbye(&mut self) -> io::Result<()>;
    fn encryption(&self) -> Encryption;
    fn facts(&self) -> Option<&SessionFacts>;

    /// Runs the startup exchange with the password of the parameters.
    async fn log_in(&mut self, at: Startup<'_>, params: &Params) -> Result<ServerSession, StartupError>;

    async fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut have = 0;
        while have < buffer.len() {
            match self.receive(&mut buffer[have..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => have += count,
            }
        }
        Ok(())
    }

    async fn drain(&mut self, all: &mut Vec<u8>) -> io::Result<()> {
        let mut buffer = [0; 64];
        loop {
            match self.receive(&mut buffer).await? {
                0 => return Ok(()),
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// What there is of an adapter in each of its crates.
pub(super) trait Adapter: 'static {
    /// Over the adapter's own sockets.
    type Stream: Wire;
    /// Over a connection that the program has opened itself.
    type Opened: Wire;

    fn connect<T>(
        config: &Config,
        startup: impl AsyncFnMut(&mut Self::Stream, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Stream, T>, ConnectError>;

    fn negotiate<T>(
        config: &Config,
        host: Option<&str>,
        first: TcpStream,
        redial: impl FnMut() -> io::Result<TcpStream>,
        startup: impl AsyncFnMut(&mut Self::Opened, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Opened, T>, ConnectError>;

    /// Connects in two steps with a driver that takes the stream away.
    fn connect_in_steps(
        config: &Config,
        start: impl AsyncFnMut(Self::Stream, Startup<'_>) -> Result<Self::Stream, StartupError>,
    ) -> Result<Connected<Self::Stream, ()>, ConnectError>;

    fn cancel(config: &Config, session: &Peer, request: &CancelRequest) -> Result<Cancelled, ConnectError>;

    /// Waits for something that is done with a stream.
    fn wait<T>(future: impl Future<Output = T>) -> T;

    /// The socket of a stream.
    fn socket(stream: &Self::Stream) -> SockRef<'_>;
}

/// `pgtls-std`.
pub(super) struct Std;

impl Adapter for Std {
    type Stream = pgtls_std::Stream;
    type Opened = pgtls_std::Stream<TcpStream>;

    fn connect<T>(
        config: &Config,
        mut startup: impl AsyncFnMut(&mut Self::Stream, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Stream, T>, ConnectError> {
        pgtls_std::connect(config, |stream, at| Self::wait(startup(stream, at)))
    }

    fn negotiate<T>(
        config: &Config,
        host: Option<&str>,
        first: TcpStream,
        redial: impl FnMut() -> io::Result<TcpStream>,
        mut startup: impl AsyncFnMut(&mut Self::Opened, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Opened, T>, ConnectError> {
        pgtls_std::negotiate(config, host, first, redial, |stream, at| Self::wait(startup(stream, at)))
    }

    fn connect_in_steps(
        config: &Config,
        mut start: impl AsyncFnMut(Self::Stream, Startup<'_>) -> Result<Self::Stream, StartupError>,
    ) -> Result<Connected<Self::Stream, ()>, ConnectError> {
        let mut connecting = pgtls_std::connecting(config);
        loop {
            let stream = connecting.advance()?;
            let started = Self::wait(start(stream, connecting.startup().unwrap()));
            if let Some(connected) = connecting.finish_startup(started.map(|stream| (stream, ()))) {
                return Ok(connected);
            }
        }
    }

    fn cancel(config: &Config, session: &Peer, request: &CancelRequest) -> Result<Cancelled, ConnectError> {
        pgtls_std::cancel(config, session, request)
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        futures_lite::future::block_on(future)
    }

    fn socket(stream: &Self::Stream) -> SockRef<'_> {
        match stream.connection() {
            pgtls_std::Socket::Tcp(stream) => SockRef::from(stream),
            #[cfg(unix)]
            pgtls_std::Socket::Unix(stream) => SockRef::from(stream),
        }
    }
}

impl<S: pgtls_std::Connection> Wire for pgtls_std::Stream<S> {
    async fn log_in(&mut self, at: Startup<'_>, params: &Params) -> Result<ServerSession, StartupError> {
        pgtls_std::log_in(self, at, params, || params.password().cloned())
    }
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.flush()
    }
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
    async fn goodbye(&mut self) -> io::Result<()> {
        self.shutdown()
    }
    fn encryption(&self) -> Encryption {
        self.encryption()
    }
    fn facts(&self) -> Option<&SessionFacts> {
        self.facts()
    }
}

/// An asynchronous adapter: its crate, how it is waited for, what its connections to a port are, how a stream is closed.
macro_rules! asynchronous {
    ($name:ident, $krate:ident, $wait:expr, $opened:ty, $from_std:expr, $shut:ident, [$($bound:path),*]) => {
        impl Adapter for $name {
            type Stream = $krate::Stream;
            type Opened = $krate::Stream<$opened>;

            fn connect<T>(
                config: &Config,
                startup: impl AsyncFnMut(&mut Self::Stream, Startup<'_>) -> Result<T, StartupError>,
            ) -> Result<Connected<Self::Stream, T>, ConnectError> {
                Self::wait($krate::connect(config, startup))
            }

            fn negotiate<T>(
                config: &Config,
                host: Option<&str>,
                first: TcpStream,
                mut redial: impl FnMut() -> io::Result<TcpStream>,
                startup: impl AsyncFnMut(&mut Self::Opened, Startup<'_>) -> Result<T, StartupError>,
            ) -> Result<Connected<Self::Opened, T>, ConnectError> {
                Self::wait(async {
                    let first = $from_std(first).unwrap();
                    $krate::negotiate(config, host, first, async || $from_std(redial()?), startup).await
                })
            }

            fn connect_in_steps(
                config: &Config,
                mut start: impl AsyncFnMut(Self::Stream, Startup<'_>) -> Result<Self::Stream, StartupError>,
            ) -> Result<Connected<Self::Stream, ()>, ConnectError> {
                Self::wait(async {
                    let mut connecting = $krate::connecting(config);
                    loop {
                        let stream = connecting.advance().await?;
                        let started = start(stream, connecting.startup().unwrap()).await;
                        if let Some(connected) = connecting.finish_startup(started.map(|stream| (stream, ()))) {
                            return Ok(connected);
                        }
                    }
                })
            }

            fn cancel(
                config: &Config,
                session: &Peer,
                request: &CancelRequest,
            ) -> Result<Cancelled, ConnectError> {
                Self::wait($krate::cancel(config, session, request))
            }

            fn wait<T>(future: impl Future<Output = T>) -> T {
                $wait(future)
            }

            fn socket(stream: &Self::Stream) -> SockRef<'_> {
                match stream.connection() {
                    $krate::Socket::Tcp(stream) => SockRef::from(stream),
                    #[cfg(unix)]
                    $krate::Socket::Unix(stream) => SockRef::from(stream),
                }
            }
        }

        asynchronous!(@wire $krate, $shut, [$($bound),*]);
    };
    (@wire $krate:ident, $shut:ident, []) => {};
    (@wire $krate:ident, $shut:ident, [$($bound:path),+]) => {
        impl<S: $($bound +)+ Unpin> Wire for $krate::Stream<S> {
            async fn log_in(
                &mut self,
                at: Startup<'_>,
                params: &Params,
            ) -> Result<ServerSession, StartupError> {
                $krate::log_in(self, at, params, async { params.password().cloned() }).await
            }
            async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
                self.write_all(bytes).await?;
                self.flush().await
            }
            async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.read(buffer).await
            }
            async fn goodbye(&mut self) -> io::Result<()> {
                self.$shut().await
            }
            fn encryption(&self) -> Encryption {
                self.encryption()
            }
            fn facts(&self) -> Option<&SessionFacts> {
                self.facts()
            }
        }
    };
}

/// `pgtls-tokio`.
pub(super) struct Tokio;
/// `pgtls-async-std` under the runtime that it is named for.
pub(super) struct AsyncStd;
/// `pgtls-async-std` under smol.
pub(super) struct Smol;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

fn for_tokio(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

asynchronous!(
    Tokio,
    pgtls_tokio,
    |future| RUNTIME.block_on(future),
    tokio::net::TcpStream,
    for_tokio,
    shutdown,
    [tokio::io::AsyncRead, tokio::io::AsyncWrite]
);
asynchronous!(
    AsyncStd,
    pgtls_async_std,
    |future| async_std::task::block_on(future),
    async_std::net::TcpStream,
    |stream| io::Result::Ok(async_std::net::TcpStream::from(stream)),
    close,
    []
);
asynchronous!(
    Smol,
    pgtls_async_std,
    |future| smol::block_on(future),
    smol::Async<TcpStream>,
    smol::Async::new,
    close,
    [futures_lite::AsyncRead, futures_lite::AsyncWrite]
);
