//! A cancel request that was taken.

use pgtls_core::{
    attempt::{MethodError, Report},
    candidates::AttemptError,
    message::CancelRequest,
    negotiation::Encryption,
};
use pgtls_rustls::Cause;
use zeroize::Zeroizing;

/// A cancel request that the server has taken. Whether it had anything to cancel, it does not say.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cancelled {
    /// How the request was protected: `sslmode` decides, not what the session has got. With `prefer` it may go out in
    /// clear, with `allow` it does.
    pub encryption: Encryption,
    /// What was seen on the way.
    pub report: Report,
    /// What failed before, in order.
    pub failed: Vec<AttemptError<MethodError<Cause>>>,
}

/// The bytes of a cancel request, whose memory is overwritten afterwards.
pub fn cancel_message(request: &CancelRequest) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(request.encode())
}
