//! The numbers, as they are kept.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that one run has found.
#[derive(Deserialize, Serialize)]
pub(crate) struct Results {
    /// On what, with what, and when.
    pub(crate) machine: BTreeMap<String, String>,
    /// Instructions of the cases that have a budget.
    pub(crate) instructions: BTreeMap<String, u64>,
    pub(crate) measurements: Vec<Measurement>,
}

/// A quantity of one contender.
#[derive(Deserialize, Serialize)]
pub(crate) struct Measurement {
    pub(crate) scenario: String,
    pub(crate) contender: String,
    pub(crate) quantity: String,
    /// One for each round.
    pub(crate) values: Vec<f64>,
}

impl Results {
    pub(crate) fn new(machine: BTreeMap<String, String>) -> Self {
        Self { machine, instructions: BTreeMap::new(), measurements: Vec::new() }
    }

    pub(crate) fn parse(json: &str) -> Self {
        serde_json::from_str(json).expect("`cargo xtask bench` has written it")
    }

    /// One measurement on each line, so that a change can be read.
    pub(crate) fn to_json(&self) -> String {
        let lines: Vec<_> = self.measurements.iter().map(json).collect();
        format!(
            "{{\n\"machine\": {},\n\"instructions\": {},\n\"measurements\": [\n{}\n]\n}}\n",
            json(&self.machine),
            json(&self.instructions),
            lines.join(",\n")
        )
    }

    /// Adds the value of another round.
    pub(crate) fn add(&mut self, scenario: &str, contender: &str, quantity: &str, value: f64) {
        let is_it = |it: &&mut Measurement| {
            it.scenario == scenario && it.contender == contender && it.quantity == quantity
        };
        let value = rounded(value);
        match self.measurements.iter_mut().find(is_it) {
            Some(measurement) => measurement.values.push(value),
            None => self.measurements.push(Measurement {
                scenario: scenario.to_owned(),
                contender: contender.to_owned(),
                quantity: quantity.to_owned(),
                values: vec![value],
            }),
        }
    }

    /// The values of each round; empty if it was not measured.
    pub(crate) fn values(&self, scenario: &str, contender: &str, quantity: &str) -> &[f64] {
        let is_it = |it: &&Measurement| {
            it.scenario == scenario && it.contender == contender && it.quantity == quantity
        };
        self.measurements.iter().find(is_it).map_or(&[], |found| &found.values)
    }
}

/// Rounded to four digits; more are noise.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().expect("a number that was written is one")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text and numbers can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut results = Results::new(BTreeMap::from([("date".to_owned(), "today".to_owned())]));
        results.instructions.insert("parse".to_owned(), 7);
        for value in [1.0, 2.345] {
            results.add("one-root", "rustls", "cpu", value);
        }
        let read = Results::parse(&results.to_json());
        assert_eq!((read.machine, read.instructions), (results.machine, results.instructions));
        assert_eq!(read.measurements.len(), 1);
    }

    #[test]
    fn rounds_are_told_apart() {
        let mut results = Results::new(BTreeMap::new());
        for (contender, value) in [("rustls", 1.0), ("libpq", 9.0), ("rustls", 2.3456)] {
            results.add("one-root", contender, "cpu", value);
        }
        assert_eq!(results.values("one-root", "rustls", "cpu"), [1.0, 2.346]);
        assert_eq!(results.values("one-root", "libpq", "cpu"), [9.0]);
        assert_eq!(results.values("bundle", "rustls", "cpu"), [0.0; 0]);
    }
}
