//! A client whose connection is driven by the runtime.

use crate::canceller::Canceller;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::{
    fmt,
    ops::{Deref, DerefMut},
};
use tokio_postgres::Client;

/// A client whose connection is driven by the runtime; what pools hold. It is used as the [`Client`] that it is.
pub struct Running {
    pub(crate) client: Client,
    pub(crate) canceller: Canceller,
    pub(crate) encryption: Encryption,
    pub(crate) facts: Option<SessionFacts>,
}

impl Running {
    /// Cancels what the session is doing.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// How the session is protected.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_ref()
    }
}

impl Deref for Running {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("encryption", &self.encryption)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
