//! The host list: `host`, `hostaddr` and `port` side by side.

use super::{ParamErrorKind, Settings, integer, keyword::DEFAULT_PORT};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// One item of the host list; empty texts are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HostItem {
    /// `host`: name for lookup, verification and SNI, or a socket directory.
    pub host: Option<String>,
    /// `hostaddr`: numeric address, parsed when tried.
    pub hostaddr: Option<String>,
    /// `port`: text, parsed when tried.
    pub port: Option<String>,
}

impl HostItem {
    /// The port as written, or the built-in default.
    pub fn port_text(&self) -> &str {
        self.port.as_deref().unwrap_or(DEFAULT_PORT)
    }

    /// The port as a number. libpq looks when the host is tried: what is no integer ends the attempt, what is out of
    /// range fails the host.
    pub(crate) fn port_number(&self) -> Result<u16, ParamErrorKind> {
        let number = integer::parse("port", self.port_text())?;
        u16::try_from(number)
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| ParamErrorKind::PortOutOfRange { value: self.port_text().to_owned() })
    }
}

/// As many items as `hostaddr` has, else as `host` has, else one (libpq: `pqConnectOptions2`).
pub(super) fn list(settings: &Settings) -> Result<Vec<HostItem>, ParamErrorKind> {
    let items = |keyword| {
        let value = settings.value(keyword).map_or("", |setting| &setting.value);
        (!value.is_empty()).then(|| value.split(','))
    };
    let (hosts, hostaddrs, ports) = (items("host"), items("hostaddr"), items("port"));
    let count = |list: &Option<core::str::Split<'_, char>>| list.clone().map(Iterator::count);

    let length = count(&hostaddrs).or(count(&hosts)).unwrap_or(1);
    if let (Some(hosts), Some(hostaddrs)) = (count(&hosts), count(&hostaddrs))
        && hosts != hostaddrs
    {
        return Err(ParamErrorKind::HostCount { hosts, hostaddrs });
    }
    let one_port = match count(&ports) {
        Some(1) => ports.clone().and_then(|mut ports| ports.next()),
        Some(count) if count != length => {
            return Err(ParamErrorKind::PortCount { ports: count, hosts: length });
        }
        _ => None,
    };

    let (mut hosts, mut hostaddrs, mut ports) =
        (hosts.into_iter().flatten(), hostaddrs.into_iter().flatten(), ports.into_iter().flatten());
    let given = |item: Option<&str>| item.filter(|item| !item.is_empty()).map(ToOwned::to_owned);
    Ok((0..length)
        .map(|_| HostItem {
            host: given(hosts.next()),
            hostaddr: given(hostaddrs.next()),
            port: given(one_port.or_else(|| ports.next())),
        })
        .collect())
}
