//! `docs/performance.md` and its picture: what `cargo xtask bench` has measured.

mod chart;
mod wanted;

use super::template::{fill, table};
use crate::bench::{CONTENDERS, Contender, Results, SCENARIOS, SESSIONS, Spread, TRANSFERS};
use std::fmt::Write as _;

/// Read when it is built, as the code that other documents are made of.
const DATA: &str = include_str!("../../../docs/performance/results.json");

pub(crate) const PAGE: &str = "docs/performance.md";
pub(crate) const CHART: &str = "docs/performance/cpu.svg";

pub(super) fn page_content() -> String {
    page(&Results::parse(DATA))
}

pub(super) fn chart_content() -> String {
    chart::draw(&Results::parse(DATA))
}

/// All that is made of the numbers.
pub(crate) fn files(results: &Results) -> [(&'static str, String); 2] {
    [(PAGE, page(results)), (CHART, chart::draw(results))]
}

fn page(results: &Results) -> String {
    fill(
        include_str!("performance.md"),
        &[
            ("machine", machine(results)),
            ("rounds", rounds(results).to_string()),
            ("sessions", SESSIONS.starts.to_string()),
            ("starts", TRANSFERS.starts.to_string()),
            ("transfers", (TRANSFERS.starts * TRANSFERS.each).to_string()),
            ("wanted", wanted::table(results)),
            ("kept", wanted::summary(results)),
            ("scenarios", scenarios()),
            ("tables", tables(results)),
            ("instructions", instructions(results)),
        ],
    )
}

fn machine(results: &Results) -> String {
    table(["", ""], results.machine.iter().map(|(what, value)| [what.clone(), value.clone()]))
}

fn rounds(results: &Results) -> usize {
    results.values("idle", "rustls", "memory").len()
}

fn scenarios() -> String {
    table(
        ["name", "what"],
        SCENARIOS.iter().map(|scenario| [scenario.name.to_owned(), scenario.about.to_owned()]),
    )
}

/// A quantity in some scenarios.
struct Grid {
    heading: &'static str,
    quantity: &'static str,
    scenarios: &'static [&'static str],
    /// Whether the values are comparable with those of another machine.
    shows: Shows,
}

#[derive(Clone, Copy)]
enum Shows {
    /// Values alone.
    Values,
    /// Values, and then how many times as much as bare rustls on the same runtime.
    Both,
}

const GRIDS: &[Grid] = &[
    Grid {
        heading: "Processor time of a session, in microseconds",
        quantity: "cpu",
        scenarios: &["one-root", "bundle", "crl", "direct", "ring"],
        shows: Shows::Both,
    },
    Grid {
        heading: "Time on the wall of a session, in microseconds",
        quantity: "wall",
        scenarios: &["one-root", "bundle", "crl", "direct", "ring"],
        shows: Shows::Both,
    },
    Grid {
        heading: "Processor time of the first session of a process, in microseconds, reading the files included",
        quantity: "first-cpu",
        scenarios: &["one-root", "bundle", "crl", "ring"],
        shows: Shows::Values,
    },
    Grid {
        heading: "Sessions per second, one, 8 and 64 at a time",
        quantity: "rate",
        scenarios: &["one-root", "lanes-8", "lanes-64"],
        shows: Shows::Both,
    },
    Grid {
        heading: "MiB per second",
        quantity: "throughput",
        scenarios: &["receive", "send"],
        shows: Shows::Both,
    },
    Grid {
        heading: "Processor time per MiB, in microseconds",
        quantity: "cpu-per-mib",
        scenarios: &["receive", "send"],
        shows: Shows::Both,
    },
    Grid {
        heading: "Memory of an idle session, in KiB",
        quantity: "memory",
        scenarios: &["idle"],
        shows: Shows::Both,
    },
];

/// Every quantity that was measured, for people.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    for grid in GRIDS.iter().filter(|grid| grid.was_measured(results)) {
        let Grid { heading, shows, .. } = grid;
        write!(text, "### {heading}\n\n{}\n", grid.values(results)).expect("writing to a String cannot fail");
        if matches!(shows, Shows::Both) {
            write!(text, "Times as much as bare rustls on the same runtime:\n\n{}\n", grid.ratios(results))
                .expect("writing to a String cannot fail");
        }
    }
    text
}

impl Grid {
    fn was_measured(&self, results: &Results) -> bool {
        results
            .measurements
            .iter()
            .any(|it| it.quantity == self.quantity && self.scenarios.contains(&it.scenario.as_str()))
    }

    fn values(&self, results: &Results) -> String {
        self.draw(|contender, scenario| {
            Spread::of(results.values(scenario, contender.name, self.quantity))
                .map(|it| shown(it, decimals(it)))
        })
    }

    fn ratios(&self, results: &Results) -> String {
        self.draw(|contender, scenario| {
            let of = |name| results.values(scenario, name, self.quantity);
            Spread::of_ratios(of(contender.name), of(contender.beside))
                .map(|it| if contender.name == contender.beside { "1".to_owned() } else { shown(it, 3) })
        })
    }

    fn draw(&self, cell: impl Fn(&Contender, &str) -> Option<String>) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let words = |first: [&str; 2], rest: &mut dyn Iterator<Item = String>| {
            line(first.into_iter().map(str::to_owned).chain(rest).collect())
        };
        let mut text = words(["on", "with"], &mut self.scenarios.iter().map(|&name| name.to_owned()));
        text += &words(["---", "---"], &mut self.scenarios.iter().map(|_| "---:".to_owned()));
        for contender in CONTENDERS {
            let cells: Vec<_> = self.scenarios.iter().map(|scenario| cell(contender, scenario)).collect();
            if cells.iter().any(Option::is_some) {
                let mut cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
                text += &words([contender.on, contender.name], &mut cells);
            }
        }
        text
    }
}

/// The median, and the quartiles in brackets.
fn shown(Spread { low, median, high }: Spread, decimals: usize) -> String {
    format!("{median:.decimals$} ({low:.decimals$}–{high:.decimals$})")
}

/// Three digits are enough.
fn decimals(spread: Spread) -> usize {
    if spread.median < 10.0 { 2 } else { usize::from(spread.median < 100.0) }
}

fn instructions(results: &Results) -> String {
    table(
        ["case", "instructions"],
        results.instructions.iter().map(|(case, count)| [case.clone(), count.to_string()]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn medians_stand_with_their_quartiles_and_ratios_are_those_of_each_round() {
        let mut results = Results::new(BTreeMap::new());
        for (bare, ours) in [(100.0, 110.0), (200.0, 210.0), (400.0, 404.0)] {
            results.add("one-root", "rustls", "cpu", bare);
            results.add("one-root", "pgtls-std", "cpu", ours);
        }
        let text = tables(&results);
        assert!(text.contains("| std | pgtls-std | 210 (210–404) | – |"), "{text}");
        assert!(text.contains("| std | pgtls-std | 1.050 (1.050–1.100) | – |"), "{text}");
        assert!(text.contains("| std | rustls | 1 | – |"), "{text}");
        assert!(!text.contains("KiB"), "{text}");
    }
}
