//! The command line as clap reads it; its help texts are the manual page.

use crate::{conformance, connect::Adapter, demo, serve};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::time::Duration;

/// See, try and explain what a PostgreSQL client does about TLS, by the rules of libpq (psql's library).
#[derive(Debug, Parser)]
#[command(
    name = "pgtls",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 connected or verified, 2 not, 64 wrong usage. Colours are used on a terminal only; NO_COLOR turns them off."
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect to a server as psql would, and say how each decision was reached
    Connect(ConnectArguments),
    /// Say what a connection string means: where each setting comes from, what would be tried, which files count
    Explain(ExplainArguments),
    /// Verify a server's certificate chain offline, with the verdict that a connection would give
    Verify(VerifyArguments),
    /// Show the six values of sslmode at work against honest, plain and hostile servers; needs no server
    Demo(demo::Arguments),
    /// Run the scripted PostgreSQL server alone, to try a client against
    Serve(serve::Arguments),
    /// Judge any client by the recorded behaviour of libpq, and say what differs
    Conformance(Box<conformance::Arguments>),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff), for example: pgtls man > pgtls.1
    Man,
}

/// Arguments of `pgtls connect`.
#[derive(Args, Debug)]
#[command(after_help = CONNINFO_HELP)]
pub(crate) struct ConnectArguments {
    /// Connection string: "host=db.example.com sslmode=verify-full", or a URI postgresql://user@host/db?sslmode=verify-full
    pub(crate) conninfo: String,
    /// Print one JSON object instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up after this many seconds, whatever connect_timeout says for each address
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Which of the adapters makes the connection; all of them do the same
    #[arg(long, value_enum, default_value_t)]
    pub(crate) adapter: Adapter,
    /// Close the gaps that libpq leaves open for compatibility (pgtls explain --hardened lists them)
    #[arg(long)]
    pub(crate) hardened: bool,
}

/// Arguments of `pgtls explain`.
#[derive(Args, Debug)]
#[command(after_help = CONNINFO_HELP)]
pub(crate) struct ExplainArguments {
    /// Connection string or URI, as for pgtls connect
    pub(crate) conninfo: String,
    /// Print one JSON object instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
    /// Explain what pgtls connect --hardened would do
    #[arg(long)]
    pub(crate) hardened: bool,
}

/// Arguments of `pgtls verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// File of trusted root certificates (PEM), or the word: system
    #[arg(long, value_name = "FILE")]
    pub(crate) rootcert: String,
    /// Chain as the peer sends it (PEM): its own certificate first, then intermediates
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: String,
    /// File of certificate revocation lists (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Option<String>,
    /// Directory of revocation lists with hashed names, as made by openssl rehash
    #[arg(long, value_name = "DIR")]
    pub(crate) crldir: Option<String>,
    /// Host name or address that the client connects to; needed for verify-full
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// What to verify: verify-ca the chain, verify-full the host name as well [default: verify-full when --host is given, else verify-ca]
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) sslmode: Option<VerifyMode>,
    /// Time of the verification in RFC 3339 form, for example 2030-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
    /// What the certificate is to be used for
    #[arg(long, value_enum, default_value_t = PurposeArgument::Server)]
    pub(crate) purpose: PurposeArgument,
    /// Verdicts that must accept the chain: OpenSSL's, which is libpq's, or (strict) OpenSSL's and webpki's
    #[arg(long, value_enum, default_value_t = Profile::Openssl)]
    pub(crate) profile: Profile,
    /// Print one JSON object instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
}

/// The two values of sslmode that verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyMode {
    /// The chain
    VerifyCa,
    /// The chain and the host name
    VerifyFull,
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeArgument {
    /// A server's certificate, as the client judges it
    Server,
    /// A client's certificate, as the server judges it
    Client,
}

/// Whose verdict is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// OpenSSL's rules, which are libpq's
    Openssl,
    /// webpki's verdict on the chain: no X.509 v1, no authority as server certificate; no commonName for the host
    Strict,
}

impl From<Profile> for pgtls_rustls::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Openssl => Self::Openssl,
            Profile::Strict => Self::Strict,
        }
    }
}

const CONNINFO_HELP: &str = "Settings that the string leaves out come from where psql takes them: the service file, PG* environment \
variables, the files in ~/.postgresql, the defaults. Quote the string, for the shell cuts it at blanks.";

/// Parses a positive number of seconds, fractions allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("{text:?} is not a positive number of seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seconds_are_positive_numbers() {
        for (text, expected) in [
            ("5", Some(5000)),
            ("0.25", Some(250)),
            ("0", None),
            ("-1", None),
            ("x", None),
            ("inf", None),
            ("NaN", None),
        ] {
            assert_eq!(seconds(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
    }
}
