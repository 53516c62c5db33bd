//! What a client is told when it is turned away, in the server's manner.

use pgtls_examples::messages::Message;

/// Bytes of an ErrorResponse.
pub(crate) fn error_response(sqlstate: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', sqlstate), (b'M', text)] {
        body.push(field);
        body.extend_from_slice(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    Message { kind: b'E', body }.encode()
}
