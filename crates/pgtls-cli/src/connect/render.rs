//! The report for people.

use super::{report::Report, timeline::Attempt};
use crate::{
    report::{self, heading},
    style::{BAD, CAUTION, FAINT, GOOD, HEADING},
};
use std::io::{self, Write};

/// Writes what was tried, what the server answered, which file decided what, the verdict, and what to change.
pub(super) fn write(out: &mut dyn Write, connection: &Report) -> io::Result<()> {
    if let Some((sslmode, source)) = &connection.mode {
        writeln!(out, "sslmode={sslmode} {FAINT}({source}){FAINT:#}")?;
    }
    for attempt in &connection.attempts {
        attempt_lines(out, attempt)?;
    }
    if !connection.files.is_empty() && connection.outcome != "plain" {
        heading(out, "Files")?;
        for file in &connection.files {
            report::file(out, file)?;
        }
    }
    let mut texts: Vec<_> = connection.warnings.iter().map(|warning| &warning.text).collect();
    // There is one for each line that cannot be written to the key log.
    texts.dedup();
    for text in texts {
        writeln!(out, "\n{CAUTION}warning{CAUTION:#}: {text}")?;
    }
    verdict(out, connection)
}

fn attempt_lines(out: &mut dyn Write, attempt: &Attempt) -> io::Result<()> {
    heading(out, attempt.address.as_deref().unwrap_or("Before a connection"))?;
    for step in &attempt.steps {
        let style = if step.event == "failed" { BAD } else { HEADING };
        writeln!(out, "  {style}{:16}{style:#} {}", step.event, step.meaning)?;
    }
    Ok(())
}

fn verdict(out: &mut dyn Write, connection: &Report) -> io::Result<()> {
    writeln!(out)?;
    match connection.outcome {
        "fail" => {
            writeln!(out, "{BAD}Not connected.{BAD:#}")?;
            // The others stand where they happened.
            if let Some(line) = connection.error.as_deref().and_then(|error| error.lines().last()) {
                writeln!(out, "  {line}")?;
            }
            match connection.advice {
                Some(advice) => {
                    heading(out, "What to change")?;
                    writeln!(out, "  {advice}")
                }
                None => Ok(()),
            }
        }
        "ssl" => {
            let style = if connection.verified == "none" { CAUTION } else { GOOD };
            writeln!(out, "{style}Connected over TLS, {}.{style:#}", verified(connection))?;
            details(out, connection)?;
            path(out, connection)
        }
        "gss" => {
            writeln!(out, "{GOOD}Connected with GSSAPI encryption.{GOOD:#}")?;
            details(out, connection)
        }
        _ => {
            writeln!(out, "{CAUTION}Connected in plain text: nothing is encrypted or verified.{CAUTION:#}")?;
            details(out, connection)
        }
    }
}

fn verified(connection: &Report) -> String {
    match (connection.verified, &connection.matched_name) {
        ("full", Some(name)) => format!("server verified: its certificate is trusted and is for {name}"),
        ("full", None) => "server verified".to_owned(),
        ("ca", _) => "certificate trusted, host name not compared".to_owned(),
        _ => "server not verified: it could be anybody".to_owned(),
    }
}

fn details(out: &mut dyn Write, connection: &Report) -> io::Result<()> {
    for (name, value) in [
        ("TLS", connection.protocol.as_deref()),
        ("cipher", connection.cipher.as_deref()),
        ("ALPN", connection.alpn.as_deref()),
        ("SNI", connection.sni.as_deref()),
        ("authentication", connection.authentication),
        ("server version", connection.server_version.as_deref()),
    ] {
        if let Some(value) = value {
            writeln!(out, "  {name:16} {value}")?;
        }
    }
    Ok(())
}

/// The certificates that the verdict rests on.
fn path(out: &mut dyn Write, connection: &Report) -> io::Result<()> {
    let Some(server) = connection.certificates.first() else { return Ok(()) };
    writeln!(out, "  {:16} {}, valid until {}", "certificate", server.subject, server.not_after)?;
    for issuer in connection.certificates.iter().skip(1) {
        writeln!(out, "  {:16} {}", "issued by", issuer.subject)?;
    }
    Ok(())
}
