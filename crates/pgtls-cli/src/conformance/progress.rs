//! How far a run has come, on a terminal.

use pgtls_conformance::bench::Verdict;
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Width of the bar.
const WIDTH: usize = 30;
/// It is drawn anew after so many scenarios.
const STEP: usize = 10;

/// A bar on standard error; nothing when that is no terminal.
pub(super) struct Progress {
    all: usize,
    done: AtomicUsize,
    differ: AtomicUsize,
    shown: bool,
}

impl Progress {
    pub(super) fn new(all: usize) -> Self {
        Self {
            all,
            done: AtomicUsize::new(0),
            differ: AtomicUsize::new(0),
            shown: io::stderr().is_terminal(),
        }
    }

    pub(super) fn told(&self, verdict: &Verdict) {
        let done = self.done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let differs = usize::from(!verdict.differences().is_empty());
        let differ = self.differ.fetch_add(differs, Ordering::Relaxed).saturating_add(differs);
        if self.shown && done.is_multiple_of(STEP) {
            let bar = bar(done, self.all);
            // A bar that cannot be drawn is no loss.
            let _ = write!(io::stderr(), "\r{bar} {done}/{} scenarios, {differ} differ", self.all);
        }
    }

    pub(super) fn finish(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn bar(done: usize, all: usize) -> String {
    let filled = done.saturating_mul(WIDTH).checked_div(all).unwrap_or_default().min(WIDTH);
    format!("[{}{}]", "#".repeat(filled), " ".repeat(WIDTH.saturating_sub(filled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_has_its_width() {
        assert_eq!(bar(0, 10), format!("[{}]", " ".repeat(30)));
        assert_eq!(bar(5, 10), format!("[{}{}]", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(10, 10), format!("[{}]", "#".repeat(30)));
        assert_eq!(bar(1, 0).len(), 32);
    }
}
