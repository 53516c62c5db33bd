//! The sslmode policy as one table: which methods in which order, what is verified (spec 2, 3.2).

use crate::param::{ParamError, Params, SslMode};

/// How the packets get to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// A unix socket: never encrypted, `sslmode` is ignored (spec 2.7).
    Unix,
}

/// Whether GSSAPI encryption can be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GssCredentials {
    /// A credential cache is held.
    Held,
    /// None, or the embedder has no GSSAPI.
    Absent,
}

/// What goes in the place of the startup packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// A StartupMessage.
    Startup,
    /// A CancelRequest (spec 3.11).
    Cancel,
}

/// What is verified about the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verification {
    /// Nothing.
    None,
    /// The chain.
    Ca,
    /// The chain and the host name.
    Full,
}

/// Whether the file of trusted roots is there (spec 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootPresence {
    /// It exists.
    Found,
    /// It does not.
    Missing,
    /// The system's roots.
    System,
}

/// What `sslmode` verifies given the root file (spec 2, columns "verified"); `None` means that TLS cannot be set up without a root file.
pub fn verification(_sslmode: SslMode, _root: RootPresence) -> Option<Verification> {
    todo!()
}

/// A plan for one address that can be carried out: legal by construction, `Copy`, small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncryptionPlan {
    // private
}

/// Makes the plan for one address (spec 3.2). The error is `gssencmode=require` that leaves no method.
pub fn plan(
    _params: &Params,
    _transport: Transport,
    _gss: GssCredentials,
    _payload: Payload,
) -> Result<EncryptionPlan, ParamError> {
    todo!()
}
