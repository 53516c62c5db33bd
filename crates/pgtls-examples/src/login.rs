//! A startup exchange and a query, as a driver without passwords has them, for sockets that block and those that do not.

use crate::messages::{Messages, query, startup};
use pgtls_adapter::{ByteConnection, StartupError};
use pgtls_core::{
    param::Params,
    startup::{Refusal, StartupMonitor},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    task::Poll,
};

/// The stream of a startup exchange. Every byte passes the startup monitor.
pub trait StartupStream: Read + Write {
    /// The query that establishes the role of the server, after ReadyForQuery.
    fn role_query(&mut self) -> Option<&'static str>;

    /// The one value of its answer.
    fn role_answer(&mut self, value: Option<&[u8]>);
}

impl StartupStream for ByteConnection {
    fn role_query(&mut self) -> Option<&'static str> {
        self.startup()?.role_query()
    }

    fn role_answer(&mut self, value: Option<&[u8]>) {
        if let Some(startup) = self.startup() {
            startup.role_answer(value);
        }
    }
}

/// A stream that blocks, with the monitor of the core.
pub struct Monitored<'s, S> {
    stream: &'s mut S,
    monitor: &'s mut StartupMonitor,
}

impl<'s, S: Read + Write> Monitored<'s, S> {
    /// Adds the monitor.
    pub fn new(stream: &'s mut S, monitor: &'s mut StartupMonitor) -> Self {
        Self { stream, monitor }
    }
}

impl<S: Read + Write> Read for Monitored<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let leftover = self.monitor.before_read().map_err(io::Error::other)?;
        if let (Some(leftover), Some(first)) = (leftover, buffer.first_mut()) {
            *first = leftover;
            return Ok(1);
        }
        match self.stream.read(buffer) {
            Ok(0) => self.monitor.closed(),
            Ok(count) => {
                self.monitor.read(buffer.get(..count).unwrap_or_default()).map_err(io::Error::other)?;
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                self.monitor.timed_out();
                return Err(error);
            }
            Err(error) => {
                self.monitor.aborted();
                return Err(error);
            }
        }
        Ok(0)
    }
}

impl<S: Read + Write> Write for Monitored<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.monitor.before_write().map_err(io::Error::other)?;
        let count = match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                self.monitor.timed_out();
                return Err(error);
            }
            // The server may have sent the reason, which the next read finds.
            written => written.unwrap_or(bytes.len()),
        };
        self.monitor.wrote(bytes.get(..count).unwrap_or(bytes));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().or(Ok(()))
    }
}

impl<S: Read + Write> StartupStream for Monitored<'_, S> {
    fn role_query(&mut self) -> Option<&'static str> {
        self.monitor.role_query()
    }

    fn role_answer(&mut self, value: Option<&[u8]>) {
        self.monitor.role_answer(value);
    }
}

/// The startup exchange on one connection.
#[derive(Default)]
pub struct Login {
    is_started: bool,
    messages: Messages,
    /// The query for the role has been sent.
    is_asked: bool,
    row: Option<String>,
}

impl Login {
    /// Goes on until the session is up or the stream returns `WouldBlock`.
    pub fn advance(
        &mut self,
        stream: &mut impl StartupStream,
        params: &Params,
    ) -> Poll<Result<(), StartupError>> {
        match self.run(stream, params) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error.into())),
            Ok(outcome) => {
                Poll::Ready(outcome.map_err(|refusal| StartupError::Refused { refusal, error: None }))
            }
        }
    }

    fn run(&mut self, stream: &mut impl StartupStream, params: &Params) -> io::Result<Result<(), Refusal>> {
        if !self.is_started {
            stream.write_all(&startup(params).map_err(io::Error::other)?)?;
            self.is_started = true;
        }
        loop {
            while let Some(message) = self.messages.take().map_err(io::Error::other)? {
                match (message.kind, message.refusal()) {
                    (b'Z', _) => match stream.role_query() {
                        // A server before release 14 does not report its role.
                        Some(sql) if !self.is_asked => {
                            self.is_asked = true;
                            stream.write_all(&query(sql))?;
                        }
                        Some(_) => {
                            stream.role_answer(self.row.take().as_deref().map(str::as_bytes));
                            return Ok(Ok(()));
                        }
                        None => return Ok(Ok(())),
                    },
                    (b'D', _) => self.row = message.first_column(),
                    (b'E', Some(error)) => return Err(io::Error::other(error)),
                    (_, Some(_password_request)) => return Ok(Err(Refusal::NoPassword)),
                    _ => {}
                }
            }
            fill(&mut self.messages, stream)?;
        }
    }
}

/// The answer to a query with one value.
#[derive(Default)]
pub struct Answer {
    messages: Messages,
    value: Option<String>,
}

impl Answer {
    /// Reads up to ReadyForQuery.
    ///
    /// # Errors
    /// `WouldBlock`, if the stream does not block: call it again. An error of the server or of the connection.
    pub fn read(&mut self, stream: &mut impl Read) -> io::Result<String> {
        loop {
            while let Some(message) = self.messages.take().map_err(io::Error::other)? {
                match message.kind {
                    b'Z' => {
                        return self
                            .value
                            .take()
                            .ok_or_else(|| io::Error::other("the query returned no row"));
                    }
                    b'E' => return Err(io::Error::other(message.refusal().unwrap_or_default())),
                    _ => self.value = self.value.take().or(message.first_column()),
                }
            }
            fill(&mut self.messages, stream)?;
        }
    }
}

fn fill(messages: &mut Messages, stream: &mut impl Read) -> io::Result<()> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer)? {
        0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server has closed the connection")),
        count => {
            messages.push(buffer.get(..count).unwrap_or_default());
            Ok(())
        }
    }
}
