//! Key exchange on the curve P-521 (`secp521r1`), which rustls' provider of aws-lc-rs leaves out though aws-lc-rs has it.
//!
//! In TLS 1.2 a key on a curve can be used only if the client has offered the curve as a group (RFC 8422, sections 5.1.1
//! and 5.3): without it neither a server nor a client with a P-521 certificate gets through the handshake. OpenSSL offers
//! it, and so does libpq.

use aws_lc_rs::{
    agreement::{ECDH_P521, EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral},
    rand::SystemRandom,
};
use rustls::{
    Error, NamedGroup, PeerMisbehaved,
    crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup},
};

/// Ephemeral ECDH on P-521.
#[derive(Debug)]
pub(crate) struct Secp521r1;

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &random).map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Exchange { private, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

struct Exchange {
    private: EphemeralPrivateKey,
    public: PublicKey,
}

/// How an uncompressed point begins (SEC 1, section 2.3.3). TLS 1.3 has no other form, and in TLS 1.2 we offer no other.
const UNCOMPRESSED: u8 = 4;

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let refused = || Error::from(PeerMisbehaved::InvalidKeyShare);
        if peer.first() != Some(&UNCOMPRESSED) {
            return Err(refused());
        }
        // It checks that the point is on the curve.
        agree_ephemeral(self.private, UnparsedPublicKey::new(&ECDH_P521, peer), refused(), |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        let (one, other) = (Secp521r1.start().unwrap(), Secp521r1.start().unwrap());
        let (to_one, to_other) = (other.pub_key().to_vec(), one.pub_key().to_vec());
        let (of_one, of_other) = (one.complete(&to_one).unwrap(), other.complete(&to_other).unwrap());
        assert_eq!(of_one.secret_bytes(), of_other.secret_bytes());
        assert_eq!(of_one.secret_bytes().len(), 66);
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let point = Secp521r1.start().unwrap().pub_key().to_vec();
        let changed = |at: usize, byte: u8| {
            let mut point = point.clone();
            *point.get_mut(at).unwrap() ^= byte;
            point
        };
        // The other forms of a point, one that is not on the curve, cut off, too long, and nothing.
        let compressed = [&[2], point.get(1..67).unwrap()].concat();
        let longer = [point.as_slice(), &[0]].concat();
        let cut = point.get(..132).unwrap().to_vec();
        for bad in [compressed, changed(0, 2), changed(132, 1), cut, longer, vec![0], Vec::new()] {
            let exchange = Secp521r1.start().unwrap();
            assert_eq!(
                exchange.complete(&bad).err(),
                Some(PeerMisbehaved::InvalidKeyShare.into()),
                "{bad:?}"
            );
        }
    }
}
