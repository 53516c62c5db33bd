//! A connection: a socket that nobody waits for past a point in time, and GSSAPI around its bytes once that is agreed on.

use crate::gss::{Gss, Wrap};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A connection.
pub(crate) struct Channel {
    socket: Timed,
    wrap: Option<Box<dyn Wrap>>,
}

impl Channel {
    pub(crate) fn open(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, left(deadline)?)?;
        tcp.set_nodelay(true)?;
        Ok(Self { socket: Timed { tcp, deadline }, wrap: None })
    }

    /// From here on GSSAPI protects everything.
    pub(crate) fn shake_hands(&mut self, gss: &dyn Gss) -> Result<(), String> {
        self.wrap = Some(gss.shake_hands(&mut self.socket)?);
        Ok(())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.wrap {
            None => self.socket.write_all(bytes),
            Some(wrap) => self.socket.write_all(&wrap.wrap(bytes)),
        }
    }

    /// Reads once; nothing at the end.
    pub(crate) fn receive(&mut self, at_most: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; at_most];
        let count = self.socket.read(&mut buffer)?;
        buffer.truncate(count);
        Ok(match &mut self.wrap {
            None => buffer,
            Some(wrap) => wrap.unwrap(&buffer),
        })
    }
}

struct Timed {
    tcp: TcpStream,
    deadline: Instant,
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What the operating system calls a wait that has ended depends on the system.
fn timed<T>(outcome: io::Result<T>) -> io::Result<T> {
    outcome.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    })
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(left(self.deadline)?))?;
        timed(self.tcp.read(buffer))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(left(self.deadline)?))?;
        timed(self.tcp.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
