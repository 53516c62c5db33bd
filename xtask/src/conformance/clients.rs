//! The clients that people use, as far as they are there.

use super::{cargo, printed, warm::Warm};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// A client as one names it, and how it is found.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) find: fn(&Places) -> Found,
}

/// In the order of the columns.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "psql", find: psql },
    Kind { name: "libpq", find: libpq },
    Kind { name: "pgtls-std", find: |places| ourselves(places, "std") },
    Kind { name: "pgtls-tokio", find: |places| ourselves(places, "tokio") },
    Kind { name: "pgtls-async-std", find: |places| ourselves(places, "async-std") },
    Kind { name: "psycopg", find: |places| python_client(places, "psycopg", "18") },
    Kind { name: "asyncpg", find: |places| python_client(places, "asyncpg", "18") },
    // It offers no protocol by ALPN, and libpq 15 neither.
    Kind { name: "pg8000", find: |places| python_client(places, "pg8000", "15") },
    // It offers one with direct TLS alone.
    Kind { name: "node-pg", find: node },
    Kind {
        name: "tokio-postgres-rustls",
        find: |places| rust(places, "tokio-postgres-rustls", "tokio_postgres_rustls", "18"),
    },
    // It offers no protocol by ALPN either.
    Kind { name: "sqlx", find: |places| rust(places, "sqlx", "sqlx", "15") },
];

/// Result of the search for a client.
pub(super) enum Found {
    There(Client),
    /// The missing part.
    Missing(String),
}

/// A client as it is installed here.
pub(super) struct Client {
    /// As it is called in the table, with its version.
    pub(super) name: String,
    pub(super) command: String,
    pub(super) libpq: &'static str,
    /// Whether it can do GSSAPI.
    pub(super) gss: bool,
    /// What answers its command.
    _warm: Option<Warm>,
}

impl Client {
    fn new(name: String, command: String, libpq: &'static str) -> Self {
        Self { name, command, libpq, gss: false, _warm: None }
    }
}

/// Where things lie.
pub(super) struct Places {
    /// The command that judges, and is judged.
    pub(super) pgtls: PathBuf,
    /// The sources of the clients.
    drivers: PathBuf,
    /// Python's environment.
    pub(super) python: PathBuf,
    /// node's folder, in which it keeps its `node_modules`.
    pub(super) node: PathBuf,
    /// What cargo builds of the Rust drivers.
    target: PathBuf,
}

impl Places {
    pub(super) fn new(root: &Path, pgtls: PathBuf) -> Self {
        let target = root.join("target/drivers");
        let (python, node) = (target.join("python"), target.join("node"));
        Self { pgtls, drivers: root.join("tests/drivers"), python, node, target }
    }

    /// Where the Rust drivers' manifest lies.
    pub(super) fn rust(&self) -> PathBuf {
        self.drivers.join("rust")
    }

    fn script(&self, name: &str) -> String {
        self.drivers.join(name).display().to_string()
    }

    /// The interpreter that has the drivers.
    fn interpreter(&self) -> PathBuf {
        self.python.join("bin/python")
    }
}

/// A Python without drivers. The system's is one that all users may read; the first on the path may be another.
pub(super) fn system_python() -> &'static str {
    const SYSTEM: &str = "/usr/bin/python3";
    if Path::new(SYSTEM).is_file() { SYSTEM } else { "python3" }
}

fn found(client: Option<Client>, lacks: &str) -> Found {
    client.map_or_else(|| Found::Missing(lacks.to_owned()), Found::There)
}

/// The program itself; a distribution's wrapper sets variables.
fn psql(_: &Places) -> Found {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let beside = folders.map(|folder| folder.path().join("bin/psql").display().to_string());
    let client = beside.chain(["psql".to_owned()]).find_map(|psql| {
        let version = printed(Command::new(&psql).arg("--version"))?;
        let number = version.split_whitespace().nth(2)?.to_owned();
        let libpq = match number.split('.').next()? {
            "15" => "15",
            "18" => "18",
            _ => return None,
        };
        let command = format!("{psql} --no-psqlrc --no-password --command '' {{conninfo}}");
        // Distributions build it with GSSAPI.
        Some(Client { gss: true, ..Client::new(format!("psql {number}"), command, libpq) })
    });
    found(client, "there is none of version 15 or 18, which were recorded")
}

/// The libpq that psycopg's wheel brings, without psycopg's Python.
fn libpq(places: &Places) -> Found {
    const FIND: &str = "import glob, importlib.util, os
folder = os.path.dirname(importlib.util.find_spec('psycopg_binary').origin) + '.libs'
print(glob.glob(os.path.join(folder, 'libpq-*'))[0])";
    const ASK: &str = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).PQlibVersion())";
    let client = || {
        let library = printed(Command::new(places.interpreter()).args(["-c", FIND]))?;
        let number: u32 = printed(Command::new(system_python()).args(["-c", ASK, &library]))?.parse().ok()?;
        let (major, minor) = (number.checked_div(10_000)?, number.checked_rem(10_000)?);
        let script = places.script("client_libpq.py");
        let command = format!("{} -I -S {script} {library} {{conninfo}}", system_python());
        (major == 18)
            .then(|| Client { gss: true, ..Client::new(format!("libpq {major}.{minor}"), command, "18") })
    };
    found(client(), "there is no psycopg whose wheel brings libpq 18 (--install fetches it)")
}

fn ourselves(places: &Places, adapter: &str) -> Found {
    let command = format!("{} connect --json --adapter {adapter} {{conninfo}}", places.pgtls.display());
    Found::There(Client::new(format!("pgtls {} ({adapter})", env!("CARGO_PKG_VERSION")), command, "18"))
}

fn python_client(places: &Places, module: &str, libpq: &'static str) -> Found {
    let python = places.interpreter();
    let client = || {
        let code = format!("import importlib.metadata; print(importlib.metadata.version({module:?}))");
        let version = printed(Command::new(&python).args(["-c", &code]))?;
        let warm = Warm::start(&python, &places.drivers, &format!("client_{module}.py"), module)?;
        let client = Client::new(format!("{module} {version}"), warm.command(), libpq);
        Some(Client { _warm: Some(warm), ..client })
    };
    found(client(), "it is not installed (--install fetches it)")
}

fn node(places: &Places) -> Found {
    let folder = places.node.join("node_modules");
    let code = "console.log(require('pg/package.json').version)";
    let version = printed(Command::new("node").env("NODE_PATH", &folder).args(["-e", code]));
    let script = places.script("client_pg.cjs");
    let command = format!("node {script} {} {{conninfo}}", folder.display());
    let client = version.map(|version| Client::new(format!("node pg {version}"), command, "15"));
    found(client, "it is not installed (--install fetches it)")
}

fn rust(places: &Places, package: &str, binary: &str, libpq: &'static str) -> Found {
    let client = || {
        let mut build = cargo();
        build.args(["build", "--quiet", "--release", "--bin", binary, "--target-dir"]).arg(&places.target);
        build.current_dir(places.rust()).status().ok().filter(ExitStatus::success)?;
        let program = places.target.join("release").join(format!("{binary}{}", env::consts::EXE_SUFFIX));
        let lock: toml::Table = fs::read_to_string(places.rust().join("Cargo.lock")).ok()?.parse().ok()?;
        let version = lock.get("package")?.as_array()?.iter().find_map(|entry| {
            let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
            text("version").filter(|_| text("name") == Some(package))
        })?;
        let command = format!("{} {{conninfo}}", program.display());
        Some(Client::new(format!("{package} {version}"), command, libpq))
    };
    found(client(), "it does not build")
}
