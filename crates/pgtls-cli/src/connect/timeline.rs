//! What happened at each address, in order: the events of the trace, and between them why a method or the address failed.

use super::events::meaning;
use crate::labels::printable;
use pgtls_core::{
    connect::{Address, AttemptReport, Peer},
    negotiation::Event,
};
use pgtls_rustls::AttemptError;
use serde::Serialize;

/// One address and what happened there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attempt {
    /// Host, address and port, or the path of the socket; nothing for a host that was not reached so far.
    pub(crate) address: Option<String>,
    /// What happened, in order.
    pub(crate) steps: Vec<Step>,
}

/// One event, or the end of a method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// The word of the event, or `failed`.
    pub(crate) event: &'static str,
    /// What it means, or why.
    pub(crate) meaning: String,
}

type Errors<'a> = std::slice::Iter<'a, AttemptError>;

/// The events of all addresses with the errors between them. `connected`: nothing failed at the last address in the end.
pub(super) fn timeline(tried: &[AttemptReport], failed: &[AttemptError], connected: bool) -> Vec<Attempt> {
    let mut failed = failed.iter();
    let mut attempts = Vec::new();
    for (position, one) in tried.iter().enumerate() {
        attempts.extend(unreached(&mut failed));
        let last = position.saturating_add(1) == tried.len();
        attempts.push(attempt(one, &mut failed, !(last && connected)));
    }
    attempts.extend(unreached(&mut failed));
    attempts
}

/// Hosts that cannot be looked up, ports out of range and the like, which no connection was opened for.
fn unreached(failed: &mut Errors<'_>) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    while let Some(error) = failed.as_slice().first()
        && error.peer.is_none()
    {
        failed.next();
        attempts.push(Attempt { address: None, steps: vec![Step::failed(error)] });
    }
    attempts
}

/// Each new connection was made because a method had failed; so did, perhaps, the address in the end.
fn attempt(tried: &AttemptReport, failed: &mut Errors<'_>, ends_in_failure: bool) -> Attempt {
    let mut steps = Vec::new();
    for event in &tried.events {
        if *event == Event::Reconnect {
            steps.extend(failed.next().map(Step::failed));
        }
        steps.push(Step { event: event.as_str(), meaning: meaning(*event).to_owned() });
    }
    if ends_in_failure {
        steps.extend(failed.next().map(Step::failed));
    }
    Attempt { address: address(&tried.peer), steps }
}

impl Step {
    fn failed(error: &AttemptError) -> Self {
        Self { event: "failed", meaning: super::failure::sentence(error) }
    }
}

fn address(peer: &Peer) -> Option<String> {
    Some(match (peer.address.as_ref()?, &peer.host) {
        (Address::Unix(path), _) => format!("unix socket {}", printable(path)),
        (Address::Tcp(address), Some(host)) if *host != address.ip().to_string() => {
            format!("{} ({}), port {}", printable(host), address.ip(), address.port())
        }
        (Address::Tcp(address), _) => format!("{}, port {}", address.ip(), address.port()),
    })
}
