//! The one verifier for every mode: nothing, the chain, or chain and host name.

use crate::{
    algorithms::Algorithms, chain::AcceptedSignatures, error::TlsError, handshake_log::HandshakeLog,
    signature, signature_cache::SignatureCache, trust::Trust,
};
use pgtls_core::{
    hardening::Hardening,
    name::{NameRules, match_host, printable_name},
    negotiation::ChainVerified,
};
use pgtls_x509::{Profile, Purpose, Refusal, SecurityLevel, VerifyOptions, X509Error, check_readable};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime},
};
use std::sync::Arc;

/// What all sessions of a connector verify by.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) trust: Trust,
    pub(crate) security_level: SecurityLevel,
    pub(crate) profile: Profile,
    pub(crate) naming: NameRules,
    pub(crate) hardening: Hardening,
    /// Those that verify the server's signature over the handshake.
    pub(crate) algorithms: Algorithms,
    /// Those that verify signatures in its chain.
    pub(crate) for_chains: Vec<&'static dyn SignatureVerificationAlgorithm>,
    /// The signatures over handshakes that are accepted.
    pub(crate) accepted: AcceptedSignatures,
    /// The signatures in servers' chains that were found good.
    pub(crate) proved: SignatureCache,
    /// What is offered to the server; kept because rustls asks for it in every handshake.
    pub(crate) schemes: Vec<SignatureScheme>,
}

/// Verifies one server for one session.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) rules: Arc<Rules>,
    /// libpq's host text; rustls' own server name says less.
    pub(crate) host: Option<String>,
    pub(crate) record: Arc<HandshakeLog>,
}

impl Verifier {
    /// Whatever was presented must be readable in every mode. The chain first, then the name: a client certificate is disclosed only to the host that was asked for.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        presented: &[CertificateDer<'_>],
        time: UnixTime,
    ) -> Result<(), TlsError> {
        let Trust::Verified { roots, crls, name } = &self.rules.trust else {
            let mut presented = std::iter::once(leaf).chain(presented);
            return presented
                .try_for_each(|certificate| check_readable(certificate))
                .map_err(TlsError::Chain);
        };
        let algorithms = self.rules.proved.caching(&self.rules.for_chains);
        let algorithms: Vec<_> = algorithms.iter().map(|algorithm| algorithm as _).collect();
        let options = VerifyOptions::new(time, Purpose::Server, self.rules.security_level, &algorithms);
        let others: Vec<&[u8]> = presented.iter().map(AsRef::as_ref).collect();
        let path = self
            .rules
            .accepted
            .verify_chain(self.rules.profile, (leaf, &others), (roots, crls.as_ref()), &options)
            .map_err(TlsError::Chain)?;
        self.record.seen().chain = Some((ChainVerified::assertion(), path));
        if *name { self.match_name(leaf) } else { Ok(()) }
    }

    /// A server may sign with what it was offered alone.
    fn check_scheme(&self, scheme: SignatureScheme) -> Result<(), Error> {
        if self.rules.schemes.contains(&scheme) {
            Ok(())
        } else {
            Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
        }
    }

    fn match_name(&self, leaf: &CertificateDer<'_>) -> Result<(), TlsError> {
        let presented = self.rules.profile.presented_names(leaf).map_err(TlsError::Names)?;
        let names = presented.peer_names();
        let matched = match_host(self.host.as_deref(), &names, self.rules.naming, self.rules.hardening)
            .map_err(TlsError::Host)?;
        self.record.seen().name = Some((matched.proof(), printable_name(matched.name())));
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.verify(end_entity, intermediates, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refused) => {
                let alert = alert_for(&refused);
                self.record.seen().refused = Some(refused);
                Err(alert.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_scheme(dss.scheme)?;
        let valid = signature::verify_tls12(message, cert, dss, &self.rules.algorithms)?;
        self.record.seen().authenticated = true;
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_scheme(dss.scheme)?;
        let valid = signature::verify_tls13(message, cert, dss, &self.rules.algorithms)?;
        self.record.seen().authenticated = true;
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules.schemes.clone()
    }
}

/// The error that makes rustls send the alert that OpenSSL sends (`ssl_x509err2alert`). What it says is of no use to
/// anybody else: the reason itself stays in the record.
fn alert_for(refused: &TlsError) -> CertificateError {
    let verdict = match refused {
        TlsError::Chain(X509Error::Path(error)) => error.verdict.refusal(),
        TlsError::Host(_) => return CertificateError::NotValidForName,
        _ => return CertificateError::BadEncoding,
    };
    match verdict {
        Refusal::Expired | Refusal::NotYetValid => CertificateError::Expired,
        Refusal::Revoked => CertificateError::Revoked,
        Refusal::BadSignature => CertificateError::BadSignature,
        Refusal::WrongPurpose => CertificateError::InvalidPurpose,
        Refusal::CriticalExtension => CertificateError::UnhandledCriticalExtension,
        // What OpenSSL knows no better alert for than unknown_ca.
        _ => CertificateError::UnknownIssuer,
    }
}
