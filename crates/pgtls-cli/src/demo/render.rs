//! The matrix for people.

use super::{
    cell::Cell,
    matrix::{Attempt, RootFile},
    server::DemoServer,
};
use anstyle::{AnsiColor, Style};
use pgtls_core::param::SslMode;
use std::io::{self, Write};

const TITLE: Style = Style::new().bold();
const SAFE: Style = AnsiColor::Green.on_default().bold();
const HALF: Style = AnsiColor::Yellow.on_default();
const DANGER: Style = AnsiColor::Red.on_default().bold();
const CALM: Style = Style::new().dimmed();

/// Space between columns.
const GAP: usize = 2;

/// Everything before the first attempt.
pub(super) fn introduction(out: &mut dyn Write, servers: &[DemoServer]) -> io::Result<()> {
    writeln!(out, "{TITLE}What the six values of sslmode do{TITLE:#}")?;
    writeln!(out)?;
    writeln!(
        out,
        "The servers below run inside this program, with certificates made a moment ago. Each is tried with each"
    )?;
    writeln!(
        out,
        "sslmode, as psql would (libpq of PostgreSQL 18). The client asks for host db.test. A server that"
    )?;
    writeln!(out)?;
    let width = servers.iter().map(|server| width(&server.name)).max().unwrap_or_default();
    for DemoServer { name, story, .. } in servers {
        writeln!(
            out,
            "  {TITLE}{name}{TITLE:#}{:pad$}  {story}",
            "",
            pad = width.saturating_sub(self::width(name))
        )?;
    }
    Ok(())
}

/// One matrix.
pub(super) fn matrix(out: &mut dyn Write, attempts: &[Attempt], root_file: RootFile) -> io::Result<()> {
    let title = match root_file {
        RootFile::Missing => "Without a root file, as psql is right after its installation",
        RootFile::Present => "With the CA's certificate as sslrootcert (or in ~/.postgresql/root.crt)",
    };
    writeln!(out)?;
    writeln!(out, "{TITLE}{title}{TITLE:#}")?;
    writeln!(out)?;
    let attempts: Vec<_> = attempts.iter().filter(|attempt| attempt.root_file == root_file).collect();
    let rows: Vec<&[&Attempt]> = attempts.chunks(SslMode::ALL.len()).collect();
    let names = rows.iter().filter_map(|row| row.first()).map(|attempt| width(&attempt.server)).max();
    let names = names.unwrap_or_default().saturating_add(GAP);
    let widths: Vec<usize> = SslMode::ALL
        .iter()
        .enumerate()
        .map(|(column, mode)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|attempt| width(&shown(attempt)));
            cells.chain([width(mode.as_str())]).max().unwrap_or_default().saturating_add(GAP)
        })
        .collect();
    let titles = SslMode::ALL.iter().map(|mode| (TITLE, mode.to_string()));
    line(out, "", names, titles.zip(widths.iter().copied()))?;
    for row in rows {
        let name = row.first().map(|attempt| attempt.server.as_str()).unwrap_or_default();
        let cells = row.iter().map(|attempt| (style(&attempt.outcome), shown(attempt)));
        line(out, name, names, cells.zip(widths.iter().copied()))?;
    }
    Ok(())
}

/// One line of a matrix, without blanks at its end.
fn line(
    out: &mut dyn Write,
    name: &str,
    names: usize,
    cells: impl Iterator<Item = ((Style, String), usize)>,
) -> io::Result<()> {
    write!(out, "{name}")?;
    let mut pad = names.saturating_sub(width(name));
    for ((style, text), width) in cells {
        write!(out, "{:pad$}{style}{text}{style:#}", "")?;
        pad = width.saturating_sub(self::width(&text));
    }
    writeln!(out)
}

/// What the words of the cells mean, and what follows from it all.
pub(super) fn conclusion(out: &mut dyn Write, attempts: &[Attempt]) -> io::Result<()> {
    writeln!(out)?;
    for (cell, meaning) in [
        (Cell::Full, "encrypted; the certificate is from your CA and for this host"),
        (Cell::Ca, "encrypted; the certificate is from your CA, for whatever host"),
        (Cell::Encrypted, "encrypted, but to whom is not known: anybody in the middle can read along"),
        (Cell::Plain { password: false }, "not encrypted: anybody on the way can read along"),
        (Cell::Plain { password: true }, "and the password itself went over the wire in clear"),
    ] {
        let (style, text) = (style(&cell), cell.short());
        writeln!(
            out,
            "  {style}{text}{style:#}{:pad$}  {meaning}",
            "",
            pad = 12_usize.saturating_sub(width(&text))
        )?;
    }
    writeln!(out, "  {CALM}✗ reason{CALM:#}      not connected, and why")?;
    writeln!(out)?;
    writeln!(out, "{TITLE}What each mode protects against{TITLE:#}")?;
    writeln!(out)?;
    for (mode, protection) in PROTECTION {
        let mode = mode.as_str();
        writeln!(
            out,
            "  {TITLE}{mode}{TITLE:#}{:pad$}  {protection}",
            "",
            pad = 11_usize.saturating_sub(width(mode))
        )?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "psql's default is prefer. What keeps a password and its data to yourself is sslmode=verify-full with"
    )?;
    writeln!(
        out,
        "sslrootcert=<your CA's certificate>, or sslrootcert=system for a certificate of a public CA."
    )?;
    writeln!(out)?;
    verdict(out, attempts)
}

/// From the documentation's table "SSL Mode Descriptions" (libpq, "SSL Support"), and the matrices above.
const PROTECTION: &[(SslMode, &str)] = &[
    (SslMode::Disable, "nothing."),
    (
        SslMode::Allow,
        "nothing that you can rely on: TLS is used only when the server insists, and plaintext is tried first.",
    ),
    (
        SslMode::Prefer,
        "nothing that you can rely on: whoever can break TLS gets plaintext, even when there is a root file.",
    ),
    (SslMode::Require, "listeners. Not against a server that is somebody else, unless there is a root file."),
    (
        SslMode::VerifyCa,
        "listeners, and servers of people who have no certificate from your CA; enough when the CA is yours alone.",
    ),
    (SslMode::VerifyFull, "listeners, and every server that is not the host you named."),
];

fn verdict(out: &mut dyn Write, attempts: &[Attempt]) -> io::Result<()> {
    let different: Vec<_> = attempts.iter().filter(|attempt| !attempt.agrees()).collect();
    if different.is_empty() {
        let all = attempts.len();
        return writeln!(out, "{SAFE}All {all} attempts ended as they do with libpq.{SAFE:#}");
    }
    let (count, all) = (different.len(), attempts.len());
    writeln!(out, "{DANGER}{count} of {all} attempts did not end as they do with libpq:{DANGER:#}")?;
    for attempt in different {
        let Attempt { server, sslmode, outcome, expected, error, contradiction, .. } = attempt;
        let root_file = match attempt.root_file {
            RootFile::Missing => "without",
            RootFile::Present => "with",
        };
        writeln!(
            out,
            "  {server}, sslmode={sslmode}, {root_file} root file: {outcome} instead of {expected}"
        )?;
        writeln!(out, "    the server saw: {}", attempt.events.join(" "))?;
        if *contradiction {
            writeln!(out, "    client and server do not agree on what kind of session this is")?;
        }
        if let Some(error) = error {
            writeln!(out, "    {}", error.replace('\n', "\n    "))?;
        }
    }
    Ok(())
}

/// A difference is marked where it stands, so that it shows without colours too.
fn shown(attempt: &Attempt) -> String {
    let mark = if attempt.agrees() { "" } else { " (!)" };
    format!("{}{mark}", attempt.outcome.short())
}

fn style(cell: &Cell) -> Style {
    match cell {
        Cell::Full => SAFE,
        Cell::Ca | Cell::Encrypted => HALF,
        Cell::Plain { .. } => DANGER,
        Cell::Refused(_) => CALM,
    }
}

/// Columns that a text takes; all of ours are one column wide per character.
fn width(text: &str) -> usize {
    text.chars().count()
}
