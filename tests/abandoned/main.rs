//! Connections that are given up at a random moment leave nothing behind: no descriptor, no thread, no task, no memory.
//!
//! The client is a process of its own, in which there is nothing else: this program once more, told by a variable what to
//! do. The servers are here. `PGTLS_ABANDONED` says how many connections, `PGTLS_SEED` which.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod client;
#[path = "../suite/support/patience.rs"]
mod patience;
mod random_abort;
mod resource_usage;
mod server;

use server::Servers;
use std::{
    env,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How many connections in each test, if nobody says so: ten thousand in all.
const CONNECTIONS: usize = 2_500;
/// No machine that works takes longer for one connection, or for all that is there besides.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(120));

/// Where a client finds the servers; its presence makes this process a client.
const TASK: &str = "PGTLS_ABANDONED_TASK";

#[test]
fn on_tokio() {
    test("on_tokio", client::tokio);
}

#[test]
fn with_tokio_postgres() {
    test("with_tokio_postgres", client::tokio_postgres);
}

#[test]
fn on_async_std() {
    test("on_async_std", client::async_std);
}

#[test]
fn on_smol() {
    test("on_smol", client::smol);
}

/// Runs the servers, and the client in a process of its own.
fn test(name: &str, client: fn(&client::Task)) {
    if let Ok(task) = env::var(TASK) {
        return client(&task.parse().unwrap());
    }
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("it is a number"));
    let connections = number("PGTLS_ABANDONED").map_or(CONNECTIONS, |count| count.try_into().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("PGTLS_SEED").unwrap_or(now.as_secs());
    println!("{name}: PGTLS_ABANDONED={connections} PGTLS_SEED={seed}");

    let servers = Servers::start(seed);
    let task = servers.task(connections, seed);
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(TASK, task.to_string());
    command.env("BLOCKING_MAX_THREADS", resource_usage::POOL);
    let limit = PATIENCE.1 + PATIENCE.0 * connections.try_into().unwrap();
    let output = patience::output(&mut command, limit);
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "it has run");
}
