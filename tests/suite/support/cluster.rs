//! A PostgreSQL of our own: own folder, own port, ended when dropped.
//!
//! Its log is read back, so that a test can compare what a client claims with what the server saw.

use super::skip;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// No start takes longer on a machine that works, and no reading of the configuration.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Nor does an end; past it the server is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How often another port is tried when somebody else took the one that was free.
const PORT_ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// A cluster of databases, and the server that runs on it when it was started.
pub(crate) struct Cluster {
    server: Option<Server>,
    programs: PathBuf,
    account: Account,
    version: u32,
    folder: TempDir,
}

struct Server {
    child: Child,
    port: u16,
}

impl Cluster {
    /// Makes a cluster, with these SQL commands, one a line; `None`, after a visible word, where PostgreSQL is not
    /// installed. `configure` says what else the server shall know.
    #[track_caller]
    pub(crate) fn make(commands: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            skip("live tests", "PostgreSQL's server is not installed");
            return None;
        };
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut cluster = Self { server: None, programs, account: Account::of_server(), version: 0, folder };
        cluster.initialise(commands);
        let version = fs::read_to_string(cluster.path("data/PG_VERSION")).unwrap();
        cluster.version = version.trim().parse().unwrap();
        Some(cluster)
    }

    /// The TCP port, and the number in the name of the unix socket.
    pub(crate) fn port(&self) -> u16 {
        self.server.as_ref().expect("it was started").port
    }

    /// The major version.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The folder of everything: `data` is the server's, `socket` has its unix socket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Gives a file to the account that the server runs as: it reads no key of somebody else.
    pub(crate) fn give(&self, path: &Path) {
        self.account.own(path);
    }

    /// Writes a file of the configuration, such as `pg_hba.conf`, anew.
    pub(crate) fn configure(&self, file: &str, text: &str) {
        fs::write(self.path("data").join(file), text).unwrap();
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Starts the server, after ending the one that runs.
    pub(crate) fn start(&mut self) {
        self.server = None;
        for _ in 0..PORT_ATTEMPTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            self.server = self.start_on(port);
            if self.server.is_some() {
                return;
            }
        }
        panic!("no free port for PostgreSQL was found in {PORT_ATTEMPTS} attempts");
    }

    /// Has the server read its configuration again, and waits until it has: it forks for connections after that alone.
    pub(crate) fn reload(&self) {
        let server = self.server.as_ref().expect("it was started");
        let before = self.log().len();
        kill_process(Pid::from_child(&server.child), Signal::HUP).unwrap();
        let start = Instant::now();
        while !self.log()[before..].contains("reloading configuration files") {
            assert!(
                start.elapsed() < START_LIMIT,
                "PostgreSQL does not read its configuration: {}",
                self.log()
            );
            thread::sleep(PAUSE);
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder()).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if let Account(Some((uid, gid))) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn initialise(&self, commands: &str) {
        let data = self.path("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        self.give(&data);
        let sockets = self.path("socket");
        fs::create_dir(&sockets).unwrap();
        self.give(&sockets);

        let options = ["--auth=trust", "--username=super", "--no-sync", "--no-instructions", "--locale=C"];
        run(self.command("initdb").arg("--pgdata").arg(&data).args(options), "");
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nshared_buffers = 16MB\n\
             max_connections = 250\nautovacuum = off\nlog_connections = on\nlog_line_prefix = '%p %u@%d|'\n\
             include = 'test.conf'\n",
            sockets.display()
        );
        let mut configuration =
            fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        configuration.write_all(settings.as_bytes()).unwrap();
        self.configure("test.conf", "");
        run(self.command("postgres").arg("--single").arg("-D").arg(&data).arg("postgres"), commands);
    }

    /// `None` when the port was taken meanwhile.
    fn start_on(&self, port: u16) -> Option<Server> {
        let path = self.path("log");
        let log = fs::File::create(&path).unwrap();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.path("data")).arg("-p").arg(port.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        loop {
            let text = self.log();
            if text.contains("ready to accept connections") {
                return Some(Server { child, port });
            }
            if child.try_wait().unwrap().is_some() {
                assert!(text.contains("Address already in use"), "PostgreSQL did not start: {text}");
                return None;
            }
            if start.elapsed() > START_LIMIT {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("PostgreSQL was not ready within {} s: {text}", START_LIMIT.as_secs());
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // "Fast shutdown": PostgreSQL ends its own children, then itself.
        let told = kill_process(Pid::from_child(&self.child), Signal::INT);
        let ended = told.is_ok() && {
            let start = Instant::now();
            loop {
                match self.child.try_wait() {
                    Ok(None) if start.elapsed() < STOP_LIMIT => thread::sleep(PAUSE),
                    outcome => break matches!(outcome, Ok(Some(_))),
                }
            }
        };
        if !ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The folder of the newest server on this machine.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> =
        versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect();
    versions.sort_unstable();
    let packaged = versions.into_iter().rev().map(|v| PathBuf::from(format!("/usr/lib/postgresql/{v}/bin")));
    let path = env::var_os("PATH").unwrap_or_default();
    packaged.chain(env::split_paths(&path)).find(|folder| folder.join("initdb").exists())
}

/// PostgreSQL refuses to run as root: then it runs as the account made for it, else as nobody.
#[derive(Clone, Copy)]
struct Account(Option<(u32, u32)>);

impl Account {
    fn of_server() -> Self {
        if uzers::get_effective_uid() != 0 {
            return Self(None);
        }
        let user = ["postgres", "nobody"].into_iter().find_map(uzers::get_user_by_name);
        Self(Some(user.map(|user| (user.uid(), user.primary_group_id())).unwrap()))
    }

    fn own(self, path: &Path) {
        if let Some((uid, gid)) = self.0 {
            std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
        }
    }
}

fn run(command: &mut Command, input: &str) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !text.contains("ERROR:"), "{command:?} failed: {text}");
}
