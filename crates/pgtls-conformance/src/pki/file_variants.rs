//! Files as people have them: certificates, CRLs and keys in every form that a reader must take, or refuse as OpenSSL does.

use super::{
    Pki, PkiError, der,
    encrypt::{self, Cipher, Scheme},
    key::{KeyKind, pem},
};
use ::der::asn1::ObjectIdentifier;

/// Names of root files in odd forms; see [`root_file`].
pub(super) const ROOT_FILES: &[&str] = &[
    "bundle-many",
    "leaf-good",
    "leaf+inter",
    "all-chain",
    "crlf",
    "cr-only",
    "text-before",
    "text-between",
    "empty",
    "newline",
    "garbage",
    "garbage-block",
    "garbage-then-good",
    "good-then-garbage-block",
    "good-then-text",
    "good-then-truncated",
    "truncated",
    "no-end",
    "dup",
    "bom",
    "leading-space",
    "trailing-space",
    "no-final-newline",
    "one-line",
    "long-lines",
    "x509-label",
    "lower-label",
    "key-then-root",
    "root-then-key",
    "only-key",
    "crl-then-root",
    "root-and-crls",
    "pkcs7-label",
    "headers",
    "blank-lines-inside",
    "der",
    "der-two",
    "nul-bytes",
    "trailing-nul",
    "trailing-der-junk",
    "utf16",
    "trusted",
    "trusted-addtrust-server",
    "trusted-addtrust-client",
    "trusted-reject-server",
    "trusted-reject-client",
    "cross+root2",
    "expired-root+root",
];

/// Names of CRL files in odd forms; see [`crl_file`].
pub(super) const CRL_FILES: &[&str] =
    &["good-then-garbage", "garbage", "empty", "der", "cert", "crlf", "cert+crls"];

/// A file of client certificates or keys.
pub(super) struct ClientFile {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    pub(super) secret: bool,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "-----END CERTIFICATE-----\n";
/// A block that looks like a certificate and is none.
const GARBAGE_BLOCK: &str = "-----BEGIN CERTIFICATE-----\nMIIBthisisnotacert\n-----END CERTIFICATE-----\n";

/// A root file in the odd form of this name.
pub(super) fn root_file(pki: &Pki, name: &str) -> Result<Vec<u8>, PkiError> {
    Ok(match name {
        "bundle-many" => {
            let all = pki.names(super::Kind::Authority).into_iter();
            all.map(|name| Ok(pki.authority(name)?.certificate_pem()))
                .collect::<Result<String, PkiError>>()?
                .into()
        }
        "trusted" => trusted(pki, None)?,
        "trusted-addtrust-server" => trusted(pki, Some((false, SERVER_AUTH)))?,
        "trusted-addtrust-client" => trusted(pki, Some((false, CLIENT_AUTH)))?,
        "trusted-reject-server" => trusted(pki, Some((true, SERVER_AUTH)))?,
        "trusted-reject-client" => trusted(pki, Some((true, CLIENT_AUTH)))?,
        _ => root_form(pki, name)?,
    })
}

fn root_form(pki: &Pki, name: &str) -> Result<Vec<u8>, PkiError> {
    let certificate = |name: &str| Ok::<_, PkiError>(pki.authority(name)?.certificate_pem());
    let (root, inter, root2) = (certificate("root")?, certificate("inter")?, certificate("root2")?);
    let good = pki.server("good")?.certificate_pem();
    let der = pki.authority("root")?.leaf().to_vec();
    let key = pki.authority("root")?.key_pem();
    let crls = || Ok::<_, PkiError>((pki.crl_file("root")?, pki.crl_file("inter")?));
    let base64: String = root.replace(BEGIN, "").replace(END, "").lines().collect();
    let half = |text: &str| text.get(..text.len() / 2).unwrap_or_default().to_owned();
    let lines =
        |change: &dyn Fn(&str) -> String| root.lines().map(|line| change(line) + "\n").collect::<String>();
    let relabelled = |label: &str| root.replace(" CERTIFICATE-", &format!(" {label}-"));
    Ok(match name {
        "leaf-good" => good,
        "leaf+inter" => good + &inter,
        "all-chain" => good + &inter + &root,
        "crlf" => root.replace('\n', "\r\n"),
        "cr-only" => root.replace('\n', "\r"),
        "text-before" => format!("Certificate:\n  Text for people, as a command prints it\n{root}"),
        "text-between" => format!("{root2}# a comment\nsubject=/CN=x\n{root}"),
        "newline" => "\n".to_owned(),
        "garbage" => "this is not a certificate\n".repeat(4),
        "garbage-block" => GARBAGE_BLOCK.to_owned(),
        "garbage-then-good" => GARBAGE_BLOCK.to_owned() + &root,
        "good-then-garbage-block" => root + GARBAGE_BLOCK,
        "good-then-text" => root + "\ntext that follows\n",
        "good-then-truncated" => root + &half(&root2),
        "truncated" => half(&root),
        "no-end" => root.replace(END, ""),
        "dup" => root.repeat(2),
        "bom" => format!("\u{feff}{root}"),
        "leading-space" => lines(&|line| format!("  {line}")),
        "trailing-space" => lines(&|line| format!("{line}   ")),
        "no-final-newline" => root.trim_end().to_owned(),
        "one-line" => format!("{BEGIN}{base64}\n{END}"),
        "long-lines" => {
            let (mut body, mut rest) = (String::new(), base64.as_str());
            while !rest.is_empty() {
                let (line, after) = rest.split_at(rest.len().min(76));
                body += line;
                body.push('\n');
                rest = after;
            }
            format!("{BEGIN}{body}{END}")
        }
        "x509-label" => relabelled("X509 CERTIFICATE"),
        "lower-label" => relabelled("certificate"),
        "pkcs7-label" => relabelled("PKCS7"),
        "key-then-root" => key + &root,
        "root-then-key" => root + &key,
        "only-key" => key,
        "crl-then-root" => crls()?.0 + &root,
        "root-and-crls" => {
            let (of_root, of_inter) = crls()?;
            root + &of_root + &of_inter
        }
        "headers" => root.replace(BEGIN, &format!("{BEGIN}X-Note: hi\n\n")),
        "blank-lines-inside" => root.replace('\n', "\n\n"),
        "cross+root2" => certificate("cross")? + &root2,
        "expired-root+root" => certificate("rootexp")? + &root,
        "der" => return Ok(der),
        "der-two" => return Ok([der, pki.authority("root2")?.leaf().to_vec()].concat()),
        "nul-bytes" => return Ok([&[0; 32], root.as_bytes()].concat()),
        "trailing-nul" => return Ok([root.as_bytes(), &[0; 16]].concat()),
        "trailing-der-junk" => pem("CERTIFICATE", &[der, der::null()].concat()),
        "utf16" => {
            let units = [0xFEFF].into_iter().chain(root.encode_utf16());
            return Ok(units.flat_map(u16::to_le_bytes).collect());
        }
        // "empty", and nothing else that is in the list.
        _ => String::new(),
    }
    .into_bytes())
}

/// OpenSSL's own form of certificates (`X509_CERT_AUX`): after the certificate stands what it is trusted or rejected for.
fn trusted(pki: &Pki, setting: Option<(bool, ObjectIdentifier)>) -> Result<Vec<u8>, PkiError> {
    let auxiliary = setting.map(|(reject, purpose)| {
        let tag = if reject { der::tag::context_constructed(0) } else { der::tag::SEQUENCE };
        der::sequence([der::tlv(tag, [der::oid(purpose)])])
    });
    let der = [pki.authority("root")?.leaf().to_vec(), auxiliary.unwrap_or_default()].concat();
    Ok(pem("TRUSTED CERTIFICATE", &der).into_bytes())
}

/// A CRL file in the odd form of this name.
pub(super) fn crl_file(pki: &Pki, name: &str) -> Result<Vec<u8>, PkiError> {
    let both = || Ok::<_, PkiError>(pki.crl_file("root")? + &pki.crl_file("inter")?);
    let root = || Ok::<_, PkiError>(pki.authority("root")?.certificate_pem());
    Ok(match name {
        "good-then-garbage" => both()? + "-----BEGIN X509 CRL-----\nnot base64 !!\n-----END X509 CRL-----\n",
        "garbage" => "this is not a CRL\n".to_owned(),
        "der" => return Ok(pki.crl("root")?.to_vec()),
        "cert" => root()?,
        "crlf" => both()?.replace('\n', "\r\n"),
        "cert+crls" => root()? + &both()?,
        // "empty".
        _ => String::new(),
    }
    .into_bytes())
}

/// Client certificates and keys in odd forms.
pub(super) fn client_files(pki: &Pki) -> Result<Vec<ClientFile>, PkiError> {
    let groups = [certificates(pki)?, keys(pki)?, encrypted_keys(pki, "good")?, encrypted_keys(pki, "rsa")?];
    Ok(groups.into_iter().flatten().collect())
}

fn public(name: &str, content: impl Into<Vec<u8>>) -> ClientFile {
    ClientFile { name: name.to_owned(), content: content.into(), secret: false }
}

fn secret(name: &str, content: impl Into<Vec<u8>>) -> ClientFile {
    ClientFile { name: name.to_owned(), content: content.into(), secret: true }
}

fn certificates(pki: &Pki) -> Result<Vec<ClientFile>, PkiError> {
    let good = pki.client("good")?;
    let (chain, leaf) = (good.chain_pem(), good.certificate_pem());
    let authority = pki.authority("clientca")?.certificate_pem();
    let cut = authority.get(..200).unwrap_or_default();
    Ok(vec![
        public("garbage.crt", "not a certificate\n"),
        public("empty.crt", ""),
        public("der.crt", good.leaf().to_vec()),
        public("crlf.crt", chain.replace('\n', "\r\n")),
        public("text-before.crt", format!("Certificate:\n text\n{chain}")),
        public("dup.crt", format!("{leaf}{leaf}{authority}")),
        public("ca-first.crt", format!("{authority}{leaf}")),
        public("chain-garbage.crt", format!("{leaf}{GARBAGE_BLOCK}")),
        public("chain-truncated.crt", format!("{leaf}{cut}")),
        public("trusted.crt", pem("TRUSTED CERTIFICATE", good.leaf())),
        public("x509-label.crt", chain.replace(" CERTIFICATE-", " X509 CERTIFICATE-")),
    ])
}

fn keys(pki: &Pki) -> Result<Vec<ClientFile>, PkiError> {
    let good = pki.client("good")?;
    let (key, chain) = (good.key_pem(), good.chain_pem());
    let other = pki.client("unrelated")?.key_pem();
    let half = key.get(..key.len() / 2).unwrap_or_default();
    let parameters = pem("EC PARAMETERS", &der::oid(P256));
    let traditional = pem("EC PRIVATE KEY", &traditional(pki, "good")?);
    Ok(vec![
        secret("mismatch.key", other.clone()),
        secret("mismatch-rsa.key", pki.client("rsa")?.key_pem()),
        secret("ecparams-then.key", parameters + &traditional),
        secret("combined.pem", format!("{chain}{key}")),
        secret("combined-keyfirst.pem", format!("{key}{chain}")),
        secret("key-crlf.key", key.replace('\n', "\r\n")),
        secret("key-text-before.key", format!("Some text\n{key}")),
        secret("key-two.key", format!("{key}{other}")),
        secret("key-two-wrongfirst.key", format!("{other}{key}")),
        secret("key-garbage.key", "not a key\n"),
        secret("key-empty.key", ""),
        secret("key-truncated.key", half),
        secret("key-cert-in.key", chain),
        secret("key-public.key", good.key().public_pem()),
    ])
}

/// A client's key in the forms that came before PKCS#8, and under a passphrase.
fn encrypted_keys(pki: &Pki, client: &str) -> Result<Vec<ClientFile>, PkiError> {
    let pkcs8 = pki.client(client)?.key().pkcs8_bytes();
    let old = traditional(pki, client)?;
    let label = if client == "rsa" { "RSA PRIVATE KEY" } else { "EC PRIVATE KEY" };
    let encrypted = |scheme| encrypt::pkcs8(&pkcs8, scheme);
    let under = |scheme| pem("ENCRYPTED PRIVATE KEY", &encrypted(scheme));
    let by_headers = |cipher| encrypt::traditional(label, &old, cipher);
    let name = |form: &str| format!("{client}-{form}.key");
    Ok(vec![
        secret(&name("trad"), pem(label, &old)),
        secret(&name("der8"), pkcs8.clone()),
        secret(&name("dertrad"), old.clone()),
        secret(&name("derenc8"), encrypted(Scheme::Aes256)),
        secret(&name("enc8"), under(Scheme::Aes256)),
        secret(&name("enc8-3des"), under(Scheme::TripleDes)),
        secret(&name("enc8-aes128sha1"), under(Scheme::Aes128Sha1)),
        secret(&name("enc8-scrypt"), under(Scheme::Scrypt)),
        secret(&name("enc8-pbe3des"), under(Scheme::Pkcs12)),
        secret(&name("enctrad"), by_headers(Cipher::Aes256)),
        secret(&name("enctrad-aes128"), by_headers(Cipher::Aes128)),
        secret(&name("enctrad-des3"), by_headers(Cipher::TripleDes)),
    ])
}

/// RSAPrivateKey, or ECPrivateKey with the name of its curve, which PKCS#8 has elsewhere.
fn traditional(pki: &Pki, client: &str) -> Result<Vec<u8>, PkiError> {
    let key = pki.client(client)?.key();
    let inner = key.inner();
    if key.kind() != KeyKind::P256 {
        return Ok(inner);
    }
    // Version and the number itself; what may follow is optional.
    let fields = der::children(&inner).into_iter().flat_map(der::children).nth(1).map(<[u8]>::to_vec);
    let curve = der::tlv(der::tag::context_constructed(0), [der::oid(P256)]);
    Ok(der::sequence([der::integer(1), der::octets(fields.unwrap_or_default()), curve]))
}

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
