//! Chains that make a verifier work hard: as many bytes as a handshake carries, laid out in the ways that are known to be expensive.
//!
//! A chain follows from its kind and a few numbers, the [`Knobs`], which a search can turn. This file uses nothing else of the
//! crate, so that the suite includes it, too.

#![expect(clippy::indexing_slicing, reason = "a chain that cannot be made fails the measurement or the test")]

/// The longest message with certificates that OpenSSL takes; rustls takes 65,535 bytes. TLS 1.3 needs five bytes for each
/// certificate and a few for the message.
const ROOM: usize = 1024 * 100 - 16;
const PER_CERTIFICATE: usize = 5;
/// Certificates besides the server's own that a verifier reads.
const MOST: usize = 256;

/// Ways to be expensive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Many possible issuers, and an authorityKeyIdentifier with a long name to compare with each.
    KeyIdentifier,
    /// Many possible issuers whose long names, or whole certificates, differ at their ends.
    Issuers,
    /// Self-issued certificates that issue each other in turn.
    Loop,
    /// A long name in an encoding that is converted.
    Subject,
    /// Many names.
    AltNames,
    /// Many names below many CAs with constraints. Signatures are good.
    Constraints,
    /// Many extensions: unknown, critical, repeated, or with long object identifiers.
    Extensions,
    /// Many policies and purposes.
    Policies,
    /// Many distribution points, and CRLs with many.
    Points,
    /// A deep chain, and many CRLs of one issuer.
    Crls,
    /// Large numbers in keys, in parameters of algorithms, and as serial number.
    Numbers,
    /// Elements in elements, some of them without the bit that marks them: no certificate.
    Nested,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::KeyIdentifier,
        Self::Issuers,
        Self::Loop,
        Self::Subject,
        Self::AltNames,
        Self::Constraints,
        Self::Extensions,
        Self::Policies,
        Self::Points,
        Self::Crls,
        Self::Numbers,
        Self::Nested,
    ];

    /// The name of the kind in lower case, with hyphens.
    pub fn name(self) -> String {
        let mut name = String::new();
        for character in format!("{self:?}").chars() {
            if character.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(character.to_ascii_lowercase());
        }
        name
    }
}

/// Numbers that a chain is made from; each kind reads them in its own way.
pub type Knobs = [u16; 6];

/// The most expensive chains that searches found, each among a few hundred of its kind.
pub const WORST: [(Kind, Knobs); Kind::ALL.len()] = [
    // 255 candidates, and a name of thousands of attributes in one set to compare with each.
    (Kind::KeyIdentifier, [254, 0, 0, 3, 1, 14]),
    (Kind::Issuers, [38_632, 5892, 12_245, 33_387, 1736, 10_720]),
    (Kind::Loop, [45_011, 21_385, 7202, 23_699, 20_544, 38_051]),
    (Kind::Subject, [38_288, 50_415, 55_491, 51_107, 1736, 57_085]),
    (Kind::AltNames, [60_539, 42_828, 33_204, 34_358, 43_908, 36_034]),
    (Kind::Constraints, [64_318, 52_131, 1252, 13_081, 41_147, 56_948]),
    (Kind::Extensions, [46_920, 22_471, 31_110, 7648, 35_400, 18_727]),
    (Kind::Policies, [20_640, 57_427, 13_302, 62_825, 28_504, 54_250]),
    (Kind::Points, [57_857, 15_440, 60_011, 58_932, 22_199, 21_715]),
    (Kind::Crls, [19_699, 58_196, 34_039, 13_081, 41_150, 24_503]),
    (Kind::Numbers, [26_955, 39_382, 25_073, 25_128, 42_686, 9627]),
    (Kind::Nested, [7538, 38_368, 55_723, 18_702, 12_114, 8249]),
];

/// A chain, what is trusted, and the CRLs in force, all of them DER.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The server's certificate.
    pub leaf: Vec<u8>,
    /// The others that it presents.
    pub presented: Vec<Vec<u8>>,
    /// Root certificates.
    pub roots: Vec<Vec<u8>>,
    /// CRLs; without any nothing is checked for revocation.
    pub crls: Vec<Vec<u8>>,
}

/// Signs where a signature must be good, with ECDSA on P-256 and SHA-256.
pub struct Signer<'a> {
    /// The SubjectPublicKeyInfo.
    pub public_key_info: &'a [u8],
    /// Signs a message.
    pub sign: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

/// Makes a chain.
pub fn chain(kind: Kind, knobs: Knobs, signer: &Signer<'_>) -> Chain {
    let maker = Maker { knobs, signer };
    let mut chain = match kind {
        Kind::KeyIdentifier => maker.key_identifier(),
        Kind::Issuers => maker.issuers(),
        Kind::Loop => maker.issuer_loop(),
        Kind::Subject => maker.subject(),
        Kind::AltNames => maker.alt_names(),
        Kind::Constraints => maker.constraints(),
        Kind::Extensions => maker.extensions(),
        Kind::Policies => maker.policies(),
        Kind::Points => maker.points(),
        Kind::Crls => maker.crls(),
        Kind::Numbers => maker.numbers(),
        Kind::Nested => maker.nested(),
    };
    if chain.roots.is_empty() {
        chain.roots.push(root(&name("root"), signer));
    }
    let bytes: usize = chain.presented.iter().map(|it| it.len() + PER_CERTIFICATE).sum();
    assert!(
        bytes + chain.leaf.len() + PER_CERTIFICATE <= ROOM && chain.presented.len() <= MOST,
        "{kind:?} {knobs:?}"
    );
    chain
}

/// An element: tag, length, content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().copied().skip_while(|&byte| byte == 0);
    let mut out = vec![tag];
    match significant.clone().count() {
        0 => out.push(0),
        1 if content.len() < 0x80 => out.extend(significant),
        count => {
            out.push(0x80 | count.to_be_bytes()[7]);
            out.extend(significant);
        }
    }
    out.extend(content);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

const EC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ECDSA_SHA256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
const RSA_KEY: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const RSA_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

/// An object identifier below 2.5.29, which are those of extensions.
fn extension(id: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(6, &[0x55, 0x1d, id]), &tlv(4, value)])
}

fn ca() -> Vec<u8> {
    extension(19, &sequence(&[&tlv(1, &[0xff])]))
}

/// An attribute of a name, of the shortest type.
fn attribute(tag: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(6, &[0x2a]), &tlv(tag, value)])
}

fn name(text: &str) -> Vec<u8> {
    sequence(&[&tlv(0x31, &attribute(12, text.as_bytes()))])
}

/// A certificate to be put together.
struct Certificate<'a> {
    subject: &'a [u8],
    issuer: &'a [u8],
    serial: Vec<u8>,
    key: Vec<u8>,
    algorithm: &'a [u8],
    extensions: Vec<Vec<u8>>,
    expired: bool,
}

impl<'a> Certificate<'a> {
    fn new(subject: &'a [u8], issuer: &'a [u8], signer: &Signer<'_>) -> Self {
        let key = signer.public_key_info.to_vec();
        Self {
            subject,
            issuer,
            serial: vec![1],
            key,
            algorithm: ECDSA_SHA256,
            extensions: Vec::new(),
            expired: false,
        }
    }

    /// With this signature, or a good one of the signer.
    fn der(&self, signature: Result<&[u8], &Signer<'_>>) -> Vec<u8> {
        let algorithm = sequence(&[&tlv(6, self.algorithm)]);
        let (begin, end) =
            (tlv(23, b"200101000000Z"), if self.expired { b"210101000000Z" } else { b"490101000000Z" });
        let mut parts = vec![
            tlv(0xa0, &tlv(2, &[2])),
            tlv(2, &self.serial),
            algorithm.clone(),
            self.issuer.to_vec(),
            sequence(&[&begin, &tlv(23, end)]),
            self.subject.to_vec(),
            self.key.clone(),
        ];
        if !self.extensions.is_empty() {
            parts.push(tlv(0xa3, &tlv(0x30, &self.extensions.concat())));
        }
        let body = tlv(0x30, &parts.concat());
        signed(&body, &algorithm, signature)
    }
}

fn signed(body: &[u8], algorithm: &[u8], signature: Result<&[u8], &Signer<'_>>) -> Vec<u8> {
    let signature = signature.map_or_else(|signer| (signer.sign)(body), <[u8]>::to_vec);
    sequence(&[body, algorithm, &tlv(3, &[&[0], &signature[..]].concat())])
}

fn root(name: &[u8], signer: &Signer<'_>) -> Vec<u8> {
    let mut root = Certificate::new(name, name, signer);
    root.extensions = vec![ca(), extension(14, &tlv(4, b"root"))];
    root.der(Err(signer))
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = sequence(&[&tlv(2, modulus), &tlv(2, exponent)]);
    sequence(&[&sequence(&[&tlv(6, RSA_KEY), &[5, 0]]), &tlv(3, &[&[0], &key[..]].concat())])
}

/// As many items as fit, made one after the other.
fn fill(room: usize, mut item: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    let mut filled = Vec::new();
    for number in 0.. {
        let next = item(number);
        // The lengths around them grow, too.
        if filled.len() + next.len() + 24 > room {
            break;
        }
        filled.extend(next);
    }
    filled
}

/// Different bytes, the same on every run: letters.
fn letters(number: usize, count: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9).wrapping_add(0x7f4a_7c15);
    let letter = |_| {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        b'a' + state.to_be_bytes()[5] % 26
    };
    (0..count).map(letter).collect()
}

/// Entries of a subjectAltName.
fn entries(kind: usize, length: usize, room: usize) -> Vec<u8> {
    let text = |number: usize| letters(number, length);
    fill(room, |number| match kind {
        0 => tlv(0x82, &text(number)),
        1 => tlv(0x81, &[&text(number), &b"@h"[..]].concat()),
        2 => tlv(0x86, &[b"x://", &text(number)[..]].concat()),
        3 => tlv(0x87, &[10, 0, (number / 256 % 256).to_be_bytes()[7], (number % 256).to_be_bytes()[7]]),
        4 => tlv(0xa4, &sequence(&[&tlv(0x31, &attribute(12, &text(number)))])),
        5 => tlv(0xa4, &tlv(0x30, &[])),
        6 => tlv(0xa0, &[tlv(6, &[0x2a]), tlv(0xa0, &tlv(12, &text(number)))].concat()),
        7 => tlv(0x81, &[b"@", &text(number)[..]].concat()),
        _ => tlv(0x88, &[0x2a]),
    })
}

struct Maker<'a> {
    knobs: Knobs,
    signer: &'a Signer<'a>,
}

impl Maker<'_> {
    /// A knob from `least` to `most`.
    fn knob(&self, index: usize, least: usize, most: usize) -> usize {
        least + usize::from(self.knobs[index]) % (most - least + 1)
    }

    fn leaf(&self, issuer: &[u8], extensions: Vec<Vec<u8>>) -> Vec<u8> {
        let subject = name("db.test");
        let mut leaf = Certificate::new(&subject, issuer, self.signer);
        leaf.extensions = extensions;
        leaf.der(Ok(&[]))
    }

    /// A name of about so many bytes: the knobs 3 to 5 are the type of its strings, their length, and how many are in one set.
    fn long_name(&self, room: usize) -> Vec<u8> {
        const TYPES: [(u8, &[u8]); 8] = [
            (12, b"a"),
            (12, "é".as_bytes()),
            (19, b"A"),
            (20, b"\xe9"),
            (22, b" "),
            (28, b"\0\0\xe9\0"),
            (28, b"\0\0\x04\x10"),
            (30, b"\x20\xac"),
        ];
        let (tag, character) = TYPES[self.knob(3, 0, TYPES.len() - 1)];
        let length = 1 << self.knob(4, 0, 13);
        let in_set = 1 << self.knob(5, 0, 14);
        let one = |number: usize| {
            // One of them differs from the next, so that sorting them has work to do.
            let mut value = character.repeat((length / character.len()).max(1));
            if let ([.., last], true) = (&mut value[..], tag != 12) {
                *last ^= u8::try_from(number * 7 % 32).unwrap_or(0);
            }
            attribute(tag, &value)
        };
        let mut number = 0;
        let mut rest = room.saturating_sub(16);
        let mut sets = Vec::new();
        while number == 0 || rest > 0 {
            let mut set = Vec::new();
            for _ in 0..in_set {
                let next = one(number);
                if next.len() + 8 > rest {
                    rest = 0;
                    break;
                }
                rest -= next.len();
                set.extend(next);
                number += 1;
            }
            number = number.max(1);
            sets.extend(tlv(0x31, &set));
            rest = rest.saturating_sub(4);
        }
        tlv(0x30, &sets)
    }

    fn key_identifier(&self) -> Chain {
        let issuer = name("E");
        let count = self.knob(0, 1, 255);
        let candidate = |number: usize| {
            let mut candidate = Certificate::new(&issuer, &issuer, self.signer);
            candidate.serial = vec![2, u8::try_from(number).unwrap_or(0)];
            // No key at all is shorter.
            candidate.key = sequence(&[&sequence(&[&tlv(6, &[0x2a])]), &tlv(3, &[0])]);
            candidate.der(Ok(&[]))
        };
        let presented: Vec<Vec<u8>> = (0..count).map(candidate).collect();
        let used: usize = presented.iter().map(|it| it.len() + PER_CERTIFICATE).sum();
        let room = (ROOM - used).saturating_sub(400);
        let before = room * self.knob(1, 0, 4) / 4;
        let others = match self.knob(2, 0, 3) {
            0 => fill(before, |_| tlv(0x86, b"")),
            1 => fill(before, |number| tlv(0x82, &letters(number, 8))),
            2 => fill(before, |_| tlv(0xa4, &tlv(0x30, &[]))),
            _ => fill(before, |_| tlv(0x88, &[0x2a])),
        };
        let long = tlv(0xa4, &self.long_name(room - others.len()));
        let identifier = extension(35, &sequence(&[&tlv(0xa1, &[others, long].concat())]));
        Chain { leaf: self.leaf(&issuer, vec![identifier]), presented, ..Chain::default() }
    }

    /// Candidates with long names, expired or not, of the right name or of nearly the right one.
    fn issuers(&self) -> Chain {
        let count = self.knob(0, 1, 254);
        let each = (ROOM - 600) / (count + 2) - PER_CERTIFICATE;
        let long = self.long_name((each.saturating_sub(160)) / if self.knob(1, 0, 1) == 0 { 1 } else { 2 });
        let is_right = self.knob(1, 0, 2) > 0;
        let mut nearly = long.clone();
        // An empty set ends in its length.
        if let (Some(last @ 1..), false) = (nearly.last_mut(), is_right) {
            *last ^= 1;
        }
        let other = name("o");
        let candidate = |number: usize| {
            let mut candidate =
                Certificate::new(&nearly, if self.knob(1, 0, 3) == 3 { &long } else { &other }, self.signer);
            candidate.serial = vec![2, u8::try_from(number).unwrap_or(0)];
            candidate.expired = self.knob(2, 0, 1) == 1;
            candidate.extensions = vec![];
            candidate.der(Ok(&[]))
        };
        let mut presented = Vec::new();
        let mut used = long.len() + 600;
        for next in (0..count).map(candidate) {
            used += next.len() + PER_CERTIFICATE;
            if used > ROOM {
                break;
            }
            presented.push(next);
        }
        let mut leaf = self.leaf(&long, Vec::new());
        if leaf.len() + used > ROOM {
            leaf = self.leaf(&name("o"), Vec::new());
        }
        Chain { leaf, presented, ..Chain::default() }
    }

    /// Keys of two types, each signed, allegedly, with one of the other: none of them is self-signed, all have one name.
    fn issuer_loop(&self) -> Chain {
        let mesh = if self.knob(0, 0, 1) == 0 { name("m") } else { self.long_name(self.knob(1, 8, 400)) };
        let rsa = rsa_key(&[0x7f; 256], &[1, 0, 1]);
        let length = self.knob(2, 1, 200);
        let mut used = 2 * mesh.len() + 600;
        let mut presented = Vec::new();
        for number in 0..MOST {
            let mut link = Certificate::new(&mesh, &mesh, self.signer);
            if number % 2 == 0 {
                link.algorithm = RSA_SHA256;
            } else {
                link.key.clone_from(&rsa);
            }
            link.expired = self.knob(3, 0, 3) > 0;
            if self.knob(4, 0, 1) == 1 {
                link.extensions = vec![ca()];
            }
            // The certificates differ in their last bytes alone.
            let mut signature = vec![0; length];
            signature.extend([u8::try_from(number / 2).unwrap_or(0)]);
            let link = link.der(Ok(&signature));
            used += link.len() + PER_CERTIFICATE;
            if used > ROOM {
                break;
            }
            presented.push(link);
        }
        // Each of them is found behind all that do not fit.
        if self.knob(5, 0, 1) == 1 {
            presented.reverse();
        }
        Chain { leaf: self.leaf(&mesh, Vec::new()), presented, ..Chain::default() }
    }

    fn subject(&self) -> Chain {
        let room = ROOM - 500;
        let in_subject = room * self.knob(0, 0, 4) / 4;
        let (subject, issuer) = (self.long_name(in_subject), self.long_name(room - in_subject));
        let leaf = Certificate::new(&subject, &issuer, self.signer).der(Ok(&[]));
        Chain { leaf, ..Chain::default() }
    }

    fn alt_names(&self) -> Chain {
        let names = entries(self.knob(0, 0, 8), self.knob(1, 0, 300), ROOM - 600);
        Chain { leaf: self.leaf(&name("root"), vec![extension(17, &tlv(0x30, &names))]), ..Chain::default() }
    }

    /// CAs, each with its share of the constraints; knob 0 is the share of the names.
    fn constraints(&self) -> Chain {
        let cas = self.knob(0, 1, 60);
        let room = ROOM - 700 - cas * 420;
        let for_names = room * self.knob(1, 1, 15) / 16;
        let kind = self.knob(2, 0, 8);
        let names = entries(kind, self.knob(3, 0, 40), for_names);
        let of_constraints = if self.knob(4, 0, 3) == 0 { self.knob(4, 0, 8) } else { kind };
        let length = if self.knob(5, 0, 3) == 0 { 1 << self.knob(5, 0, 14) } else { self.knob(5, 0, 40) };
        let subtree = |number: usize| {
            let base = letters(number, length);
            let base = match of_constraints {
                1 | 7 => tlv(0x81, &base),
                2 => tlv(0x86, &base),
                3 => tlv(0x87, &[11, 0, 0, 0, 255, 255, 255, 255]),
                4 | 5 => tlv(0xa4, &sequence(&[&tlv(0x31, &attribute(12, &base))])),
                6 => tlv(0xa0, &[tlv(6, &[0x2b]), tlv(0xa0, &tlv(12, &base))].concat()),
                _ => tlv(0x82, &base),
            };
            tlv(0x30, &base)
        };
        let link = |number: usize| if number == 0 { name("root") } else { name(&format!("ca {number}")) };
        let each = (room - for_names) / cas;
        let presented = (1..=cas).map(|number| {
            let (subject, issuer) = (link(number), link(number - 1));
            let mut certificate = Certificate::new(&subject, &issuer, self.signer);
            let excluded = tlv(0xa1, &fill(each, |place| subtree(place * 61 + number)));
            certificate.extensions = vec![ca(), extension(30, &tlv(0x30, &excluded))];
            certificate.der(Err(self.signer))
        });
        let presented = presented.collect();
        let (subject, issuer) = (name("db.test"), link(cas));
        let mut leaf = Certificate::new(&subject, &issuer, self.signer);
        leaf.extensions = vec![extension(17, &tlv(0x30, &names))];
        Chain { leaf: leaf.der(Err(self.signer)), presented, ..Chain::default() }
    }

    fn extensions(&self) -> Chain {
        let length = self.knob(0, 0, 3);
        let id = [14, 15, 17, 19, 30, 31, 35, 37, 32, 99][self.knob(1, 0, 9)];
        let arcs = 1 << self.knob(2, 0, 14);
        let critical = self.knob(3, 0, 1) == 1;
        let list = fill(ROOM - 500, |number| {
            let id = if self.knob(4, 0, 1) == 0 { id } else { u8::try_from(number % 100).unwrap_or(0) };
            let oid = if self.knob(5, 0, 1) == 0 {
                vec![0x55, 0x1d, id]
            } else {
                [&vec![0x81; arcs][..], &[id]].concat()
            };
            let critical = if critical { tlv(1, &[0xff]) } else { Vec::new() };
            sequence(&[&tlv(6, &oid), &critical, &tlv(4, &tlv(0x30, &vec![0; length]))])
        });
        Chain { leaf: self.leaf(&name("root"), vec![list]), ..Chain::default() }
    }

    fn policies(&self) -> Chain {
        let arcs = self.knob(0, 1, 40);
        let oid = |number: usize| {
            tlv(6, &[&vec![0x81; arcs][..], &[u8::try_from(number % 128).unwrap_or(0)]].concat())
        };
        let part = self.knob(1, 0, 2);
        let mut extensions = Vec::new();
        let room = (ROOM - 500) / if part == 2 { 2 } else { 1 };
        if part != 1 {
            extensions.push(extension(32, &tlv(0x30, &fill(room, |number| sequence(&[&oid(number)])))));
        }
        if part != 0 {
            extensions.push(extension(37, &tlv(0x30, &fill(room, oid))));
        }
        Chain { leaf: self.leaf(&name("root"), extensions), ..Chain::default() }
    }

    /// CRLs of the root, with these extensions.
    fn crl(&self, number: usize, extensions: &[u8]) -> Vec<u8> {
        let algorithm = sequence(&[&tlv(6, ECDSA_SHA256)]);
        let extensions = tlv(0xa0, &tlv(0x30, extensions));
        let update = [tlv(23, b"200101000000Z"), tlv(23, b"490101000000Z")].concat();
        let entry =
            sequence(&[&tlv(2, &[2, u8::try_from(number % 256).unwrap_or(0)]), &tlv(23, b"200101000000Z")]);
        let parts = [tlv(2, &[1]), algorithm.clone(), name("root"), update, tlv(0x30, &entry), extensions];
        signed(&tlv(0x30, &parts.concat()), &algorithm, Err(self.signer))
    }

    /// As many distribution points as fit, none of which a CRL names, and CRLs that name some.
    fn points(&self) -> Chain {
        let (kind, length) = (self.knob(0, 0, 8), self.knob(1, 0, 60));
        let in_point = 1 << self.knob(2, 0, 12);
        let with_issuer = self.knob(3, 0, 3);
        let issuer = tlv(0xa4, &name("root"));
        let points = fill(ROOM - 600, |number| {
            let names = entries(kind, length, (in_point * (length + 10)).min(ROOM - 1500) + 24);
            let names = tlv(0xa0, &tlv(0xa0, &names));
            let issuers = match with_issuer {
                0 => Vec::new(),
                1 => tlv(0xa2, &issuer),
                2 => tlv(0xa2, &issuer.repeat(in_point.min(500))),
                _ => tlv(0xa2, &tlv(0xa4, &name("rooz")).repeat(in_point.min(500))),
            };
            let reasons = tlv(0x81, &[0, 1 << (number % 8)]);
            sequence(&[&names, &reasons, &issuers])
        });
        let crls = self.knob(4, 1, 40);
        let names = self.knob(5, 1, 20);
        let crl = |number: usize| {
            let names = entries(kind, length, names * (length + 10) + 24);
            let other = tlv(0x86, &letters(number + 77, length));
            let point =
                tlv(0xa0, &tlv(0xa0, &[other, if number == 0 { names } else { Vec::new() }].concat()));
            self.crl(number, &extension(28, &tlv(0x30, &point)))
        };
        let leaf = self.leaf(&name("root"), vec![extension(31, &tlv(0x30, &points))]);
        Chain { leaf, crls: (0..crls).map(crl).collect(), ..Chain::default() }
    }

    /// A chain in which everybody has the name of the root, and CRLs that only the root can have signed.
    fn crls(&self) -> Chain {
        let depth = self.knob(0, 1, 100);
        let root_name = name("root");
        let rsa = rsa_key(&[0x7f; 256], &[1, 0, 1]);
        let each = ROOM / (depth + 1) - 8;
        let mut presented = Vec::new();
        let mut used = 1000;
        for number in 0..depth {
            let mut link = Certificate::new(&root_name, &root_name, self.signer);
            let is_last = number + 1 == depth;
            link.serial = vec![3, u8::try_from(number).unwrap_or(0)];
            // Each is signed, allegedly, with a key of the other type; that of the root is for ECDSA.
            if number % 2 == depth % 2 {
                link.algorithm = RSA_SHA256;
            } else {
                link.key.clone_from(&rsa);
            }
            link.extensions = vec![ca(), extension(14, &tlv(4, b"link"))];
            if !is_last {
                link.extensions.push(extension(35, &sequence(&[&tlv(0x80, b"link")])));
            }
            let room = each.saturating_sub(link.der(Ok(&[])).len() + 40);
            let point = |number: usize| {
                sequence(&[&tlv(0xa0, &tlv(0xa0, &tlv(0x86, &letters(number, self.knob(1, 0, 60)))))])
            };
            link.extensions.push(extension(31, &tlv(0x30, &fill(room, point))));
            let link = link.der(Ok(&[]));
            used += link.len() + PER_CERTIFICATE;
            if used > ROOM {
                break;
            }
            presented.push(link);
        }
        let crls = self.knob(2, 1, 40);
        let crl = |number: usize| {
            let identifier = match self.knob(3, 0, 2) {
                0 => Vec::new(),
                1 => extension(35, &sequence(&[&tlv(0x80, b"root")])),
                _ => {
                    let others = tlv(0x86, b"x").repeat(self.knob(4, 0, 500));
                    extension(35, &sequence(&[&tlv(0xa1, &[others, tlv(0xa4, &name("root"))].concat())]))
                }
            };
            let point = tlv(0xa0, &tlv(0xa0, &tlv(0x86, &letters(number + 77, self.knob(1, 0, 60)))));
            let point = if number == 0 { Vec::new() } else { extension(28, &tlv(0x30, &point)) };
            self.crl(number, &[identifier, point].concat())
        };
        let identifier = extension(35, &sequence(&[&tlv(0x80, b"link")]));
        let subject = name("db.test");
        let mut leaf = Certificate::new(&subject, &root_name, self.signer);
        leaf.extensions = vec![identifier];
        if depth % 2 == 1 {
            leaf.algorithm = RSA_SHA256;
        }
        Chain { leaf: leaf.der(Ok(&[])), presented, crls: (0..crls).map(crl).collect(), ..Chain::default() }
    }

    fn numbers(&self) -> Chain {
        let (subject, issuer) = (name("db.test"), name("root"));
        let mut leaf = Certificate::new(&subject, &issuer, self.signer);
        let room = ROOM - 700;
        let first = room * self.knob(0, 0, 8) / 8;
        let number = |length: usize, byte: u8| [&[0x7f], &vec![byte; length][..]].concat();
        let byte = [0, 0xff, 0x55][self.knob(1, 0, 2)];
        match self.knob(2, 0, 5) {
            0 => leaf.key = rsa_key(&number(first, byte), &number(room - first, byte)),
            1 => leaf.serial = number(room, byte),
            2 => {
                // Curve parameters written out.
                let field =
                    sequence(&[&tlv(6, b"\x2a\x86\x48\xce\x3d\x01\x01"), &tlv(2, &number(first, byte))]);
                let curve = sequence(&[
                    &tlv(4, &number((room - first) / 4, 1)),
                    &tlv(4, &number((room - first) / 4, 2)),
                ]);
                let base = tlv(4, &[&[4], &vec![3; (room - first) / 4][..]].concat());
                let parameters =
                    sequence(&[&tlv(2, &[1]), &field, &curve, &base, &tlv(2, &[0x7f; 32]), &tlv(2, &[1])]);
                let algorithm = sequence(&[&tlv(6, EC_KEY), &parameters]);
                leaf.key =
                    sequence(&[&algorithm, &tlv(3, &[&[0, 4], &vec![5; (room - first) / 8][..]].concat())]);
            }
            3 => {
                let salt = tlv(0xa2, &tlv(2, &number(first, byte)));
                let trailer = tlv(0xa3, &tlv(2, &number(room - first, byte)));
                let algorithm = sequence(&[&tlv(6, RSA_PSS), &sequence(&[&salt, &trailer])]);
                leaf.key = sequence(&[&algorithm, &tlv(3, &[0])]);
            }
            4 => {
                // A point with too many bytes.
                let algorithm = sequence(&[&tlv(6, EC_KEY), &tlv(6, P256)]);
                leaf.key = sequence(&[&algorithm, &tlv(3, &[&[0, 4], &vec![byte; room][..]].concat())]);
            }
            _ => {
                // Many certificates, each with a key that is computed with: the generator of brainpoolP512r1.
                let curve = b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d";
                let algorithm = sequence(&[&tlv(6, EC_KEY), &tlv(6, curve)]);
                let key = sequence(&[&algorithm, &tlv(3, &[&[0, 4], &[9; 128][..]].concat())]);
                let one = |number: usize| {
                    let mut link = Certificate::new(&issuer, &issuer, self.signer);
                    link.key.clone_from(&key);
                    link.serial = vec![3, u8::try_from(number).unwrap_or(0)];
                    link.der(Ok(&[]))
                };
                let length = one(0).len() + PER_CERTIFICATE;
                let presented = (0..(room / length).min(MOST - 1)).map(one).collect();
                return Chain { leaf: leaf.der(Ok(&[])), presented, ..Chain::default() };
            }
        }
        Chain { leaf: leaf.der(Ok(&[])), ..Chain::default() }
    }

    fn nested(&self) -> Chain {
        let depth = self.knob(0, 1, 29);
        let (tag, other) =
            ([0x10, 0x11, 0x30, 0x24][self.knob(1, 0, 3)], [0x10, 0x11, 0x30, 0x24][self.knob(2, 0, 3)]);
        let innermost =
            [tlv(2, &[7]), tlv(4, &[7]), tlv(0x10, &[]), vec![0x30, 0x80, 0, 0]][self.knob(3, 0, 3)].clone();
        let mut nest = innermost;
        for level in 0..depth {
            nest = tlv(if level % 2 == 0 { tag } else { other }, &nest);
        }
        let copies = 1 << self.knob(4, 0, 12);
        let many = fill((copies * nest.len()).min(ROOM - 400) + 24, |_| nest.clone());
        let leaf = if self.knob(5, 0, 1) == 0 { tlv(tag, &many) } else { sequence(&[&many]) };
        Chain { leaf, ..Chain::default() }
    }
}
