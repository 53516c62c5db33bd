//! Answers to the server's authentication requests (libpq: `pg_fe_sendauth`): trust, cleartext, md5 and SCRAM.

use crate::{
    Channel,
    error::{ExchangeError, ScramError, string},
    exchange::{AuthenticationMethod, message},
    saslprep,
    scram::{ClientFinal, ClientFirst, Key, Keys, NONCE_LENGTH, ServerProof},
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::mem;
use md5::{Digest as _, Md5};
use pgtls_core::{
    mechanism::{Choice, Gs2Flag, Mechanism, Offer, choose},
    negotiation::Encryption,
    param::{ChannelBinding, Secret},
    startup::{ProtocolViolation, Refusal},
};
use zeroize::Zeroizing;

/// The conversation up to AuthenticationOk.
pub(crate) struct Authentication {
    pub(crate) user: String,
    pub(crate) channel: Channel,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) password: Option<Secret>,
    pub(crate) client_key: Option<Key>,
    pub(crate) server_key: Option<Key>,
    pub(crate) nonce: [u8; NONCE_LENGTH],
    pub(crate) method: AuthenticationMethod,
    pub(crate) sasl: Sasl,
}

/// Progress of SASL.
pub(crate) enum Sasl {
    NotStarted,
    /// The first message has been sent.
    First(Box<ClientFirst>),
    /// The key is derived.
    Derivation(Box<ClientFinal>),
    /// The proof has been sent.
    Proof(Box<ServerProof>),
    /// The server has proved that it knows the password, or a message made no sense.
    Ended {
        proven: bool,
    },
}

/// A request of the server that needs the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordRequest {
    Cleartext,
    Md5([u8; 4]),
    Scram(Gs2Flag),
}

/// The answer to a request.
pub(crate) enum Answer {
    /// A message to send.
    Send(Zeroizing<Vec<u8>>),
    /// The server sends the next message.
    Wait,
    /// The password is needed first.
    Password(PasswordRequest),
    /// A key has to be derived first.
    Derive,
    /// AuthenticationOk.
    Authenticated,
}

impl Authentication {
    /// Answers an Authentication message.
    pub(crate) fn request(&mut self, body: &[u8]) -> Result<Answer, ExchangeError> {
        let malformed = ExchangeError::Broken(ProtocolViolation::Malformed(b'R'));
        let Some((code, data)) = body.split_first_chunk::<4>() else { return Err(malformed) };
        match (u32::from_be_bytes(*code), data) {
            (0, []) => self.accepted(),
            (3, []) => self.with_password(AuthenticationMethod::Password, PasswordRequest::Cleartext),
            (5, data) => {
                let salt = data.try_into().map_err(|_| malformed)?;
                self.with_password(AuthenticationMethod::Md5, PasswordRequest::Md5(salt))
            }
            (10, mechanisms) => self.begin_sasl(offer(mechanisms).ok_or(malformed)?),
            (11, data) => self.continue_sasl(data),
            (12, data) => self.finish_sasl(data),
            (0 | 3, _) => Err(malformed),
            (code, _) => Err(Refusal::UnsupportedMethod(code).into()),
        }
    }

    /// Answers a request with the password. An empty one counts as none (libpq: `pg_fe_sendauth`).
    pub(crate) fn answer(&mut self, request: PasswordRequest) -> Result<Answer, ExchangeError> {
        let Some(password) = &self.password else { return Err(Refusal::NoPassword.into()) };
        let password = password.expose();
        Ok(Answer::Send(match request {
            PasswordRequest::Cleartext => message(b'p', &[password.as_bytes(), b"\0"]),
            PasswordRequest::Md5(salt) => {
                let inner = hexadecimal(Md5::new().chain_update(password).chain_update(&self.user));
                let outer = hexadecimal(Md5::new().chain_update(inner.as_slice()).chain_update(salt));
                message(b'p', &[b"md5", &outer[..], b"\0"])
            }
            PasswordRequest::Scram(gs2) => {
                let password = saslprep::prepare(password);
                self.client_first(gs2, password)
            }
        }))
    }

    /// Performs a slice of the derivation. Returns the proof when it is complete.
    pub(crate) fn derive(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let Sasl::Derivation(client) = &mut self.sasl else { return None };
        if client.derive() { self.proof() } else { None }
    }

    fn proof(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        match mem::replace(&mut self.sasl, Sasl::Ended { proven: false }) {
            Sasl::Derivation(client) => {
                let (text, proof) = client.message();
                self.sasl = Sasl::Proof(Box::new(proof));
                Some(message(b'p', &[&text]))
            }
            other => {
                self.sasl = other;
                None
            }
        }
    }

    /// AuthenticationOk. libpq accepts it in the middle of SCRAM, where the server has proved nothing.
    fn accepted(&self) -> Result<Answer, ExchangeError> {
        match self.sasl {
            Sasl::NotStarted | Sasl::Ended { proven: true } => Ok(Answer::Authenticated),
            Sasl::First(_) | Sasl::Derivation(_) | Sasl::Proof(_) | Sasl::Ended { proven: false } => {
                Err(ScramError::NotProven.into())
            }
        }
    }

    fn with_password(
        &mut self,
        method: AuthenticationMethod,
        request: PasswordRequest,
    ) -> Result<Answer, ExchangeError> {
        self.method = method;
        if self.password.is_some() { self.answer(request) } else { Ok(Answer::Password(request)) }
    }

    /// AuthenticationSASL (libpq: `pg_SASL_init`).
    fn begin_sasl(&mut self, offer: Offer) -> Result<Answer, ExchangeError> {
        if !matches!(self.sasl, Sasl::NotStarted) {
            return Err(ScramError::Duplicate.into());
        }
        let Choice { mechanism, gs2, .. } = choose(offer, self.channel.encryption(), self.channel_binding)?;
        let method = match mechanism {
            Mechanism::ScramSha256 => AuthenticationMethod::ScramSha256,
            Mechanism::ScramSha256Plus => AuthenticationMethod::ScramSha256Plus,
        };
        if self.client_key.is_some() {
            self.method = method;
            return Ok(Answer::Send(self.client_first(gs2, Zeroizing::default())));
        }
        self.with_password(method, PasswordRequest::Scram(gs2))
    }

    /// SASLInitialResponse.
    fn client_first(&mut self, gs2: Gs2Flag, password: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
        let keys = Keys { password, client: self.client_key.take(), server: self.server_key.take() };
        let end_point = match &self.channel {
            Channel::Tls { end_point } => end_point.as_deref(),
            Channel::Plain | Channel::Gss => None,
        };
        let mechanism = match gs2 {
            Gs2Flag::Bound => Mechanism::ScramSha256Plus,
            Gs2Flag::NotSupported | Gs2Flag::NotOffered => Mechanism::ScramSha256,
        };
        let client = ClientFirst::new(gs2, end_point, &self.nonce, keys);
        let text = client.message();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.sasl = Sasl::First(Box::new(client));
        message(b'p', &[mechanism.as_str().as_bytes(), b"\0", &length, text.as_bytes()])
    }

    /// AuthenticationSASLContinue (libpq: `pg_SASL_continue`).
    fn continue_sasl(&mut self, data: &[u8]) -> Result<Answer, ExchangeError> {
        match mem::replace(&mut self.sasl, Sasl::Ended { proven: false }) {
            Sasl::First(client) => {
                let client = client.server_first(data)?;
                let derived = client.is_derived();
                self.sasl = Sasl::Derivation(Box::new(client));
                Ok(match derived.then(|| self.proof()).flatten() {
                    Some(proof) => Answer::Send(proof),
                    None => Answer::Derive,
                })
            }
            Sasl::NotStarted => Err(ScramError::NotStarted.into()),
            // libpq takes the server's last message from AuthenticationSASLContinue as well.
            Sasl::Proof(proof) => self.verify(*proof, data),
            Sasl::Derivation(_) | Sasl::Ended { .. } => Err(ScramError::InvalidState.into()),
        }
    }

    /// AuthenticationSASLFinal.
    fn finish_sasl(&mut self, data: &[u8]) -> Result<Answer, ExchangeError> {
        match mem::replace(&mut self.sasl, Sasl::Ended { proven: false }) {
            Sasl::Proof(proof) => self.verify(*proof, data),
            Sasl::NotStarted => Err(ScramError::NotStarted.into()),
            Sasl::First(_) | Sasl::Derivation(_) => Err(ScramError::NotCompleted.into()),
            Sasl::Ended { .. } => Err(ScramError::InvalidState.into()),
        }
    }

    fn verify(&mut self, proof: ServerProof, data: &[u8]) -> Result<Answer, ExchangeError> {
        proof.server_final(data)?;
        self.sasl = Sasl::Ended { proven: true };
        Ok(Answer::Wait)
    }
}

impl Channel {
    fn encryption(&self) -> Encryption {
        match self {
            Self::Plain => Encryption::Plain,
            Self::Gss => Encryption::Gss,
            Self::Tls { .. } => Encryption::Ssl,
        }
    }
}

/// The mechanisms that the server offers: names up to an empty one.
fn offer(mut names: &[u8]) -> Option<Offer> {
    let mut known = Vec::new();
    loop {
        let (name, rest) = string(names)?;
        match (name, rest) {
            ([], []) => return Some(Offer::from_names(known)),
            ([], _) => return None,
            (name, rest) => {
                known.push(name);
                names = rest;
            }
        }
    }
}

/// A digest in lower-case digits.
fn hexadecimal(digest: Md5) -> Zeroizing<[u8; 32]> {
    let bytes = Zeroizing::new(<[u8; 16]>::from(digest.finalize()));
    let mut text = Zeroizing::new([0; 32]);
    for (byte, digits) in bytes.iter().zip(text.chunks_mut(2)) {
        for (digit, nibble) in digits.iter_mut().zip([byte >> 4, byte & 0xF]) {
            *digit = if nibble < 10 { nibble.wrapping_add(b'0') } else { nibble.wrapping_add(b'a' - 10) };
        }
    }
    text
}
