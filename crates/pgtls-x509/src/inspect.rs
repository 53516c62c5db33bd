//! A certificate told in words, for people who ask why a verdict is what it is.

use crate::{
    certificate::{
        Certificate,
        extensions::{ExtendedKeyUsage, key_usage},
        general_name::{GeneralName, general_names},
        name,
        time::Time,
    },
    display::{MAX_SHOWN, hex, push_escaped},
    error::{CertificateName, Object, X509Error},
    path::VerifiedPath,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};
use sha2::Digest;

/// Names of a certificate that are told; of the others the number is.
const MAX_NAMES: usize = 32;

/// What a certificate says, fit to be shown: printable ASCII, bounded. `Display` tells it in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// Subject, issuer and serial number.
    pub name: CertificateName,
    /// X.509 version, 1 to 3.
    pub version: u8,
    /// Begin of its validity, `2025-06-15 15:06:40 UTC`.
    pub not_before: String,
    /// End of its validity.
    pub not_after: String,
    /// Its key: `RSA, 2048 bits`.
    pub key: String,
    /// How it is signed: `ECDSA with SHA-256`.
    pub signature: String,
    /// Names and addresses it speaks for, at most 32: `DNS db.example.com`, `IP 192.0.2.1`, ...
    pub names: Vec<String>,
    /// Names that are not told.
    pub more_names: usize,
    /// The first commonName, where it is text.
    pub common_name: Option<String>,
    /// It is a CA by its basicConstraints.
    pub is_ca: bool,
    /// CAs it may have below it, where it says so.
    pub path_length: Option<u64>,
    /// What its key may be used for, where it says so.
    pub key_usage: Vec<&'static str>,
    /// What it may be used for, where it says so: `serverAuth`, ...
    pub extended_key_usage: Vec<&'static str>,
    /// It limits the names of certificates below it.
    pub has_name_constraints: bool,
    /// OpenSSL takes it for self-signed.
    pub self_signed: bool,
    /// What makes it invalid for OpenSSL, if anything does.
    pub invalid: Option<String>,
    /// SHA-256 of the whole certificate in hexadecimal digits.
    pub fingerprint: String,
}

impl Description {
    /// Describes a certificate of any version.
    pub fn of(certificate: &[u8]) -> Result<Self, X509Error> {
        let read = Certificate::read(certificate)
            .map_err(|error| X509Error::malformed(Object::Certificate, None, error))?;
        let extensions = &read.extensions;
        let alt_names = extensions.subject_alt_name.as_ref().map(|range| read.reader(range));
        let names: Vec<String> = alt_names
            .into_iter()
            .flat_map(general_names)
            .flatten()
            .take(MAX_NAMES)
            .map(|name| describe_name(&name))
            .collect();
        Ok(Self {
            name: CertificateName::of(&read),
            version: read.version,
            not_before: describe_time(read.not_before),
            not_after: describe_time(read.not_after),
            key: read.public_key.describe(),
            signature: read.signature_algorithm.describe(),
            more_names: extensions.subject_alt_name_count.saturating_sub(names.len()),
            names,
            common_name: name::first_common_name(read.subject()).map(escaped),
            is_ca: extensions.is_ca,
            path_length: extensions.path_length,
            key_usage: extensions.key_usage.map_or_else(Vec::new, key_usages),
            extended_key_usage: extensions.extended_key_usage.map_or_else(Vec::new, purposes),
            has_name_constraints: extensions.name_constraints.is_some(),
            self_signed: read.self_signed,
            invalid: extensions.invalid.map(|invalid| format!("{}: {}", invalid.name, invalid.error.problem)),
            fingerprint: hex(&sha2::Sha256::digest(certificate), usize::MAX),
        })
    }
}

impl VerifiedPath {
    /// The certificates of the path, described, from the peer's to the anchor.
    pub fn describe(&self) -> Vec<Description> {
        // All of them were read for the verdict.
        self.certificates.iter().filter_map(|certificate| Description::of(certificate).ok()).collect()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "subject      {}", self.name.subject)?;
        writeln!(
            f,
            "issuer       {}{}",
            self.name.issuer,
            if self.self_signed { " (self-signed)" } else { "" }
        )?;
        writeln!(f, "serial       {} (X.509 v{})", self.name.serial, self.version)?;
        writeln!(f, "valid        {} to {}", self.not_before, self.not_after)?;
        writeln!(f, "key          {}", self.key)?;
        writeln!(f, "signature    {}", self.signature)?;
        for name in &self.names {
            writeln!(f, "speaks for   {name}")?;
        }
        if self.more_names > 0 {
            writeln!(f, "speaks for   {} more", self.more_names)?;
        }
        match (self.is_ca, self.path_length) {
            (true, Some(length)) => writeln!(f, "CA           with at most {length} CAs below")?,
            (true, None) => writeln!(f, "CA           yes")?,
            (false, _) => {}
        }
        for (what, list) in [("key usage", &self.key_usage), ("purpose", &self.extended_key_usage)] {
            if !list.is_empty() {
                writeln!(f, "{what:<12} {}", list.join(", "))?;
            }
        }
        if self.has_name_constraints {
            writeln!(f, "constraints  on the names of certificates below")?;
        }
        if let Some(invalid) = &self.invalid {
            writeln!(f, "invalid      {invalid}")?;
        }
        write!(f, "SHA-256      {}", self.fingerprint)
    }
}

fn describe_time(time: Time) -> String {
    match time.civil() {
        Some([year, month, day, hour, minute, second]) => {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
        }
        None => String::from("(malformed)"),
    }
}

fn describe_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::Dns(text) => format!("DNS {}", escaped(text)),
        GeneralName::Email(text) => format!("e-mail {}", escaped(text)),
        GeneralName::Uri(text) => format!("URI {}", escaped(text)),
        GeneralName::Ip(octets) => format!("IP {}", describe_address(octets)),
        GeneralName::Directory { name, .. } => format!("directory {}", name::display(name.whole)),
        GeneralName::Other { .. } => String::from("another kind of name"),
        GeneralName::X400 => String::from("X.400 address"),
        GeneralName::EdiParty => String::from("EDI party"),
        GeneralName::RegisteredId => String::from("registered identifier"),
    }
}

fn describe_address(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        Ipv4Addr::from(octets).to_string()
    } else if let Ok(octets) = <[u8; 16]>::try_from(octets) {
        Ipv6Addr::from(octets).to_string()
    } else {
        format!("of {} octets", octets.len())
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_escaped(&mut out, &String::from_utf8_lossy(bytes), MAX_SHOWN);
    out
}

fn key_usages(bits: u16) -> Vec<&'static str> {
    [
        (key_usage::DIGITAL_SIGNATURE, "digitalSignature"),
        (0x0040, "nonRepudiation"),
        (key_usage::KEY_ENCIPHERMENT, "keyEncipherment"),
        (0x0010, "dataEncipherment"),
        (key_usage::KEY_AGREEMENT, "keyAgreement"),
        (key_usage::KEY_CERT_SIGN, "keyCertSign"),
        (key_usage::CRL_SIGN, "cRLSign"),
    ]
    .into_iter()
    .filter_map(|(bit, name)| (bits & bit != 0).then_some(name))
    .collect()
}

fn purposes(usage: ExtendedKeyUsage) -> Vec<&'static str> {
    let ExtendedKeyUsage { server, client, gated_crypto, any } = usage;
    let known = [
        (server, "serverAuth"),
        (client, "clientAuth"),
        (gated_crypto, "server gated crypto"),
        (any, "anyExtendedKeyUsage"),
    ];
    let named: Vec<_> = known.into_iter().filter_map(|(there, name)| there.then_some(name)).collect();
    // The extension is there, and names nothing that bears on TLS.
    if named.is_empty() { Vec::from(["nothing that bears on TLS"]) } else { named }
}
