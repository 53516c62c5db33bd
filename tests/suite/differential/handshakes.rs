//! Keys of servers: the verdict without a connection is that of a handshake, and accepts nothing that OpenSSL's client refuses.

use super::{
    der::{bits, explicit, integer, oid, sequence, set, tlv},
    oracle::release,
};
use crate::support::divergences::Divergences;
use ::openssl::{
    bn::{BigNum, BigNumContext},
    dsa::Dsa,
    ec::{Asn1Flag, EcGroup, EcKey, PointConversionForm},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
    ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion},
    x509::X509,
};
use pgtls_core::{
    environment::{Environment, Platform},
    files::load,
    param::{Ability, Params, Settings, TlsVersion},
};
use pgtls_os::{Disk, unix_time};
use pgtls_rustls::{
    Connector, TlsOptions, VersionRange, authenticating_versions, aws_lc_rs, clock, trust, verify_chain,
};
use pgtls_x509::{Purpose, SecurityLevel, Verdict, X509Error};
use rustls::ClientConnection;
use rustls_pki_types::UnixTime;
use std::{fs, io::Write as _, os::unix::net::UnixStream, path::Path, thread, time::Duration};

/// A server's key, and the SubjectPublicKeyInfo in its certificate.
struct ServerKey {
    name: &'static str,
    private: PKey<Private>,
    info: Vec<u8>,
    usage: Option<u8>,
}

impl ServerKey {
    fn new(name: &'static str, private: PKey<Private>) -> Self {
        let info = private.public_key_to_der().unwrap();
        Self { name, private, info, usage: None }
    }

    fn with_info(self, info: Vec<u8>) -> Self {
        Self { info, ..self }
    }

    fn with_usage(self, usage: u8) -> Self {
        Self { usage: Some(usage), ..self }
    }
}

fn curve(nid: Nid, flag: Asn1Flag) -> EcKey<Private> {
    let mut group = EcGroup::from_curve_name(nid).unwrap();
    group.set_asn1_flag(flag);
    EcKey::generate(&group).unwrap()
}

fn rsa(bits: u32, exponent: &[u8]) -> PKey<Private> {
    let exponent = BigNum::from_slice(exponent).unwrap();
    PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).unwrap()).unwrap()
}

/// The SubjectPublicKeyInfo of an RSA key under another AlgorithmIdentifier.
fn rsa_info(key: &PKey<Private>, algorithm: &[Vec<u8>]) -> Vec<u8> {
    let key = key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    sequence(&[sequence(algorithm), bits(0, &key)])
}

const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const F4: &[u8] = &[1, 0, 1];

fn keys() -> Vec<ServerKey> {
    let named = |name, nid| {
        let key = PKey::from_ec_key(curve(nid, Asn1Flag::NAMED_CURVE)).unwrap();
        ServerKey::new(name, key)
    };
    let compressed = curve(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE);
    let point = |form| {
        let mut context = BigNumContext::new().unwrap();
        compressed.public_key().to_bytes(compressed.group(), form, &mut context).unwrap()
    };
    let [point, hybrid] = [PointConversionForm::COMPRESSED, PointConversionForm::HYBRID].map(point);
    let compressed = PKey::from_ec_key(compressed).unwrap();
    let p256 = [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")];
    let written_out = PKey::from_ec_key(curve(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE)).unwrap();
    let usual = rsa(2048, F4);
    let without_null = rsa_info(&usual, &[oid("1.2.840.113549.1.1.1")]);
    let numbers = usual.rsa().unwrap().private_key_to_der().unwrap();
    let x509_rsa = rsa_info(&usual, &[oid("2.5.8.1.1"), tlv(5, &[])]);
    let pss = |parameters: &[Vec<u8>]| {
        let algorithm = sequence(&[&[oid("1.2.840.113549.1.1.10")], parameters].concat());
        let key = sequence(&[integer(&[0]), algorithm.clone(), tlv(4, &numbers)]);
        let public = rsa_info(&usual, &[]);
        // The empty algorithm of that has two bytes, and the header of the whole four.
        let info = sequence(&[algorithm, public[6..].to_vec()]);
        (PKey::private_key_from_pkcs8(&key).unwrap(), info)
    };
    let hash = |last: u8, null: &[u8]| {
        let name = tlv(6, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last]);
        sequence(&[name, null.to_vec()])
    };
    let (sha256, sha512) = (hash(1, &[5, 0]), hash(3, &[5, 0]));
    let mgf1 = |hash: &Vec<u8>| explicit(1, &[sequence(&[oid("1.2.840.113549.1.1.8"), hash.clone()])]);
    let restricted = |name, parameters: &[Vec<u8>]| {
        let (key, info) = pss(&[sequence(parameters)]);
        ServerKey::new(name, key).with_info(info)
    };
    vec![
        named("P-256", Nid::X9_62_PRIME256V1),
        named("P-256, to sign", Nid::X9_62_PRIME256V1).with_usage(DIGITAL_SIGNATURE),
        named("P-256, to encipher", Nid::X9_62_PRIME256V1).with_usage(KEY_ENCIPHERMENT),
        named("P-384", Nid::SECP384R1),
        named("P-521", Nid::SECP521R1),
        named("P-224", Nid::SECP224R1),
        named("secp256k1", Nid::SECP256K1),
        named("brainpoolP256r1", Nid::BRAINPOOL_P256R1),
        ServerKey::new("P-256, written out", written_out),
        ServerKey::new("P-256, compressed", compressed.clone())
            .with_info(sequence(&[sequence(&p256), bits(0, &point)])),
        ServerKey::new("P-256, hybrid", compressed).with_info(sequence(&[sequence(&p256), bits(0, &hybrid)])),
        ServerKey::new("RSA, without NULL", usual.clone()).with_info(without_null),
        ServerKey::new("RSA, under 2.5.8.1.1", usual.clone()).with_info(x509_rsa),
        ServerKey::new("RSA, for RSASSA-PSS alone", pss(&[]).0),
        restricted("RSA-PSS with SHA-256", &[explicit(0, std::slice::from_ref(&sha256)), mgf1(&sha256)]),
        restricted(
            "RSA-PSS with SHA-256, without NULL",
            &[explicit(0, &[hash(1, &[])]), mgf1(&hash(1, &[])), explicit(2, &[integer(&[32])])],
        ),
        restricted("RSA-PSS with SHA-256, MGF1 with SHA-1", &[explicit(0, std::slice::from_ref(&sha256))]),
        restricted(
            "RSA-PSS with SHA-256, salt of 33",
            &[explicit(0, std::slice::from_ref(&sha256)), mgf1(&sha256), explicit(2, &[integer(&[33])])],
        ),
        restricted("RSA-PSS with SHA-512", &[explicit(0, std::slice::from_ref(&sha512)), mgf1(&sha512)]),
        restricted("RSA-PSS with SHA-1", &[]),
        ServerKey::new("RSA, to encipher", usual.clone()).with_usage(KEY_ENCIPHERMENT),
        ServerKey::new("RSA", usual),
        ServerKey::new("RSA, exponent 3", rsa(2048, &[3])),
        ServerKey::new("RSA, exponent of 41 bits", rsa(2048, &[1, 0, 0, 0, 0, 15])),
        ServerKey::new("RSA, 1024 bits", rsa(1024, F4)),
        ServerKey::new("RSA, 1984 bits", rsa(1984, F4)),
        ServerKey::new("Ed25519", PKey::generate_ed25519().unwrap()),
        ServerKey::new("Ed25519, to encipher", PKey::generate_ed25519().unwrap())
            .with_usage(KEY_ENCIPHERMENT),
        ServerKey::new("Ed448", PKey::generate_ed448().unwrap()),
        ServerKey::new("DSA", PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap()),
    ]
}

/// A certificate with this key.
fn certificate(subject: &str, info: &[u8], extensions: &[Vec<u8>], issuer: &PKey<Private>) -> Vec<u8> {
    let name = |text: &str| sequence(&[set(&[sequence(&[oid("2.5.4.3"), tlv(0x0c, text.as_bytes())])])]);
    let times = sequence(&[tlv(0x17, b"240101000000Z"), tlv(0x18, b"20990101000000Z")]);
    let algorithm = sequence(&[oid("1.2.840.10045.4.3.2")]);
    let signed = sequence(&[
        explicit(0, &[integer(&[2])]),
        integer(&[7]),
        algorithm.clone(),
        name("authority"),
        times,
        name(subject),
        info.to_vec(),
        explicit(3, &[sequence(extensions)]),
    ]);
    let mut signer = Signer::new(MessageDigest::sha256(), issuer).unwrap();
    let signature = signer.sign_oneshot_to_vec(&signed).unwrap();
    sequence(&[signed, algorithm, bits(0, &signature)])
}

fn extension(dotted: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(dotted), tlv(4, value)])
}

/// The files of a client in a folder, and the authority that it trusts.
struct World {
    folder: tempfile::TempDir,
    authority: PKey<Private>,
}

impl World {
    fn new() -> Self {
        let authority = PKey::from_ec_key(curve(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE)).unwrap();
        let constraints = extension("2.5.29.19", &sequence(&[tlv(1, &[0xff])]));
        let info = authority.public_key_to_der().unwrap();
        let root = certificate("authority", &info, &[constraints], &authority);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.crt"), super::der::pem("CERTIFICATE", &root)).unwrap();
        Self { folder, authority }
    }

    fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("root.crt")
    }

    fn leaf(&self, key: &ServerKey) -> Vec<u8> {
        let host = extension("2.5.29.17", &sequence(&[tlv(0x82, b"db.test")]));
        let usage = key.usage.map(|usage| extension("2.5.29.15", &bits(5, &[usage])));
        let extensions: Vec<_> = usage.into_iter().chain([host]).collect();
        certificate("db.test", &key.info, &extensions, &self.authority)
    }
}

/// A server of OpenSSL's that takes any of its own keys, for one handshake.
fn serve(stream: UnixStream, leaf: &[u8], key: &PKey<Private>) -> thread::JoinHandle<()> {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_security_level(0);
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context.set_certificate(&X509::from_der(leaf).unwrap()).unwrap();
    context.set_private_key(key).unwrap();
    let ssl = Ssl::new(&context.build()).unwrap();
    thread::spawn(move || {
        if let Ok(mut stream) = ssl.accept(stream) {
            let _ = stream.write_all(b"done");
        }
    })
}

fn patient() -> (UnixStream, UnixStream) {
    let (client, server) = UnixStream::pair().unwrap();
    for end in [&client, &server] {
        end.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    }
    (client, server)
}

/// Whether our handshake succeeds, with the chain verified.
fn shakes(connector: &Connector, leaf: &[u8], key: &PKey<Private>) -> bool {
    let (mut client, server) = patient();
    let server = serve(server, leaf, key);
    let session = connector.session(Some("db.test")).unwrap();
    let mut tls = ClientConnection::new(session.config(), session.server_name()).unwrap();
    let mut result = Ok((0, 0));
    while result.is_ok() && tls.is_handshaking() {
        result = tls.complete_io(&mut client);
    }
    drop(client);
    server.join().unwrap();
    result.is_ok() && session.facts(&tls).is_some_and(|facts| facts.chain.is_some())
}

/// Whether that of OpenSSL's client does.
fn openssl_shakes(root: &Path, level: u8, maximum: TlsVersion, leaf: &[u8], key: &PKey<Private>) -> bool {
    let (client, server) = patient();
    let server = serve(server, leaf, key);
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_security_level(level.into());
    context.set_cipher_list(&format!("DEFAULT:@SECLEVEL={level}")).unwrap();
    context.set_ca_file(root).unwrap();
    context.set_verify(SslVerifyMode::PEER);
    let maximum = if maximum == TlsVersion::Tls1_2 { SslVersion::TLS1_2 } else { SslVersion::TLS1_3 };
    context.set_max_proto_version(Some(maximum)).unwrap();
    let result = Ssl::new(&context.build()).unwrap().connect(client).is_ok();
    server.join().unwrap();
    result
}

#[test]
fn the_verdict_on_a_servers_key_is_that_of_a_handshake() {
    let world = World::new();
    let root = world.root();
    let mut refused_for_the_key = Vec::new();
    let mut divergences = Divergences::of("server key");
    // Keys that only later releases take.
    let mut later = (release() >= [3, 2, 0]).then(|| Divergences::of("server key, OpenSSL 3.2 and later"));
    for key in keys() {
        let leaf = world.leaf(&key);
        for (level, maximum) in [
            (0, TlsVersion::Tls1_3),
            (0, TlsVersion::Tls1_2),
            (2, TlsVersion::Tls1_3),
            (2, TlsVersion::Tls1_2),
        ] {
            let mut options = TlsOptions::new(aws_lc_rs(), clock(|| Duration::from_secs(unix_time())));
            options.security_level = SecurityLevel(level);
            options.versions = VersionRange { minimum: None, maximum: Some(maximum) };
            let settings = format!("host=db.test user=u sslmode=verify-full sslrootcert={}", root.display());
            let environment = Environment::empty(Platform::Unix);
            let settings = Settings::parse(&settings).unwrap();
            let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
            let loaded = load(&params, &environment, &Disk);
            let (roots, crls) = trust(&loaded).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(unix_time()));
            let verdict = verify_chain(&[&leaf], (&roots, crls.as_ref()), now, Purpose::Server, &options);

            let case = format!("{}, {maximum}, level {level}", key.name);
            let shaken = shakes(&Connector::new(&params, &loaded, &options), &leaf, &key.private);
            assert_eq!(verdict.is_ok(), shaken, "{case}: {verdict:?}");
            let openssl = openssl_shakes(&root, level, maximum, &leaf, &key.private);
            assert!(openssl || !shaken, "{case}: OpenSSL refuses");
            assert!(
                shaken
                    || !openssl
                    || divergences.explains(&case, "ssl", "fail")
                    || later.as_mut().is_some_and(|later| later.explains(&case, "ssl", "fail")),
                "{case}: OpenSSL accepts"
            );
            if let Err(X509Error::Path(error)) = &verdict
                && error.verdict == Verdict::UnsupportedKey
            {
                assert_eq!(error.depth, 0);
                if level == 2 {
                    refused_for_the_key.push((key.name, maximum));
                }
                assert!(authenticating_versions(&leaf, Purpose::Server, &options).is_err());
            }
        }
    }
    divergences.finish();
    if let Some(later) = later {
        later.finish();
    }
    let always = [
        "P-224",
        "secp256k1",
        "brainpoolP256r1",
        "RSA-PSS with SHA-256, salt of 33",
        "RSA-PSS with SHA-1",
        "Ed448",
        "DSA",
    ]
    .map(|name| (name, TlsVersion::Tls1_3));
    let (in_tls13, in_tls12): (Vec<_>, Vec<_>) =
        refused_for_the_key.into_iter().partition(|(_, maximum)| *maximum == TlsVersion::Tls1_3);
    assert_eq!(in_tls13, always);
    let in_tls12: Vec<_> = in_tls12.into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        in_tls12,
        [
            "P-256, to encipher",
            "P-224",
            "secp256k1",
            "brainpoolP256r1",
            "P-256, compressed",
            "P-256, hybrid",
            "RSA, for RSASSA-PSS alone",
            "RSA-PSS with SHA-256",
            "RSA-PSS with SHA-256, without NULL",
            "RSA-PSS with SHA-256, MGF1 with SHA-1",
            "RSA-PSS with SHA-256, salt of 33",
            "RSA-PSS with SHA-512",
            "RSA-PSS with SHA-1",
            "Ed25519, to encipher",
            "Ed448",
            "DSA"
        ]
    );
}
