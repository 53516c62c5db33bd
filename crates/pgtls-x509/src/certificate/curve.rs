//! Named elliptic curves and the points on them.
//!
//! OpenSSL loads no key whose point is not on its curve, and a certificate with such a key has, for OpenSSL, a key without any
//! strength. A crypto provider refuses such a key, too, but only when it is used, and a peer's key is not used before the
//! verdict is given.

use alloc::{borrow::Cow, vec::Vec};
use crypto_bigint::{
    U256, U384, U512, U576, Uint, const_prime_monty_params,
    modular::{ConstMontyForm, ConstMontyParams, ConstPrimeMontyParams},
};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

/// A named curve.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    oid: &'static [u8],
    coordinate_bytes: usize,
    pub(crate) order_bits: u16,
    /// The identifier under which crypto providers know it.
    pub(crate) provider_id: Option<AlgorithmIdentifier>,
    contains: fn(&[u8], &[u8]) -> bool,
    /// The y coordinate for an x coordinate and the parity of y; `None` when no point has them.
    decompress: fn(&[u8], bool) -> Option<Vec<u8>>,
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.oid == other.oid
    }
}

impl Eq for Curve {}

/// The curves that certificates are issued for. OpenSSL knows more; keys on those are taken for unusable.
pub(crate) static CURVES: [Curve; 9] = [
    Curve {
        name: "P-256",
        oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        coordinate_bytes: 32,
        order_bits: 256,
        provider_id: Some(alg_id::ECDSA_P256),
        contains: p256::contains,
        decompress: p256::decompress,
    },
    Curve {
        name: "P-384",
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x22],
        coordinate_bytes: 48,
        order_bits: 384,
        provider_id: Some(alg_id::ECDSA_P384),
        contains: p384::contains,
        decompress: p384::decompress,
    },
    Curve {
        name: "P-521",
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x23],
        coordinate_bytes: 66,
        order_bits: 521,
        provider_id: Some(alg_id::ECDSA_P521),
        contains: p521::contains,
        decompress: p521::decompress,
    },
    Curve {
        name: "P-224",
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x21],
        coordinate_bytes: 28,
        order_bits: 224,
        provider_id: None,
        contains: p224::contains,
        decompress: p224::decompress,
    },
    Curve {
        name: "P-192",
        oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01],
        coordinate_bytes: 24,
        order_bits: 192,
        provider_id: None,
        contains: p192::contains,
        decompress: p192::decompress,
    },
    Curve {
        name: "secp256k1",
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x0a],
        coordinate_bytes: 32,
        order_bits: 256,
        provider_id: Some(alg_id::ECDSA_P256K1),
        contains: secp256k1::contains,
        decompress: secp256k1::decompress,
    },
    Curve {
        name: "brainpoolP256r1",
        oid: &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        coordinate_bytes: 32,
        order_bits: 256,
        provider_id: None,
        contains: brainpool_p256r1::contains,
        decompress: brainpool_p256r1::decompress,
    },
    Curve {
        name: "brainpoolP384r1",
        oid: &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        coordinate_bytes: 48,
        order_bits: 384,
        provider_id: None,
        contains: brainpool_p384r1::contains,
        decompress: brainpool_p384r1::decompress,
    },
    Curve {
        name: "brainpoolP512r1",
        oid: &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d],
        coordinate_bytes: 64,
        order_bits: 512,
        provider_id: None,
        contains: brainpool_p512r1::contains,
        decompress: brainpool_p512r1::decompress,
    },
];

impl Curve {
    /// The curve of this object identifier.
    pub(crate) fn by_oid(oid: &[u8]) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.oid == oid)
    }

    /// Security bits of its keys (OpenSSL: `EVP_PKEY_get_security_bits`).
    pub(crate) fn security_bits(&self) -> u16 {
        match self.order_bits {
            512.. => 256,
            384.. => 192,
            256.. => 128,
            224.. => 112,
            _ => 80,
        }
    }

    /// The point in its uncompressed form, which all crypto providers read; `None` when it is no point of the curve
    /// (OpenSSL: `ossl_ec_GFp_simple_oct2point`). OpenSSL reads compressed (02, 03), uncompressed (04) and hybrid points (06, 07).
    pub(crate) fn uncompressed<'a>(&self, point: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (&form, coordinates) = point.split_first()?;
        let (x, y) = coordinates.split_at_checked(self.coordinate_bytes)?;
        let is_odd = |y: &[u8]| y.last().is_some_and(|last| last & 1 == 1);
        match (form, y.len()) {
            (0x04, length) if length == x.len() => (self.contains)(x, y).then_some(Cow::Borrowed(point)),
            (0x06 | 0x07, length) if length == x.len() => {
                let is_hybrid = is_odd(y) == (form == 0x07) && (self.contains)(x, y);
                is_hybrid.then(|| Cow::Owned([&[0x04], x, y].concat()))
            }
            (0x02 | 0x03, 0) => {
                let y = (self.decompress)(x, form == 0x03)?;
                Some(Cow::Owned([&[0x04], x, &y].concat()))
            }
            _ => None,
        }
    }

    /// Work of [`uncompressed`](Self::uncompressed) for a compressed point, in bytes of [`Budget`](crate::Budget). A square root
    /// takes as many multiplications as the field has bits, each of which is quadratic in the length; that of P-224, whose prime
    /// is 1 modulo 4, some fifteen times as many.
    pub(crate) fn decompression_work(&self) -> usize {
        let limbs = self.coordinate_bytes.div_ceil(8);
        let work = limbs.saturating_mul(limbs).saturating_mul(limbs).saturating_mul(1024);
        if self.name == "P-224" { work.saturating_mul(15) } else { work }
    }
}

/// The field of a curve y^2 = x^3 + ax + b, and whether a point is on it.
macro_rules! field {
    ($name:ident, $uint:ty, $prime:expr, $a:expr, $b:expr) => {
        mod $name {
            use super::*;

            // The square root of P-224 needs a number that is no square, which 11 is; the other fields do not use it.
            const_prime_monty_params!(Field, $uint, $prime, 11);
            type Element = ConstMontyForm<Field, { <$uint>::LIMBS }>;
            const A: Element = Element::new(&<$uint>::from_be_hex($a));
            const B: Element = Element::new(&<$uint>::from_be_hex($b));

            pub(super) fn contains(x: &[u8], y: &[u8]) -> bool {
                super::contains(x, y, &A, &B)
            }

            pub(super) fn decompress(x: &[u8], is_odd: bool) -> Option<Vec<u8>> {
                super::decompress(x, is_odd, &A, &B)
            }
        }
    };
}

field!(
    p256,
    U256,
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"
);
field!(
    p384,
    U384,
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"
);
field!(
    p521,
    U576,
    concat!(
        "00000000000001ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    ),
    concat!(
        "00000000000001ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc"
    ),
    concat!(
        "0000000000000051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b48991",
        "8ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00"
    )
);
field!(
    p224,
    U256,
    "00000000ffffffffffffffffffffffffffffffff000000000000000000000001",
    "00000000fffffffffffffffffffffffffffffffefffffffffffffffffffffffe",
    "00000000b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4"
);
field!(
    p192,
    U256,
    "0000000000000000fffffffffffffffffffffffffffffffeffffffffffffffff",
    "0000000000000000fffffffffffffffffffffffffffffffefffffffffffffffc",
    "000000000000000064210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"
);
field!(
    secp256k1,
    U256,
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000007"
);
field!(
    brainpool_p256r1,
    U256,
    "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
    "7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
    "26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"
);
field!(
    brainpool_p384r1,
    U384,
    "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
    "7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
    "04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11"
);
field!(
    brainpool_p512r1,
    U512,
    concat!(
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871",
        "7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3"
    ),
    concat!(
        "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc",
        "2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca"
    ),
    concat!(
        "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7",
        "2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723"
    )
);

fn contains<M: ConstMontyParams<LIMBS>, const LIMBS: usize>(
    x: &[u8],
    y: &[u8],
    a: &ConstMontyForm<M, LIMBS>,
    b: &ConstMontyForm<M, LIMBS>,
) -> bool {
    let (Some(x), Some(y)) = (coordinate::<M, LIMBS>(x), coordinate::<M, LIMBS>(y)) else {
        return false;
    };
    y.square() == x.square().add(a).mul(&x).add(b)
}

/// The y coordinate of the point with this x coordinate and this parity, as long as `x`.
fn decompress<M: ConstPrimeMontyParams<LIMBS>, const LIMBS: usize>(
    x: &[u8],
    is_odd: bool,
    a: &ConstMontyForm<M, LIMBS>,
    b: &ConstMontyForm<M, LIMBS>,
) -> Option<Vec<u8>> {
    let at = coordinate::<M, LIMBS>(x)?;
    let root = at.square().add(a).mul(&at).add(b).sqrt().into_option()?;
    let parity = |root: &ConstMontyForm<M, LIMBS>| root.retrieve().is_odd().to_bool();
    let root = if parity(&root) == is_odd { root } else { root.neg() };
    // Zero has no odd sibling (OpenSSL: `EC_R_INVALID_COMPRESSION_BIT`).
    if parity(&root) != is_odd {
        return None;
    }
    let bytes = root.retrieve().to_be_bytes();
    let bytes: &[u8] = bytes.as_ref();
    bytes.get(bytes.len().checked_sub(x.len())?..).map(<[u8]>::to_vec)
}

/// Big-endian bytes as an element of the field; `None` when they reach the prime.
fn coordinate<M: ConstMontyParams<LIMBS>, const LIMBS: usize>(
    bytes: &[u8],
) -> Option<ConstMontyForm<M, LIMBS>> {
    // Room for the largest field.
    let mut padded = [0_u8; U576::BYTES];
    let start = padded.len().checked_sub(bytes.len())?;
    padded.get_mut(start..)?.copy_from_slice(bytes);
    let integer = Uint::<LIMBS>::from_be_slice(padded.get(U576::BYTES.checked_sub(Uint::<LIMBS>::BYTES)?..)?);
    (integer < *M::PARAMS.modulus().as_ref()).then(|| ConstMontyForm::new(&integer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_and_beside_the_curve() {
        // The generator of P-256.
        let mut point = alloc::vec![0x04];
        for half in [
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ] {
            let digits: Vec<u8> =
                (0..64).step_by(2).map(|at| u8::from_str_radix(&half[at..at + 2], 16).unwrap()).collect();
            point.extend(digits);
        }
        let curve = &CURVES[0];
        let reads = |point: &[u8]| curve.uncompressed(point).map(Cow::into_owned);
        assert_eq!(reads(&point), Some(point.clone()));
        // y is odd.
        let (x, xy) = (&point[1..33], &point[1..]);
        assert_eq!(reads(&[&[3], x].concat()), Some(point.clone()));
        assert_eq!(reads(&[&[7], xy].concat()), Some(point.clone()));
        let other = reads(&[&[2], x].concat()).unwrap();
        assert!(other != point && reads(&other) == Some(other.clone()) && other[64] & 1 == 0);
        for bad in [
            &[&[6], xy].concat()[..],
            &[&[5], x].concat(),
            &[&[2], xy].concat(),
            &[&[4], x].concat(),
            &[&[0], x].concat(),
            &[0],
            // No point has this x.
            &[&[2][..], &[0; 31], &[1]].concat(),
        ] {
            assert_eq!(reads(bad), None, "{bad:x?}");
        }
        for index in [1, 32, 33, 64] {
            let mut beside = point.clone();
            beside[index] ^= 1;
            assert_eq!(reads(&beside), None, "byte {index}");
        }
        assert_eq!(reads(&point[..64]), None);
        assert_eq!(reads(&[]), None);
        // Coordinates are below the prime.
        assert_eq!(reads(&[&[0x04][..], &[0xff; 64]].concat()), None);
        assert_eq!(reads(&[&[0x02][..], &[0xff; 32]].concat()), None);
    }
}
