//! A part of the scenarios, for runs on several machines.

use std::str::FromStr;

/// One of several parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    part: usize,
    parts: usize,
}

impl Shard {
    /// Whether the scenario at this place, counted from 0, is in this part.
    pub(super) fn has(self, index: usize) -> bool {
        index.checked_rem(self.parts).is_some_and(|rest| rest.saturating_add(1) == self.part)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Self { part, parts }),
            _ => Err(format!("\"{text}\" is no part: write 1/4 for the first of four")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_in_one_part() {
        for index in 0..10 {
            let parts = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().unwrap().has(index));
            assert_eq!(parts.iter().filter(|has| **has).count(), 1, "{index}");
        }
        for text in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
