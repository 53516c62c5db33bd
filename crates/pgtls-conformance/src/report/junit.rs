//! JUnit's XML: a test suite for each group, a test case for each scenario.

use super::{Entry, Report, Verdict};
use core::fmt::Write as _;

pub(super) fn xml(report: &Report) -> String {
    let total = report.total();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
        escaped(&report.client),
        report.scenarios.len(),
        total.differ,
        total.skipped,
    );
    for (group, count) in report.groups() {
        let tests = count.agree.saturating_add(count.differ).saturating_add(count.skipped);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">",
            escaped(group),
            count.differ,
            count.skipped
        );
        for entry in report.scenarios.iter().filter(|entry| entry.group() == group) {
            case(&mut out, entry);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, entry: &Entry) {
    let (class, name) = entry.id.split_once('/').unwrap_or((&entry.id, ""));
    let open = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
    let _ = match (entry.verdict, &entry.detail) {
        (Verdict::Skipped, _) => {
            let reason = escaped(entry.skipped.as_deref().unwrap_or_default());
            writeln!(out, "{open}><skipped message=\"{reason}\"/></testcase>")
        }
        (_, Some(detail)) => {
            let message = escaped(detail.sentences.first().map_or("differs", String::as_str));
            let body = escaped(&format!(
                "conninfo: {}\nlibpq: {} {}\nclient: {} {}\nsee: {}",
                detail.conninfo,
                detail.expected.outcome,
                detail.expected.events.join(" "),
                detail.observed.outcome,
                detail.observed.events.join(" "),
                detail.section.as_deref().unwrap_or("-"),
            ));
            let kind = detail.differences.first().map_or("", String::as_str);
            writeln!(out, "{open}><failure type=\"{kind}\" message=\"{message}\">{body}</failure></testcase>")
        }
        (_, None) => writeln!(out, "{open}/>"),
    };
}

/// Text for XML. What XML 1.0 cannot hold (section 2.2) is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_escapes() {
        assert_eq!(escaped("<a b=\"c\">&\n\0"), "&lt;a b=&quot;c&quot;&gt;&amp;&#10;\u{fffd}");
    }
}
