//! The targets and the measured values.

use crate::bench::{Results, Spread};

/// The adapters, each with bare rustls on the same runtime.
const ADAPTERS: [[&str; 2]; 3] =
    [["pgtls-std", "rustls"], ["pgtls-tokio", "tokio-rustls"], ["pgtls-async-std", "futures-rustls"]];

/// A number that has to be on one side of another.
struct Wanted {
    what: String,
    bound: Bound,
    measured: Option<f64>,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

fn all(results: &Results) -> impl Iterator<Item = Wanted> {
    [sessions(results), libpq(results), records(results), bulk(results), decisions(results)]
        .into_iter()
        .flatten()
}

pub(super) fn table(results: &Results) -> String {
    super::table(["what", "wanted", "measured", "kept"], all(results).map(|wanted| wanted.row()))
}

/// How many are kept, in a sentence.
pub(super) fn summary(results: &Results) -> String {
    let verdicts: Vec<_> = all(results).map(|wanted| wanted.kept()).collect();
    let count = |verdict| verdicts.iter().filter(|found| **found == verdict).count();
    let kept = format!("{} of {} are kept", count(Some(true)), verdicts.len());
    match count(None) {
        0 => format!("{kept}."),
        unknown => format!("{kept}; {unknown} were not measured."),
    }
}

impl Wanted {
    /// `None` if it was not measured.
    fn kept(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.bound {
            Bound::AtMost(most) => measured <= most,
            Bound::AtLeast(least) => measured >= least,
        })
    }

    fn row(&self) -> [String; 4] {
        let bound = match self.bound {
            Bound::AtMost(most) => format!("at most {most}"),
            Bound::AtLeast(least) => format!("at least {least}"),
        };
        let measured = match self.measured {
            None => "–".to_owned(),
            Some(found) if found.fract() == 0.0 => found.to_string(),
            Some(found) => format!("{found:.3}"),
        };
        let kept = match self.kept() {
            None => "not measured",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        [self.what.clone(), bound, measured, kept.to_owned()]
    }
}

fn sessions(results: &Results) -> Vec<Wanted> {
    let of = |[ours, bare]: [&str; 2], roots: &str| Wanted {
        what: format!("instructions of a session, {ours} ÷ {bare}, {roots}"),
        bound: Bound::AtMost(1.03),
        measured: ratio(results, &format!("connect-{ours}-{roots}"), &format!("connect-{bare}-{roots}")),
    };
    ADAPTERS.into_iter().flat_map(|pair| ["one-root", "bundle"].map(|roots| of(pair, roots))).collect()
}

fn libpq(results: &Results) -> Vec<Wanted> {
    let of = |ours: &str, roots: &str, least| {
        let cpu = |contender| results.values(roots, contender, "cpu");
        Wanted {
            what: format!("processor time of a session, libpq ÷ {ours}, {roots}"),
            bound: Bound::AtLeast(least),
            measured: Spread::of_ratios(cpu("libpq"), cpu(ours)).map(|spread| spread.median),
        }
    };
    ADAPTERS
        .into_iter()
        .flat_map(|[ours, _]| {
            [("one-root", 3.5), ("bundle", 50.0)].map(|(roots, least)| of(ours, roots, least))
        })
        .collect()
}

fn records(results: &Results) -> Vec<Wanted> {
    let of = |[ours, bare]: [&str; 2], way: &str| Wanted {
        what: format!("instructions of records of 16 KiB, {ours} ÷ {bare}, {way}"),
        bound: Bound::AtMost(1.01),
        measured: ratio(results, &format!("{way}-{ours}"), &format!("{way}-{bare}")),
    };
    ADAPTERS.into_iter().flat_map(|pair| ["received", "sent"].map(|way| of(pair, way))).collect()
}

fn bulk(results: &Results) -> Vec<Wanted> {
    let of = |[ours, bare]: [&str; 2], direction: &str| {
        let throughput = |contender| results.values(direction, contender, "throughput");
        Wanted {
            what: format!("throughput, {ours} ÷ {bare}, {direction}"),
            bound: Bound::AtLeast(0.99),
            measured: Spread::of_ratios(throughput(ours), throughput(bare)).map(|spread| spread.median),
        }
    };
    ADAPTERS.into_iter().flat_map(|pair| ["receive", "send"].map(|direction| of(pair, direction))).collect()
}

fn decisions(results: &Results) -> Vec<Wanted> {
    let most = |what: &str, case: &str, most| Wanted {
        what: what.to_owned(),
        bound: Bound::AtMost(most),
        measured: results.instructions.get(case).map(|&count| exact(count)),
    };
    let beside = |what: &str, case, other, most| Wanted {
        what: what.to_owned(),
        bound: Bound::AtMost(most),
        measured: ratio(results, case, other),
    };
    vec![
        most("instructions of a negotiation with `sslmode=prefer`", "negotiation", 2000.0),
        most("instructions of an exact name match", "name-exact", 300.0),
        most("instructions of a wildcard match", "name-wildcard", 400.0),
        beside("loading a revocation list of 100,000 entries, ÷ webpki", "load-crl", "webpki-load-crl", 1.2),
        beside(
            "verifying with 100,000 revoked certificates, ÷ with 100",
            "verify-crl-100000",
            "verify-crl-100",
            1.01,
        ),
    ]
}

fn ratio(results: &Results, case: &str, other: &str) -> Option<f64> {
    let count = |case: &str| results.instructions.get(case).map(|&count| exact(count));
    Some(count(case)? / count(other)?)
}

#[expect(clippy::cast_precision_loss, reason = "nothing here takes 2^52 instructions")]
fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_bound_is_kept_or_not_or_nobody_knows() {
        let mut results = Results::new(BTreeMap::new());
        for (contender, value) in [("libpq", 350.0), ("pgtls-std", 100.0), ("pgtls-tokio", 101.0)] {
            results.add("one-root", contender, "cpu", value);
        }
        results.instructions.insert("negotiation".to_owned(), 2001);
        let text = table(&results);
        let has = |row: &str| assert!(text.contains(row), "{row}\n{text}");
        has("libpq ÷ pgtls-std, one-root | at least 3.5 | 3.500 | yes |");
        has("libpq ÷ pgtls-tokio, one-root | at least 3.5 | 3.465 | **no** |");
        has("libpq ÷ pgtls-std, bundle | at least 50 | – | not measured |");
        has("`sslmode=prefer` | at most 2000 | 2001 | **no** |");
        assert_eq!(summary(&results), "1 of 29 are kept; 26 were not measured.");
    }
}
