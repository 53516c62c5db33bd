//! A small driver on `pgtls-std`.

use super::client::Outcome;
use pgtls_core::{
    connect::Peer,
    environment::{Environment, Platform},
    message::CancelRequest,
    param::{Ability, Params, Settings},
};
use pgtls_rustls::SessionFacts;
use pgtls_std::{
    Cancelled, Config, ConnectError, Connection, LibraryInit, ServerSession, Startup, StartupError, Stream,
    log_in,
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
};

/// No server greets with more in one message.
const LONGEST_MESSAGE: usize = 1 << 16;

/// Connects with `pgtls_std::connect`, which finds the server by itself.
pub(crate) fn connect(conninfo: &str, home: &Path) -> Outcome {
    connect_with(&config(conninfo, home))
}

/// The same with a configuration.
pub(crate) fn connect_with(config: &Config) -> Outcome {
    let connected = pgtls_std::connect(config, |stream, at| start_up(stream, at, &config.params));
    outcome(connected.map(|connected| connected.stream.encryption().as_str()))
}

/// A session that was made with `pgtls_std::connect`.
pub(crate) struct Session {
    stream: Stream,
    canceller: Canceller,
}

/// What it takes to cancel what a session is doing.
#[derive(Clone)]
pub(crate) struct Canceller {
    config: Config,
    at: Peer,
    key: CancelRequest,
}

impl Session {
    #[track_caller]
    pub(crate) fn open(conninfo: &str, home: &Path) -> Self {
        let config = config(conninfo, home);
        let connected =
            pgtls_std::connect(&config, |stream, at| start_up(stream, at, &config.params)).unwrap();
        let at = connected.peer().expect("it has found the server by itself").clone();
        let key = connected.value.cancel.expect("a real server gives keys");
        Self { stream: connected.stream, canceller: Canceller { config, at, key } }
    }

    /// Facts of the TLS session.
    #[track_caller]
    pub(crate) fn facts(&self) -> &SessionFacts {
        self.stream.facts().expect("it is encrypted")
    }

    pub(crate) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Asks for one row: its columns.
    pub(crate) fn query(&mut self, query: &str) -> io::Result<Vec<Option<String>>> {
        ask(&mut self.stream, query)
    }
}

impl Canceller {
    pub(crate) fn cancel(&self) -> Result<Cancelled, ConnectError> {
        pgtls_std::cancel(&self.config, &self.at, &self.key)
    }
}

/// Connects with `pgtls_std::negotiate`, on connections that the driver opens.
pub(crate) fn negotiate(conninfo: &str, host: &str, port: u16, home: &Path) -> Outcome {
    let config = config(conninfo, home);
    let dial = || TcpStream::connect(("127.0.0.1", port));
    let negotiated = pgtls_std::negotiate(&config, Some(host), dial().unwrap(), dial, |stream, at| {
        start_up(stream, at, &config.params)
    });
    outcome(negotiated.map(|connected| connected.stream.encryption().as_str()))
}

fn outcome<E>(encryption: Result<&str, E>) -> Outcome {
    encryption.map_or_else(|_| "fail".to_owned(), str::to_owned)
}

/// Nothing of the person who runs the tests gets in.
pub(crate) fn config(conninfo: &str, home: &Path) -> Config {
    let environment = Environment::empty(Platform::Unix)
        .with_variable("HOME", home.to_str().expect("temporary folders have plain names"));
    let settings = Settings::parse(conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    // What this machine asks of OpenSSL does not matter here.
    let init = LibraryInit { ssl: false, crypto: true };
    Config::initialised(params, environment, init, pgtls_rustls::aws_lc_rs).unwrap()
}

fn start_up<S: Connection>(
    stream: &mut Stream<S>,
    at: Startup<'_>,
    params: &Params,
) -> Result<ServerSession, StartupError> {
    log_in(stream, at, params, || params.password().cloned())
}

/// One message of the server: its type and its body.
fn message(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_be_bytes(length) as usize;
    assert!((4..LONGEST_MESSAGE).contains(&length), "a message of {length} bytes");
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

/// Sends a simple query and reads its one row.
fn ask(stream: &mut (impl Read + Write), query: &str) -> io::Result<Vec<Option<String>>> {
    let length = u32::try_from(query.len() + 5).unwrap().to_be_bytes();
    stream.write_all(&[b"Q", length.as_slice(), query.as_bytes(), b"\0"].concat())?;
    stream.flush()?;
    let mut row = Ok(Vec::new());
    loop {
        match message(stream)? {
            (b'Z', _) => return row,
            (b'D', body) => row = Ok(columns(&body[2..])),
            (b'E', body) => row = Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())),
            _ => {}
        }
    }
}

/// The columns of a DataRow: lengths, -1 for NULL, and texts.
fn columns(mut body: &[u8]) -> Vec<Option<String>> {
    let mut columns = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (text, rest) = rest.split_at(length.unwrap_or_default());
        columns.push(length.map(|_| String::from_utf8(text.to_vec()).unwrap()));
        body = rest;
    }
    columns
}
