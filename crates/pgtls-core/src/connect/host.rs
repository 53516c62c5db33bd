//! One item of the host list: how it is reached, and what errors about it are called.

use super::{
    Address,
    numeric::{self, Numeric},
};
use crate::{
    environment::{Environment, Platform},
    param::{HostItem, ParamError, ParamErrorKind, Params, Source},
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// One item of the host list, with the built-in default in the place of nothing.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// Index in the list as written.
    pub(super) index: usize,
    pub(super) item: HostItem,
    kind: Kind,
    sources: Sources,
}

/// How a host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Address,
    UnixSocket,
}

/// Where the lists were written.
#[derive(Clone, Debug)]
struct Sources {
    host: Option<Source>,
    hostaddr: Option<Source>,
    port: Option<Source>,
}

/// First step towards a host.
pub(super) enum FirstStep {
    Resolve { name: String, port: u16 },
    Try(Address),
    NextHost(ParamError),
    Stop(ParamError),
}

/// The longest path of a unix socket: the platform's `sun_path` without its final NUL.
const MAX_SOCKET_PATH: usize =
    if cfg!(any(target_os = "linux", target_os = "android", windows)) { 107 } else { 103 };

/// The hosts in the order written. A hostaddr counts before everything else, then the look of the host: a path or an
/// `@` is a unix socket. Without both it is the default socket directory, or `localhost` where there is none.
pub(super) fn list(params: &Params, environment: &Environment) -> Vec<Host> {
    let source = |keyword| params.source(keyword).cloned();
    let sources = Sources { host: source("host"), hostaddr: source("hostaddr"), port: source("port") };
    let host = |(index, item): (usize, &HostItem)| {
        let mut item = item.clone();
        let kind = match (&item.hostaddr, &item.host) {
            (Some(_), _) => Kind::Address,
            (None, Some(host)) if is_socket_path(host, environment.platform) => Kind::UnixSocket,
            (None, Some(_)) => Kind::Name,
            (None, None) => {
                let directory = environment.socket_directory.as_ref();
                let kind = if directory.is_some() { Kind::UnixSocket } else { Kind::Name };
                item.host = Some(directory.map_or_else(|| "localhost".to_owned(), Clone::clone));
                kind
            }
        };
        Host { index, item, kind, sources: sources.clone() }
    };
    params.hosts().iter().enumerate().map(host).collect()
}

impl Host {
    pub(super) fn first_step(&self) -> FirstStep {
        let port = match self.item.port_number() {
            Ok(port) => port,
            Err(kind) => {
                let no_integer = matches!(kind, ParamErrorKind::InvalidInteger { .. });
                let error = blame(kind, self.sources.port.as_ref());
                return if no_integer { FirstStep::Stop(error) } else { FirstStep::NextHost(error) };
            }
        };
        let (host, hostaddr) = (self.host_text(), self.hostaddr_text());
        match self.kind {
            Kind::Name => FirstStep::Resolve { name: host.to_owned(), port },
            Kind::Address => match numeric::parse(hostaddr, port) {
                Numeric::Address(address) => FirstStep::Try(Address::Tcp(address)),
                Numeric::NamedZone => FirstStep::Resolve { name: hostaddr.to_owned(), port },
                Numeric::Invalid => FirstStep::NextHost(blame(
                    ParamErrorKind::HostAddr { value: hostaddr.to_owned() },
                    self.sources.hostaddr.as_ref(),
                )),
            },
            Kind::UnixSocket => {
                let path = format!("{host}/.s.PGSQL.{port}");
                if path.len() > MAX_SOCKET_PATH {
                    let kind = ParamErrorKind::SocketPathTooLong { path, maximum: MAX_SOCKET_PATH };
                    return FirstStep::NextHost(blame(kind, self.sources.host.as_ref()));
                }
                FirstStep::Try(Address::Unix(path))
            }
        }
    }

    fn host_text(&self) -> &str {
        self.item.host.as_deref().unwrap_or_default()
    }

    fn hostaddr_text(&self) -> &str {
        self.item.hostaddr.as_deref().unwrap_or_default()
    }

    /// What stands before an error about an address (libpq: `emitHostIdentityInfo`). The address of a name is shown
    /// beside it, unless it is the name.
    pub(super) fn prefix(&self, address: &Address) -> String {
        let port = self.item.port_text();
        match (address, self.kind) {
            (Address::Unix(path), _) => format!("connection to server on socket \"{path}\" failed: "),
            (Address::Tcp(_), Kind::Address) => {
                let hostaddr = self.hostaddr_text();
                format!("connection to server at \"{hostaddr}\", port {port} failed: ")
            }
            (Address::Tcp(address), Kind::Name | Kind::UnixSocket) => {
                let (host, ip) = (self.host_text(), address.ip());
                if format!("{ip}") == host {
                    format!("connection to server at \"{host}\", port {port} failed: ")
                } else {
                    format!("connection to server at \"{host}\" ({ip}), port {port} failed: ")
                }
            }
        }
    }
}

fn blame(kind: ParamErrorKind, source: Option<&Source>) -> ParamError {
    match source {
        Some(source) => kind.from(source.clone()),
        None => kind.into(),
    }
}

/// libpq: `is_unixsock_path`.
fn is_socket_path(host: &str, platform: Platform) -> bool {
    let absolute = match platform {
        Platform::Unix => host.starts_with('/'),
        Platform::Windows => {
            let path = match host.split_once(':') {
                Some((drive, path))
                    if drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic()) =>
                {
                    path
                }
                _ => host,
            };
            path.starts_with(['/', '\\'])
        }
    };
    absolute || host.starts_with('@')
}
