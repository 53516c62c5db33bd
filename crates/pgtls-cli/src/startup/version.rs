//! NegotiateProtocolVersion: the server offers an older protocol (libpq: `pqGetNegotiateProtocolVersion3`).

use super::Fault;
use pgtls_core::{
    message::{PROTOCOL_3_0, PROTOCOL_3_2},
    param::ProtocolVersion,
    startup::{Broken, Refusal},
};

/// The number at the beginning of `server_version`. What packagers write behind it is text of a server that nobody may
/// vouch for, and is not kept.
pub(super) fn release(server_version: &str) -> Option<String> {
    let number: String =
        server_version.chars().take(MAX_RELEASE).take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!number.is_empty()).then_some(number)
}

/// Characters of a release number.
const MAX_RELEASE: usize = 16;

/// Judges an offer: an older version that exists and is not excluded. No protocol extension was asked for, so that the
/// server has none to decline.
pub(super) fn negotiate(
    body: &[u8],
    requested: ProtocolVersion,
    minimum: ProtocolVersion,
) -> Result<ProtocolVersion, Fault> {
    let malformed = Fault::Broken(Broken::Malformed(b'v'));
    let Some((version, declined)) = body.split_first_chunk::<4>() else { return Err(malformed) };
    let offered = match u32::from_be_bytes(*version) {
        PROTOCOL_3_0 => ProtocolVersion::V3_0,
        PROTOCOL_3_2 => ProtocolVersion::V3_2,
        _ => return Err(malformed),
    };
    if declined != [0; 4] || offered >= requested {
        return Err(malformed);
    }
    if offered < minimum {
        return Err(Fault::Refused(Refusal::ProtocolVersion { server: offered.number(), minimum }));
    }
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_are_numbers() {
        for (text, expected) in [
            ("18.1", Some("18.1")),
            ("15.20 (Debian 15.20-0+deb12u1)", Some("15.20")),
            ("19beta1", Some("19")),
            ("9.6.24", Some("9.6.24")),
            ("please call 555-1234", None),
            ("", None),
        ] {
            assert_eq!(release(text).as_deref(), expected, "{text}");
        }
        assert_eq!(release(&"1".repeat(1000)).map(|number| number.len()), Some(super::MAX_RELEASE));
    }
}
