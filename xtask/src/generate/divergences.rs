//! `docs/divergences.md`: the rows of `tests/data/divergences.toml`, by the test that meets them.

use super::template::{fill, table};
use std::{collections::BTreeMap, fmt::Write as _};

/// Read when it is built, as the code that other documents are made of.
const DATA: &str = include_str!("../../../tests/data/divergences.toml");

pub(super) fn content() -> String {
    fill(include_str!("divergences.md"), &[("divergences", tables(DATA))])
}

/// A heading and a table for each place.
fn tables(data: &str) -> String {
    let parsed: toml::Table = data.parse().expect("the suite reads this file as well");
    let mut places: BTreeMap<String, Vec<[String; 4]>> = BTreeMap::new();
    for row in parsed.get("divergence").and_then(toml::Value::as_array).into_iter().flatten() {
        let field = |name: &str| row.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let cells = [field("case"), field("libpq"), field("we"), field("reason")];
        places.entry(field("where")).or_default().push(cells);
    }
    let mut text = String::new();
    for (place, rows) in places {
        let rows = table(["case", "libpq", "pgtls", "why"], rows);
        write!(text, "## {place}\n\n{rows}\n").expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_their_places() {
        let data = "[[divergence]]\nwhere = \"b\"\ncase = \"c/*\"\nlibpq = \"l\"\nwe = \"w\"\nreason = \"r\"\n\
                    [[divergence]]\nwhere = \"a\"\ncase = \"d\"\nlibpq = \"l\"\nwe = \"w\"\nreason = \"r|s\"\n";
        let row = |case, why| {
            format!("| case | libpq | pgtls | why |\n| --- | --- | --- | --- |\n| {case} | l | w | {why} |\n")
        };
        let expected = format!("## a\n\n{}\n## b\n\n{}\n", row("d", "r\\|s"), row("c/*", "r"));
        assert_eq!(tables(data), expected);
    }
}
