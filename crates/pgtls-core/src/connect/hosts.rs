//! Hosts and addresses in the order in which libpq tries them (libpq: `PQconnectPoll`).
//!
//! All addresses of a host in the resolver's order, then the next host. A port, address or socket path that cannot be used
//! fails its host as a refused connection would; a port that is no number ends the connection. With
//! `target_session_attrs=prefer-standby` all hosts are tried for a standby first, and then all of them again for any server.

use super::{
    Address, AttemptError, Cause, Peer,
    host::{self, FirstStep, Host},
    random::Random,
};
use crate::{
    environment::Environment,
    negotiation::AfterFailure,
    param::{Keepalives, LoadBalanceHosts, ParamError, Params, TargetSessionAttrs},
};
use alloc::{collections::VecDeque, string::String, vec::Vec};
use core::net::SocketAddr;

/// Position in the list of hosts and addresses.
#[derive(Debug)]
pub(super) struct Hosts {
    list: Vec<Host>,
    /// Index in `list`.
    position: usize,
    step: HostStep,
    role: TargetSessionAttrs,
    /// The hosts are tried again, for any server, when all have failed.
    retry_any: bool,
    /// The options of TCP sockets, or why they cannot be set.
    keepalives: Result<Keepalives, ParamError>,
    random: Option<Random>,
}

/// Progress of the current host.
#[derive(Debug)]
enum HostStep {
    Resolving { name: String, port: u16 },
    Trying { now: Address, later: VecDeque<Address> },
    Exhausted,
}

/// The next thing to try.
pub(super) enum Next {
    Resolve { name: String, port: u16 },
    Try(Peer),
    Exhausted,
}

impl Hosts {
    /// Starts with the first host. `seed` is a random number for `load_balance_hosts=random`.
    pub(super) fn new<E>(
        params: &Params,
        environment: &Environment,
        seed: u64,
        errors: &mut Vec<AttemptError<E>>,
    ) -> Self {
        let mut random = match params.load_balance_hosts() {
            LoadBalanceHosts::Random => Some(Random::new(seed)),
            LoadBalanceHosts::Disable => None,
        };
        let mut list = host::list(params, environment);
        if let Some(random) = &mut random {
            random.shuffle(&mut list);
        }
        let retry_any = params.target_session_attrs() == TargetSessionAttrs::PreferStandby;
        let mut hosts = Self {
            list,
            position: 0,
            step: HostStep::Exhausted,
            role: if retry_any { TargetSessionAttrs::Standby } else { params.target_session_attrs() },
            retry_any,
            keepalives: params.keepalives(),
            random,
        };
        hosts.enter_host(errors);
        hosts
    }

    /// One address that was reached before: nothing is resolved or shuffled, and no role is demanded (libpq:
    /// `PQcancelCreate`).
    pub(super) fn only<E>(
        params: &Params,
        environment: &Environment,
        peer: &Peer,
        errors: &mut Vec<AttemptError<E>>,
    ) -> Self {
        let mut list = host::list(params, environment);
        let count = list.len();
        list.retain(|host| host.index == peer.host_index);
        if list.is_empty() {
            let cause = Cause::UnknownHost { host_index: peer.host_index, hosts: count };
            errors.push(without_address(cause));
        }
        let mut hosts = Self {
            list,
            position: 0,
            step: HostStep::Exhausted,
            role: TargetSessionAttrs::Any,
            retry_any: false,
            keepalives: params.keepalives(),
            random: None,
        };
        if hosts.list.is_empty() || !hosts.try_addresses(peer.address.clone().into_iter().collect(), errors) {
            hosts.step = HostStep::Exhausted;
        }
        hosts
    }

    pub(super) fn next(&self) -> Next {
        match (&self.step, self.list.get(self.position)) {
            (HostStep::Resolving { name, port }, _) => Next::Resolve { name: name.clone(), port: *port },
            (HostStep::Trying { now, .. }, Some(host)) => Next::Try(self.peer(host, now)),
            (HostStep::Trying { .. }, None) | (HostStep::Exhausted, _) => Next::Exhausted,
        }
    }

    /// The name has these addresses, in the resolver's order; their ports do not matter. On failure the next host follows.
    pub(super) fn resolved<E>(
        &mut self,
        addresses: Result<Vec<SocketAddr>, E>,
        errors: &mut Vec<AttemptError<E>>,
    ) {
        let HostStep::Resolving { name, port } = &self.step else {
            return;
        };
        let port = *port;
        let addresses = match addresses {
            Ok(addresses) if !addresses.is_empty() => addresses,
            failed => {
                let cause = Cause::Lookup { name: name.clone(), error: failed.err() };
                errors.push(without_address(cause));
                return self.leave_host(errors);
            }
        };
        let mut addresses: Vec<_> = addresses
            .into_iter()
            .map(|mut address| {
                address.set_port(port);
                Address::Tcp(address)
            })
            .collect();
        if let Some(random) = &mut self.random {
            random.shuffle(&mut addresses);
        }
        if !self.try_addresses(addresses.into(), errors) {
            self.leave_host(errors);
        }
    }

    /// The current address failed for good.
    pub(super) fn failed<E>(&mut self, then: AfterFailure, errors: &mut Vec<AttemptError<E>>) {
        match (then, &mut self.step) {
            (AfterFailure::NextAddress, HostStep::Trying { later, .. }) => {
                let later = core::mem::take(later);
                if !self.try_addresses(later, errors) {
                    self.leave_host(errors);
                }
            }
            (AfterFailure::NextAddress | AfterFailure::NextHost, _) => self.leave_host(errors),
            (AfterFailure::Stop, _) => self.step = HostStep::Exhausted,
        }
    }

    /// Text before an error about the current address.
    pub(super) fn error_prefix(&self) -> String {
        match (&self.step, self.list.get(self.position)) {
            (HostStep::Trying { now, .. }, Some(host)) => host.prefix(now),
            _ => String::new(),
        }
    }

    fn peer(&self, host: &Host, address: &Address) -> Peer {
        Peer {
            host_index: host.index,
            host: host.item.host.clone(),
            transport: address.transport(),
            keepalives: match address {
                Address::Tcp(_) => self.keepalives.as_ref().ok().copied(),
                Address::Unix(_) => None,
            },
            address: Some(address.clone()),
            target_session_attrs: self.role,
        }
    }

    fn leave_host<E>(&mut self, errors: &mut Vec<AttemptError<E>>) {
        self.position = self.position.saturating_add(1);
        self.enter_host(errors);
    }

    /// Goes to the first host from here on that can be resolved or tried.
    fn enter_host<E>(&mut self, errors: &mut Vec<AttemptError<E>>) {
        loop {
            let Some(host) = self.list.get(self.position) else {
                if !core::mem::take(&mut self.retry_any) {
                    self.step = HostStep::Exhausted;
                    return;
                }
                self.role = TargetSessionAttrs::Any;
                self.position = 0;
                continue;
            };
            match host.first_step() {
                FirstStep::Resolve { name, port } => {
                    self.step = HostStep::Resolving { name, port };
                    return;
                }
                FirstStep::Try(address) => {
                    if self.try_addresses(VecDeque::from([address]), errors) {
                        return;
                    }
                }
                FirstStep::NextHost(error) => errors.push(without_address(Cause::Param(error))),
                FirstStep::Stop(error) => {
                    errors.push(without_address(Cause::Param(error)));
                    self.step = HostStep::Exhausted;
                    return;
                }
            }
            self.position = self.position.saturating_add(1);
        }
    }

    /// Goes to the first of the addresses for which a socket can be made; `false` when there is none.
    fn try_addresses<E>(
        &mut self,
        mut addresses: VecDeque<Address>,
        errors: &mut Vec<AttemptError<E>>,
    ) -> bool {
        while let Some(now) = addresses.pop_front() {
            let is_tcp = matches!(now, Address::Tcp(_));
            self.step = HostStep::Trying { now, later: VecDeque::new() };
            match &self.keepalives {
                Err(error) if is_tcp => {
                    let cause = Cause::Param(error.clone());
                    errors.push(AttemptError { prefix: self.error_prefix(), ..without_address(cause) });
                }
                Ok(_) | Err(_) => {
                    if let HostStep::Trying { later, .. } = &mut self.step {
                        *later = addresses;
                    }
                    return true;
                }
            }
        }
        false
    }
}

fn without_address<E>(cause: Cause<E>) -> AttemptError<E> {
    AttemptError { peer: None, prefix: String::new(), failure: None, cause: Some(cause) }
}
