//! Opening connections.

use crate::{deadline::Deadline, socket::Socket};
use pgtls_core::{
    candidates::Address,
    param::{Keepalives, Params},
};
use socket2::{Domain, SockAddr, SockRef, TcpKeepalive, Type};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

/// The addresses of a name, in the order of the operating system's resolver.
pub(crate) fn resolve(name: &str, port: u16) -> io::Result<impl Iterator<Item = SocketAddr>> {
    (name, port).to_socket_addrs()
}

/// Opens a connection (libpq: `PQconnectPoll`).
pub(crate) fn dial(address: &Address, params: &Params, deadline: Deadline) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => tcp(*address, params, deadline),
        Address::Unix(path) => unix(path, deadline),
    }
}

fn tcp(address: SocketAddr, params: &Params, deadline: Deadline) -> io::Result<Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    // The walk over the candidates has seen to it that they can be read.
    if let Ok(keepalives) = params.keepalives() {
        keep_alive(&socket, keepalives)?;
    }
    connect(&socket, &address.into(), deadline)?;
    Ok(Socket::Tcp(socket.into()))
}

/// Never with a plain `connect`, which a signal can interrupt half-way.
fn connect(socket: &socket2::Socket, address: &SockAddr, deadline: Deadline) -> io::Result<()> {
    let limit = deadline.left()?.unwrap_or(Duration::MAX);
    socket.connect_timeout(address, limit).map_err(|error| match deadline.left() {
        // The limit has no error of its own.
        Err(expired) if error.kind() == io::ErrorKind::TimedOut => expired,
        _ => error,
    })
}

/// libpq: `useKeepalives`, `setKeepalivesIdle` and their like, `setTCPUserTimeout`.
fn keep_alive(socket: &socket2::Socket, keepalives: Keepalives) -> io::Result<()> {
    let Keepalives::On { idle, interval, count, user_timeout } = keepalives else { return Ok(()) };
    let seconds =
        |time: Option<u32>| time.filter(|time| *time > 0).map(|time| Duration::from_secs(time.into()));
    let mut probes = TcpKeepalive::new();
    if let Some(idle) = seconds(idle) {
        probes = probes.with_time(idle);
    }
    if let Some(interval) = seconds(interval) {
        probes = probes.with_interval(interval);
    }
    if let Some(count) = count.filter(|count| *count > 0) {
        probes = probes.with_retries(count);
    }
    socket.set_keepalive(true)?;
    socket.set_tcp_keepalive(&probes)?;
    if let Some(milliseconds) = user_timeout.filter(|time| *time > 0) {
        user_timeout_of(&SockRef::from(socket), Duration::from_millis(milliseconds.into()))?;
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn user_timeout_of(socket: &SockRef<'_>, limit: Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(limit))
}

/// Where there is no such option libpq ignores the parameter.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn user_timeout_of(_socket: &SockRef<'_>, _limit: Duration) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn unix(path: &str, deadline: Deadline) -> io::Result<Socket> {
    // An abstract name begins with a zero byte in the place of the `@`.
    let address = match path.strip_prefix('@') {
        Some(name) => SockAddr::unix(format!("\0{name}"))?,
        None => SockAddr::unix(path)?,
    };
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    connect(&socket, &address, deadline)?;
    Ok(Socket::Unix(socket.into()))
}

#[cfg(not(unix))]
fn unix(_path: &str, _deadline: Deadline) -> io::Result<Socket> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "unix sockets are not supported on this platform"))
}
