//! Lines that `connect` and `explain` write alike.

use crate::{
    labels::FileLine,
    style::{BAD, FAINT, GOOD, HEADING},
};
use std::io::{self, Write};

/// A heading, with an empty line before it.
pub(crate) fn heading(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{HEADING}{text}{HEADING:#}")
}

/// A file: what for, where, why there, what came of it and what that means.
pub(crate) fn file(out: &mut dyn Write, file: &FileLine) -> io::Result<()> {
    let style = match file.state {
        "read" => GOOD,
        "unusable" => BAD,
        _ => FAINT,
    };
    let why = match (file.path.is_some(), file.source) {
        (false, _) => "",
        (true, "explicit") => " (named by the parameter)",
        (true, _) => " (default place)",
    };
    let path = file.path.as_deref().unwrap_or("-");
    writeln!(out, "  {:12} {path}{why}: {style}{}{style:#}", file.role, file.detail)?;
    match file.meaning {
        Some(meaning) => writeln!(out, "  {:12} {FAINT}{meaning}{FAINT:#}", ""),
        None => Ok(()),
    }
}
