//! Bounds on the work that one chain may cause.
//!
//! Work is charged in bytes. Each turn of a loop over something that a peer influences costs 32 bytes ([`TURN`]) and the
//! bytes that it looks at; each byte that is parsed costs a turn. A chain may spend [`MAX_WORK`] bytes. Signatures cost far more than their
//! bytes, so they have a count of their own.

use super::Failure;
use crate::verdict::{Budget, Verdict};
use core::cell::Cell;

/// Certificates that a peer may present besides its own.
pub const MAX_PRESENTED: usize = 256;

/// Bytes of a peer's certificates, its own included: as many as libpq's OpenSSL takes in a handshake
/// (OpenSSL: `SSL_MAX_CERT_LIST_DEFAULT`). rustls takes a handshake message of 65,535 bytes, so this bound is for other callers.
pub const MAX_PRESENTED_BYTES: usize = 1024 * 100;

/// Signatures checked, of certificates and CRLs. A chain of the greatest length with a CRL for each certificate needs 204.
const MAX_SIGNATURES: u32 = 256;

/// Cost of a turn of a loop, in bytes.
const TURN: usize = 32;

/// Work that one chain may cause, in bytes.
///
/// OpenSSL compares up to 2^20 pairs of a name and a constraint for one certificate and one CA (`NAME_CHECK_MAX`), and so many pairs
/// of up to 32 bytes fit: 2^20 × (32 + 32) = 2^26. Everything else that honest chains need is little beside that: to parse as many
/// bytes as a handshake carries costs less than 2^22.
///
/// On a machine of 2026 a comparison with a constraint takes about 15 ns, other turns less than 5 ns and a byte less than 0.2 ns, so the whole
/// budget is spent in less than 30 ms. Constraints are compared after the signatures are verified. Without CRLs, everything before the first
/// signature costs less than half of the budget whatever the peer presents: a step of the chain looks twice at each of 256
/// certificates and at no more bytes than all of them have, and there are 101 steps.
const MAX_WORK: usize = 1 << 26;

/// The work done so far.
pub(super) struct Work {
    signatures: Cell<u32>,
    bytes: Cell<usize>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { signatures: Cell::new(0), bytes: Cell::new(0) }
    }

    /// Bytes charged so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Charges a signature over so many bytes.
    pub(super) fn signature(&self, bytes: usize, depth: usize) -> Result<(), Failure> {
        self.signatures.set(self.signatures.get().saturating_add(1));
        if self.signatures.get() > MAX_SIGNATURES {
            return Err(exceeded(Budget::Signatures, depth));
        }
        self.turn(Budget::Signatures, bytes, depth)
    }

    /// Charges a turn of a loop that looks at so many bytes. `loops` is what the failure names if this turn exceeds the budget.
    pub(super) fn turn(&self, loops: Budget, bytes: usize, depth: usize) -> Result<(), Failure> {
        self.charge(loops, bytes.saturating_add(TURN), depth)
    }

    /// Charges the parsing of so many bytes.
    pub(super) fn parsing(&self, loops: Budget, bytes: usize, depth: usize) -> Result<(), Failure> {
        self.charge(loops, bytes.saturating_mul(TURN), depth)
    }

    /// Compares two texts. Texts of unequal lengths differ without a look at their bytes.
    pub(super) fn equal(
        &self,
        loops: Budget,
        left: &[u8],
        right: &[u8],
        depth: usize,
    ) -> Result<bool, Failure> {
        self.turn(loops, if left.len() == right.len() { left.len() } else { 0 }, depth)?;
        Ok(left == right)
    }

    fn charge(&self, loops: Budget, bytes: usize, depth: usize) -> Result<(), Failure> {
        let total = self.bytes.get().saturating_add(bytes);
        self.bytes.set(total);
        if total > MAX_WORK { Err(exceeded(loops, depth)) } else { Ok(()) }
    }
}

#[cold]
fn exceeded(budget: Budget, depth: usize) -> Failure {
    Failure::new(Verdict::BudgetExceeded(budget), depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(result: Result<(), Failure>) -> Option<(Verdict, usize)> {
        result.err().map(|failure| (failure.verdict, failure.depth))
    }

    #[test]
    fn a_budget_may_be_spent_to_its_end() {
        let work = Work::new();
        for _ in 0..MAX_SIGNATURES {
            assert_eq!(refused(work.signature(0, 0)), None);
        }
        for _ in 0..2 {
            assert_eq!(refused(work.signature(0, 3)), Some((Verdict::BudgetExceeded(Budget::Signatures), 3)));
        }
    }

    #[test]
    fn loops_share_one_budget_and_the_last_one_is_named() {
        let work = Work::new();
        assert_eq!(refused(work.parsing(Budget::Candidates, MAX_WORK / TURN / 2, 0)), None);
        assert_eq!(refused(work.turn(Budget::Candidates, MAX_WORK / 2 - TURN, 1)), None);
        assert_eq!(work.bytes(), MAX_WORK);
        let named = Some((Verdict::BudgetExceeded(Budget::NameComparisons), 2));
        assert_eq!(refused(work.turn(Budget::NameComparisons, 0, 2)), named);
        assert_eq!(refused(Work::new().turn(Budget::NameComparisons, usize::MAX, 2)), named);
        assert_eq!(refused(Work::new().parsing(Budget::NameComparisons, usize::MAX, 2)), named);
    }

    /// As many pairs of names and constraints as OpenSSL compares.
    #[test]
    fn as_many_pairs_of_names_as_openssl_compares_are_no_excess() {
        let work = Work::new();
        for _ in 0..1 << 20 {
            assert_eq!(refused(work.turn(Budget::NameComparisons, 32, 0)), None);
        }
    }

    #[test]
    fn texts_of_unequal_lengths_cost_a_turn() {
        let work = Work::new();
        let equal =
            |left: &[u8], right: &[u8]| work.equal(Budget::Candidates, left, right, 0).is_ok_and(|it| it);
        assert!(!equal(&[b'a'; 1000], b"a"));
        assert_eq!(work.bytes(), TURN);
        assert!(equal(&[b'a'; 1000], &[b'a'; 1000]));
        assert_eq!(work.bytes(), 2 * TURN + 1000);
    }
}
