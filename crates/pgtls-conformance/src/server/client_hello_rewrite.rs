//! Handshakes that rustls would not do: an odd server name is let through, a protocol is selected that nobody offered.
//!
//! rustls refuses a ClientHello whose server name is no DNS name (libpq sends its `host` as it is, so `db.test.` and
//! `*.test` occur), and selects by ALPN only what was offered. So it is shown another ClientHello than the one that came:
//! without the name, or with another offer. What both sides agree on is protected by a hash over all messages, and
//! rustls takes its hash functions from the crypto provider: ours puts the true ClientHello back before it is hashed.
//!
//! The pair of messages belongs to a thread, for hash functions are `'static`; each connection has a thread of its own.
//! A second ClientHello after HelloRetryRequest is not disguised: a client that needs one fails here. rustls asks for
//! one only when it supports none of the groups for which the client sent a key.

use super::answer::Alpn;
use super::hello::{ClientHello, Extension, with_alpn, without_server_name};
use pgtls_core::message::TLS_HANDSHAKE;
use rustls::{
    SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
    crypto::{
        CryptoProvider, aws_lc_rs,
        hash::{Context, Hash, HashAlgorithm, Output},
    },
    pki_types::DnsName,
};
use std::{
    borrow::Cow,
    cell::RefCell,
    sync::{Arc, LazyLock},
};

/// Longest content of a TLS record.
const MAX_RECORD: usize = 16 * 1024;

/// A ClientHello to be shown to rustls in place of the one that came.
#[derive(Debug)]
pub(super) struct ClientHelloRewrite {
    true_message: Vec<u8>,
    shown_message: Vec<u8>,
}

impl ClientHelloRewrite {
    /// The disguise that this ClientHello needs, if any.
    pub(super) fn needed(hello: &ClientHello, alpn: Alpn) -> Option<Self> {
        let seen = hello.seen();
        let odd_name = seen.sni.is_some_and(|name| DnsName::try_from(name.as_str()).is_err());
        // A client that offers nothing would not even read the answer.
        let imposed = alpn.imposed().filter(|_| seen.alpn.is_some()).map(only);
        if !odd_name && imposed.is_none() {
            return None;
        }
        let (before, mut extensions) = hello.split()?;
        if odd_name {
            extensions = without_server_name(&extensions);
        }
        if let Some(offer) = &imposed {
            extensions = with_alpn(&extensions, offer);
        }
        Some(Self { true_message: hello.message.clone(), shown_message: put_together(before, &extensions)? })
    }

    /// The records to be shown to rustls.
    pub(super) fn records(&self) -> Vec<u8> {
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
            [&[TLS_HANDSHAKE, 3, 1], &length[..], part].concat()
        };
        self.shown_message.chunks(MAX_RECORD).flat_map(record).collect()
    }

    /// Puts it on, for all TLS of this thread that uses [`provider`].
    pub(super) fn activate(self) {
        ACTIVE.set(Some(self));
    }

    /// The provider whose hash functions see through the disguise of their thread.
    pub(super) fn provider() -> Arc<CryptoProvider> {
        Arc::clone(&PROVIDER)
    }
}

/// Messages as the client knows them: what begins with the ClientHello shown gets the true one back.
pub(super) fn as_sent(messages: &[u8]) -> Cow<'_, [u8]> {
    ACTIVE.with_borrow(|worn| {
        worn.as_ref()
            .and_then(|disguise| {
                let rest = messages.strip_prefix(disguise.shown_message.as_slice())?;
                Some(Cow::Owned([&disguise.true_message, rest].concat()))
            })
            .unwrap_or(Cow::Borrowed(messages))
    })
}

thread_local! {
    static ACTIVE: RefCell<Option<ClientHelloRewrite>> = const { RefCell::new(None) };
}

/// Made once per process, for cipher suites must be `'static`.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let honest = aws_lc_rs::default_provider();
    let cipher_suites = honest.cipher_suites.iter().map(seeing_through).collect();
    Arc::new(CryptoProvider { cipher_suites, ..honest })
});

fn seeing_through(suite: &SupportedCipherSuite) -> SupportedCipherSuite {
    fn hash(honest: &'static dyn Hash) -> &'static dyn Hash {
        Box::leak(Box::new(SeeingHash(honest)))
    }
    fn common(honest: &rustls::CipherSuiteCommon) -> rustls::CipherSuiteCommon {
        rustls::CipherSuiteCommon { hash_provider: hash(honest.hash_provider), ..*honest }
    }
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                ..**suite
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                ..**suite
            })))
        }
    }
}

struct SeeingHash(&'static dyn Hash);

impl Hash for SeeingHash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(SeeingContext(self.0.start()))
    }
    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(&as_sent(data))
    }
    fn output_len(&self) -> usize {
        self.0.output_len()
    }
    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

struct SeeingContext(Box<dyn Context>);

impl Context for SeeingContext {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }
    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.fork()))
    }
    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(&as_sent(data));
    }
}

/// The content of the ALPN extension when only this protocol is offered (RFC 7301, section 3.1).
fn only(protocol: &[u8]) -> Vec<u8> {
    let length = u8::try_from(protocol.len()).unwrap_or(u8::MAX);
    [&u16::from(length).saturating_add(1).to_be_bytes()[..], &[length], protocol].concat()
}

/// A handshake message with these extensions; `before` has the header, whose length is written anew.
fn put_together(before: &[u8], extensions: &[Extension<'_>]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for (kind, content) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend(u16::try_from(content.len()).ok()?.to_be_bytes());
        list.extend(*content);
    }
    let (kind, body) = (before.get(..1)?, before.get(4..)?);
    let body = [body, &u16::try_from(list.len()).ok()?.to_be_bytes(), &list].concat();
    let length = u32::try_from(body.len()).ok()?.to_be_bytes();
    Some([kind, length.get(1..)?, &body].concat())
}
