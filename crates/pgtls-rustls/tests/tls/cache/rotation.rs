//! Rotation as it is done: what stands on a real disk is replaced while connections are made.

use super::Client;
use crate::memory::{PKI, Server, shake};
use pgtls_conformance::pki::Identity;
use pgtls_os::Disk;
use pgtls_rustls::{BrokenFiles, Cached, clock};
use rustls::{ServerConfig, SignatureScheme, pki_types::CertificateDer};
use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;

const ROTATIONS: usize = 300;
/// Connections at the same time.
const THREADS: usize = 2;
/// After this time nobody thinks that a file may be changed unseen.
const SETTLED: Duration = Duration::from_millis(2_100);
const MOST_TRIES: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(5);

/// The files of a client. What is in `data` is in another folder, to which it is a link.
struct Folder(TempDir);

impl Folder {
    /// `a` and `b` are the same, but for the client's certificate and key.
    fn new(identities: [&Identity; 2]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, identity) in ["a", "b"].into_iter().zip(identities) {
            fs::create_dir_all(folder.at(&format!("{name}/crls"))).unwrap();
            folder.write(&format!("{name}/root"), &root("root"));
            folder.write(&format!("{name}/cert"), &identity.chain_pem());
            folder.write(&format!("{name}/key"), &identity.key_pem());
            folder.write(&format!("{name}/{}", of("root", 0)), &crl("root-empty"));
            folder.write(&format!("{name}/{}", of("inter", 0)), &crl("inter-empty"));
        }
        symlink("a", folder.at("data")).unwrap();
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn conninfo(&self) -> String {
        let data = self.at("data");
        let data = data.display();
        format!(
            "sslmode=verify-ca sslrootcert={data}/root sslcrldir={data}/crls sslcert={data}/cert sslkey={data}/key"
        )
    }

    /// Under another name first.
    fn write(&self, name: &str, content: &str) {
        fs::write(self.at("new"), content).unwrap();
        self.permit("new", 0o600);
        fs::rename(self.at("new"), self.at(name)).unwrap();
    }

    /// Into the file that is there, whose size and time stay what they were.
    fn overwrite(&self, name: &str, content: &str) {
        let mut file = File::options().write(true).open(self.at(name)).unwrap();
        let before = file.metadata().unwrap();
        assert_eq!(before.len(), content.len() as u64);
        file.write_all(content.as_bytes()).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }

    fn point(&self, link: &str, to: &str) {
        symlink(to, self.at("new")).unwrap();
        fs::rename(self.at("new"), self.at(link)).unwrap();
    }

    fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), Permissions::from_mode(mode)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.at(name)).unwrap();
    }
}

/// Of one length, whoever's it is.
fn root(name: &str) -> String {
    format!("{:\n<2000}", PKI.root_file(name).unwrap())
}

/// Where OpenSSL looks for an authority's CRLs.
fn of(authority: &str, number: u32) -> String {
    format!("crls/{:08x}.r{number}", PKI.subject_hash(authority).unwrap())
}

fn crl(name: &str) -> String {
    PKI.crl_file(name).unwrap()
}

/// What comes of a connection to a server whose certificate is fine as long as its issuer has not revoked it.
fn verdict(client: &Client, server: &Arc<ServerConfig>) -> String {
    let session = client.connect_meanwhile(&Disk).connector.session(None);
    match session.and_then(|session| shake(&session, server)) {
        Ok(_) => "trusted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Says at its end that it is over, whatever the end.
#[derive(Default)]
struct Over(AtomicBool);

impl Over {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn at_the_end(&self) -> impl Drop + '_ {
        struct End<'o>(&'o Over);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.0.store(true, Ordering::Relaxed);
            }
        }
        End(self)
    }
}

/// A way to rotate, and what it does to a connection that was trusted.
struct Change {
    what: &'static str,
    make: fn(&Folder),
    undo: fn(&Folder),
    /// Part of what is said.
    after: &'static str,
}

const CHANGES: [Change; 7] = [
    Change {
        what: "a file is replaced by renaming",
        make: |folder| folder.write("data/root", &root("root2")),
        undo: |folder| folder.write("data/root", &root("root")),
        after: "certificate verify failed",
    },
    Change {
        what: "a file is overwritten, and has its size and time of before",
        make: |folder| folder.overwrite("data/root", &root("root2")),
        undo: |folder| folder.overwrite("data/root", &root("root")),
        after: "certificate verify failed",
    },
    Change {
        what: "a file is removed",
        make: |folder| folder.remove("data/root"),
        undo: |folder| folder.write("data/root", &root("root")),
        after: "does not exist",
    },
    Change {
        what: "a link points elsewhere",
        make: |folder| {
            folder.write("b/root", &root("root2"));
            folder.point("data", "b");
        },
        undo: |folder| folder.point("data", "a"),
        after: "certificate verify failed",
    },
    Change {
        what: "a CRL in a folder is replaced by renaming",
        make: |folder| folder.write(&format!("data/{}", of("inter", 0)), &crl("inter")),
        undo: |folder| folder.write(&format!("data/{}", of("inter", 0)), &crl("inter-empty")),
        after: "revoked",
    },
    Change {
        what: "a folder has a CRL less, and more again",
        make: |folder| folder.remove(&format!("data/{}", of("inter", 0))),
        undo: |folder| folder.write(&format!("data/{}", of("inter", 0)), &crl("inter-empty")),
        after: "certificate verify failed",
    },
    Change {
        what: "a key may be read by everybody",
        make: |folder| folder.permit("data/key", 0o644),
        undo: |folder| folder.permit("data/key", 0o600),
        after: "group or world access",
    },
];

#[test]
fn every_change_of_the_disk_is_seen_by_the_next_connection() {
    let server = Server::new("revoked").config();
    thread::scope(|scope| {
        for change in &CHANGES {
            let server = &server;
            scope.spawn(move || check(change, server));
        }
    });
}

fn check(Change { what, make, undo, after }: &Change, server: &Arc<ServerConfig>) {
    let folder = Folder::new([PKI.client("good").unwrap(); 2]);
    let client = Client::new(&folder.conninfo(), BrokenFiles::Fail);
    let over = Over::default();
    thread::scope(|scope| {
        // Others, who see it before or after, and nothing in between.
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !over.is_set() {
                    let verdict = verdict(&client, server);
                    let expected = verdict == "trusted" || verdict.contains(after);
                    assert!(expected || what.contains("overwritten"), "{what}: {verdict}");
                    thread::sleep(PAUSE);
                }
            });
        }
        let _end = over.at_the_end();
        // At first the files are so new that they are read each time.
        for round in ["new", "new", "known"] {
            if round == "known" {
                thread::sleep(SETTLED);
                // What somebody has read before and hands on now is soon forgotten.
                let connector = || client.connect_meanwhile(&Disk).connector;
                let is_kept = (0..MOST_TRIES).any(|_| Arc::ptr_eq(&connector(), &connector()));
                assert!(is_kept, "{what}: the files are read again and again");
            }
            assert_eq!(verdict(&client, server), "trusted", "{what}: {round}");
            make(&folder);
            let changed = verdict(&client, server);
            assert!(changed.contains(after), "{what}: {round}: {changed}");
            if round == "known" {
                thread::sleep(SETTLED);
            }
            undo(&folder);
        }
        assert_eq!(verdict(&client, server), "trusted", "{what}");
    });
}

/// The certificate that would be sent.
fn certificate(cached: &Cached) -> CertificateDer<'static> {
    let session = cached.connector.session(Some("db.test")).unwrap();
    let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256];
    session.config().client_auth_cert_resolver.resolve(&[], &schemes).unwrap().cert[0].clone()
}

fn leaf(identity: &Identity) -> &CertificateDer<'static> {
    &identity.chain()[0]
}

/// Turning a link to another directory changes several files at once.
#[test]
fn under_load_nothing_is_half_old_and_half_new() {
    let identities = ["good", "rsa"].map(|name| PKI.client(name).unwrap());
    let folder = Folder::new(identities);
    // For whom it is a minute later than it is, so that what was changed just now is not read each time.
    let mut client = Client::new(&folder.conninfo(), BrokenFiles::Fail);
    client.options.clock = clock(|| Duration::from_secs(pgtls_os::unix_time() + 60));
    let (over, connections, hits) = (Over::default(), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut before: Option<Cached> = None;
                while !over.is_set() {
                    let cached = client.connect_meanwhile(&Disk);
                    let sent = certificate(&cached);
                    assert!(identities.iter().any(|identity| *leaf(identity) == sent));
                    connections.fetch_add(1, Ordering::Relaxed);
                    let hit = before.is_some_and(|it| Arc::ptr_eq(&it.connector, &cached.connector));
                    hits.fetch_add(usize::from(hit), Ordering::Relaxed);
                    before = Some(cached);
                }
            });
        }
        let _end = over.at_the_end();
        let releases = [("b", identities[1]), ("a", identities[0])].into_iter().cycle();
        for (number, (name, identity)) in releases.take(ROTATIONS).enumerate() {
            folder.point("data", name);
            folder.write(&format!("{name}/root"), &root("root"));
            assert_eq!(certificate(&client.connect_meanwhile(&Disk)), *leaf(identity), "{number}");
        }
    });
    let (connections, hits) = (connections.into_inner(), hits.into_inner());
    println!("{connections} connections, {hits} without reading");
    assert!(connections > THREADS && hits > 0);
}
