//! What this process holds.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::{
    alloc::System,
    collections::BTreeMap,
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many threads `blocking` may have. They are all the process's, and it keeps them for the next that has work for them.
pub(crate) const POOL: &str = "3";
const POOL_THREAD: &str = "blocking-";

/// How long a runtime may take to let go of what it keeps for a while.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Descriptors by kind and threads by name.
#[derive(Debug)]
pub(crate) struct Held {
    descriptors: BTreeMap<String, usize>,
    threads: BTreeMap<String, usize>,
}

impl PartialEq for Held {
    /// A young thread bears the name of the one that began it, so that the number of threads counts, and no name.
    fn eq(&self, other: &Self) -> bool {
        let threads = |held: &Self| held.threads.values().sum::<usize>();
        self.descriptors == other.descriptors && threads(self) == threads(other)
    }
}

impl Held {
    pub(crate) fn now() -> Self {
        let links = entries("/proc/self/fd").filter_map(|entry| fs::read_link(entry).ok());
        let names =
            entries("/proc/self/task").filter_map(|entry| fs::read_to_string(entry.join("comm")).ok());
        let mut threads = count(names.map(|name| name.trim().to_owned()));
        let pool = threads.remove(POOL_THREAD).unwrap_or_default();
        assert!(pool <= POOL.parse().unwrap(), "{pool} threads that block");
        Self { descriptors: count(links.map(|link| link.display().to_string())), threads }
    }

    /// Waits until no more is held than this, and no task is left.
    #[track_caller]
    pub(crate) fn is_all_again(&self, is_idle: impl Fn() -> bool) {
        let start = Instant::now();
        while Self::now() != *self || !is_idle() {
            assert!(
                start.elapsed() < PATIENCE,
                "{:?} is held where it was {self:?}, idle: {}",
                Self::now(),
                is_idle()
            );
            sleep(PAUSE);
        }
    }
}

/// The bytes on the heap. Those of the C library of cryptography are not counted, but who owns them is a value in Rust.
pub(crate) fn heap() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn entries(folder: &str) -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

/// How many there are of each, whatever numbers they bear.
fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.replace(|c: char| c.is_ascii_digit(), "")).or_default() += 1;
    }
    counts
}
