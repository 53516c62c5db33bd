//! Tables of tests: tab-separated, `#` begins a comment line, the first other line names the columns.

use super::data;
use std::{collections::BTreeMap, fs};

/// One row, and the line it stands on.
pub(crate) struct Row {
    pub(crate) line: usize,
    fields: BTreeMap<String, String>,
}

impl Row {
    /// The text of a column.
    #[track_caller]
    pub(crate) fn field(&self, column: &str) -> &str {
        self.fields.get(column).unwrap_or_else(|| panic!("line {}: there is no column {column}", self.line))
    }
}

/// All rows of a table in `tests/data/`.
#[track_caller]
pub(crate) fn rows(name: &str) -> Vec<Row> {
    let text = fs::read_to_string(data(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn parse(text: &str) -> Result<Vec<Row>, String> {
    let mut lines =
        (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
    let (_, header) = lines.next().ok_or("the table is empty")?;
    let columns: Vec<&str> = header.split('\t').collect();
    lines
        .map(|(line, text)| {
            let fields: Vec<&str> = text.split('\t').collect();
            if fields.len() != columns.len() {
                return Err(format!("line {line} has {} fields for {} columns", fields.len(), columns.len()));
            }
            let fields =
                columns.iter().zip(fields).map(|(column, field)| ((*column).to_owned(), field.to_owned()));
            Ok(Row { line, fields: fields.collect() })
        })
        .collect()
}

#[test]
fn a_table_is_read_by_column_and_a_ragged_one_is_refused() {
    let rows = parse("# comment\na\tb\n\n1\t2\n3\t\n").unwrap();
    let read: Vec<_> = rows.iter().map(|row| (row.line, row.field("a"), row.field("b"))).collect();
    assert_eq!(read, [(4, "1", "2"), (5, "3", "")]);
    assert!(parse("a\tb\n1\n").is_err());
    assert!(parse("# nothing\n").is_err());
}
