//! The explanation for people.

use super::{Explanation, steps::Step};
use crate::{
    report::{self, heading},
    style::{BAD, CAUTION, FAINT, GOOD},
};
use std::io::{self, Write};

/// Columns of the table of parameters.
const NAME_WIDTH: usize = 26;
const VALUE_WIDTH: usize = 32;

/// Writes everything, in the order in which a reader wants to know it.
pub(super) fn write(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    settings(out, explanation)?;
    hosts(out, explanation)?;
    verification(out, explanation)?;
    files(out, explanation)?;
    openssl(out, explanation)?;
    for plan in &explanation.plans {
        let each = if plan.transport == "unix" { "unix socket" } else { "address" };
        heading(out, &format!("What is done, for each {each}"))?;
        steps(out, &plan.way, 1)?;
    }
    warnings(out, explanation)?;
    hardenings(out, explanation)
}

/// Settings that somebody made, then the defaults in one line each, fainter.
fn settings(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "Parameters, and where each comes from")?;
    for default in [false, true] {
        let style = if default { FAINT } else { anstyle::Style::new() };
        for line in explanation.settings.iter().filter(|line| line.default == default) {
            let value = line.value.as_deref().unwrap_or("(hidden)");
            let value = if value.is_empty() { "(empty)" } else { value };
            writeln!(
                out,
                "  {style}{:NAME_WIDTH$} {value:VALUE_WIDTH$} {}{style:#}",
                line.parameter, line.source
            )?;
        }
    }
    Ok(())
}

fn hosts(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "Hosts, in the order in which they are tried")?;
    for (number, host) in explanation.hosts.iter().enumerate() {
        let style = if host.transport.is_none() { BAD } else { anstyle::Style::new() };
        writeln!(out, "  {}. {style}{}{style:#}", number.saturating_add(1), host.address)?;
        if let Some(name) = &host.sni {
            writeln!(out, "     {FAINT}says {name} to the server in clear (SNI){FAINT:#}")?;
        }
    }
    Ok(())
}

fn verification(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "What is verified, and what that protects against")?;
    writeln!(out, "  {}", explanation.verification_words)?;
    let protection = explanation.protection;
    for (attack, against) in [
        ("reading along (eavesdropping)", protection.eavesdropping),
        ("standing in for the server (MITM)", protection.interception),
    ] {
        let style = match against {
            super::protection::Against::Yes | super::protection::Against::Local => GOOD,
            super::protection::Against::No => BAD,
            _ => CAUTION,
        };
        writeln!(out, "  {attack:34} {style}{}{style:#}", against.words())?;
    }
    Ok(())
}

fn files(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "Files")?;
    for file in &explanation.files {
        report::file(out, file)?;
    }
    Ok(())
}

fn openssl(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let openssl = &explanation.openssl;
    heading(out, "OpenSSL's settings (openssl.cnf), and what is offered to a server")?;
    let none = if openssl.error.is_some() { "none that can be used" } else { "none" };
    for (name, value) in [
        ("file", openssl.path.as_deref().unwrap_or(none).to_owned()),
        ("security level", openssl.security_level.to_string()),
        ("TLS", openssl.versions.join(", ")),
        ("suites", openssl.cipher_suites.join(", ")),
        ("groups", openssl.groups.join(", ")),
        ("not applied", openssl.not_applied.join("; ")),
        ("overridden", openssl.overridden.join("; ")),
    ] {
        if !value.is_empty() {
            writeln!(out, "  {name:16} {value}")?;
        }
    }
    Ok(())
}

/// A single way stays on its level; a choice indents.
fn steps(out: &mut dyn Write, step: &Step, level: usize) -> io::Result<()> {
    let indent = level.saturating_mul(2);
    writeln!(out, "{:indent$}{}", "", step.step)?;
    for outcome in &step.outcomes {
        if outcome.when.is_empty() {
            steps(out, &outcome.then, level)?;
        } else {
            writeln!(out, "{:indent$}{FAINT}- if {}:{FAINT:#}", "", outcome.when)?;
            steps(out, &outcome.then, level.saturating_add(2))?;
        }
    }
    Ok(())
}

fn warnings(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "Warnings")?;
    if explanation.warnings.is_empty() {
        writeln!(out, "  {GOOD}none{GOOD:#}")?;
    }
    for warning in &explanation.warnings {
        writeln!(out, "  {CAUTION}{}{CAUTION:#}: {}", warning.name, warning.text)?;
    }
    Ok(())
}

fn hardenings(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    heading(out, "Hardenings (pgtls connect --hardened turns all on)")?;
    for line in &explanation.hardenings {
        let (style, state) = if line.on { (GOOD, "on ") } else { (FAINT, "off") };
        writeln!(out, "  {style}{state}{style:#} {:32} without it: {}", line.name, line.without)?;
    }
    Ok(())
}
