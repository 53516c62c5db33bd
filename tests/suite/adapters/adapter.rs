//! Our adapters as the kit's tests drive them.

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use pgtls_adapter::{Cancelled, Config, ConnectError, Connected, Startup, StartupError};
use pgtls_conformance::runtime::{Adapter, Wire};
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

/// A stream of one of the adapters.
pub(crate) struct Own<S>(S);

/// Runs the loop of a driver that owns it: `$await` is how its steps are awaited.
macro_rules! steps {
    ($connecting:expr, [$($await:tt)*], $stream:ident, $at:ident => $startup:expr) => {{
        let mut connecting = $connecting;
        loop {
            let $stream = Own(connecting.advance()$($await)*?);
            let Some($at) = connecting.startup() else { continue };
            let outcome = $startup;
            if let Some(connected) = connecting.finish_startup(outcome) {
                return Ok(connected);
            }
        }
    }};
}

/// An adapter: its crate, the executor, the awaiting of its calls, its stream over a connection of the program, a connection
/// from a socket, and the host that `negotiating` takes.
macro_rules! adapter {
    ($name:ident, $krate:ident, $wait:expr, [$($await:tt)*], $provided:ty, $from_std:expr, $redial:expr) => {
        impl Adapter for $name {
            type Stream = Own<$krate::Stream>;
            type Provided = Own<$krate::Stream<$provided>>;

            fn connect<T>(
                config: &Config,
                mut startup: impl AsyncFnMut(&mut Self::Stream, Startup<'_>) -> Result<T, StartupError>,
            ) -> Result<Connected<Self::Stream, T>, ConnectError> {
                Self::wait(async {
                    steps!($krate::connecting(config), [$($await)*], stream, at => {
                        let mut stream = stream;
                        startup(&mut stream, at).await.map(|value| (stream, value))
                    })
                })
            }

            fn negotiate<T>(
                config: &Config,
                host: Option<&str>,
                first: TcpStream,
                mut redial: impl FnMut() -> io::Result<TcpStream>,
                mut startup: impl AsyncFnMut(&mut Self::Provided, Startup<'_>) -> Result<T, StartupError>,
            ) -> Result<Connected<Self::Provided, T>, ConnectError> {
                Self::wait(async {
                    let first = $from_std(first).unwrap();
                    let redial = $redial(|| $from_std(redial()?));
                    steps!($krate::negotiating(config, host, first, redial), [$($await)*], stream, at => {
                        let mut stream = stream;
                        startup(&mut stream, at).await.map(|value| (stream, value))
                    })
                })
            }

            fn connect_in_steps(
                config: &Config,
                mut start: impl AsyncFnMut(Self::Stream, Startup<'_>) -> Result<Self::Stream, StartupError>,
            ) -> Result<Connected<Self::Stream, ()>, ConnectError> {
                Self::wait(async {
                    steps!($krate::connecting(config), [$($await)*], stream, at => {
                        start(stream, at).await.map(|stream| (stream, ()))
                    })
                })
            }

            fn cancel(
                config: &Config,
                session: &Peer,
                request: &CancelRequest,
            ) -> Result<Cancelled, ConnectError> {
                Self::wait(async { $krate::cancel(config, session, request)$($await)* })
            }

            fn wait<T>(future: impl Future<Output = T>) -> T {
                $wait(future)
            }

            fn socket(stream: &Self::Stream) -> SockRef<'_> {
                match stream.0.connection() {
                    $krate::Socket::Tcp(stream) => SockRef::from(stream),
                    #[cfg(unix)]
                    $krate::Socket::Unix(stream) => SockRef::from(stream),
                }
            }
        }
    };
}

/// The bytes of a stream: its bounds, the awaiting of its calls, and the call that closes it.
macro_rules! wire {
    ($krate:ident, [$($bound:tt)+], [$($await:tt)*], $close:ident) => {
        impl<S: $($bound)+> Wire for Own<$krate::Stream<S>> {
            async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
                self.0.write_all(bytes)$($await)*?;
                self.0.flush()$($await)*
            }
            async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.read(buffer)$($await)*
            }
            async fn close(&mut self) -> io::Result<()> {
                self.0.$close()$($await)*
            }
            fn encryption(&self) -> Encryption {
                self.0.encryption()
            }
            fn facts(&self) -> Option<&SessionFacts> {
                self.0.facts()
            }
        }
    };
}

/// The startup exchange of `pgtls-startup` on a stream.
pub(crate) trait LogIn {
    /// Runs it with the password of the parameters.
    async fn log_in(&mut self, at: Startup<'_>, params: &Params) -> Result<ServerSession, StartupError>;
}

impl<S: pgtls_std::Connection> LogIn for Own<pgtls_std::Stream<S>> {
    async fn log_in(&mut self, at: Startup<'_>, params: &Params) -> Result<ServerSession, StartupError> {
        pgtls_std::log_in(&mut self.0, at, params, || params.password().cloned())
    }
}

/// The same on an asynchronous stream.
macro_rules! log_in {
    ($krate:ident, [$($bound:tt)+]) => {
        impl<S: $($bound)+> LogIn for Own<$krate::Stream<S>> {
            async fn log_in(
                &mut self,
                at: Startup<'_>,
                params: &Params,
            ) -> Result<ServerSession, StartupError> {
                $krate::log_in(&mut self.0, at, params, async { params.password().cloned() }).await
            }
        }
    };
}

log_in!(pgtls_tokio, [tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin]);
log_in!(pgtls_async_std, [futures_lite::AsyncRead + futures_lite::AsyncWrite + Unpin]);

wire!(pgtls_std, [pgtls_std::Connection], [], shutdown);
wire!(pgtls_tokio, [tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin], [.await], shutdown);
wire!(pgtls_async_std, [futures_lite::AsyncRead + futures_lite::AsyncWrite + Unpin], [.await], close);

/// `pgtls-std`.
pub(crate) struct Std;
/// `pgtls-tokio`.
pub(crate) struct Tokio;
/// `pgtls-async-std` under the runtime that it is named for.
pub(crate) struct AsyncStd;
/// `pgtls-async-std` under smol.
pub(crate) struct Smol;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

fn for_tokio(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

/// A function that opens a connection, as an asynchronous one.
fn asynchronous<S>(mut redial: impl FnMut() -> io::Result<S>) -> impl AsyncFnMut() -> io::Result<S> {
    async move || redial()
}

adapter!(
    Std,
    pgtls_std,
    futures_lite::future::block_on,
    [],
    TcpStream,
    |stream: TcpStream| stream.try_clone(),
    std::convert::identity
);
adapter!(
    Tokio,
    pgtls_tokio,
    |future| RUNTIME.block_on(future),
    [.await],
    tokio::net::TcpStream,
    for_tokio,
    asynchronous
);
adapter!(
    AsyncStd,
    pgtls_async_std,
    |future| async_std::task::block_on(future),
    [.await],
    async_std::net::TcpStream,
    |stream| io::Result::Ok(async_std::net::TcpStream::from(stream)),
    asynchronous
);
adapter!(
    Smol,
    pgtls_async_std,
    |future| smol::block_on(future),
    [.await],
    smol::Async<TcpStream>,
    smol::Async::new,
    asynchronous
);
