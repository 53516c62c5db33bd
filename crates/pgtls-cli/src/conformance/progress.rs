//! How far a run has come, on standard error: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use pgtls_conformance::runner::ScenarioResult;
use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicUsize, Ordering},
};

/// The bar and what is told beside it.
const STYLE: &str = "[{bar:30}] {pos}/{len} scenarios, {msg} differ";

/// Where there is no terminal a line is told after so many scenarios.
const STEP: usize = 500;

/// How far a run has come.
pub(super) struct Progress {
    all: usize,
    done: AtomicUsize,
    differ: AtomicUsize,
    /// Hidden where there is no terminal.
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(all: usize) -> Self {
        let style = ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX)).with_style(style);
        Self { all, done: AtomicUsize::new(0), differ: AtomicUsize::new(0), bar: bar.with_message("0") }
    }

    pub(super) fn told(&self, verdict: &ScenarioResult) {
        let done = self.done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let differs = usize::from(!verdict.differences().is_empty());
        let differ = self.differ.fetch_add(differs, Ordering::Relaxed).saturating_add(differs);
        if !self.bar.is_hidden() {
            self.bar.set_message(differ.to_string());
            self.bar.inc(1);
        } else if let Some(line) = line(done, self.all, differ) {
            // A line that cannot be written is no loss.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What is told after so many, if anything. The last is told by the report.
fn line(done: usize, all: usize, differ: usize) -> Option<String> {
    (done.is_multiple_of(STEP) && done < all).then(|| format!("{done}/{all} scenarios, {differ} differ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_now_and_then() {
        assert_eq!(line(499, 1001, 0), None);
        assert_eq!(line(500, 1001, 2).as_deref(), Some("500/1001 scenarios, 2 differ"));
        assert_eq!(line(1000, 1000, 2), None);
    }

    #[test]
    fn the_bar_has_a_style_of_its_own() {
        assert!(ProgressStyle::with_template(STYLE).is_ok());
    }
}
