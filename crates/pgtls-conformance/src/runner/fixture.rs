//! What a situation needs around it: servers, a home directory, and values for its placeholders.

mod ticket;

use crate::{
    client::{Attempt, RunAs},
    judge::{ClientClaim, Observed},
    pki::Pki,
    scenario::{Expected, HomeFile, HostName, Place, ServerRow, Situation, Source},
    server::{Listen, Log, Server, ServerError},
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// The port in the name of the first server's unix socket.
const UNIX_PORT: u16 = 5432;

/// A situation with everything in its place. Its servers stop, and its files go, when it is dropped.
#[derive(Debug)]
pub struct Fixture {
    attempt: Attempt,
    log: Log,
    servers: Vec<Server>,
    values: Values,
    patience: Duration,
    /// Ports where nobody listens, kept so that nobody else does.
    closed: Vec<Socket>,
    _folder: TempDir,
}

/// Why a scenario cannot be staged.
#[derive(Debug)]
pub(super) enum FixtureError {
    /// This machine lacks what it takes.
    Skip(String),
    Server(ServerError),
    Io(io::Error),
}

impl From<io::Error> for FixtureError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why a situation is not to be staged here, if so.
fn obstacle(situation: &Situation) -> Option<&'static str> {
    let at = |place| situation.servers.iter().any(|server| server.place == place);
    if situation.needs_root() && !users::are_root() {
        return Some("only root can change users and owners");
    }
    if (at(Place::Unix) && !cfg!(unix)) || (at(Place::Abstract) && !cfg!(target_os = "linux")) {
        return Some("this system has no such sockets");
    }
    None
}

impl Fixture {
    pub(super) fn set(
        situation: &Situation,
        pki: &Arc<Pki>,
        files: &Path,
        patience: Duration,
    ) -> Result<Self, FixtureError> {
        if let Some(obstacle) = obstacle(situation) {
            return Err(FixtureError::Skip(obstacle.to_owned()));
        }
        let run_as = situation.run_as.as_deref().map(users::find).transpose()?;
        let folder = tempfile::tempdir()?;
        open_to_all(folder.path())?;
        let (home, sockets) = (folder.path().join("home"), folder.path().join("s"));
        for path in [&home, &sockets] {
            fs::create_dir(path)?;
            open_to_all(path)?;
        }
        let in_memory = situation.servers.iter().any(|server| server.place == Place::Abstract);
        let mut values = Values {
            pki: text(files)?,
            sock: if in_memory { format!("@pgtls{}", text(folder.path())?) } else { text(&sockets)? },
            home: text(&home)?,
            user: own_user().unwrap_or_default(),
            ports: Vec::new(),
        };

        let log = Log::new();
        let (mut servers, mut closed) = (Vec::new(), Vec::new());
        for (index, row) in situation.servers.iter().enumerate() {
            if row.place == Place::Closed {
                let (socket, port) = nobody_listens()?;
                closed.push(socket);
                values.ports.push(port);
                continue;
            }
            let shared = values.ports.first().copied().unwrap_or_default();
            let server =
                start(row, index, pki, &log, &listen(row.place, index, &values.sock, shared), patience)?;
            values.ports.push(server.port());
            servers.push(server);
        }

        for file in &situation.files {
            place(file, &home, files, &values)?;
        }
        if let Some(user) = &run_as {
            users::give(&home, user.uid, user.gid)?;
        }
        for file in &situation.files {
            finish(file, &home)?;
        }
        let mut environment = environment(situation, &values);
        if !situation.names.is_empty() {
            environment.extend(names(&situation.names, folder.path())?);
        }
        let attempt = Attempt {
            conninfo: values.fill(&situation.conninfo),
            environment,
            names: situation.names.clone(),
            home,
            run_as,
            cancel: situation.cancel,
        };
        Ok(Self { attempt, log, servers, values, patience, closed, _folder: folder })
    }

    /// What the client is handed.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// What the servers saw of the client, which has gone and said this.
    pub fn observed(&self, told: ClientClaim) -> Observed {
        Observed::new(told, &self.log(), self.servers.len().saturating_add(self.closed.len()))
    }

    /// What the servers saw, when they are done with every connection that was opened before; not at all when a client holds
    /// on to one of them for longer than the servers wait.
    pub fn log(&self) -> Log {
        for server in &self.servers {
            server.catch_up();
        }
        self.log.settle(self.patience);
        self.log.clone()
    }

    /// What is expected here: texts of libpq's may hold the directory of unix sockets, or who runs the client.
    pub fn expected(&self, expected: &Expected) -> Expected {
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

fn listen(place: Place, index: usize, sockets: &str, shared_port: u16) -> Listen {
    match place {
        Place::Tcp { address, shared } => {
            Listen::Tcp(SocketAddr::new(address, if shared { shared_port } else { 0 }))
        }
        Place::Closed => Listen::default(),
        Place::Unix | Place::Abstract => Listen::Unix {
            directory: sockets.to_owned(),
            port: UNIX_PORT.saturating_add(u16::try_from(index).unwrap_or_default()),
        },
    }
}

/// A machine without IPv6 has no `::1`.
fn start(
    row: &ServerRow,
    index: usize,
    pki: &Arc<Pki>,
    log: &Log,
    listen: &Listen,
    patience: Duration,
) -> Result<Server, FixtureError> {
    let builder = Server::builder(row.script.clone(), Arc::clone(pki)).listen(listen.clone());
    let server = builder.patience(patience).log(log.clone(), index).start().map_err(|error| match error {
        ServerError::Listen { error, .. }
            if row.place == Place::IP6
                && matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported) =>
        {
            FixtureError::Skip("this machine has no ::1".to_owned())
        }
        other => FixtureError::Server(other),
    })?;
    if row.place == Place::Unix {
        set_mode(Path::new(&listen.to_string()), 0o777)?;
    }
    Ok(server)
}

/// Where Linux distributions install the library that answers for the names of a file (<https://cwrap.org/nss_wrapper.html>).
const NSS_WRAPPER: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/libnss_wrapper.so",
    "/usr/lib/aarch64-linux-gnu/libnss_wrapper.so",
    "/usr/lib64/libnss_wrapper.so",
    "/usr/lib/libnss_wrapper.so",
];

/// Variables under which a program that asks the C library finds these names, and no others.
fn names(names: &[HostName], folder: &Path) -> Result<Vec<(String, String)>, FixtureError> {
    let library = NSS_WRAPPER.iter().find(|path| Path::new(path).is_file());
    let library = library.ok_or_else(|| FixtureError::Skip("nss_wrapper is not installed".to_owned()))?;
    let hosts = folder.join("hosts");
    let lines = names.iter().flat_map(|HostName { name, addresses }| {
        addresses.iter().map(move |address| format!("{address} {name}\n"))
    });
    fs::write(&hosts, "127.0.0.1 localhost\n".to_owned() + &lines.collect::<String>())?;
    set_mode(&hosts, 0o644)?;
    Ok(vec![
        ("LD_PRELOAD".to_owned(), (*library).to_owned()),
        ("NSS_WRAPPER_HOSTS".to_owned(), text(&hosts)?),
    ])
}

fn nobody_listens() -> io::Result<(Socket, u16)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SockAddr::from(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)))?;
    let port = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
    Ok((socket, port))
}

fn environment(situation: &Situation, values: &Values) -> Vec<(String, String)> {
    let usual = [
        ("HOME", values.home.clone()),
        ("LC_ALL", "C".to_owned()),
        ("LANG", "C".to_owned()),
        ("TZ", "UTC".to_owned()),
        // The system's own service file and the like are none of a scenario's business.
        ("PGSYSCONFDIR", format!("{}/nosysconfdir", values.home)),
    ];
    let own = situation.environment.iter().map(|(name, value)| (name.clone(), values.fill(value)));
    usual.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}

fn place(file: &HomeFile, home: &Path, pki: &Path, values: &Values) -> io::Result<()> {
    let path = home.join(&file.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        open_to_all(folder)?;
    }
    match &file.source {
        Source::Pki(name) => fs::write(&path, fs::read(pki.join(name))?)?,
        Source::Text(text) => fs::write(&path, values.fill(text))?,
        Source::Link(target) => return symlink(&values.fill(target), &path),
        Source::Ticket => fs::write(&path, ticket::credential_cache(SystemTime::now()))?,
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
    pki: String,
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
            "pki" => self.pki.clone(),
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

/// The name of the user that runs this.
pub(crate) fn own_user() -> Option<String> {
    users::own_name()
}

#[cfg(unix)]
mod users {
    use super::{FixtureError, Path, RunAs, fs, io};
    use std::os::unix::fs::lchown;

    pub(super) fn are_root() -> bool {
        uzers::get_effective_uid() == 0
    }

    pub(super) fn own_name() -> Option<String> {
        uzers::get_user_by_uid(uzers::get_effective_uid())?.name().to_str().map(str::to_owned)
    }

    pub(super) fn find(name: &str) -> Result<RunAs, FixtureError> {
        let user = uzers::get_user_by_name(name)
            .ok_or_else(|| FixtureError::Skip(format!("this system has no user {name}")))?;
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
    use super::{FixtureError, Path, RunAs, io};

    pub(super) fn are_root() -> bool {
        false
    }

    pub(super) fn own_name() -> Option<String> {
        std::env::var("USERNAME").ok()
    }

    pub(super) fn find(name: &str) -> Result<RunAs, FixtureError> {
        Err(FixtureError::Skip(format!("a client cannot be run as {name} on this system")))
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
            pki: "/z".to_owned(),
            home: "/h".to_owned(),
            sock: "@a/b".to_owned(),
            user: "zoo".to_owned(),
            ports: vec![7, 8],
        };
        for (text, expected) in [
            ("", ""),
            ("port={port} {port0} {port1}", "port=7 7 8"),
            ("{pki}/x {home} {sock} {sock_pct} {user}", "/z/x /h @a/b %40a%2Fb zoo"),
            ("{port2} {} {nothing} {{port} {", "{port2} {} {nothing} {7 {"),
        ] {
            assert_eq!(values.fill(text), expected, "{text}");
        }
    }
}
