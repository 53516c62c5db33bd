//! The few protocol messages that belong to negotiation (spec 3.1).

/// SSLRequest.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
/// GSSENCRequest.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x30];
/// The ALPN protocol name, offered by the client since PostgreSQL 17.
pub const ALPN_POSTGRESQL: &[u8] = b"postgresql";
