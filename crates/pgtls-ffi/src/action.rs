//! What the machine asks for, as C sees it.

use crate::words::{pgtls_encryption, pgtls_then};
use pgtls_core::negotiation::Action;
use std::ptr;

/// What to do.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pgtls_action_kind {
    /// Open a connection: `pgtls_machine_connected` or `pgtls_machine_connect_failed`.
    PGTLS_CONNECT = 0,
    /// The same, after dropping the one that there is.
    PGTLS_RECONNECT = 1,
    /// Compare the user at the other end of the unix socket with `requirepeer`: `pgtls_machine_peer_user`.
    PGTLS_CHECK_PEER = 2,
    /// Send `bytes`: `pgtls_machine_sent`.
    PGTLS_SEND = 3,
    /// Read at most `at_most` bytes, once: `pgtls_machine_received`.
    PGTLS_RECEIVE = 4,
    /// Run a TLS handshake, `direct` or not: `pgtls_machine_tls_established` or `pgtls_machine_tls_failed`.
    PGTLS_START_TLS = 5,
    /// Send the startup packet (or CancelRequest) and authenticate. Everything that is sent and received, TLS taken off, is
    /// shown to `pgtls_machine_sent` and `pgtls_machine_received`; `bytes` were received already. Ask for the action after
    /// each: as soon as it is another one, nothing more may be said to this server.
    PGTLS_STARTUP = 6,
    /// The session is up, protected as `encryption` says.
    PGTLS_DONE = 7,
    /// The address has failed; `then` says what follows, `pgtls_machine_error` why.
    PGTLS_FAIL = 8,
}

/// All bytes. The one that was received already is pointed to here and not in the machine, so that it does not matter what
/// becomes of the machine while C looks at it.
static BYTES: [u8; 256] = {
    let mut all = [0; 256];
    let mut rest: &mut [u8] = &mut all;
    let mut next = 0_u8;
    while let Some((first, after)) = rest.split_first_mut() {
        *first = next;
        (rest, next) = (after, next.wrapping_add(1));
    }
    all
};

/// What to do, and what belongs to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pgtls_action {
    /// What.
    pub kind: pgtls_action_kind,
    /// For `PGTLS_SEND` and `PGTLS_STARTUP`; they belong to the library and hold until the next call with the machine is over.
    pub bytes: *const u8,
    /// How many they are.
    pub length: usize,
    /// For `PGTLS_RECEIVE`: 1 or 2.
    pub at_most: usize,
    /// For `PGTLS_START_TLS`: without an SSLRequest before it, ALPN has to be `postgresql`.
    pub direct: bool,
    /// For `PGTLS_STARTUP` and `PGTLS_DONE`.
    pub encryption: pgtls_encryption,
    /// For `PGTLS_FAIL`.
    pub then: pgtls_then,
}

impl pgtls_action {
    /// An action of the machine's. `carry` is the byte that was received already, if there is one. `None` is GSSAPI, which is
    /// never planned here.
    pub(crate) fn of(action: Action, carry: Option<u8>) -> Option<Self> {
        use pgtls_action_kind as Kind;
        let mut seen = Self {
            kind: Kind::PGTLS_CONNECT,
            bytes: ptr::null(),
            length: 0,
            at_most: 0,
            direct: false,
            encryption: pgtls_encryption::PGTLS_ENCRYPTION_PLAIN,
            then: pgtls_then::PGTLS_THEN_STOP,
        };
        seen.kind = match action {
            Action::Connect => Kind::PGTLS_CONNECT,
            Action::Reconnect { .. } => Kind::PGTLS_RECONNECT,
            Action::CheckPeer => Kind::PGTLS_CHECK_PEER,
            Action::Send(request) => {
                (seen.bytes, seen.length) = (request.as_ptr(), request.len());
                Kind::PGTLS_SEND
            }
            Action::Receive { at_most } => {
                seen.at_most = at_most;
                Kind::PGTLS_RECEIVE
            }
            Action::StartTls(start) => {
                seen.direct = start.direct;
                Kind::PGTLS_START_TLS
            }
            Action::Startup { encryption, .. } => {
                if let Some(byte) = carry.and_then(|byte| BYTES.get(usize::from(byte))) {
                    (seen.bytes, seen.length) = (byte, 1);
                }
                seen.encryption = encryption.into();
                Kind::PGTLS_STARTUP
            }
            Action::Done(encryption) => {
                seen.encryption = encryption.into();
                Kind::PGTLS_DONE
            }
            Action::Fail { then, .. } => {
                seen.then = then.into();
                Kind::PGTLS_FAIL
            }
            _ => return None,
        };
        Some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::values;
    use pgtls_core::negotiation::Encryption;

    #[test]
    fn every_byte_is_pointed_to_where_it_is() {
        let startup = Action::Startup { encryption: Encryption::Plain, carry: None };
        for byte in 0..=u8::MAX {
            let seen = pgtls_action::of(startup, Some(byte)).unwrap();
            // SAFETY: it points to so many bytes that nobody changes.
            assert_eq!(unsafe { values(seen.bytes, seen.length) }, Ok(&[byte][..]));
        }
        let seen = pgtls_action::of(startup, None).unwrap();
        assert_eq!((seen.bytes, seen.length), (ptr::null(), 0));
    }
}
