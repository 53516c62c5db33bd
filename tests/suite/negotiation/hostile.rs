//! Servers that answer as no server should, and clients that open as no client should.

use super::explore::{Graph, inputs, plans};
use pgtls_core::{
    accept::{Accepted, Acceptor, Rejection, ServerAbility},
    hardening::Hardening,
    message::{
        CancelRequest, GSSENC_REQUEST, MAX_STARTUP_LENGTH, MessageError, PROTOCOL_3_0, SSL_REQUEST,
        startup_message,
    },
    negotiation::{Action, AfterFailure, Alpn, Encryption, Failure, Input, Negotiation, Request},
    policy::{EncryptionPlan, Method, Payload},
};
use proptest::prelude::*;
use std::collections::HashSet;

/// All 65,792 replies to every request: one byte, or one byte and another. Payload and hardenings have no say in them.
#[test]
fn every_reply() {
    let inputs = inputs();
    let mut seen = HashSet::new();
    let mut checked = 0_usize;
    let plain =
        |plan: &EncryptionPlan| plan.payload() == Payload::Startup && plan.hardening() == Hardening::NONE;
    for plan in plans().into_iter().filter(plain) {
        let states = Graph::walk(plan, &inputs).states;
        let waiting =
            states.into_iter().filter(|state| state.poll_action() == Action::Receive { at_most: 2 });
        for state in waiting.filter(|state| seen.insert(state.clone())) {
            for first in 0..=u8::MAX {
                check_reply(&state, &[first]);
                for second in 0..=u8::MAX {
                    check_reply(&state, &[first, second]);
                    checked += 1;
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 65_792);
    println!("{checked} replies checked in {} states", seen.len());
}

/// What a reply leads to, by the byte, in another way than the machine says it.
#[track_caller]
fn check_reply(state: &Negotiation, bytes: &[u8]) {
    let mut after = state.clone();
    after.handle_input(Input::Received(bytes)).unwrap();
    let action = after.poll_action();
    let request = if state.state().contains("SSLRequest") { Request::Ssl } else { Request::Gss };
    let stop = |error| Action::Fail { error, then: AfterFailure::Stop };
    let granted = if request == Request::Ssl { b'S' } else { b'G' };
    match (bytes[0], bytes.get(1)) {
        (byte, second) if byte == granted => {
            match request {
                Request::Ssl => assert!(matches!(action, Action::StartTls(start) if !start.direct)),
                Request::Gss => assert_eq!(action, Action::StartGss),
            }
            if second.is_some() {
                let mut clean = state.clone();
                clean.handle_input(Input::Received(&[byte])).unwrap();
                check_injected(&after, &clean, request);
            }
        }
        (b'N', second) => match action {
            Action::Startup { encryption, carry } => {
                assert_eq!((encryption, carry), (Encryption::Plain, second.copied()));
            }
            // The next request. The byte, if there was one, is taken for its reply.
            Action::Send(bytes) => {
                assert_eq!((request, bytes), (Request::Gss, SSL_REQUEST.as_slice()));
                after.handle_input(Input::Sent).unwrap();
                let at_most = if second.is_some() { 1 } else { 2 };
                assert_eq!(after.poll_action(), Action::Receive { at_most });
            }
            Action::Reconnect { because } => {
                assert_eq!(because, Failure::Refused(Request::Gss));
                assert!(state.plan().direct());
            }
            other => assert_eq!(other, stop(Failure::Refused(request))),
        },
        (b'E', _) if request == Request::Gss && state.plan().methods().count() > 1 => {
            assert_eq!(action, Action::Reconnect { because: Failure::ErrorReply(request) });
        }
        (b'E', _) => assert_eq!(action, stop(Failure::ErrorReply(request))),
        (byte, _) => assert_eq!(action, stop(Failure::BadReply { request, byte })),
    }
}

/// Plaintext bytes came with the reply, and `clean` is the same connection without them. A handshake that would have led to
/// a session ends the attempt. Every other input has its usual result.
#[track_caller]
fn check_injected(handshake: &Negotiation, clean: &Negotiation, request: Request) {
    let stop = Action::Fail { error: Failure::UnencryptedData(request), then: AfterFailure::Stop };
    let (mut ended, mut failed) = (0, 0);
    for input in inputs() {
        let (mut after, mut clean) = (handshake.clone(), clean.clone());
        assert_eq!(after.handle_input(input).is_ok(), clean.handle_input(input).is_ok(), "{input:?}");
        match clean.poll_action() {
            Action::StartTls(_) | Action::StartGss => {}
            Action::Startup { .. } => {
                assert_eq!(after.poll_action(), stop, "{input:?}");
                ended += 1;
            }
            usual => {
                assert_eq!(after.poll_action(), usual, "{input:?}");
                failed += 1;
            }
        }
    }
    assert!(ended > 0 && failed > 2, "established; failed, closed, timed out");
}

/// A byte that came with `N` to GSSENCRequest is the reply to SSLRequest, as it is in libpq's buffer, and what comes then is one too many.
#[test]
fn a_carried_byte_is_the_next_reply() {
    let plan = plans()
        .into_iter()
        .find(|plan| plan.methods().eq([Method::Gss, Method::Ssl, Method::Plain]))
        .unwrap();
    let after = |carried: u8, read: &'static [u8]| {
        let mut negotiation = Negotiation::new(plan);
        let reply = [b'N', carried];
        for input in [
            Input::Opened { success: true },
            Input::Sent,
            Input::Received(&reply),
            Input::Sent,
            Input::Received(read),
        ] {
            negotiation.handle_input(input).unwrap();
        }
        negotiation
    };
    let stop = |error| Action::Fail { error, then: AfterFailure::Stop };
    let mut clean = Negotiation::new(plan);
    let inputs = [Input::Sent, Input::Received(b"N"), Input::Sent, Input::Received(b"S")];
    for input in [Input::Opened { success: true }].into_iter().chain(inputs) {
        clean.handle_input(input).unwrap();
    }
    check_injected(&after(b'S', b"S"), &clean, Request::Ssl);
    let after = |carried, read| after(carried, read).poll_action();
    assert_eq!(after(b'N', b"R"), Action::Startup { encryption: Encryption::Plain, carry: Some(b'R') });
    assert_eq!(after(b'R', b"S"), stop(Failure::BadReply { request: Request::Ssl, byte: b'R' }));
    assert_eq!(after(b'S', b""), stop(Failure::Closed(Request::Ssl)));
}

const BOTH: ServerAbility = ServerAbility { tls: true, gss: true };
const TLS: ServerAbility = ServerAbility { tls: true, gss: false };
const NEITHER: ServerAbility = ServerAbility { tls: false, gss: false };

fn startup() -> Vec<u8> {
    startup_message(PROTOCOL_3_0, [("user", "me"), ("database", "db")]).unwrap()
}

/// Each opening of a client, and what an acceptor makes of it.
fn openings() -> Vec<(ServerAbility, Vec<u8>, &'static str)> {
    let cancel = |key: usize| CancelRequest::new(1, &vec![1; key]).unwrap().encode();
    let code =
        |high: u16, low: u16| [[0, 0, 0, 8], (u32::from(high) << 16 | u32::from(low)).to_be_bytes()].concat();
    let length = |length: u32| [length.to_be_bytes().as_slice(), &[0, 3, 0, 0, 0]].concat();
    let max = u32::try_from(MAX_STARTUP_LENGTH).unwrap() + 4;
    let full =
        startup_message(PROTOCOL_3_0, [("user", "x".repeat(MAX_STARTUP_LENGTH - 11).as_str())]).unwrap();
    vec![
        (TLS, SSL_REQUEST.to_vec(), "S"),
        (NEITHER, SSL_REQUEST.to_vec(), "N"),
        (BOTH, GSSENC_REQUEST.to_vec(), "G"),
        (TLS, GSSENC_REQUEST.to_vec(), "N"),
        (NEITHER, [SSL_REQUEST.as_slice(), &startup()].concat(), "N startup"),
        (NEITHER, [SSL_REQUEST, GSSENC_REQUEST].concat(), "N N"),
        (NEITHER, [GSSENC_REQUEST.as_slice(), &SSL_REQUEST, &startup()].concat(), "N N startup"),
        (TLS, [GSSENC_REQUEST, SSL_REQUEST].concat(), "N S"),
        (NEITHER, [SSL_REQUEST, SSL_REQUEST].concat(), "N unsupported frontend protocol 1234.5679"),
        (NEITHER, [GSSENC_REQUEST, GSSENC_REQUEST].concat(), "N unsupported frontend protocol 1234.5680"),
        (NEITHER, startup(), "startup"),
        (NEITHER, full, "startup"),
        (NEITHER, cancel(4), "cancel"),
        (NEITHER, cancel(256), "cancel"),
        (NEITHER, [SSL_REQUEST.as_slice(), &cancel(4)].concat(), "N cancel"),
        (TLS, vec![0x16, 3, 1, 0, 5], "tls"),
        (NEITHER, vec![0x16, 3, 1, 0, 5], "received a direct SSL connection, but SSL is not configured"),
        // Only the first byte of all opens TLS.
        (
            NEITHER,
            [SSL_REQUEST.as_slice(), &[0x16, 3, 1, 0, 5]].concat(),
            "N invalid length of startup packet",
        ),
        (NEITHER, code(2, 0), "unsupported frontend protocol 2.0"),
        (NEITHER, code(4, 0), "unsupported frontend protocol 4.0"),
        (NEITHER, code(1234, 5678), "invalid length of startup packet"),
        (NEITHER, code(3, 0), "invalid startup packet layout"),
        (NEITHER, length(0), "invalid length of startup packet"),
        (NEITHER, length(7), "invalid length of startup packet"),
        (NEITHER, length(9), "startup"),
        (NEITHER, length(max + 1), "invalid length of startup packet"),
        (NEITHER, length(u32::MAX), "invalid length of startup packet"),
        (NEITHER, length(max), ""),
        (NEITHER, b"GET / HTTP/1.1\r\n\r\n".to_vec(), "invalid length of startup packet"),
    ]
}

fn word(accepted: &Accepted) -> String {
    match accepted {
        Accepted::Ssl(reply) | Accepted::Gss(reply) | Accepted::Refuse(_, reply) => {
            char::from(*reply).to_string()
        }
        Accepted::DirectTls => "tls".to_owned(),
        Accepted::Startup(_) => "startup".to_owned(),
        Accepted::Cancel(_) => "cancel".to_owned(),
        Accepted::Reject(rejection) => rejection.to_string(),
        other => panic!("a new outcome: {other:?}"),
    }
}

/// All that an acceptor says to bytes in these portions.
fn accept(ability: ServerAbility, portions: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut acceptor = Acceptor::new(ability);
    let mut words = Vec::new();
    for portion in portions {
        let mut next = acceptor.received(portion.as_ref());
        while let Some(accepted) = next {
            words.push(word(&accepted));
            next = acceptor.poll();
        }
    }
    words.join(" ")
}

#[test]
fn openings_whole_and_in_every_split() {
    for (ability, bytes, expected) in openings() {
        assert_eq!(accept(ability, [bytes.as_slice()]), expected, "{bytes:?}");
        assert_eq!(accept(ability, bytes.chunks(1)), expected, "byte by byte: {bytes:?}");
        for at in 0..bytes.len().min(64) {
            let (left, right) = bytes.split_at(at);
            assert_eq!(accept(ability, [left, right]), expected, "split at {at}: {bytes:?}");
        }
    }
}

/// CVE-2021-23214: nothing in clear may be left behind a request that is granted.
#[test]
fn stuffed_bytes_are_refused() {
    for (request, error) in [
        (SSL_REQUEST, "received unencrypted data after SSL request"),
        (GSSENC_REQUEST, "received unencrypted data after GSSAPI encryption request"),
    ] {
        for stuffing in [vec![0], startup(), vec![0x16, 3, 1]] {
            assert_eq!(accept(BOTH, [[request.as_slice(), &stuffing].concat().as_slice()]), error);
        }
    }
    assert_eq!(Rejection::UnencryptedData(Request::Ssl).sqlstate(), Some("08P01"));
}

/// Inside TLS: no second TLS, and never GSSAPI (CVE-2026-14681).
#[test]
fn requests_inside_encryption() {
    let inside = |direct: bool, encryption: Encryption, bytes: &[u8]| {
        let mut acceptor = Acceptor::new(BOTH);
        let opening: &[u8] = match (direct, encryption) {
            (true, _) => &[0x16],
            (false, Encryption::Gss) => &GSSENC_REQUEST,
            (false, _) => &SSL_REQUEST,
        };
        acceptor.received(opening).unwrap();
        acceptor.take_rest();
        acceptor.encrypted(encryption, Alpn::Postgresql).unwrap();
        word(&acceptor.received(bytes).unwrap())
    };
    assert_eq!(inside(false, Encryption::Ssl, &startup()), "startup");
    assert_eq!(inside(false, Encryption::Ssl, &SSL_REQUEST), "unsupported frontend protocol 1234.5679");
    assert_eq!(inside(false, Encryption::Ssl, &GSSENC_REQUEST), "unsupported frontend protocol 1234.5680");
    assert_eq!(inside(true, Encryption::Ssl, &SSL_REQUEST), "N");
    assert_eq!(inside(true, Encryption::Ssl, &GSSENC_REQUEST), "N");
    assert_eq!(inside(true, Encryption::Ssl, &startup()), "startup");
    assert_eq!(inside(false, Encryption::Gss, &SSL_REQUEST), "unsupported frontend protocol 1234.5679");
    assert_eq!(inside(false, Encryption::Gss, &GSSENC_REQUEST), "unsupported frontend protocol 1234.5680");
}

#[test]
fn direct_tls_needs_alpn() {
    for (alpn, expected) in [
        (Alpn::Postgresql, Ok(())),
        (Alpn::Absent, Err(Rejection::DirectWithoutAlpn)),
        (Alpn::Other, Err(Rejection::DirectWithoutAlpn)),
    ] {
        let mut acceptor = Acceptor::new(TLS);
        assert!(!acceptor.has_rest());
        assert_eq!(acceptor.received(&[0x16, 3, 1]), Some(Accepted::DirectTls));
        assert!(acceptor.has_rest());
        assert_eq!(acceptor.take_rest(), [0x16, 3, 1], "the ClientHello belongs to the TLS engine");
        assert!(!acceptor.has_rest());
        assert_eq!(acceptor.encrypted(Encryption::Ssl, alpn), expected);
        assert_eq!(acceptor.received(&startup()).is_some(), expected.is_ok());
    }
}

/// Never more in hand than one packet, however the lengths read.
#[test]
fn a_packet_is_bounded() {
    let mut acceptor = Acceptor::new(NEITHER);
    let longest = u32::try_from(MAX_STARTUP_LENGTH).unwrap() + 4;
    assert_eq!(acceptor.received(&longest.to_be_bytes()), None);
    assert_eq!(acceptor.received(&PROTOCOL_3_0.to_be_bytes()), None);
    for _ in 8..longest - 1 {
        assert_eq!(acceptor.received(b"x"), None);
    }
    let end = Some(Accepted::Reject(Rejection::Packet(MessageError::Layout)));
    assert_eq!(acceptor.received(b"x"), end);
    assert_eq!(acceptor.take_rest(), b"");
}

proptest! {
    /// Any bytes, in any portions, give the same answer, and nothing panics. Stuffed bytes are the exception that depends on the portions;
    /// a server that grants nothing has none.
    #[test]
    fn portions_do_not_matter(bytes in opening_bytes(), cuts in prop::collection::vec(0_usize..64, 0..8)) {
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let portions = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(accept(NEITHER, portions), accept(NEITHER, [bytes.as_slice()]));
    }
}

/// Requests and packets in a row, or noise.
fn opening_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(SSL_REQUEST.to_vec()),
        Just(GSSENC_REQUEST.to_vec()),
        Just(startup()),
        prop::collection::vec(any::<u8>(), 0..24),
        (4_u8..32).prop_flat_map(|length| prop::collection::vec(any::<u8>(), usize::from(length) - 4)
            .prop_map(move |body| [[0, 0, 0, length].as_slice(), &body].concat())),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}
