//! Proof that a TLS session was verified as its plan demands.
//!
//! The verifier has already rejected certificates. The machine checks a second time, in another way: it derives from the plan and the
//! roots the verification that was necessary, and needs the values that prove it.

use super::Failure;
use crate::{
    name::NameVerified,
    policy::{EncryptionPlan, RootPresence, Verification},
};

/// Proof that a chain was verified. [`assertion`](Self::assertion) alone makes it, so that a search for it finds every place that claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainVerified(());

impl ChainVerified {
    /// States that the server's chain was verified against the trusted roots. Call it only where that was done.
    pub const fn assertion() -> Self {
        Self(())
    }
}

/// The result of ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// The server selected no protocol.
    Absent,
    /// `postgresql`.
    Postgresql,
    /// A protocol that was not offered.
    Other,
}

/// Facts of a TLS session, after its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsFacts {
    /// The selected protocol.
    pub alpn: Alpn,
    /// Whether there were trusted roots when TLS was set up: the necessary verification depends on it.
    pub root: RootPresence,
    /// Proof that the chain was verified, if it was.
    pub chain: Option<ChainVerified>,
    /// Proof that the name was matched, if it was ([`MatchedName::proof`](crate::name::MatchedName::proof)).
    pub name: Option<NameVerified>,
}

/// A TLS session that was verified as its plan demands. [`prove`] alone makes it.
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
