//! What an embedder needs of a GSSAPI library.

use pgtls_core::policy::GssCredentials;
use std::io::{Read, Write};

/// A GSSAPI library, or a script in its place.
pub trait Gss {
    /// Whether there is a credential cache (libpq: `pg_GSS_have_cred_cache`).
    fn credentials(&self) -> GssCredentials;

    /// Shakes hands with a server that has agreed to it (libpq: `pqsecure_open_gss`).
    ///
    /// # Errors
    /// Why there is no security context.
    fn shake_hands(&self, server: &mut dyn Connection) -> Result<Box<dyn Wrap>, String>;
}

/// A connection to shake hands on. It has a deadline.
pub trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// A security context.
pub trait Wrap {
    /// What goes over the wire for these bytes.
    fn wrap(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// The bytes for what came over the wire.
    fn unwrap(&mut self, bytes: &[u8]) -> Vec<u8>;
}
