//! The error of this crate: whose fault, at which byte, and what to do.

use crate::{
    certificate::{Certificate, Outline, name},
    display::hex,
    path::SecurityLevel,
    source::Source,
    tlv::DerError,
    verdict::Verdict,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// What is wrong with a certificate, key, CRL, bundle or chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum X509Error {
    /// A PEM block that cannot be read.
    Pem {
        /// Byte of the file at which the trouble is.
        position: usize,
        /// The trouble.
        problem: PemProblem,
    },
    /// No block of the wanted kind in the whole file.
    NothingLoadable {
        /// What was wanted.
        wanted: Object,
    },
    /// An object whose DER breaks a rule.
    Malformed {
        /// What it was to be.
        object: Object,
        /// Byte of the file at which its PEM block begins, when it came from one.
        block: Option<usize>,
        /// Byte of the DER at which the trouble is.
        position: usize,
        /// The trouble.
        problem: &'static str,
    },
    /// A private key that cannot be used.
    Key(KeyProblem),
    /// A certificate of one's own, or of the chain that is sent with it, whose key is too weak.
    WeakKey(Box<WeakKey>),
    /// A chain that was refused.
    Path(Box<PathError>),
}

/// What is wrong with a PEM block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemProblem {
    /// The file ends inside a block.
    MissingEnd,
    /// The END line does not fit the BEGIN line, or the block holds a line that no block has.
    BadEndLine,
    /// A character that base64 does not have, or too few of them.
    BadBase64,
    /// Nothing between BEGIN and END.
    Empty,
    /// An encrypted certificate or CRL, or headers where there may be none.
    Headers,
}

/// Things this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object {
    /// A certificate.
    Certificate,
    /// A certificate revocation list.
    Crl,
    /// A certificate or a certificate revocation list.
    CertificateOrCrl,
    /// A private key.
    PrivateKey,
}

/// Why a private key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyProblem {
    /// The key is encrypted and there is no passphrase.
    PassphraseNeeded,
    /// The passphrase does not decrypt it.
    WrongPassphrase,
    /// Encrypted in a way that is not supported.
    UnsupportedEncryption {
        /// Its name or object identifier.
        scheme: String,
    },
    /// The parameters of the encryption break its rules.
    BadEncryptionParameters,
    /// What is encrypted is not a whole number of blocks: the file was cut off.
    TruncatedCiphertext,
    /// To derive the key of the encryption would take more time or memory than any key needs.
    TooExpensive,
    /// The headers of the PEM block are not those of an encrypted key.
    BadHeaders,
    /// Encrypted and DER: OpenSSL asks for a passphrase for PEM alone.
    EncryptedDer,
    /// A kind of key that TLS has given up (DSA).
    UnsupportedAlgorithm,
}

/// Why a chain was refused: the verdict, and the certificate it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathError {
    /// The verdict.
    pub verdict: Verdict,
    /// Place in the chain: 0 is the peer's own certificate.
    pub depth: usize,
    /// The certificate.
    pub certificate: CertificateName,
    /// What decided: where the certificate or the CRL came from, or where what is missing would have been found. Several
    /// when a CRL is missing; none when webpki refuses in the strict profile.
    pub decided_by: Vec<Source>,
    /// More about it: the extension, the algorithm, the profile's own words.
    pub detail: Option<String>,
}

/// A key of one's own chain that the security level forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeakKey {
    /// Place in the chain: 0 is one's own certificate.
    pub depth: usize,
    /// The certificate.
    pub certificate: CertificateName,
    /// Its key: `RSA, 1024 bits`.
    pub key: String,
    /// The security level.
    pub level: u8,
}

/// What a certificate is called, fit to be shown: printable ASCII, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateName {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number in hexadecimal digits.
    pub serial: String,
}

/// Bytes of a serial number that are shown; RFC 5280 allows 20.
const MAX_SERIAL_SHOWN: usize = 24;

impl CertificateName {
    pub(crate) fn of(certificate: &Certificate<'_>) -> Self {
        Self {
            subject: name::display(certificate.subject()),
            issuer: name::display(certificate.issuer()),
            serial: hex(certificate.serial(), MAX_SERIAL_SHOWN),
        }
    }

    pub(crate) fn of_outline(outline: &Outline<'_>) -> Self {
        Self {
            subject: name::display(outline.subject.whole),
            issuer: name::display(outline.issuer.whole),
            serial: hex(outline.serial, MAX_SERIAL_SHOWN),
        }
    }
}

impl X509Error {
    /// The verdict on a chain, if this is one.
    pub fn path(&self) -> Option<&PathError> {
        match self {
            Self::Path(error) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn malformed(object: Object, block: Option<usize>, error: DerError) -> Self {
        Self::Malformed { object, block, position: error.position, problem: error.problem }
    }
}

impl From<PathError> for X509Error {
    fn from(error: PathError) -> Self {
        Self::Path(Box::new(error))
    }
}

impl fmt::Display for X509Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem { position, problem } => write!(f, "bad PEM block at byte {position}: {problem}"),
            Self::NothingLoadable { wanted } => write!(f, "no {wanted} found"),
            Self::Malformed { object, block: Some(block), position, problem } => {
                write!(
                    f,
                    "malformed {object} in the PEM block at byte {block}: {problem} (byte {position} of its DER)"
                )
            }
            Self::Malformed { object, block: None, position, problem } => {
                write!(f, "malformed {object}: {problem} (byte {position})")
            }
            Self::Key(problem) => problem.fmt(f),
            Self::WeakKey(weak) => weak.fmt(f),
            Self::Path(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for X509Error {}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate verify failed: {}", self.verdict.words())?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        write!(f, "; certificate at depth {}: {}", self.depth, self.certificate)?;
        for (index, source) in self.decided_by.iter().enumerate() {
            write!(f, "{} {source}", if index == 0 { "; decided by" } else { " and" })?;
        }
        if let (Some(number), Some(name)) = (self.verdict.number(), self.verdict.name()) {
            write!(f, "; OpenSSL's error {number}, {name}")?;
        }
        write!(f, "; {}", self.verdict.advice())
    }
}

impl core::error::Error for PathError {}

impl fmt::Display for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.depth == 0 { "ee" } else { "ca" };
        write!(f, "{whose} key too small: {}, security level {}; ", self.key, self.level)?;
        write!(f, "certificate at depth {}: {}; ", self.depth, self.certificate)?;
        let wanted = SecurityLevel(self.level).wanted_key();
        write!(f, "use a certificate for a key of {wanted}, or lower the security level")
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\", issued by \"{}\", serial number {}", self.subject, self.issuer, self.serial)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Crl => "CRL",
            Self::CertificateOrCrl => "certificate or CRL",
            Self::PrivateKey => "private key",
        })
    }
}

impl fmt::Display for PemProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingEnd => "the file ends before the END line",
            Self::BadEndLine => "the END line does not fit the BEGIN line",
            Self::BadBase64 => "the text is not base64",
            Self::Empty => "there is nothing between BEGIN and END",
            Self::Headers => "it has headers or is encrypted, which certificates and CRLs are not",
        })
    }
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PassphraseNeeded => "the private key is encrypted and no passphrase was given; set sslpassword",
            Self::WrongPassphrase => "bad decrypt: the passphrase is not that of the private key",
            Self::UnsupportedEncryption { scheme } => {
                return write!(
                    f,
                    "unsupported: the private key is encrypted with {scheme}; encrypt it anew with `openssl pkcs8 -topk8`"
                );
            }
            Self::BadEncryptionParameters => "the parameters of the private key's encryption break its rules",
            Self::TruncatedCiphertext => "the encrypted private key is cut off: it ends inside a block of the cipher",
            Self::TooExpensive => {
                "the private key's encryption asks for more time or memory than any key needs; encrypt it anew with \
                 `openssl pkcs8 -topk8`"
            }
            Self::BadHeaders => "the headers of the PEM block are not `Proc-Type: 4,ENCRYPTED` and `DEK-Info`",
            Self::EncryptedDer => {
                "unsupported: an encrypted private key must be PEM; convert it with `openssl pkcs8 -inform DER`"
            }
            Self::UnsupportedAlgorithm => "unsupported: a DSA key is of no use in TLS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Budget, Verdict};
    use alloc::string::ToString;

    #[test]
    fn messages() {
        let certificate =
            CertificateName { subject: "CN=db".into(), issuer: "CN=ca".into(), serial: "0a".into() };
        let path = |verdict, detail: Option<&str>| {
            X509Error::from(PathError {
                verdict,
                depth: 1,
                certificate: certificate.clone(),
                detail: detail.map(String::from),
                decided_by: [Source::Roots(Some("r".into())), Source::Peer].into(),
            })
        };
        for (error, message) in [
            (
                X509Error::Pem { position: 7, problem: PemProblem::MissingEnd },
                "bad PEM block at byte 7: the file ends before the END line",
            ),
            (X509Error::NothingLoadable { wanted: Object::Certificate }, "no certificate found"),
            (
                X509Error::Malformed {
                    object: Object::Crl,
                    block: Some(9),
                    position: 4,
                    problem: "a time is expected",
                },
                "malformed CRL in the PEM block at byte 9: a time is expected (byte 4 of its DER)",
            ),
            (
                X509Error::Malformed { object: Object::Certificate, block: None, position: 4, problem: "no" },
                "malformed certificate: no (byte 4)",
            ),
            (
                path(Verdict::CertHasExpired, None),
                "certificate verify failed: certificate has expired; certificate at depth 1: \"CN=db\", issued by \
                 \"CN=ca\", serial number 0a; decided by root certificates \"r\" and what the peer sent; OpenSSL's error 10, X509_V_ERR_CERT_HAS_EXPIRED; renew the certificate",
            ),
            (
                path(Verdict::BudgetExceeded(Budget::Signatures), Some("why")),
                "certificate verify failed: more signatures than one chain may have checked (why); certificate at depth \
                 1: \"CN=db\", issued by \"CN=ca\", serial number 0a; decided by root certificates \"r\" and what the \
                 peer sent; shorten the chain",
            ),
            (
                X509Error::WeakKey(Box::new(WeakKey {
                    depth: 0,
                    certificate: certificate.clone(),
                    key: "RSA, 1024 bits".into(),
                    level: 2,
                })),
                "ee key too small: RSA, 1024 bits, security level 2; certificate at depth 0: \"CN=db\", issued by \
                 \"CN=ca\", serial number 0a; use a certificate for a key of at least 2048 bits (RSA) or 224 bits (EC), \
                 or lower the security level",
            ),
            (
                X509Error::WeakKey(Box::new(WeakKey {
                    depth: 0,
                    certificate: certificate.clone(),
                    key: "RSA, 1024 bits".into(),
                    level: 3,
                })),
                "ee key too small: RSA, 1024 bits, security level 3; certificate at depth 0: \"CN=db\", issued by \
                 \"CN=ca\", serial number 0a; use a certificate for a key of at least 3072 bits (RSA) or 256 bits (EC), \
                 or lower the security level",
            ),
        ] {
            assert_eq!(error.to_string(), message);
        }
    }
}
