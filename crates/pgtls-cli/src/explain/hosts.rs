//! The hosts in the order in which they are tried, found by walking the core's candidates with nobody answering.

use crate::words::printable;
use pgtls_core::{
    candidates::{Address, CandidateAction, CandidateError, Candidates},
    environment::Environment,
    negotiation::Then,
    param::{Params, TargetSessionAttrs},
    policy::Transport,
    sni,
};
use serde::Serialize;

/// One item of the host list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HostLine {
    /// Where it leads, or why nowhere.
    pub(crate) address: String,
    /// `tcp` or `unix`; nothing for one that cannot be used.
    pub(crate) transport: Option<&'static str>,
    /// The server name that goes out in clear.
    pub(crate) sni: Option<String>,
    /// How the packets get there.
    #[serde(skip)]
    pub(crate) over: Option<Transport>,
}

/// All hosts.
pub(crate) fn hosts(params: &Params, environment: &Environment) -> Vec<HostLine> {
    let mut candidates: Candidates<()> = Candidates::new(params, environment, 0);
    // `prefer-standby` goes over the hosts twice; once is enough to name them.
    let again = candidates.target_session_attrs() != TargetSessionAttrs::Any;
    let mut lines = Vec::new();
    let mut errors_seen = 0_usize;
    loop {
        let action = candidates.poll_action();
        for error in candidates.errors().iter().skip(errors_seen) {
            if let CandidateError::Param(error) = &error.error {
                lines.push(HostLine { address: error.to_string(), transport: None, sni: None, over: None });
            }
        }
        errors_seen = candidates.errors().len();
        if again && candidates.target_session_attrs() == TargetSessionAttrs::Any {
            break;
        }
        match action {
            CandidateAction::Resolve { name, port } => {
                lines.push(HostLine {
                    address: format!(
                        "{}, port {port}: each of its addresses in the order of the lookup",
                        printable(&name)
                    ),
                    sni: sni(Some(&name), params),
                    ..HostLine::over(Transport::Tcp)
                });
                candidates.resolve_failed(());
            }
            CandidateAction::Try(candidate) => {
                lines.push(match candidate.address {
                    Address::Tcp(address) => HostLine {
                        address: format!("{}, port {}", address.ip(), address.port()),
                        sni: sni(candidate.host.as_deref(), params),
                        ..HostLine::over(Transport::Tcp)
                    },
                    Address::Unix(path) => HostLine {
                        address: format!("unix socket {}", printable(&path)),
                        ..HostLine::over(Transport::Unix)
                    },
                });
                candidates.failed((), Then::NextHost);
            }
            _ => break,
        }
    }
    lines
}

impl HostLine {
    fn over(transport: Transport) -> Self {
        let word = match transport {
            Transport::Tcp => "tcp",
            Transport::Unix => "unix",
        };
        Self { address: String::new(), transport: Some(word), sni: None, over: Some(transport) }
    }
}

/// The name that would be sent, if TLS is tried at all.
fn sni(host: Option<&str>, params: &Params) -> Option<String> {
    if params.sslmode() == pgtls_core::param::SslMode::Disable {
        return None;
    }
    sni::server_name(host, params.sslsni()).ok().flatten().map(printable)
}
