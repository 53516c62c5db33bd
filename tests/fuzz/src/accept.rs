//! A client's first bytes, in portions: the first byte says what the server can do.

use super::script::Script;
use pgtls_core::{
    accept::{Accepted, Acceptor, ServerAbility},
    message::{MAX_STARTUP_LENGTH, StartupMessage, TLS_HANDSHAKE, startup_message},
    negotiation::{Alpn, Encryption, Request},
};

/// Two requests, TLS, and the packet.
const MAX_ANSWERS: usize = 4;

/// Nothing is granted that the server cannot do or that came with bytes in clear, nothing twice, and never is more kept
/// than one packet. Where nothing is granted, portions do not matter.
pub fn accept(bytes: &[u8]) {
    let mut script = Script(bytes);
    let ability = ServerAbility { tls: script.flag(), gss: script.flag() };
    let mut acceptor = Acceptor::new(ability);
    let mut answers = Vec::new();
    let mut received = Vec::new();
    while let Some(portion) = script.portion() {
        received.extend_from_slice(portion);
        let mut next = acceptor.received(portion);
        while let Some(accepted) = next {
            judge(ability, &acceptor, &accepted, &answers, &received);
            let goes_on = encrypt(&mut acceptor, &accepted, &mut script);
            answers.push(accepted);
            next = acceptor.poll();
            if !goes_on {
                return assert_eq!(next, None);
            }
        }
        if is_over(&answers) {
            break;
        }
        assert!(acceptor.clone().take_rest().len() < 4 + MAX_STARTUP_LENGTH);
    }
    if ability == ServerAbility::default() {
        let mut whole = Acceptor::new(ability);
        let first = whole.received(&received);
        let all = std::iter::successors(first, |_| whole.poll());
        assert_eq!(all.collect::<Vec<_>>(), answers);
    }
}

fn judge(
    ability: ServerAbility,
    acceptor: &Acceptor,
    accepted: &Accepted,
    before: &[Accepted],
    received: &[u8],
) {
    assert!(!is_over(before) && before.len() < MAX_ANSWERS, "{accepted:?} after {before:?}");
    let is_new = |request| !before.iter().any(|answer| asked(answer) == Some(request));
    let in_clear = acceptor.encryption() == Encryption::Plain;
    match accepted {
        Accepted::Ssl(reply) => {
            assert!(*reply == b'S' && ability.tls && in_clear && is_new(Request::Ssl));
            assert!(!acceptor.has_rest(), "bytes in clear behind the request");
        }
        Accepted::Gss(reply) => {
            assert!(*reply == b'G' && ability.gss && in_clear && is_new(Request::Gss));
            assert!(!acceptor.has_rest(), "bytes in clear behind the request");
        }
        Accepted::Refuse(request, reply) => assert!(*reply == b'N' && is_new(*request)),
        Accepted::DirectTls => {
            assert!(ability.tls && before.is_empty() && received.first() == Some(&TLS_HANDSHAKE));
        }
        Accepted::Startup(message) => {
            let pairs = message.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            // Bytes that are not UTF-8 were replaced by longer ones, which may not fit any more.
            if let Ok(packet) = startup_message(message.version, pairs) {
                assert_eq!(StartupMessage::parse(&packet[4..]).as_ref(), Ok(message));
            }
        }
        Accepted::Cancel(request) => {
            let packet = request.encode();
            assert!(!in_clear || received.windows(packet.len()).any(|window| window == packet));
        }
        Accepted::Reject(rejection) => assert!(!rejection.to_string().is_empty()),
        other => panic!("a new answer: {other:?}"),
    }
}

/// The handshake that was asked for, if any, ends as the script says; whether the connection goes on.
fn encrypt(acceptor: &mut Acceptor, accepted: &Accepted, script: &mut Script<'_>) -> bool {
    let direct = *accepted == Accepted::DirectTls;
    let encryption = match accepted {
        Accepted::Ssl(_) | Accepted::DirectTls => Encryption::Ssl,
        Accepted::Gss(_) => Encryption::Gss,
        _ => return true,
    };
    acceptor.take_rest();
    let alpn = script.choose(&[Alpn::Postgresql, Alpn::Absent, Alpn::Other]);
    let done = acceptor.encrypted(encryption, alpn);
    assert_eq!(done.is_err(), direct && alpn != Alpn::Postgresql);
    assert_eq!(acceptor.encryption() == encryption, done.is_ok());
    done.is_ok()
}

/// What was asked for when this was the answer.
fn asked(answer: &Accepted) -> Option<Request> {
    match answer {
        Accepted::Refuse(request, _) => Some(*request),
        Accepted::Ssl(_) => Some(Request::Ssl),
        Accepted::Gss(_) => Some(Request::Gss),
        _ => None,
    }
}

fn is_over(answers: &[Accepted]) -> bool {
    matches!(answers.last(), Some(Accepted::Startup(_) | Accepted::Cancel(_) | Accepted::Reject(_)))
}
