//! Commands whose value is a list of flags: `Protocol` and `VerifyMode` (OpenSSL: `CONF_parse_list`,
//! `ssl_set_option_list`).

use pgtls_core::param::TlsVersion;

/// Versions of TLS that are switched off one by one, whatever the bounds are (OpenSSL: `SSL_OP_NO_TLSv1_3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionsOff(u8);

impl VersionsOff {
    /// Whether this version is off.
    pub const fn contains(self, version: TlsVersion) -> bool {
        self.0 & bit(version) != 0
    }

    fn switch(&mut self, bits: u8, on: bool) {
        if on {
            self.0 &= !bits;
        } else {
            self.0 |= bits;
        }
    }
}

const fn bit(version: TlsVersion) -> u8 {
    match version {
        TlsVersion::Tls1_0 => 1,
        TlsVersion::Tls1_1 => 2,
        TlsVersion::Tls1_2 => 4,
        TlsVersion::Tls1_3 => 8,
        // OpenSSL has no flag for a later version.
        _ => 0,
    }
}

/// What the names in `Protocol` stand for. OpenSSL has one flag for a version of TLS and that of DTLS which is made of it.
const PROTOCOLS: [(&str, u8); 9] = [
    ("ALL", 15),
    ("SSLv2", 0),
    ("SSLv3", 0),
    ("TLSv1", bit(TlsVersion::Tls1_0)),
    ("TLSv1.1", bit(TlsVersion::Tls1_1)),
    ("TLSv1.2", bit(TlsVersion::Tls1_2)),
    ("TLSv1.3", bit(TlsVersion::Tls1_3)),
    ("DTLSv1", bit(TlsVersion::Tls1_0)),
    ("DTLSv1.2", bit(TlsVersion::Tls1_2)),
];

/// Applies the value of `Protocol`. `None` when an item is not known; those before it count all the same.
pub(super) fn protocol(off: &mut VersionsOff, list: &str) -> Option<()> {
    items(list, |name, on| {
        let (_, bits) = PROTOCOLS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        off.switch(*bits, on);
        Some(())
    })
}

/// Flags of `VerifyMode`. Those that are meant for servers ask for the peer's certificate too.
const VERIFY_MODES: [&str; 6] =
    ["Peer", "Request", "Require", "Once", "RequestPostHandshake", "RequirePostHandshake"];

/// Applies the value of `VerifyMode` in the same way.
pub(super) fn verify_mode(peer: &mut bool, list: &str) -> Option<()> {
    items(list, |name, on| {
        VERIFY_MODES.iter().find(|known| known.eq_ignore_ascii_case(name))?;
        *peer = on;
        Some(())
    })
}

/// Items with commas between them, each with `+`, `-` or nothing before it.
fn items(list: &str, mut apply: impl FnMut(&str, bool) -> Option<()>) -> Option<()> {
    list.split(',').map(str::trim).try_for_each(|item| match item.strip_prefix('-') {
        Some(name) => apply(name, false),
        None => apply(item.strip_prefix('+').unwrap_or(item), true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec::Vec};

    #[track_caller]
    fn check(list: &str, expected: &str) {
        let mut off = VersionsOff::default();
        let taken = protocol(&mut off, list).is_some();
        let left: Vec<_> = TlsVersion::ALL.iter().filter(|version| !off.contains(**version)).collect();
        let left: Vec<_> = left.into_iter().map(alloc::string::ToString::to_string).collect();
        let left: String = left.join(" ");
        assert_eq!(if taken { left } else { left + " refused" }, expected, "{list}");
    }

    #[test]
    fn versions() {
        check("TLSv1.2", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3");
        check("-TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2");
        check("-ALL, TLSv1.2", "TLSv1.2");
        check("-all,+tlsv1.3 , -SSLv3", "TLSv1.3");
        check("ALL,-DTLSv1.2", "TLSv1 TLSv1.1 TLSv1.3");
        check("-TLSv1.3,TLSv9,-TLSv1.2", "TLSv1 TLSv1.1 TLSv1.2 refused");
        check("-TLSv1.3,", "TLSv1 TLSv1.1 TLSv1.2 refused");
        check("- TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 refused");
        check("", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 refused");
    }

    #[test]
    fn modes_of_verification() {
        for (list, expected, taken) in [
            ("Peer", true, true),
            ("require, -Peer", false, true),
            ("Request", true, true),
            ("Peer,None", true, false),
            ("", false, false),
        ] {
            let mut peer = false;
            assert_eq!(verify_mode(&mut peer, list).is_some(), taken, "{list}");
            assert_eq!(peer, expected, "{list}");
        }
    }
}
