//! The other end of a connection: one address of one host.

use crate::{
    param::{Keepalives, Params, TargetSessionAttrs},
    policy::Transport,
};
use alloc::{borrow::ToOwned, string::String};
use core::net::SocketAddr;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A unix socket by path (`/dir/.s.PGSQL.5432`) or, with a leading `@`, an abstract name.
    Unix(String),
}

impl Address {
    /// The kind of socket.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Unix(_) => Transport::Unix,
        }
    }
}

/// The server of the current attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Index of the host in [`Params::hosts`], for its password.
    pub host_index: usize,
    /// The host for verification and SNI; `None` when only `hostaddr` was given.
    pub host: Option<String>,
    /// The address; `None` on a connection that the program has opened itself.
    pub address: Option<Address>,
    /// The kind of socket.
    pub transport: Transport,
    /// Options of the TCP socket; `None` on other connections.
    pub keepalives: Option<Keepalives>,
    /// The role that the server must have: `target_session_attrs`, where `prefer-standby` is replaced by `standby` in the first
    /// round over the hosts and by `any` in the second.
    pub target_session_attrs: TargetSessionAttrs,
}

impl Peer {
    /// A server that the program has chosen itself, for cancel requests: no role is demanded of it.
    pub const fn new(host_index: usize, host: Option<String>, address: Address) -> Self {
        let transport = address.transport();
        let target_session_attrs = TargetSessionAttrs::Any;
        Self { host_index, host, address: Some(address), transport, keepalives: None, target_session_attrs }
    }
}

/// A connection that the program opens itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// The host for verification and SNI.
    pub host: Option<String>,
    /// Index of the host in [`Params::hosts`], for its password.
    pub host_index: usize,
    /// The kind of socket: `sslmode` has no meaning on a unix socket.
    pub transport: Transport,
    /// The operating-system user of the peer, for `requirepeer`; `None` if it is not known.
    pub peer_user: Option<String>,
}

impl Endpoint {
    /// TCP, or a tunnel in its place, to this host.
    pub fn tcp(host: Option<&str>) -> Self {
        let host = host.map(ToOwned::to_owned);
        Self { host, host_index: 0, transport: Transport::Tcp, peer_user: None }
    }

    /// A unix socket.
    pub fn unix(peer_user: Option<String>) -> Self {
        Self { host: None, host_index: 0, transport: Transport::Unix, peer_user }
    }

    /// The first host of the parameters, if there is one.
    pub fn first_host(params: &Params) -> Self {
        Self::tcp(params.hosts().first().and_then(|host| host.host.as_deref()))
    }

    /// A server that is the only one cannot be passed over for a better one.
    pub(super) fn peer(&self, role: TargetSessionAttrs) -> Peer {
        Peer {
            host_index: self.host_index,
            host: self.host.clone(),
            address: None,
            transport: self.transport,
            keepalives: None,
            target_session_attrs: match role {
                TargetSessionAttrs::PreferStandby => TargetSessionAttrs::Any,
                role => role,
            },
        }
    }
}

impl From<&str> for Endpoint {
    fn from(host: &str) -> Self {
        Self::tcp(Some(host))
    }
}

impl From<Option<&str>> for Endpoint {
    fn from(host: Option<&str>) -> Self {
        Self::tcp(host)
    }
}
