//! `pgtls verify`: the verdict that a connection would give on a certificate chain, without a connection.

mod material;
mod render;
mod verdict;

use crate::{
    arguments::{PurposeArgument, VerifyArguments, VerifyMode},
    exit::Exit,
};
use rustls_pki_types::UnixTime;
use std::{
    io::{self, Write},
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use verdict::{Request, Verdict};

/// Runs the sub-command.
pub(crate) fn run(arguments: &VerifyArguments, out: &mut dyn Write) -> Exit {
    let verdict = match request(arguments) {
        Ok(request) => Verdict::of(&request),
        Err(usage) => {
            // Nothing is left to be done when even that cannot be written.
            let _ = writeln!(io::stderr(), "error: {usage}");
            return Exit::Usage;
        }
    };
    let written = if arguments.json { write_json(out, &verdict) } else { render::write(out, &verdict) };
    if written.is_ok() && verdict.verified != "none" { Exit::Success } else { Exit::Failure }
}

fn write_json(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    serde_json::to_writer(&mut *out, verdict)?;
    writeln!(out)?;
    out.flush()
}

/// What clap cannot say: which arguments need others.
fn request(arguments: &VerifyArguments) -> Result<Request<'_>, String> {
    let mode = arguments.sslmode.unwrap_or(match &arguments.host {
        Some(_) => VerifyMode::VerifyFull,
        None => VerifyMode::VerifyCa,
    });
    if mode == VerifyMode::VerifyFull && arguments.host.is_none() {
        return Err("--sslmode verify-full compares the certificate with a host: give --host".to_owned());
    }
    if mode == VerifyMode::VerifyFull && arguments.purpose == PurposeArgument::Client {
        return Err(
            "--purpose client has no host to compare with: leave --host and verify-full out".to_owned()
        );
    }
    let time = match &arguments.time {
        Some(text) => parse_time(text)?,
        None => UnixTime::since_unix_epoch(Duration::from_secs(pgtls_os::unix_time())),
    };
    Ok(Request {
        arguments,
        host: arguments.host.as_deref().filter(|_| mode == VerifyMode::VerifyFull),
        time,
    })
}

fn parse_time(text: &str) -> Result<UnixTime, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("--time {text:?} is not of the form 2030-01-31T12:00:00Z (RFC 3339)"))?;
    let seconds =
        u64::try_from(time.unix_timestamp()).map_err(|_| format!("--time {text:?} is before 1970"))?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:01+01:00", Some(1)),
            ("2030-01-31T12:00:00Z", Some(1_896_091_200)),
            ("1969-12-31T23:59:59Z", None),
            ("2030-01-31", None),
            ("tomorrow", None),
        ] {
            assert_eq!(parse_time(text).ok().map(|time| time.as_secs()), expected, "{text}");
        }
    }
}
