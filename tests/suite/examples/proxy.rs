//! The proxy: sessions through it, and clients that mean it harm.

use super::{LIMIT, example};
use crate::support::{
    client::{has_psql, psql, psql_command},
    patience::{end, output},
    postgres::{PASSWORD, Postgres, Tls},
    skip,
};
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use pgtls_core::message::{ALPN_POSTGRESQL, PROTOCOL_3_0, SSL_REQUEST, startup_message};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// No read and no write of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// Sessions at once.
const CROWD: usize = 1000;
/// What the proxy may need for them, in KiB: 64 for each, and itself.
const CROWD_MEMORY: u64 = 64 * CROWD as u64 + 50 * 1024;
/// More than this is never taken from a client whose server does not read: the proxy's bound, and what two pairs of
/// sockets hold in the kernel.
const MUCH: usize = 64 << 20;

#[test]
fn sessions_find_their_server() {
    let (Some(one), Some(other)) = (Postgres::start(Tls::On), Postgres::start(Tls::Off)) else { return };
    let folder = one.folder().to_str().unwrap();
    let proxy = Proxy::start(
        one.folder(),
        &[
            "--route",
            &format!(
                "localhost=host=localhost hostaddr=127.0.0.1 port={} sslmode=verify-full sslrootcert={folder}/root.crt",
                one.port()
            ),
            "--route",
            &format!("*=host=127.0.0.1 port={} sslmode=prefer", other.port()),
        ],
    );
    let base = format!("host=localhost hostaddr=127.0.0.1 port={} dbname=postgres", proxy.port);
    let verified = format!("{base} user=anyuser sslmode=verify-full sslrootcert={folder}/root.crt");
    for (conninfo, server, tls) in [
        (verified.clone(), &one, true),
        (format!("{verified} sslnegotiation=direct"), &one, true),
        // Without a server name it is the route for all others.
        (format!("{verified} sslsni=0"), &other, false),
    ] {
        let (ended, seen) = server.watch(|| output(example("minimal").arg(&conninfo), LIMIT));
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(said, "ssl: SELECT 1 is 1\n", "{conninfo}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(seen.iter().map(|seen| seen.tls).collect::<Vec<_>>(), [Some(tls)], "{conninfo}");
    }
    let rejected = format!("{base} user=rejectuser sslmode=require");
    let ended = output(example("minimal").arg(&rejected), LIMIT);
    let heard = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && heard.contains("pg_hba.conf rejects"), "{heard}");

    if !has_psql() {
        return skip("psql through the proxy", "it is not installed");
    }
    let home = tempfile::tempdir().unwrap();
    for (user, expected) in
        [("anyuser", "ssl"), ("passworduser", "ssl"), ("scramuser", "ssl"), ("rejectuser", "fail")]
    {
        let conninfo =
            format!("{base} user={user} sslmode=require password='{PASSWORD}' channel_binding=disable");
        assert_eq!(psql(&conninfo, home.path()), expected, "{user}");
    }
    assert_eq!(psql(&format!("{base} user=anyuser sslmode=disable"), home.path()), "fail");
}

/// psql sends its CancelRequest to the proxy, with the key that the proxy has given it.
#[test]
fn a_query_is_cancelled_through_it() {
    let Some(server) = Postgres::start(Tls::On) else { return };
    if !has_psql() {
        return skip("cancel requests through the proxy", "psql is not installed");
    }
    let route = format!("*=host=127.0.0.1 port={} sslmode=require", server.port());
    let proxy = Proxy::start(server.folder(), &["--route", &route]);
    let home = tempfile::tempdir().unwrap();
    let conninfo = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=anyuser sslmode=require",
        proxy.port
    );
    let mut sleeper = psql_command(&conninfo, home.path(), "SELECT pg_sleep(600)");
    let mut sleeper = sleeper.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let sleeps =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
    let start = Instant::now();
    loop {
        let count = output(&mut psql_command(&conninfo, home.path(), sleeps), LIMIT).stdout;
        if count.starts_with(b"1") {
            break;
        }
        if start.elapsed() > PATIENCE {
            end(&mut sleeper);
            panic!("the query has not begun");
        }
        thread::sleep(PAUSE);
    }
    kill_process(Pid::from_child(&sleeper), Signal::INT).unwrap();
    while sleeper.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            end(&mut sleeper);
            panic!("the query was not cancelled");
        }
        thread::sleep(PAUSE);
    }
    let mut heard = String::new();
    sleeper.stderr.take().unwrap().read_to_string(&mut heard).unwrap();
    assert!(heard.contains("canceling statement due to user request"), "{heard}");
}

#[test]
fn hostile_clients_are_turned_away() {
    let upstream = Upstream::start(true);
    let proxy = Proxy::start(upstream.folder.path(), &["--patience", "2", "--route", &upstream.route()]);

    // Slow ones, all the while: a byte now and then, in clear and inside a TLS record.
    let slow = startup_message(PROTOCOL_3_0, [("user", "x".repeat(9000).as_str())]).unwrap();
    let record = [&[0x16, 3, 1, 0x3F, 0xFF][..], &[0; 9000]].concat();
    let sloths: Vec<_> = [(false, slow), (true, record)]
        .map(|(tls, bytes)| {
            let mut client = proxy.dial();
            thread::spawn(move || {
                if tls {
                    client.write_all(&SSL_REQUEST).unwrap();
                    client.read_exact(&mut [0]).unwrap();
                }
                let start = Instant::now();
                for byte in bytes {
                    thread::sleep(PAUSE);
                    if client.write_all(&[byte]).is_err() {
                        return true;
                    }
                    if start.elapsed() > PATIENCE {
                        break;
                    }
                }
                false
            })
        })
        .into();

    let startup = startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap();
    let oversized = [&20_000u32.to_be_bytes()[..], &PROTOCOL_3_0.to_be_bytes(), &vec![b'x'; 19_992]].concat();
    for (what, bytes) in [
        ("bytes in clear behind an SSLRequest", [&SSL_REQUEST[..], b"x"].concat()),
        ("a ClientHello behind an SSLRequest", [&SSL_REQUEST[..], &[0x16, 3, 1, 0, 1]].concat()),
        ("two SSLRequests", [SSL_REQUEST, SSL_REQUEST].concat()),
        ("an oversized packet", oversized),
        ("a length that makes no sense", [0xFF; 8].to_vec()),
        ("a packet shorter than its code", vec![0, 0, 0, 4]),
        ("no protocol", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("protocol 2", [&8u32.to_be_bytes()[..], &0x0002_0000u32.to_be_bytes()].concat()),
        ("a session in clear", startup.clone()),
        (
            "a cancel key that was never given",
            [&16u32.to_be_bytes()[..], &[4, 0xD2, 0x16, 0x2E], &[0; 8]].concat(),
        ),
        ("garbage for a ClientHello", [&[0x16, 3, 1, 0, 4][..], b"abcd"].concat()),
    ] {
        let mut client = proxy.dial();
        client.write_all(&bytes).unwrap();
        let mut heard = Vec::new();
        // An end in order or a reset: what was not read makes the one into the other.
        let _ = client.read_to_end(&mut heard);
        assert!(heard.first().is_none_or(|kind| matches!(kind, b'E' | 0x15)), "{what}: {heard:?}");
    }
    let no_alpn = proxy.tls(None, &startup);
    assert!(no_alpn.is_none_or(|heard| heard.is_empty()), "direct TLS without ALPN");

    // Meanwhile honest ones are served.
    let conninfo = proxy.conninfo();
    let ended = output(example("minimal").arg(&conninfo), LIMIT);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "ssl: SELECT 1 is 1\n");
    for sloth in sloths {
        assert!(sloth.join().unwrap(), "a slow client was waited for");
    }
    assert_eq!(upstream.connections(), 1, "nobody else has reached a server");
}

/// What is held for a client whose server does not read is bounded: the client has to wait.
#[test]
fn a_server_that_does_not_read_stops_its_client() {
    let upstream = Upstream::start(false);
    let proxy = Proxy::start(upstream.folder.path(), &["--route", &upstream.route()]);
    let mut session = proxy.session();
    session.get_ref().set_write_timeout(Some(Duration::from_secs(3))).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut taken = 0;
    while taken < MUCH && session.write_all(&piece).is_ok() {
        taken += piece.len();
    }
    assert!(taken < MUCH, "the proxy takes without end");
    if let Some(memory) = proxy.peak_memory() {
        assert!(memory < 64 * 1024, "{memory} KiB for one session");
    }
}

#[test]
fn a_thousand_sessions_at_once() {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < 3 * CROWD as u64) {
        return skip("a thousand sessions", "this machine has too few sockets");
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let upstream = Upstream::start(true);
    let proxy = Proxy::start(upstream.folder.path(), &["--patience", "100", "--route", &upstream.route()]);
    let ended = output(example("event_loop").arg(proxy.conninfo()).arg(CROWD.to_string()), LIMIT);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let expected = format!("{CROWD} sessions at once\n{CROWD} times ssl: SELECT 1 is 1\n");
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(upstream.connections(), CROWD);
    if let Some(memory) = proxy.peak_memory() {
        assert!(memory < CROWD_MEMORY, "{memory} KiB for {CROWD} sessions");
    }
}

/// The proxy, ended when dropped.
struct Proxy {
    child: Child,
    port: u16,
    folder: String,
}

impl Proxy {
    /// With the certificate of this folder.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let folder = folder.to_str().unwrap().to_owned();
        let mut command = example("proxy");
        command.args(["--listen", "127.0.0.1:0"]);
        command.args(["--cert", &format!("{folder}/server.crt"), "--key", &format!("{folder}/server.key")]);
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit_once(':').unwrap_or_else(|| panic!("the proxy said {line:?}")).1;
        Self { child, port: port.parse().unwrap(), folder }
    }

    fn conninfo(&self) -> String {
        format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=d user=me sslmode=verify-full sslrootcert={}/root.crt",
            self.port, self.folder
        )
    }

    fn dial(&self) -> TcpStream {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        tcp
    }

    /// A direct TLS connection on which this is sent: what comes back; `None` if there was no TLS session.
    fn tls(&self, alpn: Option<&[u8]>, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut tls = connector(alpn).connect("localhost", self.dial()).ok()?;
        let mut heard = Vec::new();
        let _ = tls.write_all(bytes);
        let _ = tls.read_to_end(&mut heard);
        Some(heard)
    }

    /// A session, up to ReadyForQuery.
    fn session(&self) -> SslStream<TcpStream> {
        let alpn = [&[10], ALPN_POSTGRESQL].concat();
        let mut tls = connector(Some(&alpn)).connect("localhost", self.dial()).unwrap();
        tls.write_all(&startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap()).unwrap();
        let mut greeting = vec![0; GREETING.len()];
        tls.read_exact(&mut greeting).unwrap();
        assert_eq!(greeting.first_chunk(), Some(b"R\0\0\0\x08\0\0\0\0K"));
        assert_ne!(greeting, GREETING, "the key is the proxy's own");
        tls
    }

    /// The most memory that the proxy ever had, in KiB, where the operating system says so.
    fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn connector(alpn: Option<&[u8]>) -> SslConnector {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    if let Some(alpn) = alpn {
        builder.set_alpn_protos(alpn).unwrap();
    }
    builder.build()
}

/// AuthenticationOk, BackendKeyData, ReadyForQuery.
const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x2a\xDE\xAD\xBE\xEFZ\0\0\0\x05I";
/// DataRow, CommandComplete, ReadyForQuery.
const ANSWER: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x011C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";

/// A server without TLS that greets everybody, and answers every query with 1 or reads nothing any more.
struct Upstream {
    port: u16,
    folder: tempfile::TempDir,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Upstream {
    fn start(reads: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        crate::support::postgres::write_certificates(folder.path());
        let count = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let upstream = Self { port: listener.local_addr().unwrap().port(), folder, count: count.clone() };
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let small = thread::Builder::new().stack_size(128 * 1024);
                small.spawn(move || serve(client, reads)).unwrap();
            }
        });
        upstream
    }

    fn route(&self) -> String {
        format!("*=host=127.0.0.1 port={} sslmode=disable", self.port)
    }

    fn connections(&self) -> usize {
        self.count.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Ends with its client, or when nothing was heard of it for too long.
fn serve(mut client: TcpStream, reads: bool) -> Option<()> {
    client.set_read_timeout(Some(LIMIT)).ok()?;
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut packet = vec![0; u32::from_be_bytes(length).checked_sub(4)? as usize];
    client.read_exact(&mut packet).ok()?;
    client.write_all(GREETING).ok()?;
    if !reads {
        // Until the test is over; the thread ends with its process.
        thread::sleep(PATIENCE);
        return client.shutdown(Shutdown::Both).ok();
    }
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head).ok()?;
        let [kind, length @ ..] = head;
        let mut body = vec![0; u32::from_be_bytes(length).checked_sub(4)? as usize];
        client.read_exact(&mut body).ok()?;
        match kind {
            b'Q' => client.write_all(ANSWER).ok()?,
            _ => return None,
        }
    }
}
