//! A server that lets everybody in, for clients that want to know what connecting costs.

use crate::{
    exchange::{READY, RECEIVED, Then},
    material::Material,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    env,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

/// Length of what is sent at once: the plaintext of one TLS record.
pub const RECORD: usize = 1 << 14;

/// The first byte of a TLS handshake record, where direct negotiation begins.
const HANDSHAKE: u8 = 22;

/// The argument by which a program is asked to be the server.
const SERVE: &str = "serve";

/// Starts a server on a port of its own. It ends with the process.
pub fn start(config: Arc<ServerConfig>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let config = config.clone();
            // A client that goes is no fault.
            thread::spawn(move || serve(connection, config).ok());
        }
    });
    Ok(address)
}

/// A server in a process of its own, so that nothing of it is counted. It ends with this value.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts this program once more, which has to call [`serve_if_asked`] first of all. The server's files are in the folder
    /// then ([`Material::write`]).
    pub fn start(folder: &Path) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg(SERVE)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { address, child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when nobody holds the other end of its input.
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// Is the server, if the program was started for that: says where it listens, and stays until its input ends.
///
/// # Errors
/// There is no folder to write to, or no port.
pub fn serve_if_asked() -> io::Result<bool> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != SERVE) {
        return Ok(false);
    }
    let folder = arguments.next().ok_or(io::ErrorKind::InvalidInput)?;
    let material = Material::new();
    material.write(Path::new(&folder))?;
    println!("{}", start(material.server_config())?);
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(true)
}

fn serve(mut connection: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut first = [0];
    connection.peek(&mut first)?;
    if first != [HANDSHAKE] {
        connection.read_exact(&mut [0; 8])?;
        connection.write_all(b"S")?;
    }
    let engine = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(engine, connection);

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).saturating_sub(4);
    let mut startup = Vec::new();
    Read::by_ref(&mut stream).take(length.into()).read_to_end(&mut startup)?;
    stream.write_all(READY)?;
    stream.flush()?;
    match Then::asked_for(&startup) {
        Then::Idle => while stream.read(&mut [0; RECORD])? > 0 {},
        Then::Source => loop {
            for _ in 0..records(&mut stream)? {
                stream.write_all(&[0; RECORD])?;
            }
        },
        Then::Sink => loop {
            let mut record = [0; RECORD];
            for _ in 0..records(&mut stream)? {
                stream.read_exact(&mut record)?;
            }
            stream.write_all(&RECEIVED)?;
        },
    }
    Ok(())
}

/// How many records the client announces.
fn records(stream: &mut impl Read) -> io::Result<u64> {
    let mut count = [0; 8];
    stream.read_exact(&mut count)?;
    Ok(u64::from_be_bytes(count))
}
