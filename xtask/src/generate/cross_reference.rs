//! OpenSSL's cross reference of signature algorithms as a Rust table, from the rows that a test compares with OpenSSL.

use crate::workspace::Workspace;
use std::fmt::Write;

/// The rows.
const SOURCE: &str = "tests/data/signature_ids.tsv";
/// The Rust table.
pub(super) const TABLE: &str = "crates/pgtls-x509/src/certificate/cross_reference.rs";

const HEAD: &str = "\
//! OpenSSL's cross reference of signature algorithms (OpenSSL: `OBJ_find_sigid_algs`).
//!
//! Generated from tests/data/signature_ids.tsv by `cargo xtask generate`.

use super::algorithm::{Hash, SignatureId, SignerKind};
use der::asn1::ObjectIdentifier;

const fn row(
    oid: &'static str,
    digest: Option<Hash>,
    signer: SignerKind,
    releases: [bool; 2],
) -> SignatureId {
    SignatureId { oid: ObjectIdentifier::new_unwrap(oid), digest, signer, releases }
}

";

pub(super) fn content(workspace: &Workspace) -> String {
    table(workspace.file(SOURCE).map_or("", |file| &file.text))
}

/// The rows are sorted as their identifiers are in DER.
fn table(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1);
    let rows: Vec<String> = lines.map(row).collect();
    let mut out = String::from(HEAD);
    out.push_str("/// The rows, sorted by the DER of their identifiers.\n");
    writeln!(out, "pub(super) static CROSS_REFERENCE: [SignatureId; {}] = [", rows.len())
        .expect("a String takes any text");
    out.extend(rows);
    out.push_str("];\n");
    out
}

fn row(line: &str) -> String {
    let fields: Vec<&str> = line.split('\t').collect();
    let [oid, name, digest, key, in_3_0, in_3_5] = fields[..] else {
        return format!("    compile_error!({:?}),\n", format!("{SOURCE}: {line}"));
    };
    let digest = hash(digest).map_or_else(|| "None".to_owned(), |hash| format!("Some(Hash::{hash})"));
    let signer = signer(key);
    let releases = [in_3_0, in_3_5].map(|has| (has == "yes").to_string()).join(", ");
    format!("    // {name}\n    row(\"{oid}\", {digest}, SignerKind::{signer}, [{releases}]),\n")
}

/// The variant of a digest's short name, if it has one.
fn hash(digest: &str) -> Option<String> {
    let name = match digest {
        "MD5" => "Md5".to_owned(),
        "SHA1" => "Sha1".to_owned(),
        "RIPEMD160" => "Ripemd160".to_owned(),
        "SHA224" | "SHA256" | "SHA384" | "SHA512" => digest.replace("SHA", "Sha"),
        _ => format!("Sha3Of{}", digest.strip_prefix("SHA3-")?),
    };
    Some(name)
}

/// The variant of a kind of key. Two kinds have a second identifier, for which OpenSSL takes the same keys.
fn signer(key: &str) -> &'static str {
    match key {
        "rsaEncryption" | "RSA" => "Rsa",
        "RSASSA-PSS" => "RsaPss",
        "id-ecPublicKey" => "Ec",
        "DSA" | "DSA-old" => "Dsa",
        "ED25519" => "Ed25519",
        "ED448" => "Ed448",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_it_stands() {
        let table = table(
            "# a comment\nidentifier\tname\n1.2.3\tA\tSHA3-224\tRSA\tno\tyes\n1.2.4\tB\tSM3\tSM2\tyes\tyes\n",
        );
        let rows = "[SignatureId; 2] = [\n    // A\n    row(\"1.2.3\", Some(Hash::Sha3Of224), SignerKind::Rsa, [false, true]),\n    \
                    // B\n    row(\"1.2.4\", None, SignerKind::Other, [true, true]),\n];\n";
        assert!(table.ends_with(rows), "{table}");
    }
}
