//! `pgtls explain`: what a connection string means, without connecting.

mod hardenings;
mod hosts;
mod openssl;
mod protection;
mod render;
mod settings;
mod steps;
mod warnings;

use crate::{
    arguments::ExplainArguments,
    context::{self, ConnectionContext},
    exit::Exit,
    labels::{self, FileLine},
};
use hardenings::HardeningLine;
use hosts::HostLine;
use openssl::Openssl;
use pgtls_core::{
    files::{ReadFile, load},
    policy::{GssCredentials, Payload, PlanError, Transport, plan, verification},
};
use pgtls_os::Disk;
use pgtls_rustls::Connector;
use protection::Protection;
use serde::Serialize;
use settings::SettingLine;
use std::io::Write;
use steps::Step;
use warnings::{Subject, Warning};

/// Runs the sub-command.
pub(crate) fn run(arguments: &ExplainArguments, out: &mut dyn Write) -> Exit {
    let explained = context::load_context(&arguments.conninfo, arguments.hardened)
        .map_err(|error| error.to_string())
        .and_then(|gathered| Explanation::new(&gathered).map_err(|error| error.to_string()));
    let (written, exit) = match explained {
        Ok(explanation) if arguments.json => (write_json(out, &explanation), Exit::Success),
        Ok(explanation) => (render::write(out, &explanation), Exit::Success),
        Err(error) if arguments.json => {
            (write_json(out, &serde_json::json!({ "error": error })), Exit::Failure)
        }
        Err(error) => (writeln!(out, "pgtls: {error}"), Exit::Failure),
    };
    if written.is_ok() { exit } else { Exit::Failure }
}

fn write_json(out: &mut dyn Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// All that there is to say; the JSON form is this structure.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// Parameters with their origin.
    settings: Vec<SettingLine>,
    /// Hosts in the order in which they are tried.
    hosts: Vec<HostLine>,
    /// `sslmode`.
    sslmode: &'static str,
    /// What TLS verifies: none, ca or full; nothing when TLS cannot be set up without the root file.
    verification: Option<&'static str>,
    /// The same in a sentence.
    #[serde(skip)]
    verification_words: String,
    /// What that protects against.
    protection: Protection,
    /// Files.
    files: Vec<FileLine>,
    /// OpenSSL's own settings, and what is offered to a server.
    openssl: Openssl,
    /// The way through one address.
    plans: Vec<Plan>,
    /// What a reviewer would say.
    warnings: Vec<Warning>,
    /// Hardenings.
    hardenings: Vec<HardeningLine>,
}

/// The way through one address of a kind of transport.
#[derive(Debug, Serialize)]
struct Plan {
    transport: &'static str,
    way: Step,
}

impl Explanation {
    fn new(gathered: &ConnectionContext) -> Result<Self, PlanError> {
        let ConnectionContext { environment, params, .. } = gathered;
        let loaded = &load(params, environment, &Disk);
        let hosts = hosts::hosts(params, environment);
        let over = |transport| hosts.iter().any(|host| host.over == Some(transport));
        let (tcp, unix) = (over(Transport::Tcp), over(Transport::Unix));
        let verified = verification(params.sslmode(), loaded.roots.presence());
        let mut plans = Vec::new();
        for (transport, used) in [(Transport::Tcp, tcp), (Transport::Unix, unix)] {
            if used {
                let plan = plan(params, transport, GssCredentials::Absent, Payload::Startup)?;
                plans.push(Plan {
                    transport: transport_word(transport),
                    way: steps::walk(plan, loaded.roots.presence()),
                });
            }
        }
        let openssl = Openssl::new(params);
        let exists = |path: &str| Disk.metadata(path).is_ok();
        let connector = &Connector::new(params, loaded, &openssl.options);
        let subject =
            Subject { params, environment, loaded, connector, openssl: &openssl, tcp, unix, exists: &exists };
        Ok(Self {
            settings: settings::settings(params),
            sslmode: params.sslmode().as_str(),
            verification: verified.map(labels::verified),
            verification_words: protection::sentence(params.sslmode(), verified, tcp),
            protection: if tcp {
                protection::protection(params.sslmode(), verified)
            } else {
                protection::LOCAL
            },
            files: loaded.report_with(connector.ignored_crl_file()).iter().map(FileLine::from).collect(),
            plans,
            warnings: warnings::warnings(&subject),
            openssl,
            hardenings: hardenings::hardenings(params.hardening()),
            hosts,
        })
    }
}

const fn transport_word(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Unix => "unix",
    }
}
