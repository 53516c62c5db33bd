//! Sockets before they are connected, and who is at their other end.

use pgtls_core::{
    connect::{Address, Peer},
    param::Keepalives,
};
use socket2::{Domain, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use std::{io, net::SocketAddr, time::Duration};

/// A socket for this server with the options of the parameters, and the address to connect it to (libpq: `PQconnectPoll`).
pub fn unconnected(peer: &Peer) -> io::Result<(Socket, SockAddr)> {
    match &peer.address {
        Some(Address::Tcp(address)) => tcp(*address, peer.keepalives),
        Some(Address::Unix(path)) => unix(path),
        None => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

/// The same, not blocking, and whether it is connected already. If not it is about to be: whether it is can be asked when it
/// becomes writable, with [`outcome`].
///
/// One that the server has reset at once is not connected (libpq asks `SO_ERROR` as soon as it can), so that another address
/// is tried.
pub fn connecting(peer: &Peer) -> io::Result<(Socket, bool)> {
    let (socket, address) = unconnected(peer)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address) {
        Err(error) if !is_under_way(&error) => return Err(error),
        // On this machine it is there at once all the same, and nobody has to be woken up.
        Err(_) if socket.peer_addr().is_err() => return Ok((socket, false)),
        Ok(()) | Err(_) => {}
    }
    socket.take_error()?.map_or(Ok((socket, true)), Err)
}

/// What became of a connection that was under way.
#[cfg(unix)]
pub fn outcome(socket: &impl std::os::fd::AsFd) -> io::Result<()> {
    SockRef::from(socket).take_error()?.map_or(Ok(()), Err)
}

/// What became of a connection that was under way.
#[cfg(windows)]
pub fn outcome(socket: &impl std::os::windows::io::AsSocket) -> io::Result<()> {
    SockRef::from(socket).take_error()?.map_or(Ok(()), Err)
}

/// A unix socket whose backlog is full says something else, and is not connected later.
#[cfg(unix)]
fn is_under_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(not(unix))]
fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn tcp(address: SocketAddr, keepalives: Option<Keepalives>) -> io::Result<(Socket, SockAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(keepalives) = keepalives {
        keep_alive(&socket, keepalives)?;
    }
    Ok((socket, address.into()))
}

/// libpq: `useKeepalives`, `setKeepalivesIdle` and their like, `setTCPUserTimeout`.
fn keep_alive(socket: &Socket, keepalives: Keepalives) -> io::Result<()> {
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
    // Turns them on, too.
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
fn unix(path: &str) -> io::Result<(Socket, SockAddr)> {
    // An abstract name begins with a zero byte in the place of the `@`.
    let address = match path.strip_prefix('@') {
        Some(name) => SockAddr::unix(format!("\0{name}"))?,
        None => SockAddr::unix(path)?,
    };
    Ok((Socket::new(Domain::UNIX, Type::STREAM, None)?, address))
}

#[cfg(not(unix))]
fn unix(_path: &str) -> io::Result<(Socket, SockAddr)> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "unix sockets are not supported on this platform"))
}

/// The number of the user that the peer of a unix socket runs as (libpq: `PQconnectPoll`, `getpeereid`).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer_uid(socket: &impl std::os::fd::AsFd) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(socket)?.uid.as_raw())
}

/// Elsewhere nobody says it in a way that needs no unsafe code.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub fn peer_uid(_socket: &impl std::os::fd::AsFd) -> io::Result<u32> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "requirepeer is not supported on this platform"))
}

/// The name of this user, which is looked up on the disk: it blocks.
#[cfg(unix)]
pub fn user_name(uid: u32) -> io::Result<String> {
    pgtls_os::user_name(uid)
        .ok_or_else(|| io::Error::other(format!("could not look up the name of the peer's user (uid {uid})")))
}
