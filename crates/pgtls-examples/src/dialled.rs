//! A [`Link`] over a non-blocking socket of mio.

use crate::link::{Link, Next, READ};
use mio::{Interest, Registry, Token, net::TcpStream};
use pgtls_core::negotiation::{Misuse, Then};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
};

/// A link, and the socket that it has now.
pub struct Dialled<'p> {
    link: Link<'p>,
    address: SocketAddr,
    token: Token,
    tcp: Option<TcpStream>,
    connecting: bool,
}

/// Where a link has come to. Whoever drives it acts on it and drives on, unless nothing can be done but wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The socket is not ready for more.
    Waiting,
    /// The startup packet is to be sent.
    Start,
    /// The server has said something.
    Heard,
    /// The server has ended the session.
    Closed,
    /// The address has failed.
    Failed(Then),
}

impl<'p> Dialled<'p> {
    /// Opens nothing before it is driven.
    pub fn new(link: Link<'p>, address: SocketAddr, token: Token) -> Self {
        Self { link, address, token, tcp: None, connecting: false }
    }

    /// What is sent and heard goes through it.
    pub fn link(&mut self) -> &mut Link<'p> {
        &mut self.link
    }

    /// For the end.
    pub fn into_link(self) -> Link<'p> {
        self.link
    }

    /// Does everything that can be done without waiting. Reads only if `may_read`, so that bytes which nobody can take yet
    /// stay in the kernel, and the server notices.
    ///
    /// mio tells of a socket once: it is read until it has no more, or driven again when reading is allowed again.
    ///
    /// # Errors
    /// A bug in the program.
    pub fn drive(&mut self, registry: &Registry, may_read: bool) -> Result<Progress, Misuse> {
        let mut buffer = [0; READ];
        loop {
            if self.connecting && !self.finish_connecting()? {
                return Ok(Progress::Waiting);
            }
            let next = self.link.poll()?;
            // What the last step has left to say, before anything is waited for.
            self.flush();
            match next {
                Next::Connect => self.connect(registry)?,
                // There is no GSSAPI here, which the plan has been told.
                Next::Gss => self.link.gss_failed(None)?,
                Next::Start => return Ok(Progress::Start),
                Next::Closed => return Ok(Progress::Closed),
                Next::Fail(then) => return Ok(Progress::Failed(then)),
                Next::Io { .. } if !may_read => return Ok(Progress::Waiting),
                Next::Io { read } => {
                    let Some(tcp) = &mut self.tcp else { return Ok(Progress::Waiting) };
                    match tcp.read(buffer.get_mut(..read).unwrap_or_default()) {
                        Ok(0) => self.link.closed(None)?,
                        Ok(count) => {
                            self.link.received(buffer.get(..count).unwrap_or_default())?;
                            return Ok(Progress::Heard);
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Waiting),
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(error) => self.link.closed(Some(error))?,
                    }
                }
            }
        }
    }

    /// Writes what can be written now. If nothing can be written any more, the server may have said why: reading will
    /// tell.
    fn flush(&mut self) {
        if let Some(tcp) = &mut self.tcp
            && write_some(tcp, self.link.outgoing()).is_err()
        {
            self.link.outgoing().clear();
        }
    }

    fn connect(&mut self, registry: &Registry) -> Result<(), Misuse> {
        self.tcp = None;
        let opened = TcpStream::connect(self.address).and_then(|mut tcp| {
            tcp.set_nodelay(true)?;
            registry.register(&mut tcp, self.token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(tcp)
        });
        match opened {
            Ok(tcp) => {
                self.tcp = Some(tcp);
                self.connecting = true;
                Ok(())
            }
            Err(error) => self.link.connect_failed(error),
        }
    }

    /// Whether the connection is there, or has failed.
    fn finish_connecting(&mut self) -> Result<bool, Misuse> {
        let Some(tcp) = &self.tcp else { return Ok(true) };
        let outcome = match tcp.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => match tcp.peer_addr() {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                Err(error) => Err(error),
            },
        };
        self.connecting = false;
        match outcome {
            Ok(()) => self.link.connected()?,
            Err(error) => self.link.connect_failed(error)?,
        }
        Ok(true)
    }
}

/// Writes until the socket takes no more; what it took is gone from the buffer.
///
/// # Errors
/// The connection is broken.
pub fn write_some(to: &mut impl Write, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let outcome = loop {
        let Some(rest) = buffer.get(written..).filter(|rest| !rest.is_empty()) else { break Ok(()) };
        match to.write(rest) {
            Ok(0) => break Err(ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    buffer.drain(..written);
    outcome
}
