//! Where pgtls differs from libpq on purpose: `tests/data/divergences.toml`.
//!
//! A test that compares with libpq hands every difference it meets to [`Divergences::explains`] and calls
//! [`Divergences::finish`] at its end, which fails when a row of its part of the file was not met: a row that no longer
//! applies must go.

use super::data;
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

/// One difference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Divergence {
    /// Which test meets it: `live`, `names`, `limbo`, ...
    r#where: String,
    /// The case in the words of that test; a final `*` stands for any ending.
    case: String,
    /// What libpq does.
    libpq: String,
    /// What we do.
    we: String,
    /// Why.
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    #[serde(default)]
    divergence: Vec<Divergence>,
}

/// The rows for one test, and which of them it has met.
pub(crate) struct Divergences {
    rows: Vec<Divergence>,
    met: BTreeSet<usize>,
}

impl Divergences {
    /// The rows that name this place.
    #[track_caller]
    pub(crate) fn of(place: &str) -> Self {
        let text = fs::read_to_string(data("divergences.toml")).unwrap();
        Self::parse(&text, place).unwrap_or_else(|error| panic!("divergences.toml: {error}"))
    }

    fn parse(text: &str, place: &str) -> Result<Self, String> {
        let Rows { divergence: mut rows } = toml::from_str(text).map_err(|error| error.to_string())?;
        for row in &rows {
            if [&row.r#where, &row.case, &row.libpq, &row.we, &row.reason]
                .iter()
                .any(|text| text.trim().is_empty())
            {
                return Err(format!("the row for {:?} in {:?} has an empty field", row.case, row.r#where));
            }
        }
        rows.retain(|row| row.r#where == place);
        Ok(Self { rows, met: BTreeSet::new() })
    }

    /// Whether a row says that in this case libpq does this and we do that.
    pub(crate) fn explains(&mut self, case: &str, libpq: &str, we: &str) -> bool {
        let applies = |row: &Divergence| {
            let named = row.case.strip_suffix('*').map_or(row.case == case, |start| case.starts_with(start));
            named && row.libpq == libpq && row.we == we
        };
        let met = self.rows.iter().position(applies);
        self.met.extend(met);
        met.is_some()
    }

    /// Fails when a row was not met.
    #[track_caller]
    pub(crate) fn finish(self) {
        let stale = self.stale();
        assert!(stale.is_empty(), "divergences.toml: these rows no longer apply, remove them: {stale:?}");
    }

    fn stale(&self) -> Vec<&str> {
        let unmet = self.rows.iter().enumerate().filter(|(position, _)| !self.met.contains(position));
        unmet.map(|(_, row)| row.case.as_str()).collect()
    }
}

#[test]
fn rows_apply_exactly_and_stale_ones_are_found() {
    let text = r#"
        [[divergence]]
        where = "here"
        case = "sni/*"
        libpq = "sent"
        we = "none"
        reason = "cannot"
        [[divergence]]
        where = "here"
        case = "b"
        libpq = "ssl"
        we = "fail"
        reason = "will not"
        [[divergence]]
        where = "elsewhere"
        case = "c"
        libpq = "ssl"
        we = "fail"
        reason = "will not"
    "#;
    let mut rows = Divergences::parse(text, "here").unwrap();
    assert!(rows.explains("sni/dot", "sent", "none"));
    assert!(rows.explains("sni/star", "sent", "none"));
    assert!(!rows.explains("sni/dot", "sent", "sent"));
    assert!(!rows.explains("b/", "ssl", "fail"));
    assert!(!rows.explains("c", "ssl", "fail"));
    assert_eq!(rows.stale(), ["b"]);
    assert!(rows.explains("b", "ssl", "fail"));
    assert_eq!(rows.stale(), [""; 0]);
    assert!(Divergences::parse(&text.replace("will not", " "), "here").is_err());
    assert!(Divergences::parse(&text.replace("reason", "because"), "here").is_err());
    assert!(Divergences::of("no such place").stale().is_empty());
}
