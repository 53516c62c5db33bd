//! Instructions that may be spent, counted by callgrind and compared with `tests/data/budgets.tsv`.

use crate::workspace::Error;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
};

/// The table, from the root.
const TABLE: &str = "tests/data/budgets.tsv";

/// The program, after it was built for release.
const PROGRAM: &str = "target/release/budgets";

/// Its functions between which callgrind counts.
const BEGIN: &str = "pgtls_bench::cost::begin";
const END: &str = "pgtls_bench::cost::end";

/// The command that builds the program.
pub(super) const BUILD: &[&str] = &["build", "--release", "--package", "pgtls-bench", "--bin", "budgets"];

/// The reason for counting no case.
pub(super) const NO_VALGRIND: &str = "valgrind is not installed";

/// Whether valgrind is there.
pub(super) fn can_count() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Builds the program, where there is somebody to count.
pub(crate) fn build(root: &Path) -> Result<(), Error> {
    if !can_count() {
        return Err(Error(format!(
            "{NO_VALGRIND}, and instructions are a part of the page; --quick does without"
        )));
    }
    let built = Command::new("cargo").args(BUILD).current_dir(root).status();
    if built.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(Error(format!("{PROGRAM} does not build")))
    }
}

/// Instructions of each case.
pub(crate) fn medians(root: &Path) -> Result<BTreeMap<String, u64>, Error> {
    Ok(count(root)?.into_iter().filter_map(|(case, counts)| Some((case, median(&counts)?))).collect())
}

/// Runs the program and compares.
pub(super) fn check(root: &Path) -> Result<(), Error> {
    let table = fs::read_to_string(root.join(TABLE)).map_err(|error| Error(format!("{TABLE}: {error}")))?;
    let budgets = parse(&table)?;
    let (text, objections) = compare(&budgets, &count(root)?);
    println!("{text}");
    if objections.is_empty() { Ok(()) } else { Err(Error(objections.join("; "))) }
}

/// A row of the table.
#[derive(Debug, PartialEq)]
struct Budget<'t> {
    case: &'t str,
    most: f64,
    /// The case that `most` is a factor of.
    than: Option<&'t str>,
}

fn parse(table: &str) -> Result<Vec<Budget<'_>>, Error> {
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let wrong = || Error(format!("{TABLE}: \"{row}\" is no row of three columns"));
        let mut columns = row.split('\t');
        let (Some(case), Some(most), Some(than), None) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            return Err(wrong());
        };
        Ok(Budget { case, most: most.parse().map_err(|_| wrong())?, than: (than != "-").then_some(than) })
    })
    .collect()
}

/// Instructions of each case, by name.
type Counts = BTreeMap<String, Vec<u64>>;

fn count(root: &Path) -> Result<Counts, Error> {
    let cannot = |error| Error(format!("instructions cannot be counted: {error}"));
    let folder = tempfile::tempdir().map_err(cannot)?;
    let out = folder.path().join("part");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--dump-after={BEGIN}"), &format!("--dump-before={END}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(root.join(PROGRAM))
        .output()
        .map_err(cannot)?;
    if !output.status.success() {
        return Err(Error(format!("{PROGRAM} failed: {}", String::from_utf8_lossy(&output.stderr))));
    }

    // callgrind writes a file with its counts at each beginning and at each end, and the program prints the name of the case
    // between them.
    let mut counts = Counts::new();
    for (part, case) in (2..).step_by(2).zip(String::from_utf8_lossy(&output.stdout).lines()) {
        let text = fs::read_to_string(out.with_extension(format!("{part}"))).map_err(cannot)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        let total = total.ok_or_else(|| Error(format!("callgrind wrote no total for {case}")))?;
        counts.entry(case.to_owned()).or_default().push(total);
    }
    Ok(counts)
}

/// The table of the counts, for people, and the budgets that do not hold.
#[expect(clippy::cast_precision_loss, reason = "nothing here takes 2^52 instructions")]
fn compare(budgets: &[Budget<'_>], counts: &Counts) -> (String, Vec<String>) {
    let cost = |case: &str| counts.get(case).and_then(|counts| median(counts));
    let mut text = String::new();
    let mut objections = Vec::new();
    for &Budget { case, most, than } in budgets {
        let found = match than {
            None => cost(case).map(|cost| (cost as f64, format!("{cost} instructions, at most {most}"))),
            Some(other) => cost(case).zip(cost(other)).map(|(cost, of)| {
                let factor = cost as f64 / of as f64;
                (factor, format!("{cost} instructions, {factor:.4} x {other}, at most {most}"))
            }),
        };
        let Some((found, words)) = found else {
            objections.push(format!("{case} was not measured, or nothing to compare it with"));
            continue;
        };
        let verdict = if found <= most { "ok" } else { "OVER" };
        writeln!(text, "{verdict:4} {case:22} {words}").expect("writing to a String cannot fail");
        if found > most {
            objections.push(format!("{case}: {words}"));
        }
    }
    let named: BTreeSet<&str> = budgets.iter().flat_map(|row| [Some(row.case), row.than]).flatten().collect();
    let without = counts.keys().filter(|case| !named.contains(case.as_str()));
    objections.extend(without.map(|case| format!("{case} is measured and has no budget in {TABLE}")));
    (text, objections)
}

fn median(counts: &[u64]) -> Option<u64> {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# words\ncase\tmost\tthan\n\na\t100\t-\nb\t1.5\ta\n";

    #[track_caller]
    fn check(table: &str, counts: &[(&str, &[u64])], word: Option<&str>) {
        let counts = counts.iter().map(|(case, counts)| ((*case).to_owned(), counts.to_vec())).collect();
        let (text, objections) = compare(&parse(table).unwrap(), &counts);
        match word {
            None => assert_eq!(objections, [""; 0], "{text}"),
            Some(word) => assert!(objections.len() == 1 && objections[0].contains(word), "{objections:?}"),
        }
    }

    #[test]
    fn budgets_are_kept_or_not() {
        check(GOOD, &[("a", &[100]), ("b", &[150])], None);
        check(GOOD, &[("a", &[101]), ("b", &[150])], Some("a: 101"));
        check(GOOD, &[("a", &[100]), ("b", &[151])], Some("1.5100 x a"));
        check(GOOD, &[("a", &[100, 9, 1000]), ("b", &[150])], None);
        check(GOOD, &[("a", &[100])], Some("b was not measured"));
        check(GOOD, &[("a", &[100]), ("b", &[1]), ("c", &[1])], Some("c is measured"));
    }

    #[test]
    fn rows_that_are_none() {
        for row in ["a\t1", "a\t1\t-\t-", "a\tmany\t-"] {
            assert!(parse(&format!("case\tmost\tthan\n{row}\n")).is_err(), "{row}");
        }
    }
}
