//! Who is at the other end of a unix socket, for `requirepeer` (libpq: `PQconnectPoll`, `getpeereid`).

#[cfg(unix)]
use std::{io, os::unix::net::UnixStream};

/// The name of the user that the peer runs as.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn user(stream: &UnixStream) -> io::Result<String> {
    let uid = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    pgtls_os::user_name(uid)
        .ok_or_else(|| io::Error::other(format!("could not look up the name of the peer's user (uid {uid})")))
}

/// Elsewhere nobody says it in a way that needs no unsafe code.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn user(_stream: &UnixStream) -> io::Result<String> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "requirepeer is not supported on this platform"))
}
