//! Runs what has a budget, each in a function that callgrind finds by its name, and says in which order.
//!
//! `cargo xtask test budgets` runs it under callgrind, which counts between [`begin`] and [`end`], on all threads, and
//! compares with `tests/data/budgets.tsv`. The server is another process.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be set up has failed")]

mod certificates;
mod connection;
mod core;

use pgtls_bench::{
    cost::{begin, end},
    server::serve_if_asked,
};
use std::{hint::black_box, process, thread, time::Duration};

/// Nothing takes so long on a machine that works.
const DEADLINE: Duration = Duration::from_secs(600);

/// Measures a case. Those that are measured more than once are judged by the median.
fn measure<T>(case: &str, measured: impl FnOnce() -> T) -> T {
    let meter = begin();
    let result = black_box(measured());
    end(&meter);
    println!("{case}");
    result
}

/// Measures what has been done before: the first time pays for the dynamic linker too.
fn measure_again<T>(case: &str, measured: impl Fn() -> T) -> T {
    measured();
    measure(case, measured)
}

fn main() {
    if serve_if_asked().unwrap() {
        return;
    }
    thread::spawn(|| {
        thread::sleep(DEADLINE);
        eprintln!("not done within {} seconds", DEADLINE.as_secs());
        process::exit(1);
    });
    core::measure_all();
    certificates::measure_all();
    connection::measure_all();
}
