//! The adapters on real sockets, all of them by the same tests: those of the kit, which other runtimes run as well, and those
//! that need files or divergences.

mod adapter;
mod login;
mod observer;
mod proof;
mod shape;
mod tls;
mod try_cached;
mod wakeups;

use adapter::{AsyncStd, Smol, Std, Tokio};
use pgtls_conformance::runtime::run;
use std::{panic::resume_unwind, sync::mpsc, thread, time::Duration};

/// The number of the kit's tests, at least: a run of none is no success.
const TESTS: usize = 40;

#[test]
fn kit_on_blocking_sockets() {
    assert!(run::<Std>() >= TESTS);
}

#[test]
fn kit_on_tokio() {
    assert!(run::<Tokio>() >= TESTS);
}

#[test]
fn kit_on_async_std() {
    assert!(run::<AsyncStd>() >= TESTS);
}

#[test]
fn kit_on_smol() {
    assert!(run::<Smol>() >= TESTS);
}

/// No test takes longer on a working machine.
const LONGEST_TEST: Duration = Duration::from_secs(120);

/// Runs a test in a thread of its own, and gives it up when it does not end.
fn within_patience(test: fn()) {
    let (tell, told) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _ends = tell;
        test();
    });
    let ended = told.recv_timeout(LONGEST_TEST) != Err(mpsc::RecvTimeoutError::Timeout);
    assert!(ended, "the test does not end");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic));
}

/// Each of these tests, through each of the adapters.
macro_rules! through_each_adapter {
    ($($test:ident),+ $(,)?) => {
        $crate::adapters::through_each_adapter!(@ blocking Std: $($test),+);
        $crate::adapters::through_each_adapter!(@ tokio Tokio: $($test),+);
        $crate::adapters::through_each_adapter!(@ async_std AsyncStd: $($test),+);
        $crate::adapters::through_each_adapter!(@ smol Smol: $($test),+);
    };
    (@ $module:ident $adapter:ident: $($test:ident),+) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    $crate::adapters::within_patience(super::$test::<$crate::adapters::adapter::$adapter>);
                }
            )+
        }
    };
}
use through_each_adapter;
