//! The server of the tests, which is set up anew from row to row.

use super::pki;
use crate::support::cluster::Cluster;
use std::path::{Path, PathBuf};

/// One line for each command.
const COMMANDS: &str = "\
CREATE ROLE ssltestuser LOGIN
CREATE ROLE anotheruser LOGIN
CREATE ROLE yetanotheruser LOGIN
CREATE DATABASE trustdb
CREATE DATABASE certdb
CREATE DATABASE certdb_dn
CREATE DATABASE certdb_dn_re
CREATE DATABASE certdb_cn
CREATE DATABASE verifydb
";

/// How each database lets people in. There is no line for connections without TLS.
const HBA: &str = "\
hostssl trustdb      all            127.0.0.1/32 trust
hostssl verifydb     ssltestuser    127.0.0.1/32 trust clientcert=verify-full
hostssl verifydb     anotheruser    127.0.0.1/32 trust clientcert=verify-full
hostssl verifydb     yetanotheruser 127.0.0.1/32 trust clientcert=verify-ca
hostssl certdb       all            127.0.0.1/32 cert
hostssl certdb_dn    all            127.0.0.1/32 cert clientname=DN map=dn
hostssl certdb_dn_re all            127.0.0.1/32 cert clientname=DN map=dnre
hostssl certdb_cn    all            127.0.0.1/32 cert map=cn
";

/// Which names in certificates are which users.
const IDENT: &str = "\
dn   \"CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG\" ssltestuser
dnre \"/^.*OU=Testing,.*$\"                                 ssltestuser
cn   ssltestuser-dn                                       ssltestuser
";

/// The passphrase of the one key of a server that has one.
const PASSPHRASE: &str = "secret1";

/// A server, and the folder that its clients live and work in.
pub(super) struct Server {
    cluster: Cluster,
    home: PathBuf,
    /// In the words of the table.
    set_up: Option<String>,
}

impl Server {
    /// `None`, after a visible word, where PostgreSQL is not installed.
    #[track_caller]
    pub(super) fn make() -> Option<Self> {
        let cluster = Cluster::make(COMMANDS)?;
        cluster.configure("pg_hba.conf", HBA);
        cluster.configure("pg_ident.conf", IDENT);
        let home = pki::write(&cluster);
        Some(Self { cluster, home, set_up: None })
    }

    pub(super) fn port(&self) -> u16 {
        self.cluster.port()
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// What happens, and what the server writes about it. A client that was refused may end before the server has said why
    /// in its log; what is looked for there is about those that were let in.
    pub(super) fn watch<T>(&self, action: impl FnOnce() -> T) -> (T, String) {
        let before = self.cluster.log().len();
        let result = action();
        (result, self.cluster.log().split_off(before))
    }

    /// Sets the server up as the table says; nothing happens when it is so already.
    pub(super) fn set_up(&mut self, words: &str) {
        if self.set_up.as_deref() == Some(words) {
            return;
        }
        self.cluster.configure("test.conf", &settings(words));
        if self.set_up.is_none() || words.split(' ').any(|word| word == "restart") {
            self.cluster.start();
        } else {
            let ((), log) = self.watch(|| self.cluster.reload());
            assert!(!log.contains("SSL configuration was not reloaded"), "{words}: {log}");
        }
        self.set_up = Some(words.to_owned());
    }
}

/// The settings of a server.
fn settings(words: &str) -> String {
    let mut words = words.split(' ');
    let certificate = words.next().unwrap();
    let mut served = format!("{certificate}.crt");
    let mut key = format!("{certificate}.key");
    let (mut authorities, mut list_directory, mut asks_again) = ("root+client_ca.crt", None, false);
    for word in words {
        match word.split_once('=') {
            None if word == "chain" => served = format!("{certificate}+server_ca.crt"),
            None if word == "restart" => {}
            Some(("key", file)) => file.clone_into(&mut key),
            Some(("ca", file)) => authorities = file,
            Some(("crldir", folder)) => list_directory = Some(folder),
            Some(("passphrase", "reload")) => asks_again = true,
            _ => panic!("a server cannot be {word}"),
        }
    }
    let file = |name: &str| if name.is_empty() { String::new() } else { format!("../ssl/{name}") };
    let on = |on| if on { "on" } else { "off" };
    format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{}'\n\
         ssl_crl_file = '../ssl/root+client.crl'\nssl_crl_dir = '{}'\n\
         ssl_passphrase_command = 'echo {PASSPHRASE}'\nssl_passphrase_command_supports_reload = {}\n",
        file(&served),
        file(&key),
        file(authorities),
        file(list_directory.unwrap_or_default()),
        on(asks_again),
    )
}
