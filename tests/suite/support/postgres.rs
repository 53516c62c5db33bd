//! A real PostgreSQL for one test: own folder, own port, own certificates, ended when dropped.
//!
//! Its log is read back, so that a test can compare what a client claims with what the server saw.

use super::skip;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
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

/// No start takes longer on a machine that works.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Nor does an end; past it the server is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How often another port is tried when somebody else took the one that was free.
const PORT_ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Who may connect how. Users are named for it.
const HBA: &str = "\
local     all  all                        trust
host      all  anyuser      127.0.0.1/32  trust
hostssl   all  ssluser      127.0.0.1/32  trust
hostnossl all  nossluser    127.0.0.1/32  trust
host      all  rejectuser   127.0.0.1/32  reject
host      all  passworduser 127.0.0.1/32  password
host      all  md5user      127.0.0.1/32  md5
host      all  scramuser    127.0.0.1/32  scram-sha-256
";
/// These lines need a server that speaks TLS.
const HBA_TLS: &str = "\
hostssl   all  certuser     127.0.0.1/32  cert
hostssl   all  verifyuser   127.0.0.1/32  trust clientcert=verify-ca
";
/// Every password of this server.
pub(crate) const PASSWORD: &str = "correct horse";

const ROLES: &str = "\
CREATE ROLE anyuser LOGIN
CREATE ROLE ssluser LOGIN
CREATE ROLE nossluser LOGIN
CREATE ROLE rejectuser LOGIN
CREATE ROLE certuser LOGIN
CREATE ROLE verifyuser LOGIN
CREATE ROLE passworduser LOGIN PASSWORD 'correct horse'
CREATE ROLE scramuser LOGIN PASSWORD 'correct horse'
SET password_encryption = 'md5'
CREATE ROLE md5user LOGIN PASSWORD 'correct horse'
";

/// Whether the server has TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    On,
    Off,
}

/// A running server.
pub(crate) struct Postgres {
    folder: TempDir,
    port: u16,
    child: Child,
    version: u32,
}

/// What the server's log says about one connection that sent a start-up packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) user: String,
    pub(crate) accepted: bool,
    /// Whether it came over TLS, where the log says so: it does not for a wrong password.
    pub(crate) tls: Option<bool>,
}

impl Postgres {
    /// Starts a server; `None`, after a visible word, where PostgreSQL is not installed.
    #[track_caller]
    pub(crate) fn start(tls: Tls) -> Option<Self> {
        let Some(programs) = programs() else {
            skip("live tests", "PostgreSQL's server is not installed");
            return None;
        };
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        write_certificates(folder.path());
        let account = Account::of_server();
        let server = Programs { bin: programs, account, folder: folder.path() };
        server.make_cluster(tls);
        let (child, port) = server.start();
        let version =
            fs::read_to_string(folder.path().join("data/PG_VERSION")).unwrap().trim().parse().unwrap();
        Some(Self { folder, port, child, version })
    }

    /// The TCP port, and the number in the name of the unix socket.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The major version.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The folder with the certificates of the clients, and where the unix socket is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the log says about the connections made during `action`.
    ///
    /// The server writes these lines before it answers the start-up packet, so they are there when the client ends.
    pub(crate) fn watch<T>(&self, action: impl FnOnce() -> T) -> (T, Vec<Seen>) {
        let log = self.folder().join("log");
        let before = fs::read_to_string(&log).unwrap().len();
        let result = action();
        let text = fs::read_to_string(&log).unwrap();
        (result, text.get(before..).unwrap().lines().filter_map(seen).collect())
    }
}

impl Drop for Postgres {
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

/// One line of the log: `pid user@database|text`.
fn seen(line: &str) -> Option<Seen> {
    let (prefix, text) = line.split_once('|')?;
    let (_, session) = prefix.split_once(' ')?;
    let (user, _) = session.split_once('@')?;
    let user = user.to_owned();
    if text.contains("connection authorized:") {
        return Some(Seen { user, accepted: true, tls: Some(text.contains("SSL enabled")) });
    }
    if text.contains("FATAL:") && !user.is_empty() {
        let encrypted = text.contains("SSL encryption").then_some(true);
        let tls = encrypted.or_else(|| text.contains("no encryption").then_some(false));
        return Some(Seen { user, accepted: false, tls });
    }
    None
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

/// PostgreSQL's programs, the account they run as, and where.
struct Programs<'a> {
    bin: PathBuf,
    account: Account,
    folder: &'a Path,
}

impl Programs<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if let Account(Some((uid, gid))) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn make_cluster(&self, tls: Tls) {
        let data = self.folder.join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        self.account.own(&data);
        let sockets = self.folder.join("socket");
        fs::create_dir(&sockets).unwrap();
        self.account.own(&sockets);

        let options = ["--auth=trust", "--username=super", "--no-sync", "--no-instructions", "--locale=C"];
        run(self.command("initdb").arg("--pgdata").arg(&data).args(options), "");
        run(self.command("postgres").arg("--single").arg("-D").arg(&data).arg("postgres"), ROLES);

        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nshared_buffers = 16MB\n\
             max_connections = 20\nautovacuum = off\nlog_connections = on\nlog_line_prefix = '%p %u@%d|'\n",
            sockets.display()
        );
        let mut hba = HBA.to_owned();
        if tls == Tls::On {
            settings.push_str(
                "ssl = on\nssl_cert_file = '../server.crt'\nssl_key_file = '../server.key'\nssl_ca_file = '../root.crt'\n",
            );
            hba.push_str(HBA_TLS);
        }
        self.account.own(&self.folder.join("server.key"));
        let mut configuration =
            fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        configuration.write_all(settings.as_bytes()).unwrap();
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
    }

    fn start(&self) -> (Child, u16) {
        for _ in 0..PORT_ATTEMPTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if let Some(child) = self.start_on(port) {
                return (child, port);
            }
        }
        panic!("no free port for PostgreSQL was found in {PORT_ATTEMPTS} attempts");
    }

    /// `None` when the port was taken meanwhile.
    fn start_on(&self, port: u16) -> Option<Child> {
        let path = self.folder.join("log");
        let log = fs::File::create(&path).unwrap();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-p").arg(port.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        loop {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("ready to accept connections") {
                return Some(child);
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

fn run(command: &mut Command, input: &str) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !text.contains("ERROR:"), "{command:?} failed: {text}");
}

/// `root.crt` signs `server.crt` (localhost) and `client.crt` (certuser); `other.crt` signs nothing here.
fn write_certificates(folder: &Path) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let root = authority("pgtls test root");
    write("root.crt", &root.pem());
    write("other.crt", &authority("pgtls other root").pem());
    for (file, name, usage) in [
        ("server", "localhost", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", "certuser", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        write(&format!("{file}.crt"), &params.signed_by(&key, &root).unwrap().pem());
        write(&format!("{file}.key"), &key.serialize_pem());
    }
    for name in ["root.crt", "other.crt", "server.crt", "client.crt"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
