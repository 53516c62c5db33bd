//! Blocking sockets as a runtime of the shared loop: every operation is complete when it is polled, or its deadline has passed.

use crate::{connection::Connection, dial::ConnectionSource, stream::Stream};
use pgtls_adapter::{BlockingResult, BlockingTask, Deadline, Runtime, StreamRuntime, expired};
use pgtls_core::connect::Peer;
use std::{
    future::Pending,
    io::{self, ErrorKind, IoSlice},
    net::SocketAddr,
    pin::pin,
    sync::mpsc::{RecvTimeoutError, channel},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// Time for close_notify when a stream is dropped.
const CLOSING: Duration = Duration::from_millis(100);

/// The output of a future that blocks.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        thread::yield_now();
    }
}

/// The runtime of blocking sockets.
#[derive(Debug)]
pub(crate) struct Blocking;

impl Runtime for Blocking {
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult> {
        Ok(task.run())
    }

    async fn sleep_until(&self, instant: Instant) {
        thread::sleep(instant.saturating_duration_since(Instant::now()));
    }

    /// With a deadline the task runs on a thread of its own, which is left behind when the deadline passes: a file system or a
    /// key derivation cannot be interrupted.
    async fn run_within(
        &self,
        deadline: Deadline,
        task: BlockingTask<'static>,
    ) -> io::Result<BlockingResult> {
        let Some(left) = deadline.left()? else { return Ok(task.run()) };
        let (done, result) = channel();
        thread::Builder::new().name("pgtls".to_owned()).spawn(move || done.send(task.run()))?;
        result.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => expired(),
            RecvTimeoutError::Disconnected => {
                io::Error::other("the thread that reads the files has panicked")
            }
        })
    }

    /// The future observes the deadline itself.
    async fn within<T>(&self, _: Deadline, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        future.await
    }
}

/// A source of connections for the shared loop.
#[derive(Debug)]
pub(crate) struct Source<D>(pub(crate) D);

impl<D> pgtls_adapter::sealed::Sealed for Source<D> {}

impl<D: ConnectionSource> pgtls_adapter::ConnectionSource for Source<D> {
    type Connection = Timed<D::Connection>;

    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.resolve(name, port)
    }

    async fn open(&mut self, peer: &Peer, deadline: Deadline) -> io::Result<Self::Connection> {
        Ok(Timed { connection: self.0.open(peer, deadline)?, deadline })
    }

    async fn peer_user(&mut self, connection: &Self::Connection) -> io::Result<String> {
        connection.connection.peer_user()
    }
}

/// A connection under the deadline of its address: everything that is read and written.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    pub(crate) connection: S,
    deadline: Deadline,
}

impl<S: Connection> Timed<S> {
    /// Runs an operation under what is left of the deadline. One that ends a moment early is repeated.
    fn within<T>(
        &mut self,
        limit: fn(&S, Option<Duration>) -> io::Result<()>,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        while let Some(left) = self.deadline.left()? {
            limit(&self.connection, Some(left))?;
            match operation(&mut self.connection) {
                Err(error) if is_limit(&error) => {}
                result => return Poll::Ready(result),
            }
        }
        Poll::Ready(operation(&mut self.connection))
    }

    fn set(&mut self, deadline: Deadline) -> io::Result<()> {
        if self.deadline.instant().is_some() {
            self.connection.set_read_timeout(None)?;
            self.connection.set_write_timeout(None)?;
        }
        self.deadline = deadline;
        Ok(())
    }
}

/// Whether an operation has met the time limit of its connection: `WouldBlock` or, on Windows and by connections of programs,
/// `TimedOut`. Elsewhere a `TimedOut` of the operating system means that it has given the connection up.
fn is_limit(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::WouldBlock => true,
        ErrorKind::TimedOut => cfg!(windows) || error.raw_os_error().is_none(),
        _ => false,
    }
}

impl<S: Connection> StreamRuntime<Timed<S>> for Blocking {
    type Stream = Stream<S>;
    type Timer = Pending<()>;

    /// The connections observe deadlines themselves.
    fn timer(&self, _: Instant) -> Option<Self::Timer> {
        None
    }

    fn poll_read(timed: &mut Timed<S>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        timed.within(S::set_read_timeout, |connection| connection.read(buffer))
    }

    fn poll_write(
        timed: &mut Timed<S>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        timed.within(S::set_write_timeout, |connection| connection.write_vectored(slices))
    }

    fn poll_flush(timed: &mut Timed<S>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(timed.connection.flush())
    }

    /// The connection is closed with its socket.
    fn poll_shutdown(_: &mut Timed<S>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// On a connection that cannot lift it, it passes, and the next read or write fails.
    fn lift_deadline(timed: &mut Timed<S>) {
        let _ = timed.set(Deadline::default());
    }

    fn limit_closing(timed: &mut Timed<S>) {
        let _ = timed.set(Deadline::after(Some(CLOSING)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A connection whose operations meet these errors first, the last one first, and then succeed.
    struct Failing(Vec<io::Error>);

    impl Failing {
        fn next(&mut self) -> io::Result<usize> {
            self.0.pop().map_or(Ok(1), Err)
        }
    }

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.next()
        }
    }

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.next()
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Connection for Failing {
        fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }
        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }
    }

    /// The results of a read and of a write that meet these errors.
    fn results(errors: fn() -> Vec<io::Error>, deadline: Deadline) -> [Result<usize, ErrorKind>; 2] {
        let timed = || Timed { connection: Failing(errors()), deadline };
        let mut cx = Context::from_waker(Waker::noop());
        let (mut reader, mut writer) = (timed(), timed());
        [
            Blocking::poll_read(&mut reader, &mut cx, &mut [0; 4]),
            Blocking::poll_write(&mut writer, &mut cx, &[IoSlice::new(b"text")]),
        ]
        .map(|result| match result {
            Poll::Ready(result) => result.map_err(|error| error.kind()),
            Poll::Pending => panic!("a blocking operation is pending"),
        })
    }

    /// Both kinds are the limit of one operation, after which the deadline is read again.
    #[test]
    fn both_kinds_are_the_time_limit() {
        let later = Deadline::after(Some(Duration::from_secs(600)));
        let early =
            || vec![ErrorKind::TimedOut.into(), ErrorKind::WouldBlock.into(), ErrorKind::TimedOut.into()];
        assert_eq!(results(early, later), [Ok(1), Ok(1)]);
        assert_eq!(results(early, Deadline::after(Some(Duration::ZERO))), [Err(ErrorKind::TimedOut); 2]);
        // Without a deadline the limit is the program's own.
        assert_eq!(results(early, Deadline::default()), [Err(ErrorKind::TimedOut); 2]);
        let other = || vec![ErrorKind::ConnectionReset.into()];
        assert_eq!(results(other, later), [Err(ErrorKind::ConnectionReset); 2]);
    }

    /// The operating system has given the connection up: another read must not follow.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_that_is_given_up_has_no_time_limit() {
        const ETIMEDOUT: i32 = 110;
        let later = Deadline::after(Some(Duration::from_secs(600)));
        let given_up = || vec![io::Error::from_raw_os_error(ETIMEDOUT)];
        assert_eq!(results(given_up, later), [Err(ErrorKind::TimedOut); 2]);
    }
}
