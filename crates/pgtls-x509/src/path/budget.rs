//! How much work one chain may cause.

use super::Failure;
use crate::verdict::{Budget, Verdict};
use core::cell::Cell;

/// Signatures checked, of certificates and CRLs. A chain of the greatest length with a CRL for each certificate needs 204.
const MAX_SIGNATURES: u32 = 256;
/// Certificates of the right name looked at as possible issuers.
const MAX_CANDIDATES: u32 = 65_536;
/// Comparisons of names with constraints, in steps of up to 64 bytes. OpenSSL allows 2^20 comparisons for each pair of a certificate
/// and a CA above it.
const MAX_NAME_COMPARISONS: u32 = 1 << 20;

/// The work done so far.
pub(super) struct Work {
    signatures: Cell<u32>,
    candidates: Cell<u32>,
    name_comparisons: Cell<u32>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { signatures: Cell::new(0), candidates: Cell::new(0), name_comparisons: Cell::new(0) }
    }

    pub(super) fn signature(&self, depth: usize) -> Result<(), Failure> {
        spend(&self.signatures, 1, MAX_SIGNATURES, Budget::Signatures, depth)
    }

    pub(super) fn candidate(&self, depth: usize) -> Result<(), Failure> {
        spend(&self.candidates, 1, MAX_CANDIDATES, Budget::Candidates, depth)
    }

    pub(super) fn name_comparison(&self, bytes: usize, depth: usize) -> Result<(), Failure> {
        let steps = u32::try_from(bytes / 64).unwrap_or(u32::MAX).saturating_add(1);
        spend(&self.name_comparisons, steps, MAX_NAME_COMPARISONS, Budget::NameComparisons, depth)
    }
}

fn spend(spent: &Cell<u32>, amount: u32, limit: u32, budget: Budget, depth: usize) -> Result<(), Failure> {
    let total = spent.get().saturating_add(amount);
    spent.set(total);
    if total > limit { Err(Failure::new(Verdict::BudgetExceeded(budget), depth)) } else { Ok(()) }
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
            assert_eq!(refused(work.signature(0)), None);
        }
        for _ in 0..2 {
            assert_eq!(refused(work.signature(3)), Some((Verdict::BudgetExceeded(Budget::Signatures), 3)));
        }
        for _ in 0..MAX_CANDIDATES {
            assert_eq!(refused(work.candidate(0)), None);
        }
        assert_eq!(refused(work.candidate(1)), Some((Verdict::BudgetExceeded(Budget::Candidates), 1)));
    }

    #[test]
    fn long_names_are_compared_in_steps_of_64_bytes() {
        let exceeded = Some((Verdict::BudgetExceeded(Budget::NameComparisons), 2));
        for (bytes, steps) in [(0, 1), (63, 1), (64, 2), (64 * 1023, 1024)] {
            let work = Work::new();
            for _ in 0..MAX_NAME_COMPARISONS / steps {
                assert_eq!(refused(work.name_comparison(bytes, 0)), None, "{bytes} bytes");
            }
            assert_eq!(refused(work.name_comparison(bytes, 2)), exceeded, "{bytes} bytes");
        }
        assert_eq!(refused(Work::new().name_comparison(usize::MAX, 2)), exceeded);
    }
}
