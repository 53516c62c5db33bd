//! The ClientHello of a client that has been told `S` (RFC 8446, section 4.1.2).

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    thread,
    time::Duration,
};

/// A client that does not come in this time never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) suites: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) versions: BTreeSet<u16>,
    pub(super) schemes: BTreeSet<u16>,
}

/// The ClientHello that a client sends to the port that it is given; `None` if it sends none.
pub(super) fn of(client: impl FnOnce(u16)) -> Option<Hello> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = [0; 8];
        // Whoever made the test end early only wakes the server up.
        socket.read_exact(&mut request).ok()?;
        socket.write_all(b"S").unwrap();
        let mut head = [0; 5];
        socket.read_exact(&mut head).ok()?;
        let [22, _, _, length @ ..] = head else { return None };
        let mut record = vec![0; usize::from(u16::from_be_bytes(length))];
        socket.read_exact(&mut record).ok()?;
        Some(parse(&record))
    });
    client(port);
    // A client that never connected.
    drop(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
    server.join().unwrap()
}

/// Reads the handshake message.
pub(super) fn parse(mut message: &[u8]) -> Hello {
    take(&mut message, 4);
    let legacy_version = take(&mut message, 2);
    take(&mut message, 32);
    vector(&mut message, 1);
    let mut hello = Hello { suites: numbers(vector(&mut message, 2)), ..Hello::default() };
    vector(&mut message, 1);
    let mut extensions = vector(&mut message, 2);
    hello.versions = numbers(legacy_version).into_iter().collect();
    while !extensions.is_empty() {
        let kind = numbers(take(&mut extensions, 2))[0];
        let mut content = vector(&mut extensions, 2);
        match kind {
            10 => hello.groups = numbers(vector(&mut content, 2)),
            13 => hello.schemes = numbers(vector(&mut content, 2)).into_iter().collect(),
            43 => hello.versions = numbers(vector(&mut content, 1)).into_iter().collect(),
            _ => {}
        }
    }
    hello
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn vector<'a>(bytes: &mut &'a [u8], length_bytes: usize) -> &'a [u8] {
    let length = take(bytes, length_bytes).iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    take(bytes, length)
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}
