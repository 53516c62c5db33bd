//! The crate `pgtls` in projects of its users: the programs of README.md, the features of a project, and its crypto provider.

use crate::support::{
    client::clean_room,
    patience::output,
    postgres::{PASSWORD, Postgres, Tls},
    project::{Project, root},
};
use pgtls_conformance::{
    pki::Pki,
    server::{Script, Server},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

/// No program takes longer on a machine that works.
const LIMIT: Duration = Duration::from_secs(120);

/// The most lines of a program in README.md.
const MOST_LINES: usize = 25;

/// The conninfo of the programs in README.md.
const CONNINFO: &str = "host=db.example.com user=alice sslmode=verify-full";

/// The version of the server in their output.
const VERSION: &str = "18.1";

/// The dependency on the facade with the features that it has by default, and with ring.
const DEFAULT: &str = "[dependencies]\npgtls = { git = \"https://github.com/pgtls/pgtls\" }\n";
const RING: &str = "[dependencies]\npgtls = { git = \"https://github.com/pgtls/pgtls\", \
                    default-features = false, features = [\"blocking\", \"ring\"] }\n";

/// The programs are compiled outside the tree as they stand in README.md, but for the server, and log in with verify-full and
/// SCRAM to a real PostgreSQL. The second is spawned on a runtime of several threads.
#[test]
fn programs_of_the_readme_log_in() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("In a program\n")).unwrap();
    let [blocking, on_tokio] = blocks(section, "toml").try_into().unwrap();
    let [blocking_main, on_tokio_main] = blocks(section, "rust,no_run").try_into().unwrap();
    let [expected] = blocks(section, "text").try_into().unwrap();
    assert_eq!(blocking.lines().count(), 2, "the table and one dependency: {blocking}");

    let Some(server) = Postgres::start(Tls::On) else { return };
    let conninfo = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=scramuser sslmode=verify-full \
         sslrootcert={}/root.crt channel_binding=require",
        server.port(),
        server.folder().display()
    );
    let home = tempfile::tempdir().unwrap();
    for (name, dependencies, main) in
        [("readme-blocking", blocking, blocking_main), ("readme-tokio", on_tokio, on_tokio_main)]
    {
        assert!(main.lines().count() <= MOST_LINES, "{main}");
        assert_eq!(main.matches(CONNINFO).count(), 1, "{main}");
        let program = Project::new(name, &dependencies, &main.replace(CONNINFO, &conninfo)).build();
        let mut command = Command::new(program);
        clean_room(&mut command, home.path()).env("PGPASSWORD", PASSWORD);
        let (ended, seen) = server.watch(|| output(&mut command, LIMIT));
        let said = String::from_utf8(ended.stdout).unwrap();
        let (before, after) = expected.split_once(VERSION).unwrap();
        let version = said.strip_prefix(before).and_then(|said| said.strip_suffix(after));
        assert!(
            version.is_some_and(|version| version.starts_with(&server.version().to_string())),
            "{name}: {said}{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        let seen: Vec<_> = seen.iter().map(|seen| (seen.user.as_str(), seen.accepted, seen.tls)).collect();
        assert_eq!(seen, [("scramuser", true, Some(true))], "{name}");

        // The same program with a wrong password.
        command.env("PGPASSWORD", "wrong");
        let ended = output(&mut command, LIMIT);
        let heard = String::from_utf8(ended.stderr).unwrap();
        assert!(
            !ended.status.success() && heard.contains("password authentication failed"),
            "{name}: {heard}"
        );
    }
}

/// The content of the fenced blocks of this language.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut blocks = markdown.split("```");
    blocks.next();
    let fenced = blocks.step_by(2).filter_map(|block| block.split_once('\n'));
    fenced.filter(|(found, _)| *found == language).map(|(_, text)| text.to_owned()).collect()
}

/// The kit among the dev-dependencies changes no feature of a crate that the project uses, so that the program is tested as it
/// is.
#[test]
fn a_kit_among_the_dev_dependencies_changes_no_feature() {
    const KIT: &str =
        "\n[dev-dependencies]\npgtls-conformance = { git = \"https://github.com/pgtls/pgtls\" }\n";
    const PROPTEST: &str = "\n[dev-dependencies]\npgtls-conformance = { git = \"https://github.com/pgtls/pgtls\", \
                            features = [\"proptest\"] }\n";
    let everything =
        RING.replace("\"ring\"", "\"ring\", \"tokio\", \"async-std\", \"tokio-postgres\", \"serde\"");
    for (consumer, provider) in [(DEFAULT, "aws-lc-rs"), (RING, "ring"), (&everything, "ring")] {
        let without = features(consumer);
        assert_eq!(without["pgtls-rustls"], [provider.to_owned()].into(), "{consumer}");
        for kit in [KIT, PROPTEST] {
            let mut with = features(&[consumer, kit].concat());
            assert!(with.contains_key("pgtls-conformance"), "{consumer}{kit}");
            // The crates that the kit alone brings are not compared.
            with.retain(|name, _| without.contains_key(name));
            assert_eq!(with, without, "{consumer}{kit}");
        }
    }
}

fn features(dependencies: &str) -> BTreeMap<String, BTreeSet<String>> {
    Project::new("features", dependencies, "fn main() {}\n").features()
}

/// Keys that ring lacks, or that both providers refuse, give TLS in `prefer` with each provider.
#[test]
fn each_provider_accepts_the_same_servers() {
    const WITH_DEFAULT: &str = r#"
fn main() -> Result<(), pgtls::Error> {
    let conninfo = std::env::args().nth(1).unwrap_or_default();
    let session = pgtls::blocking::connect(&conninfo)?;
    println!("{}", session.stream.encryption());
    Ok(())
}
"#;
    const WITH_RING: &str = r#"
fn main() -> Result<(), pgtls::Error> {
    let conninfo = std::env::args().nth(1).unwrap_or_default();
    let session = pgtls::blocking::connect(pgtls::ConfigBuilder::new(&conninfo, pgtls::ring()))?;
    println!("{}", session.stream.encryption());
    Ok(())
}
"#;
    let pki = Arc::new(Pki::open());
    let home = tempfile::tempdir().unwrap();
    for (name, dependencies, main) in
        [("consumer-default", DEFAULT, WITH_DEFAULT), ("consumer-ring", RING, WITH_RING)]
    {
        let program = Project::new(name, dependencies, main).build();
        for (certificate, expected) in
            [("good", "ssl\n"), ("key-p521", "ssl\n"), ("key-rsa-1024", "ssl\n"), ("none", "plain\n")]
        {
            let script = match certificate {
                "none" => "[[connection]]\nbase = \"plain-only\"\n".to_owned(),
                certificate => format!("[[connection]]\ncertificate = \"{certificate}\"\n"),
            };
            let server = Server::builder(script.parse::<Script>().unwrap(), pki.clone()).start().unwrap();
            assert_eq!(connect(&program, server.port(), home.path()), expected, "{name} {certificate}");
        }
    }
}

/// The output of a program that connects with `prefer`.
fn connect(program: &Path, port: u16, home: &Path) -> String {
    let mut command = Command::new(program);
    command
        .arg(format!("host=localhost hostaddr=127.0.0.1 port={port} user=zoo dbname=zoodb sslmode=prefer"));
    let ended = output(clean_room(&mut command, home), LIMIT);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}
