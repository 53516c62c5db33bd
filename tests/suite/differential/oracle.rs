//! OpenSSL's answer, asked as libpq asks.

use super::make::Files;
use openssl::{
    ssl::{SslContext, SslFiletype, SslMethod},
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext,
        store::X509Lookup,
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};
use std::fs;
use tempfile::TempDir;

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The chain, leaf first.
    Accepted(Vec<Vec<u8>>),
    /// OpenSSL's error number and depth.
    Refused { number: u16, depth: usize },
    /// The root file does not load.
    BadRootFile,
    /// A certificate the server sent does not load.
    Unparsable,
}

impl Answer {
    /// The answer that a label names, but for the chain of one that was accepted.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        if label == "the root file does not load" {
            return Some(Self::BadRootFile);
        }
        let (number, depth) = label.strip_prefix("refused with ")?.split_once(" at depth ")?;
        Some(Self::Refused { number: number.parse().ok()?, depth: depth.parse().ok()? })
    }
}

/// The release of the OpenSSL that is loaded: major, minor and patch number.
pub(super) fn release() -> [u8; 3] {
    let number = u32::try_from(openssl::version::number()).unwrap();
    [28, 20, 4].map(|shift| (number >> shift).to_be_bytes()[3] & if shift == 28 { 0x0f } else { 0xff })
}

/// A certificate of a handshake, which ends with its last byte (OpenSSL: `tls_process_server_certificate`).
fn certificate(der: &[u8]) -> Option<X509> {
    let length = match der {
        [_, short @ ..0x80, ..] => Some(2 + usize::from(*short)),
        [_, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    };
    X509::from_der(der).ok().filter(|_| length.is_none_or(|length| length == der.len()))
}

/// Asks OpenSSL.
pub(super) fn openssl(files: &Files, client: bool, level: u8) -> Answer {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    fs::write(path("root.crt"), &files.roots).unwrap();
    if context.set_ca_file(path("root.crt")).is_err() {
        return Answer::BadRootFile;
    }
    let mut checking = false;
    if let Some(crls) = &files.crls {
        fs::write(path("root.crl"), crls).unwrap();
        checking = context.set_ca_file(path("root.crl")).is_ok();
    }
    // A CRL file that does not load cancels the directory.
    if !files.crl_directories.is_empty() && (checking || files.crls.is_none()) {
        let lookup = context.cert_store_mut().add_lookup(X509Lookup::hash_dir()).unwrap();
        for (number, directory) in files.crl_directories.iter().enumerate() {
            let place = path(&number.to_string());
            fs::create_dir(&place).unwrap();
            for (name, content) in directory {
                fs::write(place.join(name), content).unwrap();
            }
            lookup.add_dir(place.to_str().unwrap(), SslFiletype::PEM).unwrap();
        }
        checking = true;
    }
    let mut parameters = X509VerifyParam::new().unwrap();
    parameters.set_time(files.time().try_into().unwrap());
    parameters.set_auth_level(level.into());
    parameters
        .set_purpose(if client { X509PurposeId::SSL_CLIENT } else { X509PurposeId::SSL_SERVER })
        .unwrap();
    if checking {
        parameters.set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL).unwrap();
    }
    context.cert_store_mut().set_param(&parameters).unwrap();
    let context = context.build();

    let Some(leaf) = certificate(&files.leaf) else {
        return Answer::Unparsable;
    };
    // As in a handshake, the leaf is one of the certificates that were sent.
    let mut sent = Stack::new().unwrap();
    sent.push(leaf.clone()).unwrap();
    for der in &files.presented {
        let Some(certificate) = certificate(der) else {
            return Answer::Unparsable;
        };
        sent.push(certificate).unwrap();
    }
    let mut verification = X509StoreContext::new().unwrap();
    verification
        .init(context.cert_store(), &leaf, &sent, |verification| {
            // Where OpenSSL fails without a verdict, its error number says so.
            if verification.verify_cert().unwrap_or(false) {
                let chain = verification.chain().unwrap();
                return Ok(Answer::Accepted(chain.iter().map(|link| link.to_der().unwrap()).collect()));
            }
            Ok(Answer::Refused {
                number: verification.error().as_raw().try_into().unwrap(),
                depth: verification.error_depth().try_into().unwrap(),
            })
        })
        .unwrap()
}
