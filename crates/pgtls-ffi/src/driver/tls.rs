//! TLS of a machine in C: the trust, the setup, and the proofs of a handshake.

use super::{Refused, pgtls_machine};
use crate::{
    action::{pgtls_action, pgtls_action_kind as Kind},
    proof::pgtls_proof,
    status::pgtls_status::{self, PGTLS_BUG},
    trust::{TrustId, pgtls_trust},
};
use pgtls_core::{
    connect::Input,
    message::ALPN_POSTGRESQL,
    negotiation::{Alpn, TlsFacts, TlsFailure},
    param::TlsVersion,
    policy::{RootPresence, Verification, verification},
    sni::ServerNameTooLong,
    startup::ClientCertificate,
};

/// Facts about the trust of the connection.
pub(super) struct Trust {
    id: TrustId,
    presence: RootPresence,
    /// The reason why TLS cannot be set up with it.
    problem: Option<String>,
}

impl pgtls_machine {
    /// The reason why TLS cannot be set up. The roots come first, as in libpq (`initialize_SSL`); without a trust there is none yet.
    pub(super) fn tls_problem(&self, server_name: Option<ServerNameTooLong>) -> Option<String> {
        let trust = self.trust.as_ref()?;
        trust.problem.clone().or_else(|| server_name.map(|error| error.to_string()))
    }

    /// The action for a handshake, or for the trust that it needs.
    pub(super) fn show_tls(
        &mut self,
        direct: bool,
        name: Option<String>,
    ) -> Result<pgtls_action, pgtls_status> {
        let Some(trust) = &self.trust else { return Ok(pgtls_action::new(Kind::PGTLS_LOAD_TRUST)) };
        // Otherwise there is a problem, and TLS has failed.
        let wanted = verification(self.params.sslmode(), trust.presence).ok_or(PGTLS_BUG)?;
        let mut shown = pgtls_action::new(Kind::PGTLS_START_TLS).with_alpn();
        shown.direct = direct;
        shown.verification = wanted.into();
        shown.tls_min = number(self.params.ssl_min_protocol_version());
        shown.tls_max = number(self.params.ssl_max_protocol_version());
        if let Some(name) = name {
            shown.name = self.keep(&name);
        }
        Ok(shown)
    }

    /// The state of the client certificate in the present handshake.
    pub(crate) fn client_certificate(&mut self, certificate: ClientCertificate) {
        self.certificate = certificate;
    }

    /// The server's certificate in the present handshake.
    pub(crate) fn server_certificate(&mut self, certificate: &[u8]) {
        self.server_certificate = Some(certificate.to_vec());
    }

    /// Gives the connection its trust.
    pub(crate) fn trust(&mut self, trust: &pgtls_trust) -> Result<(), Refused> {
        if let Err(reason) = trust.check(&self.trust_settings) {
            return Err(self.mistake(reason.to_owned()));
        }
        let problem = trust.problem(self.params.sslmode()).map(str::to_owned);
        self.trust = Some(Trust { id: trust.id(), presence: trust.presence, problem });
        Ok(())
    }

    /// TLS has failed with an error of the program's TLS engine, or of the chain.
    pub(crate) fn engine_failed(&mut self, failure: TlsFailure, reason: &str) -> Result<(), Refused> {
        // libpq: `open_client_SSL`.
        let cause = match failure {
            TlsFailure::Setup => reason.to_owned(),
            TlsFailure::Closed => format!("SSL SYSCALL error: {reason}"),
            TlsFailure::Handshake => format!("SSL error: {reason}"),
        };
        self.tls_failed(failure, cause)
    }

    pub(super) fn tls_failed(&mut self, failure: TlsFailure, cause: String) -> Result<(), Refused> {
        let certificate = std::mem::take(&mut self.certificate);
        self.input(Input::TlsFailed { failure, certificate, alert: b"", cause })
    }

    /// The handshake is complete. `alpn` is the selected protocol; no bytes stand for none.
    pub(crate) fn tls_established(
        &mut self,
        alpn: &[u8],
        proof: Option<&pgtls_proof>,
    ) -> Result<(), Refused> {
        let alpn = match alpn {
            [] => Alpn::Absent,
            ALPN_POSTGRESQL => Alpn::Postgresql,
            _ => Alpn::Other,
        };
        let Some(Trust { id, presence, .. }) = self.trust else {
            return Err(self
                .mistake("the machine has no trust; PGTLS_LOAD_TRUST comes before a handshake".to_owned()));
        };
        let server_certificate = self.server_certificate.take();
        let server_certificate = proof.map(pgtls_proof::certificate).or(server_certificate.as_deref());
        if self.logs_in() && server_certificate.is_none() {
            return Err(self.mistake(
                "the machine logs in and needs the server's certificate; call pgtls_machine_server_certificate, or give a proof"
                    .to_owned(),
            ));
        }
        let channel = Self::tls_channel(server_certificate);
        let mut facts = TlsFacts { alpn, root: presence, chain: None, name: None };
        if let Some(proof) = proof {
            match proof.chain(id) {
                Ok(chain) => facts.chain = Some(chain),
                Err(reason) => return Err(self.mistake(reason)),
            }
            if verification(self.params.sslmode(), presence) == Some(Verification::Full) {
                let host = self.connection.peer().and_then(|peer| peer.host.as_deref());
                match proof.name(host, self.params.hardening()) {
                    Ok(Ok(verified)) => facts.name = Some(verified),
                    Ok(Err(reason)) => {
                        proof.spend();
                        return self.tls_failed(TlsFailure::Handshake, reason);
                    }
                    Err(reason) => return Err(self.mistake(reason)),
                }
            }
        }
        let certificate = std::mem::take(&mut self.certificate);
        self.input(Input::TlsEstablished { facts, certificate })?;
        self.channel = channel;
        if let Some(proof) = proof {
            proof.spend();
        }
        Ok(())
    }
}

/// The version in a handshake (RFC 8446, section 4.2.1); 0 if there is none.
fn number(version: Option<TlsVersion>) -> u16 {
    match version {
        Some(TlsVersion::Tls1_0) => 0x0301,
        Some(TlsVersion::Tls1_1) => 0x0302,
        Some(TlsVersion::Tls1_2) => 0x0303,
        Some(TlsVersion::Tls1_3) => 0x0304,
        _ => 0,
    }
}
