//! One connection's bytes, in clear and later inside TLS, with a bound on every wait and every buffer.

use super::{answer::Flight, chunks::Chunks, hello::MAX_CLIENT_HELLO};
use rustls::ServerConnection;
use socket2::SockRef;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use std::os::unix::net::UnixStream;

/// Longest message taken from a client; a StartupMessage is at most 10 000 bytes in PostgreSQL too.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;
/// Bytes asked for in one read.
const READ_SIZE: usize = 16 * 1024;
/// Bytes that wait to be looked at, at most: what a ClientHello may have and one read more.
const MAX_WAITING: usize = MAX_CLIENT_HELLO + READ_SIZE;
/// Size of the segments of a slow handshake, and the pause between them.
const SLOW: (usize, Duration) = (11, Duration::from_millis(1));
/// How many bytes of the handshake come before the garbage.
const BEFORE_GARBAGE: usize = 40;

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// The script says so.
    Finished,
    /// The client closed or reset the connection.
    Closed,
    /// The client said nothing for too long.
    Silent,
    /// The client sent more than anything needs.
    TooMuch,
    /// TLS broke, in rustls' words.
    Tls(String),
}

/// How long the server waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the next bytes.
    pub(super) each: Duration,
    /// For the end of the connection.
    pub(super) end: Instant,
}

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Bytes from and to one client.
pub(super) struct Wire {
    socket: Socket,
    tls: Option<Box<ServerConnection>>,
    /// Received and not yet taken; decrypted when TLS is up.
    waiting: Vec<u8>,
    patience: Patience,
    chunks: Chunks,
    /// How many pieces were cut so far.
    cut: usize,
}

impl Wire {
    pub(super) fn new(socket: Socket, patience: Patience, chunks: Chunks) -> Self {
        Self { socket, tls: None, waiting: Vec::new(), patience, chunks, cut: 0 }
    }

    /// What has been received and not been taken.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// Waits until there is something, and says its first byte.
    pub(super) fn peek(&mut self) -> Result<u8, Gone> {
        loop {
            if let Some(first) = self.waiting.first() {
                return Ok(*first);
            }
            self.receive()?;
        }
    }

    /// Puts bytes in front of what is waiting.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.waiting.splice(..0, bytes.iter().copied());
    }

    /// Takes this many of the waiting bytes, or all.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.waiting.split_off(count.min(self.waiting.len()));
        core::mem::replace(&mut self.waiting, rest)
    }

    /// Waits for this many bytes and takes them.
    pub(super) fn need(&mut self, count: usize) -> Result<Vec<u8>, Gone> {
        if count > MAX_WAITING {
            return Err(Gone::TooMuch);
        }
        while self.waiting.len() < count {
            self.receive()?;
        }
        Ok(self.take(count))
    }

    /// Waits for more bytes.
    pub(super) fn receive(&mut self) -> Result<(), Gone> {
        if self.waiting.len() > MAX_WAITING {
            return Err(Gone::TooMuch);
        }
        match self.tls {
            None => {
                let bytes = self.read()?;
                self.waiting.extend(bytes);
                Ok(())
            }
            Some(_) => self.receive_tls(),
        }
    }

    /// Sends bytes, inside TLS when it is up.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        match self.tls.as_mut() {
            Some(tls) => {
                tls.writer().write_all(bytes).map_err(|_| Gone::Closed)?;
                let out = drain(tls);
                self.send_raw(&out)
            }
            None => self.send_raw(bytes),
        }
    }

    /// Sends bytes around TLS.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        for piece in self.chunks.cut(bytes, &mut self.cut) {
            self.socket.write_all(piece).map_err(|error| gone(&error))?;
        }
        Ok(())
    }

    /// Runs the handshake; `hello` are the records that came first, or those shown instead.
    pub(super) fn handshake(
        &mut self,
        mut tls: ServerConnection,
        hello: &[u8],
        flight: Flight,
    ) -> Result<(), Gone> {
        let mut received = hello.to_vec();
        loop {
            let fed = feed(&mut tls, &received);
            let out = drain(&mut tls);
            match flight {
                Flight::Garbage if !out.is_empty() && fed.is_ok() => {
                    let (start, _) = out.split_at_checked(BEFORE_GARBAGE).unwrap_or((&out, &[]));
                    self.send_raw(&[start, &b"garbage".repeat(40)].concat())?;
                    return Err(self.linger());
                }
                Flight::Slow => self.send_slowly(&out)?,
                _ => self.send_raw(&out)?,
            }
            if let Err(error) = fed {
                self.linger();
                return Err(Gone::Tls(error.to_string()));
            }
            if !tls.is_handshaking() {
                break;
            }
            received = self.read().map_err(|gone| match gone {
                Gone::Closed => Gone::Tls("the client closed the connection during the handshake".to_owned()),
                other => other,
            })?;
        }
        // Application data may have come with the last message of the handshake.
        let decrypted = decrypted(&mut tls)?;
        self.waiting.extend(decrypted.bytes);
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// The TLS session, when it is up.
    pub(super) fn tls(&self) -> Option<&ServerConnection> {
        self.tls.as_deref()
    }

    /// Says goodbye inside TLS, closes our side, and reads on until the client goes, so that no reset can overtake what was sent.
    pub(super) fn bye(&mut self) -> Gone {
        if let Some(tls) = self.tls.as_mut() {
            tls.send_close_notify();
            let out = drain(tls);
            // The client may be gone already, which is no news here.
            let _ = self.send_raw(&out);
        }
        self.linger()
    }

    /// Closes our side and reads on until the client goes. What is read is nobody's any more.
    pub(super) fn linger(&mut self) -> Gone {
        if self.socket.shutdown(Shutdown::Write).is_ok() {
            while self.read().is_ok() {}
        }
        Gone::Finished
    }

    /// Closes the connection with a reset, where the kind of socket has one.
    pub(super) fn reset(&mut self) -> Gone {
        if let Socket::Tcp(tcp) = &self.socket {
            // Without it the close is an ordinary one; nothing can be done about that.
            let _ = SockRef::from(tcp).set_linger(Some(Duration::ZERO));
        }
        Gone::Finished
    }

    /// Reads on until the client goes or patience ends.
    pub(super) fn ignore(&mut self) -> Gone {
        while self.read().is_ok() {}
        Gone::Finished
    }

    fn receive_tls(&mut self) -> Result<(), Gone> {
        let received = self.read()?;
        let Some(tls) = self.tls.as_mut() else { return Err(Gone::Closed) };
        let fed = feed(tls, &received);
        let (out, decrypted) = (drain(tls), decrypted(tls));
        self.send_raw(&out)?;
        fed.map_err(|error| Gone::Tls(error.to_string()))?;
        let decrypted = decrypted?;
        self.waiting.extend(&decrypted.bytes);
        // close_notify with nothing before it is the end.
        if decrypted.closed && decrypted.bytes.is_empty() { Err(Gone::Closed) } else { Ok(()) }
    }

    fn read(&mut self) -> Result<Vec<u8>, Gone> {
        let left = self.patience.end.saturating_duration_since(Instant::now()).min(self.patience.each);
        if left.is_zero() {
            return Err(Gone::Silent);
        }
        self.socket.set_read_timeout(left).map_err(|error| gone(&error))?;
        let mut buffer = vec![0; READ_SIZE];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(Gone::Closed),
                Ok(count) => {
                    buffer.truncate(count);
                    return Ok(buffer);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(gone(&error)),
            }
        }
    }

    fn send_slowly(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let (size, pause) = SLOW;
        for piece in bytes.chunks(size) {
            self.send_raw(piece)?;
            thread::sleep(pause);
        }
        Ok(())
    }
}

struct Decrypted {
    bytes: Vec<u8>,
    closed: bool,
}

/// Everything that rustls has decrypted.
fn decrypted(tls: &mut ServerConnection) -> Result<Decrypted, Gone> {
    let mut found = Decrypted { bytes: Vec::new(), closed: false };
    let mut buffer = [0; READ_SIZE];
    loop {
        match tls.reader().read(&mut buffer) {
            Ok(0) => {
                found.closed = true;
                return Ok(found);
            }
            Ok(count) => found.bytes.extend(buffer.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(found),
            Err(error) => return Err(Gone::Tls(error.to_string())),
        }
    }
}

/// Hands rustls what was received.
fn feed(tls: &mut ServerConnection, mut received: &[u8]) -> Result<(), rustls::Error> {
    while !received.is_empty() {
        tls.read_tls(&mut received).map_err(|error| rustls::Error::General(error.to_string()))?;
        tls.process_new_packets()?;
    }
    Ok(())
}

/// What rustls wants to send.
fn drain(tls: &mut ServerConnection) -> Vec<u8> {
    let mut out = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut out).expect("writing to a vector does not fail");
    }
    out
}

fn gone(error: &io::Error) -> Gone {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Gone::Silent,
        _ => Gone::Closed,
    }
}

impl Socket {
    /// Another handle of the same connection, to end it from another thread.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(tcp) => tcp.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(unix) => unix.try_clone().map(Self::Unix),
        }
    }

    /// Closes one or both directions.
    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(how),
            #[cfg(unix)]
            Self::Unix(unix) => unix.shutdown(how),
        }
    }

    /// Blocking, without delay, and with a bound on writes.
    pub(super) fn prepare(&self, patience: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => {
                tcp.set_nonblocking(false)?;
                tcp.set_nodelay(true)?;
                tcp.set_write_timeout(Some(patience))
            }
            #[cfg(unix)]
            Self::Unix(unix) => {
                unix.set_nonblocking(false)?;
                unix.set_write_timeout(Some(patience))
            }
        }
    }

    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_read_timeout(Some(timeout)),
            #[cfg(unix)]
            Self::Unix(unix) => unix.set_read_timeout(Some(timeout)),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(buffer),
            #[cfg(unix)]
            Self::Unix(unix) => unix.read(buffer),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.write_all(bytes),
            #[cfg(unix)]
            Self::Unix(unix) => unix.write_all(bytes),
        }
    }
}
