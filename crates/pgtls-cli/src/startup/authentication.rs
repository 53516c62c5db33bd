//! Answers to the server's authentication requests (libpq: `pg_fe_sendauth`): trust, cleartext, md5 and SCRAM.

use super::{ExchangeProblem, Fault, frames::Frame};
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use pgtls_core::{
    mechanism::{Choice, Gs2Flag, Mechanism, Offer, choose},
    negotiation::Encryption,
    param::{Params, Secret},
    startup::{Broken, Refusal},
};
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, ScramSha256},
    },
    message::{
        backend::{Message, SaslMechanisms},
        frontend,
    },
};

/// What the exchange needs to know of the channel that it runs on.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// How it is protected.
    pub(crate) encryption: Encryption,
    /// What SCRAM can be bound to.
    pub(crate) binding: Binding,
}

/// What SCRAM can be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Nothing: the channel is not TLS.
    None,
    /// The bytes of `tls-server-end-point` (RFC 5929).
    EndPoint(Vec<u8>),
    /// TLS, but the signature of the server's certificate has no hash that the binding could use.
    Undefined,
}

/// Whether the server is satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    Underway,
    /// AuthenticationOk.
    Authenticated,
}

/// The conversation up to AuthenticationOk.
pub(super) struct Authentication<'a> {
    params: &'a Params,
    channel: Channel,
    password: Option<&'a Secret>,
    method: &'static str,
    sasl: Sasl,
}

enum Sasl {
    NotStarted,
    /// The first message is sent, with or without binding.
    First(Box<ScramSha256>),
    /// The proof is sent.
    Proof(Box<ScramSha256>),
    /// The server has proved that it knows the password's verifier.
    Complete,
}

impl<'a> Authentication<'a> {
    pub(super) fn new(params: &'a Params, channel: Channel, password: Option<&'a Secret>) -> Self {
        Self { params, channel, password, method: "trust", sasl: Sasl::NotStarted }
    }

    /// What the server asked for, in PostgreSQL's words.
    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    /// Answers an authentication request.
    pub(super) fn request(&mut self, frame: Frame, outbox: &mut BytesMut) -> Result<Progress, Fault> {
        match frame.authentication_code() {
            None => return Err(Fault::Broken(Broken::Malformed(b'R'))),
            // Trust, cleartext, md5 and the three SASL requests.
            Some(0 | 3 | 5 | 10..=12) => {}
            Some(other) => return Err(Fault::Refused(Refusal::UnsupportedMethod(other))),
        }
        match frame.parse()? {
            Message::AuthenticationOk => return self.accepted(),
            Message::AuthenticationCleartextPassword => {
                self.method = "password";
                send_password(self.password()?.expose().as_bytes(), outbox)?;
            }
            Message::AuthenticationMd5Password(request) => {
                self.method = "md5";
                let user = self.params.user().as_bytes();
                let hash = md5_hash(user, self.password()?.expose().as_bytes(), request.salt());
                send_password(hash.as_bytes(), outbox)?;
            }
            Message::AuthenticationSasl(request) => {
                self.begin_sasl(offer(request.mechanisms())?, outbox)?;
            }
            Message::AuthenticationSaslContinue(message) => self.continue_sasl(message.data(), outbox)?,
            Message::AuthenticationSaslFinal(message) => self.finish_sasl(message.data())?,
            _ => return Err(Fault::Broken(Broken::Malformed(b'R'))),
        }
        Ok(Progress::Underway)
    }

    /// AuthenticationOk: never in the middle of SCRAM, for then the server has not proved itself.
    fn accepted(&self) -> Result<Progress, Fault> {
        match self.sasl {
            Sasl::NotStarted | Sasl::Complete => Ok(Progress::Authenticated),
            Sasl::First(_) | Sasl::Proof(_) => Err(Fault::Exchange(ExchangeProblem::OutOfOrder)),
        }
    }

    /// The password; an empty one counts as none, as in libpq.
    fn password(&self) -> Result<&'a Secret, Fault> {
        match self.password {
            Some(password) if !password.expose().is_empty() => Ok(password),
            _ => Err(Fault::Refused(Refusal::NoPassword)),
        }
    }

    fn begin_sasl(&mut self, offer: Offer, outbox: &mut BytesMut) -> Result<(), Fault> {
        if !matches!(self.sasl, Sasl::NotStarted) {
            return Err(Fault::Exchange(ExchangeProblem::OutOfOrder));
        }
        let Choice { mechanism, gs2, .. } =
            choose(offer, self.channel.encryption, self.params.channel_binding()).map_err(Fault::Refused)?;
        let binding = match gs2 {
            Gs2Flag::Bound => self.end_point()?,
            // `postgres-protocol` calls the flag `y` "unrequested" and the flag `n` "unsupported".
            Gs2Flag::NotOffered => ChannelBinding::unrequested(),
            Gs2Flag::NotSupported => ChannelBinding::unsupported(),
        };
        self.method = match mechanism {
            Mechanism::ScramSha256 => "scram-sha-256",
            Mechanism::ScramSha256Plus => "scram-sha-256, bound to the channel",
        };
        let scram = ScramSha256::new(self.password()?.expose().as_bytes(), binding);
        frontend::sasl_initial_response(mechanism.as_str(), scram.message(), outbox)
            .map_err(|_| Fault::Refused(Refusal::Exchange))?;
        self.sasl = Sasl::First(Box::new(scram));
        Ok(())
    }

    fn end_point(&self) -> Result<ChannelBinding, Fault> {
        match &self.channel.binding {
            Binding::EndPoint(bytes) => Ok(ChannelBinding::tls_server_end_point(bytes.clone())),
            Binding::Undefined | Binding::None => Err(Fault::Exchange(ExchangeProblem::BindingUndefined)),
        }
    }

    fn continue_sasl(&mut self, message: &[u8], outbox: &mut BytesMut) -> Result<(), Fault> {
        let Sasl::First(mut scram) = std::mem::replace(&mut self.sasl, Sasl::NotStarted) else {
            return Err(Fault::Exchange(ExchangeProblem::OutOfOrder));
        };
        // What the library has to say quotes the message.
        scram.update(message).map_err(|_| Fault::Exchange(ExchangeProblem::ScramMessage))?;
        frontend::sasl_response(scram.message(), outbox).map_err(|_| Fault::Refused(Refusal::Exchange))?;
        self.sasl = Sasl::Proof(scram);
        Ok(())
    }

    fn finish_sasl(&mut self, message: &[u8]) -> Result<(), Fault> {
        let Sasl::Proof(mut scram) = std::mem::replace(&mut self.sasl, Sasl::NotStarted) else {
            return Err(Fault::Exchange(ExchangeProblem::OutOfOrder));
        };
        if message.starts_with(b"e=") {
            return Err(Fault::Exchange(ExchangeProblem::ScramError));
        }
        scram.finish(message).map_err(|_| Fault::Exchange(ExchangeProblem::ScramProof))?;
        self.sasl = Sasl::Complete;
        Ok(())
    }
}

fn send_password(text: &[u8], outbox: &mut BytesMut) -> Result<(), Fault> {
    // The only way to fail is a NUL in the text, which no parameter can hold.
    frontend::password_message(text, outbox).map_err(|_| Fault::Refused(Refusal::Exchange))
}

/// Which of the mechanisms that are known the server offers.
fn offer(mechanisms: SaslMechanisms<'_>) -> Result<Offer, Fault> {
    let names: Vec<&str> = mechanisms.collect().map_err(|_| Fault::Broken(Broken::Malformed(b'R')))?;
    Ok(Offer::from_names(names.iter().map(|name| name.as_bytes())))
}
