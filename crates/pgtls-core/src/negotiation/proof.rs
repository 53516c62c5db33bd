//! What the TLS engine has to show before a session counts as encrypted.
//!
//! The verifier has already refused what it must refuse. The machine asks a second time, by another way: it works out from the plan and
//! the roots what had to be proven, and looks for the tokens.

use super::Failure;
use crate::{
    name::NameVerified,
    policy::{EncryptionPlan, RootPresence, Verification},
};

/// Proof that a chain was verified. Made by [`assertion`](Self::assertion) alone, so that a search for it finds every place that claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainVerified(());

impl ChainVerified {
    /// States that the server's chain was verified against the trusted roots. Call it only where that was done.
    pub const fn assertion() -> Self {
        Self(())
    }
}

/// What ALPN ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// The server selected no protocol.
    Absent,
    /// `postgresql`.
    Postgresql,
    /// Something that was not offered.
    Other,
}

/// What the TLS engine reports after its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsFacts {
    /// The selected protocol.
    pub alpn: Alpn,
    /// Whether trusted roots were there when TLS was set up; decides what had to be verified.
    pub root: RootPresence,
    /// Proof that the chain was verified, if it was.
    pub chain: Option<ChainVerified>,
    /// Proof that the name was matched, if it was ([`MatchedName::proof`](crate::name::MatchedName::proof)).
    pub name: Option<NameVerified>,
}

/// A TLS session with everything proven that its plan wants. [`prove`] alone makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proven(());

/// ALPN first, then certificates, in libpq's order (`PQconnectPoll`, `open_client_SSL`).
pub(super) fn prove(plan: &EncryptionPlan, facts: TlsFacts) -> Result<Proven, Failure> {
    match facts.alpn {
        // Servers before 17 know nothing of ALPN. Direct TLS insists, so that no other protocol can be made to answer.
        Alpn::Absent if plan.direct() => return Err(Failure::NoAlpn),
        Alpn::Absent | Alpn::Postgresql => {}
        Alpn::Other => return Err(Failure::WrongAlpn),
    }
    let wanted = plan.verification(facts.root).ok_or(Failure::Unproven(Verification::Ca))?;
    let shown = match (facts.chain, facts.name) {
        (Some(ChainVerified(())), Some(_)) => Verification::Full,
        (Some(ChainVerified(())), None) => Verification::Ca,
        // A name in a chain that nobody vouches for proves nothing.
        (None, Some(_) | None) => Verification::None,
    };
    if shown < wanted { Err(Failure::Unproven(wanted)) } else { Ok(Proven(())) }
}
