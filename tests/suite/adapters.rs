//! The adapters on real sockets, all of them by the same tests: honest servers, hostile ones, and connections that somebody
//! else has opened.

mod adapter;
mod at_hand;
mod cancel;
mod goodbye;
mod hostile;
mod login;
mod observer;
mod peer;
mod predialled;
mod proof;
mod startup;
mod tls;
#[cfg(unix)]
mod unix;

use std::{panic::resume_unwind, sync::mpsc, thread, time::Duration};

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
