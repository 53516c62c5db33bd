//! The verdict on a peer's certificates: the chain, and the key of the peer's own certificate. Handshakes and programs that judge
//! without a connection get it from the same place.

use crate::{
    algorithms::Algorithms, offer::offered, options::TlsOptions, rsa, signature, versions::VersionRange,
};
use pgtls_core::param::TlsVersion;
use pgtls_x509::{
    CrlStore, HandshakeKey, Profile, Purpose, TrustStore, VerifiedPath, VerifyOptions, X509Error,
    check_own_keys,
};
use rustls::{SignatureScheme, SupportedCipherSuite, pki_types::UnixTime};

/// The signatures by which a peer may authenticate itself in a handshake.
#[derive(Debug)]
pub(crate) struct AcceptedSignatures {
    /// The versions of TLS that are offered, oldest first, each with its schemes.
    versions: Vec<(TlsVersion, Vec<SignatureScheme>)>,
    algorithms: Algorithms,
}

impl AcceptedSignatures {
    /// The signatures that a connection with these options accepts; `range` is the range of TLS versions. The options are
    /// [in force](TlsOptions::in_force).
    ///
    /// None is accepted where no handshake can start.
    pub(crate) fn new(range: VersionRange, options: &TlsOptions) -> Self {
        let schemes = signature::offered_schemes(options);
        let algorithms = Algorithms::new(&options.provider);
        let Ok((provider, offered)) = offered(range, options) else {
            return Self { versions: Vec::new(), algorithms };
        };
        // In TLS 1.2 the cipher suite decides which schemes there are.
        let has_suite = |scheme: &SignatureScheme| {
            provider.cipher_suites.iter().any(|suite| match suite {
                SupportedCipherSuite::Tls12(suite) => suite.sign.contains(scheme),
                SupportedCipherSuite::Tls13(_) => false,
            })
        };
        let versions = offered.iter().filter_map(|version| VersionRange::version(version));
        let versions = versions.map(|version| {
            let usable = |scheme: &&SignatureScheme| version != TlsVersion::Tls1_2 || has_suite(scheme);
            (version, schemes.iter().filter(usable).copied().collect())
        });
        Self { versions: versions.collect(), algorithms }
    }

    /// The versions of TLS in which the key of this certificate can authenticate a peer, oldest first; at least one.
    ///
    /// # Errors
    /// There is none ([`Verdict::UnsupportedKey`](pgtls_x509::Verdict::UnsupportedKey)), or the key cannot be found.
    pub(crate) fn versions(
        &self,
        certificate: &[u8],
        purpose: Purpose,
    ) -> Result<Vec<TlsVersion>, X509Error> {
        let key = HandshakeKey::read(certificate)?;
        // A client's key signs, which needs a crypto provider; with a server's key a signature is verified only.
        if purpose == Purpose::Client && !rsa::is_for_providers(key.public_key()) {
            return Err(key.refusal("with which crypto providers do not sign (RSA: 2048 to 8192 bits)"));
        }
        let mut versions = Vec::new();
        for (version, schemes) in &self.versions {
            let fits =
                schemes.iter().any(|scheme| signature::fits(*version, *scheme, &key, &self.algorithms));
            // OpenSSL asks this of servers alone.
            let is_exempt = *version != TlsVersion::Tls1_2 || purpose == Purpose::Client;
            if fits && (is_exempt || key.may_sign_key_exchange()?) {
                versions.push(*version);
            }
        }
        if !versions.is_empty() {
            return Ok(versions);
        }
        Err(key.refusal(match key.may_sign_key_exchange() {
            Ok(false) if purpose == Purpose::Server => {
                "with a key usage without digitalSignature, which TLS 1.2 needs (OpenSSL: bad ecc cert)"
            }
            _ => "for which no signature scheme of the crypto provider, the security level and openssl.cnf is left",
        }))
    }

    /// The verdict on a chain, the peer's own certificate first.
    ///
    /// # Errors
    /// Those of [`Profile::verify_chain`], then those of [`versions`](Self::versions). It is the order of OpenSSL, which
    /// uses a server's key only after the verdict on the chain (`tls_process_server_certificate`).
    pub(crate) fn verify_chain(
        &self,
        profile: Profile,
        (leaf, presented): (&[u8], &[&[u8]]),
        (roots, crls): (&TrustStore, Option<&CrlStore>),
        options: &VerifyOptions<'_>,
    ) -> Result<VerifiedPath, X509Error> {
        let path = profile.verify_chain(leaf, presented, roots, crls, options)?;
        self.versions(leaf, options.purpose)?;
        Ok(path)
    }
}

/// Judges a peer's certificates without a connection, as a connection with these options would: the chain, and whether the key of
/// the peer's own certificate can authenticate a handshake. `chain` is the chain as it is presented, DER, the peer's own
/// certificate first. A client's certificate is also held to the rules for one's own chain ([`check_own_keys`]).
///
/// The names of the certificate are not compared with a host.
///
/// # Errors
/// The verdict, if it is a refusal; that the chain is empty is one.
pub fn verify_chain(
    chain: &[&[u8]],
    (roots, crls): (&TrustStore, Option<&CrlStore>),
    time: UnixTime,
    purpose: Purpose,
    options: &TlsOptions,
) -> Result<VerifiedPath, X509Error> {
    let (options, _) = options.in_force();
    let (leaf, presented) =
        chain.split_first().map_or((&[][..], chain), |(leaf, presented)| (*leaf, presented));
    let algorithms = Algorithms::new(&options.provider).for_chains();
    let verify = VerifyOptions::new(time, purpose, options.security_level, &algorithms);
    let accepted = AcceptedSignatures::new(options.versions, &options);
    let path = accepted.verify_chain(options.profile, (leaf, presented), (roots, crls), &verify)?;
    if purpose == Purpose::Client {
        let own: Vec<_> = chain.iter().map(|der| (*der).into()).collect();
        check_own_keys(&own, options.security_level)?;
    }
    Ok(path)
}

/// The versions of TLS in which a connection with these options lets the key of this certificate authenticate a peer, oldest
/// first; at least one. `purpose` is the peer's part in the handshake.
///
/// # Errors
/// There is none, which is a part of the verdict of [`verify_chain`]; or the certificate cannot be read.
pub fn authenticating_versions(
    certificate: &[u8],
    purpose: Purpose,
    options: &TlsOptions,
) -> Result<Vec<TlsVersion>, X509Error> {
    let (options, _) = options.in_force();
    AcceptedSignatures::new(options.versions, &options).versions(certificate, purpose)
}
