//! A real PostgreSQL for one test, with certificates of its own and a user for every way of being let in.

use super::cluster::Cluster;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

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
host      all  manyuser     127.0.0.1/32  scram-sha-256
host      all  slowuser     127.0.0.1/32  scram-sha-256
host      all  slowestuser  127.0.0.1/32  scram-sha-256
";
/// These lines need a server that speaks TLS.
const HBA_TLS: &str = "\
hostssl   all  certuser     127.0.0.1/32  cert
hostssl   all  verifyuser   127.0.0.1/32  trust clientcert=verify-ca
";
const SETTINGS_TLS: &str = "\
ssl = on
ssl_cert_file = '../server.crt'
ssl_key_file = '../server.key'
ssl_ca_file = '../root.crt'
";
/// Every password of this server. That of `manyuser` is hashed in 600,000 iterations.
pub(crate) const PASSWORD: &str = "correct horse";

/// `slowuser` has 100,000 iterations of SCRAM, which is the limit of tokio-postgres, and `slowestuser` one more.
const ROLES: &str = "\
CREATE ROLE anyuser LOGIN
CREATE ROLE ssluser LOGIN
CREATE ROLE nossluser LOGIN
CREATE ROLE rejectuser LOGIN
CREATE ROLE certuser LOGIN
CREATE ROLE verifyuser LOGIN
CREATE ROLE passworduser LOGIN PASSWORD 'correct horse'
CREATE ROLE scramuser LOGIN PASSWORD 'correct horse'
CREATE ROLE manyuser LOGIN PASSWORD 'SCRAM-SHA-256$600000:c2l4dGVlbiBzYWx0IGJ5dA==$y0I5Y8tNd8CmwiIv0J569tZ1HncbxplHEamtBZe0lAM=:yXEAI85SEIoXd8mN7aajXv9nmwJcYUfpGeiCZ8kWSas='
CREATE ROLE slowuser LOGIN PASSWORD 'SCRAM-SHA-256$100000:cGd0bHMgdGVzdCBzYWx0IQ==$786I5KL5RnAhJl5HhMKR55gpNhKYBcHXFoooWrtDET8=:V/QjzmIcsG/qHBreyqI3Xc/uWK+/ZyMi3/MwKKv2mRM='
CREATE ROLE slowestuser LOGIN PASSWORD 'SCRAM-SHA-256$100001:cGd0bHMgdGVzdCBzYWx0IQ==$IGwBP5h0zUfE7LzOHNPeuiIk9r/4KAmJ7+sKTC/5xCo=:zVNyORTkpkvC+Lfp0fWadZtgAtwtxgmbkl12hXfFs3E='
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
    cluster: Cluster,
}

/// What the server's log says about one connection that sent a startup packet.
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
        let mut cluster = Cluster::make(ROLES)?;
        write_certificates(cluster.folder());
        cluster.give(&cluster.path("server.key"));
        match tls {
            Tls::Off => cluster.configure("pg_hba.conf", HBA),
            Tls::On => {
                cluster.configure("pg_hba.conf", &[HBA, HBA_TLS].concat());
                cluster.configure("test.conf", SETTINGS_TLS);
            }
        }
        cluster.start();
        Some(Self { cluster })
    }

    /// The TCP port, and the number in the name of the unix socket.
    pub(crate) fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The major version.
    pub(crate) fn version(&self) -> u32 {
        self.cluster.version()
    }

    /// The folder with the certificates of the clients, and where the unix socket is.
    pub(crate) fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    /// What the log says about the connections made during `action`.
    ///
    /// The server writes these lines before it answers the startup packet, so they are there when the client ends.
    pub(crate) fn watch<T>(&self, action: impl FnOnce() -> T) -> (T, Vec<Seen>) {
        let before = self.cluster.log().len();
        let result = action();
        let log = self.cluster.log();
        (result, log.get(before..).unwrap().lines().filter_map(seen).collect())
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

/// `root.crt` signs `server.crt` (localhost) and `client.crt` (certuser); `other.crt` signs nothing here.
pub(crate) fn write_certificates(folder: &Path) {
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
