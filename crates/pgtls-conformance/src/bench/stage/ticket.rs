//! A Kerberos ticket that opens no door: a client that can do GSSAPI finds credentials, and tries.
//!
//! The format is MIT Kerberos' credential cache, version 4: every number is big-endian, every text has its length before it
//! (<https://web.mit.edu/kerberos/krb5-latest/doc/formats/ccache_file_format.html>).

use std::time::{Duration, SystemTime};

const REALM: &str = "ZOO.TEST";
/// `NT-PRINCIPAL` and `NT-SRV-INST` (RFC 4120, section 6.2).
const PERSON: u32 = 1;
const SERVICE: u32 = 2;
/// `aes256-cts-hmac-sha1-96` (RFC 3962).
const KEY_TYPE: u16 = 18;
/// `FORWARDABLE`.
const FLAGS: u32 = 0x4000_0000;
const AGE: Duration = Duration::from_secs(100);
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A cache with one ticket for the realm's own service, which begins a little before `now` and lasts a day.
pub(super) fn credential_cache(now: SystemTime) -> Vec<u8> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX).to_be_bytes();
    let (from, until) = (seconds(now.saturating_sub(AGE)), seconds(now.saturating_add(LIFE)));
    let client = principal(PERSON, &["zoo"]);
    [
        // Version 4, and no header.
        &[5, 4, 0, 0],
        &client[..],
        // The one credential.
        &client,
        &principal(SERVICE, &["krbtgt", REALM]),
        &KEY_TYPE.to_be_bytes(),
        &counted(&[b'k'; 32]),
        // Authenticated, valid from, valid until, renewable until.
        &from,
        &from,
        &until,
        &until,
        // Is no session key.
        &[0],
        &FLAGS.to_be_bytes(),
        // No addresses, no authorization data.
        &[0; 8],
        &counted(b"a\x05ticket"),
        // No second ticket.
        &counted(b""),
    ]
    .concat()
}

fn principal(kind: u32, components: &[&str]) -> Vec<u8> {
    let count = u32::try_from(components.len()).unwrap_or_default();
    let mut out = [kind.to_be_bytes(), count.to_be_bytes()].concat();
    for text in [REALM].iter().chain(components) {
        out.extend(counted(text.as_bytes()));
    }
    out
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn klist_reads_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), credential_cache(SystemTime::now())).unwrap();
        let Ok(output) = std::process::Command::new("klist").arg(file.path()).output() else {
            return eprintln!("skipped: the Kerberos ticket: klist is not installed");
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("zoo@ZOO.TEST") && text.contains("krbtgt/ZOO.TEST@ZOO.TEST"), "{output:?}");
    }
}
