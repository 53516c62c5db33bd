//! The startup exchange on the streams of these examples, for sockets that block and those that do not, and a query.

use crate::messages::Messages;
use pgtls_adapter::{ByteConnection, Startup, StartupError, startup_error};
use pgtls_core::{param::Params, startup::StartupMonitor};
use pgtls_startup::{Action, ExchangeError, ServerSession, StartupExchange, StartupOptions};
use std::{
    io::{self, ErrorKind, Read, Write},
    task::Poll,
    time::Instant,
};

/// The stream of a startup exchange. Every byte passes the startup monitor.
pub trait StartupStream: Read + Write {
    /// Begins an exchange.
    ///
    /// # Errors
    /// The StartupMessage is too long, or there is no randomness.
    fn exchange(&mut self, params: &Params) -> Result<StartupExchange, StartupError>;

    /// Checks the deadline during work that neither reads nor writes.
    ///
    /// # Errors
    /// The deadline has passed.
    fn check_deadline(&mut self) -> io::Result<()>;

    /// Passes the result of an exchange to the monitor.
    ///
    /// # Errors
    /// The exchange has failed.
    fn finish(&mut self, session: Result<ServerSession, ExchangeError>) -> Result<(), StartupError>;
}

fn place(connection: &ByteConnection) -> io::Result<Startup<'_>> {
    connection.startup().ok_or_else(|| ErrorKind::NotConnected.into())
}

impl StartupStream for ByteConnection {
    fn exchange(&mut self, params: &Params) -> Result<StartupExchange, StartupError> {
        place(self)?.exchange(params, self.facts())
    }

    fn check_deadline(&mut self) -> io::Result<()> {
        place(self)?.check_deadline()
    }

    fn finish(&mut self, session: Result<ServerSession, ExchangeError>) -> Result<(), StartupError> {
        place(self)?.finish(session).map(drop)
    }
}

/// A stream that blocks, with the monitor of the core.
pub struct Monitored<'s, S> {
    stream: &'s mut S,
    monitor: &'s mut StartupMonitor,
    options: StartupOptions,
    deadline: Option<Instant>,
}

impl<'s, S: Read + Write> Monitored<'s, S> {
    /// Adds the monitor, the options of the exchange, and the deadline of the address.
    pub fn new(
        stream: &'s mut S,
        monitor: &'s mut StartupMonitor,
        options: StartupOptions,
        deadline: Option<Instant>,
    ) -> Self {
        Self { stream, monitor, options, deadline }
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
    fn exchange(&mut self, params: &Params) -> Result<StartupExchange, StartupError> {
        Ok(StartupExchange::new(params, self.options.clone())?)
    }

    fn check_deadline(&mut self) -> io::Result<()> {
        if self.deadline.is_none_or(|deadline| Instant::now() < deadline) {
            return Ok(());
        }
        self.monitor.timed_out();
        Err(ErrorKind::TimedOut.into())
    }

    fn finish(&mut self, session: Result<ServerSession, ExchangeError>) -> Result<(), StartupError> {
        let session = session.map_err(startup_error)?;
        if self.monitor.role_query().is_some() {
            self.monitor.role_answer(session.role_answer.as_deref());
        }
        Ok(())
    }
}

/// The startup exchange on one connection.
#[derive(Debug, Default)]
pub struct Login {
    exchange: Option<StartupExchange>,
}

impl Login {
    /// Goes on until the session is up or the stream returns `WouldBlock`. The password is that of the parameters.
    pub fn advance(
        &mut self,
        stream: &mut impl StartupStream,
        params: &Params,
    ) -> Poll<Result<(), StartupError>> {
        match self.run(stream, params) {
            Err(StartupError::Failed(error)) if is_pending(&*error) => Poll::Pending,
            ended => Poll::Ready(ended),
        }
    }

    fn run(&mut self, stream: &mut impl StartupStream, params: &Params) -> Result<(), StartupError> {
        let exchange = match &mut self.exchange {
            Some(exchange) => exchange,
            none => none.insert(stream.exchange(params)?),
        };
        let mut buffer = [0; 4096];
        loop {
            match exchange.poll() {
                Ok(Action::Send(bytes)) => {
                    let count = stream.write(bytes)?;
                    exchange.sent(count);
                }
                Ok(Action::Receive) => {
                    stream.flush()?;
                    let count = stream.read(&mut buffer)?;
                    exchange.received(buffer.get(..count).unwrap_or_default());
                }
                Ok(Action::Password) => exchange.supply_password(params.password().cloned()),
                Ok(Action::Derive) => {
                    stream.check_deadline()?;
                    exchange.derive();
                }
                Ok(Action::Ready(session)) => return stream.finish(Ok(session)),
                Err(error) => return stream.finish(Err(error)),
            }
        }
    }
}

fn is_pending(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
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
