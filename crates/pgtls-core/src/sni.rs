//! Which server name indication libpq sends (spec 5).

/// The text to send, verbatim; `None` when none is sent.
pub fn server_name(_host: Option<&str>, _sslsni: bool) -> Result<Option<&str>, TooLong> {
    todo!()
}

/// Longer than 255 bytes: a broken method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Bytes of the host text.
    pub len: usize,
}
