//! The clients that people use, as far as they are installed here.

use super::{Client, printed, warm::Warm};
use crate::workspace::Workspace;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A Python that has the Python drivers.
const PYTHON: &str = "PGTLS_CONFORMANCE_PYTHON";
/// A folder `node_modules` that has node's.
const NODE_PATH: &str = "PGTLS_CONFORMANCE_NODE_PATH";
/// A libpq of version 18, such as psycopg's wheel brings. Other users must be able to read it.
const LIBPQ: &str = "PGTLS_CONFORMANCE_LIBPQ";
/// Where the sources of the clients lie.
const DRIVERS: &str = "tests/drivers";

/// Those that are installed; what is missing is told.
pub(super) fn installed(workspace: &Workspace, pgtls: &Path) -> Vec<Client> {
    let mut found = vec![];
    let mut add = |what: &str, client: Option<Client>| match client {
        Some(client) => found.push(client),
        None => println!("skipped {what}"),
    };
    add("psql: it is not installed, or of a version that was not recorded", psql());
    add(&format!("libpq 18: {LIBPQ} names none"), libpq(workspace));
    for adapter in ["std", "tokio", "async-std"] {
        add("pgtls", Some(ourselves(pgtls, adapter)));
    }
    let python = env::var(PYTHON).ok();
    // pg8000 offers no protocol by ALPN, and libpq 15 neither.
    for (module, libpq) in [("psycopg", "18"), ("asyncpg", "18"), ("pg8000", "15")] {
        let client = python.as_ref().and_then(|python| python_client(workspace, python, module, libpq));
        add(&format!("{module}: the Python of {PYTHON} does not have it"), client);
    }
    add(&format!("node pg: the folder of {NODE_PATH} does not have it"), node(workspace));
    // sqlx offers no protocol by ALPN, and libpq 15 neither.
    let rust_drivers = [("tokio-postgres-rustls", "tokio_postgres_rustls", "18"), ("sqlx", "sqlx", "15")];
    for (package, binary, libpq) in rust_drivers {
        add(&format!("{package}: it does not build"), rust(workspace, package, binary, libpq));
    }
    found
}

fn script(workspace: &Workspace, name: &str) -> String {
    workspace.root.join(DRIVERS).join(name).display().to_string()
}

/// The program itself; what a distribution puts before it sets variables.
fn psql() -> Option<Client> {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let beside = folders.map(|folder| folder.path().join("bin/psql").display().to_string());
    beside.chain(["psql".to_owned()]).find_map(|psql| {
        let version = printed(Command::new(&psql).arg("--version"))?;
        let number = version.split_whitespace().nth(2)?.to_owned();
        let libpq = match number.split('.').next()? {
            "15" => "15",
            "18" => "18",
            _ => return None,
        };
        let command = format!("{psql} --no-psqlrc --no-password --command '' {{conninfo}}");
        // Distributions build it with GSSAPI.
        Some(Client { name: format!("psql {number}"), command, libpq, slow: false, gss: true, _warm: None })
    })
}

fn libpq(workspace: &Workspace) -> Option<Client> {
    let library = env::var(LIBPQ).ok().filter(|library| Path::new(library).is_file())?;
    let code = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).PQlibVersion())";
    let number: u32 = printed(Command::new("python3").args(["-c", code, &library]))?.parse().ok()?;
    let (major, minor) = (number.checked_div(10_000)?, number.checked_rem(10_000)?);
    (major == 18).then(|| Client {
        name: format!("libpq {major}.{minor}"),
        command: format!(
            "/usr/bin/python3 -I -S {} {library} {{conninfo}}",
            script(workspace, "client_libpq.py")
        ),
        libpq: "18",
        slow: false,
        gss: true,
        _warm: None,
    })
}

fn ourselves(pgtls: &Path, adapter: &str) -> Client {
    Client {
        name: format!("pgtls {} ({adapter})", env!("CARGO_PKG_VERSION")),
        command: format!("{} connect --json --adapter {adapter} {{conninfo}}", pgtls.display()),
        libpq: "18",
        slow: false,
        gss: false,
        _warm: None,
    }
}

fn python_client(workspace: &Workspace, python: &str, module: &str, libpq: &'static str) -> Option<Client> {
    let code = format!("import importlib.metadata; print(importlib.metadata.version({module:?}))");
    let version = printed(Command::new(python).args(["-c", &code]))?;
    let warm = Warm::start(python, &workspace.root.join(DRIVERS), &format!("client_{module}.py"), module)?;
    Some(Client {
        name: format!("{module} {version}"),
        command: warm.command(),
        libpq,
        slow: false,
        gss: false,
        _warm: Some(warm),
    })
}

fn node(workspace: &Workspace) -> Option<Client> {
    // It offers a protocol by ALPN with direct TLS alone; libpq 15 offers none.
    let folder = env::var(NODE_PATH).ok()?;
    let code = "console.log(require('pg/package.json').version)";
    let version = printed(Command::new("node").env("NODE_PATH", &folder).args(["-e", code]))?;
    let command = format!("node {} {folder} {{conninfo}}", script(workspace, "client_pg.cjs"));
    Some(Client {
        name: format!("node pg {version}"),
        command,
        libpq: "15",
        slow: true,
        gss: false,
        _warm: None,
    })
}

fn rust(workspace: &Workspace, package: &str, binary: &str, libpq: &'static str) -> Option<Client> {
    let folder = workspace.root.join(DRIVERS).join("rust");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = workspace.root.join("target/drivers");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--bin", binary, "--target-dir"]).arg(&target);
    build.current_dir(&folder);
    build.status().ok().filter(std::process::ExitStatus::success)?;
    let program: PathBuf = target.join("release").join(format!("{binary}{}", env::consts::EXE_SUFFIX));
    let lock: toml::Table = fs::read_to_string(folder.join("Cargo.lock")).ok()?.parse().ok()?;
    let version = lock.get("package")?.as_array()?.iter().find_map(|entry| {
        let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
        text("version").filter(|_| text("name") == Some(package))
    })?;
    let command = format!("{} {{conninfo}}", program.display());
    Some(Client {
        name: format!("{package} {version}"),
        command,
        libpq,
        slow: false,
        gss: false,
        _warm: None,
    })
}
