//! Tests of an adapter on real sockets: honest servers, hostile ones, and connections that the program has opened itself.
//!
//! A runtime of one's own implements [`Adapter`] and [`Wire`] and calls [`run`], which runs all tests; see
//! [docs/runtimes.md](https://github.com/pgtls/pgtls/blob/main/docs/runtimes.md). Traffic stays on the loopback interface.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod cancel;
mod close_notify;
mod hostile;
mod peer;
mod proof;
mod provided;
mod startup;
#[cfg(unix)]
mod unix;

pub use peer::{
    PATIENCE, Peer as ScriptedServer, Scripted as ScriptedConnection, WELCOME, config, connect,
    error_response, failure, start_up, words,
};

use pgtls_adapter::{Cancelled, Config, ConnectError, Connected, Startup, StartupError};
use pgtls_core::{connect::Peer, message::CancelRequest, negotiation::Encryption};
use pgtls_rustls::SessionFacts;
use socket2::SockRef;
use std::{
    any::Any,
    io,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

/// Time limit of one test. No test takes longer on a working machine.
const LONGEST_TEST: Duration = Duration::from_secs(120);

/// Maximum number of tests that run at the same time.
const PARALLEL: usize = 8;

/// The bytes of a session. A stream that blocks is always ready.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the adapter's own types")]
pub trait Wire {
    /// Writes all of the bytes, and flushes.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads once. No bytes are an end in order.
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Ends the session from this side: sends close_notify.
    async fn close(&mut self) -> io::Result<()>;

    /// The encryption of the session.
    fn encryption(&self) -> Encryption;

    /// Facts of the TLS session; `None` without TLS.
    fn facts(&self) -> Option<&SessionFacts>;

    /// Reads until the buffer is full.
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

    /// Reads up to the end.
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

/// An adapter. Its calls block: a test is written once, and [`wait`](Self::wait) is the executor of an asynchronous adapter.
pub trait Adapter: 'static {
    /// The stream over the adapter's own sockets.
    type Stream: Wire;
    /// The stream over a connection that the program has opened itself.
    type Provided: Wire;

    /// Connects to the hosts of the parameters, with `startup` as the startup exchange.
    fn connect<T>(
        config: &Config,
        startup: impl AsyncFnMut(&mut Self::Stream, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Stream, T>, ConnectError>;

    /// Negotiates on a connection that is open already. `redial` opens another one to the same address.
    fn negotiate<T>(
        config: &Config,
        host: Option<&str>,
        first: TcpStream,
        redial: impl FnMut() -> io::Result<TcpStream>,
        startup: impl AsyncFnMut(&mut Self::Provided, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Self::Provided, T>, ConnectError>;

    /// Connects in two steps with a driver that takes the stream away.
    fn connect_in_steps(
        config: &Config,
        start: impl AsyncFnMut(Self::Stream, Startup<'_>) -> Result<Self::Stream, StartupError>,
    ) -> Result<Connected<Self::Stream, ()>, ConnectError>;

    /// Sends a cancel request for a session.
    fn cancel(config: &Config, session: &Peer, request: &CancelRequest) -> Result<Cancelled, ConnectError>;

    /// Waits for the future of an operation on a stream.
    fn wait<T>(future: impl Future<Output = T>) -> T;

    /// The socket of a stream, for its options.
    fn socket(stream: &Self::Stream) -> SockRef<'_>;
}

/// A test.
type Case = (&'static str, fn());

/// A list of tests of a module, with their names.
macro_rules! cases {
    ($($test:ident),+ $(,)?) => {
        /// The tests of this module.
        pub(super) fn cases<A: $crate::runtime::Adapter>() -> Vec<$crate::runtime::Case> {
            vec![$((concat!(module_path!(), "::", stringify!($test)), $test::<A> as fn())),+]
        }
    };
}
use cases;

fn all<A: Adapter>() -> Vec<Case> {
    let mut all = [
        cancel::cases::<A>(),
        close_notify::cases::<A>(),
        hostile::cases::<A>(),
        proof::cases::<A>(),
        provided::cases::<A>(),
        startup::cases::<A>(),
    ]
    .concat();
    #[cfg(unix)]
    all.extend(unix::cases::<A>());
    all
}

/// Runs all tests on an adapter, several at the same time, and returns their number.
///
/// # Panics
/// A test failed, or did not end. The message names all such tests, with the text of each.
#[track_caller]
pub fn run<A: Adapter>() -> usize {
    let all = all::<A>();
    let (count, next, failed) = (all.len(), Mutex::new(all.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some((name, test)) = lock(&next).next() {
                    if let Err(text) = within_limit(test) {
                        lock(&failed).push(format!("{name}: {text}"));
                    }
                }
            });
        }
    });
    let failed = lock(&failed);
    assert!(failed.is_empty(), "{} of {count} tests failed:\n{}", failed.len(), failed.join("\n"));
    count
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs a test on a thread of its own, which is left behind when it does not end.
fn within_limit(test: fn()) -> Result<(), String> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(test)).map_err(|panic| text(&*panic))));
    result.recv_timeout(LONGEST_TEST).unwrap_or_else(|_| Err("the test does not end".to_owned()))
}

/// The text of a panic.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the test panicked").to_owned()
}
