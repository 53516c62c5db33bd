//! NegotiateProtocolVersion: the server offers an older protocol (libpq: `pqGetNegotiateProtocolVersion3`).

use super::Fault;
use pgtls_core::{
    message::{PROTOCOL_3_0, PROTOCOL_3_2},
    param::ProtocolVersion,
    startup::{Broken, Refusal},
};

/// The version as it stands in a packet.
pub(super) const fn number(version: ProtocolVersion) -> u32 {
    match version {
        ProtocolVersion::V3_0 => PROTOCOL_3_0,
        ProtocolVersion::V3_2 => PROTOCOL_3_2,
    }
}

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
        return Err(Fault::Refused(Refusal::ProtocolVersion(minimum)));
    }
    Ok(offered)
}
