//! Actions of the machine and the servers of its attempts, as C sees them.

use crate::{
    boundary::c_text,
    labels::{pgtls_encryption, pgtls_then, pgtls_transport, pgtls_verification},
};
use pgtls_core::{
    connect::{Address, Peer},
    message::ALPN_POSTGRESQL,
    param::Keepalives,
};
use socket2::SockAddr;
use std::{
    ffi::{CStr, CString, c_char, c_void},
    net::SocketAddr,
    ptr,
};

/// Kind of action. Each names the calls that answer it; `pgtls_machine_timed_out` answers every action from `PGTLS_OPEN` to
/// `PGTLS_DERIVE`, and `pgtls_machine_failed` every one from `PGTLS_RESOLVE` to `PGTLS_DERIVE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_action_kind {
    /// Resolve `name`: `pgtls_machine_resolved`. No deadline covers this, as in libpq.
    PGTLS_RESOLVE = 0,
    /// Close the present connection and open a new one to `peer`: `pgtls_machine_opened`.
    PGTLS_OPEN = 1,
    /// Determine the operating-system user at the other end of the unix socket: `pgtls_machine_peer_user`.
    PGTLS_CHECK_PEER = 2,
    /// Send `bytes`, through TLS if TLS is established: `pgtls_machine_sent` or `pgtls_machine_closed`. After a part of them was
    /// sent the program sends the rest, or, in an exchange of the machine's own, reports the part and gets the rest as the next action.
    PGTLS_SEND = 3,
    /// Read once, at most `at_most` bytes, through TLS if TLS is established: `pgtls_machine_received` or `pgtls_machine_closed`.
    PGTLS_RECEIVE = 4,
    /// Load the trusted roots: `pgtls_machine_trust`. It comes before the first TLS handshake, unless the machine has them.
    PGTLS_LOAD_TRUST = 5,
    /// Run a TLS handshake: `pgtls_machine_tls_established`, `pgtls_machine_tls_failed` or `pgtls_machine_closed`. Offer the ALPN
    /// protocols in `bytes`, send `name` (SNI) unless it is `NULL`, and keep to the versions `tls_min` and `tls_max`.
    PGTLS_START_TLS = 6,
    /// For a program that runs the exchange itself, without `pgtls_machine_login`: send the startup packet and authenticate, or send
    /// the CancelRequest and wait for the end of the connection. Report all bytes, TLS taken off, with `pgtls_machine_sent` and
    /// `pgtls_machine_received`, and the end with `pgtls_machine_closed`.
    /// `bytes` are the first bytes of the server: they were received, and reported, before. Call `pgtls_machine_action` after
    /// each report: once the action is another one, nothing more may be sent for this exchange.
    PGTLS_STARTUP = 7,
    /// For a program that runs the exchange itself: send `query`, which returns one value: `pgtls_machine_role`. The bytes of this
    /// exchange are not reported.
    PGTLS_QUERY_ROLE = 8,
    /// Check the deadline and derive a part of SCRAM's key, for a few milliseconds: `pgtls_machine_derive`. The number of
    /// iterations that the server demands decides how often this action comes; an event loop runs its other tasks in between.
    PGTLS_DERIVE = 9,
    /// There is a session, protected by `encryption`; or the cancel request was accepted. After a login `bytes` are the first of the
    /// session, which were received with the end of the exchange; there are usually none.
    PGTLS_DONE = 10,
    /// The connection is ready for another driver (`PGTLS_AIM_TLS`), protected by `encryption`. The driver's exchange is reported
    /// as for `PGTLS_STARTUP` up to ReadyForQuery; the action becomes `PGTLS_FAILED` if the parameters forbid it.
    PGTLS_ESTABLISHED = 11,
    /// Every attempt has failed. `pgtls_machine_error` returns the reasons.
    PGTLS_FAILED = 12,
}

/// A time without end: there is no deadline.
pub const PGTLS_NO_DEADLINE: u64 = u64::MAX;

/// The server of an attempt. Its texts belong to the machine and hold until the machine is freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pgtls_peer {
    /// Index of the host in the list `host` of the parameters.
    pub host_index: usize,
    /// The host that certificates are compared with; `NULL` if there is only an address.
    pub host: *const c_char,
    /// A numeric address (`192.0.2.1`, `2001:db8::1`, `fe80::1%2` with a numeric zone), or the path of a unix socket, where
    /// a leading `@` stands for an abstract name. `NULL` if the program opens connections itself (`pgtls_machine_to`), and
    /// if no server is being tried.
    pub address: *const c_char,
    /// The port; 0 for a unix socket.
    pub port: u16,
    /// The kind of socket.
    pub transport: pgtls_transport,
    /// Set `SO_KEEPALIVE` and the four options below. Not set for unix sockets. `TCP_NODELAY` is set on every TCP socket.
    pub keepalives: bool,
    /// `TCP_KEEPIDLE`, in seconds; 0 keeps the operating system's default.
    pub keepalives_idle: u32,
    /// `TCP_KEEPINTVL`, in seconds; 0 keeps the operating system's default.
    pub keepalives_interval: u32,
    /// `TCP_KEEPCNT`; 0 keeps the operating system's default.
    pub keepalives_count: u32,
    /// `TCP_USER_TIMEOUT`, in milliseconds; 0 keeps the operating system's default.
    pub tcp_user_timeout: u32,
    /// Address and port as a `struct sockaddr` of this machine, for `connect`. `NULL` without an address, and if the path of
    /// a unix socket is too long for it.
    pub sockaddr: *const c_void,
    /// Length of `sockaddr`.
    pub sockaddr_length: u32,
}

/// The next action. What its pointers refer to belongs to the machine and holds until the next call of `pgtls_machine_action` is
/// over.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pgtls_action {
    /// The kind.
    pub kind: pgtls_action_kind,
    /// The time at which `pgtls_machine_timed_out` is to be called, in milliseconds on the clock of `pgtls_machine_action`;
    /// `PGTLS_NO_DEADLINE` if there is no limit.
    pub deadline: u64,
    /// The server of the present attempt or of the session.
    pub peer: pgtls_peer,
    /// For `PGTLS_RESOLVE` the name to resolve, for `PGTLS_START_TLS` the server name to send, else `NULL`.
    pub name: *const c_char,
    /// For `PGTLS_QUERY_ROLE`.
    pub query: *const c_char,
    /// For `PGTLS_SEND`, `PGTLS_START_TLS`, `PGTLS_STARTUP`, `PGTLS_ESTABLISHED` and `PGTLS_DONE`.
    pub bytes: *const u8,
    /// Length of `bytes`.
    pub length: usize,
    /// For `PGTLS_RECEIVE`: greatest length of the read, up to 16,384. All bytes that have arrived should be read at once.
    pub at_most: usize,
    /// For `PGTLS_START_TLS`: the handshake begins without an SSLRequest.
    pub direct: bool,
    /// For `PGTLS_START_TLS`: the proof that `pgtls_machine_tls_established` needs.
    pub verification: pgtls_verification,
    /// For `PGTLS_START_TLS`: `ssl_min_protocol_version` as in a handshake (0x0303 is TLS 1.2); 0 if there is no bound.
    pub tls_min: u16,
    /// For `PGTLS_START_TLS`: `ssl_max_protocol_version`, likewise.
    pub tls_max: u16,
    /// For `PGTLS_STARTUP`, and for the actions of the machine's own exchange: the code of the server's last authentication request (3: password, 5: MD5, 10: SASL); 0 before the
    /// first, and after AuthenticationOk.
    pub authentication: u32,
    /// For `PGTLS_DONE` and `PGTLS_ESTABLISHED`.
    pub encryption: pgtls_encryption,
    /// For `PGTLS_FAILED`: the consequence of the last failure, for programs that walk over hosts themselves.
    pub then: pgtls_then,
}

/// The offer for ALPN, in the form of the extension: names with their lengths (RFC 7301, section 3.1).
static ALPN_OFFER: [u8; 11] = *b"\x0apostgresql";
const _: () = assert!(ALPN_OFFER.len() == ALPN_POSTGRESQL.len() + 1);

impl pgtls_action {
    /// An action of this kind without particulars.
    pub(crate) const fn new(kind: pgtls_action_kind) -> Self {
        Self {
            kind,
            deadline: PGTLS_NO_DEADLINE,
            peer: pgtls_peer::NONE,
            name: ptr::null(),
            query: ptr::null(),
            bytes: ptr::null(),
            length: 0,
            at_most: 0,
            direct: false,
            verification: pgtls_verification::PGTLS_VERIFY_NONE,
            tls_min: 0,
            tls_max: 0,
            authentication: 0,
            encryption: pgtls_encryption::PGTLS_ENCRYPTION_PLAIN,
            then: pgtls_then::PGTLS_THEN_STOP,
        }
    }

    /// Adds bytes that live as long as the process.
    pub(crate) const fn with_bytes(mut self, bytes: &'static [u8]) -> Self {
        (self.bytes, self.length) = (bytes.as_ptr(), bytes.len());
        self
    }

    /// Adds the offer for ALPN.
    pub(crate) const fn with_alpn(self) -> Self {
        self.with_bytes(&ALPN_OFFER)
    }

    /// Adds the bytes that were received before the exchange, if there are any. They belong to the machine.
    pub(crate) const fn with_leftover(mut self, leftover: &[u8]) -> Self {
        if !leftover.is_empty() {
            (self.bytes, self.length) = (leftover.as_ptr(), leftover.len());
        }
        self
    }
}

/// Texts and address of a server, for the pointers of [`pgtls_peer`].
pub(crate) struct PeerTexts {
    host: Option<CString>,
    address: Option<CString>,
    /// In a place of its own, as these move.
    sockaddr: Option<Box<SockAddr>>,
}

impl PeerTexts {
    pub(crate) fn new(peer: &Peer) -> Self {
        let address = peer.address.as_ref().map(|address| match address {
            // The zone of an IPv6 address is part of the text, the brackets of `SocketAddrV6` are not.
            Address::Tcp(SocketAddr::V6(address)) if address.scope_id() != 0 => {
                c_text(&format!("{}%{}", address.ip(), address.scope_id()))
            }
            Address::Tcp(address) => c_text(&address.ip().to_string()),
            Address::Unix(path) => c_text(path),
        });
        let sockaddr = peer.address.as_ref().and_then(|address| match address {
            Address::Tcp(address) => Some(Box::new(SockAddr::from(*address))),
            Address::Unix(path) => {
                let path = path.strip_prefix('@').map_or_else(|| path.clone(), |name| format!("\0{name}"));
                SockAddr::unix(path).ok().map(Box::new)
            }
        });
        Self { host: peer.host.as_deref().map(c_text), address, sockaddr }
    }
}

impl pgtls_peer {
    /// No server.
    pub(crate) const NONE: Self = Self {
        host_index: 0,
        host: ptr::null(),
        address: ptr::null(),
        port: 0,
        transport: pgtls_transport::PGTLS_TCP,
        keepalives: false,
        keepalives_idle: 0,
        keepalives_interval: 0,
        keepalives_count: 0,
        tcp_user_timeout: 0,
        sockaddr: ptr::null(),
        sockaddr_length: 0,
    };

    pub(crate) fn new(peer: &Peer, texts: &PeerTexts) -> Self {
        let mut seen = Self {
            host_index: peer.host_index,
            host: pointer(texts.host.as_deref()),
            address: pointer(texts.address.as_deref()),
            transport: peer.transport.into(),
            ..Self::NONE
        };
        if let Some(sockaddr) = &texts.sockaddr {
            seen.sockaddr = sockaddr.as_ptr().cast();
            seen.sockaddr_length = sockaddr.len();
        }
        if let Some(Address::Tcp(address)) = &peer.address {
            seen.port = address.port();
        }
        if let Some(Keepalives::On { idle, interval, count, user_timeout }) = peer.keepalives {
            seen.keepalives = true;
            seen.keepalives_idle = idle.unwrap_or_default();
            seen.keepalives_interval = interval.unwrap_or_default();
            seen.keepalives_count = count.unwrap_or_default();
            seen.tcp_user_timeout = user_timeout.unwrap_or_default();
        }
        seen
    }
}

pub(crate) fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::values;

    #[test]
    fn leftover_bytes_are_pointed_to() {
        let startup = pgtls_action::new(pgtls_action_kind::PGTLS_STARTUP);
        let bytes = b"R\0\0".to_vec();
        let seen = startup.with_leftover(&bytes);
        // SAFETY: it points to the bytes of the vector, which lives until the end of the test.
        assert_eq!(unsafe { values(seen.bytes, seen.length) }, Ok(&bytes[..]));
        let seen = startup.with_leftover(&[]);
        assert_eq!((seen.bytes, seen.length), (ptr::null(), 0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn addresses_are_those_of_connect() {
        let sockaddr = |address| PeerTexts::new(&Peer::new(0, None, address)).sockaddr;
        let tcp: SocketAddr = "[fe80::1%3]:5432".parse().unwrap();
        assert_eq!(sockaddr(Address::Tcp(tcp)).and_then(|found| found.as_socket()), Some(tcp));
        let unix = sockaddr(Address::Unix("/run/.s.PGSQL.5432".to_owned())).unwrap();
        assert_eq!(unix.as_pathname(), Some("/run/.s.PGSQL.5432".as_ref()));
        let named = sockaddr(Address::Unix("@pg/.s.PGSQL.5432".to_owned())).unwrap();
        assert_eq!(named.as_abstract_namespace(), Some(&b"pg/.s.PGSQL.5432"[..]));
        assert!(sockaddr(Address::Unix("/".repeat(200))).is_none());
    }

    #[test]
    fn the_offer_is_one_name_with_its_length() {
        assert_eq!(ALPN_OFFER.split_first(), Some((&10, ALPN_POSTGRESQL)));
    }
}
