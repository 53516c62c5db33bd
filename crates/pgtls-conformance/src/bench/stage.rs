//! What a scenario needs around it: servers, a home directory, and values for its placeholders.

use crate::{
    client::{Attempt, RunAs},
    scenario::{Expected, HomeFile, Place, Scenario, ServerRow, Source},
    server::{Listen, Log, Server, ServerError},
    zoo::Zoo,
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// The port in the name of the first server's unix socket.
const UNIX_PORT: u16 = 5432;

/// A scenario with everything in its place.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) attempt: Attempt,
    log: Log,
    servers: Vec<Server>,
    values: Values,
    patience: Duration,
    /// Ports where nobody listens, kept so that nobody else does.
    _closed: Vec<Socket>,
    _folder: TempDir,
}

/// Why a scenario cannot be staged.
#[derive(Debug)]
pub(super) enum StageError {
    /// This machine lacks what it takes.
    Skip(String),
    Server(ServerError),
    Io(io::Error),
}

impl From<io::Error> for StageError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why a scenario is not to be staged here, if so.
pub(super) fn obstacle(scenario: &Scenario) -> Option<String> {
    if scenario.needs_root() && !users::are_root() {
        return Some("only root can change users and owners".to_owned());
    }
    let unix = scenario.servers.iter().any(|server| server.place == Place::Unix);
    let in_memory = scenario.servers.iter().any(|server| server.place == Place::Abstract);
    let missing = (unix && !cfg!(unix)) || (in_memory && !cfg!(target_os = "linux"));
    missing.then(|| "this system has no such sockets".to_owned())
}

impl Stage {
    pub(super) fn set(
        scenario: &Scenario,
        zoo: &Arc<Zoo>,
        files: &Path,
        patience: Duration,
    ) -> Result<Self, StageError> {
        let run_as = scenario.run_as.as_deref().map(users::find).transpose()?;
        let folder = tempfile::tempdir()?;
        open_to_all(folder.path())?;
        let (home, sockets) = (folder.path().join("home"), folder.path().join("s"));
        for path in [&home, &sockets] {
            fs::create_dir(path)?;
            open_to_all(path)?;
        }
        let in_memory = scenario.servers.iter().any(|server| server.place == Place::Abstract);
        let mut values = Values {
            zoo: text(files)?,
            sock: if in_memory { format!("@pgtls{}", text(folder.path())?) } else { text(&sockets)? },
            home: text(&home)?,
            user: users::own_name().unwrap_or_default(),
            ports: Vec::new(),
        };

        let log = Log::new();
        let (mut servers, mut closed) = (Vec::new(), Vec::new());
        for (index, row) in scenario.servers.iter().enumerate() {
            if row.place == Place::Closed {
                let (socket, port) = nobody_listens()?;
                closed.push(socket);
                values.ports.push(port);
                continue;
            }
            let server = start(row, index, zoo, &log, &values.sock, patience)?;
            values.ports.push(server.port());
            servers.push(server);
        }

        for file in &scenario.files {
            place(file, &home, files, &values)?;
        }
        if let Some(user) = &run_as {
            users::give(&home, user.uid, user.gid)?;
        }
        for file in &scenario.files {
            finish(file, &home)?;
        }
        let attempt = Attempt {
            conninfo: values.fill(&scenario.conninfo),
            environment: environment(scenario, &values),
            home,
            run_as,
        };
        Ok(Self { attempt, log, servers, values, patience, _closed: closed, _folder: folder })
    }

    /// The log, when the servers have seen all of the client, which has gone.
    pub(super) fn settled(&self) -> Log {
        for server in &self.servers {
            server.catch_up();
        }
        self.log.settle(self.patience);
        self.log.clone()
    }

    /// What is expected here: texts of libpq's may hold the directory of unix sockets, or who runs the client.
    pub(super) fn expected(&self, expected: &Expected) -> Expected {
        let mut expected = expected.clone();
        for name in expected.sni.iter_mut().flatten() {
            *name = self.values.fill(name);
        }
        for value in expected.startup.iter_mut().flatten().flat_map(|startup| startup.values_mut()) {
            *value = self.values.fill(value);
        }
        expected
    }
}

/// A machine without IPv6 has no `::1`.
fn start(
    row: &ServerRow,
    index: usize,
    zoo: &Arc<Zoo>,
    log: &Log,
    sockets: &str,
    patience: Duration,
) -> Result<Server, StageError> {
    let tcp = |address: IpAddr| Listen::Tcp(SocketAddr::new(address, 0));
    let listen = match row.place {
        Place::Ip4 | Place::Closed => tcp(Ipv4Addr::LOCALHOST.into()),
        Place::Ip6 => tcp(Ipv6Addr::LOCALHOST.into()),
        Place::Unix | Place::Abstract => Listen::Unix {
            directory: sockets.to_owned(),
            port: UNIX_PORT.saturating_add(u16::try_from(index).unwrap_or_default()),
        },
    };
    let builder = Server::builder(row.script.clone(), Arc::clone(zoo)).listen(listen.clone());
    let server = builder.patience(patience).log(log.clone(), index).start().map_err(|error| match error {
        ServerError::Listen { error, .. }
            if row.place == Place::Ip6
                && matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported) =>
        {
            StageError::Skip("this machine has no ::1".to_owned())
        }
        other => StageError::Server(other),
    })?;
    if row.place == Place::Unix {
        set_mode(Path::new(&listen.to_string()), 0o777)?;
    }
    Ok(server)
}

fn nobody_listens() -> io::Result<(Socket, u16)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SockAddr::from(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)))?;
    let port = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
    Ok((socket, port))
}

fn environment(scenario: &Scenario, values: &Values) -> Vec<(String, String)> {
    let usual = [
        ("HOME", values.home.clone()),
        ("LC_ALL", "C".to_owned()),
        ("LANG", "C".to_owned()),
        ("TZ", "UTC".to_owned()),
        // The system's own service file and the like are none of a scenario's business.
        ("PGSYSCONFDIR", format!("{}/nosysconfdir", values.home)),
    ];
    let own = scenario.environment.iter().map(|(name, value)| (name.clone(), values.fill(value)));
    usual.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}

fn place(file: &HomeFile, home: &Path, zoo: &Path, values: &Values) -> io::Result<()> {
    let path = home.join(&file.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        open_to_all(folder)?;
    }
    match &file.source {
        Source::Zoo(name) => fs::write(&path, fs::read(zoo.join(name))?)?,
        Source::Text(text) => fs::write(&path, values.fill(text))?,
        Source::Link(target) => return symlink(&values.fill(target), &path),
    }
    set_mode(&path, 0o644)
}

/// Owner and permissions come last, for they may shut us out.
fn finish(file: &HomeFile, home: &Path) -> io::Result<()> {
    let path = home.join(&file.path);
    if let Some(uid) = file.uid {
        users::give(&path, uid, uid)?;
    }
    file.mode.map_or(Ok(()), |mode| set_mode(&path, mode))
}

/// Values of placeholders.
#[derive(Debug)]
struct Values {
    zoo: String,
    home: String,
    sock: String,
    user: String,
    ports: Vec<u16>,
}

impl Values {
    /// Replaces the placeholders of a text; braces around anything else stay.
    fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let known = after.split_once('}').and_then(|(name, after)| Some((self.value(name)?, after)));
            let (value, after) = known.unwrap_or_else(|| ("{".to_owned(), after));
            out.push_str(&value);
            rest = after;
        }
        out + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "zoo" => self.zoo.clone(),
            "home" => self.home.clone(),
            "sock" => self.sock.clone(),
            "sock_pct" => percent_encoded(&self.sock),
            "user" => self.user.clone(),
            _ => {
                let number = name.strip_prefix("port")?;
                let index = if number.is_empty() { 0 } else { number.parse().ok()? };
                self.ports.get::<usize>(index)?.to_string()
            }
        })
    }
}

/// RFC 3986, section 2.1.
fn percent_encoded(text: &str) -> String {
    use core::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn text(path: &Path) -> io::Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("the temporary folder's path is not UTF-8"))
}

/// A folder that clients of other users can get into.
pub(super) fn open_to_all(folder: &Path) -> io::Result<()> {
    set_mode(folder, 0o755)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(unix)]
mod users {
    use super::{Path, RunAs, StageError, fs, io};
    use std::os::unix::fs::lchown;

    pub(super) fn are_root() -> bool {
        uzers::get_effective_uid() == 0
    }

    pub(super) fn own_name() -> Option<String> {
        uzers::get_user_by_uid(uzers::get_effective_uid())?.name().to_str().map(str::to_owned)
    }

    pub(super) fn find(name: &str) -> Result<RunAs, StageError> {
        let user = uzers::get_user_by_name(name)
            .ok_or_else(|| StageError::Skip(format!("this system has no user {name}")))?;
        Ok(RunAs { name: name.to_owned(), uid: user.uid(), gid: user.primary_group_id() })
    }

    /// Gives a file, or a folder with all that is in it, to a user.
    pub(super) fn give(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        lchown(path, Some(uid), Some(gid))?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                give(&entry?.path(), uid, gid)?;
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod users {
    use super::{Path, RunAs, StageError, io};

    pub(super) fn are_root() -> bool {
        false
    }

    pub(super) fn own_name() -> Option<String> {
        std::env::var("USERNAME").ok()
    }

    pub(super) fn find(name: &str) -> Result<RunAs, StageError> {
        Err(StageError::Skip(format!("a client cannot be run as {name} on this system")))
    }

    pub(super) fn give(_: &Path, _: u32, _: u32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_braces_are_not() {
        let values = Values {
            zoo: "/z".to_owned(),
            home: "/h".to_owned(),
            sock: "@a/b".to_owned(),
            user: "zoo".to_owned(),
            ports: vec![7, 8],
        };
        for (text, expected) in [
            ("", ""),
            ("port={port} {port0} {port1}", "port=7 7 8"),
            ("{zoo}/x {home} {sock} {sock_pct} {user}", "/z/x /h @a/b %40a%2Fb zoo"),
            ("{port2} {} {nothing} {{port} {", "{port2} {} {nothing} {7 {"),
        ] {
            assert_eq!(values.fill(text), expected, "{text}");
        }
    }
}
