//! A picture of the cost of a session: a line for each contender, a mark for each file of roots, on a logarithmic scale.

use crate::bench::{CONTENDERS, Results, Spread};
use std::fmt::Write as _;

/// The files of roots, with how they are called and marked.
const SERIES: [Series; 2] = [
    Series { scenario: "one-root", label: "one root", class: "one" },
    Series { scenario: "bundle", label: "the system's roots", class: "many" },
];

struct Series {
    scenario: &'static str,
    label: &'static str,
    class: &'static str,
}

/// Pixels.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 84.0;
const LINE: f64 = 26.0;
/// Between runtimes.
const GAP: f64 = 12.0;
const RADIUS: f64 = 5.0;

/// Milliseconds.
const TICKS: &[f64] = &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// For a bright page and a dark one.
const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #52514e }
.title { font-size: 15px; font-weight: 600; fill: #0b0b0b }
.ours { font-weight: 600; fill: #0b0b0b }
.number { text-anchor: end; font-variant-numeric: tabular-nums }
.tick { text-anchor: middle; font-size: 12px }
.page { fill: #fcfcfb }
.grid { stroke: #e1e0d9 }
.one { fill: #2a78d6; stroke: #2a78d6 }
.many { fill: #eb6834; stroke: #eb6834 }
.whisker { stroke-width: 2 }
.mark { stroke: #fcfcfb; stroke-width: 2; paint-order: stroke }
@media (prefers-color-scheme: dark) {
text { fill: #c3c2b7 }
.title, .ours { fill: #ffffff }
.page { fill: #1a1a19 }
.grid { stroke: #383835 }
.one { fill: #3987e5; stroke: #3987e5 }
.many { fill: #d95926; stroke: #d95926 }
.mark { stroke: #1a1a19 }
}";

pub(super) fn draw(results: &Results) -> String {
    let spread = |contender: &str, series: &Series| {
        let microseconds = Spread::of(results.values(series.scenario, contender, "cpu"))?;
        let Spread { low, median, high } = microseconds;
        Some(Spread { low: low / 1e3, median: median / 1e3, high: high / 1e3 })
    };
    let all: Vec<_> = CONTENDERS
        .iter()
        .flat_map(|contender| SERIES.iter().filter_map(|series| spread(contender.name, series)))
        .collect();
    let scale = Scale::over(&all);

    let mut rows = String::new();
    let mut y = TOP;
    let mut runtime = "";
    for contender in CONTENDERS {
        let found: Vec<_> =
            SERIES.iter().filter_map(|series| Some((series, spread(contender.name, series)?))).collect();
        if found.is_empty() {
            continue;
        }
        if !runtime.is_empty() && contender.on != runtime {
            y += GAP;
        }
        runtime = contender.on;
        let ours = if contender.name.starts_with("pgtls") { " class=\"ours\"" } else { "" };
        line(&mut rows, &format!("<text x=\"16\" y=\"{}\"{ours}>{}</text>", y + 4.0, contender.name));
        for (series, spread) in found {
            mark(&mut rows, &scale, y, series, spread);
        }
        y += LINE;
    }

    let height = y + 30.0;
    let mut svg = String::new();
    line(
        &mut svg,
        &format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"Processor time of a verified session, for each contender\">"
        ),
    );
    line(&mut svg, &format!("<style>\n{STYLE}\n</style>"));
    line(&mut svg, &format!("<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>"));
    line(
        &mut svg,
        "<text x=\"16\" y=\"28\" class=\"title\">Processor time of a verified session, in milliseconds</text>",
    );
    for (series, x, column) in SERIES.iter().zip([22.0, 112.0]).zip([90.0, 16.0]).map(|((s, x), c)| (s, x, c))
    {
        let Series { label, class, .. } = series;
        line(&mut svg, &shape(class, x, 49.0));
        line(&mut svg, &format!("<text x=\"{}\" y=\"53\">{label}</text>", x + 10.0));
        line(&mut svg, &shape(class, WIDTH - column - 6.0, 49.0));
    }
    for &tick in TICKS.iter().filter(|tick| scale.has(**tick)) {
        let x = scale.at(tick);
        line(
            &mut svg,
            &format!("<path class=\"grid\" d=\"M{x:.1} {}V{:.1}\"/>", TOP - LINE / 2.0, y - LINE / 2.0),
        );
        line(&mut svg, &format!("<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{tick}</text>", y + 8.0));
    }
    svg + &rows + "</svg>\n"
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("writing to a String cannot fail");
}

/// The quartiles as a line, the median as a mark, and the median in figures on the right.
fn mark(rows: &mut String, scale: &Scale, y: f64, series: &Series, spread: Spread) {
    let Spread { low, median, high } = spread;
    let class = series.class;
    let (from, to) = (scale.at(low), scale.at(high));
    // One above the other, as they are often equal.
    let (column, at) = if class == SERIES[0].class { (90.0, y - RADIUS) } else { (16.0, y + RADIUS) };
    line(rows, &format!("<path class=\"{class} whisker\" d=\"M{from:.1} {at}H{to:.1}\"/>"));
    line(rows, &shape(class, scale.at(median), at));
    line(
        rows,
        &format!(
            "<text class=\"number\" x=\"{}\" y=\"{}\">{}</text>",
            WIDTH - column,
            y + 4.0,
            if median < 10.0 { format!("{median:.2}") } else { format!("{median:.1}") }
        ),
    );
}

/// A disc or a diamond, which can be distinguished without colours.
fn shape(class: &str, x: f64, y: f64) -> String {
    if class == SERIES[0].class {
        return format!("<circle class=\"{class} mark\" cx=\"{x:.1}\" cy=\"{y}\" r=\"{RADIUS}\"/>");
    }
    let r = RADIUS + 1.0;
    format!("<path class=\"{class} mark\" d=\"M{:.1} {y}l{r} {r} {r} -{r} -{r} -{r}z\"/>", x - r)
}

/// From milliseconds to pixels.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    /// Over all of these, from tick to tick.
    fn over(spreads: &[Spread]) -> Self {
        let least = spreads.iter().map(|spread| spread.low).fold(f64::INFINITY, f64::min);
        let most = spreads.iter().map(|spread| spread.high).fold(0.0, f64::max);
        let below = TICKS.iter().copied().filter(|tick| *tick <= least).fold(0.1, f64::max);
        let above = TICKS.iter().copied().filter(|tick| *tick >= most).fold(100.0, f64::min);
        Self { from: below, to: above }
    }

    fn has(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    fn at(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (value / self.from).ln() / (self.to / self.from).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn whoever_was_measured_has_a_line_and_marks_at_its_value() {
        let mut results = Results::new(BTreeMap::new());
        results.add("one-root", "rustls", "cpu", 1000.0);
        results.add("bundle", "libpq", "cpu", 10_000.0);
        let svg = draw(&results);
        assert!(svg.contains(">rustls</text>") && svg.contains(">libpq</text>"), "{svg}");
        assert!(!svg.contains("pgtls"), "{svg}");
        // The scale is from 1 to 10.
        assert!(svg.contains("<circle class=\"one mark\" cx=\"190.0\""), "{svg}");
        assert!(svg.contains("<path class=\"many mark\" d=\"M584.0 "), "{svg}");
        assert_eq!(svg.matches("class=\"tick\"").count(), 4, "{svg}");
    }
}
