//! The verdicts of path validation: OpenSSL's numbers, names and words, and what to do about each.

/// Why a path was refused. Where OpenSSL would refuse it for the same reason, [`number`](Self::number) and
/// [`name`](Self::name) are OpenSSL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The chain from the root file's side ends without a self-signed certificate.
    UnableToGetIssuerCert,
    /// No CRL of a certificate's issuer, or none that covers it.
    UnableToGetCrl,
    /// The signature does not fit the issuer's key.
    CertSignatureFailure,
    /// The CRL's signature does not fit the issuer's key.
    CrlSignatureFailure,
    /// The certificate's time has not come.
    CertNotYetValid,
    /// The certificate's time is over.
    CertHasExpired,
    /// The CRL's time has not come.
    CrlNotYetValid,
    /// The CRL's time is over.
    CrlHasExpired,
    /// notBefore is no time.
    ErrorInCertNotBeforeField,
    /// notAfter is no time.
    ErrorInCertNotAfterField,
    /// thisUpdate is no time.
    ErrorInCrlLastUpdateField,
    /// nextUpdate is no time.
    ErrorInCrlNextUpdateField,
    /// The server's certificate is self-signed and not in the root file.
    DepthZeroSelfSignedCert,
    /// The chain ends with a self-signed certificate that is not in the root file.
    SelfSignedCertInChain,
    /// Nobody is found who issued the last certificate of the chain.
    UnableToGetIssuerCertLocally,
    /// The only certificate of the chain is trusted but not self-signed.
    UnableToVerifyLeafSignature,
    /// More certificates than the limit.
    CertChainTooLong,
    /// A CRL lists the certificate.
    CertRevoked,
    /// The issuer is no CA.
    InvalidCa,
    /// More CAs below one than it allows.
    PathLengthExceeded,
    /// The certificate may not be used for this.
    InvalidPurpose,
    /// The root file marks the certificate as rejected for this use.
    CertRejected,
    /// The issuer's key may not sign certificates.
    KeyUsageNoCertSign,
    /// The CRL's issuer is not in the chain.
    UnableToGetCrlIssuer,
    /// A critical extension that is not understood.
    UnhandledCriticalExtension,
    /// The CRL issuer's key may not sign CRLs.
    KeyUsageNoCrlSign,
    /// A critical extension of the CRL that is not understood.
    UnhandledCriticalCrlExtension,
    /// An extension is malformed or there twice.
    InvalidExtension,
    /// A proxy certificate.
    ProxyCertificatesNotAllowed,
    /// The CRL does not cover certificates of this kind.
    DifferentCrlScope,
    /// A name outside the permitted subtrees.
    PermittedViolation,
    /// A name inside an excluded subtree.
    ExcludedViolation,
    /// A constraint with a minimum or maximum.
    SubtreeMinMax,
    /// A constraint on names of a kind that nobody can compare.
    UnsupportedConstraintType,
    /// A constraint that is malformed.
    UnsupportedConstraintSyntax,
    /// A name that a constraint cannot be compared with.
    UnsupportedNameSyntax,
    /// The CRL issuer's own path is not valid.
    CrlPathValidationError,
    /// The server's key is too weak.
    EeKeyTooSmall,
    /// A CA's key is too weak.
    CaKeyTooSmall,
    /// A signature's digest is too weak.
    CaMdTooWeak,
    /// An elliptic curve that is written out instead of named.
    EcKeyExplicitParams,
    /// OpenSSL gives up without saying why.
    Unspecified,
    /// No algorithm that was handed in verifies signatures of this kind; OpenSSL may have one.
    UnsupportedSignature,
    /// The key of the peer's own certificate cannot authenticate any handshake that this side would accept; in OpenSSL the
    /// handshake itself fails.
    UnsupportedKey,
    /// A kind of certificate that OpenSSL would look at more closely than we do.
    UnsupportedExtension,
    /// More work than a chain may cause.
    BudgetExceeded(Budget),
    /// webpki's refusal, in the `strict` profile.
    Strict,
}

/// Bounds on the work that one chain may cause. Exceeding one refuses the chain.
///
/// Certificates, their bytes and signatures are counted. All loops share one budget of 2^26 bytes: a turn costs 32 bytes and
/// the bytes that it looks at. The verdict names the loop that exceeded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// Signatures checked.
    Signatures,
    /// Certificates that came from the peer.
    Presented,
    /// Bytes of the certificates that came from the peer.
    PresentedBytes,
    /// Comparisons with possible issuers.
    Candidates,
    /// Comparisons with CRLs and their distribution points.
    Crls,
    /// Comparisons of names with constraints.
    NameComparisons,
}

/// Groups of verdicts, in words that a script can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// No path to a trusted certificate.
    ChainUntrusted,
    /// Time over.
    Expired,
    /// Time not come.
    NotYetValid,
    /// On a CRL.
    Revoked,
    /// No CRL for an issuer.
    CrlMissing,
    /// CRL's time over.
    CrlExpired,
    /// CRL's time not come.
    CrlNotYetValid,
    /// CRL that cannot be used.
    CrlUnusable,
    /// Not for servers (or clients).
    WrongPurpose,
    /// Too many CAs.
    PathLength,
    /// Name outside what a CA may name.
    NameConstraint,
    /// Critical extension.
    CriticalExtension,
    /// Key too small.
    WeakKey,
    /// Digest too weak.
    WeakSignature,
    /// Signature wrong or not checkable.
    BadSignature,
    /// Rejected by the root file.
    Rejected,
    /// Issuer that is no CA.
    NotACa,
}

impl Refusal {
    /// One word, lower case, with hyphens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChainUntrusted => "chain-untrusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::CrlMissing => "crl-missing",
            Self::CrlExpired => "crl-expired",
            Self::CrlNotYetValid => "crl-not-yet-valid",
            Self::CrlUnusable => "crl-unusable",
            Self::WrongPurpose => "wrong-purpose",
            Self::PathLength => "path-length",
            Self::NameConstraint => "name-constraint",
            Self::CriticalExtension => "critical-extension",
            Self::WeakKey => "weak-key",
            Self::WeakSignature => "weak-signature",
            Self::BadSignature => "bad-signature",
            Self::Rejected => "rejected",
            Self::NotACa => "not-a-ca",
        }
    }
}

/// One line of the table below.
struct Row {
    /// OpenSSL's number and name, where OpenSSL has the verdict.
    openssl: Option<(u16, &'static str)>,
    refusal: Refusal,
    words: &'static str,
    advice: &'static str,
}

impl Verdict {
    /// OpenSSL's number (`X509_STORE_CTX_get_error`), where OpenSSL has this verdict.
    pub fn number(self) -> Option<u16> {
        self.row().openssl.map(|(number, _)| number)
    }

    /// OpenSSL's name, `X509_V_ERR_...`, where OpenSSL has this verdict.
    pub fn name(self) -> Option<&'static str> {
        self.row().openssl.map(|(_, name)| name)
    }

    /// The group it belongs to.
    pub fn refusal(self) -> Refusal {
        self.row().refusal
    }

    /// What is wrong, in a few lower-case words.
    pub fn words(self) -> &'static str {
        self.row().words
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        self.row().advice
    }

    #[rustfmt::skip] // One verdict, one line: this is a table.
    const fn row(self) -> Row {
        use Refusal as R;
        const fn row(openssl: (u16, &'static str), refusal: Refusal, words: &'static str, advice: &'static str) -> Row {
            Row { openssl: Some(openssl), refusal, words, advice }
        }
        const fn own(refusal: Refusal, words: &'static str, advice: &'static str) -> Row {
            Row { openssl: None, refusal, words, advice }
        }
        match self {
            Self::UnableToGetIssuerCert => row((2, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT"), R::ChainUntrusted, "unable to get issuer certificate: the root file has an intermediate but not its root", "add the self-signed root certificate to the root file"),
            Self::UnableToGetCrl => row((3, "X509_V_ERR_UNABLE_TO_GET_CRL"), R::CrlMissing, "unable to get certificate CRL", "add a current CRL of this certificate's issuer to the CRL file or directory"),
            Self::CertSignatureFailure => row((7, "X509_V_ERR_CERT_SIGNATURE_FAILURE"), R::BadSignature, "certificate signature failure", "check that the issuer in the root file is the one that signed, not another of the same name"),
            Self::CrlSignatureFailure => row((8, "X509_V_ERR_CRL_SIGNATURE_FAILURE"), R::CrlUnusable, "CRL signature failure", "fetch the CRL anew from its issuer"),
            Self::CertNotYetValid => row((9, "X509_V_ERR_CERT_NOT_YET_VALID"), R::NotYetValid, "certificate is not yet valid", "check the clock, or wait until the certificate's time has come"),
            Self::CertHasExpired => row((10, "X509_V_ERR_CERT_HAS_EXPIRED"), R::Expired, "certificate has expired", "renew the certificate"),
            Self::CrlNotYetValid => row((11, "X509_V_ERR_CRL_NOT_YET_VALID"), R::CrlNotYetValid, "CRL is not yet valid", "check the clock, or use the CRL that is in force now"),
            Self::CrlHasExpired => row((12, "X509_V_ERR_CRL_HAS_EXPIRED"), R::CrlExpired, "CRL has expired", "fetch the current CRL"),
            Self::ErrorInCertNotBeforeField => row((13, "X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD"), R::NotYetValid, "format error in certificate's notBefore field", "issue the certificate anew, with times as RFC 5280 writes them"),
            Self::ErrorInCertNotAfterField => row((14, "X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD"), R::Expired, "format error in certificate's notAfter field", "issue the certificate anew, with times as RFC 5280 writes them"),
            Self::ErrorInCrlLastUpdateField => row((15, "X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD"), R::CrlUnusable, "format error in CRL's lastUpdate field", "issue the CRL anew, with times as RFC 5280 writes them"),
            Self::ErrorInCrlNextUpdateField => row((16, "X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD"), R::CrlUnusable, "format error in CRL's nextUpdate field", "issue the CRL anew, with times as RFC 5280 writes them"),
            Self::DepthZeroSelfSignedCert => row((18, "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT"), R::ChainUntrusted, "self-signed certificate that is not in the root file", "add exactly this certificate to the root file if you trust it"),
            Self::SelfSignedCertInChain => row((19, "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN"), R::ChainUntrusted, "self-signed certificate in certificate chain that is not in the root file", "add this root certificate to the root file if you trust it"),
            Self::UnableToGetIssuerCertLocally => row((20, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY"), R::ChainUntrusted, "unable to get local issuer certificate", "add the issuer to the root file, or have the server send the intermediate certificates"),
            Self::UnableToVerifyLeafSignature => row((21, "X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE"), R::ChainUntrusted, "unable to verify the first certificate", "add the issuer to the root file"),
            Self::CertChainTooLong => row((22, "X509_V_ERR_CERT_CHAIN_TOO_LONG"), R::ChainUntrusted, "certificate chain too long", "shorten the chain to 100 intermediates or fewer"),
            Self::CertRevoked => row((23, "X509_V_ERR_CERT_REVOKED"), R::Revoked, "certificate revoked", "do not use this certificate any more"),
            Self::InvalidCa => row((79, "X509_V_ERR_INVALID_CA"), R::NotACa, "invalid CA certificate: it may not issue certificates", "issue with a CA certificate, one with basicConstraints CA:TRUE"),
            Self::PathLengthExceeded => row((25, "X509_V_ERR_PATH_LENGTH_EXCEEDED"), R::PathLength, "path length constraint exceeded", "issue from a CA that is allowed to have CAs below it"),
            Self::InvalidPurpose => row((26, "X509_V_ERR_INVALID_PURPOSE"), R::WrongPurpose, "unsuitable certificate purpose", "issue the certificate with the extended key usage serverAuth (clientAuth for a client), or without any"),
            Self::CertRejected => row((28, "X509_V_ERR_CERT_REJECTED"), R::Rejected, "certificate rejected by the trust settings in the root file", "change the TRUSTED CERTIFICATE block if this is not intended"),
            Self::KeyUsageNoCertSign => row((32, "X509_V_ERR_KEYUSAGE_NO_CERTSIGN"), R::NotACa, "key usage does not include certificate signing", "issue with a CA whose key usage has keyCertSign"),
            Self::UnableToGetCrlIssuer => row((33, "X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER"), R::CrlUnusable, "unable to get CRL issuer certificate", "add the CRL's issuer to the root file"),
            Self::UnhandledCriticalExtension => row((34, "X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION"), R::CriticalExtension, "unhandled critical extension", "issue the certificate without that extension, or with it not critical"),
            Self::KeyUsageNoCrlSign => row((35, "X509_V_ERR_KEYUSAGE_NO_CRL_SIGN"), R::CrlUnusable, "key usage does not include CRL signing", "issue the CA certificate with cRLSign in its key usage"),
            Self::UnhandledCriticalCrlExtension => row((36, "X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION"), R::CrlUnusable, "unhandled critical CRL extension", "issue the CRL without that extension, or with it not critical"),
            Self::InvalidExtension => row((41, "X509_V_ERR_INVALID_EXTENSION"), R::ChainUntrusted, "invalid or inconsistent certificate extension", "issue the certificate anew, with well-formed extensions"),
            Self::ProxyCertificatesNotAllowed => row((40, "X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED"), R::ChainUntrusted, "proxy certificates not allowed", "use a certificate that is no proxy certificate (RFC 3820)"),
            Self::DifferentCrlScope => row((44, "X509_V_ERR_DIFFERENT_CRL_SCOPE"), R::CrlUnusable, "different CRL scope: the CRL does not cover this certificate", "use a CRL without issuingDistributionPoint, or the one the certificate names"),
            Self::PermittedViolation => row((47, "X509_V_ERR_PERMITTED_VIOLATION"), R::NameConstraint, "permitted subtree violation: a CA of the chain may not name this subject", "issue from a CA whose name constraints allow the name"),
            Self::ExcludedViolation => row((48, "X509_V_ERR_EXCLUDED_VIOLATION"), R::NameConstraint, "excluded subtree violation: a CA of the chain may not name this subject", "issue from a CA whose name constraints allow the name"),
            Self::SubtreeMinMax => row((49, "X509_V_ERR_SUBTREE_MINMAX"), R::NameConstraint, "name constraints minimum and maximum not supported", "issue the CA certificate without minimum and maximum in its name constraints"),
            Self::UnsupportedConstraintType => row((51, "X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE"), R::NameConstraint, "unsupported name constraint type", "constrain DNS, address, e-mail, URI or directory names only"),
            Self::UnsupportedConstraintSyntax => row((52, "X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX"), R::NameConstraint, "unsupported or invalid name constraint syntax", "issue the CA certificate with well-formed name constraints"),
            Self::UnsupportedNameSyntax => row((53, "X509_V_ERR_UNSUPPORTED_NAME_SYNTAX"), R::NameConstraint, "unsupported or invalid name syntax, which a name constraint cannot be compared with", "issue the certificate with well-formed names"),
            Self::CrlPathValidationError => row((54, "X509_V_ERR_CRL_PATH_VALIDATION_ERROR"), R::CrlUnusable, "CRL path validation error", "use a CRL signed by the certificate's own issuer"),
            Self::EeKeyTooSmall => row((66, "X509_V_ERR_EE_KEY_TOO_SMALL"), R::WeakKey, "EE certificate key too weak", "issue the certificate for a stronger key, or lower the security level"),
            Self::CaKeyTooSmall => row((67, "X509_V_ERR_CA_KEY_TOO_SMALL"), R::WeakKey, "CA certificate key too weak", "use a CA with a stronger key, or lower the security level"),
            Self::CaMdTooWeak => row((68, "X509_V_ERR_CA_MD_TOO_WEAK"), R::WeakSignature, "CA signature digest algorithm too weak", "issue the certificate anew with a longer digest, or lower the security level"),
            Self::EcKeyExplicitParams => row((94, "X509_V_ERR_EC_KEY_EXPLICIT_PARAMS"), R::WeakKey, "certificate public key has explicit ECC parameters", "issue the certificate for a key on a named curve"),
            Self::Unspecified => row((1, "X509_V_ERR_UNSPECIFIED"), R::ChainUntrusted, "unspecified certificate verification error", "issue the certificate anew, with fewer names and constraints"),
            Self::UnsupportedSignature => own(R::BadSignature, "no signature algorithm of the crypto provider fits the signature and the issuer's key", "issue the certificate with RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519 and SHA-256, SHA-384 or SHA-512"),
            Self::UnsupportedKey => own(R::WeakKey, "the key of the certificate cannot authenticate a TLS handshake", "issue the certificate for a key that TLS 1.2 and 1.3 sign with: RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) or Ed25519"),
            Self::UnsupportedExtension => own(R::CriticalExtension, "certificate for Internet number resources (RFC 3779), which is not supported", "issue the certificate without address blocks and AS numbers"),
            Self::BudgetExceeded(Budget::Signatures) => own(R::ChainUntrusted, "more signatures than one chain may have checked", "shorten the chain"),
            Self::BudgetExceeded(Budget::Presented) => own(R::ChainUntrusted, "more certificates were presented than are looked at", "have the server send its own chain only"),
            Self::BudgetExceeded(Budget::PresentedBytes) => own(R::ChainUntrusted, "more bytes of certificates were presented than libpq's OpenSSL takes (102,400)", "have the server send its own chain only"),
            Self::BudgetExceeded(Budget::Candidates) => own(R::ChainUntrusted, "comparing the certificates with possible issuers takes more work than one chain may cause", "have the server send its own chain only"),
            Self::BudgetExceeded(Budget::Crls) => own(R::CrlUnusable, "comparing the certificates with CRLs and their distribution points takes more work than one chain may cause", "issue the certificates with fewer CRL distribution points, or have fewer CRLs of one issuer"),
            Self::BudgetExceeded(Budget::NameComparisons) => own(R::NameConstraint, "comparing the names with the name constraints takes more work than one chain may cause", "issue the certificate with fewer names, or its CAs with fewer name constraints"),
            Self::Strict => own(R::ChainUntrusted, "the strict profile refuses the chain", "issue certificates as RFC 5280 and the CA/Browser Forum want them, or do not ask for the strict profile"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict as V, *};
    use alloc::collections::BTreeSet;

    const OPENSSLS: &[V] = &[
        V::UnableToGetIssuerCert,
        V::UnableToGetCrl,
        V::CertSignatureFailure,
        V::CrlSignatureFailure,
        V::CertNotYetValid,
        V::CertHasExpired,
        V::CrlNotYetValid,
        V::CrlHasExpired,
        V::ErrorInCertNotBeforeField,
        V::ErrorInCertNotAfterField,
        V::ErrorInCrlLastUpdateField,
        V::ErrorInCrlNextUpdateField,
        V::DepthZeroSelfSignedCert,
        V::SelfSignedCertInChain,
        V::UnableToGetIssuerCertLocally,
        V::UnableToVerifyLeafSignature,
        V::CertChainTooLong,
        V::CertRevoked,
        V::InvalidCa,
        V::PathLengthExceeded,
        V::InvalidPurpose,
        V::CertRejected,
        V::KeyUsageNoCertSign,
        V::UnableToGetCrlIssuer,
        V::UnhandledCriticalExtension,
        V::KeyUsageNoCrlSign,
        V::UnhandledCriticalCrlExtension,
        V::InvalidExtension,
        V::ProxyCertificatesNotAllowed,
        V::DifferentCrlScope,
        V::PermittedViolation,
        V::ExcludedViolation,
        V::SubtreeMinMax,
        V::UnsupportedConstraintType,
        V::UnsupportedConstraintSyntax,
        V::UnsupportedNameSyntax,
        V::CrlPathValidationError,
        V::EeKeyTooSmall,
        V::CaKeyTooSmall,
        V::CaMdTooWeak,
        V::EcKeyExplicitParams,
        V::Unspecified,
    ];
    const OURS: &[V] = &[
        V::UnsupportedSignature,
        V::UnsupportedKey,
        V::UnsupportedExtension,
        V::BudgetExceeded(Budget::Signatures),
        V::BudgetExceeded(Budget::Presented),
        V::BudgetExceeded(Budget::PresentedBytes),
        V::BudgetExceeded(Budget::Crls),
        V::BudgetExceeded(Budget::Candidates),
        V::BudgetExceeded(Budget::NameComparisons),
        V::Strict,
    ];

    #[test]
    fn every_verdict_has_a_number_of_its_own_or_none() {
        let numbers: BTreeSet<_> = OPENSSLS.iter().map(|verdict| verdict.number().unwrap()).collect();
        let names: BTreeSet<_> = OPENSSLS.iter().map(|verdict| verdict.name().unwrap()).collect();
        assert_eq!((numbers.len(), names.len()), (OPENSSLS.len(), OPENSSLS.len()));
        assert!(names.iter().all(|name| name.starts_with("X509_V_ERR_")));
        assert!(OURS.iter().all(|verdict| verdict.number().is_none() && verdict.name().is_none()));
    }

    #[test]
    fn every_verdict_has_words_and_advice() {
        for verdict in OPENSSLS.iter().chain(OURS) {
            for text in [verdict.words(), verdict.advice()] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{verdict:?}: {text}");
            }
        }
    }
}
