//! One contender in a process of its own, so that memory and processor time are its alone:
//! `contender NAME ADDRESS ROOTS CRL|- asked|direct aws-lc-rs|ring TASK...`
//!
//! | task | what is done | what is said |
//! |---|---|---|
//! | `sessions LANES MILLISECONDS` | one session, then some, then twice as many as fit into the time; the second time counts | `first_wall`, `first_cpu`, `count`, `wall`, `cpu` |
//! | `transfer source\|sink BYTES` | a session and so many bytes, and as many again for each line that is read | `bytes`, `wall`, `cpu` |
//! | `idle COUNT` | so many sessions that stay open | `count`, `resident` |
//!
//! What is said is a line of names and values. Times are nanoseconds, memory is bytes. `contender serve FOLDER` is the server.
//! `tests/bench/libpq/client.c` does the same for libpq.

use pgtls_bench::{
    contenders::{self, Contender},
    cost::{Cost, begin, end},
    exchange::Then,
    server::serve_if_asked,
    setup::{Provider, Setup},
};
use std::{env, error::Error, fs, io, process, thread, time::Duration};

/// Sessions that are not counted, so that what is done once has been done.
const WARM_UP: usize = 5;

/// Nothing takes so long on a machine that works.
const DEADLINE: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn Error>> {
    if serve_if_asked()? {
        return Ok(());
    }
    thread::spawn(|| {
        thread::sleep(DEADLINE);
        eprintln!("not done within {} seconds", DEADLINE.as_secs());
        process::exit(1);
    });
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [name, address, roots, crl, request, provider, task @ ..] = arguments.as_slice() else {
        return Err("the head of main.rs tells the arguments".into());
    };
    let setup = Setup {
        address: address.parse()?,
        roots: roots.into(),
        crl: (*crl != "-").then(|| crl.into()),
        direct: *request == "direct",
        provider: if *provider == "ring" { Provider::Ring } else { Provider::AwsLcRs },
    };
    match task {
        ["sessions", lanes, time] => {
            sessions(name, &setup, lanes.parse()?, Duration::from_millis(time.parse()?))
        }
        ["transfer", direction, bytes] => {
            let then = if *direction == "sink" { Then::Sink } else { Then::Source };
            transfer(&*contenders::make(name, &setup)?, then, bytes.parse()?)
        }
        ["idle", count] => idle(&*contenders::make(name, &setup)?, count.parse()?),
        _ => Err("there is no such task".into()),
    }
}

/// A line of names and values.
fn say<const COUNT: usize>(answer: [(&str, u128); COUNT]) {
    println!("{}", answer.map(|(what, value)| format!("{what} {value}")).join(" "));
}

fn sessions(name: &str, setup: &Setup, lanes: usize, time: Duration) -> Result<(), Box<dyn Error>> {
    let first = begin();
    let contender = contenders::make(name, setup)?;
    once(&*contender, 1)?;
    let first = end(&first);
    let each = second(&*contender, 1, WARM_UP)?.wall / u32::try_from(WARM_UP)?;
    let fitting = usize::try_from(time.as_nanos() / each.as_nanos().max(1))?;
    let each = fitting.div_ceil(lanes).max(1);
    let cost = second(&*contender, lanes, each)?;
    say([
        ("first_wall", first.wall.as_nanos()),
        ("first_cpu", first.cpu.as_nanos()),
        ("count", u128::try_from(lanes * each)?),
        ("wall", cost.wall.as_nanos()),
        ("cpu", cost.cpu.as_nanos()),
    ]);
    Ok(())
}

/// What sessions cost the second time, when the threads of a runtime have found their places.
fn second(contender: &dyn Contender, lanes: usize, each: usize) -> io::Result<Cost> {
    let mut costs = Vec::new();
    contender.sessions(lanes, each, &mut |cost| {
        costs.push(cost);
        costs.len() < 2
    })?;
    Ok(costs.pop().unwrap_or_default())
}

/// So many sessions, one after the other.
fn once(contender: &dyn Contender, count: usize) -> io::Result<()> {
    contender.sessions(1, count, &mut |_| false)
}

fn transfer(contender: &dyn Contender, then: Then, bytes: u64) -> Result<(), Box<dyn Error>> {
    let mut lines = io::stdin().lines();
    contender.transfer(then, bytes, &mut |cost| {
        say([("bytes", bytes.into()), ("wall", cost.wall.as_nanos()), ("cpu", cost.cpu.as_nanos())]);
        lines.next().is_some_and(|line| line.is_ok())
    })?;
    Ok(())
}

fn idle(contender: &dyn Contender, count: usize) -> Result<(), Box<dyn Error>> {
    once(contender, WARM_UP)?;
    let before = resident()?;
    let sessions = (0..count).map(|_| contender.connect()).collect::<Result<Vec<_>, _>>()?;
    let after = resident()?;
    say([("count", u128::try_from(sessions.len())?), ("resident", after.saturating_sub(before))]);
    Ok(())
}

/// Memory of this process that is there and not only promised, in bytes.
fn resident() -> Result<u128, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("there is no VmRSS")?;
    let kib: u128 = line.split_whitespace().next().ok_or("VmRSS has no number")?.parse()?;
    Ok(kib * 1024)
}
