//! The hosts in the order in which they are tried: the core's machine, driven without a network.

use crate::labels::printable;
use pgtls_core::{
    connect::{Action, Address, Cause, Connection, Input, Options, Peer},
    environment::Environment,
    param::Params,
    policy::Transport,
    sni,
};
use serde::Serialize;
use std::time::Duration;

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

/// All hosts. `prefer-standby` goes over them twice; once is enough to name them.
pub(crate) fn hosts(params: &Params, environment: &Environment) -> Vec<HostLine> {
    let mut connection: Connection<()> = Connection::new(params, environment, Options::default());
    let mut lines = Vec::new();
    let mut errors_seen = 0_usize;
    while lines.len() < params.hosts().len() {
        let action = connection.poll(Duration::ZERO);
        let errors = connection.errors().iter().skip(errors_seen);
        lines.extend(errors.filter(|error| error.peer.is_none()).filter_map(|error| match &error.cause {
            Some(Cause::Param(error)) => {
                Some(HostLine { address: error.to_string(), transport: None, sni: None, over: None })
            }
            _ => None,
        }));
        errors_seen = connection.errors().len();
        if lines.len() >= params.hosts().len() {
            break;
        }
        let unanswered = match action {
            Action::Resolve { name, port } => {
                lines.push(HostLine {
                    address: format!(
                        "{}, port {port}: each of its addresses in the order of the lookup",
                        printable(&name)
                    ),
                    sni: sni(Some(&name), params),
                    ..HostLine::over(Transport::Tcp)
                });
                Input::Resolved(Err(()))
            }
            Action::Open => {
                let Some(Peer { host, address: Some(address), .. }) = connection.peer() else { break };
                lines.push(match address {
                    Address::Tcp(address) => HostLine {
                        address: format!("{}, port {}", address.ip(), address.port()),
                        sni: sni(host.as_deref(), params),
                        ..HostLine::over(Transport::Tcp)
                    },
                    Address::Unix(path) => HostLine {
                        address: format!("unix socket {}", printable(path)),
                        ..HostLine::over(Transport::Unix)
                    },
                });
                Input::Opened(Err(()))
            }
            _ => break,
        };
        if connection.handle(unanswered).is_err() {
            break;
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
