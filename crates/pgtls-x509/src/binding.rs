//! Channel binding data: `tls-server-end-point` (RFC 5929 section 4).

use crate::{
    certificate::{
        Outline,
        algorithm::{Hash, SignatureAlgorithm},
    },
    error::{Object, X509Error},
};
use alloc::vec::Vec;
use sha2::Digest;

/// The digest of the server's certificate for `tls-server-end-point`: over the whole certificate, as OpenSSL encodes it again, with the hash that its
/// signature algorithm names, SHA-256 in place of MD5 and SHA-1. `None` when the algorithm names no hash (Ed25519, Ed448):
/// libpq then fails the connection if the server offers binding (libpq: `pgtls_get_peer_certificate_hash`).
pub fn tls_server_end_point(certificate: &[u8]) -> Result<Option<Vec<u8>>, X509Error> {
    let malformed = |error| X509Error::malformed(Object::Certificate, None, error);
    let outline = Outline::read(certificate).map_err(malformed)?;
    let algorithm = SignatureAlgorithm::read(&outline.outer_algorithm).map_err(malformed)?;
    let certificate = &*outline.encoded();
    let hash = match algorithm {
        SignatureAlgorithm::RsaPkcs1(hash)
        | SignatureAlgorithm::Ecdsa(hash)
        | SignatureAlgorithm::Dsa(hash) => hash,
        SignatureAlgorithm::RsaPss(Some(parameters)) => parameters.hash,
        SignatureAlgorithm::RsaPss(None)
        | SignatureAlgorithm::Ed25519
        | SignatureAlgorithm::Ed448
        | SignatureAlgorithm::EcdsaWithoutDigest
        | SignatureAlgorithm::Unknown => return Ok(None),
    };
    Ok(match hash {
        Hash::Md5 | Hash::Sha1 | Hash::Sha256 => Some(sha2::Sha256::digest(certificate).to_vec()),
        Hash::Sha224 => Some(sha2::Sha224::digest(certificate).to_vec()),
        Hash::Sha384 => Some(sha2::Sha384::digest(certificate).to_vec()),
        Hash::Sha512 => Some(sha2::Sha512::digest(certificate).to_vec()),
        Hash::Sha512Of224 => Some(sha2::Sha512_224::digest(certificate).to_vec()),
        Hash::Sha512Of256 => Some(sha2::Sha512_256::digest(certificate).to_vec()),
        // Nobody signs certificates with these, and no server could compute the same without the same library.
        Hash::Ripemd160 | Hash::Sha3Of224 | Hash::Sha3Of256 | Hash::Sha3Of384 | Hash::Sha3Of512 => None,
    })
}
