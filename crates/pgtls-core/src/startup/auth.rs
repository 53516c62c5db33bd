//! Authentication requests of the server: which are allowed, and what must precede AuthenticationOk.

use super::{BindingRefusal, ClientCertificate, ProtocolViolation, Refusal, StartupRules, sent::Sent};
use crate::{
    mechanism::{Mechanism, Offer, choose},
    negotiation::Encryption,
    param::{AuthMethod, ChannelBinding, SslCertMode},
};

/// An authentication request by its number (protocol 3, "Message Formats", Authentication*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AuthRequest {
    Ok,
    CleartextPassword,
    Md5Password,
    Gss,
    GssContinue,
    Sspi,
    Sasl,
    SaslContinue,
    SaslFinal,
    Other(u32),
}

impl AuthRequest {
    pub(super) const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Ok,
            3 => Self::CleartextPassword,
            5 => Self::Md5Password,
            7 => Self::Gss,
            8 => Self::GssContinue,
            9 => Self::Sspi,
            10 => Self::Sasl,
            11 => Self::SaslContinue,
            12 => Self::SaslFinal,
            other => Self::Other(other),
        }
    }
}

/// How far the authentication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auth {
    sasl: Sasl,
    /// The server has asked for GSSAPI or SSPI.
    gss_asked: bool,
    /// The client has done its part of a method that proves something (libpq: `client_finished_auth`).
    finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sasl {
    NotAsked,
    Asked,
    Final,
}

/// Why an authentication request ends the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    Refusal(Refusal),
    Broken(ProtocolViolation),
}

impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// What a check looks at besides the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a StartupRules,
    pub(super) encryption: Encryption,
    pub(super) certificate: ClientCertificate,
    pub(super) sent: &'a Sent,
}

impl Context<'_> {
    fn allows(&self, method: AuthMethod) -> bool {
        self.rules.require_auth.allows(method)
    }
}

impl Auth {
    pub(super) const START: Self = Self { sasl: Sasl::NotAsked, gss_asked: false, finished: false };

    /// Judges one request, in libpq's order: `check_expected_areq`, then `pg_fe_sendauth`.
    pub(super) fn request(
        &mut self,
        context: Context<'_>,
        request: AuthRequest,
        offer: Offer,
    ) -> Result<(), Objection> {
        check_certificate(context, request)?;
        self.check_require_auth(context, request)?;
        self.check_channel_binding(context, request)?;
        match request {
            AuthRequest::Ok => {}
            AuthRequest::Gss | AuthRequest::GssContinue | AuthRequest::Sspi => self.gss_asked = true,
            AuthRequest::CleartextPassword | AuthRequest::Md5Password => {
                if context.rules.no_password {
                    return Err(Refusal::NoPassword.into());
                }
                // libpq answers at once and counts that as done.
                self.finished = true;
            }
            AuthRequest::Sasl => {
                if self.sasl != Sasl::NotAsked {
                    return Err(Objection::Broken(ProtocolViolation::Malformed(b'R')));
                }
                check_mechanism(context, offer)?;
                self.sasl = Sasl::Asked;
            }
            AuthRequest::SaslContinue | AuthRequest::SaslFinal => {
                if self.sasl != Sasl::Asked {
                    return Err(Objection::Broken(ProtocolViolation::Malformed(b'R')));
                }
                if request == AuthRequest::SaslFinal {
                    self.sasl = Sasl::Final;
                    self.finished = true;
                }
            }
            AuthRequest::Other(code) => return Err(Refusal::UnsupportedMethod(code).into()),
        }
        Ok(())
    }

    fn check_require_auth(self, context: Context<'_>, request: AuthRequest) -> Result<(), Refusal> {
        let allows = |method| context.allows(method);
        let method = match request {
            AuthRequest::Ok => {
                // Encryption by GSSAPI has authenticated the user already.
                let implicit = context.encryption == Encryption::Gss && allows(AuthMethod::Gss);
                return if allows(AuthMethod::None) || self.is_finished(context) || implicit {
                    Ok(())
                } else {
                    Err(Refusal::AuthNotCompleted)
                };
            }
            AuthRequest::CleartextPassword => AuthMethod::Password,
            AuthRequest::Md5Password => AuthMethod::Md5,
            AuthRequest::Gss | AuthRequest::GssContinue => AuthMethod::Gss,
            AuthRequest::Sspi => AuthMethod::Sspi,
            // Which of the two it will be is seen when the mechanism is chosen.
            AuthRequest::Sasl | AuthRequest::SaslContinue | AuthRequest::SaslFinal
                if allows(AuthMethod::Oauth) =>
            {
                return Ok(());
            }
            AuthRequest::Sasl | AuthRequest::SaslContinue | AuthRequest::SaslFinal => AuthMethod::ScramSha256,
            // Refused in a moment, whatever `require_auth` says.
            AuthRequest::Other(_) => return Ok(()),
        };
        if allows(method) { Ok(()) } else { Err(Refusal::AuthNotAllowed(method)) }
    }

    fn check_channel_binding(self, context: Context<'_>, request: AuthRequest) -> Result<(), Refusal> {
        match (context.rules.channel_binding, request) {
            (ChannelBinding::Disable | ChannelBinding::Prefer, _)
            | (
                ChannelBinding::Require,
                AuthRequest::Sasl | AuthRequest::SaslContinue | AuthRequest::SaslFinal,
            ) => Ok(()),
            (ChannelBinding::Require, AuthRequest::Ok) => {
                if self.sasl == Sasl::Final && context.sent.mechanism() == Some(Mechanism::ScramSha256Plus) {
                    Ok(())
                } else {
                    Err(Refusal::ChannelBinding(BindingRefusal::NotBound))
                }
            }
            (
                ChannelBinding::Require,
                AuthRequest::CleartextPassword
                | AuthRequest::Md5Password
                | AuthRequest::Gss
                | AuthRequest::GssContinue
                | AuthRequest::Sspi
                | AuthRequest::Other(_),
            ) => Err(Refusal::ChannelBinding(BindingRefusal::NotSasl)),
        }
    }

    /// GSSAPI and SSPI are done when the client has answered; only the driver could know more. What is said unasked is
    /// no answer.
    fn is_finished(self, context: Context<'_>) -> bool {
        self.finished || (self.gss_asked && self.sasl == Sasl::NotAsked && context.sent.answered())
    }
}

fn check_certificate(context: Context<'_>, request: AuthRequest) -> Result<(), Refusal> {
    match (context.rules.sslcertmode, request) {
        (SslCertMode::Require, AuthRequest::Ok) if !context.certificate.requested => {
            Err(Refusal::CertificateNotRequested)
        }
        (SslCertMode::Require, AuthRequest::Ok) if !context.certificate.sent => {
            Err(Refusal::CertificateNotSent)
        }
        (SslCertMode::Disable | SslCertMode::Allow | SslCertMode::Require, _) => Ok(()),
    }
}

/// libpq: `pg_SASL_init`.
fn check_mechanism(context: Context<'_>, offer: Offer) -> Result<(), Refusal> {
    let scram_allowed = context.allows(AuthMethod::ScramSha256);
    let choice = choose(offer, context.encryption, context.rules.channel_binding);
    match choice {
        Ok(_) | Err(Refusal::ChannelBinding(BindingRefusal::NotOffered)) if !scram_allowed => {
            Err(Refusal::AuthNotAllowed(AuthMethod::ScramSha256))
        }
        Ok(_) if context.rules.no_password => Err(Refusal::NoPassword),
        Ok(_) => Ok(()),
        // A driver that can do OAUTHBEARER is free to, unless something has to be bound.
        Err(Refusal::NoMechanism)
            if offer.oauthbearer && context.rules.channel_binding != ChannelBinding::Require =>
        {
            if context.allows(AuthMethod::Oauth) {
                Ok(())
            } else {
                Err(Refusal::AuthNotAllowed(AuthMethod::Oauth))
            }
        }
        Err(refusal) => Err(refusal),
    }
}
