//! Keys, made once, and signatures of every kind.

use super::der::{bits, explicit, integer, oid, sequence, tlv};
use openssl::{
    dsa::Dsa,
    ec::{Asn1Flag, EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Signer},
};
use std::sync::{LazyLock, OnceLock};

/// Kinds of keys; each entity has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    P256,
    P384,
    P521,
    P224,
    P192,
    Secp256k1,
    Explicit,
    Rsa2048,
    Rsa1024,
    RsaPss,
    /// The same, for SHA-256 throughout and no shorter salt alone.
    RsaPssSha256,
    Ed25519,
    Ed448,
    Dsa,
    /// Bytes that are no key.
    Garbage,
}

pub(super) const KINDS: &[KeyKind] = &[
    KeyKind::P256,
    KeyKind::P384,
    KeyKind::P521,
    KeyKind::P224,
    KeyKind::P192,
    KeyKind::Secp256k1,
    KeyKind::Explicit,
    KeyKind::Rsa2048,
    KeyKind::Rsa1024,
    KeyKind::RsaPss,
    KeyKind::RsaPssSha256,
    KeyKind::Ed25519,
    KeyKind::Ed448,
    KeyKind::Dsa,
    KeyKind::Garbage,
];

/// Keys of one kind: as many as a chain has entities.
pub(super) const OWNERS: usize = 6;

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// What fits the key, with SHA-256.
    Natural,
    Sha1,
    Sha224,
    Sha384,
    Sha512,
    Md5,
    /// RSASSA-PSS with SHA-256 throughout.
    Pss,
    PssSha384,
    PssSha512,
    /// RSASSA-PSS with a salt of another length than the digest.
    PssShortSalt,
    /// RSASSA-PSS with SHA-256, and SHA-1 for the mask.
    PssOtherMask,
    /// RSASSA-PSS without parameters: SHA-1 throughout.
    PssDefaults,
    /// An algorithm that nobody knows.
    Unknown,
}

pub(super) const SIGNATURES: &[Signature] = &[
    Signature::Natural,
    Signature::Sha1,
    Signature::Sha224,
    Signature::Sha384,
    Signature::Sha512,
    Signature::Md5,
    Signature::Pss,
    Signature::PssSha384,
    Signature::PssSha512,
    Signature::PssShortSalt,
    Signature::PssOtherMask,
    Signature::PssDefaults,
    Signature::Unknown,
];

/// A key pair.
pub(super) struct Key {
    pub(super) kind: KeyKind,
    private: PKey<Private>,
    pub(super) public_key_info: Vec<u8>,
}

/// The key of this kind that belongs to this entity, made when it is first asked for: some kinds take seconds.
pub(super) fn key(kind: KeyKind, owner: usize) -> &'static Key {
    static KEYS: LazyLock<Vec<[OnceLock<Key>; OWNERS]>> =
        LazyLock::new(|| KINDS.iter().map(|_| Default::default()).collect());
    let place = KINDS.iter().position(|&known| known == kind).unwrap();
    KEYS[place][owner % OWNERS].get_or_init(|| Key::new(kind))
}

impl Key {
    fn new(kind: KeyKind) -> Self {
        let curve = |nid, flag| {
            let mut group = EcGroup::from_curve_name(nid).unwrap();
            group.set_asn1_flag(flag);
            // Clearing seven bits must make another key of it.
            let keys =
                std::iter::repeat_with(|| PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap());
            let ends_with_bits =
                |key: &PKey<Private>| key.public_key_to_der().unwrap().last().unwrap() & 0x7f != 0;
            keys.into_iter().find(ends_with_bits).unwrap()
        };
        let private = match kind {
            KeyKind::P256 | KeyKind::Garbage => curve(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE),
            KeyKind::P384 => curve(Nid::SECP384R1, Asn1Flag::NAMED_CURVE),
            KeyKind::P521 => curve(Nid::SECP521R1, Asn1Flag::NAMED_CURVE),
            KeyKind::P224 => curve(Nid::SECP224R1, Asn1Flag::NAMED_CURVE),
            KeyKind::P192 => curve(Nid::X9_62_PRIME192V1, Asn1Flag::NAMED_CURVE),
            KeyKind::Secp256k1 => curve(Nid::SECP256K1, Asn1Flag::NAMED_CURVE),
            KeyKind::Explicit => curve(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE),
            KeyKind::Rsa2048 | KeyKind::RsaPss | KeyKind::RsaPssSha256 => {
                PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
            }
            KeyKind::Rsa1024 => PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap(),
            KeyKind::Ed25519 => PKey::generate_ed25519().unwrap(),
            KeyKind::Ed448 => PKey::generate_ed448().unwrap(),
            KeyKind::Dsa => PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap(),
        };
        let public_key_info = match kind {
            KeyKind::Garbage => {
                let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]);
                sequence(&[algorithm, bits(0, b"no point")])
            }
            // The key is an RSA key that says it is for RSASSA-PSS alone.
            KeyKind::RsaPss | KeyKind::RsaPssSha256 => {
                let sha256 = MessageDigest::sha256();
                let mut algorithm = vec![oid("1.2.840.113549.1.1.10")];
                if kind == KeyKind::RsaPssSha256 {
                    algorithm.push(pss_parameters(sha256, Pss { mask: sha256, salt: 32 }));
                }
                let rsa = private.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
                sequence(&[sequence(&algorithm), bits(0, &rsa)])
            }
            _ => private.public_key_to_der().unwrap(),
        };
        Self { kind, private, public_key_info }
    }

    /// A valid signature, with the AlgorithmIdentifier that says how. Asked for something its kind cannot do, the key
    /// does what it can and says that.
    pub(super) fn sign(&self, how: Signature, message: &[u8]) -> Vec<u8> {
        let (digest, pss) = self.plan(how);
        if matches!(self.kind, KeyKind::Ed25519 | KeyKind::Ed448) {
            return Signer::new_without_digest(&self.private).unwrap().sign_oneshot_to_vec(message).unwrap();
        }
        let mut signer = Signer::new(digest, &self.private).unwrap();
        if let Some(Pss { mask, salt }) = pss {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
            signer.set_rsa_mgf1_md(mask).unwrap();
        }
        signer.sign_oneshot_to_vec(message).unwrap()
    }

    /// The AlgorithmIdentifier of such a signature.
    pub(super) fn algorithm(&self, how: Signature) -> Vec<u8> {
        if how == Signature::Unknown {
            return sequence(&[oid("1.3.6.1.4.1.99999.1")]);
        }
        let (digest, pss) = self.plan(how);
        let null = tlv(5, &[]);
        match self.kind {
            KeyKind::Ed25519 => sequence(&[oid("1.3.101.112")]),
            KeyKind::Ed448 => sequence(&[oid("1.3.101.113")]),
            KeyKind::Dsa if digest.type_() == Nid::SHA1 => sequence(&[oid("1.2.840.10040.4.3")]),
            KeyKind::Dsa => sequence(&[oid("2.16.840.1.101.3.4.3.2")]),
            _ if self.is_rsa() => match pss {
                Some(_) if how == Signature::PssDefaults => {
                    sequence(&[oid("1.2.840.113549.1.1.10"), sequence(&[])])
                }
                Some(pss) => sequence(&[oid("1.2.840.113549.1.1.10"), pss_parameters(digest, pss)]),
                None => {
                    let last = match digest.type_() {
                        Nid::MD5 => "4",
                        Nid::SHA1 => "5",
                        Nid::SHA224 => "14",
                        Nid::SHA384 => "12",
                        Nid::SHA512 => "13",
                        _ => "11",
                    };
                    sequence(&[oid(&format!("1.2.840.113549.1.1.{last}")), null])
                }
            },
            _ => sequence(&[oid(match digest.type_() {
                Nid::SHA1 => "1.2.840.10045.4.1",
                Nid::SHA224 => "1.2.840.10045.4.3.1",
                Nid::SHA384 => "1.2.840.10045.4.3.3",
                Nid::SHA512 => "1.2.840.10045.4.3.4",
                _ => "1.2.840.10045.4.3.2",
            })]),
        }
    }

    fn is_rsa(&self) -> bool {
        use KeyKind::{Rsa1024, Rsa2048, RsaPss, RsaPssSha256};
        matches!(self.kind, Rsa2048 | Rsa1024 | RsaPss | RsaPssSha256)
    }

    /// The digest, and for RSASSA-PSS what it has besides.
    fn plan(&self, how: Signature) -> (MessageDigest, Option<Pss>) {
        let is_rsa = self.is_rsa();
        let digest = match how {
            Signature::Sha1 => MessageDigest::sha1(),
            Signature::PssDefaults if is_rsa => MessageDigest::sha1(),
            Signature::Md5 if is_rsa => MessageDigest::md5(),
            _ if self.kind == KeyKind::Dsa => MessageDigest::sha256(),
            Signature::Sha224 => MessageDigest::sha224(),
            Signature::Sha384 | Signature::PssSha384 => MessageDigest::sha384(),
            // The shortest key has no room for its salt.
            Signature::PssSha512 if self.kind == KeyKind::Rsa1024 => MessageDigest::sha384(),
            Signature::Sha512 | Signature::PssSha512 => MessageDigest::sha512(),
            _ => MessageDigest::sha256(),
        };
        let as_long = i32::try_from(digest.size()).unwrap();
        let pss = match how {
            _ if !is_rsa => None,
            Signature::Pss | Signature::PssSha384 | Signature::PssSha512 | Signature::PssDefaults => {
                Some(Pss { mask: digest, salt: as_long })
            }
            Signature::PssShortSalt => Some(Pss { mask: digest, salt: 16 }),
            Signature::PssOtherMask => Some(Pss { mask: MessageDigest::sha1(), salt: as_long }),
            Signature::Natural if matches!(self.kind, KeyKind::RsaPss | KeyKind::RsaPssSha256) => {
                Some(Pss { mask: digest, salt: as_long })
            }
            _ => None,
        };
        (digest, pss)
    }
}

/// What a signature with RSASSA-PSS has besides its digest.
#[derive(Clone, Copy)]
struct Pss {
    /// The digest of the mask.
    mask: MessageDigest,
    /// Bytes of the salt.
    salt: i32,
}

/// The parameters of RSASSA-PSS, all written out.
fn pss_parameters(digest: MessageDigest, Pss { mask, salt }: Pss) -> Vec<u8> {
    let hash = |digest: MessageDigest| {
        let dotted = match digest.type_() {
            Nid::SHA1 => "1.3.14.3.2.26",
            Nid::SHA384 => "2.16.840.1.101.3.4.2.2",
            Nid::SHA512 => "2.16.840.1.101.3.4.2.3",
            _ => "2.16.840.1.101.3.4.2.1",
        };
        sequence(&[oid(dotted), tlv(5, &[])])
    };
    let mask = sequence(&[oid("1.2.840.113549.1.1.8"), hash(mask)]);
    let salt = integer(&[salt.to_be_bytes()[3]]);
    sequence(&[explicit(0, &[hash(digest)]), explicit(1, &[mask]), explicit(2, &[salt])])
}
